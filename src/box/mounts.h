/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mount wall: a root in memory that holds the plan's steps and nothing else. */
#ifndef AISBX_BOX_MOUNTS_H
#define AISBX_BOX_MOUNTS_H

#include "base/err.h"
#include "policy/plan.h"

/*
 * Detached mounts by step number, -1 where there is none. A root caller's are
 * all opened outside (only host root may idmap); otherwise the box opens its
 * own. writable[] holds, for each STEP_PROTECTED step, the copy through which
 * init writes: the payload's own is read-only.
 */
struct sources {
	int *tree;
	int *writable;
};

/* Arrays in arena, all -1. */
void sources_init(struct arena *arena, const struct plan *plan, struct sources *ret_sources);
/* Opens the sources of every step: for a root caller, before the clone. */
int sources_open(const struct plan *plan, int idmap_fd, struct sources *sources,
		 struct err *reterr);
void sources_close(const struct plan *plan, struct sources *sources);

/*
 * Builds the root and makes it the root of the calling mount namespace.
 * Must run in a fresh mount namespace with capabilities over it.
 * ret_degraded gets bit n set when enum wall n was left out as allowed.
 * No heap, no stdio.
 */
int mounts_apply(const struct plan *plan, struct sources *sources, unsigned *ret_degraded,
		 struct err *reterr);

#endif
