#!/usr/bin/env bats
# Attacks on the kernel: namespaces, foreign calls, sockets, keys, and the rest
# of what a program without walls may ask for.
load ../lib/common

teardown_more() {
	[ -z "${key:-}" ] || "$BIN/try" shm_remove "$key" >/dev/null || true
	[ -z "${name:-}" ] || "$BIN/try" mq_remove "$name" >/dev/null || true
}

NEW=(0x10000000 0x00020000 0x02000000 0x04000000 0x08000000 0x20000000 0x40000000)

@test "namespaces cannot be made, by unshare, clone or clone3" {
	local flag
	for flag in "${NEW[@]}"; do
		refused EPERM unshare $flag
		refused EPERM clone $flag
		refused ENOSYS clone3 $flag
	done
	refused EPERM unshare 0x10020000
	refused EPERM unshare 0x100000000000000
	refused EPERM unshare 0x00000080 # time namespace
	refused EPERM clone 0x10000100
	refused ENOSYS clone3 0
	allowed clone 0
	allowed unshare 0x00000400
	outside unshare 0x10000000
	outside clone 0x10000000
	outside clone3 0x10000000
}

@test "the tools for it fail too" {
	local tool
	for tool in "unshare -Ur" "unshare -m" "unshare -n" "nsenter -t 1 -m" "chroot /tmp" "bwrap --ro-bind / /"; do
		run aisbx run -- $tool true
		[ "$status" -ne 0 ]
	done
	run unshare -Ur true
	status_is 0
}

@test "no namespace can be entered" {
	refused EPERM setns
	refused EPERM setns_bad
	need_root
	outside setns
}

@test "calls of another architecture die: int 0x80 and x32" {
	[ "$(uname -m)" = x86_64 ] || skip "about x86-64"
	run box -- "$BIN/try" int80
	status_is 159
	output_is ""
	run box -- "$BIN/try" x32
	status_is 159
	run box --result r.json -- "$BIN/try" int80
	contains "$(member signal r.json)" SYS
	outside int80 || must_or_skip "this kernel has no 32-bit calls"
}

@test "calls that nobody knows yet do not exist" {
	refused ENOSYS unknown
	refused ENOSYS openat2
	outside openat2
}

@test "keyrings" {
	refused EPERM keyctl
	refused EPERM keyctl_session
	refused EPERM add_key
	refused EPERM request_key
	outside keyctl
}

@test "io_uring, bpf, perf, userfaultfd, modify_ldt" {
	refused EPERM io_uring
	refused EPERM bpf
	refused EPERM perf
	refused EPERM userfaultfd
	refused EPERM modify_ldt
	need_root
	outside io_uring
	outside bpf
	outside perf
	outside userfaultfd
}

@test "the host cannot be administered" {
	local attempt
	for attempt in reboot kexec init_module finit_module delete_module swapon swapoff settimeofday \
		clock_settime acct syslog quotactl vhangup iopl sethostname setdomainname; do
		[ "$attempt" != iopl ] || [ "$(uname -m)" = x86_64 ] || continue
		refused EPERM $attempt
	done
	run aisbx run -- hostname other
	[ "$status" -ne 0 ]
	need_root
	[ "$(unshare -u "$BIN/try" sethostname)" = ok ]
	outside syslog
}

@test "a filter of one's own is allowed, being a supervisor is not" {
	allowed own_filter
	refused EPERM listener
	outside listener
}

@test "personalities that weaken a program" {
	refused EPERM personality 0x0040000 # ADDR_NO_RANDOMIZE
	refused EPERM personality 0x0400000 # READ_IMPLIES_EXEC
	allowed personality 0xffffffff
	outside personality 0x0040000
}

socket_kinds() {
	# family type protocol: vsock, alg, packet, raw, raw6, uevent, generic, xfrm, netfilter,
	# bluetooth, can, tipc, rds, xdp, smc, kcm, ax25, ib, phonet, caif, qipcrtr, mctp
	printf '%s\n' "40 1 0" "40 2 0" "38 5 0" "17 3 0" "17 2 0" "2 3 1" "2 3 255" "10 3 58" "16 3 15" \
		"16 3 16" "16 3 6" "16 3 12" "31 3 1" "29 3 1" "30 1 0" "21 5 0" "44 3 0" "43 1 0" \
		"41 2 0" "3 5 0" "27 3 0" "35 2 0" "37 5 0" "42 2 0" "45 2 0"
}

