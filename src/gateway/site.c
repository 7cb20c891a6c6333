/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What requests to a host may be: see site.h. */
#include "gateway/site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "broker/events.h"
#include "gateway/basic.h"
#include "gateway/memory.h"
#include "gateway/vault.h"

enum {
	RANDOM_MIN = 24, /* characters, of six bits nearly: 142 bits */
	ECHOES_EACH = 2, /* spellings of a value that are looked for in what comes back */
	SITES_MAX = 4096,
	PATH_SHOWN = 160,
};

struct known {
	const struct secret *secret;
	const char *value;
	size_t value_len;
	const char *encoded; /* the value as an URL has it */
	size_t encoded_len;
	char placeholder[PLACEHOLDER_MAX + 1];
	size_t placeholder_len;
};

static struct {
	const struct plan_gateway *plan;
	struct known *known;
	struct replacement *echoes;
	struct replacements all_echoes;
	struct site *sites;
	size_t sites_len;
} sites;

/*** Placeholders ***/

/* Of a value's length, where that leaves enough that cannot be guessed. */
static int choose_placeholder(struct known *known)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const char *prefix = known->secret->prefix ? known->secret->prefix : "";
	size_t prefix_len = strlen(prefix), least = prefix_len + RANDOM_MIN;
	size_t len = known->value_len < least		  ? least
		     : known->value_len > PLACEHOLDER_MAX ? PLACEHOLDER_MAX
							  : known->value_len;
	unsigned char byte;

	memcpy(known->placeholder, prefix, prefix_len);
	for (size_t i = prefix_len; i < len;) {
		if (getrandom(&byte, 1, 0) != 1)
			return -errno;
		/* 4 * 62: no digit more often than another */
		if (byte < 248)
			known->placeholder[i++] = digits[byte % 62];
	}
	known->placeholder_len = len;
	return 0;
}

static bool is_unreserved(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       strchr("-._~", c);
}

