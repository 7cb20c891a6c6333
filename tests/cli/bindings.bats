#!/usr/bin/env bats
# bindings: programs of the host's that the box calls by name.
load ../lib/common

# A handler is a script beside the test; the box sees nothing of it.
handler() { # NAME, text on stdin
	{ echo '#!/bin/sh'; cat; } >"$1"
	chmod +x "$1"
}

# ask NAME: stdin to NAME.sock as any program would, its answer to stdout. Runs in the box.
ask='import os,socket,sys
s=socket.socket(socket.AF_UNIX); s.connect(os.environ["AISBX_BINDINGS"]+"/"+sys.argv[1]+".sock")
s.sendall(sys.stdin.buffer.read()); s.shutdown(socket.SHUT_WR)
while (b := s.recv(65536)): sys.stdout.buffer.write(b)'

@test "a program NAME: input, output, errors and exit status pass" {
	handler up <<-'E'
		tr a-z A-Z
		echo trouble >&2
		exit 7
	E
	run aisbx run --binding "up=$T/up" -- sh -c 'echo words | up'
	status_is 7
	output_is WORDS
	[ "$stderr" = trouble ]
	# not there without the grant
	run aisbx run -- sh -c 'echo words | up'
	status_is 127
}

@test "a socket NAME.sock: the request, the end of it, the answer" {
	run aisbx run --binding 'up=tr a-z A-Z' -- sh -c 'echo words | python3 -c "$1" up' sh "$ask"
	status_is 0
	output_is WORDS
	# what went wrong is one line behind the answer
	handler bad <<<'cat; exit 3'
	run aisbx run --binding "bad=$T/bad" -- sh -c 'echo words | python3 -c "$1" bad' sh "$ask"
	output_is "words
aisbx: binding 'bad': it exited with status 3"
	# any bytes, many of them, both ways
	head -c 900000 /dev/urandom >bytes
	run sh -c '"$AISBX" run --ro "$1" --binding same=cat -- sh -c "python3 -c \"\$1\" same <bytes | cmp - bytes" sh "$2"' \
		sh "$T" "$ask"
	status_is 0
	run aisbx run --ro "$T" --binding same=cat -- sh -c 'same <bytes | cmp - bytes'
	status_is 0
}

@test "a program that is many by the name of a link to it" {
	handler many <<<'basename "$0"'
	ln -s many one
	run aisbx run --binding "one=$T/one" -- one
	output_is one
}

@test "the exit status of a signal, and of what cannot be executed" {
	handler killed <<<'kill -TERM $$'
	printf '#!/no/such/interpreter\n' >lost
	chmod +x lost
	run aisbx run --binding "killed=$T/killed" --binding "lost=$T/lost" -- sh -c \
		'killed </dev/null; echo $?; lost </dev/null; echo $?'
	output_is 143$'\n'125
	contains "$stderr" "aisbx: binding 'lost': its command could not be executed: No such file"
}

@test "arguments go behind -- where the profile appends them, and nowhere else" {
	handler words <<<'for word; do printf "<%s>" "$word"; done; echo'
	cat >p.yaml <<-E
		extends: [base]
		bindings:
		  - {name: appended, command: [$T/words, --own], args: append}
		  - {name: fixed, command: [$T/words, --own], args: fixed}
		  - {name: none, command: [$T/words, --own]}
	E
	run aisbx run -p ./p.yaml -- sh -c 'exec </dev/null; appended --evil "a b" "" "\$(id)"
		appended; fixed --evil; none --evil; echo $?; none'
	output_is '<--own><--><--evil><a b><><$(id)>
<--own>
<--own>
125
<--own>'
	contains "$stderr" "aisbx: binding 'none': it takes no arguments"
}

