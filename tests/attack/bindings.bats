#!/usr/bin/env bats
# Attacks on bindings: what a call hands over, what outlives it, what it leaks.
load ../lib/common

handler() { # NAME, text on stdin
	{ echo '#!/bin/sh'; cat; } >"$1"
	chmod +x "$1"
}

profile() { # keys of one binding "q" besides its name, as YAML flow
	printf 'extends: [base]\nbindings:\n  - {name: q, %s}\n  - {name: other, command: [cat]}\n' \
		"$1" >p.yaml
}

# attack NAME [ARG...]: of bindings.py, in the box of p.yaml
attack() {
	BOUND=${BOUND:-60} aisbx run -p ./p.yaml --ro "$BATS_TEST_DIRNAME" "${options[@]}" \
		-- python3 "$BATS_TEST_DIRNAME/bindings.py" "$@"
}

options=()

# Processes with this word in their command line, a sleep that a handler left for one.
left() { # WORD
	pgrep -f -- "$1" >/dev/null
}

nothing_left() {
	! left "$1"
}

@test "options cannot be smuggled in as arguments" {
	profile 'command: [grep, -c, root], args: append'
	# the control: as an option it reads a file of the host's
	run grep --file=/etc/hostname /etc/hostname
	status_is 0
	run aisbx run -p ./p.yaml -- sh -c 'q --file=/etc/passwd </dev/null; q -e "" /etc/hostname </dev/null'
	contains "$stderr" "grep: --file=/etc/passwd: No such file"
	contains "$stderr" "grep: -e: No such file"
	# nor is anything read by a shell
	profile 'command: [printf, "%s\n"], args: append'
	run aisbx run -p ./p.yaml -- q '$(id)' '`id`' '; id' '| id' $'\n id'
	output_is $'--\n$(id)\n`id`\n; id\n| id\n\n id'
	profile 'command: [printf, "%s\n"]'
	run aisbx run -p ./p.yaml -- q '$(id)'
	status_is 125
}

@test "descriptors that are sent along are dropped" {
	handler fds <<<'ls /proc/self/fd | tr "\n" " "; cat'
	profile "command: ['$T/fds']"
	run attack descriptors q
	output_is $'0 1 2 3 request\n0 1 2 3 request'
	profile 'command: [cat]'
	run attack held q
	output_is closed
	# the control: one that is received is held
	run python3 -c 'import array,os,select,socket
a, b = socket.socketpair()
r, w = os.pipe()
a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [w]))])
os.close(w)
fds = b.recvmsg(1, 100)
print(select.select([r], [], [], 0.2)[0])'
	output_is '[]'
}

@test "requests that are too long, too late or none get an error, and no handler" {
	handler ran <<-E
		echo ran >>$T/log
		cat
	E
	profile "command: ['$T/ran'], max_input: 1000, timeout: 500ms"
	run attack oversize q 3000000
	output_is "aisbx: binding 'q': the request is too long"
	run attack late q
	[ "${output%%$'\n'*}" = "aisbx: binding 'q': the request was not whole in time" ]
	run attack malformed q
	status_is 0
	[ "$(sort -u <<<"$output")" = "aisbx: binding 'q': the request is malformed" ]
	run attack gone q
	[ ! -e log ]
	# the control
	run attack oversize q 1000
	[ "$(wc -c <<<"$output")" -eq 1001 ]
	[ -e log ]
}

@test "connections that say nothing keep nobody out for longer than their time" {
	profile 'command: [cat], timeout: 1s'
	run attack idle q 100
	output_is request
	profile 'command: ["yes"], max_output: 100M, timeout: 30s'
	run attack deaf q
	output_is request
}

@test "10,000 calls" {
	profile 'command: [cat]'
	options=(--audit a.jsonl --result r.json)
	BOUND=400 run attack flood q 10000
	output_is 0
	run python3 - <<-'E'
		import json
		(q,) = json.load(open("r.json"))["bindings"]
		assert q["calls"] == 10000 and q["denied"] == 0, q
		assert q["input_bytes"] == q["output_bytes"] == 10000, q
		lines = [json.loads(x) for x in open("a.jsonl")]
		calls = [x for x in lines if x["event"] == "binding"]
		assert len(calls) == 1001, len(calls)
		assert calls[-1]["count"] == 9000 and calls[-1]["input_bytes"] == 9000, calls[-1]
	E
	status_is 0
	conforms a.jsonl r.json
}

@test "handlers that hang, ignore signals, flood or daemonise end with their call" {
	local mark=37$BATS_TEST_NUMBER.$$
	handler stubborn <<-E
		trap '' TERM HUP INT
		while :; do sleep $mark; done
	E
	handler daemon <<-E
		setsid sh -c 'setsid sleep $mark <&- >&- 2>&- & sleep $mark' <&- >&- 2>&- &
		exec 2>&-
		setsid sleep $mark &
		sleep 0.2
		echo done
	E
	cat >p.yaml <<-E
		extends: [base]
		bindings:
		  - {name: stubborn, command: ["$T/stubborn"], timeout: 300ms}
		  - {name: daemon, command: ["$T/daemon"]}
		  - {name: hold, command: ["$T/daemon"], max_output: 0}
	E
	run aisbx run -p ./p.yaml -- sh -c 'exec </dev/null; stubborn; echo $?; daemon; echo $?; sleep 1'
	output_is $'124\ndone\n0'
	nothing_left "sleep $mark"
	# the control: by itself, it would stay
	./daemon </dev/null >/dev/null 2>&1
	left "sleep $mark"
	pkill -9 -f "sleep $mark"
	# it ends with its call, not with the box
	run aisbx run -p ./p.yaml --rw "$T" -- true # a handler in a writable grant is refused
	status_is 125
	mkdir seen
	aisbx run -p ./p.yaml --rw ./seen -- sh -c 'daemon </dev/null; echo >seen/called; while [ ! -e seen/end ]; do sleep 0.1; done' 3>&- &
	eventually test -e seen/called
	nothing_left "sleep $mark"
	touch seen/end
	wait $!
}

