/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the text of one value may be: see values.h. */
#include "policy/values.h"

#include <string.h>

#include "policy/schema.h"
#include "policy/walls.h"
#include "policy/words.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

/*** Texts and paths ***/

const char *value_check_line(struct arena *arena, const char *value)
{
	if (!*value)
		return "an empty text; write one, or leave the key out";
	if (word_has_control(value))
		return arena_printf(arena,
				    "%s has a control character; write one line of plain text",
				    word_quote(arena, value));
	return NULL;
}

const char *value_check_path(struct arena *arena, const char *value)
{
	if (!*value)
		return "an empty path; write '.' for the working directory";
	if (word_has_control(value))
		return arena_printf(arena, "path %s has a control character; rename the file",
				    word_quote(arena, value));
	if (value[0] == '~' && value[1] && value[1] != '/')
		return arena_printf(
			arena,
			"%s is not a path below your home; write ~/DIR, or ./ before a name with ~",
			word_quote(arena, value));
	return NULL;
}

/* The colon between SRC and DEST, or NULL. */
static const char *find_separator(const char *value)
{
	for (const char *colon = value + strlen(value); colon-- > value;) {
		if (*colon == ':' && (colon[1] == '/' || colon[1] == '~') &&
		    (colon == value || colon[-1] != '\\'))
			return colon;
	}
	return NULL;
}

/* A copy with each "\:" as ":". */
static char *unescape_colons(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len && text[i + 1] == ':')
			continue;
		copy[used++] = text[i];
	}
	return copy;
}

const char *value_parse_path(struct arena *arena, const char *value, bool with_dest,
			     struct path_spec *ret_spec)
{
	bool optional = value[0] == '-';
	const char *source = value + optional;
	const char *colon = find_separator(source);
	const char *why = NULL, *dest = NULL;

	/* The word after an option that lacks its value. */
	if (strncmp(value, "--", 2) == 0)
		return arena_printf(arena,
				    "%s is not a path; write ./ before a name that begins with -",
				    word_quote(arena, value));
	if (colon && !with_dest)
		return arena_printf(
			arena,
			"%s has a DEST, and this takes one path; write '\\:' for a colon in a name",
			word_quote(arena, value));
	if (colon) {
		dest = unescape_colons(arena, colon + 1, strlen(colon + 1));
		why = value_check_path(arena, dest);
		if (colon == source)
			return arena_printf(arena,
					    "%s has no path before the colon; write SRC:DEST",
					    word_quote(arena, value));
		source = unescape_colons(arena, source, (size_t)(colon - source));
	} else {
		source = unescape_colons(arena, source, strlen(source));
	}
	if (optional && !*source)
		return "'-' has no path; write -PATH to skip PATH when it is missing";
	if (!why)
		why = value_check_path(arena, source);
	if (why)
		return why;
	ret_spec->source = source;
	ret_spec->dest = dest;
	ret_spec->optional = optional;
	return NULL;
}

const char *value_check_program(struct arena *arena, const char *value)
{
	if (!*value)
		return "an empty program name; write the name or path of a program";
	return value_check_path(arena, value);
}

const char *value_check_protect(struct arena *arena, const char *value)
{
	if (!*value)
		return "an empty name; write the name of a file or directory, as in .git";
	if (word_has_control(value))
		return arena_printf(arena, "name %s has a control character; leave it out",
				    word_quote(arena, value));
	if (strchr(value, '/') || strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
		return arena_printf(arena,
				    "%s is not the name of one file or directory; write it without "
				    "/, as in .git",
				    word_quote(arena, value));
	if (strpbrk(value, "?[]{}"))
		return arena_printf(arena,
				    "%s: a pattern knows * only; write names, or * for the rest",
				    word_quote(arena, value));
	return NULL;
}

/*** Names ***/

bool profile_is_file(const char *text)
{
	static const char *const endings[] = { ".yaml", ".yml", ".json" };
	size_t len = strlen(text);

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		size_t ending = strlen(endings[i]);

		if (len > ending && strcmp(text + len - ending, endings[i]) == 0)
			return true;
	}
	return strchr(text, '/') != NULL;
}

bool profile_is_name(const char *text)
{
	return strspn(text, LETTERS DIGITS) > 0 && !text[strspn(text, LETTERS DIGITS "._-")];
}

