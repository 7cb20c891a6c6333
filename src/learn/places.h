/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a learning run takes place, and what its paths mean there. Pure. */
#ifndef AISBX_LEARN_PLACES_H
#define AISBX_LEARN_PLACES_H

#include <stdbool.h>

#include "base/arena.h"

struct learn_places {
	const char *cwd;
	const char *home;
};

/* Paths are absolute and normal. */

/* The path as a profile has it: ".", "./x", "~/x" or absolute; with "\:" for colons. */
const char *place_text(struct arena *arena, const struct learn_places *places, const char *path);
/*
 * Whether a grant of directory as a whole would hand over more than one program's things:
 * /, /srv, /var/lib, the home, ~/.config, and what the working directory is in.
 */
bool place_is_broad(const struct learn_places *places, const char *directory);
/*
 * Whether the box's own /tmp or home takes what is written there, and forgets it. is_made: the
 * path is new, not a change of what the host has.
 */
bool place_is_private(const struct learn_places *places, const char *path, bool is_made);
/* What is written when a program is run and nobody asked for. */
bool place_is_byproduct(const char *path);
/* The directory that path is in; "/" is its own. */
char *place_parent(struct arena *arena, const char *path);

/*
 * What a profile is not proposed to grant, and a learning run does not see: why, or NULL.
 * "it holds SSH keys". By name and place only.
 */
const char *sensitive_why(const struct learn_places *places, const char *path);
/* Place number i below the home that holds secrets, or NULL past the last. */
const char *sensitive_in_home(size_t i);
/* Why the value of such a variable is not handed to a learning run, or NULL. */
const char *sensitive_variable_why(const char *name);

#endif
