/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* go's module proxies: variables over the file of `go env -w`. */
#include <stdbool.h>
#include <string.h>

#include "policy/registries/registry_reader.h"

enum {
	PROXIES_MAX = 64,
};

/* What decides where modules come from; all of it is passed on. */
static const char *const names[] = { "GOPROXY",	  "GOSUMDB",   "GONOSUMDB",
				     "GONOPROXY", "GOPRIVATE", "GOINSECURE" };

static bool is_name(const char *key)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(names[i], key) == 0)
			return true;
	}
	return false;
}

static int read_file(const struct registry_reader *reader, struct config_values *values)
{
	const char *named = reader_env(reader, "GOENV");
	const char *path = named && strcmp(named, "off") != 0 ? reader_env_path(reader, "GOENV")
			   : named			      ? NULL
							      : reader_config(reader, "go/env");
	struct config_file file;
	char *line;

	int r = path ? reader_open(reader, path, &file) : 0;
	if (r <= 0)
		return r;
	while ((line = config_line(&file))) {
		char *key = config_trim(line), *equals = strchr(key, '=');

		if (key[0] == '#' || !equals)
			continue;
		*equals = '\0';
		if (is_name(key))
			values_put(reader->arena, values, key, equals + 1,
				   config_why(reader, &file));
	}
	return 0;
}

/* A proxy as go completes it: words are its own, what looks like a host means https. */
static int add_proxy(const struct registry_reader *reader, const char *proxy, const char *why,
		     const char **ret_anonymous)
{
	bool has_scheme = strstr(proxy, ":/") != NULL;

	*ret_anonymous = proxy;
	if (strcmp(proxy, "direct") == 0 || strcmp(proxy, "off") == 0 ||
	    strcmp(proxy, "noproxy") == 0 || (proxy[0] == '/' && proxy[1] != '/'))
		return 0;
	if (!has_scheme && strpbrk(proxy, ".:/"))
		proxy = arena_printf(reader->arena, "https://%s", proxy);
	return reader_add_url(reader, proxy, why, ret_anonymous);
}

/* GOPROXY: proxies with , or | between them. */
static int add_proxies(const struct registry_reader *reader, const struct config_value *value,
		       const char **ret_anonymous)
{
	const char *list = "";
	size_t found = 0;

	for (const char *at = value->value; *at;) {
		size_t len = strcspn(at, ",|");
		char *proxy = config_trim(arena_strndup(reader->arena, at, len));
		const char *anonymous = "";

		if (found++ == PROXIES_MAX)
			return err_msg(reader->reterr, E_GRANT, "%s: more than %d proxies",
				       value->why, PROXIES_MAX);
		int r = *proxy ? add_proxy(reader, proxy, value->why, &anonymous) : 0;
		if (r < 0)
			return r;
		list = arena_printf(reader->arena, "%s%s%.1s", list, anonymous, at + len);
		at += len + (at[len] != '\0');
	}
	*ret_anonymous = list;
	return 0;
}

/* GOSUMDB: off, or NAME[+KEY] [URL]; the name is the host where no URL is. */
static int add_sumdb(const struct registry_reader *reader, const struct config_value *value,
		     const char **ret_anonymous)
{
	const char *text = value->value;
	size_t len = strcspn(text, " \t");
	const char *rest = text + len + strspn(text + len, " \t"), *anonymous;

	*ret_anonymous = text;
	if (strcmp(text, "off") == 0)
		return 0;
	if (!*rest) {
		const char *name = arena_strndup(reader->arena, text, strcspn(text, "+ \t"));

		return add_proxy(reader, name, value->why, &anonymous);
	}
	int r = add_proxy(reader, rest, value->why, &anonymous);
	if (r == 0)
		*ret_anonymous = arena_printf(reader->arena, "%.*s %s", (int)len, text, anonymous);
	return r;
}

int registries_go(const struct registry_reader *reader)
{
	struct config_values values = { 0 };

	int r = read_file(reader, &values);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *variable = reader_env(reader, names[i]);

		if (variable)
			values_put(reader->arena, &values, names[i], variable, names[i]);
		const struct config_value *value = values_get(&values, names[i]);
		if (!value)
			continue;
		const char *text = value->value;
		if (strcmp(names[i], "GOPROXY") == 0)
			r = add_proxies(reader, value, &text);
		else if (strcmp(names[i], "GOSUMDB") == 0)
			r = add_sumdb(reader, value, &text);
		if (r < 0)
			return r;
		reader_set_env(reader, names[i], text);
	}
	return 0;
}
