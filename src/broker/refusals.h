/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the box's kernel refused by itself, because no grant made a listener
 * there: its TCP resets and ICMP errors on lo, seen through raw sockets whose
 * filters pass nothing else (box/sockets.c).
 */
#ifndef AISBX_BROKER_REFUSALS_H
#define AISBX_BROKER_REFUSALS_H

#include <stddef.h>
#include <stdint.h>

#include "policy/addresses.h"

/* Whom a packet says nothing listens at. */
struct refused {
	struct address address;
	uint16_t port;
	int is_udp;
};

/* Reads one packet from its IP header on. 0, or -EBADMSG when it says nothing of the kind. */
int refused_parse(const uint8_t *packet, size_t len, struct refused *ret_refused);

/* Raw sockets, TCP and ICMP of IPv4, then of IPv6, or -1; non-blocking. 0 or -errno. */
int refusals_start(const int fds[4]);

#endif
