#!/usr/bin/env bats
# On port 443 only TLS for the granted name goes on. Scenarios: net-tls.py.
load ../lib/common

attack() {
	timeout -k 2 250 "$LIB/world" "$BATS_TEST_DIRNAME/net-tls.py" "$@"
}

@test "hellos that must pass: fragments, GREASE, ECH, 64 KiB, mixed case" {
	attack good_hellos
}

@test "hellos that must not, and the grant that lets them through" {
	attack bad_hellos
}

@test "half a hello, and hundreds that come slowly" {
	attack half_a_hello
}

@test "urgent data is not hidden from the check" {
	attack urgent_data
}

@test "another granted name's address, another name of a wildcard" {
	attack fronting
}

@test "a granted address" {
	attack literal_on_443
}
