#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# files.protect: what later tools trust can be neither changed nor planted, and work goes on.
#
# AISBX            the binary
# AISBX_TEST_USER  run it as this user (needs root); else as the caller

setup() {
	AISBX=${AISBX:-aisbx}
	HERE=$BATS_TEST_DIRNAME
	PROJ=$(mktemp -d /tmp/aisbx-protect.XXXXXX)
	AS=()
	if [ -n "${AISBX_TEST_USER:-}" ]; then
		AS=(runuser -u "$AISBX_TEST_USER" -- env HOME=/nonexistent)
	fi
	export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
	make_tree "$PROJ/w"
	if [ -n "${AISBX_TEST_USER:-}" ]; then
		chown -R "$AISBX_TEST_USER" "$PROJ"
	fi
	cd "$PROJ/w"
}

teardown() {
	rm -rf "$PROJ"
}

git_() {
	git -c user.name=t -c user.email=t@t -c init.defaultBranch=main -c protocol.file.allow=always -c safe.directory='*' "$@"
}

make_tree() {
	mkdir -p "$1"
	cd "$1"
	git_ init -q .
	echo a >a
	git_ add a
	git_ commit -qm one
	echo '#!/bin/sh' >.git/hooks/pre-commit
	chmod 644 .git/hooks/pre-commit
	mkdir -p .git/modules/m/hooks .git/info .git/objects/info .vscode/x plain d1 deep/er almost/objects almost/refs
	echo x >.git/modules/m/config
	git_ worktree add -q wt >/dev/null 2>&1
	git_ init -q sub
	cp -r sub deep/er/repo
	git_ init -q --bare fix.git
	echo old >.envrc
	echo '{}' >.vscode/settings.json
	ln -s a link
	ln -s missing-target dangling
	mkdir .vscode2
}

box() { # PROFILE-OPTIONS... -- COMMAND...
	"${AS[@]}" "$AISBX" run "$@"
}

# A "!" would not end the test.
fails() {
	if "$@"; then
		echo "did not fail: $*" >&2
		return 1
	fi
}

# Everything that later tools could see, but for what access itself changes.
fingerprint() {
	(cd "$PROJ" && find . -printf '%p %y %m %U %l\n' | LC_ALL=C sort &&
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum
}

agent() {
	box -p agent -- "$@"
}

refused() { # COMMAND...: fails, and says why
	run "$@"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"peration not permitted"* ]]
}

@test "every attack fails with its errno and changes nothing on the host" {
	before=$(fingerprint)
	run box -p agent --ro "$HERE/protect-probe.py:/probe.py" -- /usr/bin/python3 /probe.py held
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(fingerprint)" = "$before" ]
}

@test "positive control: without files.protect the same attacks succeed" {
	run box -p shell --rw . --ro "$HERE/protect-probe.py:/probe.py" -- /usr/bin/python3 /probe.py free
	echo "$output"
	# The kernel itself follows no link that leaves its mount, and allows no way round these two;
	# an older one does not know every call.
	[ "$(echo "$output" | grep -v '^whiteout: \|: ENOSYS$\|attacks, ' | wc -l)" -eq 0 ]
}

@test "git init and git clone plant nothing" {
	before=$(fingerprint)
	refused agent git init new
	rmdir new
	refused agent git init --bare new.git
	rm -rf new.git
	refused agent git clone -q . copy
	[ ! -e copy/.git ]
	rm -rf copy
	refused agent git config core.fsmonitor evil
	refused agent git -c protocol.file.allow=always submodule add ./fix.git x
	[ "$(fingerprint)" = "$before" ]
	# /tmp is the box's own
	agent sh -c 'cd /tmp && git init -q n && test -d n/.git'
}

