#!/usr/bin/env bats
# A box with a broker reaches what is granted: no other address in any spelling,
# and no name that leads to one. Scenarios: net-addresses.py.
load ../lib/common

attack() {
	timeout -k 2 250 "$LIB/world" "$BATS_TEST_DIRNAME/net-addresses.py" "$@"
}

@test "raw addresses: IPv4, IPv6, private, metadata in all spellings" {
	attack raw_addresses
}

@test "granted names that resolve to private addresses" {
	attack granted_names_that_lead_to_them
}

@test "an answer of public and private addresses" {
	attack mixed_answers
}

@test "a rebinding DNS server" {
	attack rebinding
}

@test "granted nets do not hold private addresses, nor mapped ones" {
	attack literal_grants
}

@test "UDP, ICMP, raw sockets" {
	attack no_packet_but_tcp
}

@test "stand-in addresses without a name, names at other ports" {
	attack unnamed_stand_ins
}
