#!/usr/bin/env bats
# Secrets and HTTP rules: real clients in the box, a real server on a public address whose CA only
# the host trusts, and a hunt for the value everywhere that the box can reach.
load net

CANARY=canary/3-is+this%where-it-ends
S=TOKEN=env:SOURCE@api.test

setup_servers() {
	need curl openssl git jq node
	hosts_are "93.184.216.34 api.test other.test" "93.184.216.35 strange.test"
	make_certificate api.test other.test
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=strange.test" -addext "subjectAltName=DNS:strange.test" \
		-keyout "$W/strange.key" -out "$W/strange.crt" 2>/dev/null
	git init -q --bare "$W/git/project.git"
	git -C "$W/git/project.git" config http.receivepack true
	start server node "$BATS_TEST_DIRNAME/secrets-server.js" "$W"
	await 93.184.216.34 8443 # its last
}

setup_more() {
	export SOURCE=$CANARY SSL_CERT_FILE=$W/ca.pem
	: >"$W/seen"
}

# What the server saw last, through a filter of jq's.
seen_is() { # FILTER WANT
	local got
	got=$(tail -n 1 "$W/seen" | jq -r "$1")
	[ "$got" = "$2" ] || {
		echo "the server saw $1 as $got, want $2" >&2
		return 1
	}
}

# Sends the file request as it is over TLS to api.test and shows all that comes back.
send_request() {
	in_box -p python --ro request "$@" -- python3 -I -c '
import socket, ssl, sys
s = ssl.create_default_context().wrap_socket(
    socket.create_connection(("api.test", 443), 20), server_hostname="api.test")
s.sendall(open("request", "rb").read())
s.settimeout(3)
out = b""
try:
    while True:
        part = s.recv(65536)
        if not part:
            break
        out += part
except OSError:
    pass
sys.stdout.write(out.decode("latin-1").replace("\r", ""))'
}

@test "curl: the placeholder is the value for the server, and the value is the placeholder in the box" {
	in_box --secret "$S" -- sh -c '
		printf %s "$TOKEN" >&2
		curl -sS -D- -H "Authorization: Bearer $TOKEN" -H "X-Api-Key: a $TOKEN b" https://api.test/echo' 2>placeholder
	status_is 0
	seen_is .headers.authorization "Bearer $CANARY"
	seen_is '.headers["x-api-key"]' "a $CANARY b"
	[[ $output == *"authorization"* ]]
	[[ $output != *"$CANARY"* ]]
	[ "$(grep -c "$CANARY" result.json)" = 0 ]
	jq_is '[.refused, .connections[0].host, .connections[0].count]' '[[],"api.test",1]'
}