@test "race: a path that changes after it was read gains nothing" {
	cc -O1 -pthread -o "$PROJ/race" "$HERE/protect-race.c"
	before=$(fingerprint)
	touch ok
	[ -z "${AISBX_TEST_USER:-}" ] || chown "$AISBX_TEST_USER" ok
	local round
	for round in 1 2 3 4 5 6; do # until both texts were met
		run box -p agent --ro "$PROJ/race:/race" -- /race 20000 ok .git/config
		echo "$output"
		[ "$status" -eq 0 ]
		opened=${output#*opened }
		[ "$opened" -eq 0 ] || [ "$opened" -eq 20000 ] || break
	done
	[ "$opened" -gt 0 ] && [ "$opened" -lt 20000 ]
	rm -f ok
	[ "$(fingerprint)" = "$before" ]
	# control: without protection the same race writes both
	for round in 1 2 3 4 5 6; do
		touch ok
		[ -z "${AISBX_TEST_USER:-}" ] || chown "$AISBX_TEST_USER" ok
		box -p shell --rw . --ro "$PROJ/race:/race" -- /race 400000 ok .git/config
		rm -f ok
		[ "$(fingerprint)" = "$before" ] || break
	done
	[ "$(fingerprint)" != "$before" ]
}

@test "race: parents that change places gain nothing" {
	before=$(fingerprint)
	cat >"$PROJ/swap.py" <<-'PY'
	import ctypes, os, threading
	libc = ctypes.CDLL(None)
	os.mkdir("s"); os.symlink(".git", "t"); stop = False
	def swap():
	    while not stop: libc.syscall(316 if os.uname().machine == "x86_64" else 276, -100, b"s", -100, b"t", 2)
	thread = threading.Thread(target=swap); thread.start()
	done = tries = 0
	while tries < 3000 or (not done and tries < 300000):
	    tries += 1
	    try: os.close(os.open("s/config", os.O_WRONLY | os.O_CREAT)); done += 1
	    except OSError: pass
	    try: os.close(os.open("s/hooks/post-commit", os.O_WRONLY | os.O_CREAT))
	    except OSError: pass
	stop = True; thread.join()
	for name in ("s", "t"):
	    if os.path.islink(name): os.unlink(name)
	    else:
	        if os.path.exists(name + "/config"): os.unlink(name + "/config")
	        os.rmdir(name)
	assert done
	PY
	chmod 644 "$PROJ/swap.py"
	before=$(fingerprint)
	box -p agent --ro "$PROJ/swap.py:/swap.py" -- /usr/bin/python3 /swap.py
	[ "$(fingerprint)" = "$before" ]
}

@test "kill -9 at any moment leaves nothing planted" {
	before=$(fingerprint)
	for delay in 0.002 0.005 0.01 0.02 0.05 0.1 1; do
		"${AS[@]}" "$AISBX" run -p agent -- sh -c '
			: > started
			while :; do
				echo x > .envrc; echo x > plain/.envrc; mkdir plain/.git; : > .git/hooks/post-commit
			done' 2>/dev/null &
		sleep "$delay"
		kill -9 $! 2>/dev/null || true
		wait $! || true
	done
	[ -e started ] # the last one at least got to its loop
	rm -f started
	sleep 0.2 # boxes die with their supervisor, but after it
	[ "$(fingerprint)" = "$before" ]
}

@test "a grant inside .git knows where it is" {
	before=$(fingerprint)
	refused box -p agent --rw .git:/g -- sh -c 'echo x > /g/config'
	refused box -p agent --rw .git/hooks:/h -- sh -c 'echo x > /h/post-commit'
	[ "$(fingerprint)" = "$before" ]
	box -p agent --rw .git/refs:/r -- sh -c 'echo x > /r/hooks && rm /r/hooks'
}

@test "what is hidden, granted deeper, or the profile itself stays where it is" {
	echo secret >.env
	echo 'extends: [agent]' >own.yaml
	mkdir -p ro/deep
	[ -z "${AISBX_TEST_USER:-}" ] || chown -R "$AISBX_TEST_USER" .env own.yaml ro
	before=$(fingerprint)
	run box -p ./own.yaml --hide ./.env --ro ./ro/deep -- sh -c '
		for f in .env own.yaml ro/deep/x; do echo x > $f && echo WROTE $f; done
		for f in .env own.yaml ro/deep ro; do mv $f moved && echo MOVED $f; done
		rm -f .env own.yaml; cat .env; rmdir ro/deep; :' 
	echo "$output"
	[[ "$output" == *cannot* ]]
	[[ "$output" != *WROTE* && "$output" != *MOVED* && "$output" != *secret* ]]
	[ "$(fingerprint)" = "$before" ]
	box -p ./own.yaml --hide ./.env --ro ./ro/deep -- sh -c 'echo x > ro/x && mv ro/x y && rm y'
}

@test "rename over mounts says EXDEV and mv copes" {
	agent sh -c 'echo x > f && mv f /tmp/f && mv /tmp/f g && rm g'
}

@test "flood: signals and the clock get through" {
	start=$(date +%s)
	run box -p agent -t 2s -- sh -c '
		for i in 1 2 3 4 5 6 7 8; do (while :; do : > flood$i; done) & done; wait'
	[ "$status" -eq 124 ]
	[ $(($(date +%s) - start)) -lt 8 ]
	rm -f flood*
	run box -p agent -- sh -c '(while :; do : > flood; done) & sleep 0.3; exit 7'
	[ "$status" -eq 7 ]
	rm -f flood
}

@test "random calls do and say in the grant what they do elsewhere" {
	for seed in 1 2 3; do
		run box -p agent --ro "$HERE/protect-same.py:/same.py" -- /usr/bin/python3 /same.py $seed 2000
		echo "$output"
		[ "$status" -eq 0 ]
		rm -r same
	done
}

@test "work: git" {
	agent sh -ec '
		export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
		git status --short >/dev/null
		for i in 1 2 3; do echo $i >> f; git add f; git commit -qm $i; done
		git diff HEAD~1 >/dev/null; git log --oneline >/dev/null
		git branch hooks; git branch config; git checkout -q -b topic HEAD~1
		echo t > t; git add t; git commit -qm topic
		git checkout -q main; git merge -q -m merged topic
		git checkout -q topic; echo u > u; git add u; git commit -qm u
		git -c rebase.backend=apply rebase -q main
		git checkout -q -b other HEAD~2; echo o > o; git add o; git commit -qm o
		git rebase -q main
		echo dirty >> f; git stash -q; git stash pop -q; git checkout -q -f .
		git branch feature/objects; git update-ref refs/remotes/o/x HEAD; git symbolic-ref refs/remotes/o/HEAD refs/remotes/o/x
		for i in 1 2; do echo $i > p$i; git add p$i; git commit -qm p$i; done
		git checkout -q -b picks HEAD~2; git cherry-pick -x other~1 other >/dev/null
		git revert --no-edit HEAD HEAD~1 >/dev/null; test ! -e .git/sequencer; git checkout -q other
		git tag v1; git cherry-pick topic >/dev/null || git cherry-pick --abort
		git gc -q; git repack -adq; git fsck >/dev/null 2>&1; git reset -q --hard HEAD~1
		test -z "$(git status --short | grep -v "^??")"
	'
	git_ fsck
}

@test "work: git in a worktree whose repository is granted too, and nothing of it opens" {
	git_ worktree add -q ../linked
	cd ../linked
	box -p agent --rw ../w/.git -- sh -c 'echo n >n && git add n &&
		git -c user.name=t -c user.email=t@t commit -qm two && test -z "$(git status --short)"'
	fails box -p agent --rw ../w/.git -- sh -c 'echo x >../w/.git/hooks/post-commit'
	fails box -p agent --rw ../w/.git -- sh -c 'echo x >../w/.git/config'
	fails box -p agent --rw ../w/.git -- sh -c 'echo x >.git'
	[ "$(git_ log --oneline | wc -l)" -eq 2 ]
}

@test "work: a writable grant in a protected one is writable, and as protected" {
	mkdir -p d1/in ro/out
	echo a >d1/f
	box -p agent --rw d1 --ro ro --rw ro/out -- sh -c 'echo b >d1/f && touch d1/in/x ro/out/x z &&
		mv z d1/ && mv d1/f d1/in/ && rm d1/in/x && ! touch ro/x'
	[ "$(cat d1/in/f)" = b ]
	fails box -p agent --rw d1 -- sh -c 'touch d1/.envrc'
	fails box -p agent --rw d1 -- sh -c 'mv d1 d3'
	fails box -p agent --rw d1/in -- sh -c 'mv d1 d3'
	fails box -p agent --rw d1/in -- sh -c 'rm -r d1/in'
	fails box -p agent --rw d1 -- sh -c 'mkdir d1/.vscode'
	fails box -p agent --rw d1 -- sh -c 'mv sub d1/.git'
	[ "$(ls -A d1)" = $'in\nz' ]
	[ ! -e d3 ]
}

@test "work: a todo list with a command is refused" {
	agent sh -ec '
		export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
		for i in 1 2 3; do echo $i >> f; git add f; git commit -qm $i; done'
	refused agent sh -c '
		export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
		git rebase -q --exec "touch evil" HEAD~2'
	[ ! -e .git/rebase-merge/git-rebase-todo ]
	refused agent sh -c '
		mkdir -p .git/rebase-merge
		printf "pick %s x\n  exec touch evil\n" $(git rev-parse HEAD) > .git/rebase-merge/l
		mv .git/rebase-merge/l .git/rebase-merge/git-rebase-todo'
	[ ! -e .git/rebase-merge/git-rebase-todo ]
	agent rm -r .git/rebase-merge
	[ ! -e .git/rebase-merge ]
	agent sh -c '
		export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
		GIT_SEQUENCE_EDITOR="sed -i s/^pick/squash/\;1s/squash/pick/" GIT_EDITOR=true git rebase -q -i HEAD~2'
}

@test "where names are free in .git no repository can be made for a link to lead into" {
	local zone
	for zone in refs/heads/x refs/x refs logs/x logs objects/x rr-cache/x refs/remotes/o \
		logs/refs/remotes/o; do
		git_ checkout -q -f main
		agent sh -c '
			zone=.git/$0
			mkdir -p $zone evil/objects evil/refs
			[ -s $zone/HEAD ] || echo "ref: refs/heads/main" >$zone/HEAD
			mkdir -p $zone/objects $zone/refs
			printf "[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = touch %s/planted; false\n" "$PWD" |
				tee $zone/config >evil/config
			echo "$PWD/evil" >$zone/commondir
			mkdir built && mkdir built/objects && mv built/objects $zone/
			ln -s $zone lib' $zone || true
		[ -L lib ]
		(cd lib && git_ status) || true
		fails test -e planted
		# What git would take the directory for: that of the project, or nothing.
		[ "$(cd lib && git rev-parse --absolute-git-dir)" = "$PROJ/w/.git" ]
		rm -rf lib evil built .git/refs/config .git/refs/commondir .git/refs/refs .git/refs/objects .git/"$zone"/x .git/logs/config
	done
}

@test "how git goes on with a cherry-pick or a rebase is no command of the box's" {
	git_ checkout -q -b side
	for i in 1 2; do
		echo $i >n$i
		git_ add n$i
		git_ commit -qm n$i
	done
	git_ checkout -q main
	echo other >n1
	git_ add n1
	git_ commit -qm other
	agent sh -c '
		mkdir git-merge-..
		printf "#!/bin/sh\ntouch planted\nexit 1\n" >evil
		chmod +x evil'
	chmod -R a+rwX "git-merge-.." evil

	agent git -c user.name=t -c user.email=t@t cherry-pick side~1 side || true
	[ -d .git/sequencer ]
	for how in 'printf "[options]\n\tstrategy = ../../evil\n" >.git/sequencer/opts' \
		'printf "[options] STRATEGY=../../evil\n" >.git/o && mv .git/o .git/sequencer/opts' \
		'mkdir .git/s && cp .git/sequencer/* .git/s && rm -r .git/sequencer && printf "[options] strategy=../../evil" >.git/s/opts && mv .git/s .git/sequencer'; do
		refused agent sh -c "$how"
		[ ! -e .git/sequencer/opts ]
	done
	git_ reset -q --hard main
	rm -rf .git/sequencer .git/s .git/o

	agent sh -c 'GIT_SEQUENCE_EDITOR=true git -c user.name=t -c user.email=t@t rebase -i main side' || true
	[ -d .git/rebase-merge ]
	refused agent sh -c 'echo ../../evil >.git/rebase-merge/strategy'
	refused agent sh -c 'echo ../../evil >.git/x && mv .git/x .git/rebase-merge/strategy'
	refused agent sh -c 'echo ../../evil >.git/x && ln .git/x .git/rebase-merge/strategy'
	# One that is there can be removed, as git does in the end, and not written.
	echo ort >.git/rebase-merge/strategy
	[ -z "${AISBX_TEST_USER:-}" ] || chown "$AISBX_TEST_USER" .git/rebase-merge/strategy
	refused agent sh -c 'echo ../../evil >.git/rebase-merge/strategy'
	agent rm .git/rebase-merge/strategy
	git_ add n1
	GIT_EDITOR=true git_ rebase --continue || true
	[ ! -e planted ]
}

@test "work: a tree of 5000 files, cp -r, tar, mv, rm" {
	agent sh -ec '
		mkdir node_modules
		for i in $(seq 50); do
			mkdir -p node_modules/p$i/lib
			for j in $(seq 100); do echo $j > node_modules/p$i/lib/f$j; done
		done
		test $(find node_modules -type f | wc -l) -eq 5000
		cp -r node_modules copy; diff -r node_modules copy
		tar cf t.tar copy; rm -rf copy; tar xf t.tar; diff -r node_modules copy
		mv copy copy2; mv node_modules/p1 copy2/moved
		rm -rf node_modules copy2 t.tar'
	[ ! -e node_modules ]
}

# cp -a copies a directory's ACL with setxattr(2).
@test "work: cp -a and mv from /tmp keep modes and times of directories" {
	agent sh -ec '
		mkdir -p /tmp/t/d t; chmod 750 /tmp/t/d; echo x > /tmp/t/d/f; touch -d 2001-01-01 /tmp/t/d
		cp -a /tmp/t/d t/; test $(stat -c %a t/d) = 750; test $(stat -c %Y t/d) -lt 1000000000
		mv /tmp/t/d t/e; test $(stat -c %a t/e) = 750; rm -r t'
}

@test "what a protected name leads to is protected too" {
	mkdir conf githooks
	echo x >conf/envrc
	rm .envrc
	ln -s conf/envrc .envrc
	ln -s conf/mcp .mcp.json
	mv .git/hooks/* githooks
	rmdir .git/hooks
	ln -s ../githooks .git/hooks
	[ -z "${AISBX_TEST_USER:-}" ] || chown -hR "$AISBX_TEST_USER" .
	before=$(fingerprint)
	run agent sh -c '
		for f in conf/envrc conf/mcp githooks/pre-commit githooks/x; do echo y > $f && echo WROTE $f; done
		mv conf x && echo MOVED; mv githooks x && echo MOVED; rm -rf githooks; :'
	[[ "$output" == *"ot permitted"* && "$output" != *WROTE* && "$output" != *MOVED* ]]
	[ "$(fingerprint)" = "$before" ]
	agent sh -c 'echo y > conf/other && rm conf/other'
}

@test "work: compilers, editors, databases, interpreters" {
	agent sh -ec '
		mkdir b; cd b
		printf "int main(void){return 0;}\n" > m.c
		printf "m: m.c\n\tcc -o \$@ \$<\n" > Makefile
		make -s; ./m; cc -c m.c -o m.o; ar rcs libm.a m.o
		sed -i s/return/return\ / m.c; echo x > s.sh; chmod +x s.sh; test -w s.sh; test -x s.sh
		touch -d 2001-01-01 s.sh; install -m 755 s.sh s2.sh
		cp m.c .m.c.swp; mv m.c m.c~; echo new > m.c; rm m.c~ .m.c.swp; ln -s m.c l; ln m.c h
		mkdir p; echo "def f(): return 1" > p/mod.py; cd p; python3 -c "import mod"; test -d __pycache__
		cd ..; echo a > /dev/stdout | cat; echo b | tee t1 t2 >/dev/null; truncate -s 0 t1'
	agent /usr/bin/python3 -c '
import sqlite3, threading, tempfile, os
def work(i):
    c = sqlite3.connect("db", timeout=30)
    for j in range(20): c.execute("insert into t values (?)", (i,)); c.commit()
c = sqlite3.connect("db"); c.execute("pragma journal_mode=wal"); c.execute("create table t (x)"); c.commit()
ts = [threading.Thread(target=work, args=(i,)) for i in range(4)]
[t.start() for t in ts]; [t.join() for t in ts]
assert c.execute("select count(*) from t").fetchone()[0] == 80
with tempfile.TemporaryFile(dir=".") as f: f.write(b"x")
with tempfile.NamedTemporaryFile(dir=".") as f: f.write(b"x")
'
	rm -rf b db*
}

@test "work: /dev/stdout of a file in the grant" {
	agent sh -c 'exec > out; echo 1 > /dev/stdout; echo 2 > /proc/self/fd/1; echo 3 | tee -a /dev/stdout >/dev/null; :'
	[ -s out ]
}
