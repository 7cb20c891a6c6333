/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mount wall: a root in memory that holds the plan's steps and nothing else. */
#ifndef AISBX_BOX_MOUNTS_H
#define AISBX_BOX_MOUNTS_H

#include "base/err.h"
#include "box/sources.h"
#include "policy/plan.h"

/*
 * Builds the root and makes it the root of the calling mount namespace.
 * Must run in a fresh mount namespace with capabilities over it.
 * ret_degraded gets bit n set when enum wall n was left out as allowed.
 * No heap, no stdio.
 */
int mounts_apply(const struct plan *plan, struct sources *sources, unsigned *ret_degraded,
		 struct err *reterr);

#endif
