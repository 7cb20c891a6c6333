/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The last bytes of the payload's streams, kept in memory until no more come.
 *
 * limits.output is one number for all streams together. The budget is what of it was
 * promised to nobody: bytes on their way to the caller are charged to it, and the bytes
 * held here. So whatever a stream writes, what goes out is never more than the limit, and
 * nothing is cut as long as all of it fits.
 *
 * When the budget is used up, room for new bytes comes from old ones: first from what
 * other tails hold above sure_bytes, then from the oldest of the stream's own tail. A
 * stream that floods leaves the others what is sure to them, and gets what they leave.
 *
 *	stream 0   [chunk]->[chunk]->[chunk]	a list each, in one store; only a list's
 *	stream 1   [chunk]->[chunk]		first and last chunk are not full
 *	spare	   [chunk]
 *
 * The store is address space until bytes come, and at most the limit and five chunks.
 */
#ifndef AISBX_BOX_TAILS_H
#define AISBX_BOX_TAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TAILS_MAX = 2,
	NO_TAIL = TAILS_MAX, /* number of a stream that shares the budget and keeps no tail */
	TAIL_CHUNK_BYTES = 4092,
};

struct tail_chunk {
	uint32_t next;
	char bytes[TAIL_CHUNK_BYTES];
};

struct tail {
	uint32_t first, last; /* chunks of the store; none while nothing is held */
	uint32_t start;	      /* of what is held, in first */
	uint32_t end;	      /* in last */
	uint64_t held_bytes;
	bool open; /* more may come */
};

/* All zero: not in use. */
struct tails {
	uint64_t *budget_bytes;
	uint64_t sure_bytes;
	struct tail streams[TAILS_MAX];
	bool others_open; /* more may come of one that keeps no tail, and needs room then */
	struct tail_chunk *chunks; /* the store */
	size_t chunks_len;
	uint32_t used; /* chunks from here on were never touched */
	uint32_t spare;
};

/*
 * budget_bytes is all of limit_bytes at first and must outlive tails; the sure_bytes of
 * all streams together are at most the limit. 0 or -errno: no address space.
 */
int tails_init(struct tails *tails, uint64_t *budget_bytes, uint64_t limit_bytes,
	       uint64_t sure_bytes);
/* All that is held is dropped. Idempotent. */
void tails_close(struct tails *tails);

/* More may come of a stream from now on; its end. With NO_TAIL there is one at most. */
void tails_begin(struct tails *tails, unsigned stream);
void tails_end(struct tails *tails, unsigned stream);
/* No stream is open: what is held stays, and may be taken. */
bool tails_are_whole(const struct tails *tails);

/* How much stream could charge or add now without losing bytes of its own. */
uint64_t tails_room(const struct tails *tails, unsigned stream);
/* Must: bytes <= tails_room(). For what stream passes on: it is charged to the budget. */
void tails_charge(struct tails *tails, unsigned stream, uint64_t bytes);
/* Appends to stream's tail; what has no room, of the new bytes too, is lost from its front. */
void tails_add(struct tails *tails, unsigned stream, const char *bytes, size_t len);
/* Moves up to size bytes from the front of stream's tail to buf. They stay charged. */
size_t tails_take(struct tails *tails, unsigned stream, char *buf, size_t size);
/* Back into the budget. */
void tails_drop(struct tails *tails, unsigned stream);

#endif
