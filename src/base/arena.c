/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory for profile and plan: see arena.h. */
#include "base/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	CHUNK_BYTES = 64 * 1024,
	ALIGN_BYTES = 16,
	FIRST_ITEMS = 16,
};

struct arena_chunk {
	struct arena_chunk *before;
	size_t size; /* bytes mapped, this header included */
	size_t used;
	size_t pad;
};

_Static_assert(sizeof(struct arena_chunk) % ALIGN_BYTES == 0, "chunk header keeps alignment");

static void out_of_memory(void)
{
	static const char line[] = "aisbx: out of memory\n";

	(void)fputs(line, stderr);
	_Exit(125);
}

/* One for a single thing leaves the last one's room to others. */
static struct arena_chunk *chunk_add(struct arena *arena, size_t need)
{
	bool is_single = arena->last && need > CHUNK_BYTES;
	struct arena_chunk **place = is_single ? &arena->last->before : &arena->last;
	size_t size = need > CHUNK_BYTES ? need : CHUNK_BYTES;
	struct arena_chunk *chunk =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (chunk == MAP_FAILED)
		out_of_memory();
	chunk->size = size;
	chunk->used = sizeof *chunk;
	chunk->before = *place;
	*place = chunk;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->last;

	if (size > SIZE_MAX / 2)
		out_of_memory();
	size = (size + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
	if (!chunk || chunk->size - chunk->used < size)
		chunk = chunk_add(arena, size + sizeof *chunk);
	void *memory = (char *)chunk + chunk->used;
	chunk->used += size;
	return memory;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	memcpy(copy, text, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		out_of_memory();
	char *text = arena_alloc(arena, (size_t)len + 1);
	(void)vsnprintf(text, (size_t)len + 1, fmt, again);
	va_end(again);
	return text;
}

void *arena_grow(struct arena *arena, void *items, size_t len, size_t *cap, size_t size)
{
	void *grown;

	if (len < *cap)
		return items;
	*cap = len < FIRST_ITEMS / 2 ? FIRST_ITEMS : len * 2;
	grown = arena_alloc(arena, *cap * size);
	if (items)
		memcpy(grown, items, len * size);
	return grown;
}

ssize_t arena_read(struct arena *arena, int fd, size_t guess, size_t max, char **ret_text)
{
	size_t cap = (guess < max ? guess : max) + 1, len = 0;
	char *text = arena_alloc(arena, cap);
	ssize_t n;

	do {
		text = arena_grow(arena, text, len, &cap, 1);
		n = read(fd, text + len, (cap <= max ? cap : max + 1) - len);
		len += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && len <= max) || (n < 0 && errno == EINTR));
	*ret_text = text;
	return n < 0 ? -errno : (ssize_t)len;
}

char *arena_map(struct arena *arena, int fd, size_t size, size_t more)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct arena_chunk *chunk = chunk_add(arena, page + size + more);
	char *bytes = (char *)chunk + page;

	chunk->used = chunk->size;
	if (size > 0 &&
	    mmap(bytes, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		return NULL;
	return bytes;
}

void arena_free(struct arena *arena)
{
	while (arena->last) {
		struct arena_chunk *chunk = arena->last;

		arena->last = chunk->before;
		(void)munmap(chunk, chunk->size); /* cannot fail for a whole mapping */
	}
}

void strv_push(struct arena *arena, struct strv *list, char *item)
{
	list->items =
		arena_grow(arena, list->items, list->len + 1, &list->cap, sizeof *list->items);
	list->items[list->len++] = item;
	list->items[list->len] = NULL;
}
