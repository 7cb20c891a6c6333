#!/usr/bin/env bats
# Files that are handed over, and files that are not.
load ../lib/common

setup_more() {
	mkdir -p data/sub out
	echo content >data/file
	echo deep >data/sub/file
}

@test "without grants the working directory does not exist in the box" {
	run aisbx run -- sh -c "ls -d $T; ls -d $T/data"
	status_is 2
	output_is ""
}

@test "--ro: readable at the same path, writable for nobody" {
	run aisbx run --ro ./data -- cat "$T/data/file" "$T/data/sub/file"
	output_is $'content\ndeep'
	local before
	before=$(tree data)
	BOX_OPTIONS=(--ro ./data)
	refused EROFS open_write "$T/data/file"
	refused EROFS truncate "$T/data/file"
	refused EROFS unlink "$T/data/file"
	refused EROFS mkdir "$T/data/new"
	refused EROFS rename "$T/data/file" "$T/data/other"
	refused EROFS link "$T/data/file" "$T/data/other"
	refused EROFS chmod 600 "$T/data/file"
	refused EROFS chown "$T/data/file" "$(id -u)"
	[ "$(tree data)" = "$before" ]
	outside open_write "$T/data/file"
	outside chmod 600 "$T/data/file"
	BOX_OPTIONS=(--rw ./data)
	allowed open_write "$T/data/file"
	allowed chmod 644 "$T/data/file"
	allowed mkdir "$T/data/new"
}

@test "--rw: what is written is on disk and belongs to the caller" {
	run aisbx run --rw ./out -- sh -c "echo new >$T/out/f; mkdir $T/out/d; ln -s f $T/out/l"
	status_is 0
	[ "$(cat out/f)" = new ]
	[ "$(stat -c %u:%g out/f out/d out/l | sort -u)" = "$(id -u):$(id -g)" ]
}

@test "a tree with mixed owners and modes stays as it is" {
	chmod 600 data/file
	chmod 500 data/sub
	local before
	before=$(tree data)
	run aisbx run --ro ./data -- sh -c "cat data/file; ls -ld data/sub"
	status_is 0
	[ "$(tree data)" = "$before" ]
}

@test "a file as a grant" {
	run aisbx run --ro data/file -- sh -c 'cat data/file; ls data'
	output_is $'content\nfile'
	run aisbx run --rw data/file -- sh -c 'echo more >>data/file'
	status_is 0
	[ "$(cat data/file)" = $'content\nmore' ]
	BOX_OPTIONS=(--ro data/file)
	refused EROFS open_write "$T/data/file"
}

@test "a unix socket as a grant; ungranted it does not exist" {
	python3 - "$T/sock" <<-'E' 3>&- &
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen(5)
		s.settimeout(20)
		open(sys.argv[1] + ".ready", "w")
		for _ in range(2):
		    c, _ = s.accept()
		    c.close()
	E
	eventually test -e sock.ready
	BOX_OPTIONS=(--ro "$T/data")
	refused ENOENT connect_path "$T/sock"
	BOX_OPTIONS=(--rw "$T/sock")
	allowed connect_path "$T/sock"
	outside connect_path "$T/sock"
	wait
}

@test "SRC:DEST, ~ in source and destination" {
	mkdir -p "$HOME/src"
	echo mine >"$HOME/src/f"
	run aisbx run --ro ./data:/d --ro '~/src:~/dst' --rw ./out:/o -- sh -c \
		'cat /d/file ~/dst/f; echo x >/o/f; ls /; ls -d '"$T"
	contains "$output" $'content\nmine\n'
	lacks "$output" "$T"
	[ "$(cat out/f)" = x ]
}

@test "relative paths start at the working directory, .. is understood" {
	mkdir -p a/b
	cd a/b
	run aisbx run --ro ../../data -- cat "$T/data/file"
	output_is content
	run aisbx run --ro ../.././data//sub/.. -- cat "$T/data/file"
	output_is content
}

