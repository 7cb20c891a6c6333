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
	RESOLVER_NAMES_MAX = 1024, /* kept or asked at once */
	LOOKUP_TIMEOUT_MS = 5000,
};

struct lookup {
	/*
	 * Called once, perhaps from within resolver_start(); the look-up may be freed in it.
	 * error: 0, or -ENOENT (no such name), -ENODATA (no address), -EHOSTUNREACH (no answer).
	 * addresses: none twice, gone when done returns; those of DNS in the order of RFC 6724 as
	 * c-ares sorts them, those of the hosts file in its order.
	 */
	void (*done)(struct lookup *lookup, int error, const struct address *addresses, size_t len);
	/* The rest is resolver.c's: the list of those who wait for the same name. */
	struct lookup *next, **link;
};

/* Reads resolv.conf and the hosts file of the host, once. loop_init() comes before. */
int resolver_open(struct err *reterr);
/*
 * Starts a look-up of a normalized name (lower case, no dot at the end). Answers are shared by
 * look-ups of the same name that run at once, and kept for as long as their TTL says, at least
 * one and at most 60 seconds; errors for one second. After LOOKUP_TIMEOUT_MS there is no answer.
 * The search domains of resolv.conf are for names without a dot. All of lookup but done may be
 * uninitialized.
 */
void resolver_start(struct lookup *lookup, const char *name);
/* done is not called any more. Does nothing when it was. */
void resolver_cancel(struct lookup *lookup);

#endif
