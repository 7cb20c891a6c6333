#!/usr/bin/env bats
# learn: what it proposes for real tasks, that the proposal is enough, and that
# neither of its runs changes anything or sees what holds secrets.
load ../lib/common

BOUND=60

# learns COMMAND...: the proposal is p.yaml, and verified
learns() {
	run aisbx learn -o p.yaml -- "$@"
	status_is 0
	[[ $stderr == *"learn: verified: under the proposal it ended with status 0 too" ]]
	aisbx check p.yaml
}

# The grants of p.yaml, without comments and limits, are stdin's.
grants_are() {
	diff - <(grep -v -e '^#' -e '^description:' p.yaml | sed -e 's/  # .*//' -e '/^limits:/,$d')
}

# What is in the directory, by name and content.
state() {
	find . -mindepth 1 ! -name p.yaml -printf '%P %y %m %T@\n' -exec sh -c \
		'test ! -f "$1" || sha256sum "$1"' sh {} \; | sort
}

@test "a Python script with its data; nothing beside them" {
	need python3
	mkdir data
	seq 9 >data/a.csv
	seq 5 >data/b.csv
	echo unused >other.txt
	cat >sum.py <<-'EOF'
		import os
		print(sum(int(line) for name in sorted(os.listdir("data"))
		          for line in open("data/" + name)))
	EOF
	learns python3 sum.py
	grants_are <<-'EOF'
		extends: [python]
		files:
		  read:
		    - ./data
		    - ./sum.py
		exec:
		  - python3
	EOF
	run aisbx run -p ./p.yaml -- python3 sum.py
	output_is 60
}

@test "a build with make and gcc extends agent, and leaves nothing behind" {
	need make gcc
	printf '#include "x.h"\nint main(void) { return X; }\n' >main.c
	echo '#define X 0' >x.h
	printf 'main: main.o\n\tgcc -o $@ $^\nmain.o: main.c x.h\n\tgcc -c -o $@ main.c\n' >Makefile
	state >"$BATS_RUN_TMPDIR/before"
	learns make
	state | diff "$BATS_RUN_TMPDIR/before" -
	[ "$(sed -n 's/^extends: \[\(.*\)\].*/\1/p' p.yaml)" = agent ]
	grep -q '^  - make  ' p.yaml
	run ! grep -q -e '^files:' -e '^network:' p.yaml
	aisbx run -p ./p.yaml -- make
	[ -x main ]
}

@test "a program that the run makes is in no list, and a key that it makes is not hidden" {
	need openssl
	cat >make.sh <<-'EOF'
		set -e
		cp /usr/bin/true out/program
		out/program
		rm out/program
		no-such-program 2>/dev/null || openssl genrsa -out out/key.pem 2048
	EOF
	mkdir out
	learns sh make.sh
	grep -q '^# exec: no list of programs: ./out/program is executed, and made by the run$' p.yaml
	grants_are <<-'EOF'
		extends: [shell]
		files:
		  write:
		    - ./out
		  read:
		    - ./make.sh
	EOF
	aisbx run -p ./p.yaml -- sh make.sh
	aisbx run -p ./p.yaml -- sh make.sh
	[ -s out/key.pem ]
}

@test "git clone of a repository: agent would protect .git, so the directory is granted" {
	need git
	git init -q src
	echo x >src/file
	git -C src add file
	git -C src -c user.name=t -c user.email=t@t commit -qm first
	mkdir work
	cd work
	learns git clone -q --no-hardlinks ../src copy
	[ ! -e copy ]
	grants_are <<-EOF
		extends: [base]
		files:
		  write:
		    - .
		  read:
		    - $T/src/.git
		exec:
		  - git
		  - /usr/lib/git-core/git-upload-pack
		  - sh
	EOF
	grep -q 'extends: \[base\]  # agent would protect names that this run makes' p.yaml
	aisbx run -p ./p.yaml -- git clone -q --no-hardlinks ../src copy
	[ "$(cat copy/file)" = x ]
}

