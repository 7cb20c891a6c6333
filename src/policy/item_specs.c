/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* List items that are mappings: see item_specs.h. */
#include "policy/item_specs.h"

#include "policy/binding_specs.h"
#include "policy/lists.h"
#include "policy/secret_specs.h"

bool item_spec_init(const struct setting *setting, struct origin at, union item_spec *ret_spec)
{
	if (setting->type == SETTING_BINDINGS)
		binding_spec_init(&ret_spec->binding, at);
	else if (setting->type == SETTING_SECRETS)
		ret_spec->secret = (struct secret_spec){ .at = at };
	else
		ret_spec->host = (struct host_item){ .spec.at = at };
	return setting->type == SETTING_BINDINGS || setting->type == SETTING_SECRETS ||
	       setting->type == SETTING_HOSTS;
}

const char *item_spec_read_key(struct arena *arena, const struct setting *setting,
			       const struct node *key, const struct node *value,
			       union item_spec *spec, const struct node **ret_where)
{
	if (setting->type == SETTING_BINDINGS)
		return binding_spec_read_key(arena, key, value, &spec->binding, ret_where);
	if (setting->type == SETTING_SECRETS)
		return secret_spec_read_key(arena, key, value, &spec->secret, ret_where);
	return host_item_read_key(arena, setting, key, value, &spec->host, ret_where);
}

/* {host: NAME, http: [METHOD PATH]}: the rules are those of network.http too. */
static const char *finish_host(struct arena *arena, const struct setting *setting,
			       const struct host_item *host, struct profile *profile)
{
	if (!host->spec.text)
		return "no host; write {host: HOST[:PORT], tls: any}";
	host_list_push_new(arena, setting_field(setting, profile), &host->spec);
	for (size_t i = 0; i < host->rules.len; i++) {
		const struct http_spec rule = {
			.text = arena_printf(arena, "%s %s", host->spec.text, host->rules.items[i]),
			.at = host->spec.at
		};
		http_list_push_new(arena, &profile->http, &rule);
	}
	return NULL;
}

static const char *finish_secret(struct arena *arena, const struct secret_spec *secret,
				 struct secret_list *list)
{
	const char *why = secret_spec_lacks(secret);

	if (!why)
		secret_list_push(arena, list, secret);
	return why;
}

const char *item_spec_finish(struct arena *arena, const struct setting *setting,
			     const union item_spec *spec, struct profile *profile)
{
	const char *why = NULL;

	if (setting->type == SETTING_HOSTS)
		return finish_host(arena, setting, &spec->host, profile);
	if (setting->type == SETTING_SECRETS)
		return finish_secret(arena, &spec->secret, setting_field(setting, profile));
	why = binding_spec_check(arena, &spec->binding);
	if (!why)
		binding_list_push(arena, setting_field(setting, profile), &spec->binding);
	return why;
}