/* False when there is no room for it. */
static bool encode(struct known *known)
{
	static const char hex[] = "0123456789ABCDEF";
	char *at = vault_take(3 * known->value_len);

	known->encoded = at;
	for (size_t i = 0; at && i < known->value_len; i++) {
		unsigned char c = (unsigned char)known->value[i];

		if (is_unreserved(c)) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	known->encoded_len = at ? (size_t)(at - known->encoded) : 0;
	return at;
}

static void add_echo(const struct known *known, const char *from, size_t from_len)
{
	struct replacements *all = &sites.all_echoes;

	all->items[all->len++] =
		(struct replacement){ from, from_len, known->placeholder, known->placeholder_len };
}

int sites_open(const struct plan_gateway *plan, const char *const *values, const size_t *values_len)
{
	sites.plan = plan;
	sites.known = calloc(plan->secrets_len + 1, sizeof *sites.known);
	sites.all_echoes.items =
		calloc(plan->secrets_len * ECHOES_EACH + 1, sizeof *sites.all_echoes.items);
	if (!sites.known || !sites.all_echoes.items)
		return -ENOMEM;
	for (size_t i = 0; i < plan->secrets_len; i++) {
		struct known *known = &sites.known[i];

		known->secret = &plan->secrets[i];
		known->value = values[i];
		known->value_len = values_len[i];
		int r = choose_placeholder(known);
		if (r < 0)
			return r;
		if (!encode(known))
			return -ENOSPC;
		add_echo(known, known->value, known->value_len);
		if (known->encoded_len > known->value_len)
			add_echo(known, known->encoded, known->encoded_len);
	}
	return 0;
}

const char *sites_placeholder(size_t i)
{
	return sites.known[i].placeholder;
}

/*** Sites ***/

static bool is_for(const struct host_grant *host, const char *name, uint16_t port)
{
	return host_grant_matches(host, name) && host_grant_has_port(host, port);
}

static void fill(struct site *site)
{
	const struct plan_gateway *plan = sites.plan;

	for (size_t i = 0; i < plan->secrets_len; i++) {
		const struct host_grants *hosts = &plan->secrets[i].hosts;

		for (size_t j = 0; j < hosts->len; j++) {
			if (is_for(&hosts->items[j], site->name, site->port))
				site->secrets |= (uint64_t)1 << i;
		}
	}
	for (size_t i = 0; i < plan->rules_len; i++)
		site->has_rules |= is_for(&plan->rules[i].host, site->name, site->port);
}

struct site *site_get(const char *name, uint16_t port)
{
	struct site *site = sites.sites;

	while (site && (site->port != port || strcmp(site->name, name) != 0))
		site = site->next;
	if (site || sites.sites_len == SITES_MAX)
		return site;
	site = calloc(1, sizeof *site);
	if (!site)
		return NULL;
	(void)snprintf(site->name, sizeof site->name, "%s", name);
	site->port = port;
	fill(site);
	site->next = sites.sites;
	sites.sites = site;
	sites.sites_len++;
	return site;
}

/*** Answers ***/

/* As a JSON string's inside; what does not fit is left out. */
static void quote(char *out, size_t size, const char *text)
{
	size_t at = 0;

	for (; *text && at + 8 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			out[at++] = '\\';
		if (c < ' ' || c >= 0x7f)
			at += (size_t)snprintf(out + at, size - at, "\\u%04x", c);
		else
			out[at++] = (char)c;
	}
	out[at] = '\0';
}

void site_answer(struct request_plan *plan, int status, const char *error, const char *what)
{
	char quoted[1024];

	quote(quoted, sizeof quoted, what);
	plan->status = status;
	(void)snprintf(plan->json, sizeof plan->json,
		       "{\"error\":\"%s\",\"by\":\"aisbx\",\"detail\":\"%s\"}\n", error, quoted);
}

/* "GET /v1/models", cut. */
static void describe(char *out, size_t size, const struct http_head *head, const char *path)
{
	(void)snprintf(out, size, "%.*s %.*s", (int)(head->method.len < 32 ? head->method.len : 32),
		       head->method.at, PATH_SHOWN, path);
	for (; *out; out++) {
		if ((unsigned char)*out < ' ' || (unsigned char)*out >= 0x7f)
			*out = '?';
	}
}

static void list_rules(const struct site *site, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sites.plan->rules_len; i++) {
		const struct http_rule *rule = &sites.plan->rules[i];
		char quoted[512];

		if (!is_for(&rule->host, site->name, site->port))
			continue;
		quote(quoted, sizeof quoted, rule->path);
		int n = snprintf(out + at, size - at, "%s\"%s %s\"", at ? "," : "", rule->method,
				 quoted);
		if (n < 0 || (size_t)n >= size - at) {
			out[at] = '\0'; /* more than fit */
			return;
		}
		at += (size_t)n;
	}
}

/* What no rule lets through. */
static void refuse(const struct site *site, const struct http_head *head, const char *path,
		   const char *rule, const char *why, struct request_plan *plan)
{
	char request[256], quoted[512], rules[2048], what[EVENT_TEXT], grant[EVENT_TEXT];

	describe(request, sizeof request, head, path);
	quote(quoted, sizeof quoted, request);
	list_rules(site, rules, sizeof rules);
	plan->status = 403;
	(void)snprintf(plan->json, sizeof plan->json,
		       "{\"error\":\"refused\",\"by\":\"aisbx\",\"rule\":\"%s\",\"detail\":\"%s\","
		       "\"request\":\"%s\",\"allowed\":[%s]}\n",
		       rule, why, quoted, rules);
	(void)snprintf(what, sizeof what, "%.200s:%u %.80s", site->name, site->port, request);
	(void)snprintf(grant, sizeof grant, "--http '%.150s:%u %.120s'", site->name, site->port,
		       request);
	event_refused(REFUSED_HTTP, what, strcmp(rule, "network.http") == 0 ? grant : NULL, why);
}

