#!/usr/bin/env bats
# stdin, stdout and stderr pass as with env(1), with and without a relay.
load ../lib/common

# Each as it is by default (descriptors pass) and with an output limit (relay).
WAYS=("" "--max-output none" "--max-output 1G")

@test "stdin: pipe, file, null, here-string" {
	local way
	for way in "${WAYS[@]}"; do
		run bash -c 'echo piped | "$AISBX" run '"$way"' -- cat'
		output_is piped
		echo filed >f
		run bash -c '"$AISBX" run '"$way"' -- cat <f'
		output_is filed
		run bash -c '"$AISBX" run '"$way"' -- cat </dev/null'
		output_is ""
		status_is 0
	done
}

@test "stdout and stderr stay apart and whole" {
	local way
	for way in "${WAYS[@]}"; do
		run aisbx run $way -- sh -c 'i=0; while [ $i -lt 500 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done'
		status_is 0
		[ "$(wc -l <<<"$output")" -eq 500 ]
		[ "$(wc -l <<<"$stderr")" -eq 500 ]
		lacks "$output" e
	done
}

@test "200 MB of binary data, both ways, arrive byte for byte" {
	head -c 200M /dev/urandom >big
	local sum way
	sum=$(sha256sum <big)
	for way in "${WAYS[@]}"; do
		# shellcheck disable=SC2086
		[ "$(aisbx run $way -- cat <big | sha256sum)" = "$sum" ]
		# shellcheck disable=SC2086
		[ "$(cat big | aisbx run $way -- cat | sha256sum)" = "$sum" ]
		# shellcheck disable=SC2086
		aisbx run $way -- cat <big >copy
		cmp big copy
	done
	rm -f big copy
}

@test "| head: the program gets SIGPIPE and the run ends" {
	local way
	for way in "${WAYS[@]}"; do
		run bash -c 'timeout 20 "$AISBX" run '"$way"' -- yes | head -1; echo ${PIPESTATUS[0]}'
		output_is $'y\n141'
	done
}

@test "a reader that goes away does not end a program that writes nothing" {
	run bash -c 'timeout 20 "$AISBX" run --rw . --max-output 1M -- sh -c "read x; echo done >end" < <(echo go) | true'
	[ "$(cat end)" = done ]
}

@test "output to a file, appended, and the same file for both" {
	run bash -c 'echo first >f; "$AISBX" run -- sh -c "echo o; echo e >&2" >>f 2>&1'
	[ "$(cat f)" = $'first\no\ne' ]
	local way
	for way in "${WAYS[@]}"; do
		run bash -c '"$AISBX" run '"$way"' -- sh -c "echo o; echo e >&2" >g 2>&1'
		[ "$(sort g)" = $'e\no' ]
	done
}

@test "/dev/stdout, /dev/stderr and /dev/stdin can be opened again: pipe" {
	local way
	for way in "${WAYS[@]}"; do
		run bash -c 'echo in | timeout 20 "$AISBX" run '"$way"' -- sh -c "cat /dev/stdin >/dev/stdout; echo e >/dev/stderr" 2> >(cat >err) | cat'
		output_is in
		eventually grep -qx e err
		rm err
	done
}

@test "/dev/stdout, /dev/stderr and /dev/stdin can be opened again: file" {
	local way
	for way in "${WAYS[@]}"; do
		echo in >f
		run bash -c 'timeout 20 "$AISBX" run '"$way"' -- sh -c "cat /dev/stdin >/dev/stdout; echo e >/dev/stderr" <f >o 2>e'
		status_is 0
		[ "$(cat o)" = in ]
		[ "$(cat e)" = e ]
	done
	run aisbx run -- tee /dev/stderr <<<both
	output_is both
	[ "$stderr" = both ]
}