@test "a missing grant is an error, with - it is skipped" {
	fails_with 125 "nowhere" run --ro ./nowhere -- true
	fails_with 125 "nowhere" run --rw ./nowhere -- true
	fails_with 125 "nowhere" run --rw ./nowhere/deep -- true
	fails_with 125 "file/x" run --ro ./data/file/x -- true
	fails_with 125 "begin DEST with / or ~" run --ro ./data:data -- true
	run aisbx run --ro -./nowhere --rw -nowhere -- true
	status_is 0
	[ ! -e nowhere ]
}

@test "a grant that the caller cannot read is an error" {
	need_user
	chmod 000 data
	fails_with 125 "data" run --ro ./data -- true
	fails_with 125 "Permission denied; make it accessible to yourself first" run --ro ./data/file -- true
	chmod 755 data
	chmod 000 data/file
	fails_with 125 "data/file" run --ro ./data/file -- true
	chmod 500 out
	fails_with 125 "out" run --rw ./out -- true
}

@test "whole machine, kernel interfaces, devices: refused" {
	local path
	for path in / /proc /proc/self /proc/self/root /proc/1/root /sys /sys/kernel /dev /dev/null \
		/dev/pts /dev/shm/.. //// /. /usr/.. /proc/self/fd/0 /proc/self/cwd/..; do
		run aisbx run --rw "$path" -- touch "$T/ran"
		status_is 125
		[ "${#stderr_lines[@]}" -eq 1 ]
		contains "$stderr" "aisbx: "
		run aisbx run --ro "$path" -- true
		status_is 125
	done
	fails_with 125 "" run --ro "$T/data:/" -- true
	fails_with 125 "" run --ro "$T/data:/proc" -- true
	fails_with 125 "" run --ro "$T/data:/proc/self" -- true
	fails_with 125 "" run --ro "$T/data:/dev" -- true
	fails_with 125 "" run --ro "$T/data:/dev/null" -- true
	fails_with 125 "" run --ro "$T/data:/sys" -- true
	fails_with 125 "" run --tmpfs / -- true
	fails_with 125 "" run --tmpfs /proc -- true
	fails_with 125 "" run --tmpfs /dev -- true
}

@test "a link to the whole machine is no way round" {
	ln -s / everything
	ln -s /proc kernel
	fails_with 125 "" run --rw ./everything -- true
	fails_with 125 "" run --rw ./everything/proc -- true
	fails_with 125 "" run --rw ./kernel -- true
}

@test "deeper path wins: read in write, write in read" {
	mkdir -p w/r r/w
	run aisbx run --rw ./w --ro ./w/r --ro ./r --rw ./r/w -- sh -c '
		touch w/new && ! touch w/r/new && touch r/w/new && ! touch r/new'
	status_is 0
	[ -e w/new ] && [ ! -e w/r/new ] && [ -e r/w/new ] && [ ! -e r/new ]
}

@test "the order on the command line does not matter, the deeper path does" {
	mkdir -p w/r
	run aisbx run --ro ./w/r --rw ./w -- touch w/r/new
	status_is 1
	[ ! -e w/r/new ]
}

@test "tmpfs in read and in write: private, empty, gone afterwards" {
	local mode
	for mode in --ro --rw; do
		run aisbx run $mode ./data --tmpfs ./data/sub -- sh -c \
			'ls -A data/sub; echo x >data/sub/new && cat data/sub/new data/file'
		output_is $'x\ncontent'
		[ "$(ls data/sub)" = file ]
	done
}

@test "hide in read and in write: nothing of it can be read" {
	echo secret >data/.env
	mkdir data/private
	echo secret >data/private/key
	local mode
	for mode in --ro --rw; do
		run aisbx run $mode ./data --hide ./data/.env --hide ./data/private -- sh -c \
			'cat data/.env data/private/key; ls -A data/private; grep -r secret data;
			 mv data/.env data/x; mv data/private data/y; mv data z; rm -rf data/.env data/private;
			 ln data/.env data/hard; cat data/hard data/x data/y/key; cat data/file; true'
		output_is content
		[ "$(cat data/.env)" = secret ]
		[ "$(cat data/private/key)" = secret ]
	done
}

