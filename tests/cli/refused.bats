# Refusals: what the result and stderr say that a box asked for and did not get.
load ../lib/common

# refused JQ: of result.json's list, as compact JSON.
refused_is() {
	local got
	got=$(jq -c "[.refused[] | $1]" result.json)
	[ "$got" = "$2" ] || {
		echo "refused: $(jq -c .refused result.json); $1: got $got, want $2" >&2
		return 1
	}
}

with_result() {
	aisbx run -p python --result result.json "$@"
}

asks='
import ctypes, socket
libc = ctypes.CDLL(None)
for i in range(3):
    try: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
    except PermissionError: pass
try: socket.socket(40, socket.SOCK_STREAM)
except PermissionError: pass
assert libc.unshare(0x10000000) == -1
assert libc.ptrace(16, 1, 0, 0) == -1
assert libc.process_vm_readv(1, 0, 0, 0, 0, 0) == -1
'

@test "a refused call: its name, the arguments that matter, who asked, how often, what would allow it" {
	with_result -c "$asks"
	python=$(readlink -f "$(command -v python3)")
	refused_is '[.kind, .what, .count] | join(" ")' \
		'["syscall socket 3","syscall socket 1","syscall unshare 1","syscall ptrace 1","syscall process_vm_readv 1"]'
	refused_is .arguments \
		'["AF_ALG, SOCK_SEQPACKET, 0","AF_VSOCK, SOCK_STREAM, 0","CLONE_NEWUSER","PTRACE_ATTACH",null]'
	refused_is .grant '[null,null,null,"--allow-syscall ptrace","--allow-syscall process_vm_readv"]'
	[ "$(jq -r '.refused[].program' result.json | sort -u)" = "$python" ]
	[ "$(jq -r '.refused[2].reason' result.json)" = "namespaces are the box's walls" ]
	[ "$(jq .walls.seccomp_recorded result.json)" = true ]
}

@test "the grant that is named is the one that helps" {
	with_result -c 'import ctypes; ctypes.CDLL(None).process_vm_readv(1, 0, 0, 0, 0, 0)'
	with_result $(jq -r '.refused[].grant' result.json) -c \
		'import ctypes; ctypes.CDLL(None).process_vm_readv(1, 0, 0, 0, 0, 0)'
	refused_is . '[]'
}

