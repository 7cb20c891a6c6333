#!/usr/bin/env bats
# Profiles: where they come from, what is wrong with them, `check` and `show`.
load ../lib/common

@test "a profile by name, by file and on stdin" {
	mkdir -p "$HOME/.config/aisbx/profiles"
	printf 'extends: [default]\nenv: {set: [FROM=name]}\n' >"$HOME/.config/aisbx/profiles/mine.yaml"
	run aisbx run -p mine -- printenv FROM
	output_is name
	printf 'extends: [default]\nenv: {set: [FROM=file]}\n' >p.yaml
	run aisbx run -p p.yaml -- printenv FROM
	output_is file
	run aisbx run -p ./p.yaml -- printenv FROM
	output_is file
	run aisbx run -p "$T/p.yaml" -- printenv FROM
	output_is file
	run aisbx run -p - -- printenv FROM < <(sed s/file/stdin/ p.yaml)
	output_is stdin
}

@test "XDG_CONFIG_HOME is looked at first" {
	mkdir -p x/aisbx/profiles
	printf 'extends: [default]\nenv: {set: [FROM=xdg]}\n' >x/aisbx/profiles/mine.yaml
	XDG_CONFIG_HOME=$T/x run aisbx run -p mine -- printenv FROM
	output_is xdg
}

@test "a profile is never picked up from the working directory by itself" {
	local name
	for name in default default.yaml aisbx.yaml .aisbx.yaml .aisbx; do
		printf 'extends: [default]\nenv: {set: [PLANTED=1]}\n' >$name
	done
	run aisbx run -- sh -c 'echo "[$PLANTED]"'
	output_is "[]"
	run aisbx run -p default -- sh -c 'echo "[$PLANTED]"'
	output_is "[]"
}

@test "JSON is a profile too" {
	printf '{"extends":["default"],"env":{"set":["FROM=json","B=\\u00e9"]}}' >p.yaml
	run aisbx run -p p.yaml -- sh -c 'echo $FROM $B'
	output_is "json é"
}

@test "every shipped profile is fine and runs" {
	local name
	for name in base default python node shell agent build; do
		run aisbx run -p $name -- sh -c 'echo ok'
		status_is 0
		output_is ok
	done
}

@test "an unknown name: the near miss and what is there" {
	fails_with 125 "did you mean 'python'" run -p pyhton -- true
	fails_with 125 "default" run -p nothing-like-it -- true
}

@test "names are no paths: nothing outside the profile directories" {
	fails_with 125 "" run -p .. -- true
	mkdir -p "$HOME/.config/aisbx/profiles"
	printf 'extends: [default]\n' >"$HOME/.config/aisbx/evil.yaml"
	fails_with 125 "" run -p "../evil" -- true
}

bad() { # TEXT: profile p.yaml is refused by run, check and show; nothing runs
	fails_with 125 "$1" run -p ./p.yaml --rw "$T" -- touch "$T/ran"
	[ ! -e ran ]
	run timeout 20 "$AISBX" check ./p.yaml
	status_is 1
	[ -n "$stderr" ]
}

@test "missing, directory, fifo, socket, device, unreadable" {
	fails_with 125 "p.yaml" run -p ./p.yaml -- true
	mkdir p.yaml
	bad directory
	rmdir p.yaml
	mkfifo p.yaml
	bad fifo
	rm p.yaml
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("p.yaml")'
	bad socket
	rm p.yaml
	ln -s /dev/zero p.yaml
	bad device
	rm p.yaml
	need_user
	echo 'extends: [default]' >p.yaml
	chmod 000 p.yaml
	bad denied
}

@test "10 MB of garbage, not UTF-8, NUL, empty" {
	head -c 10M /dev/urandom >p.yaml
	bad "p.yaml"
	head -c 10M /dev/zero >p.yaml
	bad "p.yaml"
	head -c 10M /dev/zero | tr '\0' a >p.yaml
	bad "p.yaml"
	head -c 500K /dev/zero | tr '\0' '[' >p.yaml
	bad "p.yaml"
	printf 'description: \xff\xfe\n' >p.yaml
	bad "p.yaml:1"
	printf 'description: a\0b\n' >p.yaml
	bad "p.yaml:1"
	run aisbx run -p - -- true < <(head -c 10M /dev/zero | tr '\0' a)
	status_is 125
	contains "$stderr" "<stdin>: larger than 1 MiB"
	: >p.yaml
	run aisbx run -p ./p.yaml -- true
	[ "$status" -ne 0 ]
}