@test "a handler has its own environment and the declared one, in a session of its own" {
	export CALLERS=secret DECLARED=passed
	handler show <<<'env; ps -o sid= -p $$; echo $$; pwd'
	cat >p.yaml <<-E
		extends: [base]
		bindings: [{name: show, command: ["$T/show"], env: [DECLARED, SET=to this, ABSENT]}]
	E
	run aisbx run -p ./p.yaml -e IN_BOX=secret -e DECLARED=other -- sh -c 'ALSO=secret show </dev/null'
	status_is 0
	lacks "$output" secret
	lacks "$output" AISBX
	lacks "$output" other
	contains "$output" "DECLARED=passed"
	contains "$output" "SET=to this"
	contains "$output" "HOME=$HOME"
	contains "$output" "PATH=/usr/"
	lacks "$output" ABSENT
	[ "$(sed -n '$p' <<<"$output")" = "$T" ]
	local sid pid
	sid=$(tail -n 3 <<<"$output" | sed -n 1p | tr -d ' ')
	pid=$(tail -n 3 <<<"$output" | sed -n 2p)
	[ "$sid" = "$pid" ]
	# the control: the caller's variables are there to leak
	run env
	contains "$output" CALLERS=secret
}

@test "a handler runs as the caller, with nothing open but its three descriptors" {
	handler who <<<'id -u; exec ls /proc/self/fd'
	exec 7</etc/passwd
	run aisbx run --binding "who=$T/who" -- who
	exec 7<&-
	# ls has the directory open besides
	output_is "$(id -u)"$'\n0\n1\n2\n3'
}

@test "handlers run beside each other, up to a bound" {
	mkdir running
	handler one <<-E
		mkdir $T/running/\$\$; ls $T/running | wc -l
		sleep 0.3
		rmdir $T/running/\$\$
	E
	run aisbx run --binding "one=$T/one" -- sh -c 'exec </dev/null
		for i in $(seq 20); do one & done; wait'
	status_is 0
	[ "$(wc -l <<<"$output")" -eq 20 ]
	local most
	most=$(sort -n <<<"$output" | tail -n 1)
	[ "$most" -gt 1 ] && [ "$most" -le 8 ]
}

@test "time, output and number of calls are bounded" {
	handler slow <<<'echo begun; exec sleep 60'
	cat >p.yaml <<-E
		extends: [base]
		bindings:
		  - {name: slow, command: ["$T/slow"], timeout: 400ms}
		  - {name: flood, command: ["yes"], max_output: 10K}
		  - {name: thrice, command: ["true"], max_calls: 3}
		  - {name: small, command: [cat], max_input: 10}
	E
	run aisbx run -p ./p.yaml --result r.json -- sh -c 'exec </dev/null; slow; echo $?
		flood | wc -c; for i in 1 2 3 4 5; do thrice; echo $?; done
		printf 0123456789 | small; echo; printf 0123456789x | small; echo $?'
	output_is $'begun\n124\n10240\n0\n0\n0\n125\n125\n0123456789\n125'
	contains "$stderr" "aisbx: binding 'slow': it was ended: its time was up"
	contains "$stderr" "aisbx: binding 'flood': it was ended: its output is too long"
	contains "$stderr" "aisbx: binding 'thrice': it was called too often in this run"
	contains "$stderr" "aisbx: binding 'small': the request is too long"
	run python3 - <<-'E'
		import json
		r = json.load(open("r.json"))
		b = {x["name"]: x for x in r["bindings"]}
		assert b["thrice"]["calls"] == 3 and b["thrice"]["denied"] == 2, b
		assert b["small"]["calls"] == 1 and b["small"]["denied"] == 1, b
		assert b["flood"]["output_bytes"] == 10240, b
		refused = {(x["kind"], x["what"], x["arguments"]): (x["count"], x["grant"]) for x in r["refused"]}
		assert refused == {
		    ("binding", "thrice", "max_calls"): (2, "bindings: max_calls of thrice"),
		    ("binding", "small", "oversize"): (1, "bindings: max_input of small")}, refused
	E
	status_is 0
	conforms r.json
}

