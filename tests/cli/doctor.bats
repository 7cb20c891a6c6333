#!/usr/bin/env bats
# What doctor says of hosts that lack something, and that `run` fails there with the same fix.
load ../lib/common

# Before the program: what makes the host a poor one.
setup_more() {
	AROUND=()
	: >empty
}

# As root of a user and a mount namespace of its own, after the commands of $1.
poor() {
	AROUND=(unshare -Urm sh -ec "$1"$'\nexec "$@"' sh)
}

doctor() {
	run timeout -k 2 $((60 * AISBX_TEST_PATIENCE)) "${AROUND[@]}" "$AISBX" doctor --json
	printf '%s\n' "$output" >doctor.json
	jq -c . doctor.json >line.json
}

# of CHECK MEMBER: as text; nothing for null.
of() {
	jq -r --arg name "$1" --arg member "$2" \
		'.checks[] | select(.name == $name) | .[$member] // ""' doctor.json
}

check_is() { # CHECK STATE [TEXT of what was found or of the fix]
	local state
	state=$(of "$1" state)
	[ "$state" = "$2" ] || {
		echo "$1 is '$state', want $2: $(cat doctor.json) $stderr" >&2
		return 1
	}
	[ -z "${3-}" ] || contains "$(of "$1" found) $(of "$1" fix)" "$3"
}

# `run ARG...` fails there as doctor's CHECK says: same fix, nothing runs.
run_says_as() {
	local fix
	fix=$(of "$1" fix)
	shift
	[ -n "$fix" ]
	run timeout -k 2 30 "${AROUND[@]}" "$AISBX" run "$@"
	status_is 125
	output_is ""
	contains "$stderr" "($fix)"
	[ "${#stderr_lines[@]}" -eq 1 ]
}

# One thing is missing, a default run fails for it, and both name what to do.
fails_for() { # CHECK TEXT
	doctor
	status_is 1
	check_is "$1" missing "$2"
	check_is run missing
	[ "$(jq .works doctor.json)" = false ]
	run_says_as "$1" -- echo it ran
}

# One thing is not as it could be; a default run works.
works_without() { # CHECK STATE TEXT
	doctor
	status_is 0
	check_is "$1" "$2" "$3"
	check_is run ok
	[ "$(jq .works doctor.json)" = true ]
	run timeout 30 "${AROUND[@]}" "$AISBX" run -- echo it ran
	output_is "it ran"
}

@test "here a default run works, and doctor says so" {
	need jq
	doctor
	status_is 0
	[ -z "$stderr" ]
	local check
	for check in kernel user namespaces seccomp mounts proc keyring profiles run; do
		check_is $check ok
	done
}

@test "the JSON has the shape that its schema says, where all works and where little does" {
	need jq
	AROUND=("$BIN/refuse" docker --)
	doctor
	conforms_to doctor line.json
	AROUND=()
	doctor
	conforms_to doctor line.json
	[ "$(jq -r '.checks | map(.name) | join(" ")' doctor.json)" = "kernel user namespaces \
landlock seccomp notification mounts proc keyring limits disk idmap overlayfs network dns terminal \
profiles run" ]
}

@test "for a person: one screen, a line a check" {
	run aisbx doctor
	status_is 0
	local line lines
	mapfile -t lines <<<"$output"
	[ "${#lines[@]}" -le 30 ]
	for line in "${lines[@]}"; do
		[ "${#line}" -le 80 ]
	done
	[ "$(grep -cE '^(ok|limited|missing) +[a-z]+ ' <<<"$output")" -eq 18 ]
	contains "$output" "ok       run"
}

@test "it takes no argument but --json" {
	fails_with 125 "doctor takes no argument but --json" doctor --jsn
	fails_with 125 "doctor" doctor --json now
	run aisbx doctor --help
	status_is 0
	contains "$output" "--json"
	run bash -c '"$AISBX" doctor >/dev/full'
	status_is 125
}

@test "user.max_user_namespaces=0" {
	need jq unshare
	poor 'echo 0 >/proc/sys/user/max_user_namespaces'
	fails_for user "as root: sysctl -w user.max_user_namespaces=65536"
	lacks "$(of landlock state)" missing
	check_is seccomp ok
	check_is mounts missing "not tried"
	[ -z "$(of mounts fix)" ]
}

@test "user.max_net_namespaces=0, and of other kinds" {
	need jq unshare
	local kind
	for kind in net pid uts; do
		poor "echo 0 >/proc/sys/user/max_${kind}_namespaces"
		fails_for namespaces "as root: sysctl -w user.max_${kind}_namespaces=65536"
		check_is user ok
	done
}

