/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One question to a plan, and its answer. */
#ifndef AISBX_CLI_WHY_H
#define AISBX_CLI_WHY_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/options.h"
#include "policy/plan.h"

struct answer {
	bool allowed;
	const char *access; /* a verb: "read" */
	const char *what;
	const char *reason;
	const char *by;	    /* where what decides is written; NULL: nowhere, or in aisbx itself */
	const char *option; /* that would allow it, NULL when none would */
	const char *value;
	const char *key; /* of the profile, as "files: {read: [%s]}" */
};

struct why {
	struct arena *arena;
	const struct options *options;
	const struct profile *profile;
	const struct plan *plan;
	struct answer *answer;
};

/* Always 0. */
int why_decide(struct why *why, bool allowed, const char *by, const char *reason);
/* What to write to have it allowed. */
void why_offer(struct why *why, const char *option, const char *key, const char *value);
/* Where the word of the list key was written: "FILE:LINE", or "command line". */
const char *why_origin(const struct why *why, const char *key, const char *word);

/* Answers for a path of the box, relative to the caller's directory. Always 0. */
int why_path(struct why *why, const char *text);

#endif
