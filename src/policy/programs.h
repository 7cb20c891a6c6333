/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The exec list: which programs of the box may be executed. */
#ifndef AISBX_POLICY_PROGRAMS_H
#define AISBX_POLICY_PROGRAMS_H

#include "policy/plan.h"

/*
 * Fills plan->exec from the profile's exec list and adds the steps that go
 * with it. Landlock refuses to execute anything else; but the dynamic loader
 * must be executable, and it can load a program as it loads a library. So the
 * directories of programs are mounted noexec, which it cannot get past, and
 * each listed program is bound on top of its own place.
 * Must: layout and environment are built. Errors are E_GRANT.
 */
int programs_build(struct arena *arena, struct plan *plan, struct err *reterr);

#endif
