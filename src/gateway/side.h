/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One side of a connection that speaks HTTP/1.1, and bodies from one to the other. */
#ifndef AISBX_GATEWAY_SIDE_H
#define AISBX_GATEWAY_SIDE_H

#include "gateway/http1.h"
#include "gateway/message.h"
#include "gateway/tls.h"

/* One side: its connection, and what came from it and is not read yet. */
struct side {
	struct tls tls;
	char *in; /* HTTP_HEAD_MAX bytes, while there are any */
	size_t in_len;
	struct http_reader reader; /* of the body that comes from it */
	struct body_writer writer; /* of what goes to it */
};

/* More bytes of a side: how many, 0 at its end, or -errno. */
ssize_t side_fill(struct side *side);
/* Gives back the room for them where none are left. */
void side_rest(struct side *side);
void side_consume(struct side *side, size_t len);
/*
 * One piece of a body on its way. 1: something moved, 0: nothing can now, 2: that was the last,
 * or -errno.
 */
int side_move_body(struct side *from, struct side *to);

#endif
