/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The items of network.hosts and its like as written: see host_specs.h. */
#include "policy/host_specs.h"

#include <string.h>

#include "policy/hosts.h"
#include "policy/http_rules.h"
#include "policy/publish.h"
#include "policy/words.h"

static const char *check_grant(struct arena *arena, const char *value, bool is_private)
{
	struct host_grant grant;
	const char *why = NULL;

	(void)host_grant_parse(arena, value, is_private, &grant, &why); /* why says it */
	return why;
}

const char *value_check_host(struct arena *arena, const char *value)
{
	return check_grant(arena, value, false);
}

const char *value_check_private_host(struct arena *arena, const char *value)
{
	return check_grant(arena, value, true);
}

const char *value_check_publish(struct arena *arena, const char *value)
{
	struct publish publish = { 0 };
	const char *why = NULL;

	(void)publish_parse(arena, value, &publish, &why); /* why says it */
	return why;
}

static const char *read_tls(struct arena *arena, const char *word, bool *ret_tls_any)
{
	if (strcmp(word, "any") != 0 && strcmp(word, "required") != 0)
		return arena_printf(arena, "%s is not a rule for TLS; write any or required",
				    word_quote(arena, word));
	*ret_tls_any = word[0] == 'a';
	return NULL;
}

const char *host_spec_read(struct arena *arena, const struct setting *setting, const char *value,
			   struct host_spec *ret_spec)
{
	static const char tls[] = ",tls=";
	const char *sign = setting->type == SETTING_HOSTS ? strstr(value, tls) : NULL, *why = NULL;
	struct host_spec spec = *ret_spec;

	spec.text = sign ? arena_strndup(arena, value, (size_t)(sign - value))
			 : arena_strdup(arena, value);
	if (sign)
		why = read_tls(arena, sign + sizeof tls - 1, &spec.tls_any);
	if (!why)
		why = setting->check(arena, spec.text);
	if (!why)
		*ret_spec = spec;
	return why;
}

/* One rule, or a list of them. */
static const char *read_rules(struct arena *arena, const struct node *value, struct strv *rules,
			      const struct node **ret_where)
{
	const struct node *rule = value->kind == NODE_LIST ? value->first : value;
	const char *why = NULL, *method, *path;

	*ret_where = value;
	if (!rule)
		return "'http' allows nothing; write http: [\"GET /*\"], or leave it out";
	while (rule && !why) {
		*ret_where = rule;
		if (rule->kind != NODE_SCALAR || node_is_null(rule))
			return "'http' takes words; write http: [\"GET /v1/*\"]";
		why = http_rule_read(arena, rule->text, &method, &path);
		strv_push(arena, rules, arena_strdup(arena, rule->text));
		rule = value->kind == NODE_LIST ? rule->next : NULL;
	}
	return why;
}

const char *host_item_read_key(struct arena *arena, const struct setting *setting,
			       const struct node *key, const struct node *value,
			       struct host_item *host, const struct node **ret_where)
{
	static const char *const names[] = { "host", "tls", "http", NULL };
	bool is_host = strcmp(key->text, "host") == 0;

	*ret_where = key;
	if (strcmp(key->text, "http") == 0)
		return read_rules(arena, value, &host->rules, ret_where);
	if (!is_host && strcmp(key->text, "tls") != 0)
		return words_unknown_key(arena, key->text, setting->key, names);
	*ret_where = value;
	if (value->kind != NODE_SCALAR || node_is_null(value))
		return arena_printf(arena, "'%s' takes one word; write %s: %s", key->text,
				    key->text, is_host ? setting->argument : "any");
	if (!is_host)
		return read_tls(arena, value->text, &host->spec.tls_any);
	host->spec.text = arena_strdup(arena, value->text);
	return setting->check(arena, host->spec.text);
}
