#!/usr/bin/env bats
# --keep: the ends of an output that is longer than its limit, and true counts of the rest.
load ../lib/common

# FILE holds the first HEAD and the last TAIL bytes of what COMMAND writes.
has_ends() { # FILE HEAD TAIL COMMAND
	eval "$4" >whole
	{
		head -c "$2" whole
		tail -c "$3" whole
	} >ends
	cmp ends "$1"
}

counts() { # PASSED CUT AT, of stdout in r.json
	member_is stdout_bytes r.json "$1"
	member_is stdout_cut_bytes r.json "$2"
	member_is stdout_cut_at r.json "$3"
}

@test "head and tail: the program runs to its end, both ends are there, the gap is counted" {
	run bash -c '"$AISBX" run --result r.json --max-output 2000 --keep head,tail -- sh -c "seq 1 10000; exit 7" >o'
	status_is 7
	[ "$stderr" = "aisbx: stdout: 46894 bytes were cut after byte 500" ]
	has_ends o 500 1500 "seq 1 10000" # stderr wrote nothing: its share is tail
	counts 2000 46894 500
	member_is stderr_cut_bytes r.json 0
	member_is stderr_cut_at r.json null
	member_is truncated r.json true
	member_is outcome r.json '"exited"'
	member_is exit_code r.json 7
}

@test "tail: the last bytes and nothing else" {
	run bash -c '"$AISBX" run --result r.json --max-output 2000 --keep tail -- seq 1 10000 >o'
	status_is 0
	[ "$stderr" = "aisbx: stdout: 46894 bytes were cut after byte 0" ]
	has_ends o 0 2000 "seq 1 10000"
	counts 2000 46894 0
}

@test "head is what happens without --keep: the run ends there" {
	local option
	for option in "" "--keep head"; do
		run bash -c '"$AISBX" run --result r.json --max-output 2000 '"$option"' -- sh -c "seq 1 10000; sleep 20" >o'
		status_is 137
		[ "$stderr" = "aisbx: output limit of 2000 reached: the box was ended" ]
		has_ends o 2000 0 "seq 1 10000"
		member_is outcome r.json '"output_limit"'
		counts 2000 "$(member stdout_cut_bytes r.json)" 2000
		[ "$(member stdout_cut_bytes r.json)" -gt 0 ]
	done
}

@test "what fits is not cut, however it is spread over the streams" {
	local keep out err
	for keep in tail head,tail; do
		for out in 0 1 500 1999 2000; do
			err=$((2000 - out))
			run bash -c '"$AISBX" run --result r.json --max-output 2000 --keep '$keep' -- \
				sh -c "seq 1 10000 | head -c '$out'; seq 1 10000 | head -c '$err' >&2" >o 2>e'
			status_is 0
			has_ends o $out 0 "seq 1 10000"
			has_ends e $err 0 "seq 1 10000"
			counts $out 0 null
			member_is truncated r.json false
		done
	done
}

@test "one byte more is one byte less" {
	run bash -c '"$AISBX" run --max-output 2000 --keep head,tail -- sh -c "seq 1 10000 | head -c 2001" >o'
	[ "$stderr" = "aisbx: stdout: 1 byte was cut after byte 500" ]
	has_ends o 500 1500 "seq 1 10000 | head -c 2001"
}

@test "each stream keeps its own ends, and a flood in one leaves the other its share" {
	run bash -c '"$AISBX" run -q --result r.json --max-output 8000 --keep head,tail -- \
		sh -c "seq 1 50000; seq 1 60000 >&2; seq 1 70000" >o 2>e'
	status_is 0
	has_ends o 2000 2000 "seq 1 50000; seq 1 70000"
	has_ends e 2000 2000 "seq 1 60000"
	member_is stdout_bytes r.json 4000
	member_is stderr_bytes r.json 4000
	member_is stdout_cut_at r.json 2000
	member_is stderr_cut_at r.json 2000
	run bash -c '"$AISBX" run -q --max-output 8000 --keep head,tail -- \
		sh -c "seq 1 50000; echo what went wrong >&2; seq 1 70000" >o 2>e'
	[ "$(cat e)" = "what went wrong" ]
	[ "$(wc -c <o)" -eq 7984 ]
	run bash -c '"$AISBX" run -q --max-output 8000 --keep tail -- \
		sh -c "seq 1 50000 >&2; seq 1 60000; seq 1 70000 >&2" >o 2>e'
	has_ends o 0 4000 "seq 1 60000"
	has_ends e 0 4000 "seq 1 70000"
}

@test "both into one file: one stream, half and half, in order" {
	run bash -c '"$AISBX" run -q --result r.json --max-output 2000 --keep head,tail -- \
		sh -c "i=0; while [ \$i -lt 2000 ]; do echo o\$i; echo e\$i >&2; i=\$((i+1)); done" >o 2>&1'
	status_is 0
	has_ends o 1000 1000 'for i in {0..1999}; do echo o$i; echo e$i; done'
	member_is stdout_bytes r.json 2000
	member_is stdout_cut_at r.json 1000
	member_is stderr_bytes r.json 0
	run bash -c '"$AISBX" run --max-output 2000 --keep head,tail -- seq 1 10000 >o 2>&1'
	[ "$(tail -n 1 o)" = "aisbx: stdout and stderr: 46894 bytes were cut after byte 1000" ]
}