@test "a call with no input does not wait for it to end" {
	mkfifo held
	exec 8<>held
	cat >p.yaml <<-E
		extends: [base]
		bindings: [{name: now, command: [echo], args: append, max_input: 0}]
	E
	BOUND=10 run aisbx run -p ./p.yaml -- now word <&8
	status_is 0
	output_is '-- word'
	exec 8<&-
}

@test "JSON requests are checked before the handler starts" {
	handler took <<-E
		echo ran >>$T/ran
		cat
	E
	cat >schema.json <<-'E'
		{"type": "object", "required": ["table"], "additionalProperties": false,
		 "properties": {"table": {"enum": ["users", "orders"]},
		                "limit": {"type": "integer", "minimum": 1, "maximum": 100}}}
	E
	cat >p.yaml <<-E
		extends: [base]
		bindings:
		  - {name: file, command: ["$T/took"], schema: ./schema.json}
		  - name: inline
		    command: ["$T/took"]
		    schema: {type: array, maxItems: 2, items: {type: [string, "null"], maxLength: 3}}
	E
	local request
	for request in '{"table":"users"}' '{"table":"orders","limit":100}' '{"limit":1.0,"table":"users"}'; do
		run sh -c 'printf %s "$1" | "$AISBX" run -p ./p.yaml -- file' sh "$request"
		status_is 0
		output_is "$request"
	done
	[ "$(wc -l <ran)" -eq 3 ]
	for request in '' '{' '{"table":"secrets"}' '{"table":"users","limit":101}' \
		'{"table":"users","limit":"1"}' '{"table":"users","limit":1.5}' '{"limit":1}' \
		'{"table":"users","more":1}' '[]' '{"table":"users"}{}' '{"table":"users","table":"users"}' \
		"$(printf '[%.0s' $(seq 5000))"; do
		run sh -c 'printf %s "$1" | "$AISBX" run -p ./p.yaml -- file' sh "$request"
		status_is 125
		contains "$stderr" "aisbx: binding 'file': the request is not what its schema wants: "
	done
	run sh -c 'echo "[\"abc\", null]" | "$AISBX" run -p ./p.yaml -- inline'
	status_is 0
	run sh -c 'echo "[\"abcd\"]" | "$AISBX" run -p ./p.yaml -- inline'
	status_is 125
	contains "$stderr" 'wants: $[0]: too short or too long'
	[ "$(wc -l <ran)" -eq 4 ]
}

@test "a command checks requests, arguments too" {
	handler check <<<'[ "$1" = -- ] && [ "$2" = fine ] && grep -q fine'
	handler took <<-E
		echo ran >>$T/ran
		cat
	E
	cat >p.yaml <<-E
		extends: [base]
		bindings: [{name: took, command: ["$T/took"], args: append, schema: ["$T/check"]}]
	E
	run sh -c 'echo fine | "$AISBX" run -p ./p.yaml -- took fine'
	status_is 0
	output_is fine
	run sh -c 'echo fine | "$AISBX" run -p ./p.yaml -- took bad'
	status_is 125
	run sh -c 'echo bad | "$AISBX" run -p ./p.yaml -- took fine'
	status_is 125
	output_is ""
	[ "$(wc -l <ran)" -eq 1 ]
}

@test "log: the built-in binding appends to the audit log, and not without end" {
	run aisbx run --audit a.jsonl --binding log -- sh -c '
		log "two words" and </dev/null
		printf "from stdin\n" | log
		python3 -c "$1" log </etc/hostname' sh "$ask"
	status_is 0
	output_is ""
	run python3 - <<-'E'
		import json
		lines = [json.loads(x) for x in open("a.jsonl")]
		texts = [x["text"] for x in lines if x["event"] == "binding"]
		assert texts[:2] == ["two words and", "from stdin"], texts
		assert texts[2] == open("/etc/hostname").read().rstrip("\n"), texts
	E
	status_is 0
	conforms a.jsonl
	run aisbx run --audit b.jsonl --binding log -- sh -c 'exec </dev/null
		for i in $(seq 200); do log $i; done 2>/tmp/err; sort -u /tmp/err'
	contains "$output" "aisbx: binding 'log': too many messages; try again later"
	local count
	count=$(grep -c '"end":"logged"' b.jsonl)
	[ "$count" -ge 50 ] && [ "$count" -lt 200 ]
	fails_with 125 "has no audit log to write to" run --binding log -- true
}

