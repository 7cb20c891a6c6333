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

# What happens in the box: ok or no.
tried() { # read|write PATH OPTION...
	local access=$1 path=$2 script
	shift 2
	if [ "$access" = read ]; then
		script='if [ -d "$1" ]; then ls "$1" >/dev/null; else head -c 0 <"$1"; fi'
	else
		script='if [ -d "$1" ]; then : >"$1/.new" && rm "$1/.new"
			elif [ -e "$1" ]; then : >>"$1"
			else : >"$1" && rm "$1"; fi'
	fi
	aisbx run "$@" -- sh -c "$script" - "$path" </dev/null >/dev/null 2>&1 && echo ok || echo no
}

told() { # the same from why
	local access=$1 path=$2 status=0
	shift 2
	aisbx why --path "$path" $([ "$access" = read ] || echo --write) "$@" >said || status=$?
	case $status in
	0) echo ok ;;
	1) echo no ;;
	*) echo "status $status" ;;
	esac
}

agree() { # OPTION... -- PATH...
	local options=() path access
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	for path; do
		for access in read write; do
			local want got
			want=$(tried $access "$path" "${options[@]}")
			got=$(told $access "$path" "${options[@]}")
			[ "$got" = "$want" ] || {
				echo "$access $path with ${options[*]}: the box says $want, why says $got:" >&2
				cat said >&2
				return 1
			}
			seen+=" $want"
		done
	done
}

@test "files: what why says is what happens" {
	local seen=
	agree -p default -- / /usr /usr/bin/env /bin/sh /lib /etc/passwd /etc/shadow /etc/resolv.conf \
		/etc/hostname /nowhere /nowhere/x /tmp /tmp/x /tmp/x/y /var /run "$HOME" "$HOME/x" \
		"$HOME/kept" "$HOME/kept/x" "$T" "$T/data/x" /usr/bin/../../etc/passwd /usr/bin/env/x
	agree -p default -- /proc /proc/self/status /proc/cpuinfo /proc/keys /proc/cmdline /dev \
		/dev/null /dev/zero /dev/shm /dev/shm/x /dev/mem /dev/kmsg /dev/stdin /sys /sys/kernel
	agree -p ./p.yaml -- data data/x data/secret data/gone /elsewhere /elsewhere/x \
		/elsewhere/secret out out/file out/new out/private out/closed out/closed/new out/no/new \
		/etc/hostname p.yaml
	agree -p ./p.yaml --rw proj -- proj proj/a proj/sub proj/sub/b proj/sub/new proj/.git \
		proj/.git/config proj/.git/index proj/.git/hooks proj/.git/refs/new proj/.envrc proj/.ENVRC \
		proj/Makefile proj/makefile proj/sub/Makefile proj/link proj/host proj/inside proj/dangling \
		proj/loop proj/a/x
	agree --rw . --hide data --hide proj/a -- data data/x data/gone proj/a proj/new
	agree --ro . --hide data --hide proj/a -- data data/x data/gone proj/a proj/sub/b proj/new
	agree --ro . --rw proj/sub --hide out/file -- proj proj/sub proj/sub/b proj/sub/new proj/a out/file
	agree --rw . --ro proj/sub --tmpfs data -- proj/sub proj/sub/b proj/sub/new data data/x data/new
	agree --ro . --hide data --ro data/x -- data data/x data/secret
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
			[ "$(tried $access "$path" $options)" = ok ]
		done
	done
	[ "$(told read "$T/data/x")" = no ]
	{ echo 'extends: [default]'; sed -n 's/.* in a profile with //p' said; } >q.yaml
	[ "$(told read "$T/data/x" -p ./q.yaml)" = ok ]
	contains "$(cat said)" "(./q.yaml:2:"
}

@test "system calls: why knows what the filter does" {
	local name attempt got want
	while read -r name attempt; do
		got=$(aisbx why --syscall "$name" >said && echo ok || echo no)
		want=$(box -- "$BIN/try" $attempt >/dev/null 2>&1 && echo ok || echo no)
		[ "$got" = "$want" ] || { echo "$name: $want, why: $(cat said)" >&2; return 1; }
	done <<-'E'
		keyctl keyctl
		bpf bpf
		mount mount
		userfaultfd userfaultfd
		modify_ldt modify_ldt
		ptrace ptrace_traceme
		process_vm_readv vm_readv
		kcmp kcmp
		seccomp own_filter
	E
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