@test "hide beats a grant of the same path, a deeper grant beats hide" {
	run aisbx run --ro ./data --ro ./data/file --hide ./data/file -- cat data/file
	status_is 1
	output_is ""
	run aisbx run --ro ./data --hide ./data/sub --ro ./data/sub/file -- sh -c \
		'cat data/sub/file; ls -A data/sub'
	output_is $'deep\nfile'
}

@test "hide reaches the object, by whatever path it is shown" {
	echo secret >data/.env
	run aisbx run --ro ./data:/d --hide ./data/.env -- cat /d/.env
	status_is 1
	output_is ""
	run aisbx run --ro ./data:/d --ro ./data:/e --hide /d/.env -- cat /d/.env /e/.env
	output_is ""
}

@test "hide of a link hides what it leads to" {
	echo secret >data/real
	ln -s real data/link
	run aisbx run --ro ./data --hide ./data/link -- cat data/link data/real
	status_is 1
	output_is ""
}

@test "hide of a grant itself: it is not there" {
	run aisbx run --ro ./data --ro ./data/sub:/s --hide ./data/sub -- sh -c 'ls -d data/sub /s'
	status_is 2
	output_is ""
	local mode
	mkdir other
	for mode in --ro --rw; do
		run aisbx run $mode ./data --ro ./other --hide ./data -- ls
		status_is 0
		output_is other
	done
}

@test "hide of what every box has of its own is refused, not ignored" {
	local path
	for path in / /proc /proc/cpuinfo /dev /dev/null; do
		fails_with 125 "cannot hide '$path'" run --hide $path -- true
	done
}

@test "hide of what does not exist is fine" {
	run aisbx run --ro ./data --hide ./data/nothing -- cat data/file
	output_is content
}

@test "a tree of a similar name is not granted (CVE-2025-54794)" {
	mkdir work work-evil
	echo secret >work-evil/f
	run aisbx run --rw ./work -- sh -c 'cat work-evil/f; cat work/../work-evil/f; echo x >work-evil/new'
	[ "$status" -ne 0 ]
	output_is ""
	[ ! -e work-evil/new ]
}

@test "a link as a grant: the object appears, at the path that was named" {
	ln -s data link
	run aisbx run --ro ./link -- cat link/file
	output_is content
}

@test "a link planted in a writable tree that leads outside is refused" {
	mkdir secret
	echo secret >secret/f
	ln -s ../secret out/link
	ln -s "$T/secret/f" out/flink
	fails_with 125 "link" run --rw ./out --ro ./out/link -- cat out/link/f
	fails_with 125 "link" run --rw ./out --ro ./out/flink -- cat out/flink
	fails_with 125 "link" run --rw ./out --rw ./out/link -- true
	fails_with 125 "link" run --rw ./out --ro ./out/link/f -- true
	fails_with 125 "link" run --rw ./out --ro ./out/link:/x -- true
	ln -s out/link chain
	fails_with 125 "link" run --rw ./out --ro ./chain -- cat chain/f
	ln -s inside out/inner
	mkdir out/inside
	run aisbx run --rw ./out --ro ./out/inner -- true
	status_is 0 || status_is 125
}

@test "following a planted link inside the box leads nowhere" {
	mkdir secret
	echo secret >secret/f
	ln -s "$T/secret" out/abs
	ln -s ../secret out/rel
	ln -s /proc/1/root out/proc
	run aisbx run --rw ./out -- sh -c 'cat out/abs/f out/rel/f out/proc/etc/shadow; true'
	output_is ""
}

@test "link loops and long chains are errors, not hangs" {
	ln -s loop loop
	fails_with 125 "loop" run --ro ./loop -- true
	local i previous=data
	for i in $(seq 60); do
		ln -s "$previous" "l$i"
		previous=l$i
	done
	fails_with 125 "l60" run --ro ./l60 -- true
	run aisbx run --ro ./l30 -- cat l30/file
	output_is content
}

