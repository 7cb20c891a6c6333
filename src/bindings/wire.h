/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What goes over a binding's two sockets in the box. Pure.
 *
 * NAME.sock, for any language: the request's bytes, then the writing side is shut down; the
 * command's output comes back, then the end. Only where the call did not end with status 0 does
 * one line more come, "aisbx: binding 'NAME': REASON".
 *
 * NAME.call, which the program of that name speaks:
 *
 *   request   4 bytes     length of the arguments, big-endian, at most WIRE_ARGS_MAX
 *             arguments   each with a NUL behind it
 *             input       until the writing side is shut down
 *   answer    frames      1 byte kind, 4 bytes length, big-endian, then that many bytes;
 *                         the last one is WIRE_END
 *
 * The request is the only thing here that comes from the box.
 */
#ifndef AISBX_BINDINGS_WIRE_H
#define AISBX_BINDINGS_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_ARGS_MAX = 32 * 1024,  /* bytes of all arguments, with their ends */
	WIRE_ARGS_COUNT_MAX = 1024, /* arguments */
	WIRE_LENGTH_BYTES = 4,
	WIRE_FRAME_BYTES = 5, /* of a frame's head */
	WIRE_END_MAX = 1024,  /* of a WIRE_END's bytes */
};

enum wire_kind {
	WIRE_STDOUT = 1,
	WIRE_STDERR,
	WIRE_END,      /* 1 byte exit status, then a message for stderr, which may be empty */
	WIRE_NO_INPUT, /* the command takes none: nothing more needs to be sent */
};

/* A request as it arrives. All zero: nothing yet. */
struct wire_request {
	uint8_t length[WIRE_LENGTH_BYTES];
	size_t length_len;
	size_t args_len; /* bytes of args so far */
	char args[WIRE_ARGS_MAX];
};

enum wire_state {
	WIRE_MORE,  /* of the arguments is still to come */
	WIRE_INPUT, /* the arguments are whole: what follows is input */
	WIRE_BAD,   /* no request */
};

/* Takes what of data belongs to the arguments: *ret_used bytes. */
enum wire_state wire_read(struct wire_request *request, const uint8_t *data, size_t len,
			  size_t *ret_used);
/* How many arguments there are, once wire_read() said WIRE_INPUT. */
size_t wire_args_count(const struct wire_request *request);
/* The argument after one of them, NULL for the first; NULL after the last. */
const char *wire_next_arg(const struct wire_request *request, const char *arg);

void wire_write_head(uint8_t head[WIRE_FRAME_BYTES], enum wire_kind kind, size_t len);

static inline uint32_t wire_length(const uint8_t bytes[WIRE_LENGTH_BYTES])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static inline void wire_write_length(uint8_t bytes[WIRE_LENGTH_BYTES], size_t len)
{
	for (int i = 0; i < WIRE_LENGTH_BYTES; i++)
		bytes[i] = (uint8_t)(len >> (24 - 8 * i));
}

#endif
