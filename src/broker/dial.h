/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One connection to one of several addresses: happy eyeballs (RFC 8305). The
 * caller has checked every address; no name is known here.
 */
#ifndef AISBX_BROKER_DIAL_H
#define AISBX_BROKER_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "broker/loop.h"
#include "policy/addresses.h"

enum {
	DIAL_STAGGER_MS = 250,	 /* RFC 8305, section 5: Connection Attempt Delay */
	DIAL_TIMEOUT_MS = 15000, /* all attempts together */
	DIAL_ATTEMPTS_MAX = 8,
};

struct dial {
	/*
	 * Called once, from within dial_start() only with a connection; the dial may be freed in
	 * it. fd: a connected non-blocking socket that is the caller's from now on, and where it
	 * leads to; or the negative error of the attempt that came nearest, and NULL:
	 * -ECONNREFUSED before what this host ran out of (-EMFILE, -ENFILE, -ENOBUFS, -ENOMEM)
	 * before -EHOSTUNREACH before -ETIMEDOUT before any other before -ENETUNREACH.
	 */
	void (*done)(struct dial *dial, int fd, const struct address *address);
	/* The rest is dial.c's. */
	struct dial_attempt {
		struct watch watch;
		struct dial *dial;
		struct address address;
	} attempts[DIAL_ATTEMPTS_MAX];
	size_t attempts_len;
	size_t started;
	size_t failed;
	uint16_t port;
	int error;
	struct timer stagger;
	struct timer deadline;
};

/*
 * addresses: at least one. Families take turns, the first address's first; those past
 * DIAL_ATTEMPTS_MAX are then left out. All of dial but done may be uninitialized.
 */
void dial_start(struct dial *dial, const struct address *addresses, size_t len, uint16_t port);
/* Closes what is open. done is not called any more. Does nothing when it was. */
void dial_cancel(struct dial *dial);

#endif
