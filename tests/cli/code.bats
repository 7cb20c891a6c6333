#!/usr/bin/env bats
# Code with -c, --script and on stdin, and the rules for it before it runs.
load ../lib/common

result() { # outcome of the last run with --result r.json
	member outcome r.json
}

@test "-c, --script and stdin run the same code" {
	printf 'echo "code $# $1"; exit 7\n' >code.sh
	run aisbx run -c 'echo "code $# $1"; exit 7' -- one two
	status_is 7
	output_is "code 2 one"
	run aisbx run --script code.sh -- one two
	status_is 7
	output_is "code 2 one"
	run aisbx run <code.sh
	status_is 7
	output_is "code 0 "
	run bash -c 'cat code.sh | timeout 20 "$AISBX" run'
	status_is 7
}

@test "arguments that look like options reach the program" {
	run aisbx run -c 'echo "$*"' -- --version -c -- -p x
	output_is "--version -c -- -p x"
	run aisbx run -p python -c 'import sys; print(sys.argv[1:])' -- -a --b
	output_is "['-a', '--b']"
}

@test "the shipped interpreters" {
	run aisbx run -p python -c 'print(6 * 7)'
	output_is 42
	run aisbx run -p shell -c 'echo $((6 * 7)) ${BASH_VERSION:+bash}'
	output_is "42 bash"
	need node
	run aisbx run -p node -c 'console.log(6 * 7, process.argv.slice(2))' -- x
	output_is "42 [ 'x' ]"
}

@test "python code starts in isolated mode: neither PYTHON* nor the directory decide" {
	echo 'print("planted")' >json.py
	run aisbx run -p python --ro "$T" -e "PYTHONPATH=$T" -c 'import json; print("ok")'
	output_is ok
}

@test "a profile without interpreter takes no code" {
	echo 'extends: [base]' >p.yaml
	fails_with 125 "interpreter" run -p ./p.yaml -c x
	run aisbx run -p ./p.yaml </dev/null
	status_is 125
	contains "$stderr" interpreter
}

@test "stdin as code: the program's stdin is empty" {
	run aisbx run <<<'cat; echo end'
	output_is end
}

@test "-c and --script: the program's stdin is the caller's" {
	run bash -c 'echo typed | timeout 20 "$AISBX" run -c "cat"'
	output_is typed
	echo cat >s.sh
	run bash -c 'echo typed | timeout 20 "$AISBX" run --script s.sh'
	output_is typed
}

@test "the profile and the code cannot both be stdin" {
	run aisbx run -p - <<<'extends: [default]'
	status_is 125
	contains "$stderr" "aisbx: "
}

@test "--script that is missing, a directory, a fifo" {
	mkdir d
	mkfifo f
	fails_with 125 "missing.sh" run --script missing.sh
	fails_with 125 "d" run --script d
	fails_with 125 "f" run --script f
	need_user
	echo true >unreadable
	chmod 000 unreadable
	fails_with 125 "unreadable" run --script unreadable
}

@test "--script may have any name" {
	local name
	for name in "a b" $'new\nline' "-x" "it's" 'a"b' "*"; do
		echo 'echo fine' >"./$name"
		run aisbx run --script "./$name"
		status_is 0
		output_is fine
	done
}

@test "empty code runs and does nothing" {
	run aisbx run -c ''
	status_is 0
	run aisbx run </dev/null
	status_is 0
}

@test "the code is no file that the box can change for later" {
	echo 'echo one; echo "echo two" >"$0"' >s.sh
	run aisbx run --script s.sh
	output_is one
	[ "$(cat s.sh)" = 'echo one; echo "echo two" >"$0"' ]
}

rejected() { # TEXT OPTION...: the code that bad.sh holds
	local text=$1 way
	shift
	for way in script stdin; do
		rm -f ran r.json
		if [ $way = script ]; then
			run aisbx run --rw "$T" --result r.json "$@" --script bad.sh
		else
			run aisbx run --rw "$T" --result r.json "$@" <bad.sh
		fi
		status_is 125
		output_is ""
		[ "${#stderr_lines[@]}" -eq 1 ]
		contains "$stderr" "aisbx: input rejected"
		contains "$stderr" "$text"
		[ "$(result)" = '"input_rejected"' ]
		[ ! -e ran ]
	done
}