@test "Docker's filter: namespaces and mounts are refused" {
	need jq
	AROUND=("$BIN/refuse" docker --)
	fails_for user ""
	lacks "$(of landlock state)" missing
	check_is seccomp ok
	check_is notification ok
}

@test "the fix is in the words of who runs the container" {
	need jq unshare
	AROUND=(env KUBERNETES_SERVICE_HOST=10.0.0.1 "$BIN/refuse" docker --)
	fails_for user "seccompProfile: {type: Unconfined}"
	[ "$(jq -r .place doctor.json)" = kubernetes ]
	poor "mount -t tmpfs none /run; : >/run/.containerenv; set -- $BIN/refuse docker -- \"\$@\""
	fails_for user "--security-opt seccomp=unconfined --security-opt unmask=ALL"
	[ "$(jq -r .place doctor.json)" = podman ]
	poor "mount -t tmpfs none /run; : >/run/.containerenv; export GITHUB_ACTIONS=true
		set -- $BIN/refuse docker -- \"\$@\""
	fails_for user "in the job's container: options: --security-opt seccomp=unconfined"
	[ "$(jq -r .place doctor.json)" = github-actions-container ]
}

@test "in a box there can be none, which both say" {
	need jq
	run box -- "$BIN/aisbx" doctor --json
	status_is 1
	printf '%s\n' "$output" >doctor.json
	check_is run missing "start aisbx outside"
	[ "$(jq -r .place doctor.json)" = aisbx ]
	run box -- "$BIN/aisbx" run -- echo it ran
	status_is 125
	contains "$stderr" "($(of run fix))"
}

@test "masked parts of /proc, as containers have them" {
	need jq unshare
	poor 'mount --bind /dev/null /proc/interrupts; mount -t tmpfs -o ro none /proc/fs'
	fails_for proc "--allow-degraded proc"
	check_is mounts ok
	run timeout 30 "${AROUND[@]}" "$AISBX" run --allow-degraded proc -- echo it ran
	output_is "it ran"
}

@test "a read-only /proc/sys: only runs with network grants fail" {
	need jq unshare
	poor 'mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys'
	doctor
	check_is network missing
	run_says_as network --allow-host example.com -- echo it ran
}

@test "no /proc at all" {
	need jq unshare
	poor 'mount -t tmpfs none /proc'
	fails_for user "mount -t proc proc /proc"
}

@test "no Landlock" {
	need jq
	AROUND=("$BIN/refuse" landlock_create_ruleset=ENOSYS --)
	fails_for landlock "--allow-degraded landlock"
	check_is mounts ok
	run timeout 30 "${AROUND[@]}" "$AISBX" run --allow-degraded landlock -- echo it ran
	output_is "it ran"
}

@test "no seccomp filters" {
	need jq
	AROUND=("$BIN/refuse" seccomp=EINVAL --)
	fails_for seccomp "CONFIG_SECCOMP_FILTER=y"
}

@test "no keyrings, no host name" {
	need jq
	AROUND=("$BIN/refuse" keyctl=EPERM --)
	fails_for keyring "--allow-degraded keyring"
	AROUND=("$BIN/refuse" sethostname=EPERM --)
	fails_for namespaces ""
	contains "$(of namespaces found)" "wall uts"
}

@test "another supervisor of system calls: runs with files.protect fail" {
	need jq
	AROUND=("$BIN/refuse" listener --)
	works_without notification missing "already supervises"
	mkdir project
	run_says_as notification -p agent --rw project -- echo it ran
}