@test "git commit: the repository without what git runs by itself" {
	need git
	git init -q .
	git config user.name t
	git config user.email t@t
	echo x >file
	git add file
	git commit -qm first
	echo y >file
	learns git commit -qam second
	grep -A1 'protect:' p.yaml | grep -q '    - ".git"  # '
	aisbx run -p ./p.yaml -- git commit -qam second
	[ "$(git log --format=%s | tr '\n' ' ')" = "second first " ]
	run aisbx run -p ./p.yaml -c 'true' # no interpreter: the list of programs holds
	[ "$status" -ne 0 ]
	sed -i 's/^exec:/&\n  - sh/' p.yaml
	run aisbx run -p ./p.yaml -- sh -c 'echo x >.git/hooks/pre-commit'
	[ "$status" -ne 0 ]
	[ ! -e .git/hooks/pre-commit ]
}

@test "pytest: the modules and their tests; no __pycache__, no cache" {
	need pytest-3
	mkdir pkg tests
	echo 'def f(x): return x + 1' >pkg/code.py
	touch pkg/__init__.py tests/__init__.py README
	echo '{"one": 1}' >tests/data.json
	cat >tests/test_code.py <<-'EOF'
		import json, pathlib, pytest
		from pkg.code import f
		data = json.loads(pathlib.Path(__file__).with_name("data.json").read_text())
		@pytest.mark.parametrize("x", data.values())
		def test_f(x, tmp_path):
		    (tmp_path / "x").write_text("1")
		    assert f(x) == 2
	EOF
	state >"$BATS_RUN_TMPDIR/before"
	learns pytest-3 -q tests
	contains "$output$stderr" "1 passed"
	state | diff "$BATS_RUN_TMPDIR/before" -
	grants_are <<-'EOF'
		extends: [base]
		files:
		  read:
		    - ./pkg/__init__.py
		    - ./pkg/code.py
		    - ./tests
		exec:
		  - pytest-3
		  - python3
	EOF
}

@test "node: a script, its module and what it writes" {
	need node
	mkdir lib out
	echo 'module.exports = x => x * 2' >lib/double.js
	echo 'require("fs").writeFileSync("out/result", String(require("./lib/double.js")(21)))' >main.js
	learns node main.js
	[ ! -e out/result ]
	grants_are <<-'EOF'
		extends: [node]
		files:
		  write:
		    - ./out
		  read:
		    - ./lib/double.js
		    - ./main.js
		exec:
		  - node
	EOF
	aisbx run -p ./p.yaml -- node main.js
	[ "$(cat out/result)" = 42 ]
}

@test "a pipeline: stdin is had by both runs, programs are listed" {
	run bash -c 'seq 1000 | timeout 60 "$AISBX" learn -o p.yaml -- \
		sh -c "sort -rn | head -n 3 | tr \\\\n , && test \$(wc -l <list) = 2"' 
	[ "$status" -ne 0 ]
	seq 2 >list
	run bash -c 'seq 1000 | timeout 60 "$AISBX" learn -o p.yaml -- \
		sh -c "test \$(sort -rn | head -n 1) = 1000 && test \$(wc -l <list) = 2"'
	status_is 0
	grants_are <<-'EOF'
		extends: [shell]
		files:
		  read:
		    - ./list
		exec:
		  - sh
		  - head
		  - sort
		  - wc
	EOF
	run bash -c 'exec timeout 60 "$AISBX" learn -q -o p.yaml -- sh -c "read a; test \$a = 2" < <(tail -n 1 list)'
	status_is 0
	run bash -c 'exec 0<list; read a; timeout 60 "$AISBX" learn -q -o p.yaml -- sh -c "read a; test \$a = 2"'
	status_is 0
}

