#!/usr/bin/env bats
# What can be typed, and what aisbx answers.
load ../lib/common

@test "--version and help say what they are, on stdout" {
	run aisbx --version
	status_is 0
	[[ $output =~ ^aisbx\ [0-9]+\.[0-9]+ ]]
	local words
	for words in help --help -h "help run" "help show" "help check" "run --help" "run -h" \
		"show --help" "check --help" "help --help"; do
		# shellcheck disable=SC2086
		run aisbx $words
		status_is 0
		[ -n "$output" ]
		[ -z "$stderr" ]
	done
}

@test "output that cannot be written is an error" {
	local words
	for words in --version help "help run" show "show --json" "doctor --json" "why --path /etc"; do
		# shellcheck disable=SC2086
		run bash -c 'timeout 20 "$AISBX" '"$words"' >/dev/full'
		status_is 125
		[ "$stderr" = "aisbx: cannot write to 'standard output': No space left on device" ] ||
			[ "$stderr" = "aisbx: cannot write to 'standard output': Input/output error" ]
	done
}

@test "no command at all is a usage error" {
	fails_with 125 "no command"
}

@test "unknown commands are refused, a near miss is named" {
	fails_with 125 "did you mean 'run'?" rum
	fails_with 125 "did you mean 'check'?" chekc
	fails_with 125 "unknown command 'frobnicate'" frobnicate
	fails_with 125 "unknown command" ""
	fails_with 125 "frobnicate" help frobnicate
}

@test "commands that are not there yet are unknown, not ignored" {
	local word
	for word in start exec stop list; do
		fails_with 125 "unknown command" "$word"
	done
}

@test "hosts and ports that mean nothing, or too much, are refused before anything runs" {
	fails_with 125 "the whole name" run --allow-host '*.com' -- true
	fails_with 125 "write 127.0.0.1" run --allow-host 2130706433 -- true
	fails_with 125 "--allow-private-host" run --allow-host localhost:5432 -- true
	fails_with 125 "not a port" run --allow-private-host db:http -- true
	fails_with 125 "not an address" run --publish '*:8080' -- true
	fails_with 125 "write one" run -P web -- true
}

@test "unknown options are refused, a near miss is named" {
	fails_with 125 "--timeout" run --timeuot 1s -- true
	fails_with 125 "--memory" run --memroy 64M -- true
	fails_with 125 "unknown option" run --frobnicate -- true
	fails_with 125 "unknown option" run -Z -- true
	fails_with 125 "unknown option" show --frobnicate
	fails_with 125 "unknown option" check --frobnicate x.yaml
}

@test "nothing runs when an option is bad" {
	fails_with 125 "" run --rw "$T" --frobnicate -- touch "$T/ran"
	[ ! -e ran ]
}

@test "options without their value are refused" {
	local option
	for option in -p --profile -c --script --ro --rw --hide --tmpfs -C --chdir -e --env -m \
		--memory --cpu -t --timeout --processes --tmp-size --file-size --disk --max-output --keep \
		--open-files --result --audit --exec --allow-degraded --grace --max-input \
		--input-encoding --input-check --allow-syscall --deny-syscall --interpreter; do
		fails_with 125 "$option" run "$option"
	done
}

@test "values that make no sense are refused with what to write" {
	fails_with 125 "size" run -m lots -- true
	fails_with 125 "size" run -m -1 -- true
	fails_with 125 "size" run -m 1.5G -- true
	fails_with 125 "size" run -m "" -- true
	fails_with 125 "64Q" run -m 64Q -- true
	fails_with 125 "too large" run -m 99999999999999999999 -- true
	fails_with 125 "too large" run -m 99999999999T -- true
	fails_with 125 "time" run -t soon -- true
	fails_with 125 "time" run -t 5 parsecs -- true
	fails_with 125 "too little" run -t 0s -- true
	fails_with 125 "count" run --processes many -- true
	fails_with 125 "count" run --processes 0 -- true
	fails_with 125 "" run --processes 1.5 -- true
	fails_with 125 "" run --open-files 1 -- true
	fails_with 125 "utf-8" run --input-encoding latin-1 -c true
	fails_with 125 "" run --allow-syscall no_such_call -- true
	fails_with 125 "" run --deny-syscall @no-such-set -- true
	fails_with 125 "" run --deny-syscall execve -- true
	fails_with 125 "" run --allow-syscall mount -- true
	fails_with 125 "" run --allow-degraded no-such-wall -- true
	fails_with 125 "" run --allow-degraded user -- true
	fails_with 125 "" run -e "=x" -- true
	fails_with 125 "" run -e "A B=x" -- true
	fails_with 125 "" run -e "" -- true
	fails_with 125 "" run --ro "" -- true
	fails_with 125 "" run --rw "" -- true
	fails_with 125 "" run --result "" -- true
	fails_with 125 "" run -C "" -- true
}

