/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locked memory: see memory.h. */
#include "gateway/memory.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	/* Bytes, powers of 2: what is asked for, and the least that is of use. */
	HEAP_MOST = 16 << 20,
	HEAP_LEAST = 512 << 10,
	PIECE_LEAST = 256,
	/* Of one connection: a head, a record, an nghttp2 session, and what is held of a body. */
	CONNECTION_ROOM = 192 << 10,
	/* RFC 8446, 5.1: the plaintext of a record. OpenSSL's buffers are for the longest. */
	RECORD_LEAST = 16384,
};

static size_t heap_size;
static bool locks_records;

/*** OpenSSL ***/

static bool is_record(size_t size)
{
	return locks_records && size >= RECORD_LEAST;
}

static void *openssl_take(size_t size, const char *file, int line)
{
	if (is_record(size))
		return CRYPTO_secure_malloc(size, file, line);
	return size ? malloc(size) : NULL;
}

static void openssl_give(void *memory, const char *file, int line)
{
	if (CRYPTO_secure_allocated(memory))
		CRYPTO_secure_free(memory, file, line);
	else
		free(memory);
}

/* To locked memory, wherever it was. */
static void *move(void *memory, size_t size)
{
	size_t had = CRYPTO_secure_allocated(memory) ? CRYPTO_secure_actual_size(memory)
						     : malloc_usable_size(memory);
	void *moved = OPENSSL_secure_malloc(size);

	if (!moved)
		return NULL;
	memcpy(moved, memory, had < size ? had : size);
	OPENSSL_secure_free(memory);
	return moved;
}

static void *openssl_move(void *memory, size_t size, const char *file, int line)
{
	if (!memory)
		return openssl_take(size, file, line);
	if (size == 0) {
		openssl_give(memory, file, line);
		return NULL;
	}
	return is_record(size) || CRYPTO_secure_allocated(memory) ? move(memory, size)
								  : realloc(memory, size);
}

bool memory_hook(void)
{
	return CRYPTO_set_mem_functions(openssl_take, openssl_move, openssl_give) == 1;
}

void memory_lock_records(bool are_locked)
{
	locks_records = are_locked;
}

/*** The heap ***/

int memory_open(struct err *reterr)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return err_set(reterr, E_SYSTEM, errno, "ask for", "the limit on locked memory");
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_MEMLOCK, &limit); /* less is locked otherwise */
	for (size_t size = HEAP_MOST; size >= HEAP_LEAST; size /= 2) {
		if (geteuid() != 0 && size > limit.rlim_cur)
			continue; /* no need to try */
		if (CRYPTO_secure_malloc_init(size, PIECE_LEAST) == 1) {
			heap_size = size;
			return 0;
		}
		(void)CRYPTO_secure_malloc_done(); /* 2: it is there, but not locked */
	}
	err_set(reterr, E_SYSTEM, EPERM, "lock memory for", "secrets");
	err_hint(reterr, "raise the limit on locked memory to 1 MiB or more (ulimit -l 1024)");
	return -EPERM;
}

bool memory_has_room(void)
{
	return heap_size == 0 || CRYPTO_secure_used() + CONNECTION_ROOM <= heap_size;
}

/*** nghttp2 ***/

static void *nghttp2_take(size_t size, void *context)
{
	(void)context;
	return OPENSSL_secure_malloc(size);
}

static void nghttp2_give(void *memory, void *context)
{
	(void)context;
	OPENSSL_secure_free(memory);
}

static void *nghttp2_clear(size_t count, size_t size, void *context)
{
	(void)context;
	return OPENSSL_secure_zalloc(count * size); /* its own numbers: they do not overflow */
}

static void *nghttp2_move(void *memory, size_t size, void *context)
{
	(void)context;
	return memory ? move(memory, size) : OPENSSL_secure_malloc(size);
}

nghttp2_mem memory_of_nghttp2 = {
	.malloc = nghttp2_take,
	.free = nghttp2_give,
	.calloc = nghttp2_clear,
	.realloc = nghttp2_move,
};
