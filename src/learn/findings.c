/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of what a learning run showed: see findings.h. */
#include "learn/findings.h"

#include <stdlib.h>
#include <string.h>

void seen_add(struct arena *arena, struct seen_list *list, const char *path, bool is_dir,
	      unsigned how)
{
	list->items = arena_grow(arena, list->items, list->len, &list->cap, sizeof *list->items);
	list->items[list->len++] =
		(struct seen){ .path = arena_strdup(arena, path), .is_dir = is_dir, .how = how };
}

static int compare_seen(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->path, ((const struct seen *)b)->path);
}

void seen_settle(struct seen_list *list)
{
	size_t kept = 0;

	if (list->len == 0)
		return;
	qsort(list->items, list->len, sizeof *list->items, compare_seen);
	for (size_t i = 1; i < list->len; i++) {
		struct seen *last = &list->items[kept];
		const struct seen *next = &list->items[i];

		if (strcmp(last->path, next->path) != 0) {
			list->items[++kept] = *next;
			continue;
		}
		last->how |= next->how;
		last->is_dir |= next->is_dir;
	}
	list->len = kept + 1;
}

void lack_add(struct arena *arena, struct lack_list *list, const char *what, const char *why)
{
	for (size_t i = 0; i < list->len; i++) {
		if (strcmp(list->items[i].what, what) == 0)
			return;
	}
	list->items = arena_grow(arena, list->items, list->len, &list->cap, sizeof *list->items);
	list->items[list->len++] = (struct lack){ arena_strdup(arena, what), why };
}
