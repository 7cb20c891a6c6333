#!/usr/bin/env bats
# Limits that systemd holds, inside the booted machine of run-vm. The caller is in a cgroup
# of root's, where an ordinary user can make none and move nothing out of, as in a login
# session; AISBX_TEST_USER's manager runs.
load ../lib/common

setup_more() {
	export XDG_RUNTIME_DIR=/run/user/$(id -u)
	whose=()
	[ "$CALLER" = root ] || whose=(--user)
}

# Of boxes: cgroups, and units that systemd knows.
leftovers() {
	find /sys/fs/cgroup -type d -name 'aisbx-*'
	systemctl "${whose[@]}" list-units --all --plain --no-legend 'aisbx-*'
}

is_clean() {
	[ -z "$(leftovers)" ]
}

nothing_left() {
	eventually is_clean || {
		leftovers >&2
		return 1
	}
}

backend() { # LIMIT, of result.json
	jq -r ".walls.limits.$1" result.json
}

@test "systemd runs the machine, and the caller's cgroup is root's" {
	[ "$(cat /proc/1/comm)" = systemd ]
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
	contains "$(cat /proc/self/cgroup)" "0::/system.slice/"
	echo "# Linux $(uname -r), $(systemctl --version | head -1)" >&3
}

@test "the limits of a default run, and what else is held without, ask systemd nothing" {
	local faster=cgroup2
	[ "$CALLER" = root ] || faster=supervisor
	run box -m 64M --cpus 2 --result result.json -- true
	status_is 0
	[ "$(backend memory)" = $faster ]
	lacks "$(backend cpus)" systemd
	mkdir alone && cp "$AISBX" alone/ # without what asks systemd
	run alone/aisbx run -m 64M --cpus 2 -- echo ran
	output_is ran
}

@test "a part of a processor is held in a scope, for the whole box" {
	run box --cpus 0.5 -t 4s --grace 0s --result result.json -- sh -c 'while :; do :; done & while :; do :; done'
	status_is 124
	[ "$(backend cpus)" = systemd ]
	[ "$(backend memory)" = systemd ]
	local used wall
	used=$(jq .cpu_ms result.json) wall=$(jq .wall_ms result.json)
	echo "# $used ms of processor time in $wall ms" >&3
	[ "$used" -gt $((wall / 4)) ]
	[ "$used" -lt $((wall * 6 / 10)) ]
	nothing_left
}

@test "memory: a hog in a scope ends by the memory limit, which the result says" {
	run box -m 64M --cpus 1.5 --result result.json -- python3 -c 'x = [bytes([i]) * (1 << 20) for i in range(200)]'
	status_is 137
	member_is outcome result.json '"memory_limit"'
	[ "$(backend memory)" = systemd ]
	[ "$(jq .peak_memory_bytes result.json)" -le $((64 << 20)) ]
	nothing_left
}

@test "processes: the box's processes and threads are bound in a scope" {
	run box --processes 20 --cpus 1.5 --result result.json -- python3 -c '
import os
made = 0
try:
    while made < 100:
        if os.fork() == 0: os._exit(0 * len(os.read(0, 1)))
        made += 1
except BlockingIOError:
    print(made)'
	status_is 0
	output_is 19
	nothing_left
}

@test "where a box may lack /proc, its memory is held in a scope" {
	run box -m 64M --allow-degraded proc --result result.json -- true
	status_is 0
	local want=cgroup2
	[ "$CALLER" = root ] || want=systemd
	[ "$(backend memory)" = $want ]
}

@test "io_weight is held where the controller is passed on, and else refused with the reason" {
	run box --io-weight 50 --result result.json -- true
	if [ "$CALLER" = root ]; then
		status_is 0
		[ "$(backend io_weight)" = systemd ]
	else
		status_is 125
		contains "$stderr" "systemd: its scope lacks the controller: see Delegate= in user@.service"
		run box --io-weight 50 --allow-degraded limits.io_weight --result result.json -- true
		status_is 0
		[ "$(jq -c .walls.degraded result.json)" = '["limits.io_weight"]' ]
	fi
	nothing_left
}

@test "the box sees nothing of where its cgroup is" {
	run box --cpus 1.5 -- cat /proc/self/cgroup
	output_is 0::/
}

@test "doctor says what is held, and what that takes" {
	run "$AISBX" doctor --json
	local details
	details=$(jq -r '.checks[] | select(.name == "limits") | .details[]' <<<"$output")
	echo "$details" | sed -n 's/^\(cgroup\|--\)/# &/p' >&3
	[[ $details =~ "--cpus 0.5: held, for "([0-9]+)\.[0-9]" ms a run" ]]
	[ "${BASH_REMATCH[1]}" -gt 0 ]
	[ "$CALLER" = root ] || contains "$details" "--io-weight 50: wall limits"
	nothing_left
}

