#!/usr/bin/env bats
# Attacks on the file tree: what is not granted does not exist, what is granted
# has no more rights than planned.
load ../lib/common

setup_more() {
	mkdir -p "$HOME/.ssh" "$HOME/.aws" secret ro rw
	echo hunter2 | tee "$HOME/.ssh/id_ed25519" "$HOME/.aws/credentials" secret/key >/dev/null
	echo plain >ro/file
	echo plain >rw/file
}

@test "secrets of the caller do not exist, by any path" {
	run box --ro ./ro -- sh -c "
		cat ~/.ssh/id_ed25519 ~/.aws/credentials $HOME/.ssh/id_ed25519 $T/secret/key \
			$T/ro/../secret/key /../$T/secret/key /../../../..$T/secret/key \
			/proc/self/root$T/secret/key /proc/self/cwd/../secret/key \
			/proc/self/task/self/root/$T/secret/key /proc/thread-self/root$T/secret/key
		ls -A ~ /root /home /var /run /mnt /srv /media /boot /sys /lost+found
		true"
	lacks "$output" hunter2
	cat "$HOME/.ssh/id_ed25519" secret/key >/dev/null
	BOX_OPTIONS=()
	refused ENOENT open_read "$T/secret/key"
	outside open_read "$T/secret/key"
	BOX_OPTIONS=(--ro ./secret)
	allowed open_read "$T/secret/key"
}

@test "nothing stands at the root but what every box has" {
	run aisbx run -- ls -A /
	local name
	for name in $output; do
		[[ " bin dev etc lib lib32 lib64 libx32 nix proc run sbin tmp usr home root work ${HOME%%/*} " == *" $name "* ]]
	done
	run aisbx run -- sh -c 'ls -A /sys /var /home /mnt /srv 2>/dev/null; ls -A /run 2>/dev/null'
	lacks "$output" docker
	lacks "$output" systemd
}

@test "the container engine's socket and the like do not exist" {
	local path
	for path in /var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock \
		/run/podman/podman.sock /run/dbus/system_bus_socket /run/systemd/private \
		/run/user/0 "/run/user/$(id -u)" /tmp/.X11-unix /var/run/secrets; do
		refused ENOENT open_read "$path"
	done
}

@test "above the root is the root" {
	run aisbx run -- sh -c 'cd / && cd .. && cd ../../.. && pwd && ls -di / /.. /../.. | cut -d" " -f1 | sort -u | wc -l'
	output_is $'/\n1'
}

@test "system directories cannot be written" {
	local path
	for path in /usr/x /etc/x /usr/bin/x /usr/lib/x /etc/cron.d/x /etc/profile.d/x; do
		refused EROFS/EACCES mkdir "$path"
	done
	refused EROFS/EACCES mkdir /x
	refused EROFS/EACCES open_write /usr/bin/env
	refused EROFS/EACCES open_write /etc/passwd
	refused EROFS/EACCES open_write /etc/ld.so.cache
	refused EROFS/EACCES/EBUSY unlink /etc/hosts
	run aisbx run -- sh -c 'echo x >/etc/passwd; echo x >>/etc/hosts; rm -f /etc/resolv.conf; rm -rf /usr/bin/env; ls /usr/bin/env'
	output_is /usr/bin/env
}

@test "what only root may read stays unreadable, root as caller included" {
	[ -e /etc/shadow ]
	refused EACCES open_read /etc/shadow
	run aisbx run -- cat /etc/shadow /etc/shadow- /etc/sudoers /etc/ssh/ssh_host_ed25519_key
	output_is ""
	need_root
	outside open_read /etc/shadow
	echo hunter2 >/etc/aisbx-test-secret.$$
	chmod 600 /etc/aisbx-test-secret.$$
	run aisbx run -- cat /etc/aisbx-test-secret.$$
	rm /etc/aisbx-test-secret.$$
	lacks "$output" hunter2
}

@test "a root caller's grant does not hand over what other users own" {
	need_root
	echo other >rw/theirs
	chown "$OTHER_UID:$OTHER_GID" rw/theirs
	chmod 600 rw/theirs
	BOX_OPTIONS=(--rw ./rw)
	refused EACCES open_read "$T/rw/theirs"
	refused EPERM chmod 666 "$T/rw/theirs"
	[ "$(stat -c %a rw/theirs)" = 600 ]
}

