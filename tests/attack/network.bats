#!/usr/bin/env bats
# No packet leaves the box and nothing of the host's network is in reach.
load ../lib/common

@test "lo is up and there is nothing else" {
	run aisbx run -- sh -c 'tail -n +3 /proc/net/dev | cut -d: -f1; cat /proc/net/route | tail -n +2'
	[ "$(tr -d ' ' <<<"$output")" = lo ]
}

@test "a service on the host's loopback is not there; one in the box is" {
	python3 - <<-'E' 3>&- &
		import socket
		s = socket.socket()
		s.bind(("127.0.0.1", 0))
		s.listen()
		s.settimeout(30)
		open("port.new", "w").write(str(s.getsockname()[1]))
		__import__("os").rename("port.new", "port")
		s.accept()
	E
	local server=$!
	eventually test -e port
	run aisbx run -- python3 -c "
import socket
for host in '127.0.0.1', '127.1.2.3', 'localhost', '0.0.0.0':
    try: socket.create_connection((host, $(cat port)), 2); print('connected', host)
    except OSError as e: print(type(e).__name__)"
	lacks "$output" connected
	contains "$output" ConnectionRefusedError
	python3 -c "import socket; socket.create_connection(('127.0.0.1', $(cat port)), 2)"
	wait $server
}

@test "addresses outside are unreachable at once: metadata, private, public, IPv6" {
	run aisbx run -- python3 - <<-'E'
		import socket, time
		begin = time.monotonic()
		for family, host in ((socket.AF_INET, "169.254.169.254"), (socket.AF_INET, "10.0.0.1"),
		                     (socket.AF_INET, "8.8.8.8"), (socket.AF_INET6, "2001:4860:4860::8888"),
		                     (socket.AF_INET6, "fe80::1"), (socket.AF_INET6, "::ffff:8.8.8.8"),
		                     (socket.AF_INET6, "fd00:ec2::254")):
		    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
		        s = socket.socket(family, kind)
		        s.settimeout(2)
		        try:
		            s.connect((host, 53))
		            s.send(b"x")
		            print("sent to", host)
		        except OSError as e:
		            pass
		print("fast" if time.monotonic() - begin < 1 else "slow")
	E
	output_is fast
}

@test "the host's abstract unix sockets are not there; the box's own are" {
	python3 - "aisbx-test-$$" <<-'E' 3>&- &
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind("\0" + sys.argv[1])
		s.listen()
		s.settimeout(30)
		open("ready", "w")
		s.accept()
	E
	local server=$!
	eventually test -e ready
	refused ECONNREFUSED/EPERM connect_abstract "aisbx-test-$$"
	outside connect_abstract "aisbx-test-$$"
	wait $server
	run aisbx run -- python3 -c '
import socket
s = socket.socket(socket.AF_UNIX); s.bind("\0mine"); s.listen()
c = socket.socket(socket.AF_UNIX); c.connect("\0mine"); print("connected")'
	output_is connected
	# The socket of start-up is closed when init is back at work.
	run aisbx run -t 5s -- sh -c 'until [ "$(wc -l </proc/net/unix)" -le 1 ]; do :; done'
	status_is 0
}

@test "two boxes do not meet: loopback, abstract sockets" {
	"$AISBX" run -- python3 -c '
import socket, time
a = socket.socket(); a.bind(("127.0.0.1", 4567)); a.listen()
b = socket.socket(socket.AF_UNIX); b.bind("\0meet"); b.listen()
print("up", flush=True); time.sleep(60)' >up 3>&- &
	local pid=$!
	eventually grep -q up up
	run aisbx run -- python3 -c '
import socket
for f, a in (socket.AF_INET, ("127.0.0.1", 4567)), (socket.AF_UNIX, "\0meet"):
    try: socket.socket(f).connect(a); print("met")
    except OSError as e: print("no")'
	kill -9 $pid
	wait $pid || true
	output_is $'no\nno'
}

@test "routes, addresses and interfaces cannot be changed" {
	run aisbx run -- sh -c 'ip addr add 10.1.1.1/8 dev lo && echo changed; ip link add dummy0 type dummy && echo made; ip link set lo down && echo down'
	output_is ""
	need ip
	[ "$(unshare -Urn sh -c 'ip link set lo up && ip addr add 10.1.1.1/8 dev lo && echo changed')" = changed ]
}

@test "names do not leave: no query, an answer at once" {
	run aisbx run -- python3 -c '
import socket, time
t = time.monotonic()
for name in "example.org", "secret-data.attacker.example", "169.254.169.254.nip.io":
    try: print(socket.getaddrinfo(name, 443))
    except socket.gaierror as e: pass
print("fast" if time.monotonic() - t < 1 else "slow")'
	output_is fast
}
