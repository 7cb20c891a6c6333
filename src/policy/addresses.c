/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an IP address means: see addresses.h. */
#include "policy/addresses.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

enum {
	ADDRESS_BYTES = 16,
	V4_PREFIX_BYTES = 12,
};

/*** Ranges ***/

/* How an IPv6 range carries an IPv4 address. */
enum carriage {
	CARRIES_NONE,
	CARRIES_NAT64, /* RFC 6052, whatever the length of the operator's prefix */
	CARRIES_6TO4,  /* RFC 3056 */
	CARRIES_TEREDO /* RFC 4380: the server's, and the client's inverted */
};

struct range {
	struct address net;
	unsigned prefix_len;
	enum address_class class;
	enum carriage carriage;
};

/* clang-format off */
#define BYTES(...)     { .in6.s6_addr = { __VA_ARGS__ } }
#define V4(a, b, c, d) ADDRESS_V4(a, b, c, d)

/*
 * https://www.iana.org/assignments/iana-ipv4-special-registry and
 * iana-ipv6-special-registry. The first range that holds an address counts, so
 * that narrow ones stand before wide ones. What they call globally reachable is
 * public; what is no unicast address of the internet's at all is ADDRESS_NEVER.
 */
static const struct range ranges[] = {
	/* Platform services of clouds, outside the link-local range: they hand out credentials. */
	{ V4(168, 63, 129, 16), 128, ADDRESS_LINK_LOCAL },     /* Azure */
	{ V4(100, 100, 100, 200), 128, ADDRESS_LINK_LOCAL },   /* Alibaba */
	{ BYTES(0xfd, 0, 0x0e, 0xc2, [14] = 0x02, 0x54), 128, ADDRESS_LINK_LOCAL },	/* AWS */
	{ BYTES(0xfd, 0x20, 0, 0xce, [14] = 0x02, 0x54), 128, ADDRESS_LINK_LOCAL },	/* GCP */

	{ V4(0, 0, 0, 0), 104, ADDRESS_LOOPBACK },	/* connect() takes it for this host */
	{ V4(10, 0, 0, 0), 104, ADDRESS_PRIVATE },
	{ V4(100, 64, 0, 0), 106, ADDRESS_PRIVATE },
	{ V4(127, 0, 0, 0), 104, ADDRESS_LOOPBACK },
	{ V4(169, 254, 0, 0), 112, ADDRESS_LINK_LOCAL },
	{ V4(172, 16, 0, 0), 108, ADDRESS_PRIVATE },
	{ V4(192, 0, 0, 0), 120, ADDRESS_NEVER },	/* protocol assignments */
	{ V4(192, 0, 2, 0), 120, ADDRESS_NEVER },	/* documentation */
	{ V4(192, 88, 99, 0), 120, ADDRESS_NEVER },	/* 6to4 relays, deprecated */
	{ V4(192, 168, 0, 0), 112, ADDRESS_PRIVATE },
	{ V4(198, 18, 0, 0), 111, ADDRESS_NEVER },	/* benchmarking; the box's own names */
	{ V4(198, 51, 100, 0), 120, ADDRESS_NEVER },	/* documentation */
	{ V4(203, 0, 113, 0), 120, ADDRESS_NEVER },	/* documentation */
	{ V4(224, 0, 0, 0), 100, ADDRESS_NEVER },	/* multicast */
	{ V4(240, 0, 0, 0), 100, ADDRESS_NEVER },	/* reserved, broadcast */
	{ V4(0, 0, 0, 0), 96, ADDRESS_PUBLIC },

	{ BYTES(0), 127, ADDRESS_LOOPBACK },		/* :: and ::1 */
	{ BYTES(0, 0x64, 0xff, 0x9b), 96, ADDRESS_PUBLIC, CARRIES_NAT64 },
	{ BYTES(0, 0x64, 0xff, 0x9b, 0, 1), 48, ADDRESS_PRIVATE, CARRIES_NAT64 },
	{ BYTES(0x20, 0x01), 32, ADDRESS_PUBLIC, CARRIES_TEREDO },
	{ BYTES(0x20, 0x01, 0, 0x03), 32, ADDRESS_PUBLIC },			/* AMT */
	{ BYTES(0x20, 0x01, 0, 0x04, 0x01, 0x12), 48, ADDRESS_PUBLIC },		/* AS112 */
	{ BYTES(0x20, 0x01), 23, ADDRESS_NEVER },	/* protocol assignments, ORCHID */
	{ BYTES(0x20, 0x01, 0x0d, 0xb8), 32, ADDRESS_NEVER },	/* documentation */
	{ BYTES(0x20, 0x02), 16, ADDRESS_PUBLIC, CARRIES_6TO4 },
	{ BYTES(0x3f, 0xff), 20, ADDRESS_NEVER },	/* documentation */
	{ BYTES(0x20), 3, ADDRESS_PUBLIC },		/* global unicast */
	{ BYTES(0xfc), 7, ADDRESS_PRIVATE },
	{ BYTES(0xfe, 0x80), 10, ADDRESS_LINK_LOCAL },
	{ BYTES(0xfe, 0xc0), 10, ADDRESS_PRIVATE },	/* site-local, deprecated */
	/* Multicast, v4-compatible, v4-translated, discard, segment routing, the unassigned. */
	{ BYTES(0), 0, ADDRESS_NEVER },
};

