/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each address means: both ends of every special range, and what stands beside it. */
#include "policy/addresses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct address address_of(const char *text)
{
	struct address address;

	if (!address_parse(text, strlen(text), &address))
		fail_msg("'%s' is not taken", text);
	return address;
}

struct row {
	const char *text;
	enum address_class want;
};

static void check_rows(const struct row *rows, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct address address = address_of(rows[i].text);

		if (address_class(&address) != rows[i].want)
			fail_msg("%s: %d, not %d", rows[i].text, (int)address_class(&address),
				 (int)rows[i].want);
	}
}

static void test_v4(void **state)
{
	static const struct row rows[] = {
		{ "0.0.0.0", ADDRESS_LOOPBACK },
		{ "0.255.255.255", ADDRESS_LOOPBACK },
		{ "1.0.0.0", ADDRESS_PUBLIC },
		{ "8.8.8.8", ADDRESS_PUBLIC },
		{ "9.255.255.255", ADDRESS_PUBLIC },
		{ "10.0.0.0", ADDRESS_PRIVATE },
		{ "10.255.255.255", ADDRESS_PRIVATE },
		{ "11.0.0.0", ADDRESS_PUBLIC },
		{ "100.63.255.255", ADDRESS_PUBLIC },
		{ "100.64.0.0", ADDRESS_PRIVATE },
		{ "100.100.100.199", ADDRESS_PRIVATE },
		{ "100.100.100.200", ADDRESS_LINK_LOCAL },
		{ "100.127.255.255", ADDRESS_PRIVATE },
		{ "100.128.0.0", ADDRESS_PUBLIC },
		{ "126.255.255.255", ADDRESS_PUBLIC },
		{ "127.0.0.0", ADDRESS_LOOPBACK },
		{ "127.0.0.1", ADDRESS_LOOPBACK },
		{ "127.255.255.255", ADDRESS_LOOPBACK },
		{ "128.0.0.0", ADDRESS_PUBLIC },
		{ "168.63.129.15", ADDRESS_PUBLIC },
		{ "168.63.129.16", ADDRESS_LINK_LOCAL },
		{ "169.253.255.255", ADDRESS_PUBLIC },
		{ "169.254.0.0", ADDRESS_LINK_LOCAL },
		{ "169.254.169.254", ADDRESS_LINK_LOCAL },
		{ "169.254.255.255", ADDRESS_LINK_LOCAL },
		{ "169.255.0.0", ADDRESS_PUBLIC },
		{ "172.15.255.255", ADDRESS_PUBLIC },
		{ "172.16.0.0", ADDRESS_PRIVATE },
		{ "172.31.255.255", ADDRESS_PRIVATE },
		{ "172.32.0.0", ADDRESS_PUBLIC },
		{ "191.255.255.255", ADDRESS_PUBLIC },
		{ "192.0.0.0", ADDRESS_NEVER },
		{ "192.0.0.192", ADDRESS_NEVER },
		{ "192.0.0.255", ADDRESS_NEVER },
		{ "192.0.1.0", ADDRESS_PUBLIC },
		{ "192.0.2.0", ADDRESS_NEVER },
		{ "192.0.2.255", ADDRESS_NEVER },
		{ "192.0.3.0", ADDRESS_PUBLIC },
		{ "192.31.196.1", ADDRESS_PUBLIC },
		{ "192.52.193.1", ADDRESS_PUBLIC },
		{ "192.88.98.255", ADDRESS_PUBLIC },
		{ "192.88.99.0", ADDRESS_NEVER },
		{ "192.88.99.255", ADDRESS_NEVER },
		{ "192.88.100.0", ADDRESS_PUBLIC },
		{ "192.167.255.255", ADDRESS_PUBLIC },
		{ "192.168.0.0", ADDRESS_PRIVATE },
		{ "192.168.255.255", ADDRESS_PRIVATE },
		{ "192.169.0.0", ADDRESS_PUBLIC },
		{ "192.175.48.1", ADDRESS_PUBLIC },
		{ "198.17.255.255", ADDRESS_PUBLIC },
		{ "198.18.0.0", ADDRESS_NEVER },
		{ "198.19.255.255", ADDRESS_NEVER },
		{ "198.20.0.0", ADDRESS_PUBLIC },
		{ "198.51.99.255", ADDRESS_PUBLIC },
		{ "198.51.100.0", ADDRESS_NEVER },
		{ "198.51.100.255", ADDRESS_NEVER },
		{ "198.51.101.0", ADDRESS_PUBLIC },
		{ "203.0.112.255", ADDRESS_PUBLIC },
		{ "203.0.113.0", ADDRESS_NEVER },
		{ "203.0.113.255", ADDRESS_NEVER },
		{ "203.0.114.0", ADDRESS_PUBLIC },
		{ "223.255.255.255", ADDRESS_PUBLIC },
		{ "224.0.0.0", ADDRESS_NEVER },
		{ "239.255.255.255", ADDRESS_NEVER },
		{ "240.0.0.0", ADDRESS_NEVER },
		{ "255.255.255.254", ADDRESS_NEVER },
		{ "255.255.255.255", ADDRESS_NEVER },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof *rows);
}

