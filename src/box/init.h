/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pid 1 of the box: builds it from the plan, starts the command, reaps. */
#ifndef AISBX_BOX_INIT_H
#define AISBX_BOX_INIT_H

#include "box/mounts.h"
#include "box/refusals/observe.h"
#include "policy/plan.h"

/* What launch.c hands to init. */
struct init {
	const struct plan *plan;
	struct arena *arena; /* that the plan lives in: dropped once the command runs */
	struct sources *sources;
	struct start *start;	   /* see phase.h */
	const struct trace *trace; /* of an observed plan */
	int socket_fd;		   /* init's end of the handshake */
	int broker_fd;		   /* see sockets.h; -1: a box without a broker */
	int broker_peer_fd;	   /* the broker's end, which only it may have */
	int bindings_peer_fd;	   /* the server's end, which only it may have */
	bool awaits_cgroup;	   /* PH_PLACED says what the next three are */
	bool in_cgroup;		   /* memory and processor time are held by it */
	bool holds_cpus;	   /* so is limits.cpus: else by an affinity */
	bool holds_processes;	   /* and limits.processes, which an rlimit only bounds then */
	int look_fd;		   /* of mounts_apply(); -1: none */
	int stdio[3];		   /* see struct payload */
	/* Of 512 bytes, written by the ones that it reaped; NULL: not asked for. */
	_Atomic uint64_t *reaped_blocks;
};

/* Never returns. Runs in the fresh namespaces, with init->socket_fd still connected. */
_Noreturn void init_main(struct init *init);

#endif
