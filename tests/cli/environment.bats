#!/usr/bin/env bats
# What a program finds when it starts: set by aisbx, inherited from nobody.
load ../lib/common

@test "the environment is exactly this" {
	run env -i PATH=/usr/bin:/bin HOME="$HOME" SECRET=hunter2 LD_PRELOAD_X=1 BASH_ENV=/x \
		AWS_SECRET_ACCESS_KEY=x "$AISBX" run -- env
	status_is 0
	[ "$(sort <<<"$output")" = "$(sort <<-E
		AISBX=1
		HOME=$HOME
		LANG=C.UTF-8
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		TMPDIR=/tmp
		USER=user
	E
	)" ]
}

@test "an empty environment outside is no problem" {
	run env -i "$AISBX" run -- sh -c 'echo $AISBX'
	output_is 1
}

@test "-e NAME passes, -e NAME=VALUE sets, patterns match, the rest stays out" {
	A=1 B=2 CA=3 CB=4 run aisbx run -e A -e 'C*' -e D=5 -e E= -- sh -c 'echo "$A,$B,$CA$CB,$D,$E,${E+set}"'
	output_is "1,,34,5,,set"
	run aisbx run -e NOT_THERE -- sh -c 'echo "${NOT_THERE-absent}"'
	output_is absent
	run aisbx run -e "X=a b=c"$'\n'"d" -- sh -c 'echo "$X"'
	output_is $'a b=c\nd'
}

@test "the command line wins over the profile, AISBX=1 over both" {
	printf 'extends: [default]\nenv: {set: [X=profile]}\n' >p.yaml
	run aisbx run -p ./p.yaml -e X=line -e AISBX=0 -- sh -c 'echo $X $AISBX'
	output_is "line 1"
}

@test "locale variables are passed by default, and only those" {
	LC_ALL=C.UTF-8 LC_X=1 LANGUAGE=de TZ=Asia/Tokyo run aisbx run -- sh -c 'echo $LC_ALL $LC_X $TZ "[$LANGUAGE]"'
	output_is "C.UTF-8 1 Asia/Tokyo []"
}

@test "a duplicate, or a line without =, in the caller's environment" {
	run python3 - <<-'E'
		import os
		pid = os.fork()
		if pid == 0:
		    import ctypes
		    libc = ctypes.CDLL(None)
		    argv = (ctypes.c_char_p * 7)(b"aisbx", b"run", b"-e", b"*", b"--", b"env", None)
		    envp = (ctypes.c_char_p * 6)(b"X=1", b"X=2", b"noequals", b"=empty", b"HOME=/tmp/h", None)
		    libc.execve(os.environ["AISBX"].encode(), argv, envp)
		    os._exit(9)
		os.waitpid(pid, 0)
	E
	[ "$(grep -c ^X= <<<"$output")" -le 1 ]
	lacks "$output" noequals
}

@test "descriptors 0, 1 and 2 and no other, whatever the caller left open" {
	run bash -c 'for fd in $(seq 3 200); do eval "exec $fd</"; done; exec 5>x 6<>x 250</etc
		"$AISBX" run --ro "$BIN" -- "$BIN/show" </dev/null'
	status_is 0
	[ "$(grep ^fd <<<"$output")" = $'fd 0\nfd 1\nfd 2' ]
}

@test "closed standard descriptors read as empty and swallow, none is reused" {
	run bash -c '"$AISBX" run --ro "$BIN" -- "$BIN/show" <&-'
	[ "$(grep ^fd <<<"$output")" = $'fd 0\nfd 1\nfd 2' ]
	run bash -c '"$AISBX" run -- sh -c "read x; echo \$?" <&-'
	output_is 1
	run bash -c '"$AISBX" run --result r.json --rw . -- sh -c "echo x; echo y >&2; echo ok >ok" <&- >&- 2>&-'
	status_is 0
	[ "$(cat ok)" = ok ]
	member_is outcome r.json '"exited"'
	run bash -c '"$AISBX" run --result r.json --ro /missing -- true <&- >&- 2>&-'
	status_is 125
	member_is outcome r.json '"setup_failed"'
}

