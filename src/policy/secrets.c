/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets and HTTP rules of a plan: see secrets.h. */
#include "policy/secrets.h"

#include <string.h>

#include "policy/paths.h"
#include "policy/plan.h"
#include "policy/secret_specs.h"
#include "policy/steps.h"
#include "policy/words.h"

/*** Hosts ***/

static void push_host(struct arena *arena, struct host_grants *list, const struct host_grant *grant)
{
	struct host_grant *items = arena_alloc(arena, (list->len + 1) * sizeof *items);

	if (list->len)
		memcpy(items, list->items, list->len * sizeof *items);
	items[list->len++] = *grant;
	list->items = items;
}

/* Whether a connection that other allows may be one of host's. */
static bool covers(const struct host_grant *other, const struct host_grant *host)
{
	if (other->kind == host->kind && strcmp(other->name, host->name) == 0)
		return true;
	return host->kind == HOST_NAME && host_grant_matches(other, host->name);
}

/* The ports that the plan grants for it, where none was written. */
static void take_ports(const struct plan *plan, struct host_grant *host)
{
	const struct host_grants *grants = &plan->network.grants;
	size_t len = 0;

	for (size_t i = 0; i < grants->len; i++) {
		const struct host_grant *grant = &grants->items[i];

		for (size_t j = 0; covers(grant, host) && j < grant->ports_len; j++) {
			if (len < HOST_PORTS_MAX)
				host->ports[len++] = grant->ports[j];
		}
	}
	if (len > 0)
		host->ports_len = len;
}

static const struct host_grant *find_grant(const struct plan *plan, const struct host_grant *host)
{
	const struct host_grants *grants = &plan->network.grants;

	for (size_t i = 0; i < grants->len; i++) {
		const struct host_grant *grant = &grants->items[i];

		if (covers(grant, host) && host_grant_has_port(grant, host->ports[0].first))
			return grant;
	}
	return NULL;
}

/* A host of a secret or a rule. It is granted afterwards, or *ret_is_granted says that it is not. */
static int read_host(struct arena *arena, struct plan *plan, const char *text, const char *from,
		     struct host_grant *ret_host, bool *ret_is_granted, struct err *reterr)
{
	const char *why = NULL;

	if (host_grant_parse(arena, text, true, ret_host, &why) < 0) /* it was checked when read */
		return err_msg(reterr, E_GRANT, "%s: %s", from, why);
	ret_host->is_private = false;
	ret_host->why = from;
	if (!strchr(text, ':'))
		take_ports(plan, ret_host);
	const struct host_grant *grant = find_grant(plan, ret_host);
	*ret_is_granted = grant;
	if (grant && grant->tls_any)
		return err_msg(
			reterr, E_GRANT,
			"%s: connections to '%s' must be TLS to end in the gateway; take its "
			"'tls: any' (%s) out",
			from, text, grant->why);
	push_host(arena, &plan->gateway.hosts, ret_host);
	return 0;
}

/*** Rules ***/

static int add_rule(struct arena *arena, struct plan *plan, const struct http_spec *spec,
		    struct err *reterr)
{
	struct http_rule *rule = &plan->gateway.rules[plan->gateway.rules_len++];
	const char *from = origin_text(arena, &spec->at), *blank = strchr(spec->text, ' ');
	char *host = arena_strndup(arena, spec->text, (size_t)(blank - spec->text));
	bool is_granted;
	int r = read_host(arena, plan, host, from, &rule->host, &is_granted, reterr);

	if (r < 0)
		return r;
	rule->why = from;
	(void)http_rule_read(arena, blank + 1, &rule->method, &rule->path); /* was checked */
	if (is_granted)
		return 0;
	return err_msg(reterr, E_GRANT,
		       "%s: an HTTP rule for '%s', which no grant names; add it to network.hosts "
		       "(--allow-host %s)",
		       from, host, host);
}

/*** Secrets ***/

