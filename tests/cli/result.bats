#!/usr/bin/env bats
# --result: one JSON object that says how the run ended.
load ../lib/common

# Names and types of all members, and what belongs together.
check_result() { # FILE OUTCOME
	python3 - "$1" "$2" <<-'E'
		import json, re, sys
		text = open(sys.argv[1], encoding="utf-8").read()
		assert text.endswith("\n") and text.count("\n") == 1, "one line"
		seen = []
		r = json.loads(text, object_pairs_hook=lambda p: seen.append([k for k, _ in p]) or dict(p))
		for names in seen:
		    assert len(names) == len(set(names)), names
		none = type(None)
		types = {
		    "version": (int,), "run": (str, none), "outcome": (str,), "exit_code": (int, none),
		    "signal": (str, int, none), "error": (dict, none), "profile": (str, none),
		    "profile_sha256": (str, none), "command": (list,), "wall_ms": (int,),
		    "cpu_ms": (int, none), "peak_memory_bytes": (int, none),
		    "peak_processes": (int, none), "limits_met": (list,), "disk_bytes": (int, none), "stdout_bytes": (int, none),
		    "stderr_bytes": (int, none), "stdout_cut_bytes": (int, none),
		    "stdout_cut_at": (int, none), "stderr_cut_bytes": (int, none),
		    "stderr_cut_at": (int, none), "truncated": (bool,), "refused": (list,),
		    "connections": (list,), "walls": (dict, none)}
		for name, kinds in types.items():
		    assert name in r, name
		    assert type(r[name]) in kinds, (name, r[name])
		for stream in "stdout", "stderr":
		    assert (r[stream + "_cut_at"] is None) == (not r[stream + "_cut_bytes"]), stream
		    assert r["truncated"] or not r[stream + "_cut_bytes"], stream
		assert r["version"] == 1
		assert r["outcome"] == sys.argv[2], r["outcome"]
		assert r["outcome"] in ("exited signaled wall_limit cpu_limit memory_limit output_limit disk_limit "
		                        "input_rejected setup_failed").split()
		if r["run"] is not None:
		    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", r["run"]), r["run"]
		if r["profile_sha256"] is not None:
		    assert re.fullmatch("[0-9a-f]{64}", r["profile_sha256"])
		started = r["outcome"] not in ("input_rejected", "setup_failed")
		assert (r["peak_processes"] is not None) == started, "processes"
		if started:
		    assert r["walls"], "walls"
		    w = r["walls"]
		    assert w["namespaces"] == ["user", "mount", "pid", "net", "ipc", "uts", "cgroup"]
		    assert re.fullmatch("[0-9a-f]{64}", w["seccomp_sha256"])
		    assert type(w["landlock_abi"]) is int and w["landlock_abi"] > 0
		    assert type(w["limits"]) is dict and w["degraded"] == []
		    assert r["error"] is None or r["outcome"] != "exited"
		else:
		    assert not r["walls"] or r["walls"]["limits"] == {}, "limits"
		    assert r["error"], "error"
		    assert r["exit_code"] is None and r["signal"] is None
		if r["outcome"] == "exited":
		    assert 0 <= r["exit_code"] <= 255 and r["signal"] is None
		if r["outcome"] == "signaled":
		    assert r["exit_code"] is None and r["signal"] is not None
	E
}

@test "exited" {
	run aisbx run --result r.json -- sh -c 'exit 42'
	status_is 42
	output_is ""
	check_result r.json exited
	member_is exit_code r.json 42
	member_is command r.json '["sh", "-c", "exit 42"]'
	member_is profile r.json '"default"'
}

@test "signaled" {
	run aisbx run --result r.json -- sh -c 'kill -SEGV $$'
	status_is 139
	check_result r.json signaled
	contains "$(member signal r.json)" SEGV
}

@test "an exit status above 128 is no signal" {
	run aisbx run --result r.json -- sh -c 'exit 137'
	status_is 137
	check_result r.json exited
	member_is exit_code r.json 137
}

