#!/usr/bin/env bats
# Every bound holds, is on by default and says so when it ends a run.
load ../lib/common

@test "wall time: TERM, then KILL after the grace, status 124" {
	run aisbx run -t 100ms -- sleep 30
	status_is 124
	contains "$stderr" "wall time limit of 100ms"
	run aisbx run --rw . -t 2s --grace 5s -- sh -c 'trap "echo last >last; exit 0" TERM; while :; do sleep 0.01; done'
	status_is 124
	[ "$(cat last)" = last ]
	run aisbx run -t 100ms --grace 200ms -- sh -c 'trap "" TERM; while :; do sleep 0.01; done'
	status_is 124
}

@test "wall time holds for the whole tree" {
	run aisbx run -t 200ms --grace 100ms -- sh -c '(trap "" TERM; setsid sleep 60) & sleep 60'
	status_is 124
}

@test "wall time: a program that ends in time is not disturbed" {
	run aisbx run -t 20s -- sh -c 'exit 6'
	status_is 6
	[ -z "$stderr" ]
}

@test "CPU time" {
	run aisbx run --cpu 1s -t 20s -- sh -c 'while :; do :; done'
	[ "$status" -ge 128 ]
	contains "$stderr" "CPU time limit of 1s"
	run aisbx run --cpu 1s -t 20s -- sh -c 'trap "" XCPU; while :; do :; done'
	status_is 137
	contains "$stderr" "CPU time limit"
}

@test "memory: a hog fails, the host does not notice" {
	run aisbx run -m 64M -- python3 -c 'x = bytearray(256 << 20)'
	[ "$status" -ne 0 ]
	run aisbx run -m 512M -- python3 -c 'x = bytearray(256 << 20); print(len(x))'
	status_is 0
}

@test "memory: many small ones in one process" {
	run aisbx run -m 64M -t 60s -- perl -e '@a = map { "x" x 1000 } 1..1_000_000'
	[ "$status" -ne 0 ]
}

@test "processes: a fork bomb stays inside its bound" {
	local before after
	run aisbx run --processes 30 -t 2s --grace 100ms -- sh -c 'f() { f | f & }; f; sleep 30'
	[ "$status" -ne 0 ]
	run aisbx run --processes 20 -- python3 - <<-'E'
		import os, time
		n = 0
		try:
		    for _ in range(100):
		        if os.fork() == 0:
		            time.sleep(30)
		            os._exit(0)
		        n += 1
		except BlockingIOError as e:
		    print("EAGAIN", n)
	E
	[[ $output == EAGAIN* ]]
	[ "${output#EAGAIN }" -le 20 ]
	[ "${output#EAGAIN }" -ge 15 ]
}

@test "processes: threads count too" {
	run aisbx run --processes 20 -- python3 - <<-'E'
		import threading, time
		n = 0
		try:
		    for _ in range(100):
		        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
		        n += 1
		except RuntimeError:
		    pass
		print(n)
	E
	[ "$output" -le 20 ]
}

# PEAK WORD...: what the result says of the processes of that command.
had_processes() {
	local peak=$1
	shift
	run aisbx run --result r.json -- "$@"
	[ "$(jq .peak_processes r.json)" $peak ] || { jq -c . r.json >&2; return 1; }
}

@test "processes: the result has how many there were, however short the run" {
	need python3 jq
	had_processes "-eq 1" true
	had_processes "-eq 2" sh -c '/bin/true; exit 0'
	had_processes "-eq 4" sh -c 'sleep 60 & sleep 60 & sleep 60 & exit 0'
	had_processes "-eq 4" sh -c 'sleep 0.2 | sleep 0.2 | sleep 0.2'
	had_processes "-eq 11" python3 -c 'import threading, time
for _ in range(10): threading.Thread(target=time.sleep, args=(0.2,)).start()'
	had_processes "-eq 1" sh -c 'kill -9 $$'
}

