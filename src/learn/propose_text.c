/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A proposal as a profile: see propose.h. Names of files come from the payload: none
 * reaches the text but through yaml_scalar() or, in comments, word_printable().
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "learn/propose.h"
#include "policy/words.h"

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-"

struct text {
	struct arena *arena;
	char *bytes;
	size_t len;
	size_t cap;
};

static void append(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void append(struct text *text, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n >= 0 && text->len + (size_t)n + 1 > text->cap) {
		size_t cap = 2 * text->cap + (size_t)n + 1;
		char *grown = arena_alloc(text->arena, cap);

		if (text->len)
			memcpy(grown, text->bytes, text->len);
		text->bytes = grown;
		text->cap = cap;
	}
	if (n > 0) {
		(void)vsnprintf(text->bytes + text->len, (size_t)n + 1, fmt, args);
		text->len += (size_t)n;
	}
	va_end(args);
}

static bool is_reserved(const char *value)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on",
					     "off",  "null",  "y",   "n" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcasecmp(value, words[i]) == 0)
			return true;
	}
	return false;
}

/* Paths as place_text() has them, and names: no number, and nothing that YAML reads as more. */
static bool is_plain(const char *value)
{
	const char *rest = value + (value[0] == '~' && value[1] == '/');
	bool is_path = value[0] == '/' || rest != value || strcmp(value, ".") == 0 ||
		       strncmp(value, "./", 2) == 0;
	bool is_name = (value[0] >= 'a' && value[0] <= 'z') || (value[0] >= 'A' && value[0] <= 'Z');

	return (is_path || is_name) && rest[strspn(rest, PLAIN)] == '\0' && !is_reserved(value);
}

const char *yaml_scalar(struct arena *arena, const char *value)
{
	struct text text = { .arena = arena };

	if (is_plain(value))
		return value;
	append(&text, "\"");
	for (const char *at = value; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f) /* a newline as it is is folded */
			append(&text, "\\x%02x", (unsigned)*at);
		else
			append(&text, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
	}
	append(&text, "\"");
	return text.bytes;
}

/* A size or a time stands as it is: a number and a letter. */
static const char *scalar_of(struct arena *arena, const struct proposed *item)
{
	return item->is_list ? yaml_scalar(arena, item->value) : item->value;
}

static void append_items(struct text *text, const struct proposal *proposal)
{
	const char *section = NULL, *key = NULL;

	for (size_t i = 0; i < proposal->len; i++) {
		const struct proposed *item = &proposal->items[i];
		const char *why = word_printable(text->arena, item->why);
		const char *indent = item->section ? "  " : "";

		if (item->section && (!section || strcmp(item->section, section) != 0)) {
			append(text, "%s:\n", item->section);
			key = NULL;
		}
		section = item->section;
		if (!item->is_list) {
			append(text, "%s%s: %s  # %s\n", indent, item->key,
			       scalar_of(text->arena, item), why);
			continue;
		}
		if (!key || strcmp(item->key, key) != 0)
			append(text, "%s%s:\n", indent, item->key);
		key = item->key;
		append(text, "%s  - %s  # %s\n", indent, scalar_of(text->arena, item), why);
	}
}

static void append_refused(struct text *text, const struct proposal *proposal)
{
	if (proposal->refused.len)
		append(text, "# Not proposed. Write it yourself if you mean it:\n");
	for (size_t i = 0; i < proposal->refused.len; i++)
		append(text, "#   %s  (%s)\n",
		       word_printable(text->arena, proposal->refused.items[i].what),
		       word_printable(text->arena, proposal->refused.items[i].why));
}

const char *proposal_text(struct arena *arena, const struct findings *findings,
			  const struct proposal *proposal)
{
	struct text text = { .arena = arena };
	const char *command = word_printable(arena, findings->command);

	append(&text, "# Proposed by aisbx learn from one run; what is not here does not exist "
		      "in the box.\n");
	append(&text, "description: %s\n", yaml_scalar(arena, command));
	append(&text, "extends: [%s]  # %s\n", yaml_scalar(arena, findings->extends),
	       findings->extends_why);
	append_items(&text, proposal);
	if (findings->programs_why)
		append(&text, "# exec: no list of programs: %s\n",
		       word_printable(arena, findings->programs_why));
	append_refused(&text, proposal);
	return text.bytes;
}

const char *proposal_refused_text(struct arena *arena, const struct proposal *proposal)
{
	struct text text = { .arena = arena, .bytes = arena_strdup(arena, "") };

	append_refused(&text, proposal);
	return text.bytes;
}