@test "socket families that are not namespaced or not needed" {
	local kind
	while read -r kind; do
		# shellcheck disable=SC2086
		refused EPERM socket $kind
	done < <(socket_kinds)
	# the family in the low 32 bits is what the kernel reads
	refused EPERM socket 0x100000028 1 0
	refused EPERM socketpair 40 1
	refused EPERM socketpair 2 1
	local fine
	for fine in "1 1 0" "1 2 0" "1 5 0" "2 1 0" "2 2 0" "10 1 0" "10 2 0" "16 3 0" "2 1 6" "2 2 17" "2 0x80801 0"; do
		# shellcheck disable=SC2086
		allowed socket $fine
	done
	outside socket 16 3 15
	outside socket 40 1 0 || must_or_skip "this kernel has no vsock"
}

@test "protocols beside TCP and UDP: answered as by a kernel without them" {
	refused EPROTONOSUPPORT socket 2 1 132 # SCTP
	refused EPROTONOSUPPORT socket 2 1 262 # MPTCP
	refused EPROTONOSUPPORT socket 2 2 1   # ping
	refused EPROTONOSUPPORT socket 16 3 9  # audit
}

@test "the caller's terminal cannot be typed into, by whatever number" {
	local request
	for request in 0x5412 0x100005412 0xffffffff00005412 0x541c 0x10000541c 0x5423 0x541d; do
		refused EPERM ioctl $request
	done
	# an ioctl that is not refused says ENOTTY here
	[ "$(box -- "$BIN/try" ioctl 0x5413 </dev/null)" != EPERM ]
}

@test "hard limits cannot be raised, nor other processes' limits set" {
	run box -- sh -c "sleep 30 & $BIN/try prlimit_other \$!; $BIN/try raise_hard"
	output_is $'EPERM\nEPERM'
}

@test "no capability in any set, locked, and no new privileges" {
	run aisbx run -- grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Uid|Gid)' /proc/self/status
	local set
	for set in Inh Prm Eff Bnd Amb; do
		contains "$output" "Cap$set:"$'\t'0000000000000000
	done
	contains "$output" "NoNewPrivs:"$'\t'1
	contains "$output" "Seccomp:"$'\t'2
	lacks "$output" "Uid:"$'\t'0
	refused EPERM capset
	refused EPERM ambient
	refused EPERM securebits
	run aisbx run -- python3 -c 'import ctypes; print(ctypes.CDLL(None).prctl(27, 0, 0, 0, 0))'
	[ $((output & 0xaf)) -eq $((0xaf)) ] || [ $((output & 0x2f)) -eq $((0x2f)) ]
}

@test "no other identity can be taken" {
	refused EINVAL/EPERM setuid 0
	refused EINVAL/EPERM setgid 0
	refused EINVAL/EPERM setuid 12345
	refused EPERM setgroups
	need_root
	outside setuid 12345
}

@test "the identity maps cannot be written" {
	run aisbx run -- sh -c 'echo "0 0 1" >/proc/self/uid_map; echo "0 0 1" >/proc/self/gid_map; echo allow >/proc/self/setgroups; cat /proc/self/uid_map | wc -l'
	output_is 1
	lacks "$stderr" "success"
}

@test "System V and POSIX objects of the host are not there, nor of another box" {
	key=$((0x41000000 + $$ % 65536)) name=/aisbx-test-$$ # teardown_more removes them
	outside shm_make $key
	outside mq_make $name
	refused ENOENT shm_find $key
	refused ENOENT mq_find $name
	run box -- sh -c "$BIN/try shm_make $key; $BIN/try mq_make $name; $BIN/try shm_find $key; $BIN/try mq_find $name"
	# POSIX message queues need a file system that a box does not have: Landlock says no.
	output_is $'ok\nEACCES\nok\nEACCES'
	"$AISBX" run --ro "$BIN" -- sh -c "$BIN/try shm_make 77; $BIN/try mq_make /two; echo up; sleep 60" >up 3>&- &
	local pid=$!
	eventually grep -q up up
	run box -- sh -c "$BIN/try shm_find 77; $BIN/try mq_find /two"
	kill -9 $pid
	wait $pid || true
	output_is $'ENOENT\nENOENT'
}

@test "the cgroup view starts at the box" {
	run aisbx run -- cat /proc/self/cgroup
	lacks "$output" ".slice"
	lacks "$output" docker
	while IFS=: read -r _ _ path; do
		[ "$path" = / ] || { echo "$output" >&2; false; }
	done <<<"$output"
	run aisbx run -- ls /sys/fs/cgroup
	[ "$status" -ne 0 ]
}

@test "syscalls.allow gives back what may be given, and nothing else" {
	BOX_OPTIONS=(--allow-syscall @debug)
	allowed ptrace_traceme
	BOX_OPTIONS=()
	refused EPERM ptrace_traceme
	outside ptrace_traceme
	local call
	for call in mount bpf io_uring_setup keyctl setns clone3 open_by_handle_at reboot; do
		fails_with 125 "$call" run --allow-syscall $call -- true
	done
	BOX_OPTIONS=(--deny-syscall socket)
	refused EPERM socket 1 1 0
}