@test "processes: what came one after the other was not there at once" {
	need jq
	had_processes "-eq 2" sh -c 'i=0; while [ $i -lt 1500 ]; do /bin/true; i=$((i+1)); done'
}

@test "processes: the result and stderr say that the limit was reached" {
	need python3 jq
	cat >forks.py <<-'E'
		import os, signal, sys
		refused = 0
		for _ in range(int(sys.argv[1])):
		    try:
		        if os.fork() == 0:
		            signal.pause()
		    except BlockingIOError:
		        refused += 1
		sys.exit(refused)
	E
	local count=null
	run aisbx run --ro . --processes 20 --result r.json -v -- python3 forks.py 24
	status_is 5
	contains "$stderr" "aisbx: processes limit of 20 reached"
	contains "$stderr" "(raise it with --processes 40)"
	if [ "$(jq -r .walls.limits.processes r.json)" != rlimit ]; then
		count=5
		contains "$stderr" ": 5 more were refused"
	fi
	[ "$(jq -c .limits_met r.json)" = '[{"limit":"processes","count":'$count'}]' ]
	run aisbx run --ro . --processes 20 -q -- python3 forks.py 24
	status_is 5
	[ -z "$stderr" ]
	# That nothing was refused is known only where it is counted; a success is no reason to ask.
	run aisbx run --ro . --processes 20 --result r.json -v -- python3 forks.py 19
	status_is 0
	lacks "$stderr" "processes limit"
	[ "$(jq '.limits_met | length' r.json)" -eq "$([ $count = null ] && echo 1 || echo 0)" ]
	run aisbx run --ro . --processes 20 --result r.json -v -- python3 forks.py 18
	status_is 0
	[ "$(jq -c .limits_met r.json)" = "[]" ]
}

@test "processes: boxes do not count against each other or the caller" {
	"$AISBX" run --processes 30 -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 60 & done; echo up; wait' >out 2>&1 3>&- &
	local pid=$!
	eventually grep -q up out
	run aisbx run --processes 10 -- sh -c 'true | true | true; echo fine'
	kill -9 $pid
	wait $pid || true
	output_is fine
}

@test "tmp size: one bound for all private directories" {
	run aisbx run --tmp-size 4M -- sh -c 'head -c 3M /dev/zero >/tmp/a'
	status_is 0
	run aisbx run --tmp-size 4M -- sh -c 'head -c 8M /dev/zero >/tmp/a; stat -c %s /tmp/a'
	[ "$output" -le $((5 << 20)) ]
	run aisbx run --tmp-size 4M --tmpfs /x -- sh -c \
		'for f in /tmp/a ~/a /dev/shm/a /x/a; do head -c 3M /dev/zero >$f; done; cat /tmp/a ~/a /dev/shm/a /x/a | wc -c'
	[ "$output" -le $((6 << 20)) ]
	contains "$stderr" "No space left"
}

@test "tmp size: empty files are bounded too, of all private directories together" {
	local dir
	for dir in /tmp /dev/shm '~' /x; do
		run aisbx run --tmp-size 1M --tmpfs /x -- sh -c \
			'cd '$dir'; i=0; while [ $i -lt 5000 ]; do : >$i || exit 7; i=$((i+1)); done'
		[ "$status" -ne 0 ]
		contains "$stderr" "No space left"
	done
	run aisbx run --tmp-size 1M --tmpfs /x -- sh -c \
		'for dir in /tmp /dev/shm ~ /x; do
			cd $dir; i=0; while [ $i -lt 400 ]; do : >$i || exit 7; i=$((i+1)); done; done'
	[ "$status" -ne 0 ]
	run aisbx run --tmp-size 16M --tmpfs /x -- sh -c \
		'for dir in /tmp /dev/shm ~ /x; do
			cd $dir; i=0; while [ $i -lt 400 ]; do : >$i || exit 7; i=$((i+1)); done; done'
	status_is 0
}

