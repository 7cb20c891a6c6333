#!/usr/bin/env bats
# aisbx why says what a run then meets.
load ../lib/common

setup_more() {
	mkdir -p proj/.git/refs proj/sub data out/closed "$HOME/kept"
	echo x | tee proj/a proj/sub/b proj/.git/config proj/.git/index proj/Makefile data/x \
		data/secret out/file "$HOME/kept/x" >/dev/null
	ln -s ../data/x proj/link
	ln -s /etc/hostname proj/host
	ln -s sub/../a proj/inside
	ln -s gone proj/dangling
	ln -s loop proj/loop
	echo x >out/private
	chmod 000 out/private
	chmod 555 out/closed
	cat >p.yaml <<-'E'
		extends: [agent]
		files:
		  read: [./data, "./data:/elsewhere"]
		  write: [./out]
		  hide: [./data/secret, /etc/hostname]
		  protect: [Makefile]
	E
}

# What happens in the box: ok or no, a line for each of ACCESS PATH...
tried() { # ACCESS PATH... [-- OPTION...]
	local questions=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do questions+=("$1"); shift; done
	aisbx run "${@:2}" -- sh -c '
		tries() {
			case $1 in
			read) if [ -d "$2" ]; then ls "$2"; else head -c 0 <"$2"; fi ;;
			write)
				if [ -d "$2" ]; then : >"$2/.new" && rm "$2/.new"
				elif [ -e "$2" ]; then : >>"$2"
				else : >"$2" && rm "$2"; fi ;;
			esac
		} >/dev/null 2>&1
		while [ $# -gt 0 ]; do
			(tries "$1" "$2") && echo ok || echo no
			shift 2
		done' - "${questions[@]}" </dev/null 2>/dev/null
}

told() { # ACCESS PATH OPTION...: the same from why, of one; the file $said has its words
	local access=$1 path=$2 status=0
	shift 2
	[ "$access" = read ] || set -- --write "$@"
	"$AISBX" why --path "$path" "$@" >"${said:-said}" || status=$?
	case $status in
	0) echo ok ;;
	1) echo no ;;
	*) echo "status $status" ;;
	esac
}

