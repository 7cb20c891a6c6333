/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an IP address means: pure, no look-ups. */
#ifndef AISBX_POLICY_ADDRESSES_H
#define AISBX_POLICY_ADDRESSES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address of either family; IPv4 is kept as ::ffff:a.b.c.d. */
struct address {
	struct in6_addr in6;
};

/* From the IANA special-purpose registries (RFC 6890 and its successors). */
enum address_class {
	ADDRESS_PUBLIC,
	ADDRESS_LOOPBACK,   /* 127.0.0.0/8, ::1, 0.0.0.0/8 and :: (which reach the host itself) */
	ADDRESS_LINK_LOCAL, /* 169.254.0.0/16, fe80::/10, cloud metadata wherever it is */
	ADDRESS_PRIVATE,    /* RFC 1918, CGNAT 100.64.0.0/10, ULA fc00::/7, fec0::/10 */
	ADDRESS_NEVER,	    /* multicast, broadcast, documentation, benchmarking, reserved */
};

/*
 * An address that carries an IPv4 address (v4-mapped, v4-compatible, NAT64 of RFC 6052
 * and RFC 8215, 6to4, Teredo, ISATAP) has the worse of its own class and the carried one's.
 */
enum address_class address_class(const struct address *address);

/* The class that all addresses of a net have by the registries; ADDRESS_PUBLIC when they differ. */
enum address_class address_net_class(const struct address *net, unsigned prefix_len);
/* Whether the whole net is of RFC 1918, CGNAT or ULA: what people number their own machines with. */
bool address_net_is_own(const struct address *net, unsigned prefix_len);

/* 127.0.0.1 as an initializer: ADDRESS_V4(127, 0, 0, 1). */
#define ADDRESS_V4(a, b, c, d)                                                                     \
	{                                                                                          \
		.in6.s6_addr = { [10] = 0xff, 0xff, a, b, c, d }                                   \
	}

bool address_is_v4(const struct address *address);
/* 127.0.0.1 for AF_INET, ::1 for AF_INET6. */
const struct address *address_loopback(int family);
/* From the four bytes that a packet or a struct in_addr has. */
struct address address_from_v4(const void *bytes);
/* Whether the first prefix_len bits (0 to 128; an IPv4 /n is n + 96) are the same. */
bool address_in_net(const struct address *address, const struct address *net, unsigned prefix_len);

/* False for a family that is none of IP's. */
bool address_from_sockaddr(const struct sockaddr *sa, struct address *ret_address);
/* Returns the length of what is in use of *ret_sa. */
socklen_t address_to_sockaddr(const struct address *address, uint16_t port,
			      struct sockaddr_storage *ret_sa);

/* Dotted quad or IPv6 text (no brackets, no zone) as inet_pton(3) takes it, nothing else. */
bool address_parse(const char *text, size_t len, struct address *ret_address);
/* buf has INET6_ADDRSTRLEN bytes; IPv4 as a dotted quad. */
const char *address_format(const struct address *address, char *buf);

#endif
