/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many paths to few grants. Pure. */
#ifndef AISBX_LEARN_COLLAPSE_H
#define AISBX_LEARN_COLLAPSE_H

#include "learn/places.h"

enum {
	COLLAPSE_FROM = 3 /* entries of one directory that stand for the whole */
};

struct wanted {
	const char *path;
	const char *why; /* for the comment */
	bool is_whole;	 /* a directory with all that is in it */
	size_t files;	 /* that it stands for */
};

struct wanted_list {
	struct wanted *items;
	size_t len;
	size_t cap;
};

void wanted_add(struct arena *arena, struct wanted_list *list, const struct wanted *wanted);
/* Sorts by component and takes out what is there twice or lies in a whole directory. */
void wanted_settle(struct wanted_list *list);
/*
 * COLLAPSE_FROM entries or more of one directory become that directory, from the deepest up,
 * where it is not broad (place_is_broad). Settles.
 */
void wanted_collapse(struct arena *arena, const struct learn_places *places,
		     struct wanted_list *list);

#endif
