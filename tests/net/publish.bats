#!/usr/bin/env bats
# Ports of the host that lead to servers in the box.
load net

setup_servers() {
	need jq curl
}

# Outside: what a connection to ADDRESS PORT says, "no" when there is none.
hear() {
	python3 - "$@" <<-'E'
		import socket, sys
		try:
		    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as s:
		        print(s.makefile().read().strip() or "closed")
		except OSError as e:
		    print("no")
	E
}

# A server in the box that greets, on BOXPORT of ADDRESS, after SECONDS; for one minute.
greet='
import socket, sys, time
time.sleep(float(sys.argv[3]))
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(4096); s.settimeout(60)
while True:
    c = s.accept()[0]
    try: c.sendall(b"hello from the box\n"); c.shutdown(socket.SHUT_WR)
    except OSError: pass # who only looked whether it is there has gone
    c.close()
'
# serve OPTION... -- ARGUMENT...: the greeter in a box in the background; ports.json is there.
serve() {
	"$AISBX" run -p python -t 60s --published ports.json --result result.json "$@" \
		>served 2>&1 3>&- </dev/null &
	BOX=$!
	eventually test -s ports.json || { cat served >&2; return 1; }
}

end_box() {
	kill -TERM $BOX
	wait $BOX || true
}

@test "a port of the host leads to a server in the box, and is closed after the run" {
	serve -P 18080:8080 -- python3 -c "$greet" 127.0.0.1 8080 0
	[ "$(hear 127.0.0.1 18080)" = "hello from the box" ]
	[ "$(hear 93.184.216.34 18080)" = no ] # only where it was published
	[ "$(hear ::1 18080)" = no ]
	[ "$(hear 127.0.0.1 8080)" = no ]
	end_box
	[ "$(hear 127.0.0.1 18080)" = no ]
	jq_is '[.published[] | .address, .port, .box_port]' '["127.0.0.1",18080,8080]'
}

@test "without a grant nothing in the box is reached" {
	"$AISBX" run -p python -t 60s -- python3 -c "$greet" 127.0.0.1 18080 0 >/dev/null 2>&1 3>&- &
	BOX=$!
	"$AISBX" run -p python -t 60s -P 18081 -- python3 -c "$greet" 127.0.0.1 18081 0 \
		>/dev/null 2>&1 3>&- &
	local control=$!
	await 127.0.0.1 18081
	[ "$(hear 127.0.0.1 18080)" = no ]
	[ "$(hear 127.0.0.1 18081)" = "hello from the box" ]
	end_box
	BOX=$control end_box
}

@test "port 0: one is picked, and told before the server is up" {
	serve -P 0:8080 -- python3 -c "$greet" 0.0.0.0 8080 0
	local port
	port=$(jq .published[0].port ports.json)
	[ "$port" -gt 0 ]
	[ "$(hear 127.0.0.1 "$port")" = "hello from the box" ]
	end_box
	jq_is '[.published[] | .port, .box_port]' "[$port,8080]"
}

@test "the picked ports go to a descriptor as well, each with its own" {
	"$AISBX" run -P 0:8080 -P '[::1]:0:8081' --published fd:5 -- true 5>ports.json 3>&-
	[ "$(jq -c '[.published[] | .address, .box_port]' ports.json)" = \
		'["127.0.0.1",8080,"::1",8081]' ]
	[ "$(jq '[.published[].port | select(. > 1023)] | length' ports.json)" -eq 2 ]
}

@test "IPv6: of the host, of the box, of both" {
	serve -P '[::1]:18086:8080' -P 18087:8081 -- \
		sh -c 'python3 -c "$1" 127.0.0.1 8080 0 & python3 -c "$1" ::1 8081 0' sh "$greet"
	[ "$(hear ::1 18086)" = "hello from the box" ]
	[ "$(hear 127.0.0.1 18087)" = "hello from the box" ]
	[ "$(hear 127.0.0.1 18086)" = no ]
	end_box
}

@test "an address of the host that is named; others are not open" {
	serve -P 93.184.216.34:18080:8080 -- python3 -c "$greet" 127.0.0.1 8080 0
	[ "$(hear 93.184.216.34 18080)" = "hello from the box" ]
	[ "$(hear 127.0.0.1 18080)" = no ]
	end_box
}

@test "a server that starts to listen a second late: the connection waits" {
	serve -P 18080:8080 -- python3 -c "$greet" 127.0.0.1 8080 1
	[ "$(hear 127.0.0.1 18080)" = "hello from the box" ]
	end_box
}

@test "a box without a server: the connection ends with the box" {
	local begin=$SECONDS
	serve -P 18080:8080 -- sleep 1
	[[ $(hear 127.0.0.1 18080) =~ ^(no|closed)$ ]]
	wait $BOX
	[ $SECONDS -lt $((begin + 8)) ] # not as long as it would wait for a server
}

@test "1000 connections at once" {
	[ "$(ulimit -Hn)" -ge 4096 ] || skip "at most $(ulimit -Hn) descriptors here"
	serve -P 18080:8080 -- python3 -c '
import asyncio
async def echo(r, w):
    while data := await r.read(65536):
        w.write(data); await w.drain()
    w.write(b"end\n"); w.close()
async def main():
    async with await asyncio.start_server(echo, "127.0.0.1", 8080, backlog=4096) as s: await s.serve_forever()
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
asyncio.run(main())'
	run timeout 50 python3 -c '
import asyncio, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
async def main():
    pairs = await asyncio.gather(*[asyncio.open_connection("127.0.0.1", 18080) for _ in range(1000)])
    for i, (r, w) in enumerate(pairs): w.write(b"%d\n" % i)
    for i, (r, w) in enumerate(pairs): assert await r.readline() == b"%d\n" % i
    for r, w in pairs: w.write_eof()
    for r, w in pairs:
        assert await r.read() == b"end\n"
        w.close()
asyncio.run(main())
print("fine")'
	output_is fine
	end_box
}

