/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Single things that walls are made of, tried one by one with what a run uses. For doctor:
 * a run only learns which of them failed first.
 *
 * Each returns 0 or -errno with the error that a run would have. The calling process is to
 * end afterwards: it may be confined.
 */
#ifndef AISBX_BOX_TRIES_H
#define AISBX_BOX_TRIES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "policy/plan.h"

/* A user namespace with the plan's maps. */
int try_user(const struct plan *plan, struct err *reterr);
/* Every other kind within one; the first that fails. */
int try_namespaces(const struct plan *plan, struct err *reterr);
/* The whole of Landlock at its present version. */
int try_landlock(struct err *reterr);
/* The default filter, or the one whose calls init answers. */
int try_filter(bool want_listener, struct err *reterr);
/* A root caller's grant of the directory. */
int try_idmap(struct arena *arena, const struct plan *plan, const char *path, struct err *reterr);
/* What a cgroup for the plan holds, none: NULL, and how long making and removing it takes. */
const char *try_cgroup(const struct plan *plan, uint64_t *ret_ns);

#endif