@test "the supervisor stays where its caller is" {
	mkfifo ready
	"$AISBX" run --cpus 1.5 -- sh -c 'echo; sleep 60' >ready &
	local supervisor=$!
	read -r <ready
	[ "$(cat "/proc/$supervisor/cgroup")" = "$(cat /proc/self/cgroup)" ]
	contains "$(cat "/proc/$(init_of $supervisor)/cgroup")" ".scope/aisbx-"
	kill $supervisor
	wait $supervisor || true
	nothing_left
}

@test "from a service of the caller's own manager, too" {
	need_user
	run systemd-run --user --quiet --pipe --wait --same-dir -- "$AISBX" run --result result.json -- true
	status_is 0
	[ "$(backend memory)" = cgroup2 ]
	run systemd-run --user --quiet --pipe --wait --same-dir -- "$AISBX" run --cpus 0.5 --result result.json -- true
	status_is 0
	[ "$(backend memory)" = systemd ]
	[ "$(backend cpus)" = systemd ]
	nothing_left
}

@test "several at once" {
	local i
	for i in 1 2 3 4 5; do
		box --cpus 1.5 -m 64M -- echo ran >"out$i" 2>&1 &
	done
	wait
	cat out* >&2
	[ "$(cat out* | sort | uniq -c | tr -s ' ')" = " 5 ran" ]
	nothing_left
}

# Whoever dies: the program that asks systemd while there is one, the supervisor, init.
kill_one() { # WHO DELAY
	"$AISBX" run --cpus 1.5 -- sleep 60 &
	local supervisor=$! victim
	sleep "$2"
	case $1 in
	init) victim=$(init_of $supervisor) ;;
	scope) victim=$(pgrep -P $supervisor -x aisbx-scope) ;;
	esac
	kill -9 ${victim:-$supervisor}
	wait $supervisor
	true
}

@test "whatever is killed, at any moment, neither scope nor cgroup is left" {
	local delay who
	for delay in 0.01 0.02 0.03 0.04 0.05 0.06 0.08 0.1 0.15 0.3; do
		for who in supervisor init scope; do
			kill_one $who $delay 2>/dev/null || true
		done
	done
	eventually no_box_process
	nothing_left
	[ -z "$(pgrep -x aisbx-scope)" ]
}

# The manager is held until one of those that it is to move is dead, and stays unreaped: our
# caller is a reaper that does not reap.
cut_short() { # WHO
	timeout 60 python3 - "$AISBX" "$1" "$(systemctl show -p MainPID --value "user@$(id -u).service")" <<-'E'
		import ctypes, os, signal, subprocess, sys, time
		aisbx, who, manager = sys.argv[1], sys.argv[2], int(sys.argv[3])
		PR_SET_CHILD_SUBREAPER = 36
		assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
		def children(pid):
		    return open(f"/proc/{pid}/task/{pid}/children").read().split()
		os.kill(manager, signal.SIGSTOP)
		try:
		    supervisor = subprocess.Popen([aisbx, "run", "--cpus", "1.5", "--", "true"])
		    asking = []
		    while not asking:
		        asking = [c for c in children(supervisor.pid) if open(f"/proc/{c}/comm").read() == "aisbx-scope\n"]
		    time.sleep(1)
		    os.kill(int(asking[0]) if who == "scope" else supervisor.pid, signal.SIGKILL)
		    time.sleep(0.2)
		finally:
		    os.kill(manager, signal.SIGCONT)
		time.sleep(5)
	E
}

@test "a request that is cut short leaves no scope" {
	need_user
	cut_short supervisor
	nothing_left
	cut_short scope
	nothing_left
}

@test "a manager that does not answer holds nobody up" {
	need_user
	local manager
	manager=$(systemctl show -p MainPID --value "user@$(id -u).service")
	kill -STOP "$manager"
	local begin=$SECONDS
	run box --cpus 0.5 -t 1s -- true
	kill -CONT "$manager"
	status_is 125
	contains "$stderr" "systemd: it does not answer"
	[ $((SECONDS - begin)) -lt 8 ]
	nothing_left
}

@test "without what asks systemd, and beside one that somebody else could have made" {
	mkdir alone && cp "$AISBX" alone/
	run alone/aisbx run --cpus 0.5 -- true
	status_is 125
	contains "$stderr" "limits.cpus"
	contains "$stderr" "systemd: aisbx-scope is not installed"
	printf '#!/bin/sh\ntouch %s/planted\n' "$T" >alone/aisbx-scope
	chmod 775 alone/aisbx-scope
	run alone/aisbx run --cpus 0.5 -- true
	status_is 125
	[ ! -e planted ]
	chmod 755 alone/aisbx-scope # and that it is this one that would have been
	run alone/aisbx run --cpus 0.5 -- true
	[ -e planted ]
}
