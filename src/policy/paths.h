/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Absolute paths as text: pure. Comparison is by component, never by prefix of bytes. */
#ifndef AISBX_POLICY_PATHS_H
#define AISBX_POLICY_PATHS_H

#include <stdbool.h>

#include "base/arena.h"

/* path made absolute below base, without ".", "..", double or trailing slashes. */
char *path_absolute(struct arena *arena, const char *base, const char *path);
/* Whether path is dir or lies below it. Both absolute and normal. */
bool path_is_within(const char *path, const char *dir);
/* Whether path lies below dir and is not dir. */
bool path_is_below(const char *path, const char *dir);
/* What follows dir in path, without a leading slash; path_is_within() must hold. */
const char *path_rest(const char *path, const char *dir);
/* dir/rest, or dir when rest is empty. */
char *path_join(struct arena *arena, const char *dir, const char *rest);
/* Whether a component of path is "..". */
bool path_has_dotdot(const char *path);

/*
 * Why path, absolute and normal, can be no source on a host, no place in a box
 * or nothing to hide there; or NULL.
 */
const char *path_why_no_source(const char *path);
const char *path_why_no_place(const char *path);
const char *path_why_not_hidden(const char *path);

#endif
