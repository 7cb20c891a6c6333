/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Refusals of the box's own kernel: see refusals.h. */
#include "broker/refusals.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "broker/events.h"
#include "broker/flows.h"
#include "broker/loop.h"
#include "broker/names.h"

enum {
	PACKETS_A_TURN = 64,
	IPV4_HEADER = 20, /* the kernel's own answers have no options */
	IPV6_HEADER = 40,
	ICMP_HEADER = 8,
	PORTS = 4, /* both ports, first in a TCP or UDP header */
};

static uint16_t read_16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* One IP header: where what it carries begins, or 0. */
static size_t parse_ip(const uint8_t *packet, size_t len, int *ret_protocol,
		       struct address *ret_from, struct address *ret_to)
{
	if (len >= IPV4_HEADER && packet[0] >> 4 == 4 && (packet[0] & 15) * 4 >= IPV4_HEADER) {
		*ret_from = address_from_v4(packet + 12);
		*ret_to = address_from_v4(packet + 16);
		*ret_protocol = packet[9];
		return (size_t)(packet[0] & 15) * 4;
	}
	if (len >= IPV6_HEADER && packet[0] >> 4 == 6) {
		memcpy(ret_from, packet + 8, 16);
		memcpy(ret_to, packet + 24, 16);
		*ret_protocol = packet[6];
		return IPV6_HEADER;
	}
	return 0;
}

int refused_parse(const uint8_t *packet, size_t len, struct refused *ret_refused)
{
	struct address from, to;
	int protocol;
	size_t at = parse_ip(packet, len, &protocol, &from, &to);

	if (!at || at + PORTS > len)
		return -EBADMSG;
	if (protocol == IPPROTO_TCP) { /* the reset comes from where nothing listens */
		*ret_refused = (struct refused){ from, read_16(packet + at), 0 };
		return 0;
	}
	/* Type and code: a port that nobody listens at. */
	if (at + ICMP_HEADER > len ||
	    !((protocol == IPPROTO_ICMP && read_16(packet + at) == 0x0303) ||
	      (protocol == IPPROTO_ICMPV6 && read_16(packet + at) == 0x0104)))
		return -EBADMSG;
	/* The error quotes the packet that it is about. */
	packet += at + ICMP_HEADER;
	len -= at + ICMP_HEADER;
	at = parse_ip(packet, len, &protocol, &from, &to);
	if (!at || at + PORTS > len || protocol != IPPROTO_UDP)
		return -EBADMSG;
	*ret_refused = (struct refused){ to, read_16(packet + at + 2), 1 };
	return 0;
}

static void tell(const struct refused *refused)
{
	const struct name *name = name_by_address(&refused->address);
	char text[INET6_ADDRSTRLEN], what[EVENT_TEXT];
	const char *host = name ? name->text : address_format(&refused->address, text);

	if (!refused->is_udp) {
		flow_refused(host, &refused->address, name ? 0 : 1, refused->port,
			     "no grant names it");
		return;
	}
	(void)snprintf(what, sizeof what, strchr(host, ':') ? "[%s]:%u/udp" : "%s:%u/udp", host,
		       refused->port);
	event_refused(REFUSED_HOST, what, NULL, "UDP is not passed on");
}

/*
 * IPv6 sockets give what follows the IP header. It is put in front again as far as it matters,
 * so that there is one way to read a packet.
 */
static size_t add_header(uint8_t header[IPV6_HEADER], const struct sockaddr_in6 *from, bool is_tcp)
{
	memset(header, 0, IPV6_HEADER);
	header[0] = 6 << 4;
	header[6] = is_tcp ? IPPROTO_TCP : IPPROTO_ICMPV6;
	memcpy(header + 8, &from->sin6_addr, 16);
	return IPV6_HEADER;
}

struct raw {
	struct watch watch;
	bool is_v6;
	bool is_tcp;
};

static void on_packet(struct watch *watch, uint32_t events)
{
	const struct raw *raw = CONTAINER_OF(watch, struct raw, watch);
	uint8_t packet[IPV6_HEADER + 128];
	size_t before = raw->is_v6 ? IPV6_HEADER : 0;
	struct sockaddr_in6 from;
	struct refused refused;

	(void)events;
	for (int i = 0; i < PACKETS_A_TURN; i++) {
		socklen_t len = sizeof from;
		ssize_t n = recvfrom(watch->fd, packet + before, sizeof packet - before, 0,
				     (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		if (raw->is_v6)
			n += (ssize_t)add_header(packet, &from, raw->is_tcp);
		if (refused_parse(packet, (size_t)n, &refused) == 0 &&
		    address_class(&refused.address) != ADDRESS_LOOPBACK)
			tell(&refused);
	}
}

int refusals_start(const int fds[4])
{
	static struct raw raws[4];
	int r = 0;

	for (int i = 0; i < 4 && r == 0; i++) {
		raws[i] = (struct raw){ .watch = { .fd = -1, .ready = on_packet },
					.is_v6 = i >= 2,
					.is_tcp = i % 2 == 0 };
		if (fds[i] >= 0)
			r = loop_watch(&raws[i].watch, fds[i], EPOLLIN);
	}
	return r;
}