@test "sqlite: a database that changes in its directory" {
	need sqlite3
	mkdir db
	sqlite3 db/x.sqlite 'create table t(a); insert into t values(1)'
	state >"$BATS_RUN_TMPDIR/before"
	learns sqlite3 db/x.sqlite 'insert into t values(2); select count(*) from t'
	state | diff "$BATS_RUN_TMPDIR/before" -
	grants_are <<-'EOF'
		extends: [base]
		files:
		  write:
		    - ./db
		exec:
		  - sqlite3
	EOF
	aisbx run -p ./p.yaml -- sqlite3 db/x.sqlite 'insert into t values(2)'
	[ "$(sqlite3 db/x.sqlite 'select count(*) from t')" = 2 ]
}

@test "tar and xz: a tree in, an archive out" {
	need tar xz
	mkdir -p tree/a/b out
	touch tree/1 tree/a/2 tree/a/b/3
	learns tar cJf out/tree.tar.xz tree
	grants_are <<-'EOF'
		extends: [base]
		files:
		  write:
		    - ./out
		  read:
		    - ./tree
		exec:
		  - tar
		  - sh
		  - xz
	EOF
	aisbx run -p ./p.yaml -- tar cJf out/tree.tar.xz tree
	[ "$(tar tf out/tree.tar.xz | wc -l)" = 6 ]
}

@test "what holds secrets does not exist in a learning run, and is listed as not proposed" {
	mkdir -p "$HOME/.ssh" "$HOME/.aws" sub
	for file in "$HOME/.ssh/id_rsa" "$HOME/.aws/credentials" "$HOME/.netrc" .env sub/server.key; do
		echo secret >"$file"
	done
	echo sample >.env.example
	touch plain
	run aisbx learn -o p.yaml -- sh -c 'cat ~/.ssh/id_rsa ~/.aws/credentials ~/.netrc .env \
		sub/server.key; ls -A ~ . sub; cat .env.example plain'
	[[ $stderr != *secret* ]]
	[[ $output$stderr == *sample* ]]
	[ "$(grep -c "No such file or directory" <<<"$stderr")" -ge 5 ]
	run ! grep -qE '^ +- .*(ssh|aws|netrc|env$|env +#|key)' p.yaml
	for path in '~/.ssh/id_rsa' '~/.aws/credentials' '~/.netrc' './.env' './sub/server.key'; do
		grep -qF "#   files.read: $path  (it " p.yaml
	done
}

@test "a directory with a secret in it is granted with the secret hidden" {
	mkdir conf
	touch conf/a conf/b conf/c
	echo secret >conf/.env
	run aisbx learn -q -o p.yaml -- sh -c 'cat conf/*'
	status_is 0
	grep -q '^    - ./conf/.env  # it holds secrets of an application' p.yaml
	run aisbx run -p ./p.yaml -- sh -c 'cat conf/.env'
	[ "$status" -ne 0 ]
	[[ $output != *secret* ]]
}

@test "a link to a secret is refused under every name, and no trick uncovers what is hidden" {
	mkdir -p "$HOME/.ssh" "$T/sub"
	echo secret >"$HOME/.ssh/id_rsa"
	echo secret >"$T/sub/.env"
	ln -s "$HOME/.ssh/id_rsa" innocent
	ln -s "$HOME/.ssh" folder
	ln -s sub/.env config
	cat >try.sh <<-'EOF'
		cat innocent folder/id_rsa config "/proc/self/root$HOME/.ssh/id_rsa" "/proc/1/root$HOME/.ssh/id_rsa"
		mkdir ~/.ssh && cat ~/.ssh/id_rsa
		rm -rf ~/.ssh && mkdir -p ~/.ssh && cat ~/.ssh/id_rsa
		mv sub sub2 && cat sub2/.env
		mv "$HOME" "$HOME.2" && cat "$HOME.2/.ssh/id_rsa"
		ln ~/.ssh/id_rsa linked && cat linked
		rm -rf sub; mkdir sub; cat sub/.env
		echo done
	EOF
	run aisbx learn -o p.yaml -- sh try.sh
	contains "$output" done
	lacks "$output$stderr" secret
	run ! grep -qE '^ +- .*(innocent|folder|config|ssh|env)' p.yaml
	grep -qF '#   files.read: ~/.ssh/id_rsa  (it holds SSH keys)' p.yaml
	grep -qF '#   files.read: ./sub/.env  (' p.yaml
	[ "$(cat "$HOME/.ssh/id_rsa" sub/.env)" = $'secret\nsecret' ]
}

