/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets as written: see secret_specs.h. */
#include "policy/secret_specs.h"

#include <string.h>
#include <strings.h>

#include "policy/ports.h"
#include "policy/values.h"
#include "policy/words.h"

enum {
	PREFIX_MAX = 64,
};

static const char *const sources[SECRET__N] = { [SECRET_ENV] = "env:",
						[SECRET_FILE] = "file:",
						[SECRET_FD] = "fd:",
						[SECRET_COMMAND] = "command:" };

enum secret_source secret_source_of(const char *text, const char **ret_rest)
{
	enum secret_source source = SECRET_ENV;

	while (source < SECRET__N && strncmp(text, sources[source], strlen(sources[source])) != 0)
		source++;
	*ret_rest = source < SECRET__N ? text + strlen(sources[source]) : text;
	return source;
}

/*** Values ***/

static const char *read_name(struct arena *arena, const char *value, struct secret_spec *spec)
{
	size_t len = strlen(value);

	if (len == 0 || len > SECRET_NAME_MAX || (value[0] >= '0' && value[0] <= '9') ||
	    strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != len)
		return arena_printf(arena,
				    "%s is not the name of a variable; write letters, digits and _",
				    word_quote(arena, value));
	spec->name = arena_strdup(arena, value);
	return NULL;
}

/* A value that was given for a source must not be shown: it may be the secret itself. */
static const char *read_source(struct arena *arena, const char *value, struct secret_spec *spec)
{
	const char *rest, *why = value_check_line(arena, value);
	enum secret_source source = secret_source_of(value, &rest);
	uint16_t fd;

	if (why || source == SECRET__N)
		return "a source that is none; write env:VAR, file:PATH, fd:N or command:PROGRAM "
		       "ARG..., never the value itself";
	if (!*rest || (source == SECRET_COMMAND && *rest == ' '))
		return arena_printf(arena, "nothing after '%s'; write what to read it from",
				    sources[source]);
	if (source == SECRET_ENV && strcspn(rest, "= ") != strlen(rest))
		return arena_printf(arena, "%s is not the name of a variable; write env:VAR",
				    word_quote(arena, rest));
	if (source == SECRET_FD && (!port_parse(rest, strlen(rest), &fd) || fd < 3))
		return arena_printf(arena,
				    "%s is not a descriptor to read from; write a number from 3",
				    word_quote(arena, rest));
	if (source == SECRET_FILE)
		why = value_check_path(arena, rest);
	spec->source = arena_strdup(arena, value);
	return why;
}

static const char *read_host(struct arena *arena, const char *value, struct secret_spec *spec)
{
	struct host_grant grant;
	const char *why = NULL;

	if (host_grant_parse(arena, value, true, &grant, &why) < 0)
		return why;
	if (grant.kind == HOST_NET)
		return arena_printf(arena, "%s is an address; a secret goes to hosts by name",
				    word_quote(arena, value));
	strv_push(arena, &spec->hosts, arena_strdup(arena, value));
	return NULL;
}