static void test_v6(void **state)
{
	static const struct row rows[] = {
		{ "::", ADDRESS_LOOPBACK },
		{ "::1", ADDRESS_LOOPBACK },
		{ "::2", ADDRESS_NEVER },
		{ "100::1", ADDRESS_NEVER },	   /* discard */
		{ "100:0:0:1::1", ADDRESS_NEVER }, /* dummy prefix */
		{ "1fff:ffff::", ADDRESS_NEVER },
		{ "2000::", ADDRESS_PUBLIC },
		{ "2001:1::1", ADDRESS_NEVER },
		{ "2001:2::1", ADDRESS_NEVER }, /* benchmarking */
		{ "2001:3::1", ADDRESS_PUBLIC },
		{ "2001:4:111::1", ADDRESS_NEVER },
		{ "2001:4:112::1", ADDRESS_PUBLIC },
		{ "2001:4:113::1", ADDRESS_NEVER },
		{ "2001:10::1", ADDRESS_NEVER },
		{ "2001:20::1", ADDRESS_NEVER },
		{ "2001:1ff:ffff::", ADDRESS_NEVER },
		{ "2001:200::1", ADDRESS_PUBLIC },
		{ "2001:db7:ffff::", ADDRESS_PUBLIC },
		{ "2001:db8::", ADDRESS_NEVER },
		{ "2001:db8:ffff:ffff::", ADDRESS_NEVER },
		{ "2001:db9::", ADDRESS_PUBLIC },
		{ "2001:4860:4860::8888", ADDRESS_PUBLIC },
		{ "2620:4f:8000::1", ADDRESS_PUBLIC },
		{ "3ffe:ffff::1", ADDRESS_PUBLIC },
		{ "3fff::1", ADDRESS_NEVER },
		{ "3fff:fff:ffff::", ADDRESS_NEVER },
		{ "3fff:1000::", ADDRESS_PUBLIC },
		{ "3fff:ffff::", ADDRESS_PUBLIC },
		{ "4000::", ADDRESS_NEVER },
		{ "5f00::1", ADDRESS_NEVER }, /* segment routing */
		{ "fbff:ffff::", ADDRESS_NEVER },
		{ "fc00::", ADDRESS_PRIVATE },
		{ "fd00:ec2::253", ADDRESS_PRIVATE },
		{ "fd00:ec2::254", ADDRESS_LINK_LOCAL },
		{ "fd20:ce::254", ADDRESS_LINK_LOCAL },
		{ "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PRIVATE },
		{ "fe00::1", ADDRESS_NEVER },
		{ "fe7f:ffff::", ADDRESS_NEVER },
		{ "fe80::", ADDRESS_LINK_LOCAL },
		{ "fe80::a9fe:a9fe", ADDRESS_LINK_LOCAL },
		{ "febf:ffff::", ADDRESS_LINK_LOCAL },
		{ "fec0::", ADDRESS_PRIVATE },
		{ "feff:ffff::", ADDRESS_PRIVATE },
		{ "ff00::", ADDRESS_NEVER },
		{ "ff02::1", ADDRESS_NEVER },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_NEVER },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof *rows);
}