@test "the mark is never in the stream, and -q leaves only the result's" {
	run bash -c '"$AISBX" run -q --result r.json --max-output 2000 --keep head,tail -- seq 1 10000 >o'
	[ -z "$stderr" ]
	has_ends o 500 1500 "seq 1 10000"
	counts 2000 46894 500
}

@test "bytes are bytes: a tail may begin inside a character" {
	run bash -c '"$AISBX" run -q --max-output 5 --keep tail -- printf "a\303\251\303\251\303\251" | od -An -tx1'
	output_is " a9 c3 a9 c3 a9"
}

@test "the smallest limits" {
	local limit
	for limit in 0 1 2 3; do
		run bash -c '"$AISBX" run --result r.json --max-output '$limit' --keep head,tail -- seq 1 1000 >o'
		status_is 0
		has_ends o 0 $limit "seq 1 1000"
		counts $limit $((3893 - limit)) 0
	done
}

@test "a stream of any length needs no more memory than the limit, and an unused tail none" {
	local few much
	used() { # OPTIONS BYTES: most KiB that aisbx had
		python3 - "$1" "$2" <<-'E'
			import os, resource, subprocess, sys
			with open("/dev/null", "wb") as null:
			    subprocess.run([os.environ["AISBX"], "run", "-q"] + sys.argv[1].split() +
			                   ["--", "head", "-c", sys.argv[2], "/dev/zero"], stdout=null, check=True)
			print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
		E
	}
	few=$(used "--max-output 64M" 10)
	[ "$(used "--max-output 256M --keep tail" 10)" -lt $((few + 2048)) ]
	much=$(used "--max-output 64M --keep head,tail" 2G) # 48 MiB are tail
	[ "$much" -gt $((48 * 1024)) ]
	[ "$much" -lt $((few + 50 * 1024)) ]
}

@test "the other limits hold, and the tail comes out after them" {
	local start=$SECONDS
	run bash -c '"$AISBX" run --result r.json -t 300ms --grace 200ms --max-output 2000 --keep head,tail -- yes line >o'
	status_is 124
	[ $((SECONDS - start)) -lt 8 ]
	[ "$(wc -c <o)" -eq 2000 ]
	[ "$(tail -n 2 o | head -n 1)" = line ]
	contains "$stderr" "wall time limit of 300ms"
	contains "$stderr" "bytes were cut after byte 500"
	run aisbx run --cpu 1s --max-output 2000 --keep tail -- sh -c 'while :; do echo line; done'
	[ "$status" -ge 128 ]
	contains "$stderr" "CPU time limit"
	contains "$output" line
}

@test "a reader that does not read does not hold the program up" {
	run bash -c 'mkfifo p; exec 9<>p; timeout 20 "$AISBX" run --rw . --result r.json -t 5s --grace 200ms \
		--max-output 20K --keep head,tail -- sh -c "seq 1 1000000; date +%s >end" >p & wait $!; echo $?'
	[ -s end ]
	output_is 0 # 20 KiB fit into the pipe
	counts 20480 6868416 5120
}

@test "a reader that never reads does not hold the run beyond its wall time, and all is counted" {
	local start=$SECONDS
	# The pipe is full before, whatever it holds.
	run bash -c 'mkfifo p; exec 9<>p; timeout 0.2 cat /dev/zero >p; timeout 20 "$AISBX" run --result r.json \
		-t 2s --grace 200ms --max-output 40K --keep head,tail -- sh -c "seq 1 200000; sleep 20" >p'
	status_is 124
	[ $((SECONDS - start)) -lt 8 ]
	member_is truncated r.json true
	counts 0 1288895 0
}

@test "| head: the program gets SIGPIPE and the run ends" {
	run bash -c 'timeout 20 "$AISBX" run --max-output 64K --keep head,tail -- yes | head -n 1; echo ${PIPESTATUS[0]}'
	output_is $'y\n141'
	run bash -c 'timeout 20 "$AISBX" run --max-output 64K --keep tail -- yes | true; echo ${PIPESTATUS[0]}'
	output_is 141
}

@test "a program that closes a stream, and one that leaves it to others" {
	run bash -c '"$AISBX" run -q --max-output 8000 --keep tail -- \
		sh -c "seq 1 10000; exec >&-; seq 1 20000 >&2" >o 2>e'
	status_is 0
	has_ends o 0 4000 "seq 1 10000"
	has_ends e 0 4000 "seq 1 20000"
	local start=$SECONDS
	run bash -c 'timeout 20 "$AISBX" run -q --max-output 2000 --keep tail -- sh -c "sleep 100 & seq 1 10000" | cat >o'
	[ $((SECONDS - start)) -lt 10 ]
	has_ends o 0 2000 "seq 1 10000"
}

