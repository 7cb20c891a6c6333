#!/usr/bin/env bats
# Signals, background runs, and ends of all kinds.
load ../lib/common

# start ARG...: aisbx run in the background with a payload that says "up" first.
start() {
	"$AISBX" "$@" >out 2>err 3>&- &
	pid=$!
	eventually grep -q up out
}

ended() { # STATUS
	status=0
	wait "$pid" || status=$?
	status_is "$1"
}

@test "SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 reach the program" {
	local signal
	for signal in TERM INT HUP QUIT USR1 USR2; do
		# bash ignores INT and QUIT in what it starts in the background: python does not
		run python3 - $signal <<-'E'
			import os, signal, subprocess, sys
			p = subprocess.Popen([os.environ["AISBX"], "run", "--", "sh", "-c",
			    "trap 'echo got; exit 5' %s; echo up; while :; do sleep 0.01; done" % sys.argv[1]],
			    stdout=subprocess.PIPE)
			p.stdout.readline()
			p.send_signal(getattr(signal, "SIG" + sys.argv[1]))
			print(p.stdout.read().decode().strip(), p.wait())
		E
		output_is "got 5"
	done
}

@test "what is typed at a terminal reaches the program's children too, as without a box" {
	local key
	for key in 03:130 1c:131; do
		# a shell waits for its child: were it alone to have SIGINT, nothing would end
		run timeout -k 1 60 python3 - $key <<-'E'
			import os, pty, sys, time
			key, status = sys.argv[1].split(":")
			pid, terminal = pty.fork()
			if pid == 0:
			    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
			    os.execv(os.environ["AISBX"], ["aisbx", "run", "--",
			        "sh", "-c", "sh -c 'echo up; exec sleep 3600'; exit 9"])
			seen = b""
			while b"up" not in seen:
			    seen += os.read(terminal, 100)
			time.sleep(0.1) # exec of sleep: a shell may yet have it
			os.write(terminal, bytes.fromhex(key))
			print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
		E
		output_is "${key#*:}"
	done
}

@test "without a handler the program ends by the signal and so does the status" {
	start run -- sh -c 'echo up; exec sleep 60'
	kill -TERM $pid
	ended 143
}

@test "a program that ignores the signal is killed after the grace period" {
	local begin=$SECONDS
	start run --grace 300ms -- sh -c 'trap "" TERM; echo up; while :; do sleep 0.01; done'
	kill -TERM $pid
	ended 137
	[ $((SECONDS - begin)) -lt 8 ]
}

@test "the program's children die with the run" {
	start run -- sh -c 'sleep 60 & setsid sleep 60 & (trap "" TERM HUP; echo up; sleep 60) & wait'
	kill -TERM $pid
	ended 143
}

@test "SIGKILL of the supervisor ends everything" {
	start run -- sh -c 'trap "" TERM HUP INT; sleep 60 & setsid sleep 61 & echo up; wait'
	kill -KILL $pid
	ended 137
	eventually no_box_process
}

@test "an ignored SIGINT stays ignored: background runs, nohup" {
	run python3 - <<-'E'
		import os, signal, subprocess
		p = subprocess.Popen([os.environ["AISBX"], "run", "--", "sh", "-c", "echo up; sleep 0.5; echo end"],
		    stdout=subprocess.PIPE, preexec_fn=lambda: [signal.signal(s, signal.SIG_IGN)
		        for s in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)])
		p.stdout.readline()
		for s in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
		    p.send_signal(s)
		print(p.stdout.read().decode().strip(), p.wait())
	E
	output_is "end 0"
}

@test "nohup" {
	run bash -c 'nohup "$AISBX" run -- echo out </dev/null'
	status_is 0
	output_is out
}

@test "an ignored SIGCHLD, SIGPIPE of the caller does no harm" {
	run bash -c 'trap "" CHLD PIPE; "$AISBX" run -- sh -c "exit 3"'
	status_is 3
	run python3 -c 'import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(os.environ["AISBX"], ["aisbx", "run", "--", "sh", "-c", "sh -c \"exit 4\"; exit $?"])'
	status_is 4
}

@test "signals up to the last moment do not cost the program its exit status" {
	run python3 -c 'import os, signal, subprocess
code = "trap : USR1; echo up; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; trap \"\" USR1; exit 3"
statuses = set()
for i in range(40):
    run = subprocess.Popen([os.environ["AISBX"], "run", "--", "sh", "-c", code], stdout=subprocess.PIPE)
    run.stdout.read(1)
    while run.poll() is None:
        run.send_signal(signal.SIGUSR1)
    statuses.add(run.returncode)
print(statuses)'
	output_is "{3}"
}

@test "many at once" {
	run bash -c 'for i in $(seq 40); do "$AISBX" run -- sh -c "echo $i" & done | sort -n | md5sum; wait'
	output_is "$(seq 40 | md5sum)"
}

@test "xargs -P, make -j and a pipeline of boxes" {
	run bash -c 'seq 20 | xargs -P 4 -I{} "$AISBX" run -- echo {} | sort -n | tail -1'
	output_is 20
	run bash -c 'echo hello | "$AISBX" run -- tr a-z A-Z | "$AISBX" run -- rev'
	output_is OLLEH
}

@test "stopped and continued" {
	start run -- sh -c 'echo up; i=0; while [ $i -lt 30 ]; do sleep 0.01; i=$((i+1)); done; echo end'
	kill -TSTP $pid
	eventually grep -q '^State:.*stopped' /proc/$pid/status
	kill -CONT $pid
	ended 0
	grep -q end out
}

@test "a signal that init does not read any more hides nothing of how the command ended" {
	mkfifo go
	start run --rw "$T" -- sh -c 'echo up; read -r line <go; exit 7'
	local init payload
	init=$(init_of $pid)
	payload=$(tr -d ' ' </proc/$init/task/$init/children)
	kill -STOP $init
	eventually grep -q '^State:.*stopped' /proc/$init/status
	kill -CONT $pid # the supervisor passes it on
	eventually grep -q '^ShdPnd:[[:space:]]*0*$' /proc/$pid/status
	kill -STOP $pid
	echo >go
	eventually grep -q '^State:.*zombie' /proc/$payload/status
	kill -CONT $init
	eventually grep -q '^State:.*zombie' /proc/$init/status
	kill -CONT $pid
	ended 7
}

@test "a supervisor without a parent, in a session of its own" {
	run setsid --wait "$AISBX" run -- echo fine
	status_is 0
	output_is fine
}

@test "a box in a box is refused or works, but never pretends" {
	run box -- "$AISBX" run -- echo inner
	status_is 125
	output_is ""
	contains "$stderr" "aisbx: "
}

@test "in a user namespace, as in a container, a box can be built" {
	unshare -Ur true 2>/dev/null || must_or_skip "no user namespaces for this user"
	run unshare -Ur "$AISBX" run -- id -u
	status_is 0
	[ "$output" != 0 ]
	run unshare -Ur --map-root-user -m -p -f --mount-proc "$AISBX" run -- sh -c 'echo nested'
	output_is nested
}