@test "many keys, deep nesting and long lines are an error or fine, and fast" {
	local start=$SECONDS
	python3 -c 'print("files: {read: [" + ", ".join("/usr/x%d" % i for i in range(20000)) + "]}")' >p.yaml
	run aisbx run -p ./p.yaml -- true
	status_is 125
	python3 -c 'print("a: " + "{a: " * 3000 + "1" + "}" * 3000)' >p.yaml
	bad "p.yaml:1"
	python3 -c 'print("description: &a [x]\nb: [" + "*a," * 9 + "]")' >p.yaml
	bad "p.yaml"
	[ $((SECONDS - start)) -lt 20 ]
}

@test "a chain of 100 extends, loops, and extending oneself are refused" {
	local i
	for i in $(seq 100); do
		printf 'extends: [./p%d.yaml]\n' $((i + 1)) >p$i.yaml
	done
	printf 'extends: [default]\n' >p101.yaml
	mv p1.yaml p.yaml
	bad "extend"
	printf 'extends: [./p.yaml]\n' >p.yaml
	bad "p.yaml:1"
	printf 'extends: [./q.yaml]\n' >p.yaml
	printf 'extends: [./p.yaml]\n' >q.yaml
	bad "yaml"
	printf 'extends: [./q.yaml]\n' >p.yaml
	ln -sf p.yaml q.yaml
	bad "yaml"
}

@test "a diamond of extends is no loop" {
	printf 'extends: [./a.yaml, ./b.yaml]\n' >p.yaml
	printf 'extends: [default]\nenv: {set: [A=1]}\n' >a.yaml
	printf 'extends: [default]\nenv: {set: [B=2]}\n' >b.yaml
	run aisbx run -p ./p.yaml -- sh -c 'echo $A$B'
	output_is 12
}

@test "extends: lists append, scalars override, left to right; the command line wins" {
	printf 'extends: [default]\nenv: {set: [A=1, X=a]}\nlimits: {open_files: 100}\n' >a.yaml
	printf 'extends: [default]\nenv: {set: [B=2, X=b]}\nlimits: {open_files: 200}\n' >b.yaml
	printf 'extends: [./a.yaml, ./b.yaml]\n' >p.yaml
	run aisbx run -p ./p.yaml -- sh -c 'echo $A$B$X $(ulimit -n)'
	output_is "12b 200"
	run aisbx run -p ./p.yaml --open-files 50 -e X=c -- sh -c 'echo $A$B$X $(ulimit -n)'
	output_is "12c 50"
	printf 'extends: [./a.yaml, ./b.yaml]\nlimits: {open_files: 300}\n' >p.yaml
	run aisbx run -p ./p.yaml -- sh -c 'ulimit -n'
	output_is 300
}

@test "unknown keys, wrong types, duplicates, aliases, tags: FILE:LINE:COL" {
	printf 'fils: {read: [/usr]}\n' >p.yaml
	bad "./p.yaml:1:1: "
	contains "$stderr" "files"
	printf 'files:\n  raed: [/usr]\n' >p.yaml
	bad "./p.yaml:2:3: "
	printf 'limits: {memory: lots}\n' >p.yaml
	bad "./p.yaml:1:18: "
	printf 'limits: {memory: 1G, memory: 2G}\n' >p.yaml
	bad "./p.yaml:1:22: "
	printf 'description: [a]\n' >p.yaml
	bad "./p.yaml:1:14: "
	printf 'files: {read: {a: b}}\n' >p.yaml
	bad "./p.yaml:1:15: "
	printf 'description: &x a\n' >p.yaml
	bad "./p.yaml:1:"
	printf 'description: !!str a\n' >p.yaml
	bad "./p.yaml:1:"
	printf -- '--- \ndescription: a\n---\ndescription: b\n' >p.yaml
	bad "./p.yaml:3:"
	printf 'description: "a\n' >p.yaml
	bad "./p.yaml:"
	printf 'files:\n\tread: [/usr]\n' >p.yaml
	bad "./p.yaml:2:"
	printf -- '- a\n' >p.yaml
	bad "./p.yaml:1:1: "
}