/*** Decisions ***/

/* The granted name, with or without the port. */
static bool is_host(const struct site *site, const struct span *host)
{
	const char *colon = memchr(host->at, ':', host->len);
	size_t len = colon ? (size_t)(colon - host->at) : host->len;
	char name[HOSTNAME_BYTES], port[8];

	if (!hostname_normalize(host->at, len, name) || strcmp(name, site->name) != 0)
		return false;
	int n = snprintf(port, sizeof port, ":%u", site->port);
	return !colon || (host->len - len == (size_t)n && memcmp(colon, port, (size_t)n) == 0);
}

static bool has_word(const struct strv *list, const struct span *word)
{
	for (size_t i = 0; i < list->len; i++) {
		if (strcmp(list->items[i], "*") == 0 || span_is(word, list->items[i]))
			return true;
	}
	return list->len == 0;
}

static bool has_path(const struct strv *list, const char *path)
{
	for (size_t i = 0; i < list->len; i++) {
		if (http_path_matches(list->items[i], path))
			return true;
	}
	return list->len == 0;
}

static bool passes_rules(const struct site *site, const struct http_head *head, const char *path)
{
	for (size_t i = 0; i < sites.plan->rules_len; i++) {
		const struct http_rule *rule = &sites.plan->rules[i];
		bool is_method =
			strcmp(rule->method, "*") == 0 || span_is(&head->method, rule->method);

		if (is_method && is_for(&rule->host, site->name, site->port) &&
		    http_path_matches(rule->path, path))
			return true;
	}
	return false;
}

static bool looks_at_paths(const struct site *site)
{
	bool looks = site->has_rules;

	for (size_t i = 0; i < sites.plan->secrets_len; i++)
		looks |= (site->secrets & (uint64_t)1 << i) && sites.plan->secrets[i].paths.len > 0;
	return looks;
}

/* The target in one spelling to plan->target, and its path for matching. */
static bool read_target(const struct http_head *head, bool looks, struct request_plan *plan,
			char path[HTTP_HEAD_MAX + 1])
{
	const struct span *target = &head->target;
	const char *query = memchr(target->at, '?', target->len);
	size_t len = query ? (size_t)(query - target->at) : target->len;

	memcpy(path, target->at, len);
	path[len] = '\0';
	memcpy(plan->target, target->at, target->len);
	plan->target_len = target->len;
	if (!looks || span_is(target, "*"))
		return true;
	if (!http_path_normalize(target->at, len, plan->target, path))
		return false;
	plan->target_len = strlen(plan->target);
	memcpy(plan->target + plan->target_len, target->at + len, target->len - len);
	plan->target_len += target->len - len;
	return true;
}

/* A placeholder goes where its value would not. */
static void refuse_secret(const struct site *site, size_t i)
{
	const struct secret *secret = &sites.plan->secrets[i];
	char what[EVENT_TEXT], grant[EVENT_TEXT];
	bool is_host = site->secrets & (uint64_t)1 << i;

	(void)snprintf(what, sizeof what, "%.120s to %.150s:%u", secret->name, site->name,
		       site->port);
	(void)snprintf(grant, sizeof grant, "--secret '%.80s=%.80s@%.100s:%u'", secret->name,
		       secret->shown, site->name, site->port);
	event_refused(REFUSED_SECRET, what, is_host ? NULL : grant,
		      is_host ? "the secret is not for this method and path"
			      : "the secret is not for this host");
}

static void tell_use(struct site *site, size_t i)
{
	char where[EVENT_TEXT];

	if (site->told & (uint64_t)1 << i)
		return;
	site->told |= (uint64_t)1 << i;
	(void)snprintf(where, sizeof where, "%s:%u", site->name, site->port);
	event_secret(sites.plan->secrets[i].name, where);
}

static uint64_t find_in(const char *text, size_t len)
{
	uint64_t found = 0;

	for (size_t i = 0; i < sites.plan->secrets_len; i++) {
		const struct known *known = &sites.known[i];

		if (memmem(text, len, known->placeholder, known->placeholder_len))
			found |= (uint64_t)1 << i;
	}
	return found;
}