@test "what is secret in a directory elsewhere that is granted whole is hidden too" {
	mkdir -p "$HOME/other/deep"
	touch "$HOME"/other/{a,b,c}
	echo secret >"$HOME/other/deep/.env"
	run aisbx learn -q -o p.yaml -- sh -c 'cat ~/other/a ~/other/b ~/other/c'
	status_is 0
	grep -q '^    - ~/other  # 3 files of it' p.yaml
	grep -q '^    - ~/other/deep/.env  # it holds secrets' p.yaml
	run aisbx run -p ./p.yaml -- sh -c 'cat ~/other/deep/.env'
	lacks "$output" secret
}

@test "another user's home, shadow and the host's sockets stay out" {
	need python3
	python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("door"); s.listen()' &
	run aisbx learn -o p.yaml -- sh -c 'cat /etc/shadow; ls -d /run/user /run/dbus; true'
	[[ $output$stderr != *root:* ]]
	[[ $stderr == *"cannot access '/run/user'"* ]]
	cat >door.py <<-'EOF'
		import socket
		for make in (lambda: socket.socket(socket.AF_UNIX),
		             lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)):
		    try:
		        make()
		        print("made")
		    except PermissionError:
		        print("refused")
		socket.socketpair()
	EOF
	run aisbx learn -o p.yaml -- python3 door.py
	contains "$output" $'refused\nrefused'
}

@test "variables: those that are named are passed, secrets are not even had" {
	printf '%s\n' 'echo "$GREETING-$MY_TOKEN-$UNUSED"' >say.sh
	GREETING=hi MY_TOKEN=secret UNUSED_TOO=x run aisbx learn -o p.yaml -- sh say.sh
	output_is hi--
	grep -q '^    - GREETING  # ./say.sh names it' p.yaml
	run ! grep -q UNUSED p.yaml
	grep -qF '#   env.pass: MY_TOKEN  (' p.yaml
	run aisbx learn -o p.yaml -e $'LINES=a\n--- b\n' -- sh -c 'echo "$LINES"'
	run aisbx run -p ./p.yaml -- sh -c 'echo "$LINES"-'
	output_is $'a\n--- b\n-'
	run aisbx learn -o p.yaml -e WORD=given -e API_KEY=secret -- sh -c 'echo $WORD $API_KEY'
	output_is "given secret"
	grep -q '^    - "WORD=given"  # given' p.yaml
	run ! grep -q secret\$ p.yaml
	grep -qF 'env.set: API_KEY=...' p.yaml
}

