#!/usr/bin/env bats
# Other protocols: PostgreSQL, Redis, ssh, nginx, and a static program with musl. The
# servers are not in the README's list, as nobody wants them unasked; .ci/run has them.
load net

setup_servers() {
	need jq
	hosts_are "93.184.216.34 web.test db.test ssh.test"
	# A root caller's servers run as somebody else: PostgreSQL refuses root.
	[ "$CALLER" = user ] || chown "$OTHER_UID:$OTHER_GID" "$W"
	chmod 755 "$W"
}

# start_as_user NAME COMMAND...
start_as_user() {
	local name=$1
	shift
	if [ "$CALLER" = root ]; then
		start "$name" setpriv --reuid "$OTHER_UID" --regid "$OTHER_GID" --clear-groups -- "$@"
	else
		start "$name" "$@"
	fi
}

postgres_program() { # of Debian's versioned packages the newest, or any
	local found
	found=$(ls -d /usr/lib/postgresql/*/bin/"$1" 2>/dev/null | sort -V | tail -1)
	echo "${found:-$(command -v "$1")}"
}

@test "psql and PostgreSQL" {
	command -v psql >/dev/null && [ -x "$(postgres_program postgres)" ] &&
		[ -x "$(postgres_program initdb)" ] || skip "PostgreSQL is not installed"
	as_user "$(postgres_program initdb)" -D "$W/pg" -U tester -A trust --no-sync >initdb.log 2>&1 ||
		skip "initdb does not work here: $(tail -1 initdb.log)"
	echo "host all all 0.0.0.0/0 trust" >>"$W/pg/pg_hba.conf"
	start_as_user postgres "$(postgres_program postgres)" -D "$W/pg" -h 93.184.216.34 -p 5432 \
		-k "$W" -c fsync=off
	await 93.184.216.34 5432
	in_box --allow-host db.test:5432 --env PGCONNECT_TIMEOUT=20 -- psql -X -h db.test -U tester \
		-d postgres -Atc 'select 6 * 7' -c 'select sum(i) from generate_series(1, 100000) i'
	output_is $'42\n5000050000'
	in_box --allow-host web.test:5432 -- psql -X -h db.test -U tester -d postgres -Atc 'select 1'
	status_is 2
}

@test "redis-cli and Redis" {
	need redis-cli redis-server
	start redis redis-server --port 6379 --bind 93.184.216.34 --save "" --dir "$T" \
		--protected-mode no
	await 93.184.216.34 6379
	in_box --allow-host db.test:6379 -- sh -c '
		redis-cli -h db.test set key fine
		redis-cli -h db.test get key
		seq 5000 | sed "s/.*/INCR counter/" | redis-cli -h db.test --pipe >/dev/null
		redis-cli -h db.test get counter'
	output_is $'OK\nfine\n5000'
}

@test "ssh and sshd: a command, its status, a file both ways" {
	need ssh ssh-keygen
	local sshd
	sshd=$(PATH=$PATH:/usr/sbin command -v sshd) || must_or_skip "sshd is not installed"
	local name id=$(id -u)
	[ "$CALLER" = user ] || id=$OTHER_UID
	name=$(getent passwd "$id" | cut -d: -f1)
	ssh-keygen -q -t ed25519 -N "" -f hostkey
	ssh-keygen -q -t ed25519 -N "" -f key
	mkdir -p "$W/ssh"
	cp hostkey hostkey.pub key.pub "$W/ssh/"
	cat >"$W/ssh/config" <<-E
		HostKey $W/ssh/hostkey
		AuthorizedKeysFile $W/ssh/key.pub
		ListenAddress 93.184.216.34:2222
		PidFile none
		StrictModes no
		UsePAM no
		PasswordAuthentication no
	E
	[ "$CALLER" = user ] || chown -R "$OTHER_UID:$OTHER_GID" "$W/ssh"
	start_as_user sshd "$sshd" -D -e -f "$W/ssh/config"
	await 93.184.216.34 2222
	echo "[ssh.test]:2222 $(cat hostkey.pub)" >known
	head -c 3000000 /dev/urandom >data
	in_box --allow-host ssh.test:2222 --ro . -- sh -c '
		s="ssh -p 2222 -i $1 -o IdentitiesOnly=yes -o UserKnownHostsFile=known -o BatchMode=yes $2@ssh.test"
		cp key /tmp/key && chmod 600 /tmp/key
		$s "echo fine; exit 3"; echo $?
		$s cat <data | cmp - data && echo same' sh /tmp/key "$name"
	output_is $'fine\n3\nsame'
}

@test "nginx: many small files over one connection, a large one" {
	need curl
	local nginx
	nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || must_or_skip "nginx is not installed"
	mkdir -p "$W/nginx/www"
	head -c 20000000 /dev/urandom >"$W/nginx/www/large"
	echo small >"$W/nginx/www/small"
	cat >"$W/nginx/conf" <<-E
		daemon off; master_process off; pid $W/nginx/pid; error_log stderr;
		events { worker_connections 256; }
		http {
			access_log off; sendfile on;
			client_body_temp_path $W/nginx/t1; proxy_temp_path $W/nginx/t2;
			fastcgi_temp_path $W/nginx/t3; uwsgi_temp_path $W/nginx/t4;
			scgi_temp_path $W/nginx/t5;
			server { listen 93.184.216.34:8080; root $W/nginx/www; }
		}
	E
	[ "$CALLER" = user ] || chown -R "$OTHER_UID:$OTHER_GID" "$W/nginx"
	start_as_user nginx "$nginx" -p "$W/nginx" -e stderr -c "$W/nginx/conf"
	await 93.184.216.34 8080
	in_box --allow-host web.test:8080 -- sh -c '
		curl -sS "http://web.test:8080/small?[1-200]" | sort | uniq -c | tr -s " "
		curl -sS http://web.test:8080/large | sha256sum | cut -d" " -f1'
	output_is $' 200 small\n'"$(sha256sum <"$W/nginx/www/large" | cut -d' ' -f1)"
	jq_is '[.connections[] | .count]' '[2]'
}

@test "a static program with musl: getaddrinfo and connect" {
	need musl-gcc
	cat >get.c <<-'E'
		#include <netdb.h>
		#include <stdio.h>
		#include <string.h>
		#include <sys/socket.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
			struct addrinfo *info, *other;
			char line[64];
			int r = getaddrinfo("web.test", "7777", &hints, &info);
			if (r || !getaddrinfo("other.test", "7777", &hints, &other)) {
				puts(r ? gai_strerror(r) : "found");
				return 1;
			}
			for (; info; info = info->ai_next) {
				int fd = socket(info->ai_family, SOCK_STREAM, 0);
				if (connect(fd, info->ai_addr, info->ai_addrlen) == 0) {
					ssize_t n = read(fd, line, sizeof line);
					return n < 0 || write(1, line, n) != n;
				}
				close(fd);
			}
			puts("no connection");
			return 1;
		}
	E
	musl-gcc -static -o get get.c
	start fine python3 -c '
import socket
s = socket.create_server(("93.184.216.34", 7777))
while True: s.accept()[0].sendall(b"fine")'
	await 93.184.216.34 7777
	fine --allow-host web.test:7777 --ro get -- ./get
}
