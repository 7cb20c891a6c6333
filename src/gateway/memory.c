/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that is overwritten when it is given back: see memory.h. */
#include "gateway/memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static void *take(size_t size)
{
	return size ? malloc(size) : NULL;
}

static void give(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

static void *move(void *memory, size_t size)
{
	void *moved = take(size);
	size_t had = memory ? malloc_usable_size(memory) : 0;

	if (moved && memory)
		memcpy(moved, memory, had < size ? had : size);
	if (moved || size == 0)
		give(memory);
	return moved;
}

/*** OpenSSL ***/

static void *openssl_take(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return take(size);
}

static void openssl_give(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	give(memory);
}

static void *openssl_move(void *memory, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return move(memory, size);
}

bool memory_wipe_openssl(void)
{
	return CRYPTO_set_mem_functions(openssl_take, openssl_move, openssl_give) == 1;
}

/*** nghttp2 ***/

static void *nghttp2_take(size_t size, void *context)
{
	(void)context;
	return take(size);
}

static void nghttp2_give(void *memory, void *context)
{
	(void)context;
	give(memory);
}

static void *nghttp2_clear(size_t count, size_t size, void *context)
{
	(void)context;
	return calloc(count, size);
}

static void *nghttp2_move(void *memory, size_t size, void *context)
{
	(void)context;
	return move(memory, size);
}

nghttp2_mem memory_of_nghttp2 = {
	.malloc = nghttp2_take,
	.free = nghttp2_give,
	.calloc = nghttp2_clear,
	.realloc = nghttp2_move,
};