@test "stderr: one line each, with what would allow it; nothing in the payload's stdout" {
	run aisbx run -p python -c "$asks"
	status_is 0
	[ -z "$output" ]
	[ ${#stderr_lines[@]} -eq 5 ]
	[[ ${stderr_lines[0]} == "aisbx: refused: syscall socket(AF_ALG, SOCK_SEQPACKET, 0) by /"*" (no option allows it: "* ]]
	[[ ${stderr_lines[3]} == *" ptrace(PTRACE_ATTACH) by /"*" (allow with --allow-syscall ptrace)" ]]
	run aisbx run -q -p python -c "$asks"
	status_is 0
	[ -z "$output$stderr" ]
	run aisbx run -p python --result r.json -c "$asks"
	status_is 0
	[ -z "$output$stderr" ]
	run aisbx run -v -p python --result r.json -c "$asks"
	[ "$(grep -c '^aisbx: refused: ' <<<"$stderr")" = 5 ]
}

@test "stderr: a host, in the words of the option" {
	run aisbx run -p python --allow-host api.example.com -c '
import socket
s = socket.socket()
s.connect_ex(("1.1.1.1", 443))'
	status_is 0
	[ "$stderr" = "aisbx: refused: host 1.1.1.1:443 (allow with --allow-host 1.1.1.1)" ]
}

@test "stderr: a program whose name is a terminal's command prints as text" {
	name=$'evil\e]0;owned\a'
	cp "$(readlink -f "$(command -v python3)")" "$name"
	run aisbx run --ro . -- "./$name" -c 'import ctypes; ctypes.CDLL(None).ptrace(16, 1, 0, 0)'
	status_is 0
	[[ $stderr == *'evil\x1b]0;owned\x07'* ]]
	[[ $stderr != *$'\e'* ]]
}

@test "stderr: what others chose to call a thing is one line, and what to write is one word" {
	mkdir host
	printf '#!/bin/sh\n' >'host/it'"'"'s $(touch owned)'
	chmod +x host/*
	run aisbx run --ro host --exec sh --result result.json -v -- sh -c 'host/it*; true'
	grant="--exec '$T/host/it'\\''s \$(touch owned)'"
	contains "$stderr" "(allow with $grant)"
	refused_is .grant "$(jq -nc --arg grant "$grant" '[$grant]')"
	eval "run aisbx run --ro host $grant --exec sh -- sh -c 'host/it*'"
	status_is 0
	run aisbx run --explain-missing --result result.json -- cat "$T/host/it's \$(touch owned)"
	[ "$(jq -r '.missing[].grant' result.json)" = "${grant/exec/ro}" ]
	eval "run aisbx run $(jq -r '.missing[].grant' result.json) -- cat \"\$T\"/host/*"
	status_is 0
	[ ! -e owned ]
	run aisbx run -v -C / -- $'x\n\e[31m\u0101\u202e\xff'
	status_is 127
	[ ${#stderr_lines[@]} -eq 2 ]
	[[ ${stderr_lines[0]} == "aisbx: run "*': x\x0a\x1b[31mā\u{202e}\xff in /' ]]
	[[ ${stderr_lines[1]} == "aisbx: cannot execute 'x\\x0a\\x1b[31mā\\u{202e}\\xff':"* ]]
}

@test "syscalls.deny: what the profile itself denies is told, sendmsg or not" {
	with_result --deny-syscall mkdirat --deny-syscall mkdir -c '
import os
try: os.mkdir("/tmp/x")
except PermissionError: pass'
	refused_is '.kind, .grant, .reason' '["syscall",null,"syscalls.deny of the profile has it"]'
	with_result --deny-syscall @network -c '
import socket
try: socket.socket()
except PermissionError: print("refused")' >out
	[ "$(cat out)" = refused ]
	# The exec list holds all the same; files.protect needs init, and says so.
	run aisbx run --deny-syscall sendmsg --exec sh --result result.json -- sh -c 'id; echo ran'
	status_is 0
	[ "$output" = ran ]
	[ "$(jq .walls.seccomp_recorded result.json)" = false ]
	mkdir work
	run aisbx run --deny-syscall sendmsg --rw work --protect .git -- true
	status_is 125
	[[ $stderr == *"take them out of syscalls.deny"* ]]
}

@test "another sandbox around it has the listener: refused all the same, and the result says it" {
	cat >outer.py <<-'E'
		import ctypes, os, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		allow = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000))
		program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 1, ctypes.addressof(allow)))
		assert libc.prctl(38, 1, 0, 0, 0) == 0
		seccomp = 317 if os.uname().machine == "x86_64" else 277
		fd = libc.syscall(seccomp, 1, 8, program)
		assert fd >= 0, ctypes.get_errno()
		os.set_inheritable(fd, True)
		os.execv(sys.argv[1], sys.argv[1:])
	E
	mkdir work
	run timeout 20 python3 outer.py "$AISBX" run --result result.json -- unshare -U true
	status_is 1
	[ "$(jq -c '[.walls.seccomp_recorded, .refused]' result.json)" = '[false,[]]' ]
	run timeout 20 python3 outer.py "$AISBX" run --exec sh --result result.json -- sh -c 'id; true'
	status_is 0
	[ "$(jq -c '[.walls.seccomp_recorded, .refused]' result.json)" = '[false,[]]' ]
	run timeout 20 python3 outer.py "$AISBX" run --rw work --protect .git -- true
	status_is 125
}

@test "a flood is counted, slowed, and delays no clock" {
	before=$(date +%s%N)
	status=0
	with_result -t 2s -c '
import ctypes, os
libc = ctypes.CDLL(None)
for i in range(3): os.fork()
while True: libc.syscall(101, 16, 1, 0, 0); libc.ptrace(0, 0, 0, 0)' || status=$?
	[ $status -eq 124 ]
	[ $((($(date +%s%N) - before) / 1000000)) -lt $((2000 + 1500 * AISBX_TEST_PATIENCE)) ]
	[ "$(jq '.refused | length' result.json)" -le 4 ]
	[ "$(jq '[.refused[].count] | add' result.json)" -ge 1000 ]
	# 10000 and then one a millisecond, not the 100000 and more of a second.
	[ "$(jq '[.refused[].count] | add' result.json)" -le 20000 ]
}

@test "a flood of different ones is bounded, and its end is told" {
	with_result -c '
import ctypes
libc = ctypes.CDLL(None)
for i in range(5000): libc.syscall(135 if __import__("os").uname().machine == "x86_64" else 92, 0x10000000 + i)'
	[ "$(jq '.refused | length' result.json)" -le 129 ]
	[ "$(jq '[.refused[].count] | add' result.json)" = 5000 ]
	[ "$(jq -r '.refused[-1].what' result.json)" = "(others)" ]
}

@test "the audit log has each when it happens, and what came after it" {
	aisbx run -q -p python --audit a.jsonl -c "$asks"
	[ "$(jq -r 'select(.event == "syscall") | .verdict' a.jsonl | sort -u)" = denied ]
	[ "$(jq -r 'select(.event == "syscall" and .arguments == "AF_ALG, SOCK_SEQPACKET, 0") | .count' a.jsonl |
		jq -s add)" = 3 ]
	[ "$(jq -c 'select(.event == "syscall" and .syscall == "ptrace") | [.count, .grant]' a.jsonl)" = \
		'[1,"--allow-syscall ptrace"]' ]
}

@test "a protected file: told with its path" {
	mkdir -p work/.git/hooks
	with_result --rw work --protect .git -c '
import os
for path in "work/.git/hooks/pre-commit", "work/.git/config":
    try: open(path, "w")
    except PermissionError: pass
open("work/fine", "w").close()
os.access("work/.git/hooks", os.W_OK)'
	refused_is '.kind, .what' "[\"file\",\"$T/work/.git/hooks/pre-commit\",\"file\",\"$T/work/.git/config\"]"
}

@test "what runtimes try and do without is not told" {
	with_result -c '
import ctypes, socket
libc = ctypes.CDLL(None)
for number in 425, 435, 437, 457, 600: assert libc.syscall(number, 0, 0, 0, 0) == -1
try: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
except OSError: pass'
	refused_is . '[]'
}

@test "exec: a program that is not in the list, by its path, whoever asks for it by which name" {
	ln -s /usr/bin/id link
	run aisbx run --ro . --exec sh --exec env --result result.json -- sh -c '
		/usr/bin/id; ./link; env id; cd /usr/bin; ./id; true' 2>/dev/null
	status_is 0
	refused_is '.kind, .what, .grant' \
		'["exec","/usr/bin/id","--exec /usr/bin/id","exec","/usr/bin/id","--exec /usr/bin/id"]'
	refused_is '.count >= 1, (.program | test("/(dash|bash|env|coreutils)$"))' '[true,true,true,true]'
	run aisbx run --ro . --exec sh $(jq -r '.refused[0].grant' result.json) --result result.json -- \
		sh -c '/usr/bin/id >/dev/null'
	status_is 0
	refused_is . '[]'
}

@test "exec: the interpreter of a script; what is not there, or no program, is none" {
	printf '#!/usr/bin/env python3\nprint(1)\n' >script
	chmod +x script
	run aisbx run --ro . --exec sh --exec ./script --result result.json -- sh -c \
		'./script; /nowhere; /etc/passwd; no-such-program; /usr/bin; true'
	status_is 0
	refused_is '.kind, .what' "[\"exec\",\"$(readlink -f /usr/bin/env)\"]"
}

@test "exec: a program that runs itself again by /proc/self/exe" {
	run aisbx run --exec python3 --result result.json -- python3 -c '
import os, sys
if len(sys.argv) == 1: os.execv("/proc/self/exe", ["python3", "-c", "pass", "x"])'
	status_is 0
	refused_is . '[]'
}

@test "missing: what was looked for and is on the host, with the option that brings it" {
	mkdir "$T/host"
	echo data >"$T/host/file"
	ln -s file "$T/host/link"
	echo mine >"$HOME/.settings"
	look='cat "$1/host/file" "$1/host/../host/file" "$1/host/link" ~/.settings /nowhere/at/all
		cd "$1"; cat host/file; true'
	run aisbx run --rw "$T/new" --explain-missing --result result.json -- true
	status_is 125
	mkdir "$T/new"
	run aisbx run --ro "$T/new" --explain-missing --result result.json -- sh -c "$look" sh "$T"
	status_is 0
	[ "$(jq -c '[.missing[].path]' result.json)" = \
		"[\"$T/host/file\",\"$T/host/link\",\"$(aisbx run -- sh -c 'echo ~')/.settings\"]" ]
	[ "$(jq -r '.missing[0].grant' result.json)" = "--ro $T/host/file" ]
	run aisbx run $(jq -r '.missing[].grant' result.json) --explain-missing --result result.json -- \
		cat "$T/host/file" "$T/host/link" "$(jq -r '.missing[2].path' result.json)"
	status_is 0
	[ "$output" = $'data\ndata\nmine' ]
	[ "$(jq -c .missing result.json)" = '[]' ]
}

@test "missing: on stderr, from a profile, and not without being asked" {
	echo data >file
	mkdir new
	run aisbx run --ro new -- cat "$T/file"
	[ "$stderr" = "cat: $T/file: No such file or directory" ]
	printf 'extends: [base]\naudit: {explain_missing: true}\n' >p.yaml
	run aisbx run -p ./p.yaml --ro new -- cat "$T/file"
	[ "${stderr_lines[1]}" = "aisbx: missing: $T/file (allow with --ro $T/file)" ]
	run aisbx run -q -p ./p.yaml --ro new -- cat "$T/file"
	[ ${#stderr_lines[@]} -eq 1 ]
	run aisbx run --result result.json -- true
	[ "$(jq 'has("missing")' result.json)" = false ]
}

@test "missing: not what the run makes itself, nor what is hidden; what a link leads to is" {
	mkdir work kept kept/deep elsewhere
	touch kept/secret kept/deep/x elsewhere/x
	ln -s ../elsewhere work/link
	run aisbx run --rw work --ro kept --hide kept/secret --hide kept/deep --explain-missing \
		--result result.json -- sh -c 'ls work/new; echo >work/new; mkdir work/dir; echo >work/dir/x
		cat kept/secret kept/deep/x work/link/x; true'
	status_is 0
	[ -e work/dir/x ]
	[ "$(jq -c '[.missing[].path]' result.json)" = "[\"$T/kept/deep/x\",\"$T/work/link/x\"]" ]
}

@test "missing: the walls are as they are without it" {
	run aisbx run --explain-missing -q -- python3 -c '
import os
try: os.open("/tmp/x", os.O_CREAT | os.O_WRONLY, 0o4755)
except PermissionError: print("refused")'
	[ "$output" = refused ]
	run aisbx run --explain-missing --ro "$T" -- sh -c 'echo x >"$1/new"' sh "$T"
	[ ! -e new ]
	BOX_OPTIONS=(--explain-missing --rw "$T" --protect .git)
	mkdir .git
	echo >.git/config
	refused EPERM open_write "$T/.git/config"
}

@test "missing: a flood of looks is bounded" {
	run aisbx run --explain-missing --result result.json -- python3 -c '
import os
for i in range(20000): os.access(f"/nowhere/{i}", os.F_OK)'
	status_is 0
	[ "$(jq -c .missing result.json)" = '[]' ]
}

@test "real programs name what they were refused" {
	need git curl node gcc
	with_result --allow-host granted.example -- curl -s http://other.example/ || true
	refused_is '.kind, .what, .grant' '["dns","other.example","--allow-host other.example"]'
	with_result --allow-host granted.example -- curl -s http://1.1.1.1:81/ || true
	refused_is '.kind, .what, .grant' '["host","1.1.1.1:81","--allow-host 1.1.1.1:81"]'
	with_result --allow-host granted.example -- git ls-remote https://code.example/x.git || true
	refused_is '.kind, .what, .grant' '["dns","code.example","--allow-host code.example"]'
	with_result --allow-host granted.example -- node -e 'fetch("http://api.example/").catch(() => {})'
	refused_is '.kind, .what, .grant' '["dns","api.example","--allow-host api.example"]'
	cc1=$(readlink -f "$(gcc -print-prog-name=cc1)")
	with_result --exec gcc -- gcc -x c /dev/null -o /tmp/x || true
	refused_is '.kind, .what, .grant' "[\"exec\",\"$cc1\",\"--exec $cc1\"]"
	with_result -- unshare -U true || true
	refused_is '.kind, .what, .arguments' '["syscall","unshare","CLONE_NEWUSER"]'
	mkdir work
	with_result --rw work --protect .git -- git init -q work || true
	[ "$(jq -r '.refused[0].kind' result.json)" = file ]
}