@test "a WebSocket, and large files both ways, through a published port" {
	mkdir -p served-files/www
	serve -P 18000:8000 --ro "$BATS_TEST_DIRNAME" -- python3 -c '
import runpy, sys
m = runpy.run_path(sys.argv[1] + "/server.py")
m["serve_http"]("127.0.0.1", 8000)
import time; time.sleep(60)' "$BATS_TEST_DIRNAME"
	[ "$(curl -sS http://127.0.0.1:18000/hello)" = hello ]
	head -c 20000000 /dev/urandom >up
	[ "$(curl -sS --data-binary @up http://127.0.0.1:18000/x)" = \
		"20000000 $(sha256sum <up | cut -d' ' -f1)" ]
	[ "$(curl -sS http://127.0.0.1:18000/big?50 | wc -c)" -eq $((50 << 20)) ]
	run python3 -c '
import socket
s = socket.create_connection(("127.0.0.1", 18000), 20)
s.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
f = s.makefile("rb")
assert b" 101 " in f.readline()
while f.readline() != b"\r\n": pass
for i in range(100):
    s.sendall(b"\x81\x82\0\0\0\0hi")
    assert f.read(4) == b"\x81\x02hi"
print("fine")'
	output_is fine
	end_box
}

@test "small writes are not held back, nor is an urgent byte; who went away is noticed" {
	need ss
	serve -P 18000:8000 -- python3 -c '
import socket, time
listener = socket.create_server(("127.0.0.1", 8000))
c, _ = listener.accept()
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for i in range(41):
    while c.recv(1) != b"?": pass # what came before it is one half of a question
    c.sendall(b"a"); time.sleep(0.001); c.sendall(b"b")
c, _ = listener.accept()
c.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
c.sendall(c.makefile("rb").read())
c.close()
time.sleep(60)'
	run python3 -c '
import socket, subprocess, time
s = socket.create_connection(("127.0.0.1", 18000), 20)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
rounds = []
for i in range(41):
    begin = time.monotonic()
    s.sendall(b"."); time.sleep(0.001); s.sendall(b"?")
    got = b""
    while len(got) < 2: got += s.recv(2)
    rounds.append(time.monotonic() - begin)
assert sorted(rounds)[20] < 0.03, sorted(rounds) # a delayed acknowledgement is 40 ms
seen = subprocess.run(["ss", "-tnoH", "sport = :18000"], capture_output=True, text=True).stdout
assert "keepalive" in seen, seen
s = socket.create_connection(("127.0.0.1", 18000), 20)
s.sendall(b"one"); time.sleep(0.1)
s.send(b"U", socket.MSG_OOB); time.sleep(0.1)
s.sendall(b"two"); s.shutdown(socket.SHUT_WR)
assert s.makefile("rb").read() == b"oneUtwo"
print("fine")'
	output_is fine
	end_box
}

@test "two boxes want one port: the second is told, and nothing of it runs" {
	serve -P 18080:8080 -- python3 -c "$greet" 127.0.0.1 8080 0
	fails_with 125 "18080" run -P 18080:9090 -- touch never
	fails_with 125 "18080" run --rw . -P 18080 -- touch "$T/never"
	[ ! -e never ]
	[ "$(hear 127.0.0.1 18080)" = "hello from the box" ]
	end_box
	run aisbx run -P 18080:8080 -- true # free again at once
	status_is 0
}

@test "what the server sent before it ended arrives" {
	serve -P 18080:8080 -- python3 -c '
import os, socket
s = socket.create_server(("127.0.0.1", 8080))
c = s.accept()[0]
c.sendall(b"x" * 20000000)
os._exit(0)'
	run python3 -c '
import socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
s.settimeout(20)
s.connect(("127.0.0.1", 18080))
total = 0
while data := s.recv(65536):
    total += len(data)
    time.sleep(0.001)
print(total)'
	output_is 20000000
	wait $BOX
}

# crowd: in a box with so few descriptors that 50 connections cannot be served.
crowd() {
	serve -P 18080:8080 -- python3 -c '
import asyncio
async def echo(r, w):
    try:
        w.write(await r.readline())
        await r.read()
    except ConnectionError: pass
async def main():
    async with await asyncio.start_server(echo, "127.0.0.1", 8080, backlog=4096) as s: await s.serve_forever()
asyncio.run(main())'
	run timeout 30 python3 -c '
import socket, sys, time
def connect():
    try: return socket.create_connection(("127.0.0.1", 18080), 10)
    except ConnectionError: return None # reset before it was seen
cs = [connect() for _ in range(50)]
ends = [b"reset" for c in cs if not c]
for c in filter(None, cs):
    c.settimeout(5)
    try:
        c.sendall(b"hi\n")
        ends.append(c.recv(3))
    except ConnectionError:
        ends.append(b"reset")
assert b"hi\n" in ends and b"reset" in ends, ends
def ticks():
    pids = open("/proc/%s/task/%s/children" % (sys.argv[1], sys.argv[1])).read().split()
    stats = [open("/proc/%s/stat" % pid).read().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats)
before = ticks()
time.sleep(1)
assert ticks() - before < 30, ticks() - before # of 100 in a second
print("fine")' $BOX
	output_is fine
	end_box
}

@test "more connections than descriptors: each is served or reset, and the broker rests" {
	# Even and odd: one descriptor is left for a connection, and none for its other half.
	ulimit -n 63
	crowd
	rm ports.json
	ulimit -n 62
	crowd
}
