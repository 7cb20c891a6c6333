#!/usr/bin/env bats
# Many boxes at once: each is alone, each is right, and nothing of them stays.
load ../lib/common

setup_more() {
	need python3 jq
}

NAME=neighbour-$$ # the host also shows what another run of these tests has
ALL="abstract home port4 port6 process shm socket system_v tmp"

hold() { # N: a box that holds all of it, in the background
	"$AISBX" run --ro "$BATS_TEST_DIRNAME" -m 512M -- \
		python3 -I "$BATS_TEST_DIRNAME/neighbours.py" hold $NAME >held$1 2>&1 3>&- &
	pids+=" $!"
	eventually grep -q "tmp" held$1
}

@test "two boxes see nothing of each other, though they use the same names" {
	local pids=""
	hold 1
	# the control: in the same box all of it is there
	[ "$(cat held1)" = "held"$'\n'"$ALL" ]
	run aisbx run --ro "$BATS_TEST_DIRNAME" -- \
		python3 -I "$BATS_TEST_DIRNAME/neighbours.py" look $NAME
	output_is nothing
	hold 2
	[ "$(cat held2)" = "held"$'\n'"$ALL" ]
	# nor does the host
	run python3 -I "$BATS_TEST_DIRNAME/neighbours.py" look $NAME
	[ "$output" = nothing ] || [ "$output" = process ]
	# shellcheck disable=SC2086
	kill $pids
	# shellcheck disable=SC2086
	wait $pids || true
	run python3 -I "$BATS_TEST_DIRNAME/neighbours.py" look $NAME
	output_is nothing
}

# worker FIRST LAST: one box after the other, each with a number that only it has.
worker() {
	local n status
	for n in $(seq "$1" "$2"); do
		mkdir "grant$n"
		status=0
		printf 'in %s' "$n" | timeout -k 2 60 "$AISBX" run --rw "./grant$n" --result "r$n.json" \
			--max-output 1M -- sh -c '
			read -r word number
			echo "$number" >/tmp/same-name
			echo "$number" >"$1/file"
			head -c 20000 /dev/zero | tr "\0" x
			[ "$(cat /tmp/same-name)" = "$number" ] && echo "box $number"
			echo "err $number" >&2
			exit $((number % 100))' sh "$T/grant$n" >"out$n" 2>"err$n" || status=$?
		echo $status >"status$n"
	done
}

@test "boxes in a crowd: each its own input, output, files, result and status" {
	local n want
	want=$(head -c 20000 /dev/zero | tr '\0' x)
	for n in $(seq 1 10 91); do
		worker $n $((n + 9)) 3>&- &
	done
	wait
	for n in $(seq 100); do
		[ "$(cat status$n)" = $((n % 100)) ]
		[ "$(cat out$n)" = "${want}box $n" ]
		[ "$(cat err$n)" = "err $n" ]
		[ "$(cat grant$n/file)" = "$n" ]
		[ "$(ls grant$n)" = file ]
		[ "$(jq -c '[.outcome, .exit_code]' r$n.json)" = "[\"exited\",$((n % 100))]" ]
	done
	[ "$(jq -r .run r*.json | sort -u | wc -l)" -eq 100 ]
	[ "$(ls | wc -l)" -eq 500 ]
	nothing_stays
}

@test "fifty boxes that wait at once, and end at once" {
	local n pid pids=""
	mkfifo go
	exec 8<>go
	for n in $(seq 50); do
		"$AISBX" run --result r$n.json -- sh -c 'echo up; read -r line; echo $((1000 + $1))' sh $n \
			<go >out$n 2>&1 3>&- 8>&- &
		pids+=" $!"
	done
	for n in $(seq 50); do
		eventually grep -q up out$n
	done
	exec 8>&- # the end of file, for all of them
	for pid in $pids; do
		wait "$pid"
	done
	for n in $(seq 50); do
		[ "$(tail -1 out$n)" -eq $((1000 + n)) ]
	done
	nothing_stays
}

# Processes and mounts are looked at after every test; this is what else a run could leave.
nothing_stays() {
	local left
	eventually no_box_process
	left=$(find "$TMPDIR" "$HOME" /dev/shm /sys/fs/cgroup -printf '%f\n' 2>/dev/null |
		grep -Ff <(jq -r .run r*.json)) || true
	[ -z "$left" ]
	[ -z "$(find "$HOME" "$TMPDIR" -maxdepth 1 -name '*aisbx*')" ]
}

