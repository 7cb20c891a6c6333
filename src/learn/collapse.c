/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many paths to few grants: see collapse.h. */
#include "learn/collapse.h"

#include <stdlib.h>
#include <string.h>

#include "policy/paths.h"

void wanted_add(struct arena *arena, struct wanted_list *list, const struct wanted *wanted)
{
	list->items = arena_grow(arena, list->items, list->len, &list->cap, sizeof *list->items);
	list->items[list->len++] = *wanted;
}

/* '/' sorts before every other byte, so that what lies below a path follows it directly. */
static int compare(const void *a, const void *b)
{
	const struct wanted *wanted[] = { a, b };
	const unsigned char *x = (const unsigned char *)wanted[0]->path;
	const unsigned char *y = (const unsigned char *)wanted[1]->path;

	while (*x && *x == *y)
		x++, y++;
	int cx = *x == '/' ? 1 : *x ? *x + 1 : 0;
	int cy = *y == '/' ? 1 : *y ? *y + 1 : 0;
	if (cx != cy)
		return cx - cy;
	return wanted[1]->is_whole - wanted[0]->is_whole;
}

void wanted_settle(struct wanted_list *list)
{
	size_t kept = 0;

	if (list->len == 0)
		return;
	qsort(list->items, list->len, sizeof *list->items, compare);
	for (size_t i = 1; i < list->len; i++) {
		struct wanted *last = &list->items[kept];
		const struct wanted *next = &list->items[i];

		if (strcmp(next->path, last->path) == 0 ||
		    (last->is_whole && path_is_below(next->path, last->path)))
			continue;
		list->items[++kept] = *next;
	}
	list->len = kept + 1;
}

static size_t depth_of(const char *path)
{
	size_t depth = 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static bool is_child(const struct wanted *item, const char *parent)
{
	const char *slash = strrchr(item->path, '/');
	size_t len = (size_t)(slash - item->path);

	return strlen(parent) == len && strncmp(item->path, parent, len) == 0;
}

/* One level: the entries at depth whose directory has enough of them.. */
static void collapse_level(struct arena *arena, const struct learn_places *places,
			   struct wanted_list *list, size_t depth)
{
	struct wanted_list parents = { 0 };

	for (size_t i = 0; i < list->len; i++) {
		if (depth_of(list->items[i].path) != depth)
			continue;
		struct wanted parent = { .path = place_parent(arena, list->items[i].path),
					 .is_whole = true };
		size_t entries = 0;

		/* Sorted: what lies below an entry stands between it and the next. */
		for (size_t j = i; j < list->len && path_is_below(list->items[j].path, parent.path);
		     j++) {
			entries += is_child(&list->items[j], parent.path);
			parent.files += list->items[j].files;
		}
		if (parents.len && strcmp(parents.items[parents.len - 1].path, parent.path) == 0)
			continue;
		if (entries < COLLAPSE_FROM || place_is_broad(places, parent.path))
			continue;
		parent.why = arena_printf(arena, "%zu files of it", parent.files);
		wanted_add(arena, &parents, &parent);
	}
	for (size_t i = 0; i < parents.len; i++)
		wanted_add(arena, list, &parents.items[i]);
	wanted_settle(list);
}

void wanted_collapse(struct arena *arena, const struct learn_places *places,
		     struct wanted_list *list)
{
	size_t deepest = 0;

	wanted_settle(list);
	for (size_t i = 0; i < list->len; i++) {
		size_t depth = depth_of(list->items[i].path);
		deepest = depth > deepest ? depth : deepest;
	}
	for (size_t depth = deepest; depth > 1; depth--)
		collapse_level(arena, places, list, depth);
}