agree() { # OPTION... -- PATH...
	local options=() path questions=() wants i
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	for path; do questions+=(read "$path" write "$path"); done
	mapfile -t wants < <(tried "${questions[@]}" -- "${options[@]}")
	[ ${#wants[@]} -eq $((2 * $#)) ]
	for ((i = 0; i < ${#wants[@]}; i++)); do # all at once: each is short, and waits for a turn
		said=said.$i told "${questions[@]:2 * i:2}" "${options[@]}" >got.$i 3>&- &
	done
	wait
	for ((i = 0; i < ${#wants[@]}; i++)); do
		[ "$(<got.$i)" = "${wants[i]}" ] || {
			echo "${questions[@]:2 * i:2} with ${options[*]}: the box says ${wants[i]}," \
				"why says $(<got.$i):" >&2
			cat said.$i >&2
			return 1
		}
		seen+=" ${wants[i]}"
	done
}

@test "files: what why says is what happens" {
	local seen=
	agree -p default -- / /usr /usr/bin/env /bin/sh /lib /etc/passwd /etc/shadow /etc/resolv.conf \
		/etc/hostname /nowhere /nowhere/x /tmp /tmp/x /tmp/x/y /var /run "$HOME" "$HOME/x" \
		"$HOME/kept" "$HOME/kept/x" "$T" "$T/data/x" /usr/bin/../../etc/passwd /usr/bin/env/x
	agree -p default -- /proc /proc/self/status /proc/cpuinfo /proc/keys /proc/cmdline /dev \
		/proc/1 /proc/1/status /dev/null /dev/zero /dev/shm /dev/shm/x /dev/mem /dev/kmsg /dev/stdin /sys /sys/kernel
	agree -p ./p.yaml -- data data/x data/secret data/gone /elsewhere /elsewhere/x \
		/elsewhere/secret out out/file out/new out/private out/closed out/closed/new out/no/new \
		data/x/ out/file/ data/x/../x data/gone/../x data/secret/../x out/closed/../file \
		/etc/hostname p.yaml
	agree -p ./p.yaml --rw proj -- proj proj/a proj/sub proj/sub/b proj/sub/new proj/.git \
		proj/.git/config proj/.git/index proj/.git/hooks proj/.git/refs/new proj/.envrc proj/.ENVRC \
		proj/Makefile proj/makefile proj/sub/Makefile proj/link proj/host proj/inside proj/dangling \
		proj/loop proj/a/x
	agree --rw . --hide data --hide proj/a -- data data/x data/gone proj/a proj/new \
		data/../proj/new proj/a/../new proj/sub/../new
	agree --ro . --hide data --hide proj/a -- data data/x data/gone proj/a proj/sub/b proj/new
	agree --ro . --rw proj/sub --hide out/file -- proj proj/sub proj/sub/b proj/sub/new proj/a out/file
	agree --rw . --ro proj/sub --tmpfs data -- proj/sub proj/sub/b proj/sub/new data data/x data/new
	agree --ro . --hide data --ro data/x -- data data/x data/secret
	agree --ro proj/sub -- proj proj/new proj/a . new .. gone/new # in the box's /tmp
	[ "$(tr ' ' '\n' <<<"$seen" | grep -c ok)" -gt 50 ]
	[ "$(tr ' ' '\n' <<<"$seen" | grep -c no)" -gt 80 ]
}

@test "files: what it says to write allows it" {
	local path access options
	for path in "$T/data/x" "$T/out/new" "$T/proj/link" "$HOME/kept/x"; do
		for access in read write; do
			[ -e "$path" ] || [ $access = write ] || continue
			[ "$(told $access "$path")" = no ]
			options=$(sed -n 's/^allow with \(--r[ow] [^ ]*\),.*/\1/p' said)
			[ "$(told $access "$path" $options)" = ok ]
			[ "$(tried $access "$path" -- $options)" = ok ]
		done
	done
	[ "$(told read "$T/data/x")" = no ]
	{ echo 'extends: [default]'; sed -n 's/.* in a profile with //p' said; } >q.yaml
	[ "$(told read "$T/data/x" -p ./q.yaml)" = ok ]
	contains "$(cat said)" "(./q.yaml:2:"
}

@test "system calls: why knows what the filter does, of each there is" {
	[ "$(uname -m)" = x86_64 ] || must_or_skip "numbers of x86-64 only"
	[ -e /usr/include/x86_64-linux-gnu/asm/unistd_64.h ] || must_or_skip "no list of numbers"
	cat >all.py <<-'E'
		# Each with arguments of 0, in a process of its own: NAME ERRNO a line.
		import ctypes, os, re, select, signal
		libc = ctypes.CDLL(None, use_errno=True)
		waits = [] # those that wait for what never comes do so together
		def answer(name, reader):
		    print(name, os.read(reader, 9).decode() or "none", flush=True)
		    os.close(reader)
		for line in open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"):
		    found = re.match(r"#define __NR_(\w+) (\d+)", line)
		    # What makes another process, or ends or stops this one, says nothing so.
		    if not found or found[1] in ("fork", "vfork", "clone", "rt_sigreturn", "pause", "exit",
		                                 "exit_group"):
		        continue
		    reader, writer = os.pipe()
		    if os.fork() == 0:
		        signal.alarm(3)
		        r = libc.syscall(int(found[2]), 0, 0, 0, 0, 0, 0)
		        os.write(writer, str(ctypes.get_errno() if r == -1 else 0).encode())
		        os._exit(0)
		    os.close(writer)
		    if select.select([reader], [], [], 0.1)[0]: answer(found[1], reader)
		    else: waits.append((found[1], reader))
		for wait in waits: answer(*wait)
	E
	local options name error seen started=0
	for options in "" "--allow-syscall @debug --deny-syscall @aio --cpus 2 --allow-degraded limits.cpus"; do
		seen=0
		BOUND=60 run aisbx run --ro "$T" $options -- python3 all.py
		status_is 0
		while read -r name error; do
			{
				"$AISBX" why --syscall "$name" $options >said.$name && echo 0 || echo $?
			} >status.$name 3>&- &
			[ $((started += 1)) -lt 50 ] || { wait; started=0; }
		done <<<"$output"
		wait
		while read -r name error; do
			case $(<status.$name).$error in
			1.1 | 1.38 | 1.95) seen=$((seen + 1)) ;; # EPERM ENOSYS EOPNOTSUPP
			0.1 | 0.38) # else it is the kernel that refuses
				[[ $(<said.$name) == *"some arguments"* ]] ||
					[[ $name == setgroups || $name == [gs]et_thread_area || $name == memfd_secret ]] ;;
			0.*) seen=$((seen + 1)) ;;
			*) false ;;
			esac || { echo "$name: errno $error, and why says: $(<said.$name)" >&2; return 1; }
		done <<<"$output"
		[ $seen -gt 300 ]
	done
}

@test "questions that are none" {
	fails_with 125 "one question" why
	fails_with 125 "one question" why --path / --host a.example
	fails_with 125 "about a path" why --host a.example --write
	fails_with 125 "not a known system call; did you mean 'ptrace'" why --syscall ptrase
	fails_with 125 "one call" why --syscall @debug
	fails_with 125 "more than one" why --host '*.example.com'
	fails_with 125 "more than one" why --host 10.0.0.0/8:80
	fails_with 125 "more than one" why --host a.example:80-81
	fails_with 125 "--host" why --host 'a b'
	fails_with 125 "did you mean '--path'" why --paht x
	fails_with 125 "unknown option" run --path x -- true
	fails_with 125 nowhere why -p nowhere --path /
}

@test "as JSON" {
	run aisbx why --json --path "$T/data/x"
	status_is 1
	[ "$(jq -c . <<<"$output")" = "$output" ]
	[ "$(jq -c '[.version, .allowed, .access, .what, .grant, .profile]' <<<"$output")" = \
		"[1,false,\"read\",\"$T/data/x\",\"--ro $T/data/x\",\"files: {read: [$T/data/x]}\"]" ]
	[[ $(jq -r .by <<<"$output") == "<built-in>/base.yaml:"* ]]
	run aisbx why --json --path $'a\n\xff "b"' --ro .
	jq -e '.what | test("\n\ufffd \"b\"$")' <<<"$output"
	run aisbx why --json --syscall ptrace --allow-syscall @debug
	status_is 0
	[ "$(jq -c '[.allowed, .by, .grant, .profile]' <<<"$output")" = \
		'[true,"command line",null,null]' ]
}
