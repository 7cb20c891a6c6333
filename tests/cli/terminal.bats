#!/usr/bin/env bats
# A run whose stdin is a terminal has one of its own. The scenarios are in
# ../lib/terminal.py, which plays the person at the keyboard.
load ../lib/common

scenario() {
	need python3
	timeout -k 2 90 python3 "$LIB/terminal.py" "$1"
}

@test "the program's terminal is its own, not the caller's" { scenario own_terminal; }
@test "line editing in bash: erase, arrows, history" { scenario line_editing; }
@test "Ctrl-C and Ctrl-\\ reach the program" { scenario interrupt; }
@test "Ctrl-C in a shell ends its job, not the shell" { scenario interrupt_in_shell; }
@test "Ctrl-Z, jobs, bg and fg in a shell" { scenario job_control; }
@test "Ctrl-D ends the input" { scenario end_of_file; }
@test "the window's size is passed, at the start and when it changes" { scenario resize; }
@test "the caller's terminal is as before: exit, signals, limits, failures" { scenario modes_restored; }
@test "the caller's terminal is as before: SIGKILL of the supervisor" { scenario modes_restored_after_kill; }
@test "no keys can be typed into the caller's terminal (CVE-2017-5226, CVE-2019-10063)" { scenario no_injection; }
@test "stdout that is no terminal stays what it is" { scenario output_elsewhere; }
@test "much output passes whole" { scenario much_output; }
@test "much input passes whole" { scenario much_input; }
@test "a terminal that is hung up ends the run" { scenario hang_up; }
@test "a run in the background does not stop and leaves the terminal alone" { scenario background; }
@test "a run that is stopped gives the terminal back, and takes it again" { scenario stop_outside; }
@test "a run may be continued before it has started" { scenario continued_early; }
@test "the output limit holds on a terminal" { scenario output_limit; }
@test "--keep on a terminal, and beside one" { scenario keep; }
