#!/usr/bin/env bats
# limits.memory and limits.cpu hold for everything in the box together, however it is spread.
# The programs: limits-hogs.py.
load ../lib/common

setup_more() {
	need python3 jq
	HOGS=$BATS_TEST_DIRNAME/limits-hogs.py
}

hog() { # NAME NUMBER SECONDS OPTION...
	local name=$1 number=$2 seconds=$3
	shift 3
	BOUND=60 run aisbx run --ro "$HOGS" --result r.json --processes 64 --file-size 1G --tmp-size 1G \
		"$@" -- python3 -I "$HOGS" "$name" "$number" "$seconds"
}

outcome() {
	jq -r .outcome r.json
}

held() { # NAME MIB: ended at 64M, and done without the limit
	hog "$1" "$2" 10 -m 64M
	status_is 137
	lacks "$output" done
	contains "$stderr" "memory limit of 64M reached"
	[ "$(outcome)" = memory_limit ]
	[ "$(jq .peak_memory_bytes r.json)" -ge $((64 << 20)) ]
	hog "$1" "$2" 0 -m 2G
	status_is 0
	output_is done
	[ "$(outcome)" = exited ]
}

@test "memory of one process" {
	held one 256
}

@test "memory spread over processes" {
	held many 256
}

@test "memory that was shared until it was written to" {
	held copied 256
}

@test "memory of daemons" {
	held daemons 256
}

@test "memory in huge pages" {
	held huge 256
}

@test "a small limit that is held by looking: no huge pages, and no way to them" {
	run aisbx run --result r.json -m 64M -- sh -c 'grep THP_enabled /proc/self/status'
	[ "$(jq -r .walls.limits.memory r.json)" = supervisor ] || skip "a cgroup holds it"
	output_is $'THP_enabled:\t0'
	run aisbx run --result r.json -m 64M -- python3 -c '
import ctypes
prctl = ctypes.CDLL(None, use_errno=True).prctl
for arguments in (41, 0, 0, 0, 0), (41, 1, 2, 0, 0):
    print(prctl(*map(ctypes.c_ulong, arguments)), ctypes.get_errno())
print(open("/proc/self/status").read().split("THP_enabled:")[1].split()[0])'
	output_is $'-1 1\n-1 1\n0'
	[ "$(jq -c '[.refused[] | .what, .count]' r.json)" = '["prctl",2]' ]
	# With a large one all is as the caller has it.
	run aisbx run -m 1G -- grep THP_enabled /proc/self/status
	output_is "$(grep THP_enabled /proc/self/status)"
}