@test "input: larger than input.max_size" {
	{ echo "touch $T/ran"; head -c 2M /dev/zero | tr '\0' '#'; } >bad.sh
	rejected "larger than 1M"
	run aisbx run --max-input 4M --script bad.sh
	status_is 0 || status_is 1 # the file system is read-only: the code ran
	printf 'touch %s/ran # 123456789' "$T" >bad.sh
	rejected "larger" --max-input 10
}

@test "input: exactly input.max_size is taken" {
	printf 'true;true\n' >s.sh
	run aisbx run --max-input 10 --script s.sh
	status_is 0
	run aisbx run --max-input 9 --script s.sh
	status_is 125
}

@test "input: not UTF-8" {
	local bytes
	for bytes in '\xff' '\xc0\xaf' '\xed\xa0\x80' '\xf4\x90\x80\x80' '\xe2\x82' '\x80' '\xf8\x88\x80\x80\x80'; do
		printf "touch $T/ran\n# $bytes" >bad.sh
		rejected "UTF-8"
	done
	printf 'echo ran # \xff\n' >s.sh
	run aisbx run --input-encoding any --script s.sh
	output_is ran
}

@test "input: well-formed UTF-8 of every length passes" {
	printf 'echo "é € 😀"\n' >s.sh
	run aisbx run --script s.sh
	output_is "é € 😀"
}

@test "input: NUL bytes" {
	printf "touch $T/ran\n\0" >bad.sh
	rejected "NUL"
}

@test "input: bidirectional control characters (CVE-2021-42574)" {
	local char
	for char in '\u202a' '\u202b' '\u202c' '\u202d' '\u202e' '\u2066' '\u2067' '\u2068' \
		'\u2069' '\u200e' '\u200f' '\u061c'; do
		printf "touch $T/ran # $char" >bad.sh
		rejected "bidirectional"
	done
	rm -f r.json
	run aisbx run --result r.json -c "touch $T/ran # "$'\u202e'
	status_is 125
	[ "$(result)" = '"input_rejected"' ]
}

@test "input: the position of the fault is named" {
	printf 'true\ntrue \xff\n' >bad.sh
	rejected "bad.sh:2:6" 2>/dev/null || {
		run aisbx run --script bad.sh
		contains "$stderr" "bad.sh:2:6"
	}
}

@test "input: check decides before anything runs, in a box with no grants" {
	cat >p.yaml <<-E
		extends: [default]
		files: {write: ["$T"]}
		input: {check: [sh, -c, "ls $T 2>/dev/null && exit 1; cat >/dev/null; touch $T/from-check 2>/dev/null; exit 3"]}
	E
	printf 'touch %s/ran\n' "$T" >bad.sh
	rejected "status 3" -p ./p.yaml
	[ ! -e from-check ]
}

@test "input: check sees the code on stdin and can accept it" {
	run aisbx run --input-check grep --input-check -q --input-check needle -c 'echo needle'
	status_is 0
	output_is needle
	run aisbx run --input-check grep --input-check -q --input-check needle -c 'echo hay'
	status_is 125
	output_is ""
}

@test "input: a check that prints does not pollute stdout" {
	run aisbx run --input-check sh --input-check -c --input-check 'cat; echo noise' -c 'echo out'
	status_is 0
	output_is out
}

@test "input: a check that is missing, killed or too slow rejects or fails, and nothing runs" {
	run aisbx run --rw "$T" --result r.json --input-check no-such-check -c "touch $T/ran"
	status_is 125 # 127 would be about the command
	[ ! -e ran ]
	run aisbx run --rw "$T" --input-check sh --input-check -c --input-check 'kill -9 $$' \
		-c "touch $T/ran"
	status_is 125
	contains "$stderr" "signal"
	run aisbx run --rw "$T" -t 300ms --input-check sleep --input-check 60 -c "touch $T/ran"
	status_is 125
	contains "$stderr" "check 'sleep' reached the wall time limit of 300ms"
	[ ! -e ran ]
}

@test "input: python's ast as check, as in the manual" {
	local check='import ast,sys; ast.parse(sys.stdin.read())'
	run aisbx run -p python --input-check python3 --input-check -c --input-check "$check" \
		-c 'print(1)'
	output_is 1
	run aisbx run -p python --input-check python3 --input-check -c --input-check "$check" \
		-c 'print(1'
	status_is 125
	contains "$stderr" "input rejected"
}
