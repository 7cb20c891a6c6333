/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The strings of a TOML 1.0 document. Pure.
 *
 * Only what asks "which text stands at which key" is answered: numbers, dates
 * and truth values are passed over without a check, and so are the elements of
 * arrays. What cannot be read is refused, never guessed.
 */
#ifndef AISBX_POLICY_TOML_H
#define AISBX_POLICY_TOML_H

#include "base/arena.h"

struct toml_string {
	struct strv key; /* "registries", "mine", "index" */
	const char *value;
	int line; /* from 1 */
};

struct toml_strings {
	struct toml_string *items;
	size_t len;
	size_t cap;
};

/*
 * Fills ret_strings in the order of the text. On failure -EINVAL, *ret_line is where
 * and *ret_why says what is wrong.
 */
int toml_read(struct arena *arena, const char *text, struct toml_strings *ret_strings,
	      int *ret_line, const char **ret_why);

#endif
