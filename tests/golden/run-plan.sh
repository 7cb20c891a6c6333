#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# plan/NAME.case holds the options of one `show --json`, one word a line, and the
# tree they speak of; plan/NAME.json what it must print. TAP on stdout.
# AISBX: full path of the binary. With --update the .json files are written anew.
#
# Lines of a case: "dir PATH", "file PATH", "link TARGET PATH" make the tree
# first; every other line is one word of the command line.

: "${AISBX:?full path of aisbx}"
here=$(cd "$(dirname "$0")/plan" && pwd) || exit 1
work=$(mktemp -d /tmp/aisbx-golden.XXXXXX) || exit 1
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT

# What differs from host to host: where the tree is, who runs, which architecture, and whether
# there are links for those that it also has libraries of.
normal() {
	awk '
		skipped { skipped = !/^ *}/; next }
		held && /"path": "\/lib(32|x32)"/ { held = ""; skipped = 1; next }
		held { print held; held = "" }
		/^ *{$/ { held = $0; next }
		{ print }' |
	sed -e "s|$work|@WORK@|g" \
		-e 's/"\(uid\|gid\)": [0-9]*/"\1": "@ID@"/' \
		-e 's/"\(seccomp_sha256\|profile_sha256\)": "[0-9a-f]*"/"\1": "@SHA@"/' \
		-e '/"idmapped": true,\{0,1\}/d'
}

show() { # CASE
	rm -rf "$work/tree"
	mkdir -p "$work/tree" "$work/home"
	cd "$work/tree" || exit 1
	set -- "$1" "$AISBX" show --json
	while IFS= read -r line; do
		case $line in
		'dir '*) mkdir -p "${line#dir }" ;;
		'file '*) mkdir -p "$(dirname "${line#file }")" && echo "$line" >"${line#file }" ;;
		'link '*) rest=${line#link } && ln -s "${rest%% *}" "${rest#* }" ;;
		'#'*) ;;
		*) set -- "$@" "$line" ;;
		esac
	done <"$1"
	shift
	env -i HOME="$work/home" PATH=/usr/bin:/bin LANG=C.UTF-8 SECRET=1 "$@" 2>&1 | normal
}

if [ "$1" = --update ]; then
	for case in "$here"/*.case; do
		show "$case" >"${case%.case}.json"
	done
	exit 0
fi

set -- "$here"/*.case
echo "1..$#"
number=0
for case; do
	number=$((number + 1))
	if show "$case" | diff "${case%.case}.json" - >"$work/diff"; then
		echo "ok $number - $(basename "$case")"
	else
		echo "not ok $number - $(basename "$case")"
		sed 's/^/# /' "$work/diff"
	fi
done
