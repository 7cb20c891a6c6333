/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* List items that are mappings: see item_specs.h. */
#include "policy/item_specs.h"

#include "policy/binding_specs.h"
#include "policy/host_specs.h"
#include "policy/lists.h"

bool item_spec_init(const struct setting *setting, struct origin at, union item_spec *ret_spec)
{
	if (setting->type == SETTING_BINDINGS)
		binding_spec_init(&ret_spec->binding, at);
	else
		ret_spec->host = (struct host_spec){ .at = at };
	return setting->type == SETTING_BINDINGS || setting->type == SETTING_HOSTS;
}

const char *item_spec_read_key(struct arena *arena, const struct setting *setting,
			       const struct node *key, const struct node *value,
			       union item_spec *spec, const struct node **ret_where)
{
	if (setting->type == SETTING_BINDINGS)
		return binding_spec_read_key(arena, key, value, &spec->binding, ret_where);
	return host_spec_read_key(arena, setting, key, value, &spec->host, ret_where);
}

const char *item_spec_finish(struct arena *arena, const struct setting *setting,
			     const union item_spec *spec, struct profile *profile)
{
	const char *why = NULL;

	if (setting->type == SETTING_BINDINGS) {
		why = binding_spec_check(arena, &spec->binding);
		if (!why)
			binding_list_push(arena, setting_field(setting, profile), &spec->binding);
	} else if (spec->host.text) {
		host_list_push_new(arena, setting_field(setting, profile), &spec->host);
	} else {
		why = "no host; write {host: HOST[:PORT], tls: any}";
	}
	return why;
}
