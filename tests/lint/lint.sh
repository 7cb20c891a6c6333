#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The rules of the sources that a machine can check. TAP on stdout.
# AISBX_SOURCE: the source directory.

: "${AISBX_SOURCE:?the source directory}"
cd "$AISBX_SOURCE" || exit 1
sources=$(find src -name '*.[ch]' | sort)
number=0

echo "1..6"

verdict() { # NAME OUTPUT: empty means fine
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		printf '%s\n' "$2" | head -20 | sed 's/^/# /'
	fi
}

skip() { # NAME REASON
	if [ -n "$AISBX_TEST_MUST_RUN" ]; then
		verdict "$1" "must run, but: $2"
	else
		number=$((number + 1))
		echo "ok $number - $1 # SKIP $2"
	fi
}

# Each of these has a bounded or checked replacement.
verdict "no banned calls" "$(grep -nE \
	'(^|[^_[:alnum:]])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|strtol|strtoul|dup|system|popen|alloca)\(' \
	$sources)"
verdict "no file over 600 lines" "$(wc -l $sources | awk '$2 != "total" && $1 > 600')"
verdict "an SPDX line at the head of every file" "$(grep -L -m1 'SPDX-License-Identifier' $sources)"
verdict "no line comments" "$(grep -nE '(^|[[:space:]])//' $sources)"
verdict "no unfinished words" "$(grep -nwE 'TODO|XXX' $sources)"

if command -v clang-format >/dev/null && clang-format --version | grep -q 'version 14\.'; then
	verdict "formatted" "$(clang-format --dry-run $sources 2>&1 | grep warning:)"
else
	skip "formatted" "clang-format 14 is not installed"
fi
