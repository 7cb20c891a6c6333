#!/usr/bin/env bats
# What ordinary programs do is not in the list of refusals: a list that is never empty says nothing.
load ../lib/common

# In a box of its own each, in its private /tmp: two at a time.
try() { # NUMBER COMMAND
	aisbx run -q -p shell -C /tmp --processes 256 --max-output none --result "$1.json" -- \
		bash -c "$2" </dev/null >"$1.out" 2>&1 || true
	jq -r --arg command "$2" 'if .exit_code == 127 then "missing"
		elif (.refused | length) == 0 then "quiet"
		else "refused \($command): \(.refused)" end' "$1.json" >"$1.verdict" ||
		echo "refused $2: no result" >"$1.verdict"
}

@test "200 ordinary commands: refused is empty" {
	local n=0
	while read -r command; do
		[ -n "$command" ] && [ "${command:0:1}" != '#' ] || continue
		n=$((n + 1))
		try $n "$command" &
		[ $((n % 2)) -ne 0 ] || wait
	done <"$BATS_TEST_DIRNAME/quiet.list"
	wait
	[ "$(grep -h ^refused ./*.verdict | tee /dev/stderr)" = "" ]
	local quiet
	quiet=$(cat ./*.verdict | grep -c quiet)
	echo "# $quiet of $n commands are installed here and quiet" >&3
	[ "$quiet" -ge 200 ] || must_or_skip "fewer than 200 of the commands are installed: $quiet"
}