static const char *read_header(struct arena *arena, const char *value, struct secret_spec *spec)
{
	static const char token[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	static const char *const framing[] = { "Host",
					       "Content-Length",
					       "Transfer-Encoding",
					       "Connection",
					       "Upgrade",
					       "TE",
					       "Trailer",
					       "Expect",
					       "Accept-Encoding",
					       "Content-Encoding",
					       NULL };
	size_t name_len = strspn(value, token);
	const char *place = strstr(value, "{}");

	if (name_len == 0 || strncmp(value + name_len, ": ", 2) != 0 || !place ||
	    place < value + name_len || strstr(place + 2, "{}") || value_check_line(arena, value))
		return arena_printf(arena,
				    "%s is not a header with one {} for the value; write one such "
				    "as 'Authorization: Bearer {}'",
				    word_quote(arena, value));
	for (size_t i = 0; framing[i]; i++) {
		if (strlen(framing[i]) == name_len && strncasecmp(framing[i], value, name_len) == 0)
			return arena_printf(arena, "%s frames the message; write another header",
					    framing[i]);
	}
	spec->header = arena_strdup(arena, value);
	return NULL;
}

static const char *read_prefix(struct arena *arena, const char *value, struct secret_spec *spec)
{
	size_t len = strlen(value);

	if (len > PREFIX_MAX ||
	    strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") !=
		    len)
		return arena_printf(arena,
				    "%s is not the beginning of a key; write letters, digits, -, _ "
				    "and ., at most %d, as in sk-",
				    word_quote(arena, value), PREFIX_MAX);
	spec->prefix = arena_strdup(arena, value);
	return NULL;
}

static const char *read_method(struct arena *arena, const char *value, struct secret_spec *spec)
{
	strv_push(arena, &spec->methods, arena_strdup(arena, value));
	return http_check_method(arena, value);
}

static const char *read_path(struct arena *arena, const char *value, struct secret_spec *spec)
{
	strv_push(arena, &spec->paths, arena_strdup(arena, value));
	return http_check_path(arena, value);
}

static const char *read_also(struct arena *arena, const char *value, struct secret_spec *spec)
{
	if (strcmp(value, "url") != 0 && strcmp(value, "body") != 0)
		return arena_printf(arena, "%s is no place for a secret; write url or body",
				    word_quote(arena, value));
	strv_push(arena, &spec->also, arena_strdup(arena, value));
	return NULL;
}

/*** An option ***/

const char *secret_spec_read(struct arena *arena, const char *text, struct secret_spec *spec)
{
	const char *sign = strchr(text, '='), *at = strrchr(text, '@'), *why;

	if (!sign || !at || at < sign)
		return "not NAME=SOURCE@HOST; write one such as "
		       "OPENAI_API_KEY=env:OPENAI_API_KEY@api.openai.com";
	why = read_name(arena, arena_strndup(arena, text, (size_t)(sign - text)), spec);
	if (!why)
		why = read_source(arena, arena_strndup(arena, sign + 1, (size_t)(at - sign - 1)),
				  spec);
	for (const char *host = at + 1; !why; host += strcspn(host, ",") + 1) {
		size_t len = strcspn(host, ",");

		why = read_host(arena, arena_strndup(arena, host, len), spec);
		if (!host[len])
			break;
	}
	return why;
}

/*** A mapping ***/

static const struct {
	const char *name;
	const char *(*read)(struct arena *arena, const char *value, struct secret_spec *spec);
	bool is_list;
	const char *example;
} keys[] = {
	{ "name", read_name, false, "OPENAI_API_KEY" },
	{ "source", read_source, false, "\"env:OPENAI_API_KEY\"" },
	{ "hosts", read_host, true, "[api.openai.com]" },
	{ "header", read_header, false, "\"Authorization: Bearer {}\"" },
	{ "methods", read_method, true, "[GET, POST]" },
	{ "paths", read_path, true, "[\"/v1/*\"]" },
	{ "prefix", read_prefix, false, "sk-" },
	{ "also", read_also, true, "[url, body]" },
};

enum {
	KEYS = sizeof keys / sizeof *keys,
};

static const char *unknown_key(struct arena *arena, const char *name)
{
	const char *names[KEYS + 1] = { NULL };

	for (size_t i = 0; i < KEYS; i++)
		names[i] = keys[i].name;
	return words_unknown_key(arena, name, "secrets", names);
}

static const char *read_word(struct arena *arena, size_t i, const struct node *value,
			     struct secret_spec *spec, const struct node **ret_where)
{
	*ret_where = value;
	if (value->kind != NODE_SCALAR || node_is_null(value))
		return arena_printf(arena, "'%s' takes %s; write %s: %s", keys[i].name,
				    keys[i].is_list ? "words" : "one word", keys[i].name,
				    keys[i].example);
	return keys[i].read(arena, value->text, spec);
}

const char *secret_spec_read_key(struct arena *arena, const struct node *key,
				 const struct node *value, struct secret_spec *spec,
				 const struct node **ret_where)
{
	const char *why = NULL;
	size_t i = 0;

	while (i < KEYS && strcmp(keys[i].name, key->text) != 0)
		i++;
	*ret_where = key;
	if (i == KEYS)
		return unknown_key(arena, key->text);
	if (!keys[i].is_list || value->kind != NODE_LIST)
		return read_word(arena, i, value, spec, ret_where);
	/* An empty list would read as "nothing", and mean "anything". */
	if (!value->first)
		return arena_printf(arena, "'%s' is empty; write %s: %s, or leave it out",
				    keys[i].name, keys[i].name, keys[i].example);
	for (const struct node *item = value->first; item && !why; item = item->next)
		why = read_word(arena, i, item, spec, ret_where);
	return why;
}

const char *secret_spec_lacks(const struct secret_spec *spec)
{
	return !spec->name	  ? "no name; write name: VARIABLE"
	       : !spec->source	  ? "no source; write source: \"env:VAR\", file:PATH, fd:N or "
				    "command:PROGRAM"
	       : !spec->hosts.len ? "no hosts; write hosts: [HOST]"
				  : NULL;
}