shares() { # SUPERVISOR: of each session of its box's, once each; init's and ours is the caller's
	local pid
	for pid in $(cat "/proc/$(init_of "$1")/task"/*/children); do
		cat "/proc/$pid/autogroup" $(sed 's| |\n|g; s|\([0-9]\+\)|/proc/\1/autogroup|g' "/proc/$pid/task/$pid/children")
	done 2>/dev/null | sort -u | cut -d' ' -f3 | sort | uniq -c | tr -s ' \n' ' '
}

shares_are() {
	[ "$(shares "$supervisor")" = " $1 " ]
}

has_threads() { # PID NUMBER
	[ "$(ls "/proc/$1/task" | wc -l)" -eq "$2" ]
}

# spin SESSIONS: so many, each with a process that runs until there is a file "over".
spin() {
	rm -rf w
	mkdir w
	"$AISBX" run --rw w --processes 200 -t 120s --cpu none -- sh -c '
		for n in $(seq "$2"); do
			setsid sh -c "while [ ! -e \"\$1\" ]; do :; done; sleep 100" sh "$1/over" &
		done; echo up; wait' sh "$T/w" "$1" >out 2>&1 3>&- &
	supervisor=$!
	eventually grep -q up out
}

need_sessions_with_shares() {
	[ -e /proc/self/autogroup ] || skip "this kernel does not group by session"
	aisbx run --result r.json -- true
	[ "$(jq -r .walls.limits.memory r.json)" = supervisor ] || skip "a cgroup shares processors out"
}

@test "a box with far more to run than there are processors gives way, until that is over" {
	local n=$((5 * $(nproc)))
	need_sessions_with_shares
	spin $(($(nproc) + 1))
	eventually shares_are "$(($(nproc) + 2)) 0"
	read -rt 1 <> <(:) || true # four looks
	shares_are "$(($(nproc) + 2)) 0"
	kill -9 $supervisor
	spin $n
	eventually shares_are "$((n + 1)) 19"
	# and each processor is made to choose anew who runs, by a thread there
	eventually has_threads $supervisor $((2 + $(nproc)))
	[ "$(grep -h Cpus_allowed_list /proc/$supervisor/task/*/status | sort -u | wc -l)" -ge "$(nproc)" ]
	touch w/over
	eventually shares_are "$((n + 1)) 0"
	eventually has_threads $supervisor 2
	kill -9 $supervisor
}

@test "a box that fills its memory gives way, until that is over" {
	need_sessions_with_shares
	mkdir w
	"$AISBX" run --rw w -m 1G --cpu none -- python3 -I -c '
import os, sys, time
kept = [bytearray(b"x" * (300 << 20))]
while not os.path.exists(sys.argv[1]):
    kept.append(bytearray(b"x" * (8 << 20)))
    if len(kept) > 60: del kept[1:]
print("over", flush=True)
time.sleep(100)' "$T/w/over" >out 2>&1 3>&- &
	supervisor=$!
	eventually shares_are "1 19"
	touch w/over
	eventually grep -q over out
	eventually shares_are "1 0"
	eventually has_threads $supervisor 2
	kill -9 $supervisor
}


# asked_to_end PROCESSES BUSY: a box with so many that do not end. BUSY of them run for a while then.
asked_to_end() {
	"$AISBX" run --processes 1000 -m none --cpu 1h --grace 100s -- python3 -I -c '
import os, signal, sys, time
def run_on(*_):
    end = time.monotonic() + 0.7
    while time.monotonic() < end: pass
def told(*_):
    os.killpg(0, signal.SIGUSR1)
    os.write(1, b"told")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGUSR1, run_on)
for n in range(int(sys.argv[1])):
    if n == int(sys.argv[2]): signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    while os.fork() == 0: signal.pause()
signal.signal(signal.SIGTERM, told)
os.write(1, b"up")
while True: signal.pause()' "$1" "$2" >out 2>&1 3>&- &
	supervisor=$!
	eventually grep -q up out
	eventually has_threads $supervisor 2 # one of them looks, since a limit could be reached
	eventually shares_are "1 0"
	kill $supervisor
	eventually grep -q told out
}

@test "a large box that is asked to end gives way, and gets nothing back" {
	need_sessions_with_shares
	asked_to_end 300 0
	read -rt 1 <> <(:) || true # four looks
	shares_are "1 0"
	kill -9 $supervisor
	asked_to_end 600 $((15 * $(nproc)))
	eventually shares_are "1 19"
	read -rt 2 <> <(:) || true
	shares_are "1 19"
	kill -9 $supervisor
}

@test "a start asks for short time slices, its command has the usual ones" {
	local usual supervisor pid
	grep -q '^se.slice' /proc/self/sched || skip "this kernel does not tell of time slices"
	usual=$(grep '^se.slice' /proc/self/sched)
	run aisbx run -- grep '^se.slice' /proc/self/sched
	output_is "$usual"
	"$AISBX" run -- sh -c 'echo up; sleep 100' >out 3>&- &
	supervisor=$!
	eventually grep -q up out
	for pid in $supervisor $(init_of $supervisor); do
		[ "$(grep '^se.slice' /proc/$pid/sched)" != "$usual" ]
	done
	kill -9 $supervisor
}