@test "wall_limit" {
	run aisbx run --result r.json -t 100ms -- sleep 10
	status_is 124
	check_result r.json wall_limit
	[ "$(member wall_ms r.json)" -ge 90 ]
	[ "$(member wall_ms r.json)" -lt 5000 ]
}

@test "cpu_limit" {
	run aisbx run --result r.json --cpu 1s -- sh -c 'while :; do :; done'
	[ "$status" -gt 128 ]
	check_result r.json cpu_limit
	contains "$stderr" "CPU"
	[ "$(member cpu_ms r.json)" -ge 900 ]
}

@test "output_limit" {
	run aisbx run --result r.json --max-output 1000 -- sh -c 'yes >&2'
	[ "$status" -ne 0 ]
	check_result r.json output_limit
	member_is truncated r.json true
	[ "$(member stderr_bytes r.json)" -le 1000 ]
	contains "$stderr" "output limit"
}

@test "disk_limit" {
	[ "$(stat -f -c %T .)" != tmpfs ] || skip "the tests' directory is in memory"
	mkdir w
	run aisbx run --result r.json --audit a.jsonl --rw w --disk 1M -- dd if=/dev/zero of=w/big bs=1M count=3000
	status_is 137
	check_result r.json disk_limit
	[ "$(member disk_bytes r.json)" -gt $((1 << 20)) ]
	member_is signal r.json '"SIGKILL"'
	contains "$(grep '"limit"' a.jsonl)" '"limit":"disk_limit"'
	contains "$stderr" "aisbx: disk limit of 1M reached: the box was ended"
	run aisbx run -q --rw w --disk 1M -- dd if=/dev/zero of=w/big bs=1M count=3000
	status_is 137
	lacks "$stderr" "aisbx:"
	run aisbx run --result r.json --rw w -- sh -c 'echo x >w/x'
	member_is disk_bytes r.json null
}

@test "input_rejected" {
	run aisbx run --result r.json -c $'true \u202e'
	status_is 125
	check_result r.json input_rejected
}

@test "setup_failed: the step and the cause" {
	run aisbx run --result r.json --ro /missing -- true
	status_is 125
	check_result r.json setup_failed
	contains "$(member error r.json)" /missing
}

@test "setup_failed: not found and not executable say so" {
	run aisbx run --result r.json -- no-such-program
	status_is 127
	check_result r.json setup_failed
	contains "$(member error r.json)" no-such-program
	touch plain
	run aisbx run --result r.json --ro "$T" -- ./plain
	status_is 126
	check_result r.json setup_failed
}

@test "a bad profile is setup_failed too" {
	echo 'fils: 1' >p.yaml
	run aisbx run --result r.json -p ./p.yaml -- true
	status_is 125
	check_result r.json setup_failed
	contains "$(member error r.json)" "p.yaml"
}

@test "figures are plausible" {
	run aisbx run --result r.json --max-output 1M -- sh -c \
		'echo 12345; echo 123 >&2; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'
	check_result r.json exited
	member_is stdout_bytes r.json 6
	member_is stderr_bytes r.json 4
	member_is truncated r.json false
	[ "$(member cpu_ms r.json)" -ge 10 ]
	[ "$(member peak_memory_bytes r.json)" -gt 100000 ]
	[ "$(member peak_memory_bytes r.json)" -lt 100000000 ]
}

@test "the profile's checksum is the file's" {
	echo 'extends: [default]' >p.yaml
	run aisbx run --result a.json -p ./p.yaml -- true
	echo 'extends: [default] # changed' >p.yaml
	run aisbx run --result b.json -p ./p.yaml -- true
	[ "$(member profile_sha256 a.json)" != "$(member profile_sha256 b.json)" ]
}

@test "every run has its own id, and they sort by time" {
	run aisbx run --result a.json -- true
	run aisbx run --result b.json -- true
	[[ "$(member run a.json)" < "$(member run b.json)" ]]
}

@test "any argument can be in it: quotes, control characters, bytes that are no text" {
	run aisbx run --result r.json -- true 'a"b\' $'\x01\t\n' $'\xff\xfe' $'é\u202e'
	status_is 0
	check_result r.json exited
	run aisbx run --result r.json -- $'no\xffprogram'
	check_result r.json setup_failed
}

