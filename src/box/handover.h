/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the plan reaches an init that may be older than it.
 *
 * Theory of operation: launch.c clones init before there is a plan where it
 * can, so that the network namespace is made while the plan is. The plan then
 * lies in memory that both processes map (arena_share()), at the same address,
 * and every descriptor comes over the handshake's socket: PH_PLANNED says that
 * all is written, packets with the descriptors follow. Where init was cloned
 * after the plan, the memory is a copy of its own; all else is the same.
 *
 * The supervisor writes the struct before it sends, init's side afterwards.
 * Only the descriptor fields are written by both, and the supervisor never
 * reads them back: what comes of the box it learns by records alone.
 */
#ifndef AISBX_BOX_HANDOVER_H
#define AISBX_BOX_HANDOVER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "box/sources.h"
#include "policy/plan.h"

/* Descriptors that are not a step's: the payload's standard ones, see struct payload, and... */
enum {
	GIVEN_BROKER = 3, /* ...init's end of the sockets pair, sockets.h */
	GIVEN_LEN,
};

struct handover {
	_Atomic uint32_t parked; /* see handover_release(); 0 where nobody shares it */
	const struct plan *plan;
	struct arena arena;	/* that the plan lives in: dropped once the command runs */
	struct sources sources; /* init's own: the supervisor keeps another */
	int given[GIVEN_LEN];	/* -1: none */
};

/*
 * An init that is ahead of its plan is not to hold the plan up: it parks until
 * launch.c has found it another processor (base/cpu.h). Only speed depends on it.
 */
void handover_park(struct handover *handover);
void handover_release(struct handover *handover);

/*
 * Writes all that init gets to know; its arrays are in arena. sources and
 * given are the supervisor's descriptors, and stay its to close.
 */
void handover_fill(struct handover *handover, const struct plan *plan, struct arena *arena,
		   const struct sources *sources, const int given[GIVEN_LEN]);
/* Sends the same descriptors after it. -EPIPE: init has ended. 0 or -errno. */
int handover_send(int socket_fd, const struct plan *plan, const struct sources *sources,
		  const int given[GIVEN_LEN]);

/*
 * Waits for the plan; from here on handover is init's. 1, 0 when the
 * supervisor is gone, or -errno. No heap.
 */
int handover_receive(int socket_fd, struct handover *handover);

#endif
