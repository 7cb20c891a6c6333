#!/usr/bin/env bats
# learn: hosts. Any public one is reached and recorded; others only when they are given.
load net

setup_servers() {
	need curl git jq
	hosts_are "93.184.216.34 api.test npm.test git.test" "10.20.30.40 internal.test" \
		"169.254.169.254 metadata.google.test"
	make_certificate api.test git.test
	git init -q --bare "$W/git/project.git"
	git clone -q "$W/git/project.git" "$W/clone" 2>/dev/null
	echo content >"$W/clone/file"
	git -C "$W/clone" add file
	git -C "$W/clone" -c user.name=t -c user.email=t@t commit -qm first
	git -C "$W/clone" push -q origin HEAD:main
	git -C "$W/git/project.git" symbolic-ref HEAD refs/heads/main
	package
	start_server
}

# A registry of one package: its document and its archive.
package() {
	local sum
	mkdir -p "$W/package" "$W/www/npm/-"
	echo '{"name":"tiny","version":"1.0.0","main":"index.js"}' >"$W/package/package.json"
	echo 'module.exports = "found"' >"$W/package/index.js"
	tar -C "$W" -czf "$W/www/npm/-/tiny-1.0.0.tgz" package
	sum=$(openssl dgst -sha512 -binary "$W/www/npm/-/tiny-1.0.0.tgz" | base64 -w0)
	jq -n --arg sum "sha512-$sum" '{name: "tiny", "dist-tags": {latest: "1.0.0"}, versions:
		{"1.0.0": {name: "tiny", version: "1.0.0", main: "index.js", dist: {integrity: $sum,
		tarball: "http://npm.test:8000/npm/-/tiny-1.0.0.tgz"}}}}' >"$W/www/npm/tiny"
}

learns() {
	rm -f p.yaml
	run aisbx learn -o p.yaml "$@"
	status_is 0
	contains "$stderr" "learn: verified: under the proposal it ended with status 0 too"
	aisbx check p.yaml
}

# The items of a list of p.yaml, on one line.
items() { # SECTION KEY
	sed -n "/^$1:/,/^[a-z#]/p" p.yaml | sed -n "/^  $2:/,/^  [a-z]/{s/^    - \([^ ]*\).*/\1/p}" |
		tr -d '"' | xargs
}

@test "curl: the host that was reached, by its name and port" {
	learns -- curl -sS http://api.test:8000/hello
	[ "$(items network hosts)" = api.test:8000 ]
	run aisbx run -p ./p.yaml -- curl -sS http://api.test:8000/hello
	output_is hello
	run aisbx run -p ./p.yaml -- curl -sS http://git.test:8000/hello
	status_is 6
	learns --ro "$W/ca.pem" -- curl -sS --cacert "$W/ca.pem" https://api.test/hello
	[ "$(items network hosts)" = api.test ]
	[ "$(items files read)" = "$W/ca.pem" ]
	learns -- curl -sS --cacert "$W/ca.pem" https://93.184.216.34/hello
	[ "$(items network hosts)" = 93.184.216.34 ]
}

@test "private addresses are never reached, unless they are given" {
	run aisbx learn -o p.yaml -- curl -sS --max-time 5 http://internal.test:8000/hello
	[ "$status" -ne 0 ]
	lacks "$output" hello
	[ -z "$(items network hosts)" ]
	grep -qF '#   dns: internal.test  (if it is meant, add --allow-private-host internal.test)' p.yaml
	for url in http://metadata.google.test/ http://169.254.169.254/ http://127.0.0.1:8000/hello \
		http://localhost:8000/hello http://10.20.30.40:8000/hello; do
		run aisbx learn -o p.yaml -- curl -sS --max-time 5 "$url"
		[ "$status" -ne 0 ]
		lacks "$output" hello
		[ -z "$(items network hosts)$(items network private)" ]
	done
	learns --allow-private-host internal.test:8000 -- curl -sS http://internal.test:8000/hello
	[ "$(items network private)" = internal.test:8000 ]
	[ -z "$(items network hosts)" ]
	run aisbx run -p ./p.yaml -- curl -sS http://internal.test:8000/hello
	output_is hello
}

@test "a server of the box's own is no host" {
	need python3
	learns -- python3 -c '
import socket, threading
s = socket.create_server(("127.0.0.1", 8080))
socket.create_connection(("127.0.0.1", 8080)).sendall(b"x")
print(s.accept()[0].recv(1))'
	[ -z "$(items network hosts)" ]
}

@test "git clone over http" {
	learns -- git clone -q http://git.test:8000/git/project.git copy
	[ "$(items network hosts)" = git.test:8000 ]
	[ "$(items files write)" = . ]
	[ -z "$(items files read)" ]
	[ ! -e copy ]
	aisbx run -p ./p.yaml -- git clone -q http://git.test:8000/git/project.git copy
	[ "$(cat copy/file)" = content ]
}

@test "npm install from a registry" {
	need npm
	mkdir project
	cd project
	echo '{"name":"x","version":"1.0.0","dependencies":{"tiny":"1.0.0"}}' >package.json
	learns -- npm install --no-audit --no-fund --registry http://npm.test:8000/npm/
	[ ! -e node_modules ]
	[ "$(items network hosts)" = npm.test:8000 ]
	[ -z "$(items files read)$(items files write)" ]
	grep -q '^extends: \[agent\]' p.yaml
	grep -qF '#   files.write: ~/.npm  (the box' p.yaml
	aisbx run -p ./p.yaml -- npm install --no-audit --no-fund --registry http://npm.test:8000/npm/
	[ "$(node -p 'require("tiny")')" = found ]
}