@test "stdin given read-only cannot be written through /proc (CVE-2019-5736's way)" {
	echo keep >f
	run bash -c '"$AISBX" run --ro "$BIN" -- sh -c "
		$BIN/try open_write /proc/self/fd/0; $BIN/try truncate /proc/self/fd/0; $BIN/try open_truncate /proc/self/fd/0
		$BIN/try open_read /proc/self/fd/0" <f'
	[ "$(cat f)" = keep ]
	[[ $output == E*$'\n'E*$'\n'E*$'\n'ok ]] || {
		echo "$output" >&2
		return 1
	}
	"$BIN/try" open_write /proc/self/fd/0 <f
	"$BIN/try" open_truncate /proc/self/fd/0 <f
	[ ! -s f ]
}

@test "stdout given write-only cannot be read through /proc" {
	echo secret >f
	# Through a relay it is a pipe, which waits; a file is refused.
	run bash -c '"$AISBX" run -- sh -c "timeout 0.3 cat /proc/self/fd/1 >&2" >>f'
	[ "$status" -ne 0 ]
	lacks "$stderr" secret
}

@test "the run ends with the command, not with the last holder of a pipe" {
	local way start
	for way in "${WAYS[@]}"; do
		start=$SECONDS
		run bash -c 'timeout 20 "$AISBX" run '"$way"' -- sh -c "sleep 100 & echo started" | cat'
		output_is started
		[ $((SECONDS - start)) -lt 10 ]
	done
}

@test "what was written before the end all comes out" {
	run bash -c 'timeout 20 "$AISBX" run --max-output 10M -- sh -c "head -c 3000000 /dev/zero" | (read -rt 0.3 <> <(:); wc -c)'
	output_is 3000000
}

@test "a reader that never reads does not hold the run beyond its wall time" {
	local start=$SECONDS
	run bash -c 'mkfifo p; exec 9<>p; timeout 20 "$AISBX" run -t 500ms --grace 200ms --max-output 10M -- sh -c "yes" >p'
	status_is 124
	[ $((SECONDS - start)) -lt 8 ]
}

@test "non-blocking pipes work and stay as they were" {
	run python3 - <<-'E'
		import os, fcntl, subprocess
		r, w = os.pipe()
		os.set_blocking(w, False)
		p = subprocess.Popen([os.environ["AISBX"], "run", "--max-output", "100M", "--",
		                      "head", "-c", "5000000", "/dev/zero"], stdout=w)
		flags = fcntl.fcntl(w, fcntl.F_GETFL)
		os.close(w)
		n = 0
		while chunk := os.read(r, 65536):
		    n += len(chunk)
		print(n, p.wait(), bool(flags & os.O_NONBLOCK))
	E
	output_is "5000000 0 True"
}

@test "a socket as stdin and stdout" {
	run python3 - <<-'E'
		import os, socket, subprocess
		a, b = socket.socketpair()
		p = subprocess.Popen([os.environ["AISBX"], "run", "--", "cat"], stdin=b, stdout=b)
		b.close()
		a.sendall(b"x" * 100000)
		a.shutdown(socket.SHUT_WR)
		n = 0
		while chunk := a.recv(65536):
		    n += len(chunk)
		print(n, p.wait())
	E
	output_is "100000 0"
}

@test "a full disk is the program's business" {
	run bash -c '"$AISBX" run -- sh -c "echo x || exit 9" >/dev/full'
	status_is 9
	run bash -c 'timeout 10 "$AISBX" run --max-output 1M --result r.json -- sh -c "echo x" >/dev/full'
	status_is 1 # the program has written to a pipe and cannot know
	contains "$stderr" "aisbx: cannot write the output: No space left on device"
	member_is truncated r.json true
	member_is exit_code r.json 0
	run bash -c 'timeout 10 "$AISBX" run --max-output 1M -- sh -c "echo x; exit 3" >/dev/full'
	status_is 3
}

@test "the input is not read ahead: what the program left is the caller's" {
	run bash -c 'printf "one\ntwo\n" >f; { "$AISBX" run -- sh -c "read a; echo \$a"; read b; echo rest $b; } <f'
	output_is $'one\nrest two'
}
