/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of a profile before YAML sees them. Pure. */
#ifndef AISBX_POLICY_YAML_TEXT_H
#define AISBX_POLICY_YAML_TEXT_H

#include <stddef.h>

#include "base/arena.h"

/*
 * Checks that the text is UTF-8 without control or invisible characters, and
 * replaces it by what libyaml reads: without a byte order mark; for JSON (the
 * first byte that is not blank is '{') tabs between words as spaces and
 * surrogate pairs as one escape. Lines stay where they are; columns too, but
 * for what follows a surrogate pair on its line.
 * Returns NULL, or what is wrong at *ret_line and *ret_column.
 */
const char *yaml_text_check(struct arena *arena, const char **text, size_t *len, int *ret_line,
			    int *ret_column);

#endif
