/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The box's file tree: path grants to the ordered steps that build it. */
#ifndef AISBX_POLICY_LAYOUT_H
#define AISBX_POLICY_LAYOUT_H

#include "policy/plan.h"

/*
 * Fills plan->steps and plan->pinned from plan->profile and plan->facts;
 * plan->home, inside ids and code must be set. Reads the host (never writes).
 * Errors are E_GRANT and name the grant and where it was written.
 */
int layout_build(struct arena *arena, struct plan *plan, const char *code_name, struct err *reterr);

#endif
