/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts of one stream of bytes replaced by others as the stream goes by. Pure.
 *
 * No more is held back than what may be the beginning of a text that is looked for.
 */
#ifndef AISBX_GATEWAY_REPLACE_H
#define AISBX_GATEWAY_REPLACE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	REPLACE_FROM_MAX = 8192, /* bytes of a text that is looked for */
	REPLACE_PIECE = 16384,	 /* bytes of the stream that are looked at at once */
	REPLACE_WORK = REPLACE_FROM_MAX + REPLACE_PIECE,
};

struct replacement {
	const char *from;
	size_t from_len; /* not 0 */
	const char *to;
	size_t to_len;
};

struct replacements {
	struct replacement *items;
	size_t len;
};

struct replacer {
	const struct replacements *all;
	char *held; /* the caller's: replacer_room() bytes */
	size_t held_len;
};

typedef void (*replace_sink)(void *context, const char *bytes, size_t len);

size_t replacer_room(const struct replacements *all);
/*
 * Takes len bytes, at most REPLACE_PIECE, and passes on what is settled; at_the_end all of it.
 * work: REPLACE_WORK bytes, of no meaning afterwards.
 */
void replacer_feed(struct replacer *replacer, const char *bytes, size_t len, bool at_the_end,
		   char *work, replace_sink sink, void *context);

/* The same for a text that is there as a whole. Whether anything was replaced. */
bool replace_text(const struct replacements *all, const char *text, size_t len, replace_sink sink,
		  void *context);

#endif
