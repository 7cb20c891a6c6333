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
	[ "$(jq '[.refused[].count] | add' result.json)" -ge 10000 ]
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