/* An IPv4 address in an IPv6 one: the worse of both. */
static void test_carried(void **state)
{
	static const struct row rows[] = {
		/* v4-mapped is the IPv4 address itself */
		{ "::ffff:8.8.8.8", ADDRESS_PUBLIC },
		{ "::ffff:127.0.0.1", ADDRESS_LOOPBACK },
		{ "::ffff:a9fe:a9fe", ADDRESS_LINK_LOCAL },
		{ "::ffff:10.0.0.1", ADDRESS_PRIVATE },
		{ "::ffff:224.0.0.1", ADDRESS_NEVER },
		/* v4-compatible and v4-translated are used by nobody */
		{ "::8.8.8.8", ADDRESS_NEVER },
		{ "::127.0.0.1", ADDRESS_NEVER },
		{ "::ffff:0:8.8.8.8", ADDRESS_NEVER },
		{ "::ffff:0:127.0.0.1", ADDRESS_NEVER },
		/* NAT64, well-known prefix */
		{ "64:ff9b::8.8.8.8", ADDRESS_PUBLIC },
		{ "64:ff9b::127.0.0.1", ADDRESS_LOOPBACK },
		{ "64:ff9b::169.254.169.254", ADDRESS_LINK_LOCAL },
		{ "64:ff9b::192.168.0.1", ADDRESS_PRIVATE },
		{ "64:ff9b::100.64.0.1", ADDRESS_PRIVATE },
		{ "64:ff9b::203.0.113.1", ADDRESS_NEVER },
		{ "64:ff9b:0:0:0:1:808:808", ADDRESS_NEVER }, /* beside it */
		/* NAT64, local prefixes of 96, 48, 56 and 64 bits */
		{ "64:ff9b:1::8.8.8.8", ADDRESS_PRIVATE },
		{ "64:ff9b:1::127.0.0.1", ADDRESS_LOOPBACK },
		{ "64:ff9b:1:abcd::169.254.169.254", ADDRESS_LINK_LOCAL },
		{ "64:ff9b:1::224.0.0.1", ADDRESS_NEVER },
		{ "64:ff9b:1:7f05:1:100::", ADDRESS_LOOPBACK },
		{ "64:ff9b:1:a9fe:a9:fe00::", ADDRESS_NEVER }, /* 254.169.254.0 of 56 bits */
		{ "64:ff9b:1:7f:0:1::", ADDRESS_LOOPBACK },
		{ "64:ff9b:1:0:7f:0:100::", ADDRESS_LOOPBACK },
		{ "64:ff9b:2::8.8.8.8", ADDRESS_NEVER },
		/* 6to4 */
		{ "2002:808:808::1", ADDRESS_PUBLIC },
		{ "2002:7f00:1::", ADDRESS_LOOPBACK },
		{ "2002:a9fe:a9fe::", ADDRESS_LINK_LOCAL },
		{ "2002:c0a8:1::1", ADDRESS_PRIVATE },
		{ "2002:e000:1::1", ADDRESS_NEVER },
		/* Teredo: the server's address, and the client's inverted */
		{ "2001:0:808:808::f7f7:f7f7", ADDRESS_PUBLIC },
		{ "2001:0:7f00:1::f7f7:f7f7", ADDRESS_LOOPBACK },
		{ "2001:0:808:808::80ff:fffe", ADDRESS_LOOPBACK },
		{ "2001:0:808:808::5601:5601", ADDRESS_LINK_LOCAL },
		{ "2001:0:808:808::f5ff:fffe", ADDRESS_PRIVATE },
		/* ISATAP below any prefix */
		{ "2600::5efe:8.8.8.8", ADDRESS_PUBLIC },
		{ "2600::5efe:10.0.0.1", ADDRESS_PRIVATE },
		{ "2600::200:5efe:127.0.0.1", ADDRESS_LOOPBACK },
		{ "2600::5efe:169.254.169.254", ADDRESS_LINK_LOCAL },
		{ "fe80::5efe:8.8.8.8", ADDRESS_LINK_LOCAL },
		{ "fc00::5efe:127.0.0.1", ADDRESS_LOOPBACK },
		{ "2600::100:5efe:127.0.0.1", ADDRESS_PUBLIC }, /* another interface */
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof *rows);
}

