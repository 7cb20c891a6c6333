#!/usr/bin/env bats
# A box, or who calls it, that asks for too much. Scenarios: net-floods.py.
load ../lib/common

attack() {
	timeout -k 2 250 "$LIB/world" "$BATS_TEST_DIRNAME/net-floods.py" "$@"
}

@test "ten thousand connections: memory is bounded, a neighbour goes on" {
	attack ten_thousand_connections
}

@test "a gigabyte for a host that does not read" {
	attack a_host_that_does_not_read
}

@test "floods of questions and refused connections: the clock holds, lists are bounded" {
	attack questions_and_refusals
}

@test "a broker out of descriptors: what ended is free again" {
	attack out_of_descriptors
}

@test "descriptors that a box keeps in flight cost others nothing" {
	attack descriptors_in_flight
}

@test "more callers of a published port than descriptors" {
	attack published_flood
}