@test "code from stdin, and a program that reads nothing of it" {
	run bash -c 'echo "seq 1 10000" | "$AISBX" run -q -p shell --max-output 2000 --keep tail >o'
	status_is 0
	has_ends o 0 2000 "seq 1 10000"
	run bash -c 'seq 1 10000 | "$AISBX" run -q --max-output 2000 --keep head,tail -- cat >o'
	has_ends o 500 1500 "seq 1 10000"
}

@test "a program that checks the code is cut the same way" {
	cat >p.yaml <<-'E'
		extends: [shell]
		input: {check: [sh, -c, "seq 1 10000 >&2"]}
		limits: {output: 2000, keep: [tail]}
	E
	run bash -c '"$AISBX" run -p ./p.yaml -c "echo done" 2>e'
	output_is done
	[ "$(tail -n 1 e)" = "aisbx: stderr: 46894 bytes were cut after byte 0" ]
	head -c 2000 e >o
	has_ends o 0 2000 "seq 1 10000"
}

@test "a full disk: what it did not take is counted" {
	run bash -c 'timeout 10 "$AISBX" run --result r.json --max-output 2000 --keep tail -- seq 1 10000 >/dev/full'
	status_is 1
	contains "$stderr" "aisbx: cannot write the output: No space left on device"
	member_is truncated r.json true
	counts 0 48894 0
}

@test "SIGTERM of aisbx: the program's last words come out" {
	"$AISBX" run -q --rw . --max-output 2000 --keep tail -- \
		sh -c 'trap "echo last words; exit 3" TERM; seq 1 10000; echo up >&2; >up; while :; do sleep 0.02; done' >o 2>e 3>&- &
	local pid=$!
	eventually test -e up
	kill -TERM $pid
	wait $pid || status=$?
	[ "$status" -eq 3 ]
	has_ends o 0 1997 "seq 1 10000; echo last words" # the others are stderr's
	[ "$(cat e)" = up ]
}

@test "SIGKILL of aisbx: the box is gone, the head is out, the tail is lost with it" {
	"$AISBX" run --max-output 2000 --keep head,tail -- sh -c 'seq 1 10000; sleep 60' >o 3>&- &
	local pid=$!
	eventually test -s o
	read -rt 0.2 <> <(:) || true
	kill -9 $pid
	wait $pid || true
	has_ends o 500 0 "seq 1 10000" # teardown looks for what is left
}

@test "the profile's key: a list or words, and a later layer replaces it" {
	local keep
	for keep in '[head, tail]' '"tail,head"' '[tail, head, tail]'; do
		echo "limits: {output: 64K, keep: $keep}" >p.yaml
		run aisbx show -p ./p.yaml --extends base
		contains "$output" "output 64K (head,tail kept)"
	done
	run aisbx show -p ./p.yaml --extends base --keep tail
	contains "$output" "output 64K (tail kept)"
	run aisbx show -p ./p.yaml --extends base --keep head
	contains "$output" "output 64K, "
	run aisbx show -p ./p.yaml --extends base --keep head --keep=tail
	contains "$output" "output 64K (head,tail kept)"
}

@test "no limit, nothing cut; a tail needs one, and one that fits into memory" {
	run bash -c '"$AISBX" run --max-output none --keep tail -- seq 1 100000 | tail -n 1'
	output_is 100000
	fails_with 125 "--max-output" run --keep tail -- true
	fails_with 125 "256M or less" run --max-output 1G --keep head,tail -- true
	fails_with 125 "write head, tail or head,tail" run --max-output 1K --keep middle -- true
	fails_with 125 "write head, tail or head,tail" run --max-output 1K --keep head, -- true
	fails_with 125 "write head, tail or head,tail" run --max-output 1K --keep= -- true
}

@test "appended to a file, into a socket, into a non-blocking pipe" {
	echo first >f
	run bash -c '"$AISBX" run -q --max-output 2000 --keep head,tail -- seq 1 10000 >>f'
	has_ends f 506 1500 "echo first; seq 1 10000"
	run python3 - <<-'E'
		import os, socket, subprocess
		def pair(kind):
		    if kind == "socket":
		        a, b = socket.socketpair()
		        return a.detach(), b.detach()
		    r, w = os.pipe()
		    os.set_blocking(w, False)
		    return r, w
		whole = "".join(f"{i}\n" for i in range(1, 300001)).encode()
		for kind in "socket", "pipe":
		    r, w = pair(kind)
		    p = subprocess.Popen([os.environ["AISBX"], "run", "-q", "--max-output", "1M", "--keep",
		                          "head,tail", "--", "seq", "1", "300000"], stdout=w)
		    os.close(w)
		    got = b""
		    while chunk := os.read(r, 9999):
		        got += chunk
		    print(kind, p.wait(), got == whole[:262144] + whole[-786432:])
	E
	output_is $'socket 0 True\npipe 0 True'
}
