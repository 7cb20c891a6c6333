/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packets by which the box's kernel refuses: who was called, and nothing past their end. */
#include "broker/refusals.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"

enum {
	PACKET_MAX = 256,
	TCP_HEADER = 20,
	PORTS = 4,
};

static const char *const box_v4 = "198.18.0.9", *const box_v6 = "2001:2::9";

struct packet {
	uint8_t bytes[PACKET_MAX];
	size_t len;
};

static void put_16(struct packet *packet, unsigned value)
{
	packet->bytes[packet->len++] = (uint8_t)(value >> 8);
	packet->bytes[packet->len++] = (uint8_t)value;
}

/* One IP header; the version follows from the addresses. words: of an IPv4 header, 5 and up. */
static void put_ip(struct packet *packet, int protocol, const char *from, const char *to,
		   unsigned words)
{
	struct address source = address_of(from), target = address_of(to);
	uint8_t *at = packet->bytes + packet->len;

	if (!address_is_v4(&source)) {
		at[0] = 6 << 4;
		at[6] = (uint8_t)protocol;
		memcpy(at + 8, &source, 16);
		memcpy(at + 24, &target, 16);
		packet->len += 40;
		return;
	}
	at[0] = (uint8_t)(4 << 4 | words);
	at[9] = (uint8_t)protocol;
	memcpy(at + 12, &source.in6.s6_addr[12], 4);
	memcpy(at + 16, &target.in6.s6_addr[12], 4);
	packet->len += words < 5 ? 20 : (size_t)words * 4;
}

static void put_ports(struct packet *packet, unsigned from, unsigned to)
{
	put_16(packet, from);
	put_16(packet, to);
}

static struct packet make_reset(const char *from, const char *to, unsigned port)
{
	struct packet packet = { .len = 0 };

	put_ip(&packet, IPPROTO_TCP, from, to, 5);
	put_ports(&packet, port, 40000);
	packet.len += TCP_HEADER - PORTS;
	return packet;
}

/* An ICMP error from the called address about a datagram to it. */
static struct packet make_unreachable(const char *called, const char *caller, unsigned port,
				      int protocol, unsigned words)
{
	struct packet packet = { .len = 0 };
	bool is_v6 = strchr(called, ':');

	put_ip(&packet, is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, called, caller, 5);
	put_16(&packet, is_v6 ? 0x0104 : 0x0303);
	packet.len += 6;
	put_ip(&packet, protocol, caller, called, words);
	put_ports(&packet, 40000, port);
	packet.len += 4;
	return packet;
}

/* From memory that ends where the packet does. */
static int parse(const uint8_t *bytes, size_t len, struct refused *ret)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	int r = refused_parse(copy, len, ret);
	free(copy);
	return r;
}

static void expect(const struct packet *packet, const char *address, unsigned port, int is_udp)
{
	struct address want = address_of(address);
	struct refused refused;

	memset(&refused, 0xa5, sizeof refused);
	assert_int_equal(parse(packet->bytes, packet->len, &refused), 0);
	assert_memory_equal(&refused.address, &want, sizeof want);
	assert_int_equal(refused.port, port);
	assert_int_equal(refused.is_udp, is_udp);
}

static void expect_nothing(const uint8_t *bytes, size_t len)
{
	struct refused refused, before;

	memset(&refused, 0xa5, sizeof refused);
	before = refused;
	assert_int_equal(parse(bytes, len, &refused), -EBADMSG);
	assert_memory_equal(&refused, &before, sizeof before);
}

static void test_resets(void **state)
{
	struct packet v4 = make_reset("203.0.113.7", box_v4, 8443);
	struct packet v6 = make_reset("2001:db8::7", box_v6, 65535);

	(void)state;
	expect(&v4, "203.0.113.7", 8443, 0);
	expect(&v6, "2001:db8::7", 65535, 0);
	v4.bytes[0] = 4 << 4 | 15; /* options: the ports are further on, and not there */
	expect_nothing(v4.bytes, v4.len);
}