@test "another user's home does not exist for an ordinary user" {
	need_user
	refused ENOENT open_read /root
	refused ENOENT open_read /home/other
}

@test "mount calls of all kinds are refused" {
	BOX_OPTIONS=(--ro ./ro --rw ./rw)
	refused EPERM mount /tmp
	refused EPERM bind /usr /tmp
	refused EPERM bind "$T/rw" "$T/ro"
	refused EPERM remount "$T/ro"
	refused EPERM remount /usr
	refused EPERM remount /
	refused EPERM remount /proc
	refused EPERM umount /etc/passwd
	refused EPERM umount /proc
	refused EPERM umount "$T/ro"
	refused EPERM pivot_root /tmp
	refused EPERM chroot /tmp
	refused EPERM open_tree /
	refused EPERM open_tree_attr
	refused EPERM move_mount /tmp
	refused EPERM fsopen
	refused EPERM fsconfig
	refused EPERM fsmount
	refused EPERM fspick
	refused EPERM mount_setattr "$T/ro"
	refused ENOSYS statmount
	refused ENOSYS listmount
	# The control, in a mount namespace of its own.
	mkdir m
	local attempt
	for attempt in "mount m" "bind ro m" "chroot m" "open_tree m" fsopen; do
		# shellcheck disable=SC2086
		[ "$(unshare -Urm "$BIN/try" $attempt)" = ok ]
	done
}

@test "device nodes cannot be made, fifos can" {
	BOX_OPTIONS=(--rw ./rw)
	refused EPERM mknod_char "$T/rw/null"
	refused EPERM mknod_block "$T/rw/disk"
	refused EPERM mknod_char /tmp/null
	allowed mknod_fifo "$T/rw/fifo"
	need_root
	outside mknod_char "$T/rw/null"
	# A device that is there cannot be used through a grant.
	refused EACCES open_read "$T/rw/null"
}

@test "a named pipe in a read-only grant cannot be written to" {
	mkdir d
	mkfifo d/pipe
	run aisbx run --rw ./d:/d -- sh -c 'exec 3<>/d/pipe; echo fine'
	output_is fine
	# a mount that is read-only does not keep it from that, Landlock does
	run aisbx run --ro ./d:/d -- sh -c 'exec 3<>/d/pipe; echo fine'
	output_is ""
	contains "$stderr" "Permission denied"
}

@test "a set-user-ID or set-group-ID program cannot be left behind" {
	BOX_OPTIONS=(--rw ./rw)
	local mode
	for mode in 4755 2755 6755 04000; do
		refused EPERM chmod $mode "$T/rw/file"
		refused EPERM fchmod $mode "$T/rw/file"
		refused EPERM create $mode "$T/rw/new$mode"
		refused EPERM tmpfile $mode "$T/rw"
	done
	refused EPERM fchmodat2 4755 "$T/rw/file"
	run box --rw ./rw -- sh -c 'cp /usr/bin/id rw/id; chmod u+s rw/id; chmod 4755 rw/id; chmod g+s rw/id;
		install -m 4755 /usr/bin/id rw/id2; cp -p /usr/bin/passwd rw/p; tar cf - -C /usr/bin passwd su | tar xpf - -C rw;
		python3 -c "import os; os.chmod(\"rw/id\", 0o6755)"; true'
	[ -z "$(find rw -perm /6000)" ]
	outside chmod 4755 "$T/rw/file"
}

@test "set-user-ID programs of the system give nothing" {
	run aisbx run -- sh -c 'for p in su sudo passwd mount newgrp ping; do command -v $p; done >/dev/null; su -c id </dev/null; newgrp root </dev/null; sudo -n id; id -u'
	[ "$(tail -1 <<<"$output")" != 0 ]
	cp /usr/bin/id rw/suid-id
	chmod 4755 rw/suid-id
	run aisbx run --rw ./rw -- "$T/rw/suid-id" -u
	[ "$output" != 0 ] || [ "$(id -u)" = 0 ]
	run aisbx run --rw ./rw -- sh -c "grep ' $T/rw ' /proc/self/mounts | grep -c nosuid"
	output_is 1
}

