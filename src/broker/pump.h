/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes between two connected sockets, both ways, through splice(2): they do
 * not pass through the broker's memory. What one side does not take stays in
 * a pipe and in the other side's socket buffer, so memory is bounded.
 */
#ifndef AISBX_BROKER_PUMP_H
#define AISBX_BROKER_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/loop.h"

struct pump_side {
	struct watch watch; /* its fd is the socket */
	struct pump *pump;
	struct pump_pipe *pipe; /* holds what came from this side; NULL: nothing */
	uint64_t bytes;		/* that came from this side and went on */
	bool readable;		/* as far as is known */
	bool writable;
	bool ended; /* nothing more comes from this side */
	bool shut;  /* and the other side was told */
};

struct pump {
	struct pump_side side[2];
	struct pump *next_ready; /* of those that used up their turn */
	bool is_ready;
	/* Called once: both directions have ended (0), or one broke (-errno). */
	void (*done)(struct pump *pump, int error);
};

/* Both sockets are non-blocking, connected and the pump's from now on. 0 or -errno. */
int pump_start(struct pump *pump, int fd0, int fd1, void (*done)(struct pump *, int));
/* Closes both sockets; reset: so that the peers see a reset instead of an end. */
void pump_close(struct pump *pump, bool reset);

#endif