@test "nothing is ever created in the caller's tree" {
	mkdir -p tree/a/b
	echo x >tree/f
	local before
	before=$(tree tree)
	run aisbx run --ro ./tree -- true
	run aisbx run --rw ./tree --ro ./tree/a --tmpfs ./tree/a/b --hide ./tree/f -- true
	status_is 0
	run aisbx run --rw ./tree --hide ./tree/.env -C ./tree -- true
	status_is 0
	run aisbx run --rw ./tree --tmpfs ./tree/none -- true
	status_is 125
	contains "$stderr" "create it"
	run aisbx run --rw ./tree --ro ./data:"$T/tree/none/x" -- true
	status_is 125
	run aisbx run -p agent --rw ./tree -C ./tree -- true
	run aisbx run --ro ./tree --result "$T/r.json" -- false
	[ "$(tree tree)" = "$before" ]
}

@test "names with spaces, quotes and bytes that are no text" {
	local name
	for name in "a b" "it's" '"q"' '$x' '*' '-x' $'\xff' 'ü'; do
		mkdir -p "./odd/$name"
		echo in >"./odd/$name/f"
		run aisbx run --ro "$T/odd/$name" -- cat "$T/odd/$name/f"
		status_is 0
		output_is in
	done
	mkdir -p $'odd/a\nb'
	fails_with 125 "control character" run --ro $'odd/a\nb' -- true
}

@test "many grants" {
	local i options=()
	for i in $(seq 200); do
		mkdir -p many/$i
		options+=(--ro "./many/$i")
	done
	run aisbx run "${options[@]}" -- sh -c 'ls many | wc -l'
	output_is 200
}

@test "mounts below a grant are part of it and read-only too" {
	need_root
	mkdir -p m/sub
	unshare -m sh -c "mount -t tmpfs none m/sub && echo below >m/sub/f &&
		timeout 20 '$AISBX' run --ro ./m -- sh -c 'cat m/sub/f; touch m/sub/new'" >o 2>e || true
	[ "$(cat o)" = below ] || contains "$(cat e)" idmap
	if grep -q "cannot touch" o; then false; fi
}

@test "a root caller's grant of another user's tree belongs to the box, host root's files in it do not" {
	need_root
	mkdir -p tree/rootd
	echo secret >tree/rootd/f
	chmod 600 tree/rootd/f
	touch tree/a
	chown "$OTHER_UID:$OTHER_GID" tree tree/a
	run aisbx run --rw ./tree -- sh -c 'cd tree && echo x >>a && touch new && stat -c %u a new && ! cat rootd/f && ! touch rootd/g'
	status_is 0
	output_is $'1000\n1000'
	[ "$(stat -c %u tree/a tree/new | sort -u)" = "$OTHER_UID" ]
	[ ! -e tree/rootd/g ]
}

@test "a file system that cannot be idmapped: refused with what to do, or degraded by name" {
	need_root
	mkdir r
	unshare -m sh -c "mount -t ramfs none r && timeout 20 '$AISBX' run --rw ./r -- true" 2>e || echo $? >status
	[ "$(cat status)" = 125 ]
	contains "$(cat e)" "cannot be idmapped"
	contains "$(cat e)" "--allow-degraded idmap"
	unshare -m sh -c "mount -t ramfs none r && chmod 777 r &&
		timeout 20 '$AISBX' run --allow-degraded idmap --result j --rw ./r -- touch r/x && ls r" >o
	[ "$(cat o)" = x ]
	contains "$(cat j)" '"degraded":["idmap"]'
}

@test "grants of system directories: read-only and private /tmp and home" {
	run aisbx run -- sh -c 'ls /usr/bin/env /etc/passwd >/dev/null && touch /tmp/x ~/x /dev/shm/x && ls -A ~ /dev/shm'
	status_is 0
	output_is $'/dev/shm:\nx\n\n'"$HOME"$':\nx'
	touch /tmp/aisbx-test-outside.$$
	run aisbx run -- ls -A /tmp
	rm /tmp/aisbx-test-outside.$$
	lacks "$output" outside
}

@test "-C: the directory to start in" {
	run aisbx run --ro ./data -C ./data/sub -- pwd
	output_is "$T/data/sub"
	run aisbx run --ro ./data:/d -C /d/sub -- pwd
	output_is /d/sub
	run aisbx run -C '~' -- pwd
	output_is "$HOME"
	fails_with 125 "/nowhere" run -C /nowhere -- true
	fails_with 125 "file" run --ro ./data -C ./data/file -- true
	fails_with 125 "$T/out" run -C ./out -- true
}