@test "every mount is nosuid; every grant nodev; read-only ones ro" {
	run aisbx run --ro ./ro --rw ./rw -- cat /proc/self/mounts
	local device path type options
	while read -r device path type options _; do
		[[ ,$options, == *,nosuid,* ]] || { echo "$path $options" >&2; false; }
		[[ $path == /dev/* || ,$options, == *,nodev,* ]] || { echo "$path $options" >&2; false; }
		case $path in
		/usr | /etc | / | /proc | /proc/* | "$T/ro") [[ ,$options, == *,ro,* ]] || { echo "$path $options" >&2; false; } ;;
		esac
	done <<<"$output"
	contains "$output" "$T/ro"
}

@test "files are opened by path only, never by handle (CVE-2014-3519)" {
	refused EPERM open_by_handle_at
	refused EPERM name_to_handle_at
	refused EPERM fanotify
	outside name_to_handle_at
}

@test "hard links do not carry files over a wall" {
	ln ro/file rw/hard 2>/dev/null || true
	BOX_OPTIONS=(--ro ./ro --rw ./rw --ro ./secret)
	refused EXDEV link "$T/secret/key" "$T/rw/key"
	refused EXDEV rename "$T/ro/file" "$T/rw/stolen"
	refused EXDEV link /usr/bin/id "$T/rw/id"
}

@test "the grant's parent cannot be reached, renamed or replaced from within" {
	mkdir -p tree/a/ro tree/a/hidden
	echo x >tree/a/ro/f
	echo secret >tree/a/hidden/f
	run aisbx run --rw ./tree --ro ./tree/a/ro --hide ./tree/a/hidden -- sh -c '
		mv tree/a tree/b; mkdir -p tree/a/ro; echo evil >tree/a/ro/f; rm -rf tree/a; rmdir tree/a/ro;
		mv tree/a/ro tree/c; mv tree gone; cat tree/*/hidden/f tree/a/hidden/f'
	lacks "$output" secret
	[ "$(cat tree/a/ro/f)" = x ]
	[ "$(cat tree/a/hidden/f)" = secret ]
}

@test "a link planted by one run does not widen the next" {
	mkdir -p proj
	run aisbx run --rw ./proj -- ln -s "$T/secret" proj/data
	run aisbx run --rw ./proj --ro ./proj/data -- cat proj/data/key
	status_is 125
	lacks "$output" hunter2
	rm proj/data
	run aisbx run --rw ./proj -- ln -s "$T/secret/key" proj/data
	run aisbx run --rw ./proj --ro ./proj/data:/k -- cat /k
	status_is 125
	run aisbx run --ro ./proj --rw ./proj/data -- cat proj/data
	lacks "$output" hunter2
}

@test "mount points under a link in a writable tree change nothing on the host (CVE-2026-87766)" {
	mkdir -p victim proj
	ln -s "$T/victim" proj/a
	local before
	before=$(tree victim)
	run aisbx run --rw ./proj --tmpfs ./proj/a/b -- true
	status_is 125
	run aisbx run --rw ./proj --ro ./ro:"$T/proj/a/b" -- true
	status_is 125
	ln -s / proj/oldroot
	run aisbx run --rw ./proj --ro ./ro:"$T/proj/oldroot$T/victim/x" -- true
	status_is 125
	[ "$(tree victim)" = "$before" ]
}

# The race: the granted directory becomes a link to the secret, over and over.
@test "a grant that is swapped for a link while the box starts never shows the target (300 runs)" {
	mkdir swap real
	echo granted >real/key
	python3 - <<-'E' 3>&- &
		import ctypes, os
		libc = ctypes.CDLL(None)
		os.symlink("../secret", "swap/link")
		os.rename("real", "swap/dir")
		open("swapping", "w").close()
		while not os.path.exists("stop"):
		    for _ in range(500):  # RENAME_EXCHANGE
		        libc.renameat2(-100, b"swap/dir", -100, b"swap/link", 2)
	E
	local swapper=$! i seen=""
	eventually test -e swapping
	for i in $(seq 300); do
		seen+=$(timeout -k 1 10 "$AISBX" run --rw ./swap --ro ./swap/dir -- cat swap/dir/key 2>/dev/null) || true
	done
	touch stop
	wait $swapper
	lacks "$seen" hunter2
	contains "$seen" granted # the control: some runs did see the real one
}

@test "fixed names in /tmp, made before by somebody else, are neither used nor harmed (CVE-2019-12439)" {
	strace -V >/dev/null 2>&1 || must_or_skip "strace is not installed"
	run strace -f -o trace -e trace=mkdir,mkdirat,open,openat,creat,symlink,symlinkat,mknod,mknodat \
		"$AISBX" run --ro ./ro -- true
	grep -E '"/tmp|"/var|"/run|"/dev/shm' trace | grep -E 'O_CREAT|mkdir|symlink|mknod' >made || true
	[ ! -s made ] || { cat made >&2; false; }
}

@test "a profile below a writable grant can be neither changed, replaced nor moved" {
	mkdir -p proj/sub
	printf 'extends: [default]\nfiles: {write: [./proj]}\n' >proj/sub/p.yaml
	local before
	before=$(sha256sum proj/sub/p.yaml)
	run aisbx run -p proj/sub/p.yaml -- sh -c '
		cd proj; echo evil >sub/p.yaml; echo evil >>sub/p.yaml; rm -f sub/p.yaml; mv sub/p.yaml x;
		echo evil >new; mv -f new sub/p.yaml; ln -sf /etc/passwd sub/p.yaml; mv sub other; rm -rf sub; chmod 777 sub/p.yaml; touch fine'
	[ "$(sha256sum proj/sub/p.yaml)" = "$before" ]
	[ "$(stat -c %a proj/sub/p.yaml)" != 777 ]
	[ -e proj/fine ]
}

@test "what the profile extends is as protected as itself" {
	mkdir proj
	printf 'extends: [default, ./proj/q.yaml]\nfiles: {write: [./proj]}\n' >proj/p.yaml
	echo 'description: q' >proj/q.yaml
	run aisbx run -p proj/p.yaml -- sh -c 'cd proj; echo "# evil" >>q.yaml; mv q.yaml r; rm -f q.yaml'
	[ "$(cat proj/q.yaml)" = 'description: q' ]
}

@test "a profile reached by a link, and one that is a grant itself" {
	mkdir proj
	printf 'extends: [default]\nfiles: {write: [./proj]}\n' >proj/p.yaml
	ln -s p.yaml proj/l.yaml
	run aisbx run -p proj/l.yaml -- sh -c 'cd proj; rm l.yaml; ln -s /etc/passwd l.yaml'
	[ "$(readlink proj/l.yaml)" = p.yaml ]
	echo 'extends: [default]' >solo.yaml
	run aisbx run -p ./solo.yaml --rw ./solo.yaml -- sh -c 'echo "# evil" >>solo.yaml'
	[ "$(cat solo.yaml)" = 'extends: [default]' ]
}

@test "two boxes share no /tmp, home or /dev/shm, nor does one run with the next" {
	run aisbx run -- sh -c 'echo x | tee /tmp/f ~/f /dev/shm/f'
	run aisbx run -- sh -c 'cat /tmp/f ~/f /dev/shm/f'
	output_is ""
	"$AISBX" run -- sh -c 'echo secret | tee /tmp/f /dev/shm/f ~/f; sleep 60' >up 3>&- &
	local pid=$!
	eventually grep -q secret up
	run aisbx run -- sh -c 'cat /tmp/f ~/f /dev/shm/f'
	kill -9 $pid
	wait $pid || true
	output_is ""
}

@test "files that the box leaves in a grant have no surprise: owner, no attributes" {
	run aisbx run --rw ./rw -- sh -c 'cd rw; touch a; mkdir b; ln -s a c; ln a d; mkfifo e; chmod 777 a'
	[ "$(find rw -printf '%U:%G\n' | sort -u)" = "$(id -u):$(id -g)" ]
}
