/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From options to a plan that is looked at and not run. */
#ifndef AISBX_CLI_LOAD_H
#define AISBX_CLI_LOAD_H

#include "base/err.h"
#include "cli/options.h"
#include "policy/plan.h"

/* What run would apply with these options; a command may be lacking. The plan refers to both. */
int load_plan(struct arena *arena, struct options *options, const struct hostfacts *facts,
	      struct profile *ret_profile, struct plan *ret_plan, struct err *reterr);

#endif
