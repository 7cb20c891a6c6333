# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# compare FILE [--update]: what answers() prints against FILE, as TAP on stdout; with --update it
# is written anew. For scripts here that set work, a directory of their own.

compare() {
	# shellcheck disable=SC2154
	answers >"$work/answers"
	if [ "$2" = --update ]; then
		cp "$work/answers" "$1"
		return
	fi
	echo 1..1
	if diff "$1" "$work/answers" >"$work/diff"; then
		echo "ok 1 - $(basename "$1")"
	else
		echo "not ok 1 - $(basename "$1")"
		sed 's/^/# /' "$work/diff"
	fi
}
