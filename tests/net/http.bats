#!/usr/bin/env bats
# HTTP and HTTPS clients in the box, unchanged, against servers on public addresses.
load net

setup_servers() {
	need curl openssl git jq
	hosts_are "93.184.216.34 api.test npm.test git.test" "2606:2800:220:1::1 six.test"
	make_certificate api.test git.test six.test
	git init -q --bare "$W/git/project.git"
	git -C "$W/git/project.git" config http.receivepack true
	git clone -q "$W/git/project.git" "$W/clone" 2>/dev/null
	head -c 3000000 /dev/urandom >"$W/clone/data"
	git -C "$W/clone" add data
	git -C "$W/clone" -c user.name=t -c user.email=t@t commit -qm first
	git -C "$W/clone" push -q origin HEAD:main
	git -C "$W/git/project.git" symbolic-ref HEAD refs/heads/main
	start_server
}

@test "curl: http, https with the test's CA, IPv6, and a host that is not granted" {
	in_box --allow-host api.test:8000 -- curl -sS http://api.test:8000/host
	output_is api.test:8000
	in_box --allow-host api.test --ro "$W/ca.pem" -- \
		curl -sS --cacert "$W/ca.pem" https://api.test/hello
	output_is hello
	in_box --allow-host six.test:8443 --ro "$W/ca.pem" -- \
		curl -6 -sS --cacert "$W/ca.pem" https://six.test:8443/hello
	output_is hello
	in_box --allow-host api.test:8000 -- curl -sS http://git.test:8000/hello
	status_is 6
	output_is ""
	in_box --allow-host api.test:8000 -- curl -sS --connect-timeout 5 http://api.test:8443/hello
	status_is 7
}

@test "curl: one connection for many requests" {
	in_box --allow-host api.test:8000 -- \
		curl -sS http://api.test:8000/requests http://api.test:8000/requests \
		http://api.test:8000/requests
	output_is $'1\n2\n3'
	jq_is '[.connections[] | .host, .port, .count]' '["api.test",8000,1]'
}

@test "curl: 50 MB up, 200 MB down, not a byte lost" {
	head -c 50000000 /dev/urandom >up
	in_box --allow-host api.test:8000 --ro up -- \
		curl -sS --data-binary @up http://api.test:8000/upload
	output_is "50000000 $(sha256sum <up | cut -d' ' -f1)"
	[ "$(jq .connections[0].up_bytes result.json)" -gt 50000000 ]
	in_box --allow-host api.test:8000 -- \
		sh -c 'curl -sS http://api.test:8000/big?200 | sha256sum | cut -d" " -f1'
	output_is "$(python3 -c '
import hashlib, struct
h = hashlib.sha256()
for i in range(200): h.update(struct.pack(">Q", i) * 131072)
print(h.hexdigest())')"
	[ "$(jq .connections[0].down_bytes result.json)" -gt $((200 << 20)) ]
}

@test "git: clone, commit and push over http" {
	in_box -m none --allow-host git.test:8000 --rw . -- sh -ec '
		git clone -q http://git.test:8000/git/project.git box
		cd box
		echo more >more
		git add more
		git -c user.name=t -c user.email=t@t commit -qm second
		git push -q origin HEAD:side
		echo fine'
	status_is 0
	output_is fine
	cmp box/data "$W/clone/data"
	[ "$(git -C "$W/git/project.git" show side:more)" = more ]
}

@test "npm: install from a registry" {
	command -v npm >/dev/null || skip "npm is not installed"
	mkdir -p package "$W/www/npm/-" project
	echo '{"name": "tiny", "version": "1.0.0", "main": "index.js"}' >package/package.json
	echo 'module.exports = "fine";' >package/index.js
	tar czf "$W/www/npm/-/tiny-1.0.0.tgz" package
	cat >"$W/www/npm/tiny" <<-E
		{"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0":
		{"name": "tiny", "version": "1.0.0", "dist": {
		"integrity": "sha512-$(openssl dgst -sha512 -binary "$W/www/npm/-/tiny-1.0.0.tgz" | base64 -w0)",
		"tarball": "http://npm.test:8000/npm/-/tiny-1.0.0.tgz"}}}}
	E
	echo '{"name": "project", "version": "1.0.0"}' >project/package.json
	fine -p node --allow-host npm.test:8000 --rw project -C project -- sh -ec '
		npm install --silent --no-audit --no-fund --registry http://npm.test:8000/npm/ tiny >&2
		node -p "require(\"tiny\")"'
	[ -e project/node_modules/tiny/index.js ]
}

@test "npm: the registry that the caller has configured, with profile build and nothing else" {
	command -v npm >/dev/null || skip "npm is not installed"
	[ -e "$W/www/npm/tiny" ] || skip "the test before it did not make the registry"
	mkdir configured
	echo '{"name": "project", "version": "1.0.0"}' >configured/package.json
	export npm_config_registry=http://npm.test:8000/npm/
	fine -p build --rw configured -C configured -- sh -ec '
		npm install --silent --no-audit --no-fund tiny >&2
		node -p "require(\"tiny\")"'
	aisbx show -p build | grep -q "npm.test:8000.*npm_config_registry"
	unset npm_config_registry
	run -6 in_box -p build -- curl -sS http://npm.test:8000/npm/tiny
}

