/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The broker: a process of its own outside the box, there only when a profile
 * grants hosts or publishes ports. It answers the box's DNS questions, dials the
 * granted hosts and moves bytes.
 */
#ifndef AISBX_BROKER_BROKER_H
#define AISBX_BROKER_BROKER_H

#include <sys/types.h>

#include "base/err.h"
#include "policy/plan.h"

/* Seen from the supervisor. */
struct broker {
	pid_t pid;     /* -1: none */
	int events_fd; /* see events.h */
	int init_fd;   /* init's end of the sockets pair, see sockets.h; launch closes it */
};

#define BROKER_NONE                                                                                \
	{                                                                                          \
		.pid = -1, .events_fd = -1, .init_fd = -1                                          \
	}

/*
 * Listens on the published ports and starts the broker, which isolates itself while the box is
 * built. With port 0 the port that was picked goes to ports (as many as plan publishes).
 * each_event: see events_init(). arena is what plan lives in: the broker drops its copy.
 */
int broker_start(const struct plan *plan, struct arena *arena, bool each_event, uint16_t *ports,
		 struct broker *ret_broker, struct err *reterr);

/* Ends it at once and reaps it: its wait status. 0, and does nothing, for BROKER_NONE. */
int broker_kill(struct broker *broker);

#endif
