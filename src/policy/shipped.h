/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The shipped profiles as profile_load() returns them, made when aisbx is
 * built: shipped.c, written by gen_profiles. Nothing of a shipped profile is
 * parsed, merged or hashed at run time.
 */
#ifndef AISBX_POLICY_SHIPPED_H
#define AISBX_POLICY_SHIPPED_H

#include <stddef.h>

#include "policy/profile.h"

/*
 * Loaded from the built-in texts alone, so path is NULL, and name and extends
 * are all the names that were looked up. A list's cap is its length (of words
 * with the NULL), so that appending to a copy makes an array first; whatever
 * changes items in place must own the list (lists.h), as profile_merge() does.
 */
extern const struct profile shipped_profiles[];
extern const size_t shipped_profiles_len;

/*
 * As profile_load, from the built-in texts alone and always by parsing them.
 * For gen_profiles and tests.
 */
int profile_load_builtin(struct arena *arena, const char *name, struct profile *ret_profile,
			 struct complaints *complaints, struct err *reterr);

#endif
