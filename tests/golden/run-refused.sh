#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# refused.txt holds runs, "$ WORD...", each with what aisbx run --ro in writes to stderr, what
# it writes with --result, the first lists of that, and its exit status. TAP on stdout. AISBX: full path of the
# binary; AISBX_BUILD: where the probes are. With --update it is written anew.

: "${AISBX:?full path of aisbx}" "${AISBX_BUILD:?directory of the built tests}"
here=$(cd "$(dirname "$0")" && pwd) || exit 1
work=$(mktemp -d /tmp/aisbx-golden.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/home" "$work/tree/in" "$work/tree/proj/.git" "$work/host" || exit 1
cd "$work/tree" || exit 1
cp "$AISBX_BUILD/probe/try" in/ && cp in/try "$(printf 'in/\033[31m\nname')" &&
	cp in/try "in/a b" || exit 1
echo '{"extends": ["base"], "bindings": [{"name": "query", "command": ["cat"], "max_input": 4}]}' >p.yaml
echo x | tee "$work/host/data" >"$work/host/a b"
printf '#!%s/tree/in/try\n' "$work" >in/script && chmod +x in/script || exit 1
export W="$work"

# What differs from run to run and host to host: where the tree is, the run, where sh leads.
normal() {
	sed -e "s|$work|@WORK@|g" -e 's/^aisbx: run [0-9A-Z]*:/aisbx: run @RUN@:/' \
		-e "s|$(readlink -f /bin/sh)|@SH@|g"
}

# What a result lists as refused and missing, an object a line.
listed() {
	sed -e 's/.*,"refused":\[//' -e 's/\],"connections":.*//' -e 's/\],"missing":\[/\n/' \
		-e 's/},{/},\n{/g' result.json | grep .
}

answers() {
	grep '^\$ ' "$here/refused.txt" | while IFS= read -r line; do
		printf "%s\n" "$line"
		eval "set -- ${line#\$ }"
		env -i HOME="$work/home" PATH=/usr/bin:/bin LANG=C.UTF-8 "$AISBX" run --ro in \
			"$@" 2>stderr >/dev/null </dev/null
		status=$?
		env -i HOME="$work/home" PATH=/usr/bin:/bin LANG=C.UTF-8 "$AISBX" run --ro in \
			--result result.json "$@" >both 2>&1 </dev/null
		cat stderr both
		listed | head -n 3
		echo "exit $status"
	done | normal
}

. "$here/compare.sh"
compare "$here/refused.txt" "$1"
