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
 * Where the profile has secrets or HTTP rules: executes it, and it makes the run's CA while the
 * plan is made. It waits for what gateway_start() tells it, or to be forgotten.
 */
void gateway_begin(const struct profile *profile);
/* No box was run: ends and reaps what was begun, if it was. */
void gateway_forget(void);

/*
 * Starts it, begun or not; the values of variables that are secrets' sources are then gone from
 * the environment. It reads them and isolates itself beside the building of the box: init waits
 * for the placeholders and the CA, the broker for the isolation. Does nothing for a plan that
 * needs none.
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
