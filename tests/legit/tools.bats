#!/usr/bin/env bats
# Shells, compilers, version control and small tools run unchanged.
load ../lib/common

sh_fine() { # the script on stdin, in bash
	run aisbx run -p shell --max-output none "$@"
	status_is 0
	[ "$(tail -1 <<<"$output")" = fine ]
}

@test "bash: pipes, substitution, here documents, jobs, traps, arrays, printf" {
	sh_fine <<-'E'
		set -euo pipefail
		[ "$(printf '%s\n' b a c | sort | tr -d '\n')" = abc ]
		diff <(echo a) <(echo a)
		cat <<X >/tmp/x
		$((6 * 7))
		X
		[ "$(cat /tmp/x)" = 42 ]
		sleep 0.05 & wait $!
		trap 'echo trapped' USR1; kill -USR1 $$
		declare -A m=([a]=1); [ "${m[a]}" = 1 ]
		coproc cat; echo hi >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; [ "$line" = hi ]
		exec 5<>/tmp/y; echo z >&5
		echo fine
	E
}

@test "coreutils and friends" {
	sh_fine <<-'E'
		set -e
		cd /tmp; mkdir -p a/b; echo x >a/b/f; cp -a a c; mv c d; ln -s d e; rm -r a
		[ "$(find . -name f | wc -l)" = 1 ]
		seq 1000 | xargs -P 4 -n 10 echo | wc -w | grep -qx 1000
		tar czf t.tgz d; mkdir u; tar xzf t.tgz -C u; cmp d/b/f u/d/b/f
		echo abc | sed s/b/x/ | awk '{print $1}' | grep -q axc
		date -d @0 -u +%Y | grep -qx 1970
		stat / /tmp /etc/passwd >/dev/null; df /tmp >/dev/null; du -s /tmp >/dev/null
		touch -d 2001-01-01 old; [ old -ot d ]; chmod 750 d; install -m 644 old new
		timeout 0.1 sleep 5 || [ $? = 124 ]; nice true; nohup true </dev/null >/dev/null 2>&1
		head -c 100 /dev/urandom | base64 -w0 | base64 -d | wc -c | grep -qx 100
		mktemp >/dev/null; mktemp -d >/dev/null; tee x </dev/null; split -b 1 old; sync
		id -un | grep -qx user; whoami | grep -qx user; hostname >/dev/null; nproc >/dev/null
		flock /tmp/lock true; setsid true; stdbuf -o0 true; env -i true; tty || true
		echo fine
	E
}

@test "sort of much data uses /tmp" {
	run bash -c 'seq 3000000 | shuf --random-source=<(yes) | timeout $((100 * AISBX_TEST_PATIENCE)) "$AISBX" run -- sort -n -S 10M | md5sum'
	output_is "$(seq 3000000 | md5sum)"
}

@test "git: init, commit, log, branch, merge, clone, gc in a granted directory" {
	need git
	mkdir repo
	run aisbx run --rw ./repo -C ./repo -e GIT_AUTHOR_NAME=a -e GIT_AUTHOR_EMAIL=a@b -e GIT_COMMITTER_NAME=a \
		-e GIT_COMMITTER_EMAIL=a@b -- sh -ec '
		git init -q -b main .; echo one >f; git add f; git commit -qm one
		git checkout -qb other; echo two >>f; git commit -qam two; git checkout -q main
		git merge -q other; git log --oneline | wc -l; git status --porcelain
		git clone -q . /tmp/clone; git -C /tmp/clone log -1 --format=%s; git gc -q; git fsck; git stash list; git diff HEAD~1 --stat | tail -1'
	status_is 0
	contains "$output" $'2\ntwo\n'
	[ "$(git -c safe.directory='*' -C repo log --oneline | wc -l)" = 2 ]
}