@test "no terminals of the host's; and none for boxes" {
	need jq unshare python3
	poor 'mount -t tmpfs none /dev/pts; mount --bind /dev/null /dev/ptmx'
	works_without terminal limited "devpts"
	AROUND=("$BIN/refuse" peer=EPERM --)
	works_without terminal missing "wall terminal"
	local fix
	fix=$(of terminal fix)
	run python3 -c 'import os, pty, sys
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
said = b""
try:
    while piece := os.read(master, 4096):
        said += piece
except OSError:
    pass
print(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "${AROUND[@]}" "$AISBX" run -- echo it ran
	status_is 125
	contains "$output" "($fix)"
	lacks "$output" "it ran"
}

@test "a file system that cannot be idmapped, for root" {
	need_root
	need jq unshare
	mkdir r
	AROUND=(unshare -m sh -ec 'mount -t ramfs none r; cd r; exec "$@"' sh)
	works_without idmap limited "cannot be idmapped"
	contains "$(of idmap details)" "$T/r: Invalid argument"
	contains "$(of idmap details)" "$HOME: ok"
	run_says_as idmap --rw . -- echo it ran
}

@test "layers: there is one where nothing is mounted below" {
	need jq unshare
	mkdir m
	poor 'mount -t tmpfs none .; cd "$PWD"'
	works_without overlayfs ok "a layer over /var/tmp"
	poor 'mount -t tmpfs none m; mount -t tmpfs none /var/tmp; mkdir /var/tmp/m
		mount -t tmpfs none /var/tmp/m; mount -t tmpfs none /usr/share/doc'
	works_without overlayfs missing "no file system mounted below the grant"
}

@test "no cgroup: the supervisor holds the limits" {
	need jq unshare
	poor 'mount -t tmpfs none /sys/fs/cgroup'
	works_without limits limited "cgroup"
	contains "$(of limits details)" "supervisor: memory and cpu"
	contains "$(of limits found)" "nothing holds part of a processor (--cpus 0.5), or --io-weight"
	run timeout 30 "${AROUND[@]}" "$AISBX" run --cpus 0.5 -- echo it ran
	status_is 125
	contains "$(of limits details)" "${stderr#aisbx: }"
}

@test "a working directory in memory: --disk is not held there" {
	need jq unshare
	poor 'mount -t tmpfs none .; cd "$PWD"'
	works_without disk missing "$PWD"
	run timeout 30 "${AROUND[@]}" "$AISBX" run --rw . --disk 1M -- true
	status_is 125
	contains "$stderr" "$(of disk found)"
	[ "$(stat -f -c %T .)" != tmpfs ] || return 0
	AROUND=()
	doctor
	check_is disk ok "is counted"
}

@test "no name server, no resolv.conf" {
	need jq unshare
	poor 'mount --bind empty /etc/resolv.conf'
	works_without dns limited "nameserver ADDRESS"
}

@test "name servers are not asked" {
	need jq unshare python3 ip
	echo nameserver 127.0.0.1 >resolv.conf
	cat >listen.py <<-'END'
		import socket, subprocess, sys
		server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		server.bind(("127.0.0.1", 53))
		server.setblocking(False)
		sys.stdout.write(subprocess.run(sys.argv[1:], stdout=subprocess.PIPE).stdout.decode())
		try:
		    sys.exit(f"asked: {server.recv(512)}")
		except BlockingIOError:
		    pass
	END
	AROUND=(unshare -Urmn sh -ec 'ip link set lo up; mount --bind resolv.conf /etc/resolv.conf
		exec "$@"' sh python3 listen.py)
	doctor
	status_is 0
	check_is dns ok "not asked"
	check_is network ok
}

@test "in a chroot" {
	need jq unshare
	local script='mkdir -p m; mount -t tmpfs none m; mkdir m/root
		for d in /*; do
			if [ -h "$d" ]; then ln -s "$(readlink "$d")" "m/root$d"
			elif [ -d "$d" ]; then mkdir "m/root$d"; mount --rbind "$d" "m/root$d"; fi
		done
		set -- chroot m/root "$@"'
	poor "$script"
	fails_for user "chroot"
}

@test "profiles: where they are, whether they are valid, what is shadowed" {
	need jq
	mkdir -p "$HOME/.config/aisbx/profiles"
	echo "extends: [base]" >"$HOME/.config/aisbx/profiles/mine.yaml"
	works_without profiles ok "1 file"
	contains "$(of profiles details)" "mine: $HOME/.config/aisbx/profiles/mine.yaml"
	echo "extends: [base]" >"$HOME/.config/aisbx/profiles/python.yaml"
	works_without profiles ok "1 shadowed"
	contains "$(of profiles details)" "python: built in, shadowed"
	echo "no_such_key: 1" >"$HOME/.config/aisbx/profiles/bad.yaml"
	works_without profiles limited "aisbx check $HOME/.config/aisbx/profiles/bad.yaml"
	contains "$(of profiles details)" "no_such_key"
}

@test "a default profile that does not load: a default run does not work" {
	need jq
	mkdir -p "$HOME/.config/aisbx/profiles"
	echo "no_such_key: 1" >"$HOME/.config/aisbx/profiles/default.yaml"
	doctor
	status_is 1
	check_is mounts ok
	check_is run missing "no_such_key"
}

@test "closed descriptors, a removed directory, a terminal, and no output but its own" {
	run bash -c '"$AISBX" doctor <&-'
	status_is 0
	mkdir gone
	run bash -c 'cd gone && rmdir ../gone && exec "$AISBX" doctor'
	status_is 0
	[ -z "$stderr" ]
}

@test "doctor's end is the end of what it tries" {
	"$AISBX" doctor >/dev/null &
	local doctor=$!
	kill -9 $doctor
	wait $doctor || true
	no_processes_left
}