@test "disk: held where the kernel counts what is written" {
	[ "$(stat -f -c %T .)" != tmpfs ] || skip "the tests' directory is in memory"
	run aisbx run --rw . --disk 1M --result r.json -- sh -c 'echo x >x'
	status_is 0
	[ "$(jq -r .walls.limits.disk r.json)" = supervisor ]
	[ "$(jq ".disk_bytes >= 4096 and .disk_bytes <= 65536" r.json)" = true ] # names may count, too
	run aisbx run --disk 0 --result r.json -- sh -c 'echo x >/tmp/x'
	status_is 0
	member_is disk_bytes r.json 0
}

# Mounts of the test's own: tmpfs at m and at w/m, read-only at r/m, an overlay with its upper
# directory in memory at o, one on the disk at d; MORE for aisbx.
in_memory() { # MORE COMMAND...: `aisbx run MORE -- COMMAND`, stdout and stderr and status in $output
	cat >mounts <<-'E'
		mkdir -p m w/m r/m o d u l u/up u/work
		mount -t tmpfs none m
		mount -t tmpfs none w/m
		mount -t tmpfs -o ro none r/m
		mkdir m/up m/work
		mount -t overlay -o lowerdir=l,upperdir=m/up,workdir=m/work none o
		mount -t overlay -o lowerdir=l,upperdir=u/up,workdir=u/work none d
		chmod 777 m w w/m r o d
		"$AISBX" run --allow-degraded idmap --disk 1M "$@"
		echo "status $?"
	E
	rm -rf m w r o d u l
	run unshare -m bash mounts "$@"
	output="$output $stderr"
}

@test "disk: where the kernel does not count it is an error that names the grant" {
	need_root
	[ "$(stat -f -c %T .)" != tmpfs ] || skip "the tests' directory is in memory"
	local grant
	for grant in m w o; do
		in_memory --rw "$grant" -- echo works
		lacks "$output" works
		contains "$output" "status 125"
		contains "$output" "cannot hold 'limits.disk'"
		contains "$output" "add --allow-degraded limits.disk"
		in_memory --rw "$grant" --allow-degraded limits.disk --result r.json -- echo works
		contains "$output" works
		[ "$(jq -c .walls.degraded r.json)" = '["limits.disk"]' ] ||
			[ "$(jq -c .walls.degraded r.json)" = '["idmap","limits.disk"]' ]
		[ "$(jq -c '[.walls.limits.disk, .disk_bytes]' r.json)" = '[null,null]' ]
	done
	in_memory --rw w -- true
	contains "$output" "/w/m' (tmpfs)"
	for grant in r d; do
		in_memory --rw "$grant" -- echo works
		contains "$output" works
		contains "$output" "status 0"
	done
	in_memory --ro m -- echo works
	contains "$output" works
}

@test "disk: a box without /proc cannot be looked into" {
	cat >run <<-'E'
		mount -t tmpfs none /proc/sys || exit 77
		"$AISBX" run --disk 1M --allow-degraded proc "$@"
	E
	run unshare -rm sh run -- echo ran
	[ "$status" -ne 77 ] || must_or_skip "no mounts in a user namespace"
	if [ "$status" -eq 0 ]; then skip "the box has a /proc there"; fi
	status_is 125
	contains "$stderr" "the box has no /proc to look into"
	run unshare -rm sh run --allow-degraded limits.disk -- echo ran
	output_is ran
}

@test "file size: also for granted directories, and the program is told" {
	run aisbx run --rw . --file-size 1M -- sh -c 'head -c 3M /dev/zero >big'
	[ "$status" -ne 0 ]
	[ "$(stat -c %s big)" -eq $((1 << 20)) ]
	run aisbx run --rw . --file-size 1M -- python3 -c '
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try: open("b2", "wb").write(b"x" * (2 << 20))
except OSError as e: print(e.strerror)'
	output_is "File too large"
	run aisbx run --file-size 1M -- dd if=/dev/zero of=/tmp/big bs=64K count=32
	status_is 153
	contains "$stderr" "aisbx: SIGXFSZ ended the command: the file size limit is 1M"
	run aisbx run -q --file-size 1M -- dd if=/dev/zero of=/tmp/big bs=64K count=32
	lacks "$stderr" "aisbx:"
}