@test "check: every error of every file in one run, exit 1; exit 0 when fine" {
	printf 'fils: 1\nlimits: {memory: lots, cpu: soon}\n' >a.yaml
	printf 'extends: [default]\n' >b.yaml
	printf 'env: {sett: []}\n' >c.yaml
	run aisbx check a.yaml b.yaml c.yaml
	status_is 1
	contains "$stderr" "a.yaml:1:1: "
	contains "$stderr" "a.yaml:2:18: "
	contains "$stderr" "a.yaml:2:29: "
	contains "$stderr" "c.yaml:1:7: "
	lacks "$stderr" "b.yaml"
	run aisbx check b.yaml
	status_is 0
	[ -z "$output$stderr" ]
	run aisbx check -- b.yaml
	status_is 0
	run aisbx check
	status_is 125
}

@test "check says every bad value once and runs nothing" {
	printf 'extends: [./nowhere.yaml]\ninput: {check: [touch, "%s/ran"]}\n' "$T" >p.yaml
	run aisbx check p.yaml
	status_is 1
	contains "$stderr" "nowhere.yaml"
	[ ! -e ran ]
}

@test "terminal escapes in a profile do not reach the terminal raw" {
	printf 'x\x1b]0;owned\x07y: 1\n' >p.yaml
	run aisbx check p.yaml
	status_is 1
	lacks "$stderr" $'\x1b'
	printf 'extends: [default]\nfiles: {read: ["/no\\e[2Jsuch"]}\n' >p.yaml
	run aisbx run -p ./p.yaml -- true
	status_is 125
	lacks "$stderr" $'\x1b'
	run aisbx run --ro $'/no\x1b[2Jsuch' -- true
	status_is 125
	lacks "$stderr" $'\x1b'
}

@test "show: what run would do, runs nothing, for people and as JSON" {
	mkdir in out
	run aisbx show -p python --ro ./in --rw ./out -e A=b -t 7s -- python3 x.py
	status_is 0
	contains "$output" "$T/in"
	contains "$output" "$T/out"
	contains "$output" "7s"
	[ "$(wc -l <<<"$output")" -le 50 ]
	aisbx show -p python --ro ./in --rw ./out --json -- python3 x.py >show.json
	python3 -c 'import json; json.load(open("show.json"))'
	grep -q "$T/out" show.json
}

@test "show: a name of a file cannot look like a line of it" {
	mkdir $'x\nnetwork    none\e[2J'
	cd x*
	run aisbx show --ro .
	contains "$output" 'reads      '"$T"'/x\x0anetwork    none\x1b[2J'
	[ "$(grep -c ^network <<<"$output")" -eq 1 ]
}

@test "show: no text of a profile turns its line around" {
	cat >p.yaml <<-'E'
		extends: [default]
		description: "a\u202eb\u061cc"
		network: {hosts: [{host: api.example.com, http: ["GET /\u202e*"]}]}
		secrets:
		  - {name: K, source: "env:HOME", hosts: [api.example.com], header: "X: \u2066{}"}
	E
	run aisbx show -p ./p.yaml
	status_is 0
	contains "$output" 'a\u{202e}b\u{061c}c'
	run ! grep -qP '[\x{61c}\x{202a}-\x{202e}\x{2066}-\x{2069}]' <<<"$output"
}

@test "show fails where run would fail" {
	fails_with 125 "/missing" show --ro /missing
	fails_with 125 "'/'" show --rw /
	fails_with 125 "did you mean" show -p pyhton
}

@test "show never shows a value of the caller's environment that is not granted" {
	SECRET_TOKEN=hunter2-secret run aisbx show
	status_is 0
	lacks "$output" hunter2
	SECRET_TOKEN=hunter2-secret run aisbx show --json
	lacks "$output" hunter2
}

@test "a grant that cannot be made is told with file, line and column" {
	printf 'extends: [base]\nfiles:\n  read: [/usr, ./nowhere]\n' >p.yaml
	fails_with 125 "aisbx: ./p.yaml:3:16: cannot grant './nowhere'" run -p ./p.yaml -- true
}

@test "registries that no configuration names: a command that fails is told what to write" {
	mkdir empty
	export HOME=$T/empty CARGO_HOME=$T/empty # cargo has no configuration for all users
	run aisbx run --registry cargo -- false
	[ "$status" -eq 1 ]
	contains "$stderr" "cargo: no configuration names a registry"
	run aisbx run --registry cargo -- true
	[ -z "$stderr" ]
	run aisbx run -q --registry cargo -- false
	[ -z "$stderr" ]
	CARGO_REGISTRIES_MINE_INDEX=sparse+https://cargo.example/ run aisbx run --registry cargo -- false
	[ "$status" -eq 1 ]
	[ -z "$stderr" ]
}
