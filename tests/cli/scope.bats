#!/usr/bin/env bats
# What asks systemd for a scope, where it does not do what it is for: nothing runs, in a word,
# and nothing stays. That it does is tested where systemd runs: tests/vm.
load ../lib/common

setup_more() {
	[ ! -e /usr/local/libexec/aisbx/aisbx-scope ] || skip "the installed one is asked"
	mkdir alone
	cp "$AISBX" alone/
	chmod 755 alone/aisbx
}

# A host that says that systemd runs it, where no cgroup can be made without it; the one argument
# is for sh, before COMMAND.
AROUND='mount -t tmpfs none /run; mkdir -p /run/systemd/system; mount -t tmpfs none /sys/fs/cgroup; exec "$@"'

in_systemd() { # COMMAND...
	unshare -Urm sh -ec "$AROUND" sh "$@"
}

asks() { # TEXT: a run that wants a scope ends with it, and the command was not executed
	local begin=$SECONDS
	run in_systemd timeout -k 2 60 alone/aisbx run --result r.json --rw . --cpus 0.5 "${@:2}" -- touch ran
	status_is 125
	contains "$stderr" "limits.cpus"
	contains "$stderr" "systemd: $1"
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	[ "$(jq -r .outcome r.json)" = setup_failed ]
	[ ! -e ran ]
	[ $((SECONDS - begin)) -lt 20 ]
}

helper() { # SCRIPT
	printf '#!/bin/sh\n%s\n' "$1" >alone/new
	chmod 755 alone/new
	mv alone/new alone/aisbx-scope
}

@test "there is none, or one that others could have changed" {
	need jq unshare
	asks "aisbx-scope is not installed"
	helper 'touch planted'
	chmod 775 alone/aisbx-scope
	asks "aisbx-scope is not installed"
	mv alone/aisbx-scope alone/other
	ln -s other alone/aisbx-scope
	asks "aisbx-scope is not installed"
	[ ! -e planted ]
}

@test "it says that they are in a scope, and they are not" {
	need jq unshare
	helper 'exit 0'
	asks "the box is not in its scope"
}

@test "it says anything" {
	need jq unshare
	helper 'head -c 60000 /dev/urandom; exit 1'
	asks ""
	helper 'printf "one\ntwo\033]0;x\007\n"; exit 1'
	asks "one"
	lacks "$stderr" $'\033'
	helper 'exit 1'
	asks "aisbx-scope failed"
}

@test "it is killed, answers late, says more than a pipe takes, or leaves the pipe to others" {
	need jq unshare
	helper 'kill -9 $$'
	asks "aisbx-scope was killed"
	helper 'exec sleep 100'
	asks "it does not answer" -t 500ms
	helper 'yes'
	asks "it does not answer" -t 500ms
	helper 'exec >&-; exec sleep 100'
	asks "it does not answer" -t 500ms
	helper 'sleep 3 2>&1 & exit 1'
	asks "aisbx-scope failed"
}

@test "what it is told, and that nothing is blocked or ignored in it" {
	need jq unshare
	helper 'echo "$#" >said; kill -0 "$2" "$3" && echo there >>said
		grep -E "^Sig(Blk|Ign)" /proc/self/status >>said; exit 1'
	asks "aisbx-scope failed"
	[ "$(sed -n 1p said)" = 3 ]
	[ "$(sed -n 2p said)" = there ]
	[ "$(grep -cE '[[:space:]]0{8}0{8}$|[[:space:]]0{7}180{7}$' said)" -eq 2 ] # 32 and 33 are libc's
}

@test "there is no manager: no socket, no bus, a bus without it" {
	need jq unshare dbus-daemon
	cp "$BIN/aisbx-scope" alone/
	asks "its manager cannot be reached"
	AROUND='mount -t tmpfs none /run; mount -t tmpfs none /sys/fs/cgroup
		mkdir -p /run/systemd/system; : >/run/systemd/private; exec "$@"'
	asks "its manager cannot be reached"
	[ "$CALLER" = root ] || return 0 # a bus wants a user with a name
	dbus-daemon --session --nofork --print-address=8 --address=unix:path="$T/bus" 8>address 3>&- &
	local bus=$!
	eventually test -s address
	export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$T/bus
	asks "it"
	kill $bus
	wait $bus || true
}

# It waits for one that is there and says nothing.
@test "who waits for it is killed, or it is, at any moment: nothing stays" {
	need jq unshare python3
	cp "$BIN/aisbx-scope" alone/
	python3 -c 'import socket, signal
s = socket.socket(socket.AF_UNIX)
s.bind("deaf")
s.listen()
signal.pause()' 3>&- &
	local who n supervisor asking deaf=$!
	eventually test -S deaf
	AROUND='mount -t tmpfs none /run; mount -t tmpfs none /sys/fs/cgroup
		mkdir -p /run/systemd/system; : >/run/systemd/private
		mount --bind deaf /run/systemd/private; exec "$@"'
	for n in 1 2 3; do
		for who in supervisor init asking; do
			unshare -Urm sh -ec "$AROUND" sh alone/aisbx run --rw . --cpus 0.5 -- touch ran >out 2>&1 3>&- &
			supervisor=$!
			eventually pgrep -P $supervisor -x aisbx-scope >asked
			asking=$(cat asked)
			read -rt 0.0$n <> <(:) || true
			case $who in
			supervisor) kill -9 $supervisor ;;
			init) kill -9 "$(init_of $supervisor)" && kill -9 "$asking" ;;
			asking) kill -9 "$asking" ;;
			esac
			wait $supervisor || true
			eventually is_gone "$asking"
			no_processes_left
			[ ! -e ran ]
		done
	done
	kill $deaf
	wait $deaf || true
}
