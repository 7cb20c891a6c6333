/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last bytes of streams: see tails.h. */
#include "box/supervise/tails.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static const uint32_t no_chunk = UINT32_MAX;

int tails_init(struct tails *tails, uint64_t *budget_bytes, uint64_t limit_bytes,
	       uint64_t sure_bytes)
{
	/* A list's first and last chunk may hold one byte each; one is filled meanwhile. */
	uint64_t len = limit_bytes / TAIL_CHUNK_BYTES + 2 * TAILS_MAX + 1;
	void *store;

	if (len > SIZE_MAX / sizeof(struct tail_chunk) || len >= no_chunk)
		return -ENOMEM;
	store = mmap(NULL, len * sizeof(struct tail_chunk), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (store == MAP_FAILED)
		return -errno;
	*tails = (struct tails){ .budget_bytes = budget_bytes,
				 .sure_bytes = sure_bytes,
				 .chunks = store,
				 .chunks_len = len,
				 .spare = no_chunk };
	for (int i = 0; i < TAILS_MAX; i++)
		tails->streams[i].first = tails->streams[i].last = no_chunk;
	return 0;
}

void tails_close(struct tails *tails)
{
	if (!tails->chunks)
		return;
	for (unsigned i = 0; i < TAILS_MAX; i++)
		tails_drop(tails, i);
	(void)munmap(tails->chunks, tails->chunks_len * sizeof *tails->chunks); /* is mapped */
	*tails = (struct tails){ 0 };
}

/*** Chunks ***/

static void append_chunk(struct tails *tails, struct tail *tail)
{
	uint32_t chunk = tails->spare;

	if (chunk != no_chunk)
		tails->spare = tails->chunks[chunk].next;
	else
		chunk = tails->used++; /* chunks_len is enough: see tails_init() */
	if (tail->first == no_chunk) {
		tail->first = chunk;
		tail->start = 0;
	} else {
		tails->chunks[tail->last].next = chunk;
	}
	tail->last = chunk;
	tail->end = 0;
}

static void free_first_chunk(struct tails *tails, struct tail *tail)
{
	uint32_t chunk = tail->first;

	tail->first = chunk == tail->last ? no_chunk : tails->chunks[chunk].next;
	if (tail->first == no_chunk)
		tail->last = no_chunk;
	tail->start = 0;
	tails->chunks[chunk].next = tails->spare;
	tails->spare = chunk;
}

/* Takes len bytes, of those that are held, off the front; buf may be NULL. */
static void cut_front(struct tails *tails, struct tail *tail, char *buf, uint64_t len)
{
	tail->held_bytes -= len;
	while (len) {
		uint32_t end = tail->first == tail->last ? tail->end : TAIL_CHUNK_BYTES;
		uint32_t part = end - tail->start;

		if (part > len)
			part = (uint32_t)len;
		if (buf) {
			memcpy(buf, tails->chunks[tail->first].bytes + tail->start, part);
			buf += part;
		}
		tail->start += part;
		len -= part;
		if (tail->start == end)
			free_first_chunk(tails, tail);
	}
}

static void lose_front(struct tails *tails, struct tail *tail, uint64_t len)
{
	cut_front(tails, tail, NULL, len);
	*tails->budget_bytes += len;
}

static void append(struct tails *tails, struct tail *tail, const char *bytes, size_t len)
{
	tail->held_bytes += len;
	*tails->budget_bytes -= len;
	while (len) {
		uint32_t part;

		if (tail->first == no_chunk || tail->end == TAIL_CHUNK_BYTES)
			append_chunk(tails, tail);
		part = TAIL_CHUNK_BYTES - tail->end;
		if (part > len)
			part = (uint32_t)len;
		memcpy(tails->chunks[tail->last].bytes + tail->end, bytes, part);
		tail->end += part;
		bytes += part;
		len -= part;
	}
}

/*** Beginning and end ***/

static bool *is_open(struct tails *tails, unsigned stream)
{
	return stream == NO_TAIL ? &tails->others_open : &tails->streams[stream].open;
}

void tails_begin(struct tails *tails, unsigned stream)
{
	*is_open(tails, stream) = true;
}

void tails_end(struct tails *tails, unsigned stream)
{
	*is_open(tails, stream) = false;
}

bool tails_are_whole(const struct tails *tails)
{
	for (int i = 0; i < TAILS_MAX; i++) {
		if (tails->streams[i].open)
			return false;
	}
	return !tails->others_open;
}

/*** Room ***/

/* What stream i holds that others may have; nothing once it is on its way out. */
static uint64_t above_sure(const struct tails *tails, unsigned i)
{
	uint64_t held = tails->streams[i].held_bytes;

	return held > tails->sure_bytes && !tails_are_whole(tails) ? held - tails->sure_bytes : 0;
}

uint64_t tails_room(const struct tails *tails, unsigned stream)
{
	uint64_t room = *tails->budget_bytes;

	for (unsigned i = 0; i < TAILS_MAX; i++) {
		if (i != stream)
			room += above_sure(tails, i);
	}
	return room;
}

/* As far as the others hold more than is sure to them. */
static void make_room(struct tails *tails, unsigned stream, uint64_t bytes)
{
	for (unsigned i = 0; i < TAILS_MAX; i++) {
		uint64_t part = above_sure(tails, i);

		if (*tails->budget_bytes >= bytes)
			return;
		if (i == stream)
			continue;
		if (part > bytes - *tails->budget_bytes)
			part = bytes - *tails->budget_bytes;
		lose_front(tails, &tails->streams[i], part);
	}
}

void tails_charge(struct tails *tails, unsigned stream, uint64_t bytes)
{
	make_room(tails, stream, bytes);
	*tails->budget_bytes -= bytes;
}

void tails_add(struct tails *tails, unsigned stream, const char *bytes, size_t len)
{
	struct tail *tail = &tails->streams[stream];
	uint64_t most = tails_room(tails, stream) + tail->held_bytes;

	if (len > most) {
		bytes += len - most;
		len = most;
	}
	make_room(tails, stream, len);
	if (*tails->budget_bytes < len)
		lose_front(tails, tail, len - *tails->budget_bytes);
	append(tails, tail, bytes, len);
}

/*** Out ***/

size_t tails_take(struct tails *tails, unsigned stream, char *buf, size_t size)
{
	struct tail *tail = &tails->streams[stream];

	if (size > tail->held_bytes)
		size = tail->held_bytes;
	cut_front(tails, tail, buf, size);
	return size;
}

void tails_drop(struct tails *tails, unsigned stream)
{
	lose_front(tails, &tails->streams[stream], tails->streams[stream].held_bytes);
}
