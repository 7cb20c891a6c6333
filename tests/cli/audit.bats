#!/usr/bin/env bats
# --audit: what is recorded stays recorded, and what is not does not go on.
load ../lib/common

# In mount namespaces of its own, as who it was: "SETUP" as a root that may mount, then COMMAND.
in_mounts() { # SETUP COMMAND...
	local setup=$1 ids
	shift
	ids=$(id -u):$(id -g)
	if [ "$CALLER" = root ]; then
		unshare -m --propagation private bash -ec "$setup"'; exec "$@"' - "$@"
	else
		unshare -Urm --propagation private bash -ec \
			"$setup"'; exec unshare -U --map-user='"${ids%:*}"' --map-group='"${ids#*:}"' -- "$@"' - "$@"
	fi
}

# Asks for many names, of which none is granted: a line each. Then it says that it is still there.
asker='import socket, sys, time
for i in range(200):
    try: socket.getaddrinfo("name-%d-%s.example.org" % (i, "x" * 50), 1)
    except OSError: pass
open(sys.argv[1] + "/done", "w").close()
time.sleep(20)'

events() { # FILE: the words of its events
	jq -r .event "$1" | tr '\n' ' '
}

@test "a log that is refused leaves nothing behind" {
	mkdir -p out/deep elsewhere
	ln -s ../elsewhere out/link
	ln -s out here
	: >kept
	ln kept twice
	local log
	for log in out/a.jsonl out/new/a.jsonl out/deep/x/y/a.jsonl out/link/a.jsonl here/a.jsonl \
		out/../out/a.jsonl out twice; do
		fails_with 125 "" run --rw out --audit "$log" -- true
	done
	[ "$(find . -type f | sort | tr '\n' ' ')" = "./kept ./twice " ]
	[ -z "$(find out elsewhere -name 'x' -o -name new)" ]
	[ ! -s kept ]
	run bash -c '"$AISBX" run --rw out --audit fd:3 -- true 3>>out/b.jsonl'
	status_is 125
	contains "$stderr" "writable grant"
	run aisbx run --rw out --audit elsewhere/a/b.jsonl -- true
	status_is 0
	[ "$(events elsewhere/a/b.jsonl)" = "start end " ]
	[ "$(stat -c %a elsewhere/a/b.jsonl elsewhere/a | tr '\n' ' ')" = "600 700 " ]
}

@test "the option's file is used, not the profile's" {
	echo '{"extends": ["default"], "audit": {"file": "profile.jsonl"}}' >p.yaml
	aisbx run -p ./p.yaml -- true
	[ "$(events profile.jsonl)" = "start end " ]
	aisbx run -p ./p.yaml --audit option.jsonl -- true
	[ "$(events profile.jsonl)" = "start end " ]
	[ "$(events option.jsonl)" = "start end " ]
}

@test "forty runs at once, with lines of 100 KiB: each is whole" {
	local i pids=()
	printf -v long '%0100000d' 0
	mkfifo fifo
	cat fifo >through-fifo &
	exec 7>fifo
	for i in {1..40}; do
		"$AISBX" run --audit log.jsonl -- true "$long" "$i" 7>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	conforms log.jsonl
	[ "$(jq -r 'select(.event == "start").command[2]' log.jsonl | sort -n | tr '\n' ' ')" = \
		"$(seq -s ' ' 40) " ]
	[ "$(jq -rs 'group_by(.run) | map(map(.event) | join(" ")) | unique[]' log.jsonl)" = "start end" ]
	# A pipe takes 4096 bytes at once: its reader is told of one run.
	"$AISBX" run --audit fd:7 -- true "$long"
	exec 7>&-
	wait
	conforms through-fifo
	[ "$(events through-fifo)" = "start end " ]
}

