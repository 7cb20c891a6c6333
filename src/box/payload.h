/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload's way from a fork of init to the command. */
#ifndef AISBX_BOX_PAYLOAD_H
#define AISBX_BOX_PAYLOAD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "box/phase.h"
#include "policy/plan.h"

/* In: what the payload needs. Out: what it found; shared with init until exec. */
struct payload {
	const struct plan *plan;
	int stdio[3];	     /* what becomes 0, 1 and 2; -1: stays as it is */
	int terminal;	     /* slave of the box's terminal, or -1 */
	int listener_send;   /* socket for the seccomp listener, or -1 */
	bool needs_listener; /* not only to tell what was refused: without it nothing runs */
	bool waits;	     /* for init, which answers calls from the first execve on */
	struct start *start; /* landlock_abi and degraded are added to it */
	int landlock_abi;
	bool cpus_held;	     /* limits.cpus, by a cgroup */
	bool limits_held;    /* for the whole box: rlimits are a second bound */
	bool processes_held; /* by a cgroup, the same */
	bool tells;	     /* init gets the listener */
	unsigned degraded;   /* bit n: enum wall n was left out as allowed */
	struct err err;	     /* set when the command was not executed */
};

/*
 * Starts the command; returns when it was executed or could not be (vfork
 * semantics: the memory is shared until then). 0 with *ret_pid set, or the
 * error with nothing left running. Must run in pid 1 of a finished box.
 */
int payload_start(struct payload *payload, pid_t *ret_pid, struct err *reterr);

#endif
