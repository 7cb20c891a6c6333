#!/usr/bin/env bats
# Connections: their ends, their errors, their number.
load net

setup_servers() {
	need jq
	hosts_are "93.184.216.34 api.test" "93.184.216.35 down.test" \
		"2606:2800:220:1::2 downsix.test down2.test" "93.184.216.35 down2.test" \
		"2606:2800:220:1::2 half.test" "93.184.216.34 half.test" \
		"2606:2800:220:1::1 full.test" "93.184.216.34 full.test" "151.101.9.9 noroute.test"
	start_server
}

GRANT=(-p python --allow-host api.test:1-64)

@test "half-close: the client's end reaches the server, its answer comes back" {
	fine "${GRANT[@]}" <<-'E'
		import socket
		for size in 0, 1, 1000000:
		    s = socket.create_connection(("api.test", 7), 20)
		    import threading
		    def send():
		        s.sendall(b"x" * size)
		        s.shutdown(socket.SHUT_WR)
		    t = threading.Thread(target=send)
		    t.start()
		    data = s.makefile("rb").read()
		    t.join()
		    assert data == b"x" * size + b"end:%d\n" % size, data[-20:]
		print("fine")
	E
	jq_is '[.connections[] | .count, .up_bytes, .down_bytes]' '[3,1000001,1000025]'
}

@test "nothing paces what goes through the box's lo" {
	fine "${GRANT[@]}" <<-'E'
		import socket
		s = socket.create_connection(("api.test", 13), 20)
		name = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
		print("fine" if name.rstrip(b"\0") == b"reno" else name)
	E
}

@test "the server closes first; the client may still ask why" {
	fine "${GRANT[@]}" <<-'E'
		import socket
		s = socket.create_connection(("api.test", 13), 20)
		assert s.makefile("rb").read() == b"bye\n"
		print("fine")
	E
}

@test "a reset of the server's is one in the box" {
	fine "${GRANT[@]}" <<-'E'
		import socket
		s = socket.create_connection(("api.test", 9), 20)
		s.sendall(b"go\n")
		try:
		    print("no reset:", s.recv(10))
		except ConnectionResetError:
		    print("fine")
	E
}

@test "a slow reader gets all of it, and others are served meanwhile" {
	fine "${GRANT[@]}" <<-'E'
		import socket, struct, time
		slow = socket.socket()
		slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
		slow.settimeout(20)
		slow.connect(("api.test", 19))
		time.sleep(0.3)
		for i in range(20):
		    begin = time.monotonic()
		    s = socket.create_connection(("api.test", 13), 20)
		    assert s.makefile("rb").read() == b"bye\n"
		    assert time.monotonic() - begin < 5
		f = slow.makefile("rb")
		for number in range(48):
		    assert f.read(1 << 20) == struct.pack(">Q", number) * (1 << 17), number
		assert f.read() == b""
		print("fine")
	E
}

# many NUMBER: so many at once, each used after all are there
many() {
	fine "${GRANT[@]}" -t 60s -- python3 - "$1" <<-'E'
		import asyncio, resource, sys
		hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
		resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
		number = int(sys.argv[1])

		async def main():
		    pairs = await asyncio.gather(*[asyncio.open_connection("api.test", 7)
		                                   for _ in range(number)])
		    for i, (_, writer) in enumerate(pairs):
		        writer.write(b"%d\n" % i)
		    for i, (reader, _) in enumerate(pairs):
		        assert await reader.readline() == b"%d\n" % i
		    for _, writer in pairs:
		        writer.write_eof()
		    for i, (reader, writer) in enumerate(pairs):
		        assert await reader.read() == b"end:%d\n" % len(b"%d\n" % i)
		        writer.close()

		asyncio.run(main())
		print("fine")
	E
	jq_is '[.connections[] | .count]' "[$1]"
}

@test "200 connections at once" {
	many 200
}

@test "1000 connections at once" {
	[ "$(ulimit -Hn)" -ge 4096 ] || skip "at most $(ulimit -Hn) descriptors here"
	many 1000
}

@test "1000 connections one after the other" {
	fine "${GRANT[@]}" <<-'E'
		import socket
		for i in range(1000):
		    with socket.create_connection(("api.test", 13), 20) as s:
		        assert s.recv(4) == b"bye\n"
		print("fine")
	E
	jq_is '[.connections[] | .count, .down_bytes]' '[1000,4000]'
}

@test "a host that is down: an error at once" {
	fine -p python --allow-host down.test:20 --allow-host downsix.test:20 \
		--allow-host down2.test:20 --allow-host noroute.test:20 --allow-host 93.184.216.35:20 \
		--allow-host '[2606:2800:220:1::2]:20' <<-'E'
		import socket, time
		for host in ("down.test", "downsix.test", "down2.test", "noroute.test", "93.184.216.35",
		             "2606:2800:220:1::2"):
		    begin = time.monotonic()
		    try:
		        s = socket.create_connection((host, 20), 10)
		        assert s.recv(1) != b""
		        print("connected", host)
		    except (ConnectionError, OSError) as e:
		        assert not isinstance(e, TimeoutError), host
		    except AssertionError:
		        print(host, "ended as if all was well")
		    assert time.monotonic() - begin < 2, host
		print("fine")
	E
}

