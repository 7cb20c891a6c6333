/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cargo's registries: its config.toml, and CARGO_REGISTRIES_*_INDEX. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "policy/registries/registry_reader.h"
#include "policy/toml.h"

static const char prefix[] = "CARGO_REGISTRIES_", suffix[] = "_INDEX";

/* "registries", NAME, "index" and the like. */
static bool is_key(const struct strv *key, const char *table, const char *last)
{
	return key->len == 3 && strcmp(key->items[0], table) == 0 &&
	       strcmp(key->items[2], last) == 0;
}

static bool is_key_2(const struct strv *key, const char *table, const char *last)
{
	return key->len == 2 && strcmp(key->items[0], table) == 0 &&
	       strcmp(key->items[1], last) == 0;
}

/* The variable that stands for registries.NAME.index. */
static const char *variable_of(const struct registry_reader *reader, const char *name)
{
	char *variable = arena_printf(reader->arena, "%s%s%s", prefix, name, suffix);

	for (char *c = variable; *c; c++)
		*c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
	return variable;
}

/* What values are kept under: the variable's name where there is one. */
static const char *key_of(const struct registry_reader *reader, const struct strv *key)
{
	if (is_key(key, "registries", "index"))
		return variable_of(reader, key->items[1]);
	if (is_key(key, "source", "registry") || is_key(key, "source", "git"))
		return arena_printf(reader->arena, "source.%s.%s", key->items[1], key->items[2]);
	if (is_key_2(key, "registry", "default"))
		return "CARGO_REGISTRY_DEFAULT";
	if (is_key_2(key, "registry", "index"))
		return "registry.index";
	if (is_key_2(key, "http", "proxy"))
		return "CARGO_HTTP_PROXY";
	return NULL;
}

static int read_file(const struct registry_reader *reader, const char *path,
		     struct config_values *values)
{
	struct toml_strings strings;
	struct config_file file;
	const char *why;

	int r = reader_open(reader, path, &file);
	if (r <= 0)
		return r;
	r = toml_read(reader->arena, file.text, &strings, &file.line, &why);
	if (r < 0)
		return err_msg(reader->reterr, E_GRANT, "%s:%d: %s", file.label, file.line, why);
	for (size_t i = 0; i < strings.len; i++) {
		const char *key = key_of(reader, &strings.items[i].key);

		file.line = strings.items[i].line;
		if (key)
			values_put(reader->arena, values, key, strings.items[i].value,
				   config_why(reader, &file));
	}
	return 1;
}

/* cargo reads config.toml only where there is no config. */
static int read_files(const struct registry_reader *reader, struct config_values *values)
{
	const char *dir = arena_printf(reader->arena, "%s/.cargo", reader->places->home);
	int r;

	if (reader_env(reader, "CARGO_HOME"))
		dir = reader_env_path(reader, "CARGO_HOME");
	if (!dir)
		return 0;
	r = read_file(reader, arena_printf(reader->arena, "%s/config", dir), values);
	if (r == 0)
		r = read_file(reader, arena_printf(reader->arena, "%s/config.toml", dir), values);
	return r < 0 ? r : 0;
}

static void read_variables(const struct registry_reader *reader, struct config_values *values)
{
	for (char *const *at = reader->places->environment; *at; at++) {
		size_t len = strcspn(*at, "="), least = sizeof prefix + sizeof suffix - 2;
		const char *name = arena_strndup(reader->arena, *at, len);
		bool is_index = len > least && strncmp(name, prefix, sizeof prefix - 1) == 0 &&
				strcmp(name + len - (sizeof suffix - 1), suffix) == 0;

		if ((is_index || strcmp(name, "CARGO_REGISTRY_DEFAULT") == 0 ||
		     strcmp(name, "CARGO_HTTP_PROXY") == 0) &&
		    (*at)[len] == '=')
			values_put(reader->arena, values, name, *at + len + 1, name);
	}
}

static int add_value(const struct registry_reader *reader, const struct config_value *value)
{
	bool is_variable = strncmp(value->key, "CARGO_", 6) == 0;
	const char *text = value->value;

	if (strcmp(value->key, "CARGO_HTTP_PROXY") == 0) {
		reader_note_proxy(reader, value);
		return 0;
	}
	if (strcmp(value->key, "CARGO_REGISTRY_DEFAULT") != 0) {
		int r = reader_add_url(reader, text, value->why, &text);
		if (r < 0)
			return r;
	}
	if (is_variable)
		reader_set_env(reader, value->key, text);
	else
		reader_note(reader, value->why,
			    "cargo takes '%s' from a file only; show it the file with --ro, if it "
			    "holds no secret",
			    value->key);
	return 0;
}

int registries_cargo(const struct registry_reader *reader)
{
	struct config_values values = { 0 };

	int r = read_files(reader, &values);
	if (r < 0)
		return r;
	read_variables(reader, &values);
	for (size_t i = 0; r == 0 && i < values.len; i++) {
		if (*values.items[i].value)
			r = add_value(reader, &values.items[i]);
	}
	return r;
}
