/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a learning run is shown: the host, less what holds secrets. */
#ifndef AISBX_LEARN_VIEW_H
#define AISBX_LEARN_VIEW_H

#include "base/err.h"
#include "learn/places.h"
#include "policy/hostfacts.h"
#include "policy/profile.h"

struct view {
	struct profile profile; /* base, with the whole host: for a plan that is observed */
	struct strv secrets;	/* paths that are there and hidden */
	struct strv variables;	/* names that are passed on, beside those of base */
	struct strv kept_back;	/* names of variables that look like secrets */
};

/*
 * grants: the command line of learn. The directories of the root are writable grants, for a
 * plan that throws away what is written. Left out: the kernel's, the host's servers (/run),
 * file systems mounted below, unless the home or the working directory is there, and
 * what the caller cannot read. Reads the host.
 */
int view_build(struct arena *arena, const struct hostfacts *facts, const struct profile *grants,
	       struct view *ret, struct err *reterr);

/*
 * Appends to list the paths below directory that are sensitive; those of a sensitive directory are
 * one. Links are not followed, and not everything is looked at in a tree that is very deep or large.
 */
void view_find_secrets(struct arena *arena, const struct learn_places *places,
		       const char *directory, struct strv *list);

#endif
