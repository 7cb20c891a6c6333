/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* npm's registries: npmrc files, as the package "ini" reads them, and npm_config_*. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "policy/registries/registry_reader.h"

static const char prefix[] = "npm_config_", variable[] = "${";

/* Whether a key names a registry, or a proxy. */
static bool is_wanted(const char *key)
{
	const char *colon = key[0] == '@' ? strchr(key, ':') : NULL;

	return strcmp(key, "registry") == 0 || (colon && strcmp(colon, ":registry") == 0) ||
	       strcmp(key, "proxy") == 0 || strcmp(key, "https-proxy") == 0;
}

/* Takes quotes off, or what follows as a comment. */
static char *unquote(char *text)
{
	size_t len = strlen(text);

	if (len >= 2 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0]) {
		text[len - 1] = '\0';
		return text + 1;
	}
	text[strcspn(text, ";#")] = '\0';
	return config_trim(text);
}

static int read_file(const struct registry_reader *reader, const char *path,
		     struct config_values *values)
{
	struct config_file file;
	char *line;

	int r = reader_open(reader, path, &file);
	if (r <= 0)
		return r;
	while ((line = config_line(&file))) {
		char *key = config_trim(line), *equals = strchr(key, '=');

		if (key[0] == '[') /* a section: what follows are keys of its own */
			break;
		if (key[0] == ';' || key[0] == '#' || !equals)
			continue;
		*equals = '\0';
		key = unquote(config_trim(key));
		if (is_wanted(key))
			values_put(
				reader->arena, values, key,
				reader_expand(reader, unquote(config_trim(equals + 1)), variable),
				config_why(reader, &file));
	}
	return 0;
}

/* A variable of npm's, however its name is written, or NULL; *ret_name is as it is written. */
static const char *find_variable(const struct registry_reader *reader, const char *key,
				 const char **ret_name)
{
	size_t prefix_len = sizeof prefix - 1, len = strlen(key);

	for (char *const *at = reader->places->environment; *at; at++) {
		if (strncasecmp(*at, prefix, prefix_len) != 0 ||
		    strncasecmp(*at + prefix_len, key, len) != 0 || (*at)[prefix_len + len] != '=')
			continue;
		*ret_name = arena_strndup(reader->arena, *at, prefix_len + len);
		return *at + prefix_len + len + 1;
	}
	return NULL;
}

/* The file that a variable of npm's names, or otherwise. */
static const char *file_of(const struct registry_reader *reader, const char *key,
			   const char *otherwise)
{
	const char *name;

	if (!find_variable(reader, key, &name) || !reader_env(reader, name))
		return otherwise;
	return reader_env_path(reader, name);
}

static int read_files(const struct registry_reader *reader, struct config_values *values)
{
	static const char *const globals[] = { "/etc/npmrc", "/usr/etc/npmrc",
					       "/usr/local/etc/npmrc" };
	const char *named = file_of(reader, "globalconfig", "");
	const char *home_file = arena_printf(reader->arena, "%s/.npmrc", reader->places->home);
	const char *user = file_of(reader, "userconfig", home_file);
	int r = 0;

	if (!named || *named) {
		r = named ? read_file(reader, named, values) : 0;
	} else {
		const char *place = reader_env_path(reader, "PREFIX");

		for (size_t i = 0; r == 0 && i < sizeof globals / sizeof *globals; i++)
			r = read_file(reader, reader_root(reader, globals[i]), values);
		if (r == 0 && place)
			r = read_file(reader, arena_printf(reader->arena, "%s/etc/npmrc", place),
				      values);
	}
	if (r == 0 && user)
		r = read_file(reader, user, values);
	return r;
}

/* npm_config_https_proxy is the key https-proxy; case does not count. */
static void read_variables(const struct registry_reader *reader, struct config_values *values)
{
	for (char *const *at = reader->places->environment; *at; at++) {
		const char *equals = strchr(*at, '=');

		/* npm passes over empty ones */
		if (!equals || !equals[1] || strncasecmp(*at, prefix, sizeof prefix - 1) != 0)
			continue;
		char *name = arena_strndup(reader->arena, *at, (size_t)(equals - *at));
		char *key = arena_strdup(reader->arena, name + sizeof prefix - 1);
		for (char *c = key; *c; c++)
			*c = (char)(*c == '_' && c > key     ? '-'
				    : *c >= 'A' && *c <= 'Z' ? *c | 0x20
							     : *c);
		if (is_wanted(key))
			values_put(reader->arena, values, key,
				   reader_expand(reader, equals + 1, variable), name);
	}
}

int registries_npm(const struct registry_reader *reader)
{
	struct config_values values = { 0 };

	int r = read_files(reader, &values);
	if (r < 0)
		return r;
	read_variables(reader, &values);
	reader_note_proxy(reader, values_get(&values, "proxy"));
	reader_note_proxy(reader, values_get(&values, "https-proxy"));
	for (size_t i = 0; i < values.len; i++) {
		const struct config_value *value = values_get(&values, values.items[i].key);
		const char *anonymous;

		if (!value || strstr(value->key, "proxy"))
			continue;
		r = reader_add_url(reader, value->value, value->why, &anonymous);
		if (r < 0)
			return r;
		reader_set_env(reader, arena_printf(reader->arena, "%s%s", prefix, value->key),
			       anonymous);
	}
	return 0;
}
