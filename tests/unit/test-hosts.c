/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Grants of hosts: what is taken and refused as text, and what each one lets through. */
#include "policy/hosts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "policy/publish.h"

static struct arena arena;

static int clear_arena(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct host_grant grant_of(const char *text, bool is_private)
{
	struct host_grant grant;
	const char *why = NULL;

	if (host_grant_parse(&arena, text, is_private, &grant, &why) != 0)
		fail_msg("'%s': %s", text, why);
	return grant;
}

static struct address address_of(const char *text)
{
	struct address address;

	assert_true(address_parse(text, strlen(text), &address));
	return address;
}

/* "*.example.org:80,443" */
static const char *text_of(const struct host_grant *grant)
{
	const char *text = arena_printf(&arena, "%s:", host_grant_host(&arena, grant));

	for (size_t i = 0; i < grant->ports_len; i++)
		text = arena_printf(&arena, "%s%s%s", text, i ? "," : "",
				    host_grant_ports(&arena, grant, i));
	return text;
}

static void test_any_public(void **state)
{
	struct host_grant items[HOSTS_ANY_LEN];
	struct host_grants any = { items, 0 };
	struct address address;

	(void)state;
	hosts_add_any_public(&any);
	assert_int_equal(any.len, HOSTS_ANY_LEN);
	assert_true(hosts_know(&any, "example.com"));
	assert_false(hosts_know(&any, "localhost"));
	assert_false(hosts_know(&any, "printer"));
	assert_non_null(hosts_find_name(&any, "a.example.com", 443));
	assert_null(hosts_find_name(&any, "a.example.com", 1));
	address = address_of("93.184.216.34");
	assert_true(host_permits(hosts_find_address(&any, &address, 443), &address));
	assert_true(host_permits(hosts_find_name(&any, "example.com", 443), &address));
	address = address_of("2606:2800:220:1::1");
	assert_true(host_permits(hosts_find_address(&any, &address, 80), &address));
	static const char *const never[] = { "127.0.0.1",	"10.0.0.1",   "192.168.1.1",
					     "169.254.169.254", "::1",	      "fe80::1",
					     "fd00::1",		"100.64.0.1", "0.0.0.0" };
	for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
		address = address_of(never[i]);
		for (size_t j = 0; j < any.len; j++)
			assert_false(host_permits(&items[j], &address));
	}
}

static const char *name_of_length(size_t len)
{
	char *name = arena_alloc(&arena, len + 1);

	memset(name, 'a', len);
	for (size_t i = 50; i + 1 < len; i += 51)
		name[i] = '.';
	return name;
}

/*** Text ***/