@test "gcc and make, a program that is built and run" {
	need gcc make
	mkdir src
	printf '#include <stdio.h>\n#include <pthread.h>\nint main(void){puts("built");return 0;}\n' >src/a.c
	printf 'a: a.o\n\tgcc -o a a.o\na.o: a.c\n\tgcc -O2 -g -c a.c\n' >src/Makefile
	run aisbx run --rw ./src -C ./src -- sh -c 'make -s -j4 && ./a'
	status_is 0
	output_is built
	run aisbx run --ro ./src -- sh -c 'gcc -x c -o /tmp/a src/a.c && /tmp/a'
	output_is built
	need g++
	run aisbx run -- sh -c 'echo "#include <iostream>
int main(){try{throw 1;}catch(int){std::cout<<\"cxx\";}}" >/tmp/b.cc; g++ -pthread -fsanitize=undefined -o /tmp/b /tmp/b.cc && /tmp/b'
	output_is cxx
}

@test "perl" {
	need perl
	run aisbx run -- perl -MFile::Temp=tempfile -MSocket -MPOSIX -e '
		my ($h, $n) = tempfile(); print $h "x"; close $h; die unless -s $n;
		my $pid = fork // die; exit 3 unless $pid; waitpid $pid, 0; die unless $? >> 8 == 3;
		die unless `echo hi` eq "hi\n"; socketpair(A, B, AF_UNIX, SOCK_STREAM, 0) or die;
		die unless (getpwuid($<))[0] eq "user"; print "fine\n"'
	output_is fine
}

@test "java and javac" {
	need java
	cat >A.java <<-'E'
		import java.util.stream.*;
		public class A { public static void main(String[] a) throws Exception {
			Thread t = new Thread(() -> {}); t.start(); t.join();
			Process p = new ProcessBuilder("echo", "child").start();
			String s = new String(p.getInputStream().readAllBytes());
			try (var z = new java.net.ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress());
			     var c = new java.net.Socket(z.getInetAddress(), z.getLocalPort())) { }
			java.nio.file.Files.createTempFile("a", "b");
			System.out.println(s.trim() + IntStream.range(0, 1000).parallel().sum());
		} }
	E
	run aisbx run --ro "$T" -- java A.java
	status_is 0
	output_is child499500
	need javac
	run aisbx run --rw "$T" -C "$T" -- sh -c 'javac A.java && java -cp . A'
	output_is child499500
}

@test "a terminal inside, by script" {
	need script
	run aisbx run -- script -qec 'tty; stty size >/dev/null; echo end' /dev/null
	contains "$output" /dev/pts/
	contains "$output" end
}

@test "/dev: null, zero, full, random, urandom, fd, shm, tty, ptmx, pts" {
	sh_fine <<-'E'
		set -e
		echo x >/dev/null; [ "$(head -c 3 /dev/zero | wc -c)" = 3 ]; ! echo x 2>/dev/null >/dev/full
		[ "$(head -c 3 /dev/random /dev/urandom | wc -c)" -ge 6 ]
		echo in | cat /dev/fd/0 | grep -q in; echo x >/dev/shm/f; cat /dev/shm/f; ls /dev/pts >/dev/null
		[ -c /dev/ptmx ]; [ -e /dev/tty ]; [ -L /dev/stdin ]
		[ "$(stat -c %a /dev/shm /tmp | sort -u)" = 1777 ]
		echo fine
	E
}

@test "/proc: what programs read about the machine and themselves" {
	sh_fine <<-'E'
		set -e
		for f in cpuinfo meminfo stat loadavg uptime version filesystems self/status self/maps self/stat \
			self/mountinfo self/limits sys/kernel/pid_max sys/kernel/osrelease sys/vm/overcommit_memory \
			sys/kernel/random/uuid net/tcp self/exe self/fd/0; do
			head -c 10 /proc/$f >/dev/null
		done
		grep -q processor /proc/cpuinfo; grep -q MemTotal /proc/meminfo
		[ "$(cat /proc/self/comm)" = cat ]
		ps -e >/dev/null; free >/dev/null; uptime >/dev/null; nproc >/dev/null
		echo fine
	E
}

@test "users and groups: exactly root and user" {
	run aisbx run -- sh -c 'getent passwd | cut -d: -f1; getent group | cut -d: -f1; getent passwd user | cut -d: -f6'
	output_is "root"$'\n'"user"$'\n'"root"$'\n'"user"$'\n'"$HOME"
}

@test "names: localhost yes, others no, within a second" {
	run aisbx run -- sh -c 'getent hosts localhost >/dev/null && echo local; getent hosts example.org || echo none'
	output_is $'local\nnone'
	run aisbx run -t 1s -- getent ahosts no-such-host.example
	status_is 2
	need curl
	run aisbx run -t 3s -- curl -s https://example.org/
	status_is 6
}

@test "a static program, a program with a funny name, a deep directory" {
	run box -- "$BIN/show" x
	output_is "arg x"
	local deep
	deep=$T/$(printf 'd%.0s/' $(seq 200))
	mkdir -p "$deep"
	echo in >"$deep/f"
	run aisbx run --ro "$T/d" -C "$deep" -- cat f
	output_is in
}

@test "sqlite3, curl to loopback, openssl, jq where they are" {
	run aisbx run -- sh -c '
		command -v sqlite3 >/dev/null && sqlite3 /tmp/x.db "create table t(a); insert into t values (1); select * from t" || echo 1
		command -v openssl >/dev/null && openssl rand -hex 4 >/dev/null && echo 2 || echo 2
		command -v jq >/dev/null && echo "{\"a\":3}" | jq .a || echo 3'
	output_is $'1\n2\n3'
}

@test "time: clocks run, sleep sleeps, files get the time" {
	run aisbx run -- sh -c 'a=$(date +%s); touch /tmp/f; b=$(stat -c %Y /tmp/f); [ $((b - a)) -le 1 ] && echo $a'
	[ $((output - $(date +%s))) -le 2 ]
}

@test "locale and UTF-8 file names" {
	run aisbx run --rw "$T" -- bash -c 'printf "\u00e9" >é; ls; cat é; [[ é == ? ]] && echo one'
	contains "$output" é
	contains "$output" one
}
