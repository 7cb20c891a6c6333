/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A proposal written into the text of a profile. Pure. */
#ifndef AISBX_LEARN_EDIT_H
#define AISBX_LEARN_EDIT_H

#include "base/err.h"
#include "learn/propose.h"

/*
 * The text of profile name with the items of proposal in it: lists get further items, a value is
 * replaced. Every other byte stays, comments too. Fails with E_PROFILE where a
 * section stands in braces on one line, and for JSON.
 */
int edit_profile(struct arena *arena, const char *name, const char *text,
		 const struct proposal *proposal, const char **ret_text, struct err *reterr);

#endif
