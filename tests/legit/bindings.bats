#!/usr/bin/env bats
# A real use of a binding: queries of a database whose password and socket the box does not have.
load ../lib/common

# PostgreSQL wants a user with a name, and not root: in a namespace of its own every user is nobody.
as_nobody() {
	as_user unshare --user --map-user=65534 --map-group=65534 -- "$@"
}

setup_more() {
	local program
	pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
	[ -x "$pg/postgres" ] || must_or_skip "postgresql is not installed"
	as_nobody true || must_or_skip "user namespaces are not to be had outside aisbx"
	# not below a directory that is the caller's alone
	db=$(mktemp -d /tmp/aisbx-db.XXXXXX)
	chmod 777 "$db"
	echo owners-word >"$db/word"
	cd /
	as_nobody "$pg/initdb" -D "$db/data" -A scram-sha-256 -U owner --pwfile="$db/word" --no-sync \
		>"$T/log" 2>&1 3>&- || {
		cat "$T/log" >&2
		return 1
	}
	as_nobody "$pg/postgres" -D "$db/data" -k "$db" -h '' -F >>"$T/log" 2>&1 3>&- &
	postgres=$!
	# the caller's id need not have a name
	eventually "$pg/pg_isready" -q -h "$db" -U owner
	PGPASSWORD=owners-word psql -q -h "$db" -U owner postgres <<-'E'
		create table orders(id int primary key, customer text);
		insert into orders values (1, 'ann'), (2, 'bob');
		create table salaries(customer text, amount int);
		create role reader login password 'readers-word';
		grant select on orders to reader;
		alter role reader set default_transaction_read_only = on;
	E
	cd "$T"
}

teardown_more() {
	if [ -n "${postgres:-}" ]; then
		as_user kill -INT "$(head -n 1 "$db/data/postmaster.pid")" 2>/dev/null || true
		wait "$postgres" || true
	fi
	as_user rm -rf "$db/data"
	rm -rf "$db"
}

@test "PostgreSQL behind db-query, with a role that can only read" {
	cat >p.yaml <<-E
		extends: [python]
		bindings:
		  - name: db-query
		    command: [psql, -X, -q, --csv, -v, ON_ERROR_STOP=1, -f, "-", "host=$db user=reader dbname=postgres"]
		    env: [PGPASSWORD=readers-word]
		    timeout: 10s
		    max_input: 4K
		    max_calls: 20
		audit: {file: a.jsonl}
	E
	cat >query.py <<-'E'
		import csv, io, os, socket, subprocess
		def query(sql):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(os.environ["AISBX_BINDINGS"] + "/db-query.sock")
		    s.sendall(sql.encode() + b";")
		    s.shutdown(socket.SHUT_WR)
		    return b"".join(iter(lambda: s.recv(4096), b"")).decode()
		rows = list(csv.DictReader(io.StringIO(query("select * from orders order by id"))))
		assert rows == [{"id": "1", "customer": "ann"}, {"id": "2", "customer": "bob"}], rows
		def fails(sql, why):
		    done = subprocess.run(["db-query"], input=sql.encode() + b";", capture_output=True)
		    assert done.returncode != 0 and why in done.stderr.decode(), done
		fails("insert into orders values (3, 'eve')", "read-only transaction")
		fails("set default_transaction_read_only = off; insert into orders values (3, 'eve')", "permission denied")
		fails("select * from salaries", "permission denied")
		fails("select pg_sleep(60)", "its time was up")
		fails("select 1;" * 1000, "the request is too long")
		# neither the password nor the socket is anywhere in reach
		assert "readers-word" not in str(os.environ)
		for path in "/proc/self/environ", "/proc/1/environ":
		    try:
		        assert b"readers-word" not in open(path, "rb").read()
		    except OSError:
		        pass
		print("fine", os.path.exists(os.environ["DB"]))
	E
	run aisbx run -p ./p.yaml -e "DB=$db" --script query.py
	status_is 0
	output_is "fine False"
	# the control: whoever has the owner's password may write
	run env PGPASSWORD=owners-word psql -q -h "$db" -U owner postgres -c "insert into orders values (3, 'eve')"
	status_is 0
	[ "$(grep -c '"event":"binding"' a.jsonl)" -eq 6 ]
	conforms a.jsonl
}