static void test_taken(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "example.org", "example.org:443" },
		{ "EXAMPLE.Org.", "example.org:443" },
		{ "db", "db:443" },
		{ "a_b.example.org", "a_b.example.org:443" },
		{ "_dmarc.example.org", "_dmarc.example.org:443" },
		{ "-a.example.org", "-a.example.org:443" },
		{ "1.example.org", "1.example.org:443" },
		{ "0x1.example", "0x1.example:443" },
		{ "1a", "1a:443" },
		{ "example.0x1g", "example.0x1g:443" },
		{ "b\xc3\xbc"
		  "cher.example",
		  "xn--bcher-kva.example:443" },
		{ "B\xc3\x9c"
		  "CHER.example:80",
		  "xn--bcher-kva.example:80" },
		{ "XN--BCHER-KVA.example", "xn--bcher-kva.example:443" },
		{ "stra\xc3\x9f"
		  "e.example",
		  "xn--strae-oqa.example:443" },
		{ "xn--i-7iq.example", "xn--i-7iq.example:443" },
		{ "\xef\xbd\x81.example", "a.example:443" }, /* full width a */
		{ "a\xe3\x80\x82"
		  "example",
		  "a.example:443" }, /* ideographic full stop */
		{ "*.example.org", "*.example.org:443" },
		{ "*.Example.ORG.:80", "*.example.org:80" },
		{ "*.b\xc3\xbc"
		  "cher.example",
		  "*.xn--bcher-kva.example:443" },
		{ "a:1", "a:1" },
		{ "a:65535", "a:65535" },
		{ "a:80,443", "a:80,443" },
		{ "a:8000-8063", "a:8000-8063" },
		{ "a:8000-8000", "a:8000" },
		{ "a:1-32,101-132", "a:1-32,101-132" },
		{ "1.1.1.1", "1.1.1.1:443" },
		{ "10.0.0.5:5432", "10.0.0.5:5432" },
		{ "10.0.0.0/8:5432", "10.0.0.0/8:5432" },
		{ "0.0.0.0/0:443", "0.0.0.0/0:443" },
		{ "192.168.1.1/32", "192.168.1.1/32:443" },
		{ "2606::1", "[2606::1]:443" },
		{ "[2606::1]", "[2606::1]:443" },
		{ "[2606::1]:80", "[2606::1]:80" },
		{ "fd00::/8", "[fd00::/8]:443" },
		{ "[fd00::/8]:80", "[fd00::/8]:80" },
		{ "::/0", "[::/0]:443" },
		{ "::ffff:10.0.0.0/104", "[::ffff:10.0.0.0/104]:443" },
		{ "http://example.org", "example.org:80" },
		{ "HTTPS://Example.org/a/b?c#d", "example.org:443" },
		{ "https://example.org:8443/", "example.org:8443" },
		{ "https://example.org?a:b", "example.org:443" },
		{ "https://[2606::1]/x", "[2606::1]:443" },
		{ "https://[2606::1]:444/x", "[2606::1]:444" },
		{ "ssh://git.example.org/a", "git.example.org:22" },
		{ "git://example.org", "example.org:9418" },
		{ "ws://example.org", "example.org:80" },
		{ "wss://example.org", "example.org:443" },
		{ "postgres://db.example.org/app", "db.example.org:5432" },
		{ "postgresql://db.example.org", "db.example.org:5432" },
		{ "redis://example.org", "example.org:6379" },
		{ "mysql://example.org", "example.org:3306" },
		{ "amqp://example.org:5672/x", "example.org:5672" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct host_grant grant = grant_of(rows[i].text, false);

		assert_string_equal(text_of(&grant), rows[i].want);
		/* what is printed is taken again, and means the same */
		struct host_grant again = grant_of(rows[i].want, false);
		assert_string_equal(text_of(&again), rows[i].want);
		assert_true(again.kind == grant.kind && again.prefix_len == grant.prefix_len);
	}
	assert_int_equal(strlen(grant_of(name_of_length(253), false).name), 253);
	assert_int_equal(grant_of("10.0.0.0/8", false).prefix_len, 104);
	assert_int_equal(grant_of("10.0.0.1", false).prefix_len, 128);
	assert_int_equal(grant_of("fd00::/8", false).prefix_len, 8);
}