@test "happy eyeballs: a dead IPv6 address, a live IPv4 one" {
	fine -p python --allow-host half.test:20 <<-'E'
		import socket
		s = socket.create_connection(("half.test", 20), 10)
		assert s.makefile().read() == "93.184.216.34\n"
		print("fine")
	E
}

@test "happy eyeballs: an IPv6 address that never answers" {
	# Its queue is full, so further SYNs are dropped.
	start full python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_INET6)
s.bind(("2606:2800:220:1::1", 9100)); s.listen(0)
c = []
for i in range(4):
    c.append(socket.socket(socket.AF_INET6)); c[-1].setblocking(False)
    c[-1].connect_ex(("2606:2800:220:1::1", 9100))
v4 = socket.socket(); v4.bind(("93.184.216.34", 9100)); v4.listen()
while True: v4.accept()[0].sendall(b"four\n")'
	await 93.184.216.34 9100
	fine -p python --allow-host full.test:9100 <<-'E'
		import socket, time
		begin = time.monotonic()
		s = socket.create_connection(("full.test", 9100), 10)
		assert s.makefile().readline() == "four\n"
		assert time.monotonic() - begin < 3
		print("fine")
	E
	# The control: nobody else gets through there.
	run python3 -c '
import socket
socket.create_connection(("2606:2800:220:1::1", 9100), 1)'
	contains "$stderr" "timed out"
}

@test "a long silence ends nothing" {
	fine "${GRANT[@]}" <<-'E'
		import socket, time
		s = socket.create_connection(("api.test", 7), 20)
		time.sleep(1.5)
		s.sendall(b"still here\n")
		assert s.makefile("rb").readline() == b"still here\n"
		print("fine")
	E
}

@test "an idle connection is probed: the probes of the program end at the broker" {
	need ss
	"$AISBX" run "${GRANT[@]}" -- python3 -c '
import socket, time
s = socket.create_connection(("api.test", 7), 20)
s.sendall(b"x"); s.recv(1)
print("up", flush=True)
time.sleep(60)' >idle 2>&1 3>&- </dev/null &
	local box=$!
	eventually grep -q up idle
	eventually sh -c 'ss -tnoH "dport = :7" | grep keepalive'
	kill -TERM $box
	wait $box || true
}

@test "what is open when the command ends is in the result, and closed" {
	in_box "${GRANT[@]}" <<-'E'
		import socket, os
		s = socket.create_connection(("api.test", 7), 20)
		s.sendall(b"x" * 1000)
		got = 0
		while got < 1000: got += len(s.recv(1000))
		os._exit(0)
	E
	status_is 0
	jq_is '[.connections[] | .host, .port, .count, .up_bytes]' '["api.test",7,1,1000]'
}

collected_is() {
	[ "$(sort -n "$W/collected" | tr '\n' ' ')" = "$1" ]
}

@test "what was sent before the command ended arrives, as from any process that ends" {
	rm -f "$W/collected"
	in_box "${GRANT[@]}" -- bash -c 'echo hello >/dev/tcp/api.test/22'
	status_is 0
	in_box "${GRANT[@]}" -c '
import os, socket
s = socket.create_connection(("api.test", 22), 20)
s.sendall(b"x" * 30000000)
os._exit(0)'
	status_is 0
	eventually collected_is "6 30000000 " || {
		cat "$W/collected" >&2
		return 1
	}
	jq_is '[.connections[] | .up_bytes]' '[30000000]'
}

@test "a host that takes nothing does not hold the end of the run up" {
	start deaf python3 -c '
import socket, time
s = socket.create_server(("93.184.216.34", 9101))
c = s.accept(); d = s.accept(); time.sleep(60)'
	await 93.184.216.34 9101
	local begin=${EPOCHREALTIME/./}
	in_box "${GRANT[@]}" --allow-host full.test:9101 -c '
import socket
s = socket.create_connection(("full.test", 9101), 20)
s.setblocking(False)
try:
    while True: s.send(b"x" * 100000)
except BlockingIOError: pass'
	status_is 0
	[ $((${EPOCHREALTIME/./} - begin)) -lt 4000000 ]
}

@test "two boxes at once do not share anything" {
	aisbx run "${GRANT[@]}" --result one.json -c '
import socket; s = socket.create_connection(("api.test", 13), 20); print(s.recv(9))' >one 3>&- &
	local one=$!
	in_box -p python --allow-host half.test:20 -c '
import socket
try: socket.create_connection(("api.test", 13), 5); print("connected")
except OSError: print("no")'
	output_is no
	wait $one
	[ "$(cat one)" = "b'bye\\n'" ]
}
