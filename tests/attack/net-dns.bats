#!/usr/bin/env bats
# Names are no way out, and the box's DNS server stands whatever it is sent.
# Scenarios: net-dns.py.
load ../lib/common

attack() {
	timeout -k 2 250 "$LIB/world" "$BATS_TEST_DIRNAME/net-dns.py" "$@"
}

@test "exfiltration by labels, types, many names: no packet, no query" {
	attack exfiltration
}

@test "malformed packets, silent TCP clients" {
	attack malformed
}

@test "binding the broker's ports, and a granted port before it" {
	attack taking_the_servers_place
}
