#!/usr/bin/env bats
# The broker as a target: what it holds, and what becomes of the box without it.
# Scenarios: net-broker.py.
load ../lib/common

attack() {
	timeout -k 2 250 "$LIB/world" "$BATS_TEST_DIRNAME/net-broker.py" "$@"
}

@test "no privilege, capability, file or secret of the caller's is in it" {
	attack isolation
}

@test "calls made in its name open nothing" {
	need_root
	need gdb
	local status=0
	attack opens_nothing || status=$?
	[ $status -ne 77 ] || must_or_skip "gdb cannot call into the broker here"
	[ $status -eq 0 ]
}

@test "the box sees neither it nor a socket of init's" {
	attack unseen_from_the_box
}

@test "killed: the network is gone and nothing else changes" {
	attack killed
}

@test "stopped: the wall limit holds" {
	attack stopped
}

@test "the supervisor killed with connections open: nothing is left" {
	attack supervisor_killed
}

@test "two boxes with the same grants do not meet; what is published is one's own" {
	attack strangers
}
