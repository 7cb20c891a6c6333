#!/usr/bin/env bats
# Attacks on other processes: pid 1 of the box, the supervisor, the host's.
load ../lib/common

@test "pid 1 does not exist in /proc, or gives nothing away" {
	SECRET_TOKEN=hunter2 run aisbx run --ro "$BIN" -- sh -c '
		cat /proc/1/environ /proc/1/cmdline /proc/1/maps /proc/1/mem /proc/1/auxv /proc/1/stack /proc/1/syscall | tr "\0" "\n"
		ls -l /proc/1/fd /proc/1/fdinfo /proc/1/cwd /proc/1/root /proc/1/exe /proc/1/ns /proc/1/map_files /proc/1/task/1
		ls -d /proc/[0-9]*'
	lacks "$output" hunter2
	lacks "$output" "/proc/1"$'\n'
	lacks "$output" "$AISBX"
	# the control: outside, one's own is there
	SECRET_TOKEN=hunter2 run cat /proc/self/environ
	contains "$output" hunter2
}

@test "pid 1 can be neither read, traced, nor robbed of descriptors" {
	refused EPERM ptrace_attach 1
	refused EPERM vm_readv 1
	refused EPERM vm_writev 1
	refused EPERM pidfd_getfd 1
	refused EPERM kcmp 1
	refused EPERM process_madvise
	# also when the profile gives tracing back: pid 1 is not dumpable
	BOX_OPTIONS=(--allow-syscall @debug --allow-syscall pidfd_getfd)
	local attempt
	for attempt in ptrace_attach vm_readv vm_writev pidfd_getfd; do
		refused EPERM/EACCES $attempt 1
	done
	run box --allow-syscall @debug -- sh -c "sleep 30 & $BIN/try ptrace_attach \$!"
	output_is ok
}

@test "pid 1 holds nothing of the caller: its memory, seen by the host's root" {
	need_root
	# The needles are what the caller has; where they must not be is init's memory.
	SECRET_ENV=needle-in-environment "$AISBX" run --ro "$BIN" -e PASSED=needle-that-is-granted \
		--rw "$T" -- sh -c 'echo up; exec sleep 60' needle-in-arguments >up 3>&- &
	local pid=$! init
	eventually grep -q up up
	init=$(init_of $pid)
	PYTHONPATH=$LIB run python3 - $init $pid <<-'E'
		import memory, sys
		init, supervisor = (b"".join(part for _, part in memory.parts(pid)) for pid in sys.argv[1:])
		for needle in b"needle-in-environment", b"needle-in-arguments", b"needle-that-is-granted", \
		        b"XDG_", b"aisbx-test":
		    print(needle.decode(), needle in init, init.count(needle))
		print("control", b"needle-in-environment" in supervisor)
		print("environ", open(f"/proc/{sys.argv[1]}/environ", "rb").read().strip(b"\0"))
		print("cmdline", open(f"/proc/{sys.argv[1]}/cmdline", "rb").read().strip(b"\0"))
	E
	local fds
	fds=$(ls -l /proc/$init/fd | tail -n +2 | wc -l)
	local targets
	targets=$(ls -l /proc/$init/fd /proc/$init/cwd /proc/$init/root)
	kill -9 $pid
	wait $pid || true
	contains "$output" "control True"
	contains "$output" "needle-in-environment False"
	contains "$output" "needle-in-arguments False"
	contains "$output" "environ b''"
	contains "$output" "cmdline b''"
	[ "$fds" -le 4 ] # handshake, signals, the listener, its /proc
	lacks "$targets" "$T"
}

@test "the host's processes are neither seen nor reached" {
	sleep 60 3>&- &
	local victim=$!
	refused ESRCH/EPERM kill $victim 9
	refused ENOENT open_read /proc/$victim
	run aisbx run -- sh -c 'ls -d /proc/[0-9]* | wc -l; ps -e 2>/dev/null | grep -c sleep'
	[ "$(head -1 <<<"$output")" -le 6 ]
	run aisbx run -- sh -c 'kill -9 -1; kill -9 0; kill -9 1; true'
	kill -0 $victim
	kill $victim
	wait $victim || true
}

@test "kill -9 of pid 1 and of everything from inside ends at most the box" {
	run aisbx run -- sh -c 'kill -9 1; kill -TERM 1; kill -STOP 1; echo alive'
	output_is alive
	run aisbx run -- python3 -c '
import os, signal
for s in range(1, 65):
    try: os.kill(1, s)
    except OSError: pass
print("alive")'
	output_is alive
	status_is 0
}

@test "the supervisor cannot be seen, stopped or blocked" {
	run aisbx run -- sh -c 'echo $PPID; cat /proc/$PPID/status'
	[ "$(head -1 <<<"$output")" -le 1 ]
	run aisbx run -t 500ms --grace 100ms -- sh -c 'kill -STOP -1; kill -STOP $$; sleep 60'
	status_is 124
}

@test "/proc: what tells of the host or changes it is masked or read-only" {
	local path
	for path in kcore kmsg kallsyms sysrq-trigger keys key-users timer_list sched_debug cmdline \
		interrupts latency_stats; do
		[ -e /proc/$path ] || continue
		run aisbx run -- sh -c "head -c 1000 /proc/$path | tr -d '\0'"
		output_is ""
	done
	for path in sys/kernel/core_pattern sys/kernel/hostname sys/vm/drop_caches sys/kernel/sysrq \
		sys/net/ipv4/ip_forward sys/kernel/ns_last_pid sys/fs/file-max sysrq-trigger self/oom_score_adj; do
		[ -e /proc/$path ] || continue
		refused EROFS/EACCES open_write /proc/$path ||
			refused ENOENT open_write /proc/$path
	done
	need_root
	outside open_write /proc/sys/kernel/hostname
}

