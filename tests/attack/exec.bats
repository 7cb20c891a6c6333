#!/usr/bin/env bats
# exec: which programs may be executed.
load ../lib/common

@test "the listed program runs, an unlisted one does not" {
	run aisbx run --exec cat -- cat /etc/hostname
	status_is 0
	run aisbx run --exec cat -- id
	status_is 126
	BOX_OPTIONS=(--exec "$BIN/try")
	refused EACCES exec /usr/bin/id
	BOX_OPTIONS=()
	run box -- "$BIN/try" exec /usr/bin/id
	status_is 0
}

@test "a script needs its interpreter on the list, and itself" {
	printf '#!/usr/bin/python3\nprint("script")\n' >s.py
	chmod +x s.py
	run aisbx run --ro "$T" --exec python3 --exec ./s.py -- ./s.py
	output_is script
	run aisbx run --ro "$T" --exec python3 -- ./s.py
	status_is 126
	run aisbx run --ro "$T" --exec ./s.py -- ./s.py
	status_is 126
}

@test "not through a copy: in /tmp, home, /dev/shm, a writable grant" {
	BOX_OPTIONS=(--rw "$T" --exec "$BIN/try")
	local place
	for place in /tmp "$HOME" /dev/shm "$T"; do
		refused EACCES exec_copy /usr/bin/id "$place/copy"
	done
	BOX_OPTIONS=(--rw "$T")
	run box --rw "$T" -- "$BIN/try" exec_copy /usr/bin/id /tmp/copy
	status_is 0
}

@test "not through a memfd" {
	BOX_OPTIONS=(--exec "$BIN/try")
	refused EACCES/EPERM exec_memfd /usr/bin/id
	run box -- "$BIN/try" exec_memfd /usr/bin/id
	status_is 0
}

@test "not through the dynamic loader" {
	local loader
	for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
		[ -e $loader ] || continue
		run aisbx run --exec sh -- sh -c "$loader /usr/bin/id"
		[ "$status" -ne 0 ]
		output_is ""
		run aisbx run -- $loader /usr/bin/id -u
		status_is 0
	done
}

@test "not through a link or another name of an unlisted program" {
	ln -s /usr/bin/id link
	BOX_OPTIONS=(--ro "$T" --exec "$BIN/try")
	refused EACCES exec "$T/link"
	refused EACCES exec /proc/self/root/usr/bin/id
	refused EACCES exec /usr/bin/../bin/id
}

@test "a listed link means the program it leads to" {
	run aisbx run --exec python3 -- python3 -c 'print("linked")'
	output_is linked
	run aisbx run --exec /bin/sh -- /bin/sh -c 'echo by-path'
	output_is by-path
}

@test "the profile's list and the command line's append" {
	printf 'extends: [default]\nexec: [cat]\n' >p.yaml
	run aisbx run -p ./p.yaml --exec sh -- sh -c 'cat /dev/null && echo both'
	output_is both
}

@test "not through the dynamic loader: programs outside PATH" {
	local loader program
	for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
		[ -e $loader ] || continue
		for program in /usr/lib/git-core/git /usr/lib/gcc/*/*/cc1 /usr/sbin/useradd; do
			[ -e "$program" ] || continue
			run aisbx run --exec sh -- sh -c "$loader $program --version"
			[ "$status" -ne 0 ] || skip "libraries' directories must map code: aisbx-security(7)"
		done
	done
}

@test "a listed program in a writable grant runs and cannot be replaced" {
	mkdir proj
	cp /usr/bin/id proj/tool
	run aisbx run --rw ./proj --exec ./proj/tool --exec sh --exec cp --exec mv -- sh -c '
		cp /usr/bin/whoami proj/new; proj/new; cp /usr/bin/whoami proj/tool; mv -f proj/new proj/tool; proj/tool -u'
	status_is 0
	[[ $output =~ ^[0-9]+$ ]]
	cmp proj/tool /usr/bin/id
}
