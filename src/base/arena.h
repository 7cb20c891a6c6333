/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for profile and plan: allocated piecewise, released at once.
 *
 * Its pages come from mmap, so that init can drop every trace of the caller's
 * profile, paths and environment with arena_free() once the payload runs.
 * Allocation never fails: the process aborts with one line on stderr.
 */
#ifndef AISBX_BASE_ARENA_H
#define AISBX_BASE_ARENA_H

#include <stddef.h>
#include <sys/types.h>

struct arena_chunk;
struct arena {
	struct arena_chunk *last;
};

/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* items with room for one more than len: these, or where *cap is used up a copy with a new *cap. */
void *arena_grow(struct arena *arena, void *items, size_t len, size_t *cap, size_t size);
/*
 * fd to its end, terminated; guess is its likely size. The bytes read, or -errno: more than max
 * (and not all) where it is longer than that.
 */
ssize_t arena_read(struct arena *arena, int fd, size_t guess, size_t max, char **ret_text);
/*
 * The first size bytes of a file, which come into memory as they are looked at, and room for more
 * behind them. NULL with errno; a file that gets shorter takes its bytes away.
 */
char *arena_map(struct arena *arena, int fd, size_t size, size_t more);
/* Unmaps everything; no allocation, usable after clone. */
void arena_free(struct arena *arena);

/* A growing list of strings; items[len] is always NULL. */
struct strv {
	char **items;
	size_t len;
	size_t cap;
};

/* For every struct with items, len and cap: room for one more item, at items[len]. */
#define LIST_GROW(arena, list)                                                                     \
	((list)->items = arena_grow((arena), (list)->items, (list)->len, &(list)->cap,             \
				    sizeof *(list)->items))
/* Gives it an array of its own, so that appending leaves copies of the struct alone. */
#define LIST_OWN(arena, list) ((list)->cap = (list)->len, LIST_GROW(arena, list))

/* Appends item itself, not a copy. */
void strv_push(struct arena *arena, struct strv *list, char *item);

#endif
