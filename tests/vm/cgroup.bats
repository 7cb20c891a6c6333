#!/usr/bin/env bats
# cgroup v2 with all controllers, inside the machine of run-vm. DELEGATED is the
# caller's own subtree; the caller is in its leaf "caller".
load ../lib/common

controllers() { # FILE: every controller that limits need is named there
	local name
	for name in cpu io memory pids; do
		contains " $(cat "$1") " " $name "
	done
}

own_cgroup() {
	sed -n 's/^0:://p' /proc/self/cgroup
}

@test "the kernel is the distribution's" {
	[[ $(uname -r) == *-cloud-amd64 ]]
	echo "# Linux $(uname -r)" >&3
}

@test "cgroup2 is the only hierarchy and has the controllers" {
	[ "$(grep -c ' cgroup2 ' /proc/self/mountinfo)" -eq 1 ]
	lacks "$(cat /proc/self/mountinfo)" " - cgroup "
	controllers /sys/fs/cgroup/cgroup.controllers
	controllers /sys/fs/cgroup/cgroup.subtree_control
}

@test "the caller is in a leaf of a subtree that is its own" {
	[ "/sys/fs/cgroup$(own_cgroup)" = "$DELEGATED/caller" ]
	[ "$(stat -c %u "$DELEGATED")" -eq "$(id -u)" ]
	controllers "$DELEGATED/cgroup.controllers"
	controllers "$DELEGATED/cgroup.subtree_control"
}

@test "the caller makes a cgroup there, sets limits, enters it and removes it" {
	local cgroup=$DELEGATED/test-$$ file
	mkdir "$cgroup"
	controllers "$cgroup/cgroup.controllers"
	echo 64M >"$cgroup/memory.max"
	echo 20 >"$cgroup/pids.max"
	echo "50000 100000" >"$cgroup/cpu.max"
	for file in cgroup.kill memory.oom.group memory.peak memory.swap.max; do
		[ -e "$cgroup/$file" ] || echo "# this kernel lacks $file" >&3
	done
	sh -c 'echo $$ >"$1/cgroup.procs" && cat /proc/self/cgroup' sh "$cgroup" >entered
	contains "$(cat entered)" "/test-$$"
	rmdir "$cgroup"
}

@test "an ordinary user changes nothing outside its subtree" {
	need_user
	run sh -c 'echo $$ >/sys/fs/cgroup/cgroup.procs'
	status_is 2
	run mkdir /sys/fs/cgroup/other
	status_is 1
}

# What is left of boxes in the caller's subtree.
leftovers() {
	find "$DELEGATED" -mindepth 1 -type d ! -name caller
}

@test "a box with limits is a cgroup beside the caller's, and leaves nothing there" {
	run box -m 64M --result result.json -- sh -c 'echo in the box'
	status_is 0
	output_is "in the box"
	member_is walls.limits.memory result.json '"cgroup2"'
	[ -z "$(leftovers)" ]
}

@test "memory: a hog ends by the memory limit, which the result says" {
	run box -m 64M --result result.json -- python3 -c 'x = [bytes([i]) * (1 << 20) for i in range(200)]'
	status_is 137
	member_is outcome result.json '"memory_limit"'
	[ -z "$(leftovers)" ]
}

@test "processes: the cgroup holds them, and counts what it refuses" {
	run box --processes 20 --result result.json -- python3 -c '
import os, signal
refused = 0
for _ in range(24):
    try:
        if os.fork() == 0: signal.pause()
    except BlockingIOError: refused += 1
print(refused)'
	status_is 0
	output_is 5
	member_is walls.limits.processes result.json '"cgroup2"'
	[ "$(jq -c .limits_met result.json)" = '[{"limit":"processes","count":5}]' ]
	member_is peak_processes result.json 20
	# Many at once: none of them is refused by anything that does not count.
	run box --processes 40 -t 2s --grace 0s --result result.json -- sh -c 'f() { f | f & }; f; sleep 60'
	status_is 124
	[ "$(jq '.limits_met[0].count > 0 and .peak_processes <= 40' result.json)" = true ]
	run box --processes 1 --result result.json -- true
	[ "$(jq -c '[.outcome, .limits_met[0].limit, .peak_processes]' result.json)" = '["exited","processes",1]' ]
	run box --result result.json -- sh -c '/bin/true; exit 0'
	member_is peak_processes result.json 2
}

@test "disk: what is written to ext4 is looked at, beside the cgroup" {
	mkdir w
	[ "$(stat -f -c %T w)" = ext2/ext3 ]
	run box -m 64M --disk 4M --file-size 1G --rw w --result result.json -- dd if=/dev/zero of="$T/w/big" bs=64k count=16000
	status_is 137
	member_is outcome result.json '"disk_limit"'
	member_is walls.limits.memory result.json '"cgroup2"'
	[ "$(stat -c %s w/big)" -lt $((1000 << 20)) ]
	[ -z "$(leftovers)" ]
	run box -m 64M --disk 64M --rw w --result result.json -- dd if=/dev/zero of="$T/w/big" bs=64k count=64
	status_is 0
	[ "$(jq '.disk_bytes >= 4194304 and .disk_bytes < 5242880' result.json)" = true ]
}

@test "disk: a command that is looked at while it is executed is not taken for one that cannot be" {
	mkdir w
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		run box --disk 4M --rw w -- true
		status_is 0
	done
}

@test "a supervisor that is killed leaves no cgroup" {
	"$AISBX" run -m 64M -- sleep 60 &
	local supervisor=$!
	some_left() { [ -n "$(leftovers)" ]; }
	eventually some_left
	kill -9 $supervisor
	none_left() { [ -z "$(leftovers)" ]; }
	eventually none_left
}
