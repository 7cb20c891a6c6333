#!/usr/bin/env bats
# What doctor and run say where a sysctl of the host takes something away: only in a machine
# of our own may they be set. Linux 6.1 of Debian has the switch that others never had.
load ../lib/common

teardown_more() {
	sysctl -q -w kernel.unprivileged_userns_clone=1 kernel.pty.max=4096
}

# of CHECK MEMBER
of() {
	jq -r --arg name "$1" --arg member "$2" \
		'.checks[] | select(.name == $name) | .[$member] // ""' doctor.json
}

doctor() { # [COMMAND...] before it
	run "$@" "$AISBX" doctor --json
	printf '%s\n' "$output" >doctor.json
}

check_is() { # CHECK STATE
	[ "$(of "$1" state)" = "$2" ] || {
		echo "$1: want $2: $(cat doctor.json) $stderr" >&2
		return 1
	}
}

@test "an older kernel: what it has less of is limited, and a default run works" {
	doctor
	status_is 0
	check_is landlock limited
	contains "$(of landlock found)" "version 2"
	check_is notification ok
	check_is overlayfs ok
}

@test "a delegated cgroup holds the limits" {
	doctor
	check_is limits ok
	contains "$(of limits found)" "memory, processes, cpus"
	contains "$(of limits details)" "--cpus 0.5: held, for "
	[ -z "$(find "$DELEGATED" -mindepth 1 -type d ! -name caller)" ]
}

@test "kernel.unprivileged_userns_clone=0: an ordinary user has no box, root has" {
	sysctl -q -w kernel.unprivileged_userns_clone=0
	doctor as_user
	status_is 1
	check_is user missing
	[ "$(of user fix)" = "as root: sysctl -w kernel.unprivileged_userns_clone=1" ]
	run as_user "$AISBX" run -- echo it ran
	status_is 125
	output_is ""
	contains "$stderr" "($(of user fix))"
	doctor
	status_is 0
	# And what it says to do helps.
	sysctl -w kernel.unprivileged_userns_clone=1
	doctor as_user
	status_is 0
}

@test "no terminals are left: runs with pipes work" {
	sysctl -q -w kernel.pty.max=0
	doctor
	status_is 0
	[ "$(of terminal state)" != ok ]
	run aisbx run -- echo it ran
	output_is "it ran"
}

@test "user.max_user_namespaces=0 for all" {
	local before
	before=$(sysctl -n user.max_user_namespaces)
	sysctl -q -w user.max_user_namespaces=0
	doctor
	run_status=$status
	local fix
	fix=$(of user fix)
	run aisbx run -- echo it ran
	sysctl -q -w "user.max_user_namespaces=$before"
	[ "$run_status" -eq 1 ]
	status_is 125
	[ "$fix" = "as root: sysctl -w user.max_user_namespaces=65536" ]
	contains "$stderr" "($fix)"
	sh -ec "${fix#as root: }"
	doctor
	status_is 0
}
