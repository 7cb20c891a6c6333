/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the text of one value may be. Pure.
 *
 * Each check returns NULL, or the reason and what to write instead.
 */
#ifndef AISBX_POLICY_VALUES_H
#define AISBX_POLICY_VALUES_H

#include <stdbool.h>

#include "base/arena.h"
#include "policy/profile.h"

/* The tools whose configuration can name hosts (registries.h); ends with NULL. */
extern const char *const registry_tools[];

/* Any text without control characters, not empty. */
const char *value_check_line(struct arena *arena, const char *value);
/* A path: not empty, no control characters, ~ only as ~ or ~/... */
const char *value_check_path(struct arena *arena, const char *value);
/* A profile's NAME, or a FILE as profile_is_file() has it; never "-". */
const char *value_check_profile(struct arena *arena, const char *value);
/* A file's name without /, or a pattern with * only. */
const char *value_check_protect(struct arena *arena, const char *value);
/* A program's name or path. */
const char *value_check_program(struct arena *arena, const char *value);
/* A system call's name or a @set; whether it exists is not known here. */
/* A wall that may be left out (walls.h). */
const char *value_check_wall(struct arena *arena, const char *value);
/* One of registry_tools. */
const char *value_check_registry(struct arena *arena, const char *value);
/* FILE or fd:N to write to. */
const char *value_check_sink(struct arena *arena, const char *value);
/* NAME, or a pattern that begins like a name: LC_*, GIT_*_NAME. */
const char *value_check_env_pass(struct arena *arena, const char *value);
/* NAME=VALUE; VALUE may be anything. */
const char *value_check_env_set(struct arena *arena, const char *value);

/*
 * [-]SRC[:DEST]: the last colon that is followed by / or ~ and has no backslash
 * before it separates; "\:" is a colon in either part. Writes source, dest and
 * optional of ret_spec on success. Without with_dest a DEST is an error.
 */
const char *value_parse_path(struct arena *arena, const char *value, bool with_dest,
			     struct path_spec *ret_spec);

/* Whether -p and extends take text as a file: it has a slash or ends in .yaml, .yml, .json. */
bool profile_is_file(const char *text);
/* Whether text can be a profile's NAME: [A-Za-z0-9][A-Za-z0-9._-]* */
bool profile_is_name(const char *text);

#endif
