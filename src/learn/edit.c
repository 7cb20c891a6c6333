/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A proposal written into the text of a profile: see edit.h.
 *
 * Theory of operation: the text is a list of lines, and the profile's shape is
 * the one that people write: keys of the top level at the margin, those of a
 * section below it and indented, lists in brackets on one line or as lines
 * with a dash. An item goes behind the last of its list. What has another shape
 * is an error rather than a guess, and the caller loads what came out.
 */
#include "learn/edit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/words.h"

struct editor {
	struct arena *arena;
	const char *name;
	struct strv lines;
	struct err *reterr;
};

/*** Lines ***/

static size_t indent_of(const char *line)
{
	return strspn(line, " ");
}

static bool is_blank(const char *line)
{
	const char *at = line + indent_of(line);

	return !*at || *at == '#' || *at == '\r';
}

/* What follows "KEY:" at that indent, without the spaces before it; NULL: another line. */
static const char *value_of(const char *line, size_t indent, const char *key)
{
	size_t len = strlen(key);
	const char *at = line + indent;

	if (indent_of(line) != indent || strncmp(at, key, len) != 0 || at[len] != ':')
		return NULL;
	at += len + 1;
	return at + strspn(at, " ");
}

static bool is_value(const char *value)
{
	return *value && *value != '#' && *value != '\r';
}

static void insert(struct editor *editor, size_t at, const char *line)
{
	strv_push(editor->arena, &editor->lines, arena_strdup(editor->arena, line));
	char **items = editor->lines.items;
	char *last = items[editor->lines.len - 1];
	memmove(items + at + 1, items + at, (editor->lines.len - 1 - at) * sizeof *items);
	items[at] = last;
}

/* The line behind the block that begins at line: the last one that is deeper, and its comments. */
static size_t end_of_block(const struct editor *editor, size_t line, size_t indent, bool is_list)
{
	size_t end = line + 1;

	for (size_t i = line + 1; i < editor->lines.len; i++) {
		const char *text = editor->lines.items[i];
		bool is_item = is_list && indent_of(text) == indent && text[indent] == '-';

		if (is_blank(text))
			continue;
		if (indent_of(text) <= indent && !is_item)
			break;
		end = i + 1;
	}
	return end;
}

static int refuse(const struct editor *editor, size_t line, const char *why)
{
	return err_msg(editor->reterr, E_PROFILE, "%s:%zu:1: %s", editor->name, line + 1, why);
}

/*** One item ***/

/* The key's value and line, or NULL. */
static const char *find_key(const struct editor *editor, size_t from, size_t to, size_t indent,
			    const char *key, size_t *ret_line)
{
	for (size_t i = from; i < to; i++) {
		const char *value = value_of(editor->lines.items[i], indent, key);

		if (value) {
			*ret_line = i;
			return value;
		}
	}
	return NULL;
}

/* The closing bracket of a list that begins at value and ends on the same line, or NULL. */
static const char *closing(const char *value)
{
	bool in_double = false, in_single = false;

	for (const char *at = value + 1; *at; at++) {
		if (in_double && *at == '\\' && at[1])
			at++;
		else if (*at == '"' && !in_single)
			in_double = !in_double;
		else if (*at == '\'' && !in_double)
			in_single = !in_single;
		else if (*at == ']' && !in_double && !in_single)
			return at;
	}
	return NULL;
}

/* [a, b]: no line of its own, so no comment. */
static int append_in_brackets(struct editor *editor, size_t line, const char *value,
			      const struct proposed *item)
{
	char *text = editor->lines.items[line];
	const char *end = closing(value);

	if (!end)
		return refuse(editor, line, "write this list on one line, or an item a line");
	bool is_empty = value[1 + strspn(value + 1, " ")] == ']';
	editor->lines.items[line] =
		arena_printf(editor->arena, "%.*s%s%s%s", (int)(end - text), text,
			     is_empty ? "" : ", ", yaml_scalar(editor->arena, item->value), end);
	return 0;
}