static void test_net_class(void **state)
{
	static const struct {
		const char *net;
		unsigned prefix_len;
		enum address_class want;
		bool is_own;
	} rows[] = {
		{ "0.0.0.0", 96, ADDRESS_PUBLIC, false },
		{ "0.0.0.0", 97, ADDRESS_PUBLIC, false },
		{ "0.0.0.0", 104, ADDRESS_LOOPBACK, false },
		{ "10.0.0.0", 104, ADDRESS_PRIVATE, true },
		{ "10.0.0.0", 103, ADDRESS_PUBLIC, false },
		{ "10.1.2.3", 128, ADDRESS_PRIVATE, true },
		{ "100.64.0.0", 106, ADDRESS_PRIVATE, true },
		{ "100.64.0.0", 105, ADDRESS_PUBLIC, false },
		{ "100.100.100.200", 125, ADDRESS_PRIVATE, true },
		{ "100.100.100.200", 128, ADDRESS_LINK_LOCAL, true },
		{ "127.0.0.0", 120, ADDRESS_LOOPBACK, false },
		{ "126.0.0.0", 103, ADDRESS_PUBLIC, false },
		{ "172.16.0.0", 108, ADDRESS_PRIVATE, true },
		{ "172.16.0.0", 107, ADDRESS_PUBLIC, false },
		{ "192.168.0.0", 112, ADDRESS_PRIVATE, true },
		{ "224.0.0.0", 100, ADDRESS_NEVER, false },
		{ "::", 0, ADDRESS_PUBLIC, false },
		{ "::1", 128, ADDRESS_LOOPBACK, false },
		{ "2000::", 3, ADDRESS_PUBLIC, false },
		{ "2001:db8::", 32, ADDRESS_NEVER, false },
		{ "2001:db8::", 31, ADDRESS_PUBLIC, false },
		{ "2002:7f00:1::", 128, ADDRESS_LOOPBACK, false },
		{ "fc00::", 7, ADDRESS_PRIVATE, true },
		{ "fc00::", 6, ADDRESS_PUBLIC, false },
		{ "fe80::", 10, ADDRESS_LINK_LOCAL, false },
		{ "fec0::", 10, ADDRESS_PRIVATE, false },
		{ "ff00::", 8, ADDRESS_NEVER, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct address net = address_of(rows[i].net);

		if (address_net_class(&net, rows[i].prefix_len) != rows[i].want ||
		    address_net_is_own(&net, rows[i].prefix_len) != rows[i].is_own)
			fail_msg("%s/%u", rows[i].net, rows[i].prefix_len);
	}
}

static void test_in_net(void **state)
{
	static const struct {
		const char *address, *net;
		unsigned prefix_len;
		bool want;
	} rows[] = {
		{ "10.1.2.3", "10.0.0.0", 104, true },
		{ "11.1.2.3", "10.0.0.0", 104, false },
		{ "11.1.2.3", "10.0.0.0", 103, true },
		{ "10.0.0.127", "10.0.0.0", 121, true },
		{ "10.0.0.128", "10.0.0.0", 121, false },
		{ "10.0.0.1", "10.0.0.1", 128, true },
		{ "10.0.0.0", "10.0.0.1", 128, false },
		{ "255.255.255.255", "0.0.0.0", 96, true },
		{ "::1", "0.0.0.0", 96, false },
		{ "ffff::", "::", 0, true },
		{ "fd12::1", "fd00::", 8, true },
		{ "fc12::1", "fd00::", 8, false },
		{ "::fffe:10.0.0.1", "10.0.0.0", 104, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct address address = address_of(rows[i].address), net = address_of(rows[i].net);

		if (address_in_net(&address, &net, rows[i].prefix_len) != rows[i].want)
			fail_msg("%s in %s/%u", rows[i].address, rows[i].net, rows[i].prefix_len);
	}
}

static void test_text(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} rows[] = {
		{ "1.2.3.4", "1.2.3.4" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "::ffff:1.2.3.4", "1.2.3.4" },
		{ "::FFFF:102:304", "1.2.3.4" },
		{ "0:0:0:0:0:0:0:1", "::1" },
		{ "FE80::A", "fe80::a" },
		{ "::", "::" },
		{ "", NULL },
		{ "1", NULL },
		{ "1.2.3", NULL },
		{ "1.2.3.256", NULL },
		{ "1.2.3.04", NULL },
		{ "0x1.2.3.4", NULL },
		{ "1.2.3.4.", NULL },
		{ " 1.2.3.4", NULL },
		{ "1.2.3.4 ", NULL },
		{ "1.2.3.4\n", NULL },
		{ "[::1]", NULL },
		{ "::1%lo", NULL },
		{ "::1::", NULL },
		{ ":", NULL },
		{ "12345::", NULL },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999", NULL },
		{ "0000:0000:0000:0000:0000:ffff:255.255.255.255.255", NULL },
	};
	struct address address;
	char buf[INET6_ADDRSTRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool taken = address_parse(rows[i].text, strlen(rows[i].text), &address);

		if (taken != (rows[i].want != NULL))
			fail_msg("'%s' is %staken", rows[i].text, taken ? "" : "not ");
		if (!taken)
			continue;
		assert_string_equal(address_format(&address, buf), rows[i].want);
		assert_int_equal(address_is_v4(&address), strchr(rows[i].want, '.') != NULL);
	}
	/* only len bytes count, and a NUL among them ends nothing */
	assert_true(address_parse("1.2.3.45", 7, &address));
	assert_string_equal(address_format(&address, buf), "1.2.3.4");
	assert_false(address_parse("1.2.3.4\0", 8, &address));
}

/* Forms of the kernel's; there and back. */
static void test_sockaddr(void **state)
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET,
					.sin_port = htons(8080),
					.sin_addr.s_addr = htonl(0x7f000001) };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
					 .sin6_port = htons(8080),
					 .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const struct sockaddr other = { .sa_family = AF_UNIX };
	struct address want4 = address_of("127.0.0.1"), want6 = address_of("::1"), got;
	struct sockaddr_storage sa;

	(void)state;
	assert_int_equal(address_to_sockaddr(address_loopback(AF_INET), 8080, &sa), sizeof v4);
	assert_memory_equal(&sa, &v4, sizeof v4);
	assert_int_equal(address_to_sockaddr(address_loopback(AF_INET6), 8080, &sa), sizeof v6);
	assert_memory_equal(&sa, &v6, sizeof v6);
	assert_true(address_from_sockaddr((const struct sockaddr *)&v4, &got));
	assert_memory_equal(&got, &want4, sizeof got);
	assert_true(address_from_sockaddr((const struct sockaddr *)&v6, &got));
	assert_memory_equal(&got, &want6, sizeof got);
	assert_false(address_from_sockaddr(&other, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v4),	 cmocka_unit_test(test_v6),
		cmocka_unit_test(test_carried),	 cmocka_unit_test(test_net_class),
		cmocka_unit_test(test_in_net),	 cmocka_unit_test(test_text),
		cmocka_unit_test(test_sockaddr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
