#!/usr/bin/env bats
# What is written about the network: result and audit. And the broker as a process.
load net

setup_servers() {
	need jq curl
	hosts_are "93.184.216.34 api.test" "10.20.30.40 inner.test" "192.0.2.1 nowhere.test"
	start_server
}

@test "result: connections are summed per host and port, refusals counted" {
	in_box -p python --allow-host api.test:7 --allow-host api.test:13 --allow-host inner.test:7 <<-'E'
		import socket
		for i in range(3):
		    s = socket.create_connection(("api.test", 7), 20)
		    s.sendall(b"12345"); s.shutdown(socket.SHUT_WR)
		    assert s.makefile("rb").read() == b"12345end:5\n"
		socket.create_connection(("api.test", 13), 20).makefile().read()
		def no(host, port):
		    try: socket.create_connection((host, port), 5); print("connected", host)
		    except OSError: pass
		for i in range(2): no("evil.test", 7)
		no("inner.test", 7)
		no("93.184.216.34", 7)
		no("169.254.169.254", 80)
	E
	status_is 0
	output_is ""
	jq_is '[.connections[] | select(.port == 7) | .host, .count, .up_bytes, .down_bytes]' \
		'["api.test",3,15,33]'
	jq_is '[.connections[] | select(.port == 13) | .host, .count, .up_bytes, .down_bytes]' \
		'["api.test",1,0,4]'
	jq_is '.connections | length' 2
	jq_is '[.refused[] | select(.kind == "dns") | .what, .grant]' \
		'["evil.test","--allow-host evil.test","inner.test","--allow-private-host inner.test:7"]'
	jq_is '[.refused[] | select(.what == "93.184.216.34:7") | .kind, .count, .grant]' \
		'["host",1,"--allow-host 93.184.216.34:7"]'
	jq_is '[.refused[] | select(.what == "169.254.169.254:80") | .grant]' \
		'["--allow-private-host 169.254.169.254:80"]'
	# The grant that is named is the one that helps.
	in_box -p python $(jq -r '.refused[] | select(.what == "inner.test") | .grant' result.json) \
		-c 'import socket; socket.create_connection(("inner.test", 7), 5); print("fine")'
	output_is fine
}

@test "result: no grant is named where none would help" {
	in_box -p python --allow-private-host nowhere.test:7 <<-'E'
		import os, socket
		def ask(name):
		    question = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        s.connect(("127.0.0.1", 53))
		        s.send(b"\0\1\1\0\0\1\0\0\0\0\0\0" + question + b"\0\0\1\0\1")
		        assert s.recv(512)[3] & 15 == 3
		for name in "nowhere.test", "app.localhost", "example.123", "evil.test": ask(name)
	E
	status_is 0
	output_is ""
	jq_is '[.refused[].what]' '["nowhere.test","app.localhost","example.123","evil.test"]'
	jq_is '[.refused[].grant]' \
		'[null,"--allow-private-host app.localhost",null,"--allow-host evil.test"]'
	run aisbx show $(jq -r '.refused[].grant // empty' result.json)
	status_is 0
}

@test "result: a run that is ended by its time limit tells of its connections" {
	in_box -p python -t ${AISBX_TEST_PATIENCE}s --allow-host api.test:7 -c '
import socket, time
s = socket.create_connection(("api.test", 7), 20)
s.sendall(b"12345")
assert s.recv(5) == b"12345"
time.sleep(30)'
	status_is 124
	jq_is '[.outcome, (.connections[] | .host, .count, .up_bytes)]' '["wall_limit","api.test",1,5]'
}

@test "a box without hosts has no broker and says so" {
	in_box -- true
	jq_is '[.connections, .published, .refused]' '[[],[],[]]'
}

@test "audit: a JSON line for each question, connection, refusal and published port" {
	in_box -p python --allow-host api.test:7 -P 0:8080 --audit audit.jsonl <<-'E'
		import socket
		for i in range(2):
		    with socket.create_connection(("api.test", 7), 20) as s:
		        s.sendall(b"12345"); s.shutdown(socket.SHUT_WR); s.makefile("rb").read()
		for host, port in ("evil.test", 7), ("93.184.216.34", 7):
		    try: socket.create_connection((host, port), 5); print("connected", host)
		    except OSError: pass
	E
	status_is 0
	conforms audit.jsonl
	[ "$(jq -s 'all(.ts and .run and .event and .verdict)' audit.jsonl)" = true ]
	[ "$(jq -sc 'map(.run) | unique | length' audit.jsonl)" = 1 ]
	[ "$(jq -sc 'map(.event) | [first, last]' audit.jsonl)" = '["start","end"]' ]
	audit_is() { # EVENT VERDICT FILTER WANT
		local got
		got=$(jq -sc "map(select(.event == \"$1\" and .verdict == \"$2\")) | $3" audit.jsonl)
		[ "$got" = "$4" ] || {
			echo "$1 $2: $3 is $got, want $4" >&2
			cat audit.jsonl >&2
			return 1
		}
	}
	# A and AAAA for each of the two: the first at once, the others together.
	audit_is dns allowed 'map(.name), length' '["api.test","api.test"]'$'\n2'
	audit_is dns allowed 'map(.count) | .[0] == 1 and add >= 4' true
	# A and AAAA: perhaps two lines, as the second was counted.
	audit_is dns denied 'map(.name, .grant) | unique' '["--allow-host evil.test","evil.test"]'
	audit_is connect denied 'map(.host, .grant)' \
		'["93.184.216.34:7","--allow-host 93.184.216.34:7"]'
	audit_is connect allowed 'map(select(.up_bytes) | .host, .port, .up_bytes, .down_bytes)' \
		'["api.test",7,5,11,"api.test",7,5,11]'
	audit_is publish allowed 'map(.published[].box_port)' '[8080]'
}

