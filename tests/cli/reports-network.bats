#!/usr/bin/env bats
# What result, audit log and stderr say of a run's network.
load ../lib/common

# Answers each connection with 1000 bytes and holds it; its port is in ./port.
serve() {
	python3 - <<-'E' 3>&- &
		import os, socket, threading
		server = socket.socket()
		server.bind(("127.0.0.1", 0))
		server.listen()
		with open("port.new", "w") as out:
		    out.write(str(server.getsockname()[1]))
		os.rename("port.new", "port")
		def answer(client):
		    client.recv(100)
		    client.sendall(b"y" * 1000)
		    while client.recv(100):
		        pass
		while True:
		    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
	E
	server=$!
	until [ -e port ]; do :; done
	port=$(cat port)
}

teardown_more() {
	[ -z "${server:-}" ] || kill "$server" || true
}

client='
import os, socket, sys, time
s = socket.create_connection(("localhost", int(sys.argv[1])))
s.send(b"hello")
n = 0
while n < 1000:
    n += len(s.recv(1000))
'

json() { # FILE EXPRESSION
	python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"
}

@test "connections are added up, also one that was open when the box ended" {
	serve
	aisbx run --allow-private-host "localhost:$port" --result r.json -- \
		python3 -c "$client
s.close()
s = socket.create_connection(('localhost', int(sys.argv[1])))
s.send(b'hello')
s.recv(1, socket.MSG_PEEK)
if os.fork() == 0:
    time.sleep(60)" "$port"
	[ "$(json r.json 'len(r["connections"])')" = 1 ]
	[ "$(json r.json 'r["connections"][0]["host"], r["connections"][0]["count"]')" = "('localhost', 2)" ]
	[ "$(json r.json 'r["connections"][0]["port"]')" = "$port" ]
	[ "$(json r.json 'r["connections"][0]["up_bytes"]')" = 10 ]
	[ "$(json r.json 'r["connections"][0]["down_bytes"]')" = 2000 ]
	[ "$(json r.json 'r["refused"]')" = '[]' ]
}

@test "what was refused is told once, counted, and with the option that would allow it" {
	aisbx run --allow-host api.example.com --result r.json --audit a.jsonl -- python3 -c '
import errno, socket
for i in range(3):
    try:
        socket.getaddrinfo("other.example.org", 443, socket.AF_INET)
        raise SystemExit("resolved")
    except socket.gaierror:
        pass
    s = socket.socket()
    assert s.connect_ex(("1.1.1.1", 443)) == errno.ECONNREFUSED
'
	[ "$(json r.json '[x for x in r["refused"] if x["kind"] == "dns"]')" = \
		"[{'kind': 'dns', 'what': 'other.example.org', 'count': 3, 'grant': '--allow-host other.example.org'}]" ]
	[ "$(json r.json '[x for x in r["refused"] if x["kind"] == "host"]')" = \
		"[{'kind': 'host', 'what': '1.1.1.1:443', 'count': 3, 'grant': '--allow-host 1.1.1.1'}]" ]
	[ "$(grep -c '"event":"dns","verdict":"denied"' a.jsonl)" = 2 ]
	[ "$(grep -c '"event":"connect","verdict":"denied"' a.jsonl)" = 2 ]
}

@test "a published port that was picked is told before the command runs" {
	aisbx run -P 0:8000 --published p.json --result r.json --audit a.jsonl -- true
	[ "$(json p.json 'r["published"][0]["port"] > 0')" = True ]
	[ "$(json p.json 'r["published"][0]["address"], r["published"][0]["box_port"]')" = "('127.0.0.1', 8000)" ]
	[ "$(json p.json 'r["published"]')" = "$(json r.json 'r["published"]')" ]
	grep -q '"event":"publish","verdict":"allowed"' a.jsonl
}

@test "a broker that is killed takes the network away, and stderr says so" {
	serve
	mkfifo go
	aisbx run --rw . --allow-private-host "localhost:$port" -- python3 -c "$client
open('started', 'w').close()
open('go').read()
try:
    s = socket.create_connection(('localhost', int(sys.argv[1])))
    s.send(b'hello')
    got = len(s.recv(1000))
except OSError:
    got = 0
sys.exit(40 + (got > 0))" "$port" 2>err 3>&- &
	runner=$!
	until [ -e started ]; do kill -0 $runner; done
	# timeout, then aisbx; of its two children init is in a namespace of its own.
	supervisor=$(pgrep -P "$(pgrep -P $runner -x timeout || echo $runner)" -x aisbx)
	for child in $(pgrep -P "$supervisor"); do
		grep -q '^NSpid:.*	.*	1$' "/proc/$child/status" || kill -KILL "$child"
	done
	echo >go
	status=0
	wait $runner || status=$?
	[ $status = 40 ]
	cat err
	[ "$(cat err)" = "aisbx: the broker ended before the box: there was no network from then on" ]
}
