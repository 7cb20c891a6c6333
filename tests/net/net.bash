# Helpers of the network tests; loaded with: load net
#
# The file runs in a network of its own (lib/own-network), so its ports are its
# own too: fixed. W is a directory per file, of server.py and what it serves; the CA
# of its certificate is $W/ca.pem.
load ../lib/common

BOUND=60
W=$NETWORK_DIR/work
PIDS=()

# start NAME COMMAND...: in the background until the test, or the file, ends.
start() {
	local name=$1
	shift
	timeout -k 1 $((240 * AISBX_TEST_PATIENCE)) "$@" >"$NETWORK_DIR/$name.log" 2>&1 3>&- </dev/null &
	PIDS+=($!)
}

stop_all() {
	[ ${#PIDS[@]} -eq 0 ] || kill "${PIDS[@]}" 2>/dev/null || true
	[ ${#PIDS[@]} -eq 0 ] || wait "${PIDS[@]}" 2>/dev/null || true
	PIDS=()
}

answers() { # ADDRESS PORT
	(exec 9<>"/dev/tcp/$1/$2") 2>/dev/null
}

await() { # ADDRESS PORT: a server listens there
	local end=$((SECONDS + 30))
	until answers "$1" "$2"; do
		[ $SECONDS -lt $end ] || {
			echo "nothing listens on $1 port $2:" >&2
			tail -5 "$NETWORK_DIR"/*.log >&2
			return 1
		}
		read -rt 0.05 <> <(:) || true
	done
}

# What the host knows: the lines of its hosts file.
hosts_are() {
	printf '%s\n' "127.0.0.1 localhost" "$@" >"$NETWORK_DIR/hosts"
}

# A CA and a certificate for NAME...
make_certificate() {
	local name names=
	for name; do names+=${names:+,}DNS:$name; done
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=test CA" -keyout "$W/ca.key" -out "$W/ca.pem" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
		-keyout "$W/server.key" -out "$W/server.csr" 2>/dev/null
	openssl x509 -req -in "$W/server.csr" -CA "$W/ca.pem" -CAkey "$W/ca.key" -days 2 \
		-CAcreateserial -out "$W/server.crt" 2>/dev/null \
		-extfile <(echo "subjectAltName=$names,IP:93.184.216.34")
	cat "$W/server.key" "$W/server.crt" >"$W/server.pem"
}

# Without certificates when none were made.
start_server() {
	mkdir -p "$W/www"
	start server python3 "$BATS_TEST_DIRNAME/server.py" "$W"
	await 93.184.216.34 9064 # its last
}

setup_file() {
	mkdir -p "$W"
	if declare -F setup_servers >/dev/null; then setup_servers; fi
	declare -p PIDS >"$NETWORK_DIR/pids"
}

teardown_file() {
	[ -e "$NETWORK_DIR/pids" ] || return 0 # skipped, all of it
	. "$NETWORK_DIR/pids"
	kill "${PIDS[@]}" 2>/dev/null || true
}

teardown_more() {
	stop_all
}

# in_box OPTION... -- COMMAND...: `run`, with the result in result.json
in_box() {
	run aisbx run --result result.json "$@"
}

fine() { # OPTION... -- COMMAND...: it ends with 0 and says nothing but "fine"
	in_box "$@"
	status_is 0
	output_is fine
}

# jq_is FILTER WANT: of the result
jq_is() {
	local got
	got=$(jq -c "$1" result.json)
	[ "$got" = "$2" ] || {
		echo "$1 is $got, want $2" >&2
		return 1
	}
}