static void read_source(struct arena *arena, const struct plan *plan, const char *text,
			struct secret *secret)
{
	const char *rest;

	secret->shown = text;
	secret->source = secret_source_of(text, &rest);
	if (secret->source == SECRET_COMMAND) {
		for (size_t len; *rest; rest += len + (rest[len] == ' ')) {
			len = strcspn(rest, " ");
			if (len > 0)
				strv_push(arena, &secret->words, arena_strndup(arena, rest, len));
		}
		return;
	}
	bool is_home = rest[0] == '~' && (rest[1] == '/' || !rest[1]);
	strv_push(arena, &secret->words,
		  secret->source != SECRET_FILE ? arena_strdup(arena, rest)
		  : is_home ? path_absolute(arena, plan->facts->home, rest[1] ? rest + 2 : ".")
			    : path_absolute(arena, plan->facts->cwd, rest));
}

static int add_secret(struct arena *arena, struct plan *plan, const struct secret_spec *spec,
		      struct err *reterr)
{
	struct secret *secret = &plan->gateway.secrets[plan->gateway.secrets_len++];

	*secret = (struct secret){ .name = spec->name,
				   .header = spec->header,
				   .prefix = spec->prefix ? spec->prefix : "",
				   .methods = spec->methods,
				   .paths = spec->paths,
				   .why = origin_text(arena, &spec->at) };
	read_source(arena, plan, spec->source, secret);
	for (size_t i = 0; i < spec->also.len; i++)
		secret->places |=
			strcmp(spec->also.items[i], "url") == 0 ? SECRET_IN_URL : SECRET_IN_BODY;
	for (size_t i = 0; i < spec->hosts.len; i++) {
		struct host_grant host;
		bool is_granted;
		int r = read_host(arena, plan, spec->hosts.items[i], secret->why, &host,
				  &is_granted, reterr);

		if (r < 0)
			return r;
		push_host(arena, &secret->hosts, &host);
		if (!is_granted)
			push_host(arena, &plan->network.grants, &host);
	}
	return 0;
}

int secrets_build(struct arena *arena, struct plan *plan, struct err *reterr)
{
	const struct secret_list *secrets = &plan->profile->secrets;
	const struct http_list *rules = &plan->profile->http;
	int r = 0;

	if (secrets->len == 0 && rules->len == 0)
		return 0;
	if (secrets->len > SECRETS_MAX)
		return err_msg(reterr, E_GRANT,
			       "more than %d secrets; take those out that are not "
			       "needed",
			       SECRETS_MAX);
	plan->gateway.secrets = arena_alloc(arena, (secrets->len + 1) * sizeof(struct secret));
	plan->gateway.rules = arena_alloc(arena, (rules->len + 1) * sizeof(struct http_rule));
	for (size_t i = 0; r == 0 && i < secrets->len; i++)
		r = add_secret(arena, plan, &secrets->items[i], reterr);
	for (size_t i = 0; r == 0 && i < rules->len; i++)
		r = add_rule(arena, plan, &rules->items[i], reterr);
	return r;
}

static bool is_source(const struct secret *secret, const char *name, size_t len)
{
	const char *variable = secret->words.items[0];

	return secret->source == SECRET_ENV && strlen(variable) == len &&
	       strncmp(variable, name, len) == 0;
}

bool secrets_take_variable(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->gateway.secrets_len; i++) {
		const struct secret *secret = &plan->gateway.secrets[i];

		if (strcmp(secret->name, name) == 0 || is_source(secret, name, strlen(name)))
			return true;
	}
	return false;
}

void secrets_forget(const struct plan *plan, char *const *environment)
{
	for (char *const *item = environment; item && *item; item++) {
		size_t len = strcspn(*item, "=");

		for (size_t i = 0; i < plan->gateway.secrets_len && (*item)[len]; i++) {
			if (is_source(&plan->gateway.secrets[i], *item, len))
				explicit_bzero(*item + len + 1, strlen(*item + len + 1));
		}
	}
}
