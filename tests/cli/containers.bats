#!/usr/bin/env bats
# The flags that aisbx(1) and doctor name, in real containers of Podman's. Only where such a one
# can be started at all; of root's, whose are the ones of most build servers.
load ../lib/common

setup_more() {
	need_root
	need jq unshare
	command -v podman >/dev/null || skip "podman is not installed"
	STATE=$(mktemp -d /tmp/aisbx-podman.XXXX) # it takes no path of more than 50 characters
	mkdir -p root/{usr,etc,tmp,proc,dev,sys,run,work}
	local name
	for name in bin sbin lib lib64; do
		ln -s usr/$name root/$name
	done
	echo user:x:1000:1000::/tmp:/bin/sh >root/etc/passwd
	echo nameserver 127.0.0.1 >root/etc/resolv.conf
	touch root/etc/hosts
	chmod 1777 root/tmp
	run container -- true
	[ "$status" -eq 0 ] || skip "podman starts no container here: ${stderr_lines[0]-}"
}

teardown_more() {
	rm -rf "${STATE-}"
}

# container [FLAG...] -- COMMAND...: in mounts of its own, with a cgroup2 that crun understands
# where the host has both versions.
container() {
	local flags=()
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	shift
	timeout -k 2 60 unshare -m sh -c 'mount -t cgroup2 none /sys/fs/cgroup; exec "$@"' sh \
		podman --root "$T/storage" --runroot "$STATE" --storage-driver vfs \
		--cgroup-manager cgroupfs run --rm --network none --cgroups disabled --log-driver none \
		--ulimit "nofile=$(ulimit -Hn)" --ulimit nproc=2000 -v /usr:/usr:ro -v "$BIN:/work:ro" \
		"${flags[@]}" --rootfs "$T/root" "$@"
}

doctor() { # FLAG...
	run container "$@" -- /work/aisbx doctor --json
	printf '%s\n' "$output" >doctor.json
	[ "$(jq -r .place doctor.json)" = podman ]
}

fix() { # CHECK
	jq -r --arg name "$1" '.checks[] | select(.name == $name) | .fix' doctor.json
}

@test "as it comes: no default run works, and the fix is the flags" {
	doctor --user 1000:1000
	status_is 1
	contains "$(fix run)" "--security-opt seccomp=unconfined --security-opt unmask=ALL"
	run container --user 1000:1000 -- /work/aisbx run -- echo it ran
	status_is 125
	lacks "$output" "it ran"
	contains "$stderr$output" "($(fix run))"
}

@test "with the flags a default run works, and one with a network" {
	local flags=(--user 1000:1000 --security-opt seccomp=unconfined)
	doctor "${flags[@]}"
	status_is 1
	contains "$(fix proc)" "unmask=ALL"
	doctor "${flags[@]}" --security-opt unmask=ALL
	status_is 0
	run container "${flags[@]}" --security-opt unmask=ALL -- /work/aisbx run -- echo it ran
	contains "$output" "it ran"
	run container "${flags[@]}" --security-opt "unmask=/proc/*" -- \
		/work/aisbx run --allow-host example.com -- echo it ran
	contains "$output" "it ran"
}

@test "root of a container: told to be another user" {
	doctor --security-opt seccomp=unconfined --security-opt unmask=ALL
	status_is 1
	contains "$(fix run)" "--user 1000:1000"
}