@test "long options take =VALUE as well" {
	run aisbx run --env=A=b=c --chdir=/usr -- sh -c 'echo "$A $PWD"'
	status_is 0
	output_is "b=c /usr"
	fails_with 125 "--quiet" run --quiet=yes -- true
}

@test "options end at -- and at the first word that is none" {
	run aisbx run -- echo --version -p x --
	output_is "--version -p x --"
	run aisbx run echo -n --ro /missing
	output_is "--ro /missing" || output_is "-n --ro /missing"
	run aisbx run -- echo a -- b
	output_is "a -- b"
}

@test "program names that begin with a dash are programs (CVE-2024-32462)" {
	local name
	for name in --version -c --bind --help -p; do
		run aisbx run -- "$name"
		status_is 127
		contains "$stderr" "$name"
	done
	mkdir bin
	printf '#!/bin/sh\necho "mine $1"\n' >bin/--version
	chmod +x bin/--version
	run aisbx run --ro ./bin -e "PATH=$T/bin:/usr/bin" -- --version -x
	status_is 0
	output_is "mine -x"
}

@test "the command's status is passed through, all 256 of them" {
	run aisbx run -- sh -c 'i=0; while [ $i -lt 256 ]; do sh -c "exit $i"; [ $? = $i ] || exit 1; i=$((i+1)); done'
	status_is 0
	local want
	for want in 0 1 2 42 77 123 124 125 126 127 128 129 137 143 200 254 255; do
		run aisbx run -- sh -c "exit $want"
		status_is "$want"
		[ -z "$stderr" ]
	done
}

@test "death by signal N is 128+N" {
	local signal
	for signal in 1 2 3 6 8 9 10 11 13 14 15; do
		run aisbx run -- sh -c "kill -$signal \$\$"
		status_is $((128 + signal))
	done
}

@test "not found is 127, not executable is 126" {
	printf 'not a program' >plain
	mkdir dir
	printf '#!/no/such/interpreter\n' >orphan
	chmod +x orphan
	fails_with 127 "no-such-program" run -- no-such-program
	fails_with 127 "/no/such/program" run -- /no/such/program
	fails_with 127 "/usr/bin/env/x" run -- /usr/bin/env/x
	fails_with 126 "plain" run --ro "$T" -- ./plain
	fails_with 126 "chmod +x" run --ro "$T" -- ./plain
	fails_with 126 "a directory" run --ro "$T" -- ./dir
	fails_with 127 "no such program" run -- no-such-program
	fails_with 127 "first line names" run --ro "$T" -- ./orphan
	fails_with 127 "first line names" run --ro "$T" -e PATH="/usr/bin:$T" -- orphan
	fails_with 125 "empty" run -- ""
}

@test "a script without #! goes to sh, as execvp does" {
	printf 'echo "sh $1"\n' >script
	chmod +x script
	run aisbx run --ro "$T" -- ./script one
	output_is "sh one"
}

@test "aisbx prints nothing of its own on success; -v does, on stderr" {
	run aisbx run -- true
	status_is 0
	[ -z "$output$stderr" ]
	run aisbx run -v -- echo x
	output_is x
	[[ $stderr == "aisbx: "* ]]
}

@test "-q keeps errors and drops the word about a limit" {
	run aisbx run -t 50ms -- sleep 10
	status_is 124
	contains "$stderr" "aisbx: "
	run aisbx run -q -t 50ms -- sleep 10
	status_is 124
	[ -z "$stderr" ]
	fails_with 125 "missing" run -q --ro /missing -- true
}

@test "arguments arrive byte for byte" {
	local nasty=$'a b\t"\\\'$HOME`id`\n;|&*?[x]\xff\x01'
	run aisbx run -- "$BIN/show" "$nasty" "" "--"
	if [ "$status" -eq 127 ]; then
		run box -- "$BIN/show" "$nasty" "" "--"
	fi
	status_is 0
	local want
	want=$("$BIN/show" "$nasty" "" "--")
	[ "$output" = "$want" ]
}

@test "very long arguments: as long as the host takes, then an error" {
	local long
	long=$(head -c 100000 /dev/zero | tr '\0' x)
	run aisbx run -- sh -c 'echo ${#1}' sh "$long"
	output_is 100000
}

@test "profile once: a second -p is refused or the last one wins, never both silently" {
	run aisbx run -p base -p default -- true
	[ "$status" -eq 125 ] || [ "$status" -eq 0 ]
}

@test "the code options exclude each other and a command" {
	echo 'echo x' >s.sh
	fails_with 125 "" run -c 'echo x' --script s.sh
}

@test "AISBX cannot be run set-user-ID" {
	need_root
	cp "$AISBX" suid
	chmod 4755 suid
	run as_user ./suid run -- true
	status_is 125
}
