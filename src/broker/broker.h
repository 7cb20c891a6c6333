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

struct broker_config;

/* Seen from the supervisor. */
struct broker {
	pid_t pid;     /* -1: none */
	int events_fd; /* see events.h */
	int init_fd;   /* init's end of the sockets pair, see sockets.h; -1 once init has it */
	int own_fd;    /* the broker's, until it is forked */
	struct broker_config *config; /* the same */
};

#define BROKER_NONE                                                                                \
	{                                                                                          \
		.pid = -1, .events_fd = -1, .init_fd = -1, .own_fd = -1                            \
	}

/*
 * What can fail before there is a box: listens on the published ports. With port 0 the port that
 * was picked goes to ports (as many as plan publishes). each_event: see events_init(). gateway_fd:
 * where connections to plan->gateway.hosts are handed to (gateway/handover.h), or -1; it is the
 * broker's from now on.
 */
int broker_prepare(const struct plan *plan, bool each_event, int gateway_fd, uint16_t *ports,
		   struct broker *ret_broker, struct err *reterr);
/*
 * Starts it, once init was cloned: its own preparations run beside the building of the box, and
 * init was not held up. arena is what plan lives in: the broker drops its copy.
 */
int broker_start(struct broker *broker, struct arena *arena, struct err *reterr);

/*
 * Ends it at once and reaps it: its wait status. 0 for one that was not started; what it was
 * prepared with is released. Does nothing for BROKER_NONE.
 */
int broker_kill(struct broker *broker);

#endif
