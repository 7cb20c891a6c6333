#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Man pages, completions and README against the tables of the code. TAP.
# AISBX: the program; DOCS_LIST: tests/docs/docs-list, which prints the tables.
# AISBX_TEST_MUST_RUN=1 makes a skipped test fail.

set -u
: "${AISBX:?the program to test}" "${DOCS_LIST:?the program docs-list}"
LC_ALL=C
export LC_ALL

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
page1=$top/man/aisbx.1
page5=$top/man/aisbx-profile.5
page5r=$top/man/aisbx-result.5
page7=$top/man/aisbx-security.7
schema=$top/man/aisbx-result.schema.json
doctor_schema=$top/man/aisbx-doctor.schema.json
work=$(mktemp -d) || exit 1
trap 'cd / && rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1

echo 1..22
echo 0 >"$work/number"

# Tests end pipelines, in subshells: the number of the last is in a file.
count() {
	number=$(($(cat "$work/number") + 1))
	echo $number >"$work/number"
}

# A test passes when its complaints, on stdin, are none.
verdict() {
	complaints=$(cat)
	count
	if [ -z "$complaints" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		printf '%s\n' "$complaints" | sed 's/^/# /'
	fi
}

skip() {
	if [ "${AISBX_TEST_MUST_RUN:-}" = 1 ]; then
		echo "skipped, and AISBX_TEST_MUST_RUN is set: $2" | verdict "$1"
	else
		count
		echo "ok $number - $1 # SKIP $2"
	fi
}

# Lines of file $1 that file $2 lacks, each said with the words $3.
missing() {
	sort -u "$1" >"$work/a"
	sort -u "$2" >"$work/b"
	comm -23 "$work/a" "$work/b" | sed "s|^|$3: |"
}

# The text of mdoc as a reader would copy it.
unescape() {
	sed 's/\\-/-/g; s/\\(aq/'\''/g; s/\\(dq/"/g; s/\\(ti/~/g; s/\\&//g; s/\\e/\\/g'
}

# Options of the macro line(s) on stdin: "-p" and "--profile", one a line.
options_of() {
	grep -o 'Fl [A-Za-z-][a-z-]*' | sed 's/^Fl /-/' | sort -u
}

"$DOCS_LIST" >"$work/list" || echo "Bail out! $DOCS_LIST does not run"

### Options

for command in run show why learn; do
	"$AISBX" help "$command"
done | sed -n 's/^  *\(-[-A-Za-z].*\)/\1/p' | grep '^-' |
	grep -o '^-[A-Za-z], --[a-z-]*\|^--[a-z-]*\|^-[A-Za-z] ' |
	tr -d ' ' | tr , '\n' | sort -u >"$work/help"
# A description may begin a line with a dash of its own.
grep -v '^-$' "$work/help" >"$work/options"

awk '/^\.Sh OPTIONS/ { on = 1 } /^\.Sh THE BOX/ { on = 0 } on && /^\.It Fl/' "$page1" |
	options_of >"$work/man-options"
[ -s "$work/options" ] || echo "Bail out! no option in aisbx help run"

missing "$work/options" "$work/man-options" 'not in aisbx.1' |
	verdict 'every option of aisbx help is in aisbx.1'
missing "$work/man-options" "$work/options" 'aisbx help knows no such option' |
	verdict 'every option in aisbx.1 exists'

awk -F '\t' '$1 == "key" && $3 != "-" { print $3, $2 }' "$work/list" >"$work/pairs"
awk '/^\.It Fl/ { line = $0; sub(/.*Fl -/, "", line); sub(/ .*/, "", line); next }
	line != "" && /^\.Pq Cm [a-z_.]*$/ { print line, $3 }
	{ line = "" }' "$page1" >"$work/man-pairs"
{
	missing "$work/pairs" "$work/man-pairs" 'aisbx.1 lacks option and key'
	missing "$work/man-pairs" "$work/pairs" 'aisbx.1 has option and key'
} | verdict 'aisbx.1 names the profile key of each option'

### Commands

"$AISBX" help | sed -n '/^commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p' >"$work/commands"
sed -n '/^\.Sh COMMANDS/,/^\.Sh OPTIONS/s/^\.It Cm \([a-z]*\)$/\1/p' "$page1" \
	>"$work/man-commands"
{
	[ -s "$work/commands" ] || echo 'aisbx help lists no command'
	missing "$work/commands" "$work/man-commands" 'not in aisbx.1'
	missing "$work/man-commands" "$work/commands" 'no such command'
} | verdict 'every command is in aisbx.1, and no other'

### Profile keys

awk -F '\t' '$1 == "key" { print $2 }' "$work/list" >"$work/keys"
sed -n '/^\.Sh KEYS/,/^\.Sh GRANTS/s/^\.It Cm \([a-z_.]*\) : .*/\1/p' "$page5" \
	>"$work/man-keys"
{
	[ -s "$work/keys" ] || echo 'no key in the table'
	missing "$work/keys" "$work/man-keys" 'not in aisbx-profile.5'
	missing "$work/man-keys" "$work/keys" 'no such key'
} | verdict 'every profile key is in aisbx-profile.5, and no other'

while IFS='	' read -r kind key name letter _; do
	[ "$kind" = key ] || continue
	line=$(grep "^\.It Cm $key : " "$page5" | options_of | tr '\n' ' ')
	want=$({
		echo "--$name"
		[ "$letter" = - ] || echo "-$letter"
	} | sort -u | tr '\n' ' ')
	[ "$line" = "$want" ] || echo "$key: has $line, wants $want"
done <"$work/list" | verdict 'aisbx-profile.5 names the options of each key'

# What a value of base's is said to be.
"$AISBX" check "$top/profiles/base.yaml" >"$work/out" 2>&1
sed -n '/^limits:/,/^[a-z#]/s/^  \([a-z_]*\): \([0-9A-Za-z]*\)$/limits.\1 \2/p' \
	"$top/profiles/base.yaml" | while read -r key value; do
	awk -v key="$key" '$1 == ".It" { on = $3 == key } on' "$page5" |
		grep -q "^($value)\$" || echo "$key: base has $value"
done | verdict 'aisbx-profile.5 has the limits of base'

awk -F '\t' '$1 == "profile" { print $2 }' "$work/list" | while read -r name; do
	[ -f "$top/profiles/$name.yaml" ] || echo "$name: not in profiles/"
	sed -n '/^\.Sh SHIPPED PROFILES/,/^\.Sh EXAMPLES/p' "$page5" |
		grep '^\.It Cm' | grep -qw "$name" || echo "$name: not in aisbx-profile.5"
done | verdict 'every shipped profile is in aisbx-profile.5'

### Words of the result and of walls

{
	awk -F '\t' '$1 == "outcome" { print $2 }' "$work/list" | while read -r word; do
		sed -n '/^\.It Cm outcome/,/^\.It Cm exit_code/p' "$page5r" |
			grep '^\.It Cm' | grep -qw "$word" || echo "outcome $word: not in aisbx-result.5"
	done
	awk -F '\t' '$1 == "degradable" { print $2 }' "$work/list" | while read -r word; do
		sed -n '/^\.It Fl -allow-degraded/,/^The result/p' "$page1" |
			grep -q "^\.Cm $word\( ,\| \.\)\{0,1\}\$" || echo "wall $word: not in aisbx.1"
		grep -qx "\.It Cm $word" "$page5" || echo "wall $word: not in aisbx-profile.5"
		for file in aisbx.bash _aisbx aisbx.fish; do
			grep -q "[\"'( ]${word}[\"') ]" "$top/src/completions/$file" ||
				echo "wall $word: not in $file"
		done
	done
	awk -F '\t' '$1 == "degradable" || $1 == "wall" { print $2 }' "$work/list" |
		while read -r word; do
			grep -q "^\.Ss.*[ ,]$word\(,.*\)\?\$\|^\.Cm $word\$\|^\.Ss $word" \
				"$page7" "$page5" || grep -qx "\.It Cm $word" "$page5" ||
				echo "wall $word: not in aisbx-security.7"
		done
} | verdict 'every outcome and every wall is described'

run_ok=no
if "$AISBX" run --rw "$work" --result "$work/result.json" -- true 2>"$work/why"; then
	run_ok=yes
fi
why=$(tr '\n' ' ' <"$work/why")
if [ $run_ok = no ]; then
	skip 'every member of a result is in aisbx-result.5' "no box on this host: $why"
elif ! command -v jq >/dev/null; then
	skip 'every member of a result is in aisbx-result.5' 'no jq'
else
	jq -r 'keys[], (.walls | keys[])' "$work/result.json" | while read -r word; do
		sed -n '/^\.Sh RESULT/,/^\.Sh PUBLISHED/p' "$page5r" | grep '^\.It Cm' |
			grep -qw "$word" || echo "$word"
	done | verdict 'every member of a result is in aisbx-result.5'
fi

name='aisbx-result.5 and the JSON Schema have the same words'
if ! command -v jq >/dev/null; then
	skip "$name" 'no jq'
else
	{
		jq -r '[.. | .properties? // empty | keys[]] | unique[]' "$schema" >words
		jq -r '."$defs" | .line.properties.event.enum[], .refusal.properties.kind.enum[]' \
			"$schema" >>words
		[ -s words ] || echo 'no word'
		while read -r word; do
			grep '^\.It Cm\|^\.Cm\|^\.Ql' "$page5r" | grep -qw -- "$word" || echo "$word"
		done <words
		for kind in outcome:result.properties.outcome refusal:refusal.properties.kind \
			degradable:wall; do
			jq -r ".\"\$defs\".${kind#*:}.enum[]" "$schema" >in-schema
			awk -F '\t' -v kind="${kind%%:*}" '$1 == kind { print $2 }' list >in-code
			missing in-code in-schema 'not in the schema'
			missing in-schema in-code 'only in the schema'
		done
	} | verdict "$name"
fi

name='every member of a plan is in aisbx.1'
if ! command -v jq >/dev/null; then
	skip "$name" 'no jq'
else
	mkdir plan
	{
		(cd plan && "$AISBX" show -p agent --hide /etc/shadow --json) 2>&1 >plan.json ||
			echo 'aisbx show fails'
		jq -r 'keys[], ([.files[] | keys[]] | unique[]), (.files[].kind),
			(.network, .limits, .syscalls, .input | keys[])' plan.json |
			sort -u >words
		[ -s words ] || echo 'no member'
		sed -n '/^\.Sh PLAN/,/^\.Sh DOCTOR/p' "$page1" |
			grep '^\.It Cm\|^\.Cm\|^\.Ql' >page
		while read -r word; do
			grep -qw "$word" page || echo "$word"
		done <words
	} | verdict "$name"
fi

name='aisbx.1, the JSON Schema of doctor and the code have the same words'
if ! command -v jq >/dev/null; then
	skip "$name" 'no jq'
else
	{
		sed -n '/^\.Sh DOCTOR/,/^\.Sh HOST/p' "$page1" | grep '^\.It Cm\|^\.Cm\|^\.Ql' >page
		sed -n '/^\.It Cm doctor/,/^\.It Cm help/p' "$page1" | grep '^\.Ql' >>page
		jq -r '[.. | .properties? // empty | keys[]] | unique[]' "$doctor_schema" >words
		for kind in check:checks.items.properties.name state:checks.items.properties.state \
			place:place; do
			jq -r ".properties.${kind#*:}.enum[]" "$doctor_schema" >in-schema
			awk -F '\t' -v kind="${kind%%:*}" '$1 == kind { print $2 }' list >in-code
			missing in-code in-schema 'not in the schema'
			missing in-schema in-code 'only in the schema'
			cat in-code >>words
		done
		while read -r word; do
			grep -qw -- "$word" page || echo "$word: not in aisbx.1"
		done <words
	} | verdict "$name"
fi

### Completions

# "-p" and "--profile" of a completion file.
for file in aisbx.bash _aisbx aisbx.fish; do
	path=$top/src/completions/$file
	case $file in
	aisbx.fish)
		# shellcheck disable=SC2016 # fish's $run
		sed -n 's/^complete -c aisbx -n \$run //p; s/^complete -c aisbx -n \$any //p
			s/^complete .*from \(run\|why\|learn\)'\'' //p' "$path" |
			grep -o '^-[sl] [A-Za-z-]*\( -l [a-z-]*\)\{0,1\}' |
			sed 's/-l /--/g; s/-s /-/g' | tr ' ' '\n'
		;;
	_aisbx)
		sed -n '/^	options=(/,/^	)/p; s/.*\(--timing\)/\1/p; /^	why)/,/;;/{ /_arguments/!p }
			s/.*\({-o+,--output=}\)/\1/p; s/.*\(--update=\)\[/\1[/p' "$path" |
			sed 's/\[.*//' | grep -o -- '-[A-Za-z][^A-Za-z]\|--[a-z-]*' |
			sed 's/^-\([A-Za-z]\)[^A-Za-z-].*/-\1/'
		;;
	*)
		sed -n '/ options=/,/"$/p; /+=" --/p' "$path" |
			sed 's/.*options=//; s/.*+=//' | grep -o -- '--*[A-Za-z-]*'
		;;
	esac | grep -v '^-$\|^--$' | sort -u >"$work/completed"
	{
		missing "$work/options" "$work/completed" "not in $file"
		missing "$work/completed" "$work/options" 'no such option'
	} | verdict "the completion $file has every option, and no other"
done

if command -v bash >/dev/null; then
	# shellcheck disable=SC2016 # for the other shell
	bash -c '
		source "$1" || exit 1
		offers() {
			local want=$1
			shift
			COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
			_aisbx
			[[ " ${COMPREPLY[*]} " == *" $want "* ]] || echo "$*: no $want"
		}
		offers run aisbx r
		offers --timeout aisbx run --ti
		offers python aisbx run -p pyt
		offers --syscall aisbx why --sys
		offers journal aisbx run --audit jou
		offers landlock aisbx run --allow-degraded l
		offers --update aisbx learn --u
		offers python aisbx learn --update pyt
		offers utf-8 aisbx show --input-encoding ""
		offers head,tail aisbx run --keep ""
		offers --json aisbx doctor --j
		offers uname aisbx run -p python -t 5s -- unam
		offers /etc/passwd aisbx run cat /etc/passw
	' bash "$top/src/completions/aisbx.bash" 2>&1 | verdict 'bash completes'
else
	skip 'bash completes' 'no bash'
fi

### Form

if command -v mandoc >/dev/null; then
	# A host without an index of its pages is no fault of ours.
	for page in "$page1" "$page5" "$page5r" "$page7"; do
		mandoc -Tlint -W warning "$page" 2>&1 | grep -v 'mandoc.db'
	done | verdict 'mandoc finds nothing'
else
	skip 'mandoc finds nothing' 'no mandoc'
fi
if command -v groff >/dev/null; then
	for page in "$page1" "$page5" "$page5r" "$page7"; do
		groff -mdoc -ww -z "$page" 2>&1
	done | verdict 'groff finds nothing'
else
	skip 'groff finds nothing' 'no groff'
fi

### Profiles

# Each literal block of aisbx-profile.5 and each yaml block of README.md is one.
mkdir "$work/blocks"
unescape <"$page5" | awk -v dir="$work/blocks" '
	/^\.Bd -literal/ { file = dir "/man-" ++n ".yaml"; next }
	/^\.Ed/ { file = ""; next }
	file != "" { print > file }'
awk -v dir="$work/blocks" '
	/^```yaml/ { file = dir "/readme-" ++n ".yaml"; next }
	/^```/ { file = ""; next }
	file != "" { print > file }' "$top/README.md"
{
	[ -f "$work/blocks/man-1.yaml" ] || echo 'no example in aisbx-profile.5'
	[ -f "$work/blocks/readme-1.yaml" ] || echo 'no example in README.md'
	for file in "$work"/blocks/*.yaml "$top"/profiles/*.yaml; do
		"$AISBX" check "$file" 2>&1 || echo "exit status $?: $file"
	done
} | verdict 'example profiles and shipped profiles pass aisbx check'

### Examples

# "STATUS<tab>COMMAND" a line; a comment .\" test: exit N, or skip, stands above.
awk '/^\.Sh EXAMPLES/ { on = 1 } /^\.Sh SEE ALSO/ { on = 0 }
	on && /^\.\\" test: / { status = $4 == "" ? $3 : $4; next }
	on && sub(/^(\.Dl )?\$ /, "") { print (status == "" ? 0 : status) "\t" $0; status = "" }' \
	"$page1" | unescape >"$work/examples-man"
# Hosts of the internet are not asked by tests: those examples are only shown.
awk '/^## Examples/ { on = 1; next } /^## / { on = 0 }
	on && /^aisbx .*--(allow-host|secret)/ { sub(/ run /, " show ") }
	on && /^aisbx / { print 0 "\t" $0 }' "$top/README.md" >"$work/examples-readme"

run_examples() {
	mkdir -p "$work/$1" "$work/bin"
	cd "$work/$1" || return
	mkdir -p data out
	echo 'a,b' >data/in.csv
	echo 'SECRET=1' >.env
	echo 'print("hello")' >analyse.py
	printf 'all:\n\t@echo made\n' >Makefile
	ln -sf "$AISBX" "$work/bin/aisbx"
	[ -s "$work/examples-$1" ] || echo 'no example'
	while IFS='	' read -r want command; do
		[ "$want" = skip ] && continue
		PATH=$work/bin:$PATH sh -c "$command" >"$work/out" 2>&1 </dev/null
		status=$?
		[ $status = "$want" ] && continue
		echo "$command: exit status $status, not $want"
		tail -n 5 "$work/out"
	done <"$work/examples-$1"
	cd "$work" || return
}

for where in man readme; do
	name="the examples of $([ $where = man ] && echo aisbx.1 || echo README.md) run"
	if [ $run_ok = no ]; then
		skip "$name" "no box on this host: $why"
	else
		run_examples $where | verdict "$name"
	fi
done