@test "the profile and code are not confused with the command" {
	run aisbx run -p python --result r.json -c 'print(1)' -- x
	check_result r.json exited
	contains "$(member command r.json)" '"python3", "-I"'
	contains "$(member command r.json)" '"x"]'
}

@test "fd:N, and the descriptor does not enter the box" {
	run bash -c '"$AISBX" run --result fd:7 -- ls /proc/self/fd 7>r.json'
	status_is 0
	check_result r.json exited
	lacks "$output" 7
	run bash -c '"$AISBX" run --result fd:7 --ro "$BIN" -- "$BIN/show" 7>r.json'
	lacks "$output" "fd 7"
	run bash -c '"$AISBX" run --result fd:3 -- true 3>&1 >/dev/null | cat >r.json'
	check_result r.json exited
}

@test "fd:N that is closed, read-only or no number: refused, nothing runs" {
	local target
	for target in fd:77 fd: fd:x fd:-1 fd:99999999999999 fd:3x; do
		run aisbx run --rw "$T" --result $target -- touch "$T/ran"
		status_is 125
		contains "$stderr" "aisbx: "
	done
	run bash -c '"$AISBX" run --rw . --result fd:7 -- touch ran 7</etc/passwd'
	status_is 125
	[ ! -e ran ]
}

@test "a result that cannot be written is known before anything runs" {
	mkdir d
	fails_with 125 "" run --rw "$T" --result d -- touch "$T/ran"
	fails_with 125 "" run --rw "$T" --result /nowhere/r.json -- touch "$T/ran"
	need_user
	chmod 500 d
	fails_with 125 "" run --rw "$T" --result d/r.json -- touch "$T/ran"
	[ ! -e ran ]
}

@test "bad usage after --result is in the result: no reader takes an older one for this run's" {
	echo old >r.json
	fails_with 125 "unknown option" run --result r.json --no-such -- true
	check_result r.json setup_failed
	contains "$(member error.message r.json)" "unknown option"
	fails_with 125 "whole machine" run --result r.json --rw / -- true
	check_result r.json setup_failed
}

@test "bad usage before --result too, but never a --result of the command's" {
	local words
	for words in "--no-such" "--no-such value" "--no-such=1" "--memory much" "--json -q" \
		"--ro /a:/b:c --no-such"; do
		echo old >r.json
		fails_with 125 "option" run $words --result r.json -- true
		check_result r.json setup_failed
		echo old >r.json
		fails_with 125 "option" run $words -- true --result r.json
		[ "$(cat r.json)" = old ]
	done
	echo old >r.json
	fails_with 125 "unknown option" run --no-such true --result r.json
	fails_with 125 "not a size" run --memory much true --result r.json
	[ "$(cat r.json)" = old ]
	fails_with 125 "not a size" run --memory much --result=r.json true
	check_result r.json setup_failed
	echo old >r.json
	fails_with 125 /nowhere run --published /nowhere/p.json --result r.json -- true
	check_result r.json setup_failed
}

@test "audit: what was granted and run, also where it is no text" {
	mkdir $'d\xff'
	run aisbx run --ro $'d\xff' --audit a.jsonl -- echo $'\xfe'
	status_is 0
	[ "$(jq -r '.grants[].read' a.jsonl 2>/dev/null | grep -c "^$PWD/d")" -eq 1 ]
	[ "$(jq -r '.command[1] | select(. != null)' a.jsonl)" = $'\ufffd' ]
	[ "$(jq -r .event a.jsonl | tr '\n' ' ')" = "start end " ]
}

@test "audit: a log that cannot be written is told in one line, and nothing runs" {
	mkdir d
	mkfifo fifo
	local log
	for log in d fifo /dev/full /proc/x d/a.jsonl; do
		run timeout 10 "$AISBX" run --rw d --audit $log -- touch d/ran
		status_is 125
		[ "${#stderr_lines[@]}" -eq 1 ]
		contains "$stderr" "aisbx: "
		[ ! -e d/ran ]
	done
	[ ! -s d/a.jsonl ]
}

