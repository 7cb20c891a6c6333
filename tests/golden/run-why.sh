#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# why.txt holds questions, "$ WORD...", each with what aisbx why answers and its exit
# status. TAP on stdout. AISBX: full path of the binary. With --update it is written anew.

: "${AISBX:?full path of aisbx}"
here=$(cd "$(dirname "$0")" && pwd) || exit 1
work=$(mktemp -d /tmp/aisbx-golden.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/home" "$work/tree/data" "$work/tree/proj/.git" && cd "$work/tree" || exit 1
echo x >data/x
echo x >data/secret
echo x >proj/a
ln -s ../data/x proj/link
cp "$here/why.yaml" p.yaml || exit 1

answers() {
	grep '^\$ ' "$here/why.txt" | while IFS= read -r line; do
		printf "%s\n" "$line"
		eval "set -- ${line#\$ }"
		env -i HOME="$work/home" PATH=/usr/bin:/bin LANG=C.UTF-8 "$AISBX" why "$@" 2>&1 </dev/null
		echo "exit $?"
	done | sed "s|$work|@WORK@|g"
}

. "$here/compare.sh"
compare "$here/why.txt" "$1"
