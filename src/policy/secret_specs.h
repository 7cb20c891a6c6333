/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets as written: the items of the list 'secrets', and --secret. Pure. */
#ifndef AISBX_POLICY_SECRET_SPECS_H
#define AISBX_POLICY_SECRET_SPECS_H

#include "policy/profile.h"
#include "policy/schema.h"
#include "policy/secrets.h"
#include "policy/yaml.h"

/* What a checked source is; *ret_rest is what follows the colon. */
enum secret_source secret_source_of(const char *text, const char **ret_rest);

/* NAME=SOURCE@HOST[,HOST...]. Returns NULL, or the reason and what to write. */
const char *secret_spec_read(struct arena *arena, const char *text, struct secret_spec *spec);
/*
 * One key of an item that is a mapping, into spec. Returns NULL, or the reason; *ret_where is the node that
 * it speaks of.
 */
const char *secret_spec_read_key(struct arena *arena, const struct node *key,
				 const struct node *value, struct secret_spec *spec,
				 const struct node **ret_where);
/* What a mapping without it lacks, or NULL. */
const char *secret_spec_lacks(const struct secret_spec *spec);

#endif
