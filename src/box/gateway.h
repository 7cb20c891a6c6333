/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The gateway as the supervisor sees it: a program of its own (src/gateway), which aisbx carries
 * as bytes and executes only where a profile names secrets or HTTP rules.
 */
#ifndef AISBX_BOX_GATEWAY_H
#define AISBX_BOX_GATEWAY_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "policy/plan.h"

struct gateway {
	pid_t pid;	/* -1: none */
	int control_fd; /* see gateway/handover.h; the broker's, once it is forked */
	int init_fd;	/* the same: init's, once it is cloned */
};

#define GATEWAY_NONE                                                                               \
	{                                                                                          \
		.pid = -1, .control_fd = -1, .init_fd = -1                                         \
	}

/* The program; first thing in main(). Without it no run that needs it is set up. */
void gateway_set_program(const void *bytes, size_t len);

/*
 * Starts it; the values of variables that are secrets' sources are then gone from the environment.
 * It reads them, makes the CA and isolates itself beside the building of the box: init waits for
 * the first two, the broker for the last. Does nothing for a plan that needs none.
 */
int gateway_start(struct arena *arena, const struct plan *plan, struct gateway *ret_gateway,
		  struct err *reterr);

/*
 * init's: waits for what the gateway makes of the run, and writes it into the plan: the placeholders
 * and the texts of trust.h. What it could not do is the error. No heap, no errno.
 */
int gateway_await(int init_fd, const struct plan *plan, struct err *reterr);

/* Ends it at once and reaps it: its wait status. 0 for GATEWAY_NONE. */
int gateway_kill(struct gateway *gateway);

#endif
