/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pip's registries: pip.conf files, as Python's RawConfigParser reads them, and PIP_*. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "policy/registries/registry_reader.h"

/* In each: section over section, then the variable over both. */
static const struct {
	const char *key;
	const char *variable;
	bool is_urls;
} options[] = {
	{ "index-url", "PIP_INDEX_URL", true },
	{ "extra-index-url", "PIP_EXTRA_INDEX_URL", true },
	{ "find-links", "PIP_FIND_LINKS", true },
	{ "trusted-host", "PIP_TRUSTED_HOST", false },
	{ "proxy", "PIP_PROXY", false },
};

/* Also pip's own separators for lists: any white space. */
static const char blanks[] = " \t\r\n\f\v";

/* "--Index_URL" as "index-url", in place. */
static char *normalize(char *key)
{
	if (strncmp(key, "--", 2) == 0)
		key += 2;
	for (char *c = key; *c; c++)
		*c = (char)(*c == '_' ? '-' : tolower((unsigned char)*c));
	return key;
}

/* The value at text with its continuations, the indented lines that follow; moved together. */
static const char *take_value(struct config_file *file, char *text)
{
	char *value = config_trim(text), *end = value + strlen(value);

	while (*file->next == ' ' || *file->next == '\t') {
		const char *more = config_trim(config_line(file));
		size_t len = strlen(more);

		if (len == 0 || more[0] == '#' || more[0] == ';')
			continue;
		*end++ = '\n';
		memmove(end, more, len + 1);
		end += len;
	}
	return value;
}

static int read_file(const struct registry_reader *reader, const char *path,
		     struct config_values *values)
{
	struct config_file file;
	const char *section = "";
	char *line;

	int r = reader_open(reader, path, &file);
	if (r <= 0)
		return r;
	while ((line = config_line(&file))) {
		char *key = config_trim(line), *end = key + strcspn(key, "=:");

		if (key[0] == '[') {
			section = arena_strndup(reader->arena, key + 1, strcspn(key + 1, "]"));
			continue;
		}
		if (key[0] == '#' || key[0] == ';' || !*end)
			continue;
		*end = '\0';
		const char *why = config_why(reader, &file);
		const char *value = take_value(&file, end + 1);
		if (strcmp(section, "global") == 0 || strcmp(section, "install") == 0)
			values_put(reader->arena, values,
				   arena_printf(reader->arena, "%s.%s", section,
						normalize(config_trim(key))),
				   value, why);
	}
	return 0;
}

static int read_files(const struct registry_reader *reader, struct config_values *values)
{
	const char *named = reader_env_path(reader, "PIP_CONFIG_FILE");
	const char *files[] = {
		reader_root(reader, "/etc/xdg/pip/pip.conf"),
		reader_root(reader, "/etc/pip.conf"),
		arena_printf(reader->arena, "%s/.pip/pip.conf", reader->places->home),
		reader_config(reader, "pip/pip.conf"),
		named,
	};

	/* how pip is told to read none */
	if (named && strcmp(named, "/dev/null") == 0)
		return 0;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		int r = files[i] ? read_file(reader, files[i], values) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* The value that counts of option number i, or NULL. */
static const struct config_value *find_value(const struct registry_reader *reader,
					     struct config_values *values, size_t i)
{
	const char *variable = reader_env(reader, options[i].variable);
	const char *install = arena_printf(reader->arena, "install.%s", options[i].key);
	const char *global = arena_printf(reader->arena, "global.%s", options[i].key);

	if (variable)
		values_put(reader->arena, values, install, variable, options[i].variable);
	const struct config_value *value = values_get(values, install);
	return value ? value : values_get(values, global);
}

/* Of a list only what is an URL: find-links may hold paths. */
static const char *urls_of(const struct registry_reader *reader, const char *list)
{
	char *urls = arena_alloc(reader->arena, strlen(list) + 2), *end = urls;

	for (const char *at = list + strspn(list, blanks); *at;) {
		size_t len = strcspn(at, blanks);

		if (memmem(at, len, "://", 3)) {
			memcpy(end, at, len);
			end[len] = ' ';
			end += len + 1;
		}
		at += len;
		at += strspn(at, blanks);
	}
	return urls;
}

static int add_option(const struct registry_reader *reader, struct config_values *values, size_t i)
{
	const struct config_value *value = find_value(reader, values, i);
	const char *text;

	if (!value)
		return 0;
	if (strcmp(options[i].key, "proxy") == 0) {
		reader_note_proxy(reader, value);
		return 0;
	}
	text = value->value;
	if (strcmp(options[i].key, "find-links") == 0)
		text = urls_of(reader, text);
	if (options[i].is_urls) {
		int r = reader_add_urls(reader, text, blanks, value->why, &text);
		if (r < 0)
			return r;
	}
	/* a list has a line an item in a file, and blanks between them in a variable */
	char *joined = arena_strdup(reader->arena, text);
	for (char *c = joined; *c; c++)
		*c = (char)(strchr(blanks, *c) ? ' ' : *c);
	joined = config_trim(joined);
	if (*joined)
		reader_set_env(reader, options[i].variable, joined);
	return 0;
}

int registries_pip(const struct registry_reader *reader)
{
	struct config_values values = { 0 };

	int r = read_files(reader, &values);
	for (size_t i = 0; r == 0 && i < sizeof options / sizeof *options; i++)
		r = add_option(reader, &values, i);
	return r;
}
