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
};

#define GATEWAY_NONE                                                                               \
	{                                                                                          \
		.pid = -1, .control_fd = -1                                                        \
	}

/* The program; first thing in main(). Without it no run that needs it is set up. */
void gateway_set_program(const void *bytes, size_t len);

/*
 * Starts it and waits until placeholders and the CA's certificate are in the plan; the values of
 * variables that are secrets' sources are then gone from the environment. It isolates itself
 * beside the building of the box: the broker waits for that. Does nothing for a plan that needs none.
 */
int gateway_start(struct arena *arena, const struct plan *plan, struct gateway *ret_gateway,
		  struct err *reterr);

/* Ends it at once and reaps it: its wait status. 0 for GATEWAY_NONE. */
int gateway_kill(struct gateway *gateway);

#endif
