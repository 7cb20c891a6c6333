#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The AppArmor profile: as it would be installed, and that the parser takes it. TAP.
# AISBX_SOURCE: the source directory. AISBX_TEST_MUST_RUN=1 makes a skipped test fail.

set -u
: "${AISBX_SOURCE:?the source directory}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
PATH=$PATH:/usr/sbin:/sbin

echo 1..2
name='-Dapparmor=true installs it, with the path of the program'
build=$work/build
if meson setup "$build" "$AISBX_SOURCE" -Dapparmor=true --prefix /opt/there --sysconfdir /etc \
	>"$work/log" 2>&1 &&
	meson introspect --installed "$build" | grep -q '/etc/apparmor.d/aisbx"' &&
	grep -q '^profile aisbx /opt/there/bin/aisbx flags=(unconfined) {' "$build/src/apparmor/aisbx"
then
	echo "ok 1 - $name"
else
	echo "not ok 1 - $name"
	tail -5 "$work/log" | sed 's/^/# /'
fi

name='apparmor_parser takes it'
if ! command -v apparmor_parser >/dev/null; then
	if [ -n "${AISBX_TEST_MUST_RUN:-}" ]; then
		echo "not ok 2 - $name: must run, but apparmor_parser is not installed"
	else
		echo "ok 2 - $name # SKIP apparmor_parser is not installed"
	fi
	exit 0
fi
# Before 4.0 there was no userns rule, and nothing that it would be needed for.
case $(apparmor_parser --version | head -n 1) in
*' version '[123].*) sed '/^abi /d; /^  userns,$/d' "$build/src/apparmor/aisbx" >"$work/profile" ;;
*) cp "$build/src/apparmor/aisbx" "$work/profile" ;;
esac
if apparmor_parser -QTK "$work/profile" >"$work/log" 2>&1; then
	echo "ok 2 - $name"
else
	echo "not ok 2 - $name"
	sed 's/^/# /' "$work/log"
fi