@test "a directory as standard descriptor does not let the host in" {
	mkdir d
	touch d/f
	chmod 600 d/f
	local fd
	for fd in 0 1 2; do
		run bash -c '"$AISBX" run --ro "$BIN" -- sh -c "
			cd /proc/self/fd/'$fd' && { ls; chmod 666 f; cat f; stat f; ls ..; touch new; }" '$fd'<d'
		[ "$(stat -c %a d/f)" = 600 ]
		[ ! -e d/new ]
		lacks "$output" "File: f"
	done
}

@test "signals are as new: nothing ignored, nothing blocked" {
	run bash -c 'trap "" INT QUIT HUP PIPE USR1 TERM CHLD; "$AISBX" run --ro "$BIN" -- "$BIN/show"'
	status_is 0
	lacks "$output" ignored
	lacks "$output" blocked
	run python3 -c 'import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))
os.execv(os.environ["AISBX"], ["aisbx", "run", "--ro", os.environ["BIN"], "--", os.environ["BIN"] + "/show"])'
	status_is 0
	lacks "$output" blocked
}

@test "umask, session" {
	run bash -c 'umask 077; "$AISBX" run --ro "$BIN" -- "$BIN/show"'
	contains "$output" "umask 022"
	contains "$output" "session 1"
	run bash -c 'umask 000; "$AISBX" run --rw . --result r.json -- touch made; umask'
	[ "$(stat -c %a made)" = 644 ]
}

@test "limits of the caller that are lower stay; none is raised" {
	run bash -c 'ulimit -n 64; "$AISBX" run -- sh -c "ulimit -n; ulimit -Hn"'
	output_is $'64\n64'
	run bash -c 'ulimit -t 5; "$AISBX" run -- sh -c "ulimit -t"'
	output_is 5
}

@test "identity: one user, not 0, and root in passwd and group" {
	run aisbx run -- sh -c 'id -u; id -un; id -gn; whoami; wc -l </etc/passwd; wc -l </etc/group; cut -d: -f1 /etc/passwd'
	status_is 0
	[ "${output%%$'\n'*}" != 0 ]
	[ "$(tail -n +2 <<<"$output")" = $'user\nuser\nuser\n2\n2\nroot\nuser' ]
	need_user
	run aisbx run -- id -u
	output_is "$(id -u)"
}

@test "host name and machine" {
	run aisbx run -- uname -n
	[ "$output" != "$(uname -n)" ]
	run aisbx run -- cat /proc/sys/kernel/hostname
	[ "$output" != "$(uname -n)" ]
	run aisbx run -- uname -m
	output_is "$(uname -m)"
}

@test "nice value, out-of-memory score" {
	run aisbx run -- cat /proc/self/oom_score_adj
	[ "$output" -ge 0 ]
}

@test "aisbx-sh is a shell in a box" {
	ln -s "$AISBX" aisbx-sh
	run ./aisbx-sh -c 'echo $AISBX $0 $1; exit 3' name one
	status_is 3
	output_is "1 name one"
	printf 'extends: [default]\nenv: {set: [FROM=profile]}\n' >p.yaml
	AISBX_PROFILE=$T/p.yaml run ./aisbx-sh -c 'echo $FROM'
	output_is profile
	AISBX_PROFILE=$T/none.yaml run ./aisbx-sh -c 'echo ran'
	status_is 125
	output_is ""
	run ./aisbx-sh <<<'echo stdin'
	output_is stdin
	run bash -c 'exec -a -aisbx-sh ./aisbx-sh -c "echo login"'
	output_is login
	SHELL=$T/aisbx-sh run make -s -f /dev/stdin <<<$'SHELL='"$T"$'/aisbx-sh\nx:\n\t@echo made in $$AISBX'
	output_is "made in 1"
}
