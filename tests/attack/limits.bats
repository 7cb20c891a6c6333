#!/usr/bin/env bats
# limits.memory and limits.cpu hold for everything in the box together, however it is spread.
# The programs: limits-hogs.py.
load ../lib/common

setup_more() {
	need python3 jq
	HOGS=$BATS_TEST_DIRNAME/limits-hogs.py
}

hog() { # NAME NUMBER OPTION...
	local name=$1 number=$2
	shift 2
	BOUND=60 run aisbx run --ro "$HOGS" --result r.json --processes 64 --file-size 1G --tmp-size 1G \
		"$@" -- python3 -I "$HOGS" "$name" "$number"
}

outcome() {
	jq -r .outcome r.json
}

held() { # NAME MIB: ended at 64M, and done without the limit
	hog "$1" "$2" -m 64M
	status_is 137
	lacks "$output" done
	contains "$stderr" "memory limit of 64M reached"
	[ "$(outcome)" = memory_limit ]
	[ "$(jq .peak_memory_bytes r.json)" -ge $((64 << 20)) ]
	hog "$1" "$2" -m 2G
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

@test "what is only shared is no reason to end a box" {
	hog friendly_copies 64 -m 64M
	output_is done
	status_is 0
	hog friendly_spawns 64 -m 64M
	output_is done
	status_is 0
}

burnt() { # NAME: ended at 1s, done without the limit
	hog "$1" 2 --cpu 1s
	[ "$status" -gt 128 ]
	lacks "$output" done
	contains "$stderr" "CPU time limit of 1s reached"
	[ "$(outcome)" = cpu_limit ]
	[ "$(jq .cpu_ms r.json)" -ge 950 ]
	hog "$1" 2 --cpu none
	output_is done
	status_is 0
}

@test "processor time of children that were waited for" {
	burnt cpu_children
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