/* Each is refused with a message that has want in it. */
static void test_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "empty host" },
		{ " ", "space" },
		{ "a b", "space" },
		{ "a\tb", "cannot be seen" },
		{ "a\nb", "cannot be seen" },
		{ "a\x7f", "cannot be seen" },
		{ "a\xff", "cannot be seen" },
		{ "a\xc2\xa0"
		  "b",
		  "cannot be seen" }, /* no-break space */
		{ "a\xe2\x80\x8b"
		  "b",
		  "cannot be seen" }, /* zero width */
		{ "a\xe2\x80\xae"
		  "b",
		  "cannot be seen" }, /* right to left */
		{ ".", "is not a host" },
		{ "..", "is not a host" },
		{ ".a", "is not a host" },
		{ "a..b", "is not a host" },
		{ "a..", "is not a host" },
		{ "a!b", "is not a host" },
		{ "a\\b", "is not a host" },
		{ "a/b", "write the host alone, as in 'a'" },
		{ "/a", "is not a host" },
		{ "\xe2\x84\x80.example", "is not a host" }, /* becomes a/c */
		{ "a%2eb", "zone or an escape" },
		{ "a@b", "HOST[:PORT] alone" },
		{ "https://user@b", "HOST[:PORT] alone" },
		{ "https://user:hunter/2@b", "HOST[:PORT] alone" },
		{ "https://a/@b", "HOST[:PORT] alone" },
		{ "*", "write *.NAME" },
		{ "*.", "write *.NAME" },
		{ "*..com", "write *.NAME" },
		{ "a.*.b", "write *.NAME" },
		{ "foo*.com", "write *.NAME" },
		{ "*foo.com", "write *.NAME" },
		{ "*.*.com", "write *.NAME" },
		{ "a.*", "write *.NAME" },
		{ "**.a.com", "write *.NAME" },
		{ "*.b\xc3\xbc*.com", "write *.NAME" },
		{ "*.com", "write the whole name" },
		{ "*.COM.", "write the whole name" },
		{ "*.co.uk", "write the whole name" },
		{ "*.github.io", "write the whole name" },
		{ "*.internal", "write the whole name" },
		{ "*.unheard-of", "write the whole name" },
		{ "*.xn--55qx5d.cn", "write the whole name" },
		{ "*.\xe5\x85\xac\xe5\x8f\xb8.cn", "write the whole name" },
		{ "*.localhost", "write the whole name" },
		{ "*.1.2.3", "a net as ADDRESS/LEN" },
		{ "xn--a", "internationalised" },
		{ "a.xn--.com", "internationalised" },
		{ "XN--bcher-kvb.example", "internationalised" },
		{ "\xe2\x98\x83.example", "internationalised" },
		{ "-\xc3\xbc.example", "internationalised" },
		{ "2130706433", "write 127.0.0.1" },
		{ "0x7f000001", "write 127.0.0.1" },
		{ "0X7F.1", "write 127.0.0.1" },
		{ "127.1", "write 127.0.0.1" },
		{ "0177.0.0.1", "write 127.0.0.1" },
		{ "010.0.0.1", "write 8.0.0.1" },
		{ "10.0.0.1.", "write 10.0.0.1" },
		{ "\xef\xbc\x91\xef\xbc\x90.0.0.1", "write 10.0.0.1" },
		{ "1.2.3.4.5", "ends in a number" },
		{ "1.2.3.256", "ends in a number" },
		{ "99999999999", "ends in a number" },
		{ "a.1", "ends in a number" },
		{ "a.0x", "ends in a number" },
		{ "https://2130706433/", "write 127.0.0.1" },
		{ "10.0.0.1/8", "the net is 10.0.0.0/8" },
		{ "10.0.0.1/31", "the net is 10.0.0.0/31" },
		{ "fd00::1/8", "the net is fd00::/8" },
		{ "2606::1/0", "the net is ::/0" },
		{ "10.0.0.0/33", "write /0 to /32" },
		{ "10.0.0.0/", "write /0 to /32" },
		{ "10.0.0.0/08", "write /0 to /32" },
		{ "10.0.0.0/+8", "write /0 to /32" },
		{ "10.0.0.0/255.0.0.0", "write /0 to /32" },
		{ "fd00::/129", "write /0 to /128" },
		{ "[::1", "not an IPv6 address" },
		{ "[]", "not an IPv6 address" },
		{ "[a]", "not an IPv6 address" },
		{ "[10.0.0.1]", "without brackets" },
		{ "[2606::1]80", "after ']'" },
		{ "[fd00::]/8", "after ']'" },
		{ "fe80::1%eth0", "not an IPv6 address" },
		{ "a:1:2", "not an IPv6 address" },
		{ ":80", "is not a host" },
		{ "a:", "not a port" },
		{ "a:0", "port 0 is none" },
		{ "a:0-5", "port 0 is none" },
		{ "a:65536", "not a port" },
		{ "a:99999999999999999999", "not a port" },
		{ "a:-1", "not a port" },
		{ "a:1-", "not a port" },
		{ "a:1-2-3", "not a port" },
		{ "a:08", "not a port" },
		{ "a:80,", "not a port" },
		{ "a:,80", "not a port" },
		{ "a:http", "not a port" },
		{ "a:9-8", "write 8-9" },
		{ "a:1-65", "more than 64" },
		{ "a:1-64,80", "more than 64" },
		{ "a:1-65535", "more than 64" },
		{ "://a", "without a scheme" },
		{ "https://", "without a scheme or a host" },
		{ "https:///x", "without a scheme or a host" },
		{ "file:///etc/passwd", "without a scheme or a host" },
		{ "ftp://a", "port of scheme 'ftp'" },
		{ "https://a\\b", "is not a host" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (int is_private = 0; is_private < 2; is_private++) {
			struct host_grant grant;
			const char *why = NULL;
			int r = host_grant_parse(&arena, rows[i].text, is_private, &grant, &why);

			if (r != -EINVAL || !why || !strstr(why, rows[i].want))
				fail_msg("'%s': %d, %s", rows[i].text, r, why ? why : "taken");
			assert_null(strstr(why, "hunter")); /* the password of a row */
		}
	}
}