/* What an organisation numbers its own machines with: RFC 1918, RFC 6598, RFC 4193. */
static const struct range own_ranges[] = {
	{ V4(10, 0, 0, 0), 104 },
	{ V4(100, 64, 0, 0), 106 },
	{ V4(172, 16, 0, 0), 108 },
	{ V4(192, 168, 0, 0), 112 },
	{ BYTES(0xfc), 7 },
};
/* clang-format on */

bool address_in_net(const struct address *address, const struct address *net, unsigned prefix_len)
{
	const uint8_t *a = address->in6.s6_addr, *b = net->in6.s6_addr;
	unsigned bytes = prefix_len / 8, bits = prefix_len % 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return bits == 0 || ((a[bytes] ^ b[bytes]) & (0xff00u >> bits & 0xff)) == 0;
}

bool address_is_v4(const struct address *address)
{
	return IN6_IS_ADDR_V4MAPPED(&address->in6);
}

bool address_net_is_own(const struct address *net, unsigned prefix_len)
{
	for (size_t i = 0; i < sizeof own_ranges / sizeof *own_ranges; i++) {
		if (prefix_len >= own_ranges[i].prefix_len &&
		    address_in_net(net, &own_ranges[i].net, own_ranges[i].prefix_len))
			return true;
	}
	return false;
}

static const struct range *find_range(const struct address *address)
{
	const struct range *range = ranges;

	/* the last one holds every address */
	while (!address_in_net(address, &range->net, range->prefix_len))
		range++;
	return range;
}

/*** Carried addresses ***/

static enum address_class worse_of(enum address_class a, enum address_class b)
{
	/* private ones can be granted in more ways than loopback and link-local ones */
	static const int badness[] = {
		[ADDRESS_PUBLIC] = 0,	[ADDRESS_PRIVATE] = 1, [ADDRESS_LINK_LOCAL] = 2,
		[ADDRESS_LOOPBACK] = 3, [ADDRESS_NEVER] = 4,
	};

	return badness[b] > badness[a] ? b : a;
}

static enum address_class class_of_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const struct address carried = ADDRESS_V4(a, b, c, d);

	return find_range(&carried)->class;
}

/*
 * RFC 6052, section 2.2: the four bytes follow a prefix of 32 to 96 bits and leave
 * out byte 8, which is zero, as is all after them. The operator's prefix is not
 * known here, so that every length that fits counts.
 */
static enum address_class class_by_nat64(const uint8_t *bytes, unsigned net_len)
{
	static const uint8_t places[][5] = {
		{ 48, 6, 7, 9, 10 },
		{ 56, 7, 9, 10, 11 },
		{ 64, 9, 10, 11, 12 },
		{ 96, 12, 13, 14, 15 },
	};
	enum address_class class = ADDRESS_PUBLIC;

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const uint8_t *at = places[i];
		bool fits = at[0] >= net_len && (bytes[8] == 0 || at[0] == 96);

		for (unsigned j = at[4] + 1u; j < ADDRESS_BYTES; j++)
			fits = fits && bytes[j] == 0;
		if (fits)
			class = worse_of(class, class_of_v4(bytes[at[1]], bytes[at[2]],
							    bytes[at[3]], bytes[at[4]]));
	}
	return class;
}

