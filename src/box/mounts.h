/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mount wall: a root in memory that holds the plan's steps and nothing else. */
#ifndef AISBX_BOX_MOUNTS_H
#define AISBX_BOX_MOUNTS_H

#include <stdatomic.h>

#include "base/err.h"
#include "box/sources.h"
#include "policy/plan.h"

/*
 * Builds the root and makes it the root of the calling mount namespace.
 * Must run in a fresh mount namespace with capabilities over it.
 * ret_degraded gets bit n set when enum wall n was left out as allowed.
 * ret_entered gets true when "/" is the box's for every process of the namespace; at the
 * return the host's mounts are gone too.
 * ret_look_fd gets a /proc of the box's that hides nothing and has no place in it, for
 * usage.h, unless it is NULL; -1 in a box without one.
 * No heap, no stdio.
 */
int mounts_apply(const struct plan *plan, struct sources *sources, int *ret_look_fd,
		 unsigned *ret_degraded, atomic_int *ret_entered, struct err *reterr);

/* Whether a path in the box's /proc is masked, or below one that is. */
bool mounts_hides(const char *proc_path);

#endif
