/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* List items of a profile that are mappings, whatever they are of. Pure. */
#ifndef AISBX_POLICY_ITEM_SPECS_H
#define AISBX_POLICY_ITEM_SPECS_H

#include "policy/host_specs.h"
#include "policy/profile.h"
#include "policy/schema.h"
#include "policy/yaml.h"

/* One of them while its keys are read. */
union item_spec {
	struct host_item host;
	struct binding_spec binding;
	struct secret_spec secret;
};

/* Whether an item of setting may be a mapping. */
bool item_spec_init(const struct setting *setting, struct origin at, union item_spec *ret_spec);
/* Reads one key. NULL, or the reason; *ret_where is the node that it speaks of. */
const char *item_spec_read_key(struct arena *arena, const struct setting *setting,
			       const struct node *key, const struct node *value,
			       union item_spec *spec, const struct node **ret_where);
/* Appends it to its list in profile when all keys are read. NULL, or the reason. */
const char *item_spec_finish(struct arena *arena, const struct setting *setting,
			     const union item_spec *spec, struct profile *profile);

#endif
