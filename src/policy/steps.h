/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan's steps as they grow, and what they say about a path of the box. */
#ifndef AISBX_POLICY_STEPS_H
#define AISBX_POLICY_STEPS_H

#include "policy/plan.h"

/* Appends a step; the pointer is good until the next call. */
struct step *steps_add(struct arena *arena, struct plan *plan, enum step_kind kind,
		       const char *box_path, mode_t mode);
/* The first step at exactly box_path, or NULL. */
const struct step *steps_find(const struct plan *plan, const char *box_path);
/* The mount or private directory that box_path lies in (or is); NULL: the root itself. */
const struct step *steps_holder(const struct plan *plan, const char *box_path);
/*
 * Host path that box_path shows in the box, or NULL when it is not of the
 * host. Symbolic links are not followed.
 */
char *steps_host_path(struct arena *arena, const struct plan *plan, const char *box_path);
/* Where in the box the canonical host_path is seen, or NULL. */
char *steps_box_path(struct arena *arena, const struct plan *plan, const char *host_path);
/* Whether box_path will be a directory in the box. */
bool steps_is_directory(struct arena *arena, const struct plan *plan, const char *box_path);

#endif