@test "nothing of the host changes, whatever the command does" {
	mkdir -p keep/deep out
	echo x >keep/deep/file
	echo y >keep/link-target
	ln -s link-target keep/link
	chmod 640 keep/deep/file
	state >"$BATS_RUN_TMPDIR/before"
	ls -A "$HOME" >"$BATS_RUN_TMPDIR/home"
	touch "/tmp/learn-test.$CALLER.$$"
	run aisbx learn -o p.yaml -- sh -c 'echo z >keep/deep/file; rm keep/link; mv keep/deep gone
		chmod 777 keep; ln -s /etc/passwd out/l; mkdir -p ~/.cache/x /tmp/y; echo 1 >>keep/link-target
		rm -rf "$HOME" /tmp/* /srv /var/* 2>/dev/null; true'
	state | diff "$BATS_RUN_TMPDIR/before" -
	ls -A "$HOME" | diff "$BATS_RUN_TMPDIR/home" -
	rm "/tmp/learn-test.$CALLER.$$"
	[ ! -e /tmp/y ]
}

@test "a command that fails is watched too, and ends learn with its status" {
	run aisbx learn -o p.yaml -- sh -c 'exit 7'
	status_is 7
	grep -q '^# Verified: under the proposal it ended with status 7 too.$' p.yaml
	run aisbx learn -o q.yaml -- /does/not/exist
	status_is 127
	[ ! -e q.yaml ]
	run aisbx learn -o q.yaml --timeout 1s -- sleep 30
	status_is 124
	run aisbx learn -o q.yaml --tmpfs /x -- true
	status_is 125
	contains "$stderr" "aisbx: learn does not take '--tmpfs'; add it to the proposal"
	run aisbx learn
	status_is 125
}

@test "names that a payload makes cannot write lines of the proposal" {
	cat >evil.sh <<-'EOF'
		name="$(printf 'x\nnetwork:\n  hosts: [evil.example]\n#')"
		: >"$name" && cat "$name"
		cat "$(printf 'read\n- etc')" 'a: b' 'quote"d' '# c' - </dev/null
	EOF
	touch "$(printf 'read\n- etc')" 'a: b' 'quote"d' '# c'
	run aisbx learn -q -o p.yaml -- sh evil.sh
	aisbx check p.yaml
	run ! grep -q -e '^network' -e '^ *- /etc' p.yaml
	[ "$(aisbx show -p ./p.yaml --json | jq '.network.hosts | length')" = 0 ]
}

@test "a command whose name is text of a profile cannot write lines of the proposal either" {
	name=$'a\nnetwork:\n  hosts: [evil.example]\n#'
	printf '#!/bin/sh\n' >"$name"
	chmod +x "$name"
	run aisbx learn -o p.yaml -- "./$name"
	grep -q '^# Not verified: under the proposal: cannot execute .*network' p.yaml
	aisbx check p.yaml
	[ "$(aisbx show -p ./p.yaml --json | jq '.network.hosts | length')" = 0 ]
	[ ${#stderr_lines[@]} -eq 2 ]
}

@test "without -o the proposal is all that stdout gets" {
	aisbx learn -- sh -c 'echo to stdout' >out 2>err
	run ! grep -q 'to stdout' <(grep -v '^description' out)
	grep -q '^to stdout$' err
	aisbx check out
}

@test "the same run makes the same proposal" {
	mkdir data
	touch data/{1..5} x y
	for i in 1 2; do
		aisbx learn -q -o p$i.yaml -- sh -c 'cat data/1 data/5 x y; ls data'
	done
	diff <(sed '/^limits:/,/^#/d' p1.yaml) <(sed '/^limits:/,/^#/d' p2.yaml)
}

@test "--update shows what a profile lacks as a diff that patch takes" {
	touch a b
	mkdir out
	cat >mine.yaml <<-'EOF'
		# mine
		description: what I wrote
		extends: [shell]   # and why
		files:
		  read: [./a]
		limits: {wall: 1m}
	EOF
	aisbx learn -q --update ./mine.yaml -- sh -c 'cat a b; echo >out/x' >diff
	cat >want <<-'EOF'
		--- ./mine.yaml
		+++ ./mine.yaml
		@@ -2,5 +2,7 @@
		 description: what I wrote
		 extends: [shell]   # and why
		 files:
		-  read: [./a]
		+  read: [./a, ./b]
		+  write:
		+    - ./out  # x is made or removed
		 limits: {wall: 1m}
	EOF
	diff want diff
	if command -v patch >/dev/null; then
		patch -s -p0 mine.yaml <diff
		aisbx run -p ./mine.yaml -- sh -c 'cat a b; echo >out/x'
	fi
	aisbx learn -q --update ./mine.yaml -- cat a >diff
	[ ! -s diff ]
	echo 'print(open("b").read())' >read.py
	run aisbx learn -q --update python -- python3 read.py
	grep -q '^+    - ./read.py' <<<"$output"
	run ! grep -q '^+    - \.  ' <<<"$output"
}
