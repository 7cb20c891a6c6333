/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes between two connected sockets, both ways. Little goes through a buffer,
 * much through splice(2) and so not through the broker's memory. What one side
 * does not take stays in a pipe and in the other side's socket buffer, so memory
 * is bounded.
 */
#ifndef AISBX_BROKER_PUMP_H
#define AISBX_BROKER_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/loop.h"

struct pump_side {
	struct watch watch; /* its fd is the socket */
	struct pump *pump;
	struct pump_pipe *pipe; /* holds what came from this side; NULL: nothing */
	char *rest;		/* the same, of what went through the buffer */
	size_t rest_len;
	uint64_t bytes; /* that came from this side and went on */
	bool readable;	/* as far as is known */
	bool writable;
	bool hung_up; /* its end may be in the queue: read on until it is seen */
	bool is_bulk; /* splice */
	bool ended;   /* nothing more comes from this side */
	bool shut;    /* and the other side was told */
};

struct pump {
	struct pump_side side[2];
	struct pump *next, *prev; /* of all that are open */
	struct pump *next_ready;  /* of those that used up their turn */
	bool is_ready;
	/*
	 * Called once, when both sockets are closed; the pump may be freed in it. error: 0, both
	 * directions ended, or -errno, one broke and the peers saw a reset.
	 */
	void (*done)(struct pump *pump, int error);
};

/*
 * Both sockets are non-blocking, connected and the pump's from now on; fd0 is the box's. done may
 * be called from within.
 */
void pump_start(struct pump *pump, int fd0, int fd1, void (*done)(struct pump *, int));
/*
 * Whether something that the box sent has not gone on yet; *ret_bytes is what went on of the
 * pumps that are open.
 */
bool pumps_have_more(uint64_t *ret_bytes);
/* Ends all that are open: at the end of the box. */
void pumps_finish(void);

#endif
