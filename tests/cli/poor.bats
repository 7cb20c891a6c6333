#!/usr/bin/env bats
# Hosts that give little: nothing hangs, nothing runs half-built, one line says why.
load ../lib/common

# Runs in bash under `ulimit ...`; either it works or it is 125 with one line.
under() {
	run timeout -k 1 10 bash -c "ulimit $1; exec \"\$AISBX\" run -- echo ok"
	if [ "$status" -eq 0 ]; then
		output_is ok
	else
		status_is 125
		output_is ""
		[[ $stderr == "aisbx: "* ]] && [ "${#stderr_lines[@]}" -eq 1 ]
	fi
}

@test "few open files" {
	local n
	for n in 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 20 24 32; do
		under "-n $n"
		[ "$status" -eq 0 ] || contains "$stderr" "Too many open files"
		[ "$status" -eq 0 ] || [[ $stderr == *"cannot grant"* ]] || contains "$stderr" "ulimit -n"
	done
	under "-n 64"
	output_is ok
}

@test "few processes" {
	local n
	for n in 0 1 2 3 5; do
		under "-u $n"
		[ "$status" -eq 0 ] || contains "$stderr" "processes"
	done
}

@test "no file size at all" {
	# Through pipes: what goes to a file is refused by that limit itself.
	local options
	for options in "" "--result r.json"; do
		run bash -c "(ulimit -f 0; exec timeout -k 1 10 \"\$AISBX\" run $options -- echo ok) 2>&1 | cat
			exit \${PIPESTATUS[0]}"
		[ "$status" -eq 0 ] || status_is 125
		[ "$output" = ok ] || [[ $output == "aisbx: "*"ulimit -f"* ]]
	done
}

@test "little address space, stack, locked memory, pending signals, time" {
	under "-v 20000"
	under "-s 64"
	under "-l 0"
	under "-i 0"
	under "-t 2"
}

@test "more grants than open files" {
	local i options=()
	for i in $(seq 1100); do
		mkdir -p g/$i
		options+=(--ro g/$i)
	done
	ulimit -Sn 1024
	run aisbx run "${options[@]}" -- sh -c 'ls g | wc -l'
	status_is 0
	output_is 1100
}

@test "an odd HOME" {
	local home
	for home in "" / /tmp relative /usr /etc/x /proc/self /dev /no/such "/tmp/a b" \
		$'/tmp/new\nline' /tmp/co:lon "/$(printf 'a%.0s' $(seq 300))"; do
		HOME=$home run aisbx run -- sh -c \
			'cd ~ && touch x && [ "$(getent passwd user | cut -d: -f6)" = "$HOME" ] && wc -l </etc/passwd'
		[ "$output" = 2 ] || { echo "HOME '$home': $output $stderr" >&2; false; }
	done
	run env -u HOME "$AISBX" run -- sh -c 'cd && touch x && echo ok'
	output_is ok
}

@test "a full disk for the result: said, and the run's status stays" {
	run aisbx run --result /dev/full -- sh -c 'exit 5'
	contains "$stderr" "No space left"
	[ "$status" -eq 5 ] || status_is 125
}

@test "no /dev/tty, no terminal, no session: as in a container or a cron job" {
	run setsid --wait "$AISBX" run -- sh -c 'echo ok' </dev/null
	output_is ok
}

@test "a deleted binary and a read-only file system around it are no problem" {
	cp "$AISBX" own
	run bash -c './own run --rw . -- sh -c "rm own; echo ok"'
	output_is ok
}