# The processes of a run with a handler in it: the supervisor, and below it server and init.
start_daemon() { # MARK
	handler daemon <<-E
		setsid sh -c 'setsid sleep $1 <&- >&- 2>&- & sleep $1' <&- >&- 2>&- &
		echo \$\$ >$T/up
		exec sleep $1
	E
	rm -f up
	# in a process group of its own, which can be killed
	setsid "$AISBX" run --binding "daemon=$T/daemon" -- daemon </dev/null >/dev/null 2>&1 3>&- &
	supervisor=$!
	eventually test -s up
	handler_pid=$(cat up)
	keeper=$(ps -o ppid= -p "$handler_pid" | tr -d ' ')
	server=$(ps -o ppid= -p "$keeper" | tr -d ' ')
	[ "$(ps -o ppid= -p "$server" | tr -d ' ')" = "$supervisor" ]
	eventually left "sleep $1"
}

@test "no handler outlives aisbx, whichever of its processes is killed" {
	local mark=38$BATS_TEST_NUMBER.$$ which
	for which in supervisor server keeper handler_pid init group; do
		start_daemon "$mark"
		case $which in
		init) kill -9 "$(init_of "$supervisor")" ;;
		group) kill -9 -- "-$supervisor" ;;
		*) kill -9 "${!which}" ;;
		esac
		eventually nothing_left "sleep $mark" || {
			echo "left after kill -9 of $which" >&2
			pkill -9 -f "sleep $mark"
			return 1
		}
		kill -9 "$supervisor" 2>/dev/null || true
		wait "$supervisor" 2>/dev/null || true
		eventually is_gone "$server"
		eventually is_gone "$keeper"
	done
}

@test "a run that is ended ends its handlers, and is not held up by them" {
	local mark=39$BATS_TEST_NUMBER.$$
	handler daemon <<-E
		trap '' TERM
		setsid sleep $mark <&- >&- 2>&- &
		sleep $mark
	E
	SECONDS=0
	run aisbx run -t 1s --binding "daemon=$T/daemon" -- sh -c 'daemon </dev/null'
	status_is 124
	[ $SECONDS -lt 6 ]
	nothing_left "sleep $mark"
	# one that nobody waits for any more, too
	run aisbx run --binding "daemon=$T/daemon" -- sh -c 'daemon </dev/null & sleep 0.5'
	status_is 0
	nothing_left "sleep $mark"
}

@test "nothing of aisbx is in the box, and nothing of the box with the handler" {
	handler look <<-'E'
		echo "root $(readlink /proc/self/root) args $#"
		tr '\0' '\n' </proc/self/environ
		readlink /proc/self/fd/0
	E
	profile "command: ['$T/look'], env: [CANARY_DECLARED]"
	export CANARY_CALLER=1 CANARY_DECLARED=1
	run aisbx run -p ./p.yaml -e CANARY_BOX=1 -- sh -c 'CANARY_CALL=1 q </dev/null'
	status_is 0
	contains "$output" "root / args 0"
	contains "$output" CANARY_DECLARED
	lacks "$output" CANARY_CALLER
	lacks "$output" CANARY_BOX
	lacks "$output" CANARY_CALL=
	# the sockets' directory and the programs are not the box's to change
	run aisbx run -p ./p.yaml -- sh -c 'rm -f $AISBX_BINDINGS/q.sock; touch $AISBX_BINDINGS/x
		mv /run/aisbx/bin/q /tmp; echo x >/run/aisbx/bin/q; ls $AISBX_BINDINGS'
	output_is $'other.call\nother.sock\nq.call\nq.sock'
}

@test "what a handler is given is in no memory of the box, seen by the host's root" {
	need_root
	profile 'command: [cat], env: [WORD=needle-of-the-handler]'
	"$AISBX" run -p ./p.yaml -- sh -c 'q </dev/null; echo up; exec sleep 60' >up 3>&- &
	local pid=$! init
	eventually grep -q up up
	init=$(init_of $pid)
	PYTHONPATH=$LIB run python3 - "$init" "$(cat "/proc/$init/task/$init/children")" "$pid" <<-'E'
		import memory, sys
		for pid in sys.argv[1:]:
		    print(any(b"needle-of-the-handler" in part for _, part in memory.parts(pid.strip())))
	E
	kill -9 $pid
	wait $pid || true
	# the control: the supervisor, outside, has it
	output_is $'False\nFalse\nTrue'
}

@test "a check that a request breaks refuses it, and the next one is checked" {
	handler ran <<<'echo ran; cat >/dev/null'
	profile "command: ['$T/ran'], schema: {type: object}, max_input: 4M"
	run aisbx run -p ./p.yaml -- sh -c '
		python3 -c "print(\"[\" * 1000000)" | q; echo $?
		python3 -c "print(\"{\\\"a\\\":\" * 1000 + \"1\" + \"}\" * 1000)" | q; echo $?
		head -c 1000000 /dev/urandom | q; echo $?
		echo {} | q'
	output_is $'125\nran\n0\n125\nran'
}