static enum address_class class_by_teredo(const uint8_t *bytes)
{
	enum address_class server = class_of_v4(bytes[4], bytes[5], bytes[6], bytes[7]);
	enum address_class client = class_of_v4((uint8_t)~bytes[12], (uint8_t)~bytes[13],
						(uint8_t)~bytes[14], (uint8_t)~bytes[15]);

	return worse_of(server, client);
}

/* RFC 5214, section 6.1: below any prefix, with or without the universal bit. */
static bool is_isatap(const uint8_t *bytes)
{
	return (bytes[8] & ~2) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
}

static enum address_class carried_class(const struct range *range, const uint8_t *bytes)
{
	switch (range->carriage) {
	case CARRIES_NAT64:
		return class_by_nat64(bytes, range->prefix_len);
	case CARRIES_6TO4:
		return class_of_v4(bytes[2], bytes[3], bytes[4], bytes[5]);
	case CARRIES_TEREDO:
		return class_by_teredo(bytes);
	case CARRIES_NONE:
		break;
	}
	return ADDRESS_PUBLIC;
}

enum address_class address_class(const struct address *address)
{
	const struct range *range = find_range(address);
	const uint8_t *bytes = address->in6.s6_addr;
	enum address_class class = worse_of(range->class, carried_class(range, bytes));

	if (!address_is_v4(address) && is_isatap(bytes))
		class = worse_of(class, class_of_v4(bytes[12], bytes[13], bytes[14], bytes[15]));
	return class;
}

enum address_class address_net_class(const struct address *net, unsigned prefix_len)
{
	const struct range *range = find_range(net),
			   *rest = ranges + sizeof ranges / sizeof *ranges - 1;

	if (prefix_len == 8 * ADDRESS_BYTES)
		return address_class(net);
	if (range == rest)
		return rest->class;
	while (range < rest && (prefix_len < range->prefix_len ||
				!address_in_net(net, &range->net, range->prefix_len)))
		range++;
	return range < rest ? range->class : ADDRESS_PUBLIC;
}

/*** Other forms ***/

const struct address *address_loopback(int family)
{
	static const struct address v4 = ADDRESS_V4(127, 0, 0, 1), v6 = { IN6ADDR_LOOPBACK_INIT };

	return family == AF_INET ? &v4 : &v6;
}

struct address address_from_v4(const void *bytes)
{
	struct address address = ADDRESS_V4(0, 0, 0, 0);

	memcpy(address.in6.s6_addr + V4_PREFIX_BYTES, bytes, ADDRESS_BYTES - V4_PREFIX_BYTES);
	return address;
}

bool address_from_sockaddr(const struct sockaddr *sa, struct address *ret_address)
{
	if (sa->sa_family == AF_INET)
		*ret_address =
			address_from_v4(&((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	else if (sa->sa_family == AF_INET6)
		ret_address->in6 = ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	return sa->sa_family == AF_INET || sa->sa_family == AF_INET6;
}

socklen_t address_to_sockaddr(const struct address *address, uint16_t port,
			      struct sockaddr_storage *ret_sa)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret_sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_sa;

	if (address_is_v4(address)) {
		*v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		memcpy(&v4->sin_addr, address->in6.s6_addr + V4_PREFIX_BYTES, sizeof v4->sin_addr);
		return sizeof *v4;
	}
	*v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
				     .sin6_port = htons(port),
				     .sin6_addr = address->in6 };
	return sizeof *v6;
}

bool address_parse(const char *text, size_t len, struct address *ret_address)
{
	char buf[INET6_ADDRSTRLEN];
	struct address address;
	struct in_addr v4;

	if (len >= sizeof buf || memchr(text, '\0', len))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (inet_pton(AF_INET, buf, &v4) == 1)
		address = address_from_v4(&v4);
	else if (inet_pton(AF_INET6, buf, &address.in6) != 1)
		return false;
	*ret_address = address;
	return true;
}

const char *address_format(const struct address *address, char *buf)
{
	const uint8_t *bytes = address->in6.s6_addr;

	/* neither can fail: buf is large enough for both */
	if (address_is_v4(address))
		return inet_ntop(AF_INET, bytes + V4_PREFIX_BYTES, buf, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, bytes, buf, INET6_ADDRSTRLEN);
}
