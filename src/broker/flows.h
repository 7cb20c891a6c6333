/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connections out of the box: from a listener's accept to the end.
 *
 *   HELLO     on port 443 the first bytes must be TLS for the granted name; they stay in
 *             the socket (MSG_PEEK) and go on as they came
 *   LOOKUP    the host's addresses of the name, each checked against the grant
 *   DIAL      to exactly the checked addresses
 *   PUMP      bytes both ways, until both directions have ended; or both sockets go to the
 *             gateway, where there are secrets or HTTP rules for the name
 *
 * What fails before PUMP is reset, so that the program sees an error at once.
 */
#ifndef AISBX_BROKER_FLOWS_H
#define AISBX_BROKER_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/loop.h"
#include "policy/hosts.h"

enum {
	HELLO_MS = 20000, /* for a whole ClientHello */
};

/* Connections to handed are the gateway's once they are dialled; gateway_fd: see handover.h. */
void flows_init(const struct host_grants *grants, const struct host_grants *handed, int gateway_fd);
/* For names_init(). */
void flows_accept(struct watch *watch, uint32_t events);
/* Whether the box sent something to a connection that is not pumped yet. */
bool flows_have_more(void);

/* No grant of a name leads to reserved addresses: they have to be granted themselves. */
bool flow_leads_nowhere(const char *host, const struct address *addresses, size_t len);

/*
 * Tells what a refused connection wanted and the option that would allow it. addresses: what
 * host is, or those it leads to, none of which its grant permits; len 0: not known.
 */
void flow_refused(const char *host, const struct address *addresses, size_t len, uint16_t port,
		  const char *why);

#endif
