/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From findings to a proposed profile. Pure: the same findings make the same text. */
#ifndef AISBX_LEARN_PROPOSE_H
#define AISBX_LEARN_PROPOSE_H

#include "learn/findings.h"

/* One item of a list, or a value, and why it is there. */
struct proposed {
	const char *section; /* "files"; NULL: a key of the top level */
	const char *key;     /* "read" */
	bool is_list;
	const char *value; /* plain text, not YAML */
	const char *why;
	const char *path; /* of a directory that is granted whole, else NULL */
};

struct proposal {
	struct proposed *items; /* those of one key follow each other */
	size_t len;
	size_t cap;
	struct lack_list refused;
};

/*
 * What the run needs besides what is granted already. Sensitive paths, broad directories and
 * names that a profile cannot have are refused; what the box's own /tmp and home take is neither.
 */
void propose(struct arena *arena, const struct findings *findings, granted_fn granted,
	     void *context, struct proposal *ret);
/* Whether the working directory itself changes, so that a profile for work on it is nearest. */
bool findings_change_work(struct arena *arena, const struct findings *findings);
/* Whether a name that changed, below the working directory, is one of patterns (files.protect). */
bool findings_touch(struct arena *arena, const struct findings *findings,
		    const struct strv *patterns);

/* value as a YAML scalar, quoted where it must be. */
const char *yaml_scalar(struct arena *arena, const char *value);
/* The whole profile. */
const char *proposal_text(struct arena *arena, const struct findings *findings,
			  const struct proposal *proposal);
/* Its refusals as comment lines; "" when there are none. */
const char *proposal_refused_text(struct arena *arena, const struct proposal *proposal);

#endif