# A supervisor's threads, as sched(7) has them: 0 for others', 2 for those that go first.
policies() {
	cut -d ' ' -f 41 /proc/"$1"/task/*/stat | sort -u | tr -d '\n'
}

@test "what looks goes first where it may, and not for long" {
	local supervisor
	aisbx run --result r.json -m 64M -- true
	[ "$(jq -r .walls.limits.memory r.json)" = supervisor ] || skip "a cgroup holds it"
	"$AISBX" run -m 64M -- python3 -c '
import time
kept = bytearray(30 << 20)
print(flush=True)
time.sleep(60)' >out 3>&- &
	supervisor=$!
	eventually test -s out
	looks_first() { [ "$(policies $supervisor)" = 02 ]; }
	looks_with_others() { [ "$(policies $supervisor)" = 0 ]; }
	if chrt -r 1 true 2>/dev/null; then
		eventually looks_first
	fi
	eventually looks_with_others
	kill -9 $supervisor
	wait $supervisor || true
}

@test "memory of a process whose first thread has ended" {
	held leaderless 256
}

@test "files in the box's memory: in /tmp, /dev/shm and deleted ones" {
	held private_file 200
	held shm 200
	held deleted 200
}

@test "memfds, open or mapped" {
	held memfd 200
	held memfd_mapped 200
}

@test "shared memory without a name, and System V's" {
	held shared 200
	held system_v 200
}

@test "page tables" {
	held page_tables 200
}

@test "memory of what takes long to measure: the box stands still for it" {
	hog described 400 0 -m 64M --processes 300 --open-files 2100
	status_is 137
	[ "$(outcome)" = memory_limit ]
	[ "$(jq .peak_memory_bytes r.json)" -lt $((128 << 20)) ]
	hog described 400 0 -m 2G --processes 300 --open-files 2100
	output_is done
}

@test "what is only shared is no reason to end a box" {
	hog friendly_copies 64 0.3 -m 64M
	output_is done
	status_is 0
	hog friendly_spawns 64 0.3 -m 64M
	output_is done
	status_is 0
}

@test "a box that may have too much stands still while it is measured, and goes on" {
	hog friendly_stopped 64 0 -m 64M
	output_is done
	[ "$(jq -r .walls.limits.memory r.json)" = supervisor ] || skip "a cgroup holds it"
	hog friendly_still 64 0 -m 64M
	output_is done
}

@test "thousands of processes that share memory: each is looked at" {
	hog friendly_crowd 2300 0.3 --processes 2500 -m 3G
	output_is done
	status_is 0
	[ "$(jq .peak_processes r.json)" -gt 2048 ]
}

burnt() { # NAME: ended at 1s, done without the limit
	hog "$1" 2 1 --cpu 1s
	[ "$status" -gt 128 ] || { echo "status $status: $output $stderr" >&2; return 1; }
	lacks "$output" done
	contains "$stderr" "CPU time limit of 1s reached"
	[ "$(outcome)" = cpu_limit ]
	[ "$(jq .cpu_ms r.json)" -ge 950 ]
	hog "$1" 2 0 --cpu none
	output_is done
	status_is 0
}

@test "processor time of children that were waited for" {
	burnt cpu_children
}

@test "processor time of children that have ended and were not waited for" {
	burnt cpu_ended
}

@test "processor time of processes beside each other" {
	burnt cpu_many
}

@test "processor time of threads" {
	burnt cpu_threads
}

@test "processor time of orphans" {
	burnt cpu_orphans
}

# In the best of five runs: a busy machine looks late, but not each time.
@test "what goes on after SIGXCPU is ended by what it uses, before 50 ms are over" {
	for _ in 1 2 3 4 5; do
		run aisbx run --cpu 1s --result r.json -- python3 -I -c '
import os, signal, time
told = []
signal.signal(signal.SIGXCPU, lambda *_: told.append(time.process_time()))
while True:
    if told: os.write(1, b"%d\n" % (1000 * (time.process_time() - told[0])))'
		status_is 137
		[ "$(outcome)" = cpu_limit ]
		[ "$(tail -n 1 <<<"$output")" -ge 40 ] || return 0
	done
	echo "$(tail -n 1 <<<"$output") ms in the last" >&2
	return 1
}

@test "what reaches its limit while it has time to end for another reason is killed" {
	run aisbx run --cpu 2s -t 1s --grace 30s --result r.json -- sh -c 'trap "" TERM XCPU; while :; do :; done'
	status_is 124
	[ "$(outcome)" = wall_limit ]
	[ "$(jq .cpu_ms r.json)" -lt 2500 ]
}

@test "a program that kills itself has not reached a limit" {
	run aisbx run --result r.json -m 64M --cpu 1s -- sh -c 'kill -9 $$'
	status_is 137
	[ "$(outcome)" = signaled ]
	run aisbx run --result r.json --cpu 10s -- sh -c 'kill -XCPU $$'
	status_is 152
	[ "$(outcome)" = signaled ]
	[ -z "$stderr" ]
}

@test "the result says what holds them" {
	aisbx run --result r.json -- true
	[[ "$(jq -r .walls.limits.memory r.json)" =~ ^(cgroup2|supervisor)$ ]]
	[[ "$(jq -r .walls.limits.cpu r.json)" =~ ^(cgroup2|supervisor)$ ]]
}

# The clock is the supervisor's: it does not wait for what the box or the caller makes it wait for.
# Upper bounds here are what would be without that: grace periods added up, or for ever.

@test "the wall limit: a process that waits in the kernel and cannot be killed" {
	need_root
	[ -e /dev/fuse ] || skip "no /dev/fuse"
	cat >run <<-'E'
		mkdir deaf
		python3 "$1" deaf >said 2>&1 & server=$!
		for _ in $(seq 100); do grep -q mounted said && break; sleep 0.05; done
		grep -q mounted said || exit 77
		"$AISBX" run --allow-degraded idmap --ro deaf -t 300ms --grace 200ms --result r.json -- cat deaf/f
		echo status $?
		kill -9 $server
		wait
	E
	run timeout -k 2 30 unshare -m bash run "$BATS_TEST_DIRNAME/limits-fuse.py"
	[ "$status" -ne 77 ] || must_or_skip "no FUSE here: $(cat said)"
	output_is "status 124"
	contains "$stderr" "are not gone yet"
	[ "$(outcome)" = wall_limit ]
	[ "$(jq .peak_processes r.json)" -ge 1 ]
}

@test "the wall limit: a reader of the output that has stalled" {
	"$AISBX" run -t 300ms --grace 200ms --max-output 1G --result r.json -- yes 2>/dev/null 3>&- |
		{ eventually test -e r.json && echo ended >seen; cat >/dev/null; }
	[ "$(cat seen)" = ended ]
	[ "$(outcome)" = wall_limit ]
}

# The pipe whose reader has stalled is also what aisbx writes its own lines to.
@test "the wall limit: a reader of all that is written has stalled" {
	BOUND=10 run python3 -c '
import os, subprocess, sys, time
def fill(fd):
    os.set_blocking(fd, False)
    try:
        while True: os.write(fd, bytes(4096))
    except BlockingIOError:
        os.set_blocking(fd, True)
def run(*words, ends=None, **pipes):
    begin = time.monotonic()
    child = subprocess.Popen([os.environ["AISBX"], "run", *words], **pipes)
    if ends:
        time.sleep(0.5)
        child.terminate()
    print(child.wait(timeout=8 * int(os.environ["AISBX_TEST_PATIENCE"])), end=" ")
    print(open("r.json").read().count("wall_limit") if os.path.exists("r.json") else "-")
r, w = os.pipe()
run("-t", "300ms", "--grace", "200ms", "--result", "r.json", "--", "yes", stdout=w, stderr=w)
os.remove("r.json")
r, w = os.pipe()
fill(w)
run("-t", "300ms", "--result", "r.json", "--", "sleep", "20", stderr=w)
os.remove("r.json")
# Without a limit, a signal ends the wait, and the status is the command'"'"'s.
run("-t", "none", "--", "sh", "-c", "unshare -U 2>/dev/null; exit 3", ends=True, stderr=w)
# Nor does the reader of the result hold the run up.
run("--result", "fd:%d" % w, "--", "true", pass_fds=[w], stderr=subprocess.DEVNULL)'
	status_is 0
	output_is "124 1
124 1
3 -
0 -"
}

@test "the wall limit: what is stopped, and what ignores signals" {
	run aisbx run -t 300ms --grace 100ms --result r.json -- sh -c 'kill -STOP $$'
	status_is 124
	# The signal that asks it to end goes on to what can end by it.
	BOUND=20 run aisbx run -t 300ms --grace 1h --result r.json -- sh -c 'kill -STOP $$'
	[ "$(jq .wall_ms r.json)" -lt 15000 ]
	run aisbx run -t 300ms --grace 100ms --result r.json -- python3 -c '
import os, signal, time
for n in range(1, 64):
    if n not in (9, 19, 32, 33): signal.signal(n, signal.SIG_IGN)
for _ in range(5): os.fork() or os.setsid()
time.sleep(60)'
	status_is 124
	[ "$(outcome)" = wall_limit ]
}

# Of an ordinary user's, when root owns the program: its memory shows in no file but stat.
@test "memory of a program that may be executed and not read" {
	need_root
	local dir
	unreadable python3
	run as_user timeout 60 "$AISBX" run --ro "$dir" --ro "$HOGS" --result fd:2 -m 64M \
		-- "$dir/python3" -I "$HOGS" one 256 10
	cd "$T"
	rm -rf "$dir"
	status_is 137
	contains "$stderr" '"outcome":"memory_limit"'
}