@test "the working directory: the caller's when it is in the box, else home" {
	run aisbx run --ro ./data -- pwd
	status_is 0
	cd data
	run aisbx run --ro "$T/data" -- pwd
	output_is "$T/data"
	run aisbx run -- pwd
	output_is "$HOME"
	cd /usr/bin
	run aisbx run -- pwd
	output_is /usr/bin
	# A process of the host's is none of the box's.
	cd /proc/self
	run aisbx run -- pwd
	output_is "$HOME"
}

@test "a working directory that is gone, or that cannot be entered" {
	mkdir gone
	run bash -c "cd gone && rmdir ../gone && timeout 20 '$AISBX' run -- pwd"
	[ "$status" -eq 0 ] || status_is 125
	lacks "$stderr" "getcwd"
}

@test "a working directory whose path is too long for the kernel to tell" {
	run timeout 20 python3 -c '
import os, sys
for _ in range(100):
    os.mkdir("d" * 60)
    os.chdir("d" * 60)
os.execv(sys.argv[1], [sys.argv[1], "run", "--", "true"])' "$AISBX"
	status_is 125
	contains "$stderr" "longer than 4095 bytes; start in another"
}

@test "below a directory that is gone no relative path is found, least of all at /" {
	for grant in . etc; do
		mkdir gone
		run bash -c "cd gone && rmdir ../gone && timeout 20 '$AISBX' run --ro $grant -- true"
		status_is 125
		contains "$stderr" "it does not exist"
	done
}

@test "hide in a directory of very many entries, links among them" {
	mkdir many
	for i in $(seq 600); do ln -s f many/l$i; done
	echo secret >many/f
	echo open >many/g
	run aisbx run --ro many --hide many/f -- sh -c 'cat many/g; cat many/f || echo hidden'
	output_is $'open\nhidden'
	run aisbx run --hide /usr/bin/env -- sh -c 'env || echo hidden'
	output_is hidden
}

@test "a grant or a hide of a file that every box has of its own is what was asked for" {
	echo "127.0.0.1 my-server" >hosts
	run aisbx run --ro hosts:/etc/hosts -- cat /etc/hosts
	output_is "127.0.0.1 my-server"
	run aisbx run --hide /etc/group -- ls /etc/group
	contains "$stderr" "No such file"
	run aisbx run -- cat /etc/hosts
	contains "$output" aisbx
}

@test "a grant with - below a file is missing, too" {
	echo x >file
	run aisbx run --ro -./file/x -- echo ran
	output_is ran
	fails_with 125 "it does not exist" run --ro ./file/x -- true
}

@test "a source that is replaced while running keeps the box's view" {
	run aisbx run --ro ./data -- sh -c 'cat data/file'
	output_is content
}

@test "exec lists: what is named runs, nothing else does" {
	run aisbx run --exec echo -- echo hi
	output_is hi
	fails_with 126 "exec list" run --exec echo -- ls
	printf '#!/bin/sh\n' >script
	printf 'no program' >plain
	chmod +x script
	fails_with 126 "the interpreter" run --ro script --exec ./script -- ./script
	fails_with 126 "chmod +x" run --ro plain --exec echo -- ./plain
	run aisbx run --exec sh -- sh -c 'ls; echo $?'
	output_is 126
	fails_with 125 "no-such" run --exec no-such -- true
	printf 'extends: [default]\nexec: []\n' >p.yaml
	fails_with 126 "true" run -p ./p.yaml -- true
}

@test "--allow-host: the box asks the name server at 127.0.0.1, otherwise none" {
	run aisbx run -- grep hosts: /etc/nsswitch.conf
	output_is "hosts: files"
	run aisbx run --allow-host example.org -- \
		sh -c 'cat /etc/resolv.conf; grep hosts: /etc/nsswitch.conf; grep -c localhost /etc/hosts'
	output_is $'nameserver 127.0.0.1\noptions timeout:2 attempts:2\nhosts: files dns\n2'
}
