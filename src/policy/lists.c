/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lists of a profile: see lists.h. */
#include "policy/lists.h"

#include <string.h>

/* As strcmp() == 0: most pairs differ within three letters, which spares the call. */
static bool is_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool strv_has(const struct strv *list, const char *item)
{
	for (size_t i = 0; i < list->len; i++) {
		if (is_equal(list->items[i], item))
			return true;
	}
	return false;
}

void strv_push_new(struct arena *arena, struct strv *list, char *item)
{
	if (!strv_has(list, item))
		strv_push(arena, list, item);
}

void strv_push_env(struct arena *arena, struct strv *list, char *item)
{
	size_t name_len = strcspn(item, "=") + 1;

	for (size_t i = 0; i < list->len; i++) {
		if (strncmp(list->items[i], item, name_len) != 0)
			continue;
		list->items[i] = item;
		return;
	}
	strv_push(arena, list, item);
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

void path_list_push_new(struct arena *arena, struct path_list *list, const struct path_spec *spec)
{
	for (size_t i = 0; i < list->len; i++) {
		struct path_spec *there = &list->items[i];

		if (strcmp(there->source, spec->source) != 0 ||
		    !is_same_text(there->dest, spec->dest))
			continue;
		if (there->optional && !spec->optional)
			*there = *spec;
		return;
	}
	(void)LIST_GROW(arena, list);
	list->items[list->len++] = *spec;
}

void host_list_push_new(struct arena *arena, struct host_list *list, const struct host_spec *spec)
{
	for (size_t i = 0; i < list->len; i++) {
		struct host_spec *there = &list->items[i];

		if (!is_equal(there->text, spec->text))
			continue;
		if (spec->tls_any && !there->tls_any)
			*there = *spec;
		return;
	}
	(void)LIST_GROW(arena, list);
	list->items[list->len++] = *spec;
}

void http_list_push_new(struct arena *arena, struct http_list *list, const struct http_spec *spec)
{
	for (size_t i = 0; i < list->len; i++) {
		if (is_equal(list->items[i].text, spec->text))
			return;
	}
	(void)LIST_GROW(arena, list);
	list->items[list->len++] = *spec;
}

void secret_list_push(struct arena *arena, struct secret_list *list, const struct secret_spec *spec)
{
	for (size_t i = 0; i < list->len; i++) {
		if (!is_equal(list->items[i].name, spec->name))
			continue;
		list->items[i] = *spec;
		return;
	}
	(void)LIST_GROW(arena, list);
	list->items[list->len++] = *spec;
}