@test "the disk is full: the run ends and says why, and the log has whole lines" {
	need python3
	mkdir full out
	run in_mounts "mount -t tmpfs -o size=16k,mode=777 none $T/full" bash -c '
		timeout 60 "$AISBX" run --rw out --allow-host a.example --result r.json \
			--audit full/log.jsonl -- python3 -c "$1" "$PWD/out"
		echo status $?
		cp full/log.jsonl copy.jsonl' - "$asker"
	contains "$output" "status 137"
	contains "$stderr" "cannot write the audit log"
	contains "$stderr" "No space left on device"
	contains "$stderr" "was ended"
	[ ! -e out/done ]
	conforms copy.jsonl r.json
	[ "$(events copy.jsonl | cut -d' ' -f1,2)" = "start dns" ]
	member_is outcome r.json '"signaled"'
	member_is error.cause r.json '"ENOSPC"'
}

@test "no room for the end of a run that was recorded so far: the status is not 0" {
	mkdir full
	printf -v long '%02500d' 0
	run in_mounts "mount -t tmpfs -o size=4k,mode=777 none $T/full" bash -c '
		"$AISBX" run --result r.json --audit full/log.jsonl -- echo "$1"
		echo status $?
		cp full/log.jsonl copy.jsonl' - "$long"
	contains "$output" "status 1"
	contains "$stderr" "No space left on device"
	[ "$(events copy.jsonl)" = "start " ]
	conforms copy.jsonl r.json
	member_is exit_code r.json 0
	member_is error.cause r.json '"ENOSPC"'
}

@test "a limit of the caller's on the size of files is no signal but an error" {
	mkdir out
	run bash -c 'ulimit -f 1; "$AISBX" run --rw out --audit log.jsonl -- touch out/ran "$1"' - \
		"$(printf '%01000d' 0)"
	status_is 125
	contains "$stderr" "cannot write the audit log"
	[ ! -e out/ran ]
	[ ! -s log.jsonl ]
}

@test "a reader that does not read ends the run in time; one that is gone does so at once" {
	mkdir out
	printf -v long '%0100000d' 0
	mkfifo fifo
	exec 7<>fifo # both ends: nobody reads
	BOUND=10 run aisbx run --rw out --audit fd:7 -- touch out/ran "$long"
	exec 7>&-
	status_is 125
	contains "$stderr" "cannot write the audit log 'fd:7'"
	run bash -c 'exec 3> >(exec true); wait $!; "$AISBX" run --rw out --audit fd:3 -- touch out/ran'
	status_is 125
	contains "$stderr" "Broken pipe"
	[ ! -e out/ran ]
}