static void test_too_long(void **state)
{
	struct host_grant grant;
	const char *why = NULL;
	char label[65] = { 0 };

	(void)state;
	memset(label, 'a', 63);
	assert_string_equal(grant_of(label, false).name, label);
	label[63] = 'a';
	assert_int_equal(host_grant_parse(&arena, label, false, &grant, &why), -EINVAL);
	assert_int_equal(host_grant_parse(&arena, name_of_length(254), false, &grant, &why),
			 -EINVAL);
}

/* Literals that lead to this machine or near it are of network.private alone. */
static void test_private_literals(void **state)
{
	static const struct {
		const char *text;
		bool is_public;
	} rows[] = {
		{ "localhost", false },
		{ "LOCALHOST.", false },
		{ "a.localhost", false },
		{ "localhost.localdomain", false },
		{ "127.0.0.1", false },
		{ "127.0.0.0/8", false },
		{ "0.0.0.0", false },
		{ "::1", false },
		{ "::", false },
		{ "[::ffff:127.0.0.1]", false },
		{ "169.254.169.254", false },
		{ "169.254.0.0/16", false },
		{ "100.100.100.200", false },
		{ "fe80::1", false },
		{ "fd00:ec2::254", false },
		{ "224.0.0.1", false },
		{ "192.0.2.1", false },
		{ "2001:db8::/32", false },
		{ "fec0::1", false },
		{ "64:ff9b::a9fe:a9fe", false },
		{ "64:ff9b::10.0.0.1", false },
		{ "2002:7f00:1::1", false },
		{ "notlocalhost", true },
		{ "localhost.example", true },
		{ "10.0.0.5", true },
		{ "172.16.0.0/12", true },
		{ "192.168.0.0/16", true },
		{ "100.64.0.0/10", true },
		{ "fd12::1", true },
		{ "8.8.8.8", true },
		{ "0.0.0.0/0", true },
		{ "::/0", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct host_grant grant;
		const char *why = NULL;
		int r = host_grant_parse(&arena, rows[i].text, false, &grant, &why);

		if ((r == 0) != rows[i].is_public)
			fail_msg("'%s': %s", rows[i].text, why ? why : "taken");
		if (r < 0)
			assert_non_null(strstr(why, "network.private (--allow-private-host)"));
		assert_true(grant_of(rows[i].text, true).is_private);
	}
}

/*** Names ***/

static void test_matches(void **state)
{
	static const struct {
		const char *grant, *name;
		bool want;
	} rows[] = {
		{ "allowed.com", "allowed.com", true },
		{ "allowed.com", "evilallowed.com", false },
		{ "allowed.com", "allowed.com.evil.com", false },
		{ "allowed.com", "a.allowed.com", false },
		{ "allowed.com", "allowed.co", false },
		{ "allowed.com", "allowed.comx", false },
		{ "allowed.com", "com", false },
		{ "allowed.com", "", false },
		{ "*.allowed.com", "a.allowed.com", true },
		{ "*.allowed.com", "a.b.c.allowed.com", true },
		{ "*.allowed.com", "allowed.com", false },
		{ "*.allowed.com", ".allowed.com", false },
		{ "*.allowed.com", "evilallowed.com", false },
		{ "*.allowed.com", "a.evilallowed.com", false },
		{ "*.allowed.com", "a.allowed.com.evil.com", false },
		{ "*.allowed.com", "a.allowed.comx", false },
		{ "*.allowed.com", "*.allowed.com", true }, /* which no name is */
		{ "1.1.1.1", "1.1.1.1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct host_grant grant = grant_of(rows[i].grant, false);
		struct host_grants grants = { &grant, 1 };

		if (host_grant_matches(&grant, rows[i].name) != rows[i].want ||
		    hosts_know(&grants, rows[i].name) != rows[i].want ||
		    (hosts_find_name(&grants, rows[i].name, 443) != NULL) != rows[i].want)
			fail_msg("%s, %s", rows[i].grant, rows[i].name);
		assert_null(hosts_find_name(&grants, rows[i].name, 80));
	}
}

static void test_ports(void **state)
{
	struct host_grant grant = grant_of("a:80,8000-8002,65535", false);
	static const uint16_t in[] = { 80, 8000, 8001, 8002, 65535 };
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < sizeof in / sizeof *in; i++)
		assert_true(host_grant_has_port(&grant, in[i]));
	for (unsigned port = 0; port <= UINT16_MAX; port++)
		count += host_grant_has_port(&grant, (uint16_t)port);
	assert_int_equal(count, sizeof in / sizeof *in);
}

/*** Which grant, and where it leads ***/

static void test_find(void **state)
{
	static const struct {
		const char *text;
		bool is_private;
	} rows[] = {
		{ "*.a.com:80,443", false }, { "x.a.com", false },   { "x.a.com", true },
		{ "x.a.com:8080", false },   { "0.0.0.0/0", false }, { "10.0.0.0/8", false },
		{ "10.1.0.0/16", true },     { "::/0", false },
	};
	struct host_grant items[sizeof rows / sizeof *rows];
	struct host_grants grants = { items, sizeof rows / sizeof *rows };
	struct address address;

	(void)state;
	for (size_t i = 0; i < grants.len; i++)
		items[i] = grant_of(rows[i].text, rows[i].is_private);
	items[1].tls_any = true;
	assert_ptr_equal(hosts_find_name(&grants, "x.a.com", 443), &items[2]);
	assert_ptr_equal(hosts_find_name(&grants, "x.a.com", 80), &items[0]);
	assert_ptr_equal(hosts_find_name(&grants, "x.a.com", 8080), &items[3]);
	assert_ptr_equal(hosts_find_name(&grants, "y.a.com", 443), &items[0]);
	assert_null(hosts_find_name(&grants, "a.com", 443));
	grants.len = 2;
	assert_ptr_equal(hosts_find_name(&grants, "x.a.com", 443), &items[1]);
	grants.len = sizeof items / sizeof *items;

	address = address_of("10.1.2.3");
	assert_ptr_equal(hosts_find_address(&grants, &address, 443), &items[6]);
	assert_null(hosts_find_address(&grants, &address, 80));
	address = address_of("10.2.2.3");
	assert_ptr_equal(hosts_find_address(&grants, &address, 443), &items[5]);
	address = address_of("8.8.8.8");
	assert_ptr_equal(hosts_find_address(&grants, &address, 443), &items[4]);
	address = address_of("2606::1");
	assert_ptr_equal(hosts_find_address(&grants, &address, 443), &items[7]);
	grants.len = 4;
	assert_null(hosts_find_address(&grants, &address, 443));
	grants.len = 0;
	assert_null(hosts_find_address(&grants, &address, 443));
	assert_null(hosts_find_name(&grants, "x.a.com", 443));
	assert_false(hosts_know(&grants, "x.a.com"));
}

static void test_permits(void **state)
{
	static const struct {
		const char *grant;
		bool is_private;
		const char *address;
		bool want;
	} rows[] = {
		{ "a.com", false, "8.8.8.8", true },
		{ "a.com", false, "2606::1", true },
		{ "a.com", false, "127.0.0.1", false },
		{ "a.com", false, "::1", false },
		{ "a.com", false, "0.0.0.0", false },
		{ "a.com", false, "169.254.169.254", false },
		{ "a.com", false, "fd00:ec2::254", false },
		{ "a.com", false, "10.0.0.1", false },
		{ "a.com", false, "100.64.0.1", false },
		{ "a.com", false, "fd12::1", false },
		{ "a.com", false, "::ffff:10.0.0.1", false },
		{ "a.com", false, "64:ff9b::7f00:1", false },
		{ "a.com", false, "2002:a00:1::", false },
		{ "a.com", false, "198.18.0.1", false },
		{ "a.com", false, "224.0.0.1", false },
		{ "*.a.com", false, "10.0.0.1", false },
		{ "a.com", true, "8.8.8.8", true },
		{ "a.com", true, "127.0.0.1", true },
		{ "a.com", true, "169.254.169.254", true },
		{ "a.com", true, "10.0.0.1", true },
		{ "a.com", true, "fd12::1", true },
		{ "a.com", true, "224.0.0.1", false },
		{ "a.com", true, "198.18.0.1", false },
		{ "10.0.0.5", false, "10.0.0.5", true },
		{ "10.0.0.5", false, "10.0.0.6", false },
		{ "10.0.0.5", false, "8.8.8.8", false },
		{ "10.0.0.0/8", false, "10.1.2.3", true },
		{ "100.64.0.0/10", false, "100.64.0.1", true },
		{ "100.64.0.0/10", false, "100.100.100.200", false },
		{ "fd00::/8", false, "fd12::1", true },
		{ "fd00::/8", false, "fd00:ec2::254", false },
		{ "0.0.0.0/0", false, "8.8.8.8", true },
		{ "0.0.0.0/0", false, "10.0.0.1", false },
		{ "0.0.0.0/0", false, "127.0.0.1", false },
		{ "0.0.0.0/0", false, "169.254.169.254", false },
		{ "0.0.0.0/0", true, "10.0.0.1", true },
		{ "0.0.0.0/0", true, "224.0.0.1", false },
		{ "::/0", false, "2606::1", true },
		{ "::/0", false, "8.8.8.8", false },
		{ "::/0", true, "127.0.0.1", false },
		{ "::/0", true, "::1", true },
		{ "198.18.0.0/15", true, "198.18.0.1", true },
		{ "192.0.2.1", true, "192.0.2.1", true },
		{ "127.0.0.1", true, "127.0.0.1", true },
		{ "127.0.0.1", true, "127.0.0.2", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct host_grant grant = grant_of(rows[i].grant, rows[i].is_private);
		struct address address = address_of(rows[i].address);

		if (host_permits(&grant, &address) != rows[i].want)
			fail_msg("%s%s, %s", rows[i].is_private ? "private " : "", rows[i].grant,
				 rows[i].address);
	}
}

/*** Publishing ***/

static void test_publish(void **state)
{
	static const struct {
		const char *text, *address; /* NULL: refused */
		unsigned port, box_port;
	} rows[] = {
		{ "8080", "127.0.0.1", 8080, 8080 },
		{ "8080:3000", "127.0.0.1", 8080, 3000 },
		{ "0:3000", "127.0.0.1", 0, 3000 },
		{ "127.0.0.1:8080", "127.0.0.1", 8080, 8080 },
		{ "127.0.0.1:0:3000", "127.0.0.1", 0, 3000 },
		{ "0.0.0.0:80:80", "0.0.0.0", 80, 80 },
		{ "[::1]:8080:3000", "::1", 8080, 3000 },
		{ "[::]:8080", "::", 8080, 8080 },
		{ "65535:65535", "127.0.0.1", 65535, 65535 },
		{ "", NULL, 0, 0 },
		{ "0", NULL, 0, 0 },
		{ "127.0.0.1:0", NULL, 0, 0 },
		{ "80:0", NULL, 0, 0 },
		{ "80:", NULL, 0, 0 },
		{ ":80", NULL, 0, 0 },
		{ "65536", NULL, 0, 0 },
		{ "80:65536", NULL, 0, 0 },
		{ "080", NULL, 0, 0 },
		{ "80 ", NULL, 0, 0 },
		{ "80-90", NULL, 0, 0 },
		{ "1:2:3", NULL, 0, 0 },
		{ "127.1:80", NULL, 0, 0 },
		{ "localhost:80", NULL, 0, 0 },
		{ "*:80", NULL, 0, 0 },
		{ "::1:80", NULL, 0, 0 },
		{ "[::1]", NULL, 0, 0 },
		{ "[::1]80", NULL, 0, 0 },
		{ "[::1]x:80", NULL, 0, 0 },
		{ "[::1:80", NULL, 0, 0 },
		{ "[127.0.0.1]:80", NULL, 0, 0 },
		{ "[]:80", NULL, 0, 0 },
		{ "127.0.0.1:80:80:80", NULL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct publish publish = { .why = "here" };
		char buf[INET6_ADDRSTRLEN];
		const char *why = NULL;
		int r = publish_parse(&arena, rows[i].text, &publish, &why);

		if ((r == 0) != (rows[i].address != NULL) || (r < 0) != (why != NULL))
			fail_msg("'%s': %d, %s", rows[i].text, r, why ? why : "taken");
		assert_string_equal(publish.why, "here");
		if (r < 0)
			continue;
		assert_string_equal(address_format(&publish.address, buf), rows[i].address);
		assert_int_equal(publish.port, rows[i].port);
		assert_int_equal(publish.box_port, rows[i].box_port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_public),
		cmocka_unit_test_teardown(test_taken, clear_arena),
		cmocka_unit_test_teardown(test_refused, clear_arena),
		cmocka_unit_test_teardown(test_too_long, clear_arena),
		cmocka_unit_test_teardown(test_private_literals, clear_arena),
		cmocka_unit_test_teardown(test_matches, clear_arena),
		cmocka_unit_test_teardown(test_ports, clear_arena),
		cmocka_unit_test_teardown(test_find, clear_arena),
		cmocka_unit_test_teardown(test_permits, clear_arena),
		cmocka_unit_test_teardown(test_publish, clear_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
