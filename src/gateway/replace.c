/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replacing texts in a stream: see replace.h. */
#include "gateway/replace.h"

#include <string.h>

/* The earliest of all texts, the longest of those that begin there; NULL: none. */
static const struct replacement *find(const struct replacements *all, const char *text, size_t len,
				      const char **ret_at)
{
	const struct replacement *best = NULL;

	for (size_t i = 0; i < all->len; i++) {
		const struct replacement *item = &all->items[i];
		/* What begins later than the best does not matter. */
		size_t within = best ? (size_t)(*ret_at - text) + item->from_len : len;
		const char *at =
			memmem(text, within < len ? within : len, item->from, item->from_len);

		if (at && (!best || at < *ret_at || item->from_len > best->from_len)) {
			best = item;
			*ret_at = at;
		}
	}
	return best;
}

/* How many bytes at the end may be the beginning of a text. */
static size_t count_open(const struct replacements *all, const char *text, size_t len)
{
	size_t open = 0;

	for (size_t i = 0; i < all->len; i++) {
		const struct replacement *item = &all->items[i];
		size_t n = item->from_len - 1 < len ? item->from_len - 1 : len;

		while (n > open && memcmp(text + len - n, item->from, n) != 0)
			n--;
		open = n > open ? n : open;
	}
	return open;
}

size_t replacer_room(const struct replacements *all)
{
	size_t room = 1;

	for (size_t i = 0; i < all->len; i++)
		room = all->items[i].from_len > room ? all->items[i].from_len : room;
	return room;
}

void replacer_feed(struct replacer *replacer, const char *bytes, size_t len, bool at_the_end,
		   char *work, replace_sink sink, void *context)
{
	const char *at = work, *match;
	const struct replacement *item;
	size_t left = replacer->held_len + len;

	memcpy(work, replacer->held, replacer->held_len);
	memcpy(work + replacer->held_len, bytes, len);
	size_t open = at_the_end ? 0 : count_open(replacer->all, at, left);
	/* What begins before a match, or there and is longer, may still become one. */
	while ((item = find(replacer->all, at, left, &match)) &&
	       (size_t)(match - at) < left - open) {
		sink(context, at, (size_t)(match - at));
		sink(context, item->to, item->to_len);
		left -= (size_t)(match - at) + item->from_len;
		at = match + item->from_len;
		open = at_the_end ? 0 : count_open(replacer->all, at, left);
	}
	sink(context, at, left - open);
	replacer->held_len = open;
	memcpy(replacer->held, at + left - open, open);
}

bool replace_text(const struct replacements *all, const char *text, size_t len, replace_sink sink,
		  void *context)
{
	const struct replacement *item;
	bool is_changed = false;
	const char *match;

	while ((item = find(all, text, len, &match))) {
		sink(context, text, (size_t)(match - text));
		sink(context, item->to, item->to_len);
		len -= (size_t)(match - text) + item->from_len;
		text = match + item->from_len;
		is_changed = true;
	}
	sink(context, text, len);
	return is_changed;
}