@test "the placeholder: the value's length, another in each run, with the prefix that was asked for" {
	cat >p.yaml <<-'E'
		extends: [base]
		secrets:
		  - {name: TOKEN, source: "env:SOURCE", hosts: [api.test], prefix: sk-}
	E
	run aisbx run -p ./p.yaml -- printenv TOKEN
	status_is 0
	first=$output
	[ ${#first} -eq ${#CANARY} ]
	[[ $first == sk-* ]]
	run aisbx run -p ./p.yaml -- printenv TOKEN
	[ "$output" != "$first" ]
	SOURCE=short run aisbx run --secret "$S" -- printenv TOKEN
	[ ${#output} -eq 24 ]
	run aisbx run --env SOURCE --env "TOKEN=$CANARY" --env 'S*' --secret "$S" -- env
	[[ $output != *"$CANARY"* ]]
}

@test "a header that the program does not send is added, one that it sends is replaced" {
	cat >p.yaml <<-'E'
		extends: [base]
		secrets:
		  - {name: TOKEN, source: "env:SOURCE", hosts: [api.test], header: "Authorization: Bearer {}"}
	E
	in_box -p ./p.yaml -- curl -sS https://api.test/echo
	seen_is .headers.authorization "Bearer $CANARY"
	in_box -p ./p.yaml -- curl -sS -H 'Authorization: Basic eDp5' https://api.test/echo
	seen_is .headers.authorization "Bearer $CANARY"
	[[ $output != *"$CANARY"* ]]
}

@test "URL and body only where that is asked for" {
	in_box --secret "$S" -- sh -c 'curl -sS -d "key=$TOKEN" "https://api.test/echo?key=$TOKEN"'
	status_is 0
	[ "$(grep -c canary "$W/seen")" = 0 ]
	cat >p.yaml <<-'E'
		extends: [base]
		secrets:
		  - {name: TOKEN, source: "env:SOURCE", hosts: [api.test], also: [url, body]}
	E
	in_box -p ./p.yaml -- sh -c 'curl -sS -d "key=$TOKEN" "https://api.test/echo?key=$TOKEN"'
	status_is 0
	seen_is .body "key=$CANARY"
	seen_is .url "/echo?key=canary%2F3-is%2Bthis%25where-it-ends"
	[[ $output != *"canary"* ]]
	SOURCE=short in_box -p ./p.yaml -- sh -c 'curl -sS -d "<$TOKEN>" https://api.test/echo'
	seen_is .body "<short>"
	[[ $output == *'"body":"<'????????????????????????'>"'* ]]
}

@test "methods and paths: elsewhere the placeholder stays what it is, which is a refusal" {
	cat >p.yaml <<-'E'
		extends: [base]
		secrets:
		  - {name: TOKEN, source: "env:SOURCE", hosts: [api.test], methods: [GET], paths: ["/echo/v1/*"]}
	E
	in_box -p ./p.yaml -- sh -c 'curl -sS -H "Authorization: $TOKEN" https://api.test/echo/v1/x'
	seen_is .headers.authorization "$CANARY"
	jq_is .refused '[]'
	for request in "-X PUT https://api.test/echo/v1/x" "https://api.test/echo/v2" \
		"--path-as-is https://api.test/echo/v1/../v2"; do
		in_box -p ./p.yaml -- sh -c "curl -sS -H \"Authorization: \$TOKEN\" $request"
		status_is 0
		[ "$(tail -n 1 "$W/seen" | grep -c canary)" = 0 ]
		jq_is '[.refused[] | .kind, .what, .count]' '["secret","TOKEN to api.test:443",1]'
	done
}

@test "another host sees the placeholder, by itself and by a redirect; both are refusals" {
	in_box --secret "$S" --secret OTHER=env:HOME@other.test -- sh -c '
		curl -sS -H "Authorization: Bearer $TOKEN" https://other.test/echo
		curl -sSL --location-trusted -H "Authorization: Bearer $TOKEN" \
			"https://api.test/to?https%3A%2F%2Fother.test%2Fecho"'
	status_is 0
	[ "$(grep -c canary "$W/seen")" = 0 ]
	[ "$(wc -l <"$W/seen")" = 2 ]
	jq_is '[.refused[] | .kind, .what, .count, .grant]' \
		'["secret","TOKEN to other.test:443",2,"--secret '\''TOKEN=env:SOURCE@other.test:443'\''"]'
}

@test "sources: a file, which no grant shows, a descriptor and a command" {
	mkdir data
	echo "$CANARY" >data/key
	echo other >data/other
	for source in "file:data/key" "fd:7" "command:cat $PWD/data/key"; do
		in_box --rw data --secret "TOKEN=$source@api.test" -- sh -c '
			curl -sS -H "Authorization: $TOKEN" https://api.test/echo >/dev/null
			[ -e /proc/self/fd/7 ] || cat data/other' 7<data/key
		output_is other
		seen_is .headers.authorization "$CANARY"
	done
	run -1 aisbx run --ro data --secret TOKEN=file:data/key@api.test -- cat data/key
	[[ $output != *"$CANARY"* ]]
	run aisbx run --rw data --secret TOKEN=file:data/key@api.test -- cat data/key
	[ "$status" -ne 0 ]
	[[ $output != *"$CANARY"* ]]
}

@test "a source that gives nothing runs nothing, and no message has the value" {
	message() { # WANT SOURCE
		run aisbx run --secret "TOKEN=$2@api.test" -- sh -c 'echo ran'
		status_is 125
		[[ $stderr == "aisbx: "*"$1"* && $stderr != *$'\n'* ]]
		[[ $stderr != *canary* && $output != *ran* ]]
	}
	unset NOTHING
	message "'TOKEN' from 'env:NOTHING': the variable is not set" env:NOTHING
	message "from 'file:none': No such file" file:none
	echo 'echo canary; exit 3' >three
	message "failed with status 3" "command:sh $PWD/three"
	message "failed with status 3" "command:sh three"
	message "no such program" command:no-such-program
	message "Bad file descriptor" fd:9
	printf 'canary\nmore\n' >lines
	message "line break" file:lines
	printf 'abc\n' >short
	message "too short" file:short
	head -c 10000 /dev/zero | tr '\0' x >long
	message "too long" file:long
}

@test "what was begun for a run that comes to nothing is gone with it" {
	run aisbx run --secret "$S" --ro ./none -- true # no process is left: common.bash
	status_is 125
	run aisbx run --secret "$S" -p shell -c "$(printf '\377')"
	status_is 125
	# A caller that waits for none of its children, and so wants none to be waited for.
	trap '' CHLD
	run aisbx run --secret "TOKEN=command:false@api.test" -- true
	status_is 125
	[[ $stderr == *"failed with status 1"* ]]
}

@test "a source that somebody has to answer: its time is the run's, and it ends with the run" {
	echo 'echo $$ >asked; exec sleep 300' >slow
	slow=(--grace 100ms --secret "TOKEN=command:sh $PWD/slow@api.test" -- sh -c 'echo ran')
	local before=$SECONDS pid
	run aisbx run -t 1s "${slow[@]}"
	status_is 124
	[[ $output != *ran* ]]
	run -1 kill -0 "$(cat asked)"
	rm asked
	"$AISBX" run "${slow[@]}" >ran 2>said 3>&- &
	pid=$!
	eventually test -s asked
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	status_is 125
	[[ $(cat said) == "aisbx: "*"ended before the command ran"* ]]
	[ ! -s ran ]
	run -1 kill -0 "$(cat asked)"
	[ $((SECONDS - before)) -lt 20 ]
}

@test "node fetch, python urllib: they trust the run's CA" {
	in_box -p node --secret "$S" <<-'E'
		fetch("https://api.test/echo", { method: "POST", body: "x".repeat(100000),
			headers: { Authorization: "Bearer " + process.env.TOKEN } })
			.then(r => r.json()).then(r => console.log(r.body.length, r.headers.authorization ===
				"Bearer " + process.env.TOKEN));
	E
	output_is "100000 true"
	[ "$(grep -c "Bearer $CANARY" "$W/seen")" = 1 ]
	in_box -p python --secret "$S" <<-'E'
		import json, os, urllib.request
		token = "Bearer " + os.environ["TOKEN"]
		request = urllib.request.Request("https://api.test/echo", headers={"Authorization": token})
		with urllib.request.urlopen(request, timeout=20) as answer:
		    print(json.load(answer)["headers"]["authorization"] == token)
	E
	output_is True
	[ "$(grep -c "Bearer $CANARY" "$W/seen")" = 2 ]
}

@test "java: its truststore has the run's CA and the system's certificates" {
	need java
	cat >Client.java <<-'E'
		import java.io.*;
		import java.net.*;
		import java.security.KeyStore;
		public class Client {
		    public static void main(String[] words) throws Exception {
		        String token = "Bearer " + System.getenv("TOKEN");
		        HttpURLConnection c = (HttpURLConnection) new URL("https://api.test/echo").openConnection();
		        c.setRequestProperty("Authorization", token);
		        String got = new String(c.getInputStream().readAllBytes());
		        System.out.println(got.contains(token));
		        KeyStore store = KeyStore.getInstance(new File(System.getProperty("java.home"),
		            "lib/security/cacerts"), "changeit".toCharArray());
		        System.out.println(store.size());
		    }
		}
	E
	for java in $(readlink -e "$(command -v java)" /usr/lib/jvm/*/bin/java | sort -u); do
		: >"$W/seen"
		in_box -m none --ro Client.java --secret "$S" -- "$java" Client.java
		output_is "true"$'\n'"$(($(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt) + 1))"
		seen_is .headers.authorization "Bearer $CANARY"
	done
	mkdir -p jdk/lib/security
	echo none >jdk/lib/security/cacerts
	in_box --ro jdk --secret "$S" -- head -c 4 jdk/lib/security/cacerts
	output_is $'\xfe\xed\xfe\xed'
	in_box --ro jdk --ro jdk/lib/security/cacerts --secret "$S" -- cat jdk/lib/security/cacerts
	output_is none
	in_box --ro jdk --allow-host api.test -- cat jdk/lib/security/cacerts
	output_is none
}

@test "git: push with a token that is not there" {
	in_box -m none --secret "$S" --rw . -- sh -ec '
		git init -q box
		cd box
		echo more >more
		git add more
		git -c user.name=t -c user.email=t@t commit -qm first
		git push -q "https://user:$TOKEN@api.test/git/project.git" HEAD:side
		echo fine'
	status_is 0
	[[ $output == *fine ]]
	[ "$(git -C "$W/git/project.git" show side:more)" = more ]
	seen_is .git "Basic $(printf 'user:%s' "$CANARY" | base64 -w0)"
}

@test "HTTP/2 on both sides: curl, nghttp, node, trailers, rules, one connection for many" {
	need nghttp
	cat >p.yaml <<-'Y'
		extends: [node]
		network:
		  hosts: [{host: api.test, http: ["GET /echo*", "POST /echo*", "GET /trailers", "POST /upload"]}]
		secrets:
		  - {name: TOKEN, source: "env:SOURCE", hosts: [api.test], also: [body, url]}
	Y
	in_box -p ./p.yaml -- sh -c '
		curl -sS --http2 -D- -H "Authorization: Bearer $TOKEN" -d "key=$TOKEN" "https://api.test/echo?$TOKEN"'
	[[ $output == "HTTP/2 200"* && $output == *'"version":"2.0"'* ]]
	[[ $output != *canary* ]]
	seen_is .headers.authorization "Bearer $CANARY"
	seen_is .body "key=$CANARY"
	seen_is .url "/echo?canary%2F3-is%2Bthis%25where-it-ends"
	in_box -p ./p.yaml -- nghttp -v https://api.test/trailers
	[[ $output == *":status: 200"* && $output == *"grpc-status: 0"* ]]
	in_box -p ./p.yaml -- sh -c 'curl -sS --http2 -X DELETE -w " %{http_version} %{http_code}" https://api.test/echo
		curl -sS --http2 -o /dev/null -w " %{http_code}" -H "Host: other.test" https://api.test/echo
		curl -sS --http2 -o /dev/null -w " %{http_code}" --path-as-is https://api.test/echo/../trailers/..%2fx
		curl -sS --http1.1 -o /dev/null -w " %{http_version}" https://api.test/echo
		head -c 20000000 /dev/zero | curl -sS --http2 -X POST -T- https://api.test/upload | cut -c1-9' 2>&1
	[[ $output == '{"error":"refused",'*'"rule":"network.http",'*' 2 403 403 400 1.1'"20000000 "* ]]
	jq_is '[.refused[] | .kind]' '["http","http"]'
	in_box -p ./p.yaml <<-'E'
		const session = require("http2").connect("https://api.test");
		const ask = (headers, body) => new Promise((done, fail) => {
			const stream = session.request(headers).on("error", e => done(e.code));
			let text = "", status;
			stream.on("response", h => status = h[":status"]).on("data", part => text += part)
				.on("end", () => done(status + " " + text));
			stream.end(body);
		});
		const token = process.env.TOKEN;
		(async () => {
			const all = await Promise.all([...Array(60)].map((_, i) => ask({ ":method": "POST",
				":path": "/echo/" + i, authorization: "Bearer " + token }, "x".repeat(i * 1000))));
			console.log(all.every((text, i) => text.startsWith("200 ") &&
				JSON.parse(text.slice(4)).body.length === i * 1000 && !text.includes("canary")));
			console.log((await ask({ ":path": "/echo", ":authority": "other.test" })).slice(0, 3));
			console.log((await ask({ ":path": "/echo", ":scheme": "http" })).slice(0, 3));
			console.log((await ask({ ":path": "//echo/../nothing" })).slice(0, 3));
			session.close();
		})();
	E
	output_is $'true\n403\n400\n403'
	jq_is '.connections[0].count' 1
	[ "$(grep -c "Bearer $CANARY" "$W/seen")" = 61 ]
}

@test "events arrive as they are sent" {
	in_box -p python --secret "$S" <<-'E'
		import urllib.request
		events = urllib.request.urlopen("https://api.test/sse", timeout=20)
		print(events.readline(), events.readline())
		urllib.request.urlopen("https://api.test/go", timeout=20).read() # now it sends the second
		print(events.readline())
	E
	output_is $'b\'data: first\\n\' b\'\\n\'\nb\'data: second\\n\''
}

@test "bodies of any size in bounded memory" {
	local mib=300
	[ "$AISBX_TEST_PATIENCE" -le 3 ] || mib=100
	in_box -t none --secret "$S" -- sh -c '
		head -c "$(($1 << 20))" /dev/zero | curl -sS -T- -H "Authorization: $TOKEN" https://api.test/upload
		curl -sS "https://api.test/big?$1" | wc -c' sh $mib 3>&- &
	box=$! hwm=0
	while kill -0 "$box" 2>/dev/null; do
		for pid in $(pgrep -x aisbx-gateway || true); do
			now=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || continue
			[ "${now:-0}" -le "$hwm" ] || hwm=$now
		done
		read -rt 0.1 <> <(:) || true
	done
	wait "$box"
	jq_is ".connections[0] | .up_bytes > $((mib << 20)) and .down_bytes > $((mib << 20))" true
	[ "$hwm" -gt 1000 ] && [ "$hwm" -lt 40000 ]
}

@test "a slow reader gets all of an answer, whenever the server goes" {
	for how in --http1.0 --http1.1 --http2; do
		in_box --secret "$S" -- sh -c 'curl -sS "$0" --limit-rate 4M "https://api.test/last?8192" | wc -c
			{ curl -sS "$0" "https://api.test/last?8192"; } | { sleep 2; wc -c; }' "$how"
		output_is $'8388608\n8388608'
	done
	in_box -p node --secret "$S" <<-'E'
		const session = require("http2").connect("https://api.test", { settings: { initialWindowSize: 20000 } });
		const stream = session.request({ ":path": "/last?100" });
		let total = 0;
		stream.once("data", () => {
			stream.pause();
			setTimeout(() => stream.resume(), 1500);
		}).on("data", part => total += part.length).on("error", e => console.log(e.code))
			.on("close", () => console.log(total, stream.rstCode));
	E
	output_is "102400 0"
}

@test "keep-alive, chunks, trailers, 100-continue, HEAD, HTTP/1.0" {
	in_box --secret "$S" -- sh -c 'curl -sS --http1.1 https://api.test/echo/1 https://api.test/echo/2 >/dev/null
		curl -sS --http1.1 -H "Expect: 100-continue" -d x https://api.test/echo | grep -o "\"body\":\"x\""
		curl -sSI --http1.1 https://api.test/echo | head -1 | tr -d "\r"
		curl -sS0 https://api.test/echo | grep -o "\"method\":\"GET\""'
	output_is $'"body":"x"\nHTTP/1.1 200 OK\n"method":"GET"'
	jq_is '.connections[0].count' 4
	printf '%s\r\n' 'POST /echo HTTP/1.1' 'Host: api.test' 'Transfer-Encoding: chunked' \
		'Trailer: X-Sum' '' '5;a=b' hello 6 ' world' 0 'X-Sum: 11' '' \
		'GET /trailers HTTP/1.1' 'Host: api.test' 'Connection: close' '' >request
	send_request --secret "$S"
	[[ $output == *'"body":"hello world"'* ]]
	[[ $output == *'"x-sum":"11"'* ]]
	[[ $output == *$'0\ngrpc-status: 0'* ]]
}

@test "a WebSocket, its key put in" {
	in_box -p python --secret "$S" <<-'E'
		import os, socket, ssl
		s = ssl.create_default_context().wrap_socket(
		    socket.create_connection(("api.test", 443), 20), server_hostname="api.test")
		s.sendall(("GET /ws HTTP/1.1\r\nHost: api.test\r\nUpgrade: websocket\r\n"
		           "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		           "Authorization: %s\r\n\r\n" % os.environ["TOKEN"]).encode())
		f = s.makefile("rb")
		assert b" 101 " in f.readline()
		lines = list(iter(f.readline, b"\r\n"))
		assert any(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in line for line in lines)
		for text in b"hello", b"world":
		    s.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
		    assert f.read(2 + len(text)) == bytes([0x81, len(text)]) + text
		print("fine")
	E
	output_is fine
	seen_is .websocket "$CANARY"
}

@test "HTTP rules: what none allows is answered with 403 and why, in JSON" {
	cat >p.yaml <<-'E'
		extends: [base]
		network:
		  hosts: [{host: api.test, http: ["GET /echo/v1/*", "POST /echo/chat"]}]
	E
	in_box -p ./p.yaml -- sh -c '
		for url in /echo/v1/a /echo/v1/../v1/b /echo//v1/c /echo/v2 /echo/v1/../v2 /echo/v1/%2e%2e/v2; do
			curl -sS --path-as-is -o /dev/null -w "%{http_code} " "https://api.test$url"
		done
		curl -sS -o /dev/null -w "%{http_code} " -d x https://api.test/echo/chat
		curl -sS -w " %{http_code}" -X DELETE https://api.test/echo/v1/a'
	status_is 0
	[[ $output == '200 200 200 403 403 403 200 {"error":"refused",'*' 403' ]]
	[ "$(jq -r .url "$W/seen" | tr '\n' ' ')" = "/echo/v1/a /echo/v1/b /echo/v1/c /echo/chat " ]
	json=${output#200 200 200 403 403 403 200 }
	[ "$(jq -c '[.rule, .request, .allowed]' <<<"${json% 403}")" = \
		'["network.http","DELETE /echo/v1/a",["GET /echo/v1/*","POST /echo/chat"]]' ]
	jq_is '[.refused[] | .kind, .what, .count]' \
		'["http","api.test:443 GET /echo/v2",3,"http","api.test:443 DELETE /echo/v1/a",1]'
	jq_is '.refused[1].grant' '"--http '\''api.test:443 DELETE /echo/v1/a'\''"'
	in_box --allow-host api.test --http "api.test * /echo/only" -- \
		curl -sS -o /dev/null -w '%{http_code}' https://api.test/echo/other
	output_is 403
}

@test "one reading of a request, or none" {
	smuggle() { # NAME LINE...: with \r\n behind each; none: the file request
		name=$1
		: >"$W/seen"
		shift
		[ $# -eq 0 ] || printf '%s\r\n' "$@" >request
		send_request --allow-host api.test --http 'api.test * /echo*'
		[[ $output == "HTTP/1.1 4"[03][0-9]* ]] || {
			echo "$name: $output" >&2
			return 1
		}
		[ ! -s "$W/seen" ] || {
			echo "$name reached the server: $(cat "$W/seen")" >&2
			return 1
		}
	}
	H="Host: api.test"
	P="POST /echo HTTP/1.1"
	hidden=("GET /echo/hidden HTTP/1.1" "$H" "")
	smuggle "both lengths" "$P" "$H" "Content-Length: 6" "Transfer-Encoding: chunked" "" 0 "" "${hidden[@]}"
	smuggle "two lengths" "$P" "$H" "Content-Length: 0" "Content-Length: 44" "" "${hidden[@]}"
	smuggle "the same length twice" "$P" "$H" "Content-Length: 1" "Content-Length: 1" "" x
	smuggle "a length with a sign" "$P" "$H" "Content-Length: +1" "" x
	smuggle "a list of lengths" "$P" "$H" "Content-Length: 1, 1" "" x
	smuggle "another coding" "$P" "$H" "Transfer-Encoding: xchunked" "" 0 ""
	smuggle "chunked twice" "$P" "$H" "Transfer-Encoding: chunked, chunked" "" 0 ""
	smuggle "two codings" "$P" "$H" "Transfer-Encoding: chunked" "Transfer-Encoding: identity" "" 0 ""
	smuggle "a vertical tab" "$P" "$H" $'Transfer-Encoding: \vchunked' "" 0 ""
	smuggle "a blank before the colon" "$P" "$H" "Transfer-Encoding : chunked" "" 0 ""
	smuggle "a folded header" "$P" "$H" "X-A: b" " Content-Length: 5" "" ""
	smuggle "two hosts" "GET /echo HTTP/1.1" "$H" "Host: other.test" ""
	smuggle "no host" "GET /echo HTTP/1.1" "X-A: b" ""
	smuggle "another host" "GET /echo HTTP/1.1" "Host: other.test" ""
	smuggle "another port" "GET /echo HTTP/1.1" "Host: api.test:8443" ""
	smuggle "absolute form" "GET https://other.test/echo HTTP/1.1" "$H" ""
	smuggle "CONNECT" "CONNECT other.test:443 HTTP/1.1" "Host: other.test:443" ""
	smuggle "a blank in the path" "GET /echo /x HTTP/1.1" "$H" ""
	smuggle "a version of its own" "GET /echo HTTP/1.2" "$H" ""
	smuggle "an encoded NUL" "GET /echo/%00 HTTP/1.1" "$H" ""
	smuggle "an encoded dot segment" "GET /echo/..%2f..%2fx HTTP/1.1" "$H" ""
	smuggle "a dot segment encoded twice" "GET /echo/%252e%252e/x HTTP/1.1" "$H" ""
	smuggle "a dot segment with a parameter" "GET /echo/..;/x HTTP/1.1" "$H" ""
	printf 'GET /echo HTTP/1.1\nHost: api.test\n\n' >request
	smuggle "bare LF"
	printf 'GET /echo HTTP/1.1\r\nX: a\rb\r\nHost: api.test\r\n\r\n' >request
	smuggle "bare CR"
	printf 'GET /echo HTTP/1.1\r\nHost: api.test\r\nX: a\0b\r\n\r\n' >request
	smuggle "NUL"
	{ printf 'GET /echo HTTP/1.1\r\nHost: api.test\r\n'
		head -c 40000 /dev/zero | tr '\0' x; } >request
	smuggle "too long a head"
	# The first is fine, what lies in its body is no request of its own.
	printf '%s\r\n' "$P" "$H" "Content-Length: 33" "" "GET /echo/hidden HTTP/1.1" "$H" >request
	send_request --allow-host api.test --http 'api.test * /echo*'
	[ "$(grep -c . "$W/seen")" = 1 ]
	seen_is .url /echo
	# Pipelined requests are answered one after another.
	: >"$W/seen"
	printf '%s\r\n' "GET /echo/1 HTTP/1.1" "$H" "" "GET /forbidden HTTP/1.1" "$H" "" \
		"GET /echo/2 HTTP/1.1" "$H" "Connection: close" "" >request
	send_request --allow-host api.test --http 'api.test * /echo*'
	[ "$(grep -o '^HTTP/1.1 ...' <<<"$output" | tr '\n' ' ')" = \
		"HTTP/1.1 200 HTTP/1.1 403 HTTP/1.1 200 " ]
	[ "$(jq -r .url "$W/seen" | tr '\n' ' ')" = "/echo/1 /echo/2 " ]
}

@test "a server that this host does not trust gets nothing, and is a refusal" {
	in_box --secret TOKEN=env:SOURCE@strange.test -- sh -c \
		'curl -sS -w " %{http_code}" -H "Authorization: $TOKEN" https://strange.test/echo'
	status_is 0
	[[ $output == *'self-signed certificate'*' 502' ]]
	[ ! -s "$W/seen" ]
	jq_is '[.refused[] | .kind, .what, .grant]' '["host","strange.test:443",null]'
}

@test "certificates that cannot be read run nothing" {
	for file in /nonexistent "$PWD"; do
		SSL_CERT_FILE=$file in_box --secret "$S" -- sh -c 'echo ran'
		status_is 125
		[[ $stderr == "aisbx: cannot read certificates from '$file'"* && $output != *ran* ]]
	done
	SSL_CERT_FILE=/etc/passwd in_box --secret "$S" -- sh -c 'echo ran'
	status_is 125
	[[ $stderr == "aisbx: no certificates in '/etc/passwd'"* && $output != *ran* ]]
}

@test "a server that sends the value compressed all the same is asked not to" {
	in_box --secret "$S" -- curl -sS --compressed https://api.test/echo
	seen_is '.headers["accept-encoding"]' identity
	in_box --secret "$S" -- curl -sS --compressed https://api.test/gzip
	output_is compressed
}

@test "only the hosts with a secret or a rule end here: the others show their own certificate" {
	in_box --allow-host other.test --secret "$S" --ro "$W/ca.pem" -- sh -c '
		curl -sS -o /dev/null https://api.test/echo && echo own
		curl -sS -o /dev/null https://other.test/echo 2>/dev/null || echo not trusted
		curl -sS -o /dev/null --cacert "$0" https://other.test/echo && echo end to end' "$W/ca.pem"
	output_is $'own\nnot trusted\nend to end'
	in_box --allow-host api.test:8443 --secret TOKEN=env:SOURCE@api.test -- \
		sh -c 'curl -sS -o /dev/null https://api.test:8443/echo && echo all ports of the grant'
	output_is "all ports of the grant"
	run aisbx run --allow-host api.test,tls=any --secret "$S" -- true
	status_is 125
	[[ $stderr == *"must be TLS"* ]]
}

@test "audit: what was used and what was refused, without the value" {
	in_box --audit audit --secret "$S" --http "api.test GET /echo" -- sh -c '
		curl -sS -H "Authorization: $TOKEN" https://api.test/echo https://api.test/echo
		curl -sS -X PUT https://api.test/echo' >/dev/null
	[ "$(jq -c 'select(.event == "secret") | [.verdict, .secret, .host]' audit)" = \
		'["allowed","TOKEN","api.test:443"]' ]
	[ "$(jq -c 'select(.event == "http") | [.verdict, .request]' audit)" = \
		'["denied","api.test:443 PUT /echo"]' ]
	[ "$(grep -c canary audit)" = 0 ]
}

@test "show has names and sources, never values; check finds what is wrong" {
	run aisbx show --secret "$S" --http "api.test GET /v1/*"
	status_is 0
	[[ $output == *"SECRETS    TOKEN <- env:SOURCE  for api.test  (command line)"* ]]
	[[ $output == *"http       api.test GET /v1/*"* ]]
	[[ $output != *canary* ]]
	run aisbx show --json --secret "$S"
	[ "$(jq -c '.secrets[] | [.name, .source, .hosts]' <<<"$output")" = \
		'["TOKEN","env:SOURCE",["api.test:443"]]' ]
	[[ $output != *canary* ]]
}

# Looks for the value in every process of a run, and everywhere inside the box.
@test "leak hunt: memory, environment, arguments, files, results, logs" {
	cat >payload.py <<-'E'
		import os, sys, urllib.request
		def ask(path, **headers):
		    return urllib.request.urlopen(urllib.request.Request("https://api.test" + path,
		                                  headers=headers), timeout=20).read()
		token = os.environ["TOKEN"]
		for path in "/echo", "/echo?" + token:
		    ask(path, Authorization="Bearer " + token, Cookie="a=" + token)
		needle = b"canary" + b"/3-is"
		def search(path):
		    try:
		        with open(path, "rb") as file:
		            if needle in file.read(1 << 24):
		                print("found in", path)
		    except (OSError, MemoryError):
		        pass
		tops = ["/etc", "/run", "/tmp", "/home", "/root", "/dev/shm"]
		tops += ["/proc/" + pid for pid in os.listdir("/proc") if pid.isdigit()]
		for top in tops:
		    for directory, names, files in os.walk(top):
		        names[:] = [name for name in names if name not in ("task", "ns", "map_files", "fd")]
		        for name in files:
		            if name not in ("mem", "pagemap", "clear_refs"):
		                search(os.path.join(directory, name))
		print("ready", flush=True)
		sys.stdin.read()
	E
	mkfifo hold
	"$AISBX" run --result result.json --audit audit -t none --secret "$S" --ro payload.py -- \
		python3 -I payload.py <hold >out 2>err 3>&- &
	box=$!
	exec 8>hold
	end=$((SECONDS + 40 * AISBX_TEST_PATIENCE))
	until grep -q ready out || [ $SECONDS -ge $end ]; do read -rt 0.1 <> <(:) || true; done
	[ "$(cat out)" = ready ]
	python3 "$BATS_TEST_DIRNAME/hunt.py" "$box" "$CANARY" >found
	exec 8>&-
	wait "$box"
	[ "$(grep -c -e canary out err result.json audit)" = $'out:0\nerr:0\nresult.json:0\naudit:0' ]
	grep -q '^looked at .*python3' found
	if [ "$CALLER" = root ]; then # who may look into all of them
		grep -q '^looked at .*aisbx-gateway' found
		grep -q '^found in the locked memory of aisbx-gateway' found # so it can be found
	fi
	[ "$(grep '^found' found | grep -vc 'in the locked memory of aisbx-gateway')" = 0 ]
	[ "$(grep -c "Bearer $CANARY" "$W/seen")" = 2 ] # it was there to be found
}

# What the value passes through, stopped while it is there; it is in the vault in any case.
@test "on its way, too, the value is in locked memory only" {
	[ "$CALLER" = root ] || skip "only root may look into the gateway's memory"
	cat >p.yaml <<-'E'
		extends: [base]
		secrets:
		  - {name: TOKEN, source: "env:SOURCE", hosts: [api.test], also: [body]}
	E
	local version way end
	for version in --http1.1 --http2; do
		for way in stall head part echo; do
			case "$version $way" in # what waits there is encrypted, or there is no such thing
			"--http1.1 stall" | "--http1.1 echo" | "--http2 head") continue ;;
			esac
			mkfifo hold
			"$AISBX" run -p ./p.yaml -t none -- sh -c '
				version=$1 way=$2
				ask() { exec curl $version -sSN -H "Authorization: Bearer $TOKEN" https://api.test/$way "$@"; }
				case $way in
				stall) yes "$TOKEN" | head -c 4000000 | ask -T - & ;;
				echo) ask --next $version -sSN https://api.test/sse & ;; # the same connection
				*) ask & ;;
				esac
				read -r x
				kill $!' sh $version $way <hold >out 2>err 3>&- &
			box=$!
			exec 8>hold
			end=$((SECONDS + 20 * AISBX_TEST_PATIENCE))
			until python3 "$BATS_TEST_DIRNAME/hunt.py" "$box" "${CANARY%?}" >found &&
				[ "$(grep -c 'locked memory of aisbx-gateway' found)" -ge 2 ]; do
				kill -0 "$box" 2>/dev/null && [ $SECONDS -lt $end ] || { cat found out err >&2; echo "$version $way: not seen" >&2; return 1; }
				read -rt 0.1 <> <(:) || true
			done
			exec 8>&-
			wait "$box" || true
			rm hold
			[ "$(grep '^found' found | grep -vc 'in the locked memory of aisbx-gateway')" = 0 ] || {
				cat found >&2
				return 1
			}
		done
	done
}

# Root may lock what it wants, unless it gives that up.
with_locked() { # KIB ARGUMENT...
	local kib=$1 drop=()
	shift
	[ "$CALLER" != root ] || drop=(setpriv --bounding-set=-ipc_lock)
	(ulimit -l "$kib" && exec "${drop[@]}" "$AISBX" run --result result.json "$@")
}

@test "too little memory that can be locked runs nothing; too much at once is said" {
	run with_locked 64 --secret "$S" -- touch ran
	status_is 125
	contains "$stderr" "ulimit -l"
	[ ! -e ran ]
	# Rules have no value to keep.
	run with_locked 0 --allow-host api.test --http "api.test GET /*" -- curl -sS -o /dev/null https://api.test/echo
	status_is 0
	run with_locked 512 --secret "$S" -- sh -c '
		set -- --http1.1 -sS -w "%{http_code}\n" -H "Authorization: $TOKEN"
		for i in $(seq 40); do
			curl "$@" https://api.test/head >/dev/null 2>&1 & # it waits for the rest
			waiting="$waiting $!"
			sleep 0.1
			curl "$@" https://api.test/echo >answer
			! grep -qx 503 answer || break
		done
		cat answer
		kill $waiting
		for i in $(seq 300); do # what nobody waits for any more ends
			curl -sS https://api.test/waiting | grep -x "0 wait" && break
			sleep 0.1
		done'
	status_is 0
	contains "$output" '"detail":"the limit on locked memory (ulimit -l)'
	[[ $output == *$'\n503\n0 wait' ]]
	[ "$(jq -c '[.refused[] | select(.reason // "" | test("locked memory")) | .what]' result.json)" = \
		'["api.test:443"]' ]
	[[ $output != *canary* ]]
}

@test "a handler that has the source's variable has it outside, and nothing else does" {
	printf '#!/bin/sh\nprintf %%s "$SOURCE" | wc -c\n' >handler
	chmod +x handler
	cat >p.yaml <<-E
		extends: [base]
		secrets:
		  - {name: TOKEN, source: "env:SOURCE", hosts: [api.test]}
		bindings:
		  - {name: count, command: [$PWD/handler], env: [SOURCE]}
	E
	mkfifo hold
	"$AISBX" run -p ./p.yaml -- sh -c 'count </dev/null; curl -sS -H "A: $TOKEN" https://api.test/echo >/dev/null
		echo ready; env; read -r x || true' <hold >out 2>err 3>&- &
	box=$!
	exec 8>hold
	end=$((SECONDS + 40 * AISBX_TEST_PATIENCE))
	until grep -q ready out || [ $SECONDS -ge $end ]; do read -rt 0.1 <> <(:) || true; done
	python3 "$BATS_TEST_DIRNAME/hunt.py" "$box" "$CANARY" >found
	exec 8>&-
	wait "$box"
	[ "$(head -2 out)" = "${#CANARY}"$'\nready' ]
	[ "$(grep -c canary out err)" = $'out:0\nerr:0' ]
	seen_is .headers.a "$CANARY"
	[ "$CALLER" = root ] || return 0 # who may look into all of them
	[ "$(grep -o '^found in [a-z ]* of [a-z-]*' found | sort)" = \
		$'found in the locked memory of aisbx-gateway\nfound in the memory of aisbx' ] # the server
}

@test "a command that handles SIGINT keeps its hosts: the signal is for it alone" {
	mkfifo ready
	setsid env --default-signal "$AISBX" run --secret "$S" -- sh -c 'trap "curl -sS -o /dev/null https://api.test/echo && echo fine; exit" INT
		echo up; sleep 40 & wait' >ready 2>err 3>&- &
	box=$!
	exec 8<ready
	read -r up <&8
	[ "$up" = up ]
	kill -INT -- "-$box" # as a terminal does
	read -r word <&8
	[ "$word" = fine ]
	[ ! -s err ]
}

@test "a gateway that is killed takes its hosts away, and that is said; a killed aisbx takes it along" {
	mkfifo hold
	"$AISBX" run --secret "$S" -- sh -c 'echo up; read -r x
		curl -sS -o /dev/null https://api.test/echo 2>/dev/null || echo lost' <hold >out 2>err 3>&- &
	box=$!
	exec 8>hold
	end=$((SECONDS + 40 * AISBX_TEST_PATIENCE))
	until grep -qs up out || [ $SECONDS -ge $end ]; do read -rt 0.1 <> <(:) || true; done
	kill -KILL "$(pgrep -P "$box" -x aisbx-gateway)"
	echo >&8
	exec 8>&-
	wait "$box"
	[ "$(cat out)" = $'up\nlost' ]
	contains "$(cat err)" "aisbx: the gateway ended before the box"
	"$AISBX" run --secret "$S" -- sh -c 'echo up; exec sleep 60' >out2 2>err 3>&- &
	box=$!
	end=$((SECONDS + 40 * AISBX_TEST_PATIENCE))
	until grep -qs up out2 || [ $SECONDS -ge $end ]; do read -rt 0.1 <> <(:) || true; done
	gateway=$(pgrep -P "$box" -x aisbx-gateway)
	kill -KILL "$box"
	wait "$box" || true
	until ! [ -e "/proc/$gateway" ] || [ $SECONDS -ge $end ]; do read -rt 0.1 <> <(:) || true; done
	[ ! -e "/proc/$gateway" ]
}
