#!/usr/bin/env bats
# What a grant of a host covers: spellings, wildcards, addresses, nets, ports.
load net

setup_servers() {
	need curl jq
	hosts_are "93.184.216.34 api.test a.wild.test b.c.wild.test wild.test xn--mnchen-3ya.test" \
		"93.184.216.34 evilwild.test" "2606:2800:220:1::1 api.test six.test"
	make_certificate api.test
	start_server
}

# Ways into the box, one a line: NAME PORT; prints the address that the server saw, or no.
cat_script='
import socket, sys
for line in sys.argv[1:]:
    host, port = line.rsplit(" ", 1)
    try:
        with socket.create_connection((host, int(port)), 10) as s:
            print(s.makefile().readline().strip() or "closed")
    except (OSError, UnicodeError) as e:
        print("no")
'
reach() { # OPTION... -- "NAME PORT"...
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	in_box "${options[@]}" -- python3 -c "$cat_script" "$@"
	status_is 0
	output=$(tr '\n' ' ' <<<"$output")
	output=${output% }
}

@test "a wildcard: subdomains of any depth, not the name itself nor one that ends alike" {
	reach --allow-host '*.wild.test:20' -- "a.wild.test 20" "b.c.wild.test 20" "wild.test 20" \
		"evilwild.test 20" "api.test 20"
	output_is "93.184.216.34 93.184.216.34 no no no"
	jq_is '[.refused[] | select(.kind == "dns") | .what] | sort' \
		'["api.test","evilwild.test","wild.test"]'
	fails_with 125 "" run --allow-host '*.com' -- true
	fails_with 125 "" run --allow-host '*.co.uk' -- true
}

@test "case and a dot at the end, in the grant and in the question" {
	reach --allow-host API.Test.:20 -- "api.test 20" "API.TEST 20" "api.test. 20" "ApI.tEsT. 20"
	[[ $output =~ ^([0-9a-f.:]+\ ){3}[0-9a-f.:]+$ ]]
	lacks "$output" no
	jq_is '[.connections[] | .host, .count]' '["api.test",4]'
}

@test "punycode: granted as U-label or A-label, asked for as either" {
	local grant
	for grant in münchen.test:20 xn--mnchen-3ya.test:20 MÜNCHEN.test:20; do
		reach --allow-host "$grant" -- "xn--mnchen-3ya.test 20" "münchen.test 20"
		output_is "93.184.216.34 93.184.216.34"
	done
}

@test "addresses: IPv4 and IPv6, one of them and nobody else's" {
	reach --allow-host 93.184.216.34:20 -- "93.184.216.34 20" "151.101.1.1 20" "93.184.216.34 13"
	output_is "93.184.216.34 no no"
	reach --allow-host '[2606:2800:220:1::1]:20' -- "2606:2800:220:1::1 20" \
		"2606:2800:220:1::2 20" "93.184.216.34 20"
	output_is "2606:2800:220:1::1 no no"
	jq_is '[.connections[] | .host, .port]' '["2606:2800:220:1::1",20]'
}

@test "nets: what lies in them" {
	reach --allow-host 93.184.216.0/24:20 -- "93.184.216.34 20" "151.101.1.1 20"
	output_is "93.184.216.34 no"
	reach --allow-host '[2606:2800:220::/48]:20' -- "2606:2800:220:1::1 20" "93.184.216.34 20"
	output_is "2606:2800:220:1::1 no"
	reach --allow-private-host 10.0.0.0/8:20 -- "10.20.30.40 20" "93.184.216.34 20"
	output_is "10.20.30.40 no"
	# A public grant of everything is none of the private addresses.
	reach --allow-host 0.0.0.0/0:20 -- "10.20.30.40 20" "93.184.216.34 20"
	output_is "no 93.184.216.34"
}

@test "ports: a range, several, 443 when none is named" {
	reach --allow-host api.test:9001-9064 -- "api.test 9001" "api.test 9030" "api.test 9064" \
		"api.test 9000" "api.test 20"
	[[ $output =~ ^([0-9a-f.:]+\ ){3}no\ no$ ]]
	reach --allow-host api.test:20 --allow-host api.test:9001 -- "api.test 20" "api.test 9001" \
		"api.test 9002"
	[[ $output =~ ^([0-9a-f.:]+\ ){2}no$ ]]
	fails_with 125 "" run --allow-host api.test:9001-9065 -- true
	in_box --allow-host api.test -- curl -sSk https://api.test/hello
	output_is hello
	in_box --allow-host api.test -- curl -sSk https://api.test:8443/hello
	status_is 7
	in_box --allow-host https://api.test:8443/some/path -- curl -sSk https://api.test:8443/hello
	output_is hello
}

@test "ports: however many the grants of a name have together" {
	[ "$(ulimit -Hn)" -ge 4096 ] || skip "at most $(ulimit -Hn) descriptors here"
	local grants=() i
	for ((i = 0; i < 16; i++)); do
		grants+=(--allow-host "api.test:$((20000 + 64 * i))-$((20063 + 64 * i))")
	done
	reach "${grants[@]}" --allow-host api.test:9001-9064 -- "api.test 9001" "api.test 9064" \
		"api.test 9000"
	[[ $output =~ ^([0-9a-f.:]+\ ){2}no$ ]]
}

@test "the caller's own loopback: only as a private grant" {
	reach --allow-private-host localhost:20 -- "localhost 20" "127.0.0.1 20" "localhost 13"
	output_is "127.0.0.1 127.0.0.1 no"
	fails_with 125 "--allow-private-host" run --allow-host localhost:20 -- true
	fails_with 125 "" run --allow-host 127.0.0.1:20 -- true
	reach --allow-private-host 127.0.0.1:20 -- "127.0.0.1 20"
	output_is 127.0.0.1
	reach -- "127.0.0.1 20"
	output_is no
}

@test "a name that leads to a private address needs a private grant" {
	hosts_are "10.20.30.40 db.test" "169.254.169.254 meta.test" "93.184.216.34 api.test"
	reach --allow-host db.test:20 --allow-host meta.test:20 --allow-host api.test:20 -- \
		"db.test 20" "meta.test 20" "api.test 20"
	output_is "no no 93.184.216.34"
	# The name is what was refused: which port was meant is not known when it is asked for.
	[ "$(jq -c '.refused[0] | [.kind, .what, .grant]' result.json)" = \
		'["dns","db.test","--allow-private-host db.test:20"]' ]
	reach --allow-host db.test:20-22,25 -- "db.test 20"
	[ "$(jq -r '.refused[].grant' result.json)" = "--allow-private-host db.test:20-22,25" ]
	reach --allow-private-host db.test:20 -- "db.test 20"
	output_is 10.20.30.40
}