@test "written atomically: readers see the old one or the new one" {
	echo old >r.json
	ln r.json other
	run aisbx run --result r.json -- true
	check_result r.json exited
	[ "$(cat other)" = old ]
	[ "$(ls | sort | tr '\n' ' ')" = "other r.json " ]
}

@test "a result is no more open to others than the file that it replaces" {
	local mode
	umask 022
	for mode in 600 640 644 666 000; do
		: >r.json
		chmod $mode r.json
		run aisbx run --result r.json -- true
		check_result r.json exited
		printf '%s %s\n' $mode "$(stat -c %a r.json)"
	done >modes
	[ "$(tr '\n' , <modes)" = "600 600,640 640,644 644,666 644,000 600," ]
}

@test "killed while it runs: no half of a result, no temporary file" {
	echo old >r.json
	"$AISBX" run --result r.json -- sh -c 'echo up; sleep 60' >up 3>&- &
	local pid=$!
	eventually grep -q up up
	kill -9 $pid
	wait $pid || true
	[ "$(cat r.json)" = old ]
	[ "$(ls | sort | tr '\n' ' ')" = "r.json up " ]
}

@test "stdout carries the program's output only" {
	run aisbx run -v --timing --result r.json -- printf 'a\0b'
	output_is ab
	run aisbx run --result /dev/stderr -- echo out
	output_is out
	contains "$stderr" '"outcome":"exited"'
	[ -L /dev/stderr ] # the host's link is still one
}

@test "a terminated run says which signal, and that the caller sent it is no limit" {
	"$AISBX" run --result r.json -- sleep 60 3>&- &
	local pid=$!
	eventually test -n "$(box_processes)"
	eventually sh -c "grep -qs sleep /proc/*/comm"
	kill -TERM $pid
	wait $pid || status=$?
	[ "$status" -eq 143 ]
	check_result r.json signaled
}

@test "what the box does to the result's place does not redirect it" {
	mkdir -p out/sub elsewhere
	run aisbx run --rw ./out --result out/sub/r.json -- \
		sh -c 'mv out/sub out/gone; ln -s ../elsewhere out/sub'
	[ -z "$(ls elsewhere)" ]
	rm -rf out
	mkdir out
	BOUND=5 run aisbx run --rw ./out --result out/r.json -- mkfifo out/r.json
	[ "$status" -ne 124 ]
	[ "$status" -ne 137 ]
	rm -rf out
	mkdir out
	mkfifo elsewhere/fifo
	BOUND=5 run aisbx run --rw ./out --result out/r.json -- ln -s ../elsewhere/fifo out/r.json
	[ "$status" -ne 124 ]
	[ "$status" -ne 137 ]
}

@test "degraded walls are named" {
	run aisbx run --allow-degraded keyring --result r.json -- true
	status_is 0
	check_result r.json exited # this host can build it: nothing is degraded
}

@test "a link that a box has planted does not choose the file that is replaced" {
	mkdir -p w elsewhere
	echo keep | tee victim >elsewhere/r.json
	aisbx run --rw w -- sh -c 'ln -s ../victim w/r.json; ln -s ../elsewhere w/dir'
	local file
	for file in w/r.json w/dir/r.json w/dir/new.json; do
		fails_with 125 "lies in the writable grant" run --rw w --result $file -- true
		fails_with 125 "lies in the writable grant" run --rw w -P 0:80 --published $file -- true
	done
	[ "$(cat victim elsewhere/r.json)" = $'keep\nkeep' ]
	[ "$(ls elsewhere)" = r.json ]
	# What is the caller's own is followed, and stays.
	ln -s elsewhere dir
	ln -s dir/r.json mine
	aisbx run --rw w --result mine -- true
	[ -L mine ] && [ -L dir ]
	member_is exit_code elsewhere/r.json 0
	aisbx run --rw w --result dir/new.json -- true
	member_is exit_code elsewhere/new.json 0
}
