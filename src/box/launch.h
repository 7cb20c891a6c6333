/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From plan to a running init. */
#ifndef AISBX_BOX_LAUNCH_H
#define AISBX_BOX_LAUNCH_H

#include <sys/types.h>

#include "base/err.h"
#include "bindings/server.h"
#include "box/gateway.h"
#include "box/limits/cgroup.h"
#include "box/refusals/observe.h"
#include "broker/broker.h"
#include "policy/plan.h"

#define LAUNCH_NOT_LENT ((uid_t)-1)

/* A box whose init runs, seen from the supervisor. */
struct launched {
	pid_t init_pid;
	int socket_fd;	      /* the supervisor's end of the handshake */
	struct start *start;  /* until launch_forget_start() */
	int output[3];	      /* read ends of relayed descriptors 1 and 2, or -1 */
	uid_t stdin_owner;    /* whom a lent stdin belongs to, or LAUNCH_NOT_LENT */
	unsigned degraded;    /* bit n: enum wall n was left out as allowed */
	struct cgroup cgroup; /* holds the limits; or none */
	/* See struct init. */
	const _Atomic uint64_t *reaped_blocks;
};

/*
 * Clones init into its namespaces; it builds the box and starts the command on
 * its own. stdin_fd: what the command reads, or -1 for the caller's. broker: not
 * started yet, or none: init gets its end of the sockets pair (sockets.h). bindings
 * and gateway likewise. trace: for an observed plan, else NULL. The
 * supervisor's signals must be blocked: init inherits the mask.
 * On failure nothing is left running.
 */
int launch(const struct plan *plan, struct arena *arena, int stdin_fd, const struct broker *broker,
	   const struct bindings_server *bindings, const struct gateway *gateway,
	   const struct trace *trace, struct launched *ret_box, struct err *reterr);

/* When it is known whether the command ran. */
void launch_forget_start(struct launched *box);
/* After the box's end: the caller's stdin belongs to whom it belonged before. */
void launch_return_stdin(const struct launched *box);

#endif
