#!/usr/bin/env bats
# All that aisbx says of a run is as aisbx-result(5) and its JSON Schema have it, and
# the schema would notice if it were not.
load ../lib/common

# run with a result of its own and the log that all of a test share
recorded() {
	number=$((${number:-0} + 1))
	run aisbx run --result "$number.json" --audit log.jsonl "$@"
}

@test "however a run ends" {
	mkdir in out
	recorded -- true
	recorded -- sh -c 'exit 42'
	recorded -- sh -c 'kill -SEGV $$'
	recorded --max-output 1M --keep head,tail --ro in --rw out -- sh -c 'echo a; echo b >&2'
	recorded -t 100ms -- sleep 10
	recorded --max-output 10 -- yes
	recorded --cpu 1s -- sh -c 'while :; do :; done'
	recorded --memory 8M --tmp-size 1G -- head -c 100M /dev/zero
	recorded -- no-such-program
	recorded --ro /missing -- true
	recorded -c $'true \u202e'
	recorded --no-such -- true
	recorded -p nowhere -- true
	recorded -p python -c 'print(1)' -- a b
	recorded -- echo $'a\u2028"\\\x01\n\xff'
	recorded -e "A=secret value" --allow-syscall @debug --allow-degraded cgroup -- true
	recorded --memory none --processes none --timeout none --cpus 0.5 \
		--allow-degraded limits.cpus -- true
	conforms log.jsonl ?.json ??.json
	[ "$(cat ?.json ??.json | wc -l)" -eq 17 ]
	[ "$(jq -r .outcome ./*.json | sort -u | tr '\n' ' ')" = "cpu_limit exited \
input_rejected output_limit setup_failed signaled wall_limit " ]
	lacks "$(cat log.jsonl)" "secret value"
	[ "$(jq -c 'select(.event == "start") | .grants[] | select(.env == "A")' log.jsonl)" = \
		'{"env":"A"}' ]
}

@test "the network: refused, connected, published" {
	need python3
	cat >client.py <<-'E'
		import os, socket, sys, threading
		server = socket.create_server(("127.0.0.1", 0))
		port = server.getsockname()[1]
		def serve():
		    for i in range(300):
		        server.accept()[0].close()
		threading.Thread(target=serve, daemon=True).start()
		code = f"""
		import socket
		for i in range(300):
		    socket.create_connection(("localhost", {port})).recv(1)
		for name in "a.example.org", "b\\\\x7f.example.org", "x" * 64:
		    try: socket.getaddrinfo(name, 1)
		    except (OSError, UnicodeError): pass
		for to in ("1.1.1.1", 443), ("2606:4700::1", 80), ("169.254.169.254", 80):
		    try: socket.create_connection(to)
		    except OSError: pass
		socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("9.9.9.9", 53))
		"""
		os.environ["P"] = str(port)
		status = os.spawnv(os.P_WAIT, sys.argv[1], ["aisbx", "run", "--result", "r.json", "--audit",
		    "log.jsonl", "--published", "p.json", "--allow-private-host", f"localhost:{port}",
		    "--allow-host", "*.example.com:80,8000-8009", "-P", "0:8000", "--", "python3", "-c",
		    "\n".join(line.strip("\t") for line in code.split("\n"))])
		sys.exit(status)
	E
	run timeout 60 python3 client.py "$AISBX"
	status_is 0
	conforms log.jsonl r.json p.json
	[ "$(jq -s 'map(select(.count and .event == "connect" and .verdict == "allowed")) | length' \
		log.jsonl)" -eq 1 ]
	[ "$(jq '.refused | length' r.json)" -ge 3 ]
	[ "$(jq -c 'select(.event == "start") | .grants[] | select(.publish)' log.jsonl)" = \
		'{"publish":0,"address":"127.0.0.1","box_port":8000}' ]
	[ "$(jq -c 'select(.event == "start") | .grants[] | select(.host) | [.host, .ports, .private]' \
		log.jsonl | head -1)" = '["*.example.com",["80","8000-8009"],false]' ]
}

@test "code that is rejected is recorded" {
	run aisbx run --audit log.jsonl -p python -c $'x = 1 # \u202e'
	status_is 125
	conforms log.jsonl
	[ "$(jq -r '.result.outcome // .code_sha256' log.jsonl)" = \
		"$(printf 'x = 1 # \u202e' | sha256sum | cut -d' ' -f1)
input_rejected" ]
	run aisbx run --audit checked.jsonl -p python --input-check false -c 'x = 1'
	status_is 125
	[ "$(jq -r .event checked.jsonl | tr '\n' ' ')" = "start end " ]
}

@test "the code that ran is known by its hash" {
	printf 'print(1)' >code
	run aisbx run -p python --script code --audit log.jsonl
	run aisbx run -p python -c 'print(1)' --audit log.jsonl
	run aisbx run --audit log.jsonl -- true
	conforms log.jsonl
	[ "$(jq -r 'select(.event == "start").code_sha256' log.jsonl)" = \
		"$(sha256sum code | cut -d' ' -f1)
$(sha256sum code | cut -d' ' -f1)
null" ]
}

@test "the schema refuses what is not so" {
	run aisbx run -P 0:8000 --published p.json --allow-host a.example --result r.json \
		--audit log.jsonl -- python3 -c 'import socket
try: socket.create_connection(("1.1.1.1", 80))
except OSError: pass'
	status_is 0
	conforms log.jsonl r.json p.json
	cat >wrong.py <<-'E'
		# Each member left out, made another and joined by one more, at every depth.
		import copy, json, sys
		import jsonschema
		def places(value, path=()):
		    if isinstance(value, dict):
		        yield path
		        for name in value: yield from places(value[name], path + (name,))
		    elif isinstance(value, list):
		        for i, item in enumerate(value): yield from places(item, path + (i,))
		def variants(value):
		    for path in places(value):
		        def inside(variant):
		            for part in path: variant = variant[part]
		            return variant
		        for name in [*inside(value), "more"]:
		            variant = copy.deepcopy(value)
		            inside(variant)[name] = {"x": 1}
		            yield variant
		            variant = copy.deepcopy(value)
		            if name != "more" and path[-1:] != ("limits",): # those that were set
		                del inside(variant)[name]
		                yield variant
		is_valid = jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).is_valid
		tried = 0
		for line in sum([open(name).readlines() for name in sys.argv[2:]], []):
		    assert is_valid(json.loads(line))
		    for wrong in variants(json.loads(line)):
		        assert not is_valid(wrong), wrong
		        tried += 1
		print(tried)
	E
	run python3 wrong.py "$LIB/aisbx-result.schema.json" log.jsonl r.json p.json
	status_is 0
	[ "$output" -gt 250 ]
}