@test "each call is in the audit log" {
	run aisbx run --audit a.jsonl --binding same=cat -- sh -c '
		echo 12345 | same; same x </dev/null; for i in $(seq 3); do same </dev/null; done'
	conforms a.jsonl
	run python3 - <<-'E'
		import json
		lines = [json.loads(x) for x in open("a.jsonl")]
		calls = [x for x in lines if x["event"] == "binding"]
		assert len(calls) == 5, calls
		first = calls[0]
		assert first["verdict"] == "allowed" and first["end"] == "exited" and first["exit_code"] == 0
		assert first["input_bytes"] == first["output_bytes"] == 6 and first["duration_ms"] >= 0
		assert calls[1]["verdict"] == "denied" and calls[1]["end"] == "arguments", calls[1]
		start = [x for x in lines if x["event"] == "start"][0]
		assert {"binding": "same", "command": ["cat"]} in start["grants"], start
	E
	status_is 0
}

@test "bindings work with exec lists, protected files, and a network" {
	mkdir project
	run aisbx run -p agent --rw ./project --exec sh --exec same --binding same=cat -- \
		sh -c 'echo words | same'
	output_is words
	run aisbx run --allow-private-host localhost:9 --binding same=cat -- sh -c 'echo words | same'
	output_is words
	# a PATH of the profile's own keeps the programs
	run aisbx run -e PATH=/usr/bin:/bin --binding same=cat -- sh -c 'echo words | same'
	output_is words
}

@test "what a binding runs lies where the box cannot write" {
	mkdir project outside
	handler project/query <<<'echo ran'
	handler outside/query <<<'pwd'
	ln -s ../project/query outside/link
	fails_with 125 "which the box could change" run --rw ./project --binding "q=$T/project/query" -- true
	fails_with 125 "which the box could change" run --rw ./project --binding "q=$T/outside/link" -- true
	fails_with 125 "which the box could change" run --rw ./project --binding "q=sh ./project/query" -- true
	echo '{}' >project/schema.json
	fails_with 125 "which the box could change" run --rw ./project \
		--binding "{name: q, command: [cat], schema: ./project/schema.json}" -- true
	# the control: read-only, it may
	run aisbx run --ro ./project --binding "q=$T/project/query" -- q
	output_is ran
	# nor does one start in a directory of the box's
	cd project
	run aisbx run --rw . --binding "q=../outside/query" -- q
	output_is /
	run aisbx run --ro . --binding "q=../outside/query" -- q
	output_is "$T/project"
}

@test "mistakes are told before anything runs" {
	fails_with 125 "has no command, and no binding of that name is built in" run --binding up -- true
	fails_with 125 "'a/b' is not a name for a binding" run --binding a/b=cat -- true
	fails_with 125 "this machine has no such program" run --binding up=no-such-program -- true
	fails_with 125 "this machine has no such program" run --binding up=/etc/passwd -- true
	fails_with 125 "unknown key 'tiemout' in 'bindings'; did you mean 'timeout'?" \
		run --binding '{name: up, command: [cat], tiemout: 1s}' -- true
	echo '{"type": "strin"}' >bad.json
	fails_with 125 "bad.json:1:10: not a type" run --binding '{name: up, command: [cat], schema: ./bad.json}' -- true
}

@test "show has the bindings" {
	run aisbx show --binding 'up=tr a-z A-Z' -- true
	contains "$output" "CALLS      up -> $(command -v tr) a-z A-Z"
	run aisbx show --json --binding 'up=tr a-z A-Z' -- true
	python3 -c 'import json,sys
b = json.loads(sys.argv[1])["bindings"]
assert b[0]["name"] == "up" and b[0]["command"] == ["tr", "a-z", "A-Z"], b' "$output"
}
