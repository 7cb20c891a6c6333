/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names to addresses as the host sees them: its hosts file, then DNS through
 * c-ares. Files are read by resolver_open() alone; afterwards it needs no file
 * system, only UDP and TCP sockets.
 */
#ifndef AISBX_BROKER_RESOLVER_H
#define AISBX_BROKER_RESOLVER_H

#include <stddef.h>

#include "base/err.h"
#include "policy/addresses.h"

enum {
	RESOLVER_ADDRESSES_MAX = 16,
};

struct lookup {
	/*
	 * Called once, perhaps from within resolver_start(). error: 0, or -ENOENT (no such
	 * name), -ENODATA (no address), -EHOSTUNREACH (no answer). addresses are in the order
	 * of RFC 6724 as c-ares sorts them, none twice.
	 */
	void (*done)(struct lookup *lookup, int error, const struct address *addresses, size_t len);
	void *request; /* the resolver's own */
};

/* Reads resolv.conf and the hosts file of the host. loop_init() comes before. */
int resolver_open(struct err *reterr);
/*
 * Starts a look-up of a normalized name. Answers are shared by look-ups of the same name that
 * run at once, and kept for as long as their TTL says, at least one and at most 60 seconds.
 */
void resolver_start(struct lookup *lookup, const char *name);
/* done is not called any more. Does nothing when it was. */
void resolver_cancel(struct lookup *lookup);

#endif
