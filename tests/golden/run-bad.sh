#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every bad/*.yaml must be refused with exactly the lines of its .err.
# AISBX: full path of the binary. TAP on stdout.
# With --update the .err files are written anew: read the diff before you commit it.

: "${AISBX:?full path of aisbx}"
cd "$(dirname "$0")/bad" || exit 1

# no profile of whoever runs the tests may be found
XDG_CONFIG_HOME=/nonexistent
HOME=/nonexistent
export XDG_CONFIG_HOME HOME

if [ "$1" = --update ]; then
	for profile in *.yaml; do
		"$AISBX" check "$profile" 2>"${profile%.yaml}.err"
	done
	exit 0
fi

set -- *.yaml
echo "1..$#"
number=0
for profile; do
	number=$((number + 1))
	want=${profile%.yaml}.err
	# whatever comes on stdout, and any other exit status, makes a difference
	got=$("$AISBX" check "$profile" 2>&1 >/dev/null)
	status=$?
	[ -z "$("$AISBX" check "$profile" 2>/dev/null)" ] || got="$got
text on stdout"
	if [ "$status" = 1 ] && [ -s "$want" ] && [ "$got" = "$(cat "$want")" ]; then
		echo "ok $number - $profile"
	else
		echo "not ok $number - $profile"
		echo "# exit status $status"
		printf '%s\n' "$got" | diff "$want" - | sed 's/^/# /'
	fi
done