@test "open files" {
	run aisbx run --open-files 20 -- python3 -c '
f = []
try:
  while True: f.append(open("/dev/null"))
except OSError as e: print(e.errno, len(f) < 20)'
	output_is "24 True"
	BOX_OPTIONS=(--open-files 20)
	refused EPERM raise_hard
}

@test "few open files are a limit of the command's, not of its start" {
	mkdir project
	cd project
	for files in 5 6 7 8 10 12; do
		for profile in default agent; do
			run aisbx run -p $profile --open-files $files -- sh -c 'ulimit -n'
			output_is $files
		done
	done
}

@test "output: cut at the limit, to the byte, both streams together" {
	run aisbx run --max-output 5000 -- sh -c 'yes'
	[ "$status" -ge 128 ]
	[ "$(wc -c <<<"$output")" -eq 5000 ] # the last newline went with the capture
	contains "$stderr" "output limit"
	run aisbx run --max-output 5000 -- sh -c 'yes | head -c 3000; yes | head -c 3000 >&2'
	[ "$(printf %s "$output$stderr" | grep -v ^aisbx | wc -c)" -le 5100 ]
	run aisbx run --max-output 5000 -- sh -c 'yes | head -c 5000'
	status_is 0
}

@test "core dumps are off, file or handler" {
	run aisbx run --rw . --ro "$BIN" -- sh -c 'ulimit -c; ulimit -Hc; ulimit -c unlimited; '"$BIN"'/try crash'
	status_is 139
	[ -z "$(find . -name 'core*')" ]
	lacks "$output" unlimited
}

@test "limits are on by default" {
	run aisbx run -- sh -c 'ulimit -n; ulimit -u; ulimit -f; ulimit -t'
	status_is 0
	lacks "$output" unlimited
}

@test "none lifts a limit" {
	run aisbx run --cpu none -t none --file-size none -- sh -c 'ulimit -t; ulimit -f'
	output_is $'unlimited\nunlimited'
}

@test "priorities and real time cannot be raised" {
	refused EACCES/EPERM nice
	refused EPERM realtime
}

@test "cpus: whole ones by the affinity, which stays" {
	run aisbx run --cpus 1 --result r.json -- sh -c 'nproc; taskset -pc 0-63 $$ >/dev/null 2>&1 && echo widened'
	lacks "$output" widened
	case $(jq -r .walls.limits.cpus r.json) in
	affinity) output_is 1 ;;
	cgroup2) output_is "$(nproc)" ;; # of all of them, together as much as one
	*) return 1 ;;
	esac
	run aisbx run --cpus 10000 -- nproc
	output_is "$(nproc)"
}

@test "cpus: a part of one needs a cgroup, or is done without by name" {
	run aisbx run --cpus 0.5 --result r.json -- true
	if [ "$status" -eq 0 ]; then
		contains "cgroup2 systemd" "$(jq -r .walls.limits.cpus r.json)"
	else
		status_is 125
		contains "$stderr" "allow-degraded limits.cpus"
		run aisbx run --cpus 0.5 --allow-degraded limits.cpus --result r.json -- echo ran
		output_is ran
		[ "$(jq -c .walls.degraded r.json)" = '["limits.cpus"]' ]
		[ "$(jq -r .walls.limits.cpus r.json)" = null ]
	fi
}

@test "io_weight: held, refused, or done without by name" {
	run aisbx run --io-weight 50 --result r.json -- true
	if [ "$status" -eq 0 ]; then
		contains "cgroup2 systemd" "$(jq -r .walls.limits.io_weight r.json)"
	else
		status_is 125
		contains "$stderr" "allow-degraded limits.io_weight"
		run aisbx run --io-weight 50 --allow-degraded limits.io_weight -- echo ran
		output_is ran
	fi
}
