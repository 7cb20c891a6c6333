/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two texts as a unified diff. Pure. */
#ifndef AISBX_LEARN_DIFF_H
#define AISBX_LEARN_DIFF_H

#include "base/arena.h"

/*
 * What makes before into after, as patch(1) takes it: three lines of context, names in its
 * head. "" when they are equal. Lines that only one has are told from those that both have
 * by a longest common subsequence.
 */
const char *unified_diff(struct arena *arena, const char *name, const char *before,
			 const char *after);

#endif