@test "a log that is rotated: the lines go on in the new one, wherever a link leads then" {
	need python3
	mkdir logs out
	mkfifo out/go
	"$AISBX" run --rw out --allow-host a.example --audit logs/log.jsonl -- sh -c \
		'echo up; read x <out/go; python3 -c "import socket
try: socket.getaddrinfo(\"b.example\", 1)
except OSError: pass"; echo asked; read x <out/go' >said 3>&- &
	local pid=$!
	eventually grep -q up said
	mv logs/log.jsonl logs/log.jsonl.1
	echo >out/go
	eventually grep -q asked said
	[ "$(events logs/log.jsonl.1)" = "start " ]
	[ "$(events logs/log.jsonl)" = "dns " ]
	rm logs/log.jsonl
	ln -s ../out/planted logs/log.jsonl
	status=0
	echo >out/go
	wait $pid || status=$?
	[ "$status" -eq 1 ]
	[ ! -e out/planted ]
	conforms logs/log.jsonl.1
}

@test "a log that is copied and truncated goes on at its beginning" {
	mkdir out
	mkfifo out/go
	"$AISBX" run --rw out --audit log.jsonl -- sh -c 'echo up; read x <out/go' >said 3>&- &
	local pid=$!
	eventually grep -q up said
	: >log.jsonl
	echo >out/go
	wait $pid
	conforms log.jsonl
	[ "$(events log.jsonl)" = "end " ]
}

# A journal in a directory of its own: prints what it gets, a JSON object each.
journal='import array, json, os, signal, socket, sys
signal.alarm(60)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
print("ready", flush=True)
while True:
    data, control, _, _ = s.recvmsg(1 << 20, 64)
    if control:
        fd = array.array("i", control[0][2])[0]
        data = os.pread(fd, 1 << 24, 0)
        try:
            os.pwrite(fd, b"x", 0)
            print("not sealed", flush=True)
        except PermissionError:
            data += b"SEALED=yes\n"
    if data == b"last":
        sys.exit(print("last", flush=True))
    print(json.dumps(data.decode()), flush=True)'

with_journal() { # SOCKET WORDS...: aisbx WORDS, and what the journal got is in ./got
	local place=$1
	shift
	in_mounts "[ -d /run/systemd ] || { mount -t tmpfs none /run && mkdir /run/systemd; }
		mount -t tmpfs none /run/systemd && mkdir -m 755 /run/systemd/journal
		if [ -n '$place' ]; then
			if [ $place = /dev/log ]; then
				mkdir $T/dev; for i in null zero full random urandom tty ptmx; do
					: >$T/dev/\$i; mount --bind /dev/\$i $T/dev/\$i; done
				ln -s /proc/self/fd $T/dev/fd; mkdir $T/dev/shm
				mount --rbind $T/dev /dev
			fi
			python3 -c '$journal' $place >got 2>&1 3>&- &
			until grep -qs ready got; do :; done
		fi" bash -c 'place=$1; shift; "$AISBX" "$@"; s=$?
		if [ -n "$place" ]; then # all that came before the last has been read then
			python3 -c "import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b\"last\", sys.argv[1])" "$place"
			until tail -n 1 got | grep -q last; do :; done
		fi; exit $s' - "$place" "$@"
}

@test "the journal: an entry for each line, long ones too" {
	need python3 unshare
	local long
	printf -v long '%0100000d' 0
	run with_journal /run/systemd/journal/socket run --audit journal --audit log.jsonl -- \
		true "$long" "$long" "$long"
	status_is 0
	grep '^"' got | jq -rj 'select(contains("SEALED"))' | grep -c 'SEALED=yes' | grep -qx 2
	grep '^"' got | jq -r . | sed -n 's/^MESSAGE=//p' >messages
	cmp messages log.jsonl
	grep '^"' got | jq -r . | grep -v '^MESSAGE=\|^SEALED=\|^$' | sort -u >fields
	[ "$(cat fields)" = "AISBX_EVENT=end
AISBX_EVENT=start
AISBX_RUN=$(jq -rs '.[0].run' log.jsonl)
AISBX_VERDICT=allowed
PRIORITY=6
SYSLOG_IDENTIFIER=aisbx" ]
}

@test "a result never replaces the log" {
	local words
	mkdir out
	echo before >log.jsonl
	printf 'extends: default\naudit: {file: %s}\n' "$PWD/log.jsonl" >p.yaml
	for words in "--audit log.jsonl" "--audit ./out/../log.jsonl" "-p ./p.yaml"; do
		fails_with 125 "'log.jsonl' is the audit log" \
			run --result log.jsonl $words --rw out -- touch out/ran
		[ "$(cat log.jsonl)" = before ]
	done
	ln -s . here
	ln -s log.jsonl link
	for words in "--audit here/log.jsonl" "--audit link"; do
		fails_with 125 "'log.jsonl' is the audit log" \
			run --result log.jsonl $words --rw out -- touch out/ran
	done
	fails_with 125 "'new.jsonl' is the audit log" \
		run --result new.jsonl --audit here/new.jsonl --rw out -- touch out/ran
	[ "$(cat log.jsonl)" = before ]
	[ ! -e out/ran ] && [ ! -e new.jsonl ]
	run aisbx run --result r.json --audit log.jsonl -- true
	status_is 0
}

@test "no journal: nothing runs; and syslog stands in for one" {
	need python3 unshare
	mkdir out
	run with_journal "" run --rw out --audit journal -- touch out/ran
	status_is 125
	contains "$stderr" "no journal"
	echo 'audit: {journal: true}' >p.yaml
	run with_journal "" run -p ./p.yaml --rw out -- touch out/ran
	status_is 125
	[ ! -e out/ran ]
	run with_journal /dev/log run -p ./p.yaml --extends default -- true
	status_is 0
	[ "$(grep '^"' got | jq -r . | sed -n 's/^<14>... .. ..:..:.. aisbx\[[0-9]*\]: //p' | jq -r .event |
		tr '\n' ' ')" = "start end " ]
}
