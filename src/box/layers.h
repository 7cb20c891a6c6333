/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Throw-away layers over writable grants: what a box writes there goes with it. */
#ifndef AISBX_BOX_LAYERS_H
#define AISBX_BOX_LAYERS_H

#include "base/err.h"
#include "box/sources.h"
#include "policy/plan.h"

/*
 * Lays a layer over the source of a STEP_LAYERED step: sources->tree[], and writable[] of a
 * protected step, become mounts of the two together. base_fd is the box's own tmpfs,
 * mounted. Changes the working directory. Opens sources->layers_fd with the
 * first: a directory that has in STEP/upper what the box wrote, by the number of the step.
 * No heap, no stdio.
 */
int layer_interpose(const struct plan *plan, size_t step, int base_fd, struct sources *sources,
		    struct err *reterr);

#endif
