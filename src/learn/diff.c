/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two texts as a unified diff: see diff.h. */
#include "learn/diff.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	CONTEXT = 3,
};

struct lines {
	struct strv list; /* without their ends */
	bool has_end;	  /* the last one ends in a newline */
};

/* One line of the answer. */
struct edit {
	char mark;	      /* ' ', '-' or '+' */
	size_t before, after; /* lines of either text that stand before it */
	const char *line;
	bool is_open; /* the last of its text, and without a newline */
};

struct edits {
	struct edit *items;
	size_t len;
	size_t cap;
};

static struct lines split(struct arena *arena, const char *text)
{
	struct lines lines = { .has_end = true };

	while (*text) {
		size_t len = strcspn(text, "\n");

		strv_push(arena, &lines.list, arena_strndup(arena, text, len));
		lines.has_end = text[len] == '\n';
		text += len + lines.has_end;
	}
	return lines;
}

static bool is_open(const struct lines *lines, size_t i)
{
	return !lines->has_end && i + 1 == lines->list.len;
}

static bool equal(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	return strcmp(a->list.items[i], b->list.items[j]) == 0 && is_open(a, i) == is_open(b, j);
}

/* common[i * (m + 1) + j]: lines that both have from line i and line j on. */
static uint32_t *count_common(struct arena *arena, const struct lines *a, const struct lines *b)
{
	size_t n = a->list.len, m = b->list.len;
	uint32_t *common = arena_alloc(arena, (n + 1) * (m + 1) * sizeof *common);

	for (size_t i = n; i-- > 0;) {
		for (size_t j = m; j-- > 0;) {
			uint32_t down = common[(i + 1) * (m + 1) + j];
			uint32_t right = common[i * (m + 1) + j + 1];

			common[i * (m + 1) + j] = equal(a, i, b, j)
							  ? common[(i + 1) * (m + 1) + j + 1] + 1
						  : down > right ? down
								 : right;
		}
	}
	return common;
}

static void add(struct arena *arena, struct edits *edits, char mark, size_t i, size_t j,
		const struct lines *lines, size_t at)
{
	edits->items =
		arena_grow(arena, edits->items, edits->len, &edits->cap, sizeof *edits->items);
	edits->items[edits->len++] =
		(struct edit){ mark, i, j, lines->list.items[at], is_open(lines, at) };
}

static struct edits compare(struct arena *arena, const struct lines *a, const struct lines *b)
{
	const uint32_t *common = count_common(arena, a, b);
	size_t n = a->list.len, m = b->list.len, i = 0, j = 0;
	struct edits edits = { 0 };

	while (i < n || j < m) {
		if (i < n && j < m && equal(a, i, b, j)) {
			add(arena, &edits, ' ', i, j, a, i);
			i++, j++;
		} else if (i < n && (j == m || common[(i + 1) * (m + 1) + j] >=
						       common[i * (m + 1) + j + 1])) {
			add(arena, &edits, '-', i, j, a, i);
			i++;
		} else {
			add(arena, &edits, '+', i, j, b, j);
			j++;
		}
	}
	return edits;
}

/* The edit behind the hunk that begins at from: changes nearer than twice the context are one. */
static size_t end_of_hunk(const struct edits *edits, size_t from)
{
	size_t last = from, at = from;

	for (; at < edits->len && at <= last + 2 * (size_t)CONTEXT + 1; at++) {
		if (edits->items[at].mark != ' ')
			last = at;
	}
	return last + 1 + CONTEXT < edits->len ? last + 1 + CONTEXT : edits->len;
}

static const char *hunk(struct arena *arena, const struct edits *edits, size_t from, size_t to)
{
	const struct edit *first = &edits->items[from];
	size_t before = 0, after = 0;
	char *text = arena_strdup(arena, "");

	for (size_t i = from; i < to; i++) {
		const struct edit *edit = &edits->items[i];

		before += edit->mark != '+';
		after += edit->mark != '-';
		text = arena_printf(arena, "%s%c%s\n%s", text, edit->mark, edit->line,
				    edit->is_open ? "\\ No newline at end of file\n" : "");
	}
	/* A side without a line is numbered by the line before it. */
	return arena_printf(arena, "@@ -%zu,%zu +%zu,%zu @@\n%s", first->before + (before > 0),
			    before, first->after + (after > 0), after, text);
}

const char *unified_diff(struct arena *arena, const char *name, const char *before,
			 const char *after)
{
	struct lines a = split(arena, before), b = split(arena, after);
	struct edits edits = compare(arena, &a, &b);
	char *text = arena_printf(arena, "--- %s\n+++ %s\n", name, name);
	bool any = false;

	for (size_t at = 0; at < edits.len;) {
		if (edits.items[at].mark == ' ') {
			at++;
			continue;
		}
		size_t from = at > CONTEXT ? at - CONTEXT : 0;
		size_t to = end_of_hunk(&edits, at);

		text = arena_printf(arena, "%s%s", text, hunk(arena, &edits, from, to));
		any = true;
		at = to;
	}
	return any ? text : "";
}
