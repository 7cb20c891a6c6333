# Helpers of every bats file; loaded with: load ../lib/common
#
# CALLER is root or user: run-bats runs each file once as each. HOME is an empty
# directory of the suite's own. T is a fresh directory per test, the working
# directory of the test, owned by the caller.

setup() {
	T=$BATS_TEST_TMPDIR
	cd "$T" || return 1
	before_mounts=$(grep -c "$BIN" /proc/self/mountinfo) || true
	if declare -F setup_more >/dev/null; then setup_more; fi
}

teardown() {
	if declare -F teardown_more >/dev/null; then teardown_more; fi
	chmod -R u+rwX "$HOME" "$T" 2>/dev/null || true
	find "$HOME" -mindepth 1 -delete
	no_processes_left
	no_mounts_left
}

# aisbx with a bound: a hang is a failure of the test, not of the suite.
aisbx() {
	timeout -k 2 "$((${BOUND:-30} * AISBX_TEST_PATIENCE))" "$AISBX" "$@"
}

# aisbx run; the probes are visible at their own path. -q: what is refused shows by its errno.
box() {
	aisbx run -q --ro "$BIN" "$@"
}

# dir: a new directory, which is entered, with a copy of PROGRAM that only root can read.
unreadable() {
	dir=$(mktemp -d "$BIN/unreadable.XXXXXX")
	cp "$(readlink -f "$(command -v "$1")")" "$dir/$1"
	chmod 711 "$dir/$1"
	chmod 755 "$dir"
	cd "$dir"
}

as_user() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid "$OTHER_UID" --regid "$OTHER_GID" --clear-groups -- "$@"
	else
		"$@"
	fi
}

must_or_skip() {
	if [ -n "$AISBX_TEST_MUST_RUN" ]; then
		echo "must run, but: $1" >&2
		return 1
	fi
	skip "$1"
}

need() {
	local program
	for program; do
		command -v "$program" >/dev/null || must_or_skip "$program is not installed"
	done
}

need_root() { # a test that only root as caller has; never fails on an ordinary user
	[ "$CALLER" = root ] || skip "about root as caller"
}

need_user() {
	[ "$CALLER" = user ] || skip "about an ordinary user as caller"
}