@test "audit: repeats are counted, not written again" {
	in_box -p python --allow-host api.test:7 --audit audit.jsonl <<-'E'
		import socket
		for i in range(1000):
		    try: socket.getaddrinfo("evil.test", 7)
		    except OSError: pass
	E
	status_is 0
	[ "$(wc -l <audit.jsonl)" -lt 20 ]
	[ "$(jq '[.refused[] | .count] | add' result.json)" -ge 1000 ]
	rm audit.jsonl
	in_box -p python --allow-host api.test:13 --audit audit.jsonl <<-'E'
		import socket
		for i in range(1000):
		    with socket.create_connection(("api.test", 13), 20) as s: s.recv(9)
	E
	status_is 0
	[ "$(wc -l <audit.jsonl)" -lt 520 ]
	conforms audit.jsonl
	[ "$(jq -s 'map(select(.event == "connect" and .down_bytes) | .count // 1) | add' \
		audit.jsonl)" -eq 1000 ]
}

# start_box OPTION...: in the background, with its pid in BOX, once it runs.
start_box() {
	"$AISBX" run "$@" -- sh -c 'echo up; sleep 60' >up 2>&1 3>&- </dev/null &
	BOX=$!
	eventually grep -q up up
}

# The child of the supervisor that is in no pid namespace of its own, as init is, and has
# a filter, which the guard of a cgroup has not.
broker_pid() {
	local pid
	for pid in $(cat "/proc/$BOX/task/$BOX/children"); do
		if grep -q '^NSpid:[[:space:]]*[0-9]*$' "/proc/$pid/status" &&
			grep -q '^Seccomp:[[:space:]]*2' "/proc/$pid/status"; then
			echo "$pid"
		fi
	done
}

@test "a broker only where it is needed; it ends with the run, and with SIGKILL of the supervisor" {
	local option pid
	start_box
	[ -z "$(broker_pid)" ]
	kill -9 $BOX
	wait $BOX || true
	for option in --allow-host=api.test -P18080; do
		start_box $option
		pid=$(broker_pid)
		[ "$(wc -w <<<"$pid")" -eq 1 ]
		kill -9 $BOX
		wait $BOX || true
		eventually is_gone "$pid"
	done
	start_box --allow-host=api.test
	pid=$(broker_pid)
	kill -TERM $BOX
	wait $BOX || true
	eventually is_gone "$pid"
}

@test "the broker that is killed takes the network away, not the run; nothing opens up" {
	need_root # an ordinary user cannot see it: it is not dumpable, and may be killed all the same
	"$AISBX" run -p python --allow-host api.test:13 --rw . --result result.json -- python3 -c '
import os, socket, time
assert socket.create_connection(("api.test", 13), 10).recv(9) == b"bye\n"
print("up", flush=True)
while not os.path.exists("killed"): time.sleep(0.02)
for host in "api.test", "93.184.216.34", "10.20.30.40", "127.0.0.1":
    try: socket.create_connection((host, 13), 5); print("connected", host)
    except OSError: pass
print("still here")' >up 2>&1 3>&- </dev/null &
	BOX=$!
	eventually grep -q up up
	kill -9 "$(broker_pid)"
	touch killed
	wait $BOX
	[ "$(grep -v ^aisbx: up)" = $'up\nstill here' ]
	contains "$(cat up)" "aisbx: the broker ended before the box"
	jq_is .exit_code 0
}

@test "the broker holds no descriptor, memory or right of the caller's" {
	need_root # it is not dumpable: only root can look
	echo secret-in-a-file >file
	SECRET_VARIABLE=secret-in-a-variable
	export SECRET_VARIABLE
	exec 8<file 9>other
	start_box --allow-host=api.test --ro file
	exec 8<&- 9>&-
	local pid links
	pid=$(broker_pid)
	links=$(readlink "/proc/$pid/fd"/* | sed 's/:.*//' | sort -u | tr '\n' ' ')
	[ "$links" = "anon_inode socket " ] || {
		ls -l "/proc/$pid/fd" >&2
		return 1
	}
	[ "$(grep -c secret "/proc/$pid/environ")" = 0 ]
	[ "$(grep -c allow-host "/proc/$pid/cmdline")" = 0 ]
	grep -q '^CapEff:[[:space:]]*0*$' "/proc/$pid/status"
	grep -q '^CapPrm:[[:space:]]*0*$' "/proc/$pid/status"
	grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status"
	grep -q '^Seccomp:[[:space:]]*2$' "/proc/$pid/status"
	[ "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" -ne 0 ]
	[ "$(awk '/^Pss:/ {print $2}' "/proc/$pid/smaps_rollup")" -lt 8192 ]
	kill -TERM $BOX
	wait $BOX || true
}