/* Which secrets' placeholders stand in the request's headers. */
static uint64_t find_placeholders(const struct http_head *head)
{
	static char credentials[BASIC_MAX];
	uint64_t found = 0;
	size_t len;

	for (size_t i = 0; i < head->headers_len; i++) {
		const struct http_header *header = &head->headers[i];

		found |= find_in(header->value.at, header->value.len);
		if (basic_decode(header, credentials, &len))
			found |= find_in(credentials, len);
	}
	return found;
}

static void decide_secrets(struct site *site, const struct http_head *head, const char *path,
			   struct request_plan *plan)
{
	uint64_t found = find_placeholders(head);

	for (size_t i = 0; i < sites.plan->secrets_len; i++) {
		const struct secret *secret = &sites.plan->secrets[i];
		uint64_t bit = (uint64_t)1 << i;

		if ((site->secrets & bit) && has_word(&secret->methods, &head->method) &&
		    has_path(&secret->paths, path)) {
			plan->secrets |= bit;
			if ((found & bit) || secret->header)
				tell_use(site, i);
		} else if (found & bit) {
			refuse_secret(site, i);
		}
	}
}

void site_lacks_memory(const struct site *site)
{
	char what[EVENT_TEXT];

	(void)snprintf(what, sizeof what, "%s:%u", site->name, site->port);
	event_refused(REFUSED_HTTP, what, NULL, LACKS_MEMORY);
}

void site_decide(struct site *site, const struct http_head *head, struct request_plan *plan)
{
	static char path[HTTP_HEAD_MAX + 1];

	plan->status = 0;
	plan->secrets = 0;
	if (!memory_has_room()) {
		site_answer(plan, 503, "too much at once", LACKS_MEMORY);
		site_lacks_memory(site);
		return;
	}
	if (!read_target(head, looks_at_paths(site), plan, path)) {
		site_answer(plan, 400, "bad request", "a path that servers read in different ways");
		return;
	}
	if (head->host.at && !is_host(site, &head->host)) {
		refuse(site, head, path, "host", "the Host header is not the granted name", plan);
		return;
	}
	if (site->has_rules && !passes_rules(site, head, path)) {
		refuse(site, head, path, "network.http", "no rule allows it", plan);
		return;
	}
	decide_secrets(site, head, path, plan);
}

/*** Replacing ***/

void site_replacements(uint64_t secrets, unsigned place, struct replacements *ret_all)
{
	static struct replacement items[SECRETS_MAX];

	*ret_all = (struct replacements){ .items = items };
	for (size_t i = 0; i < sites.plan->secrets_len; i++) {
		const struct known *known = &sites.known[i];
		bool is_url = place == SECRET_IN_URL;

		if (!(secrets & (uint64_t)1 << i) || (place && !(known->secret->places & place)))
			continue;
		items[ret_all->len++] =
			(struct replacement){ known->placeholder, known->placeholder_len,
					      is_url ? known->encoded : known->value,
					      is_url ? known->encoded_len : known->value_len };
	}
}

const struct replacements *sites_echoes(void)
{
	return &sites.all_echoes;
}

bool site_added_header(uint64_t secrets, size_t i, struct span *ret_name, const char **ret_before,
		       struct span *ret_value, const char **ret_after)
{
	for (size_t n = 0; n < sites.plan->secrets_len; n++) {
		const struct known *known = &sites.known[n];
		const char *header = known->secret->header;

		if (!(secrets & (uint64_t)1 << n) || !header || i-- > 0)
			continue;
		*ret_name = (struct span){ header, strcspn(header, ":") };
		*ret_before = header + ret_name->len + 2;
		*ret_value = (struct span){ known->value, known->value_len };
		*ret_after = strstr(header, "{}") + 2;
		return true;
	}
	return false;
}