# Does CMD succeed within 5 seconds, of a machine of full speed?
eventually() {
	local end=$((SECONDS + 5 * AISBX_TEST_PATIENCE))
	while ! "$@"; do
		[ $SECONDS -lt $end ] || return 1
		read -rt 0.02 <> <(:) || true
	done
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# Processes of boxes that this run of the suite started: init is a clone of our
# copy of aisbx (root can see that), or it is the caller's own and lives in a pid
# namespace below ours.
box_processes() {
	if [ "$(id -u)" -eq 0 ]; then
		find /proc -mindepth 2 -maxdepth 2 -name exe -lname "$AISBX" 2>/dev/null
	else
		grep -lE '^NSpid:[[:space:]]+[0-9]+[[:space:]]+[0-9]' \
			$(grep -l "^Uid:[[:space:]]*$(id -u)[[:space:]]" /proc/[0-9]*/status \
				2>/dev/null) /dev/null 2>/dev/null
	fi | cut -d/ -f3
}

# The init of the box whose supervisor has this pid: its child in a pid namespace below ours.
init_of() {
	local child
	for child in $(cat "/proc/$1/task/$1/children"); do
		if grep -qE '^NSpid:[[:space:]]+[0-9]+[[:space:]]+[0-9]' "/proc/$child/status"; then
			echo "$child"
		fi
	done
}

no_box_process() {
	[ -z "$(box_processes)" ]
}

no_processes_left() {
	eventually no_box_process || {
		echo "processes are left:" >&2
		local pid
		for pid in $(box_processes); do
			echo "$pid $(tr '\0' ' ' <"/proc/$pid/cmdline")" >&2
			kill -9 "$pid" || true
		done
		return 1
	}
}

no_mounts_left() {
	local after
	after=$(grep -c "$BIN" /proc/self/mountinfo) || true
	[ "$after" = "$before_mounts" ] || {
		echo "mounts are left:" >&2
		grep "$BIN" /proc/self/mountinfo >&2
		return 1
	}
}

# refused ERRNO[/ERRNO] NAME [ARG...]: the attempt in a box, BOX_OPTIONS given.
refused() {
	local want=$1 got status=0
	shift
	got=$(box "${BOX_OPTIONS[@]}" -- "$BIN/try" "$@" 2>&1) || status=$?
	[[ /$want/ == */"$got"/* && $got == E* ]] && [ $status -eq 1 ] || {
		echo "in the box: try $*: got '$got' (status $status), want $want" >&2
		return 1
	}
}

allowed() {
	local got status=0
	got=$(box "${BOX_OPTIONS[@]}" -- "$BIN/try" "$@" 2>&1) || status=$?
	[ "$got" = ok ] || {
		echo "in the box: try $*: got '$got' (status $status), want ok" >&2
		return 1
	}
}

# The positive control: the same attempt outside.
outside() {
	local got status=0
	got=$("$BIN/try" "$@" 2>&1) || status=$?
	[ "$got" = ok ] || {
		echo "outside: try $*: got '$got' (status $status), want ok" >&2
		return 1
	}
}

BOX_OPTIONS=()

# Instead of bats' own: stdout in $output, stderr in $stderr (and its lines in
# stderr_lines), the status in $status; a status of 127 is nothing special.
run() {
	status=0
	"$@" >"$BATS_TEST_TMPDIR/.stdout" 2>"$BATS_TEST_TMPDIR/.stderr" || status=$?
	output=$(tr -d '\0' <"$BATS_TEST_TMPDIR/.stdout")
	stderr=$(tr -d '\0' <"$BATS_TEST_TMPDIR/.stderr")
	mapfile -t stderr_lines <"$BATS_TEST_TMPDIR/.stderr"
	rm -f "$BATS_TEST_TMPDIR/.stdout" "$BATS_TEST_TMPDIR/.stderr"
}

# status N: what `run` recorded; shows the output when it differs.
status_is() {
	[ "$status" -eq "$1" ] || {
		echo "status $status, want $1; output: $output; stderr: ${stderr-}" >&2
		return 1
	}
}

output_is() {
	[ "$output" = "$1" ] || {
		printf 'output: %s\nwant:   %s\nstderr: %s\n' "$output" "$1" "${stderr-}" >&2
		return 1
	}
}

contains() {
	[[ $1 == *"$2"* ]] || {
		printf "'%s'\nlacks '%s'\n" "$1" "$2" >&2
		return 1
	}
}

lacks() {
	[[ $1 != *"$2"* ]] || {
		printf "'%s'\ncontains '%s'\n" "$1" "$2" >&2
		return 1
	}
}

# fails_with STATUS TEXT ARG...: `aisbx ARG...` ends so, with one line on stderr
# that starts "aisbx: " and contains TEXT, and nothing on stdout.
fails_with() {
	local want=$1 text=$2
	shift 2
	run aisbx "$@"
	status_is "$want"
	output_is ""
	[[ $stderr == "aisbx: "* ]] && [ "${#stderr_lines[@]}" -eq 1 ] || {
		echo "want one line that starts 'aisbx: ': $stderr" >&2
		return 1
	}
	contains "$stderr" "$text"
}

# member NAME FILE: one member of a result, as JSON.
member() {
	python3 -c 'import json,sys
value = json.load(open(sys.argv[2]))
for name in sys.argv[1].split("."):
    value = value[name]
print(json.dumps(value))' "$1" "$2"
}

member_is() {
	local got
	got=$(member "$1" "$2")
	[ "$got" = "$3" ] || {
		echo "$1 is $got, want $3" >&2
		return 1
	}
}

# A listing of a tree with types, modes, owners, sizes, times and contents.
tree() {
	find "$1" -printf '%P %y %m %U:%G %s %T@ %C@ %l\n' | sort
	find "$1" -type f -exec sha256sum {} + | sort
}

# conforms_to NAME FILE...: every line of them is valid under man/aisbx-NAME.schema.json.
conforms_to() {
	local schema=$LIB/aisbx-$1.schema.json
	shift
	python3 -c 'import jsonschema' 2>/dev/null ||
		must_or_skip "python3-jsonschema is not installed"
	python3 "$LIB/conforms.py" "$schema" "$@"
}

conforms() {
	conforms_to result "$@"
}