@test "node: fetch, http, https, dns" {
	need node
	fine -p node --allow-host api.test:8000 --allow-host api.test --ro "$W/ca.pem" \
		--env "NODE_EXTRA_CA_CERTS=$W/ca.pem" <<-'E'
		const http = require("http"), https = require("https");
		const get = (lib, url) => new Promise((done, fail) => lib.get(url, res => {
			let text = "";
			res.on("data", part => text += part).on("end", () => done(text));
		}).on("error", fail));
		(async () => {
			if (await get(http, "http://api.test:8000/hello") !== "hello\n") throw 1;
			if (await get(https, "https://api.test/hello") !== "hello\n") throw 2;
			const dns = require("dns").promises;
			if (!(await dns.resolve4("api.test"))[0].startsWith("198.18.")) throw 7;
			if (!(await dns.resolve6("api.test"))[0].startsWith("2001:2::")) throw 8;
			if (await dns.resolve4("other.test").then(() => "", e => e.code) !== "ENOTFOUND") throw 9;
			if (typeof fetch === "function") {
				if (await (await fetch("http://api.test:8000/hello")).text() !== "hello\n") throw 3;
				if (await (await fetch("https://api.test/hello")).text() !== "hello\n") throw 4;
				const all = await Promise.all([...Array(50)].map(() =>
					fetch("http://api.test:8000/hello").then(r => r.text())));
				if (all.some(text => text !== "hello\n")) throw 5;
				if (await fetch("http://other.test:8000/").then(() => 1, () => 0)) throw 6;
			}
			console.log("fine");
			process.exit();
		})();
	E
}

@test "python: urllib, http.client, asyncio, ssl" {
	fine -p python --allow-host api.test:8000 --allow-host api.test --ro "$W/ca.pem" -- \
		python3 - "$W/ca.pem" <<-'E'
		import asyncio, http.client, ssl, sys, urllib.request
		context = ssl.create_default_context(cafile=sys.argv[1])
		for url in "http://api.test:8000/hello", "https://api.test/hello":
		    with urllib.request.urlopen(url, timeout=20, context=context if "s:" in url else None) as r:
		        assert r.read() == b"hello\n"
		client = http.client.HTTPConnection("api.test", 8000, timeout=20)
		for i in range(3):
		    client.request("GET", "/requests")
		    assert client.getresponse().read() == b"%d\n" % (i + 1)

		async def get():
		    reader, writer = await asyncio.open_connection("api.test", 443, ssl=context)
		    writer.write(b"GET /hello HTTP/1.0\r\n\r\n")
		    data = await reader.read()
		    writer.close()
		    return data

		async def many():
		    return await asyncio.gather(*[get() for _ in range(30)])

		assert all(data.endswith(b"hello\n") for data in asyncio.run(many()))
		print("fine")
	E
}

@test "java: a socket and HttpClient" {
	command -v java javac >/dev/null || skip "a JDK is not installed"
	cat >Get.java <<-'E'
		import java.net.*;
		import java.net.http.*;
		public class Get {
			public static void main(String[] args) throws Exception {
				var in = new URL("http://api.test:8000/hello").openStream();
				if (!new String(in.readAllBytes()).equals("hello\n")) throw new Exception("1");
				var client = HttpClient.newHttpClient();
				var request = HttpRequest.newBuilder(URI.create("http://api.test:8000/hello")).build();
				var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
				System.out.println(answer.body().equals("hello\n") ? "fine" : answer.body());
			}
		}
	E
	javac -d . Get.java || skip "javac does not work here"
	aisbx run -- java -version >/dev/null 2>&1 || skip "java is not visible in a box"
	fine -m none --allow-host api.test:8000 --ro . -- \
		java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp . Get
}

@test "a WebSocket" {
	fine -p python --allow-host api.test:8000 <<-'E'
		import socket, struct
		s = socket.create_connection(("api.test", 8000), 20)
		s.sendall(b"GET /ws HTTP/1.1\r\nHost: api.test\r\nUpgrade: websocket\r\n"
		          b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		          b"Sec-WebSocket-Version: 13\r\n\r\n")
		f = s.makefile("rb")
		assert b" 101 " in f.readline()
		lines = list(iter(f.readline, b"\r\n"))
		assert any(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in line for line in lines), lines
		for data in b"hello", b"x" * 100, b"y" * 60000, b"":
		    head = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
		    s.sendall(b"\x82" + head + b"\1\2\3\4" + bytes(c ^ (1 + i % 4) for i, c in enumerate(data)))
		    _, size = f.read(2)
		    size = struct.unpack(">H", f.read(2))[0] if size == 126 else size
		    assert f.read(size) == data
		s.sendall(b"\x88\x80\0\0\0\0")
		assert f.read() == b""
		print("fine")
	E
}

@test "openssl s_client: SNI is the granted name, and must be" {
	in_box --allow-host api.test --ro "$W/ca.pem" -- sh -c '
		printf "GET /hello HTTP/1.0\r\n\r\n" | timeout 20 openssl s_client -quiet -verify_return_error \
			-CAfile "$1" -connect api.test:443 -servername api.test -ign_eof 2>/dev/null | tail -1
		timeout 20 openssl s_client -connect api.test:443 -servername evil.test </dev/null >/dev/null 2>&1 || echo other
		timeout 20 openssl s_client -connect api.test:443 -noservername </dev/null >/dev/null 2>&1 || echo none
		' sh "$W/ca.pem"
	output_is $'hello\nother\nnone'
	jq_is '[.refused[] | .kind, .what, .count, .grant]' \
		'["host","api.test:443",2,"--allow-host api.test:443,tls=any"]'
}