static int append_item(struct editor *editor, size_t line, size_t indent, const char *value,
		       const struct proposed *item)
{
	size_t end = end_of_block(editor, line, indent, true), deep = indent + 2;

	if (*value == '[')
		return append_in_brackets(editor, line, value, item);
	if (is_value(value))
		return refuse(editor, line, "write this list in brackets, or an item a line");
	for (size_t i = line + 1; i < end; i++) {
		if (!is_blank(editor->lines.items[i])) {
			deep = indent_of(editor->lines.items[i]);
			break;
		}
	}
	insert(editor, end,
	       arena_printf(editor->arena, "%*s- %s  # %s", (int)deep, "",
			    yaml_scalar(editor->arena, item->value),
			    word_printable(editor->arena, item->why)));
	return 0;
}

static const char *value_line(struct arena *arena, size_t indent, const struct proposed *item)
{
	return arena_printf(arena, "%*s%s: %s  # %s", (int)indent, "", item->key, item->value,
			    word_printable(arena, item->why));
}

/* The key stands at line, or nowhere between from and to. */
static int edit_key(struct editor *editor, size_t from, size_t to, size_t indent,
		    const struct proposed *item)
{
	size_t line;
	const char *value = find_key(editor, from, to, indent, item->key, &line);

	if (value && item->is_list)
		return append_item(editor, line, indent, value, item);
	if (value) {
		editor->lines.items[line] =
			arena_strdup(editor->arena, value_line(editor->arena, indent, item));
		return 0;
	}
	if (!item->is_list) {
		insert(editor, to, value_line(editor->arena, indent, item));
		return 0;
	}
	insert(editor, to, arena_printf(editor->arena, "%*s%s:", (int)indent, "", item->key));
	return append_item(editor, to, indent, "", item);
}

static int edit_item(struct editor *editor, const struct proposed *item)
{
	size_t line, indent = 2;

	if (!item->section)
		return edit_key(editor, 0, editor->lines.len, 0, item);
	const char *value = find_key(editor, 0, editor->lines.len, 0, item->section, &line);
	if (!value) {
		value = "";
		line = editor->lines.len;
		insert(editor, line, arena_printf(editor->arena, "%s:", item->section));
	}
	if (is_value(value))
		return refuse(editor, line,
			      arena_printf(editor->arena,
					   "to add to it, write '%s' with a key a line, not in "
					   "braces",
					   item->section));
	size_t end = end_of_block(editor, line, 0, false);
	for (size_t i = line + 1; i < end; i++) {
		if (!is_blank(editor->lines.items[i])) {
			indent = indent_of(editor->lines.items[i]);
			break;
		}
	}
	return edit_key(editor, line + 1, end, indent, item);
}

/*** The whole ***/

int edit_profile(struct arena *arena, const char *name, const char *text,
		 const struct proposal *proposal, const char **ret_text, struct err *reterr)
{
	struct editor editor = { .arena = arena, .name = name, .reterr = reterr };
	char *result = arena_strdup(arena, "");

	for (const char *at = text; *at;) {
		size_t len = strcspn(at, "\n");

		strv_push(arena, &editor.lines, arena_strndup(arena, at, len));
		at += len + (at[len] == '\n');
	}
	for (size_t i = 0; i < editor.lines.len; i++) {
		const char *line = editor.lines.items[i];

		if (line[indent_of(line)] == '{' && proposal->len)
			return refuse(&editor, i, "this is JSON; only YAML can be edited");
		if (!is_blank(line))
			break;
	}
	for (size_t i = 0; i < proposal->len; i++) {
		int r = edit_item(&editor, &proposal->items[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < editor.lines.len; i++)
		result = arena_printf(arena, "%s%s\n", result, editor.lines.items[i]);
	*ret_text = result;
	return 0;
}