const char *value_check_profile(struct arena *arena, const char *value)
{
	if (!*value)
		return "an empty profile name; write a name, or the path of a file";
	if (strcmp(value, "-") == 0)
		return "stdin cannot be extended; write a name, or the path of a file";
	if (profile_is_file(value))
		return value_check_path(arena, value);
	if (profile_is_name(value))
		return NULL;
	return arena_printf(arena,
			    "%s is not a profile's name; write letters, digits, '.', '_', '-',"
			    " or a path with /",
			    word_quote(arena, value));
}

const char *value_check_wall(struct arena *arena, const char *value)
{
	const char *names[WALL__N + 1] = { NULL };
	size_t len = 0;
	enum wall wall = wall_by_name(value);

	if (wall != WALL__N && walls[wall].may_degrade)
		return NULL;
	for (int i = 0; i < WALL__N; i++) {
		if (walls[i].may_degrade)
			names[len++] = walls[i].name;
	}
	const char *nearest = nearest_name(value, names);
	if (wall != WALL__N)
		return arena_printf(arena, "no box runs without the wall '%s'; write one of %s",
				    value, words_join(arena, names, "or"));
	if (nearest)
		return arena_printf(arena, "unknown wall %s; did you mean '%s'?",
				    word_quote(arena, value), nearest);
	return arena_printf(arena, "unknown wall %s; write one of %s", word_quote(arena, value),
			    words_join(arena, names, "or"));
}

const char *const registry_tools[] = { "npm", "pip", "cargo", "go", "maven", "apt", NULL };

const char *value_check_registry(struct arena *arena, const char *value)
{
	const char *nearest;

	for (size_t i = 0; registry_tools[i]; i++) {
		if (strcmp(registry_tools[i], value) == 0)
			return NULL;
	}
	if (strchr(value, '.') || strchr(value, '/') || strchr(value, ':'))
		return arena_printf(arena,
				    "%s is not a tool; write one of %s, or the host under "
				    "network.hosts",
				    word_quote(arena, value),
				    words_join(arena, registry_tools, "or"));
	nearest = nearest_name(value, registry_tools);
	if (nearest)
		return arena_printf(arena, "unknown tool %s; did you mean '%s'?",
				    word_quote(arena, value), nearest);
	return arena_printf(arena, "unknown tool %s; write one of %s", word_quote(arena, value),
			    words_join(arena, registry_tools, "or"));
}

const char *value_check_sink(struct arena *arena, const char *value)
{
	if (strncmp(value, "fd:", 3) == 0) {
		size_t digits = strspn(value + 3, DIGITS);

		if (digits > 0 && digits <= 6 && !value[3 + digits])
			return NULL;
		return arena_printf(arena,
				    "%s is not a descriptor; write fd: and its number, as in fd:3",
				    word_quote(arena, value));
	}
	if (strcmp(value, "-") == 0)
		return "'-' is not a file; write fd:1 for stdout, or ./- for a file of that name";
	return value_check_path(arena, value);
}

/*** Variables ***/

/* What stands before "=" in quotes; the rest may be secret and stays out of messages. */
static const char *quote_name(struct arena *arena, const char *value)
{
	return word_quote(arena, arena_strndup(arena, value, strcspn(value, "=")));
}

/* Bytes at the start of text that are a variable's name, or with_stars a pattern. */
static size_t name_span(const char *text, bool with_stars)
{
	if (!*text || !strchr(LETTERS "_", text[0]))
		return 0;
	return strspn(text, with_stars ? LETTERS DIGITS "_*" : LETTERS DIGITS "_");
}

const char *value_check_env_pass(struct arena *arena, const char *value)
{
	size_t len = name_span(value, true);

	if (len > 0 && !value[len])
		return NULL;
	if (strcmp(value, "*") == 0)
		return "'*' would pass every variable, secrets too; write the names that are "
		       "needed";
	if (len > 0 && value[len] == '=')
		return arena_printf(arena, "%s sets a variable; write it under env.set",
				    quote_name(arena, value));
	if (value[0] == '*')
		return arena_printf(
			arena,
			"%s begins with *; write a pattern that begins like a name, as in LC_*",
			quote_name(arena, value));
	return arena_printf(arena, "%s is not the name of a variable; write letters, digits and _",
			    quote_name(arena, value));
}

const char *value_check_env_set(struct arena *arena, const char *value)
{
	size_t len = name_span(value, false);

	if (len > 0 && value[len] == '=')
		return NULL;
	if (len > 0 && !value[len])
		return arena_printf(arena,
				    "%s has no value; write %s=VALUE, or put it under env.pass",
				    quote_name(arena, value), len > 48 ? "NAME" : value);
	return arena_printf(arena,
			    "%s is not NAME=VALUE; write a name of letters, digits and _ before =",
			    quote_name(arena, value));
}