static void test_unreachable(void **state)
{
	struct packet v4 = make_unreachable("203.0.113.7", box_v4, 443, IPPROTO_UDP, 5);
	struct packet v6 = make_unreachable("2001:db8::7", box_v6, 53, IPPROTO_UDP, 5);
	struct packet options = make_unreachable("203.0.113.7", box_v4, 123, IPPROTO_UDP, 15);

	(void)state;
	expect(&v4, "203.0.113.7", 443, 1);
	expect(&v6, "2001:db8::7", 53, 1);
	expect(&options, "203.0.113.7", 123, 1); /* IP_OPTIONS are the payload's to set */
}

/* Every shorter packet says nothing, until the last port is there. */
static void test_truncated(void **state)
{
	const struct {
		struct packet packet;
		size_t least;
	} rows[] = {
		{ make_reset("203.0.113.7", box_v4, 80), 20 + PORTS },
		{ make_reset("2001:db8::7", box_v6, 80), 40 + PORTS },
		{ make_unreachable("203.0.113.7", box_v4, 80, IPPROTO_UDP, 5),
		  20 + 8 + 20 + PORTS },
		{ make_unreachable("203.0.113.7", box_v4, 80, IPPROTO_UDP, 8),
		  20 + 8 + 32 + PORTS },
		{ make_unreachable("2001:db8::7", box_v6, 80, IPPROTO_UDP, 5),
		  40 + 8 + 40 + PORTS },
	};
	struct refused refused;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(rows[i].packet.len > rows[i].least);
		for (size_t len = 0; len < rows[i].least; len++)
			expect_nothing(rows[i].packet.bytes, len);
		assert_int_equal(parse(rows[i].packet.bytes, rows[i].least, &refused), 0);
		assert_int_equal(refused.port, 80);
	}
}

static void test_others(void **state)
{
	static const int protocols[] = { 0, 2, IPPROTO_UDP, 41, 47, 132, 255 };
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
		packet = make_reset("203.0.113.7", box_v4, 80);
		packet.bytes[9] = (uint8_t)protocols[i];
		expect_nothing(packet.bytes, packet.len);
		packet = make_reset("2001:db8::7", box_v6, 80);
		packet.bytes[6] = (uint8_t)protocols[i];
		expect_nothing(packet.bytes, packet.len);
	}
	/* Errors about anything but a datagram. */
	packet = make_unreachable("203.0.113.7", box_v4, 80, IPPROTO_TCP, 5);
	expect_nothing(packet.bytes, packet.len);
	packet = make_unreachable("203.0.113.7", box_v4, 80, IPPROTO_ICMP, 5);
	expect_nothing(packet.bytes, packet.len);
	packet = make_unreachable("2001:db8::7", box_v6, 80, IPPROTO_ICMPV6, 5);
	expect_nothing(packet.bytes, packet.len);
	/* Errors of another type or code: a host, a protocol, a size. */
	for (unsigned other = 0; other < 0x0a00; other++) {
		packet = make_unreachable("203.0.113.7", box_v4, 80, IPPROTO_UDP, 5);
		packet.bytes[20] = (uint8_t)(other >> 8);
		packet.bytes[21] = (uint8_t)other;
		if (other != 0x0303)
			expect_nothing(packet.bytes, packet.len);
		packet = make_unreachable("2001:db8::7", box_v6, 80, IPPROTO_UDP, 5);
		packet.bytes[40] = (uint8_t)(other >> 8);
		packet.bytes[41] = (uint8_t)other;
		if (other != 0x0104)
			expect_nothing(packet.bytes, packet.len);
	}
	for (unsigned version = 0; version < 16; version++) {
		packet = make_reset("203.0.113.7", box_v4, 80);
		packet.len = 40 + PORTS;
		packet.bytes[0] = (uint8_t)(version << 4 | 5);
		if (version != 4 && version != 6)
			expect_nothing(packet.bytes, packet.len);
	}
}

/* A header that says that it is shorter than a header: its addresses are no ports. */
static void test_short_header(void **state)
{
	(void)state;
	for (unsigned words = 0; words < 5; words++) {
		struct packet packet = make_reset("203.0.113.7", box_v4, 80);

		packet.bytes[0] = (uint8_t)(4 << 4 | words);
		expect_nothing(packet.bytes, packet.len);
		packet = make_unreachable("203.0.113.7", box_v4, 80, IPPROTO_UDP, words);
		expect_nothing(packet.bytes, packet.len);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resets),	     cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_truncated),    cmocka_unit_test(test_others),
		cmocka_unit_test(test_short_header),
	};

	return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
