/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a box's mounts come from: detached copies of what the plan grants. */
#ifndef AISBX_BOX_SOURCES_H
#define AISBX_BOX_SOURCES_H

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
	int layers_fd; /* what was written to layered grants, see layers.h; -1: none has a layer */
	int bindings_fd; /* where STEP_SOCKET goes: bindings/server.h; -1: a box without bindings */
	int gateway_fd; /* what late texts come with: gateway.h; -1: there are none, or they came */
	unsigned degraded; /* bit n: enum wall n was left out as allowed */
};

/* Arrays in arena, all -1. */
void sources_init(struct arena *arena, const struct plan *plan, struct sources *ret_sources);
/* Opens the sources of every step: for a root caller, before the clone. */
int sources_open(const struct plan *plan, struct sources *sources, struct err *reterr);
void sources_close(const struct plan *plan, struct sources *sources);

/* Opens one step's source if it has one; idmap_fd is a user namespace for STEP_IDMAP, or -1. */
int source_open(const struct plan *plan, size_t step_index, int idmap_fd, struct sources *sources,
		struct err *reterr);

/*
 * Sets a detached mount's attributes as the step's flags say: read-only unless
 * writable (and unless protected: init writes for the payload), nosuid, nodev,
 * private; recursively for directories. 0 or -errno.
 */
int source_restrict(int mount_fd, const struct step *step, int idmap_fd);

#endif