@test "/proc/self/exe is not aisbx (CVE-2019-5736)" {
	run aisbx run -- readlink /proc/self/exe
	[[ $output == */readlink || $output == */coreutils || $output == */busybox ]]
	run aisbx run -- sh -c 'ls -l /proc/*/exe'
	lacks "$output" aisbx
	local before
	before=$(sha256sum <"$AISBX")
	run aisbx run --rw "$BIN" -- sh -c 'for p in /proc/[0-9]*; do : >$p/exe; done'
	[ "$(sha256sum <"$AISBX")" = "$before" ]
}

@test "the working directory is no way out (CVE-2024-21626)" {
	local fd
	for fd in 3 7 8 9; do
		run bash -c 'exec '$fd'</; cd / && "$AISBX" run -C /proc/self/fd/'$fd' -- sh -c "pwd; cat etc/shadow; ls"'
		lacks "$output" "root:"
	done
	cd "$T"
	run aisbx run -- sh -c 'cat ../../../../../../../../etc/shadow; ls -A .; readlink /proc/self/cwd'
	lacks "$output" "root:"
	lacks "$output" "(unreachable)"
}

@test "a payload's identity on the host: the caller's, or for root nobody's" {
	"$AISBX" run -- sh -c 'echo up; exec sleep 60' >up 3>&- &
	local pid=$! init payload uid
	eventually grep -q up up
	init=$(init_of $pid)
	if [ "$CALLER" = root ]; then
		payload=$(cat /proc/$init/task/$init/children)
		local who
		for who in $init ${payload% }; do
			uid=$(awk '/^Uid:/ {print $2, $3, $4, $5}' /proc/$who/status)
			contains "$(grep ^CapEff: /proc/$who/status)" 0000000000000000
			contains "$(grep ^CapBnd: /proc/$who/status)" 0000000000000000
			[[ $uid != *" 0 "* && $uid != "0 "* ]]
			if getent passwd "${uid%% *}"; then false; fi
			[ "${uid%% *}" -gt 100000 ]
			[ -z "$(awk '/^Groups:/ {print $2}' /proc/$who/status)" ]
		done
		[ -z "$(find / /tmp /dev/shm -xdev -path /usr -prune -o -uid "${uid%% *}" -print -quit 2>/dev/null)" ]
	else
		uid=$(awk '/^Uid:/ {print $2}' /proc/$init/status)
		[ "$uid" = "$(id -u)" ]
	fi
	kill -9 $pid
	wait $pid || true
}

@test "two boxes of one root caller are two users" {
	need_root
	local n pid pids="" uids=""
	for n in 1 2; do
		"$AISBX" run -- sh -c 'echo up; exec sleep 60' >up$n 3>&- &
		pid=$!
		pids+=" $pid"
		eventually grep -q up up$n
		uids+="$(awk '/^Uid:/ {print $2}' /proc/$(init_of $pid)/status)"$'\n'
	done
	# shellcheck disable=SC2086
	kill -9 $pids
	wait $pids || true
	[ "$(sort -u <<<"$uids" | grep -c .)" -eq 2 ]
}

@test "core dumps leave nothing, and no handler runs" {
	run box --rw "$T" -- sh -c "cd $T; grep core /proc/self/limits; $BIN/try crash; ls"
	lacks "$output" "core."
	# one byte: not 0, at which a handler would run, core(5)
	[[ $output =~ "core file size"[[:space:]]+1[[:space:]]+1[[:space:]] ]]
}

@test "a killed supervisor leaves nothing, however early (200 kills)" {
	run python3 - <<-'E'
		import os, random, signal, subprocess, time
		random.seed(7)
		for i in range(200):
		    p = subprocess.Popen([os.environ["AISBX"], "run", "--", "sleep", "300"],
		                         stdin=subprocess.DEVNULL)
		    end = time.monotonic() + random.random() ** 2 * 0.012
		    while time.monotonic() < end:
		        pass
		    p.kill()
		    p.wait()
		print("done")
	E
	output_is "done"
	eventually no_box_process
}

@test "a killed supervisor while signals, limits and relays are at work (50 kills)" {
	run python3 - <<-'E'
		import os, random, signal, subprocess, time
		random.seed(8)
		for i in range(50):
		    p = subprocess.Popen([os.environ["AISBX"], "run", "--max-output", "100M", "-t", "20ms",
		                          "--grace", "5ms", "--", "sh", "-c", "trap '' TERM; yes & yes & sleep 300 & yes"],
		                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		    time.sleep(random.random() * 0.05)
		    p.kill()
		    p.wait()
		print("done")
	E
	output_is "done"
	eventually no_box_process
}

@test "init killed from outside: the run says so and nothing is left" {
	"$AISBX" run --result r.json -- sh -c 'sleep 60 & echo up; wait' >up 3>&- &
	local pid=$! status=0
	eventually grep -q up up
	kill -9 $(init_of $pid)
	wait $pid || status=$?
	[ "$status" -eq 137 ]
	member_is exit_code r.json null
}

@test "no processes of the payload survive a double fork, setsid, ignored signals" {
	run aisbx run -- sh -c '(trap "" HUP TERM INT; setsid sh -c "sleep 300 & sleep 300" &) ; (sleep 300 &) ; echo end'
	output_is end
	no_box_process
}
