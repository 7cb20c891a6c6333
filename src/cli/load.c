/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From options to a plan: see load.h. */
#include "cli/load.h"

#include "cli/code.h"

int load_plan(struct arena *arena, struct options *options, const struct hostfacts *facts,
	      struct profile *ret_profile, struct plan *ret_plan, struct err *reterr)
{
	struct request request = { .command = options->command,
				   .stdin_fd = -1,
				   .may_lack_command = true };

	if (options->code || options->script) {
		request.code = "";
		request.code_name = options->script ? code_name(options->script) : "code";
	}
	int r = profile_load_command(arena, options->profile, &options->grants, ret_profile, NULL,
				     reterr);
	if (r < 0)
		return r;
	return plan_build(arena, ret_profile, facts, &request, ret_plan, reterr);
}
