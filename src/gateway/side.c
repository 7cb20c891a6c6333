/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One side of a connection: see side.h. */
#include "gateway/side.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

ssize_t side_fill(struct side *side)
{
	if (side->in_len == HTTP_HEAD_MAX)
		return -E2BIG;
	if (side->tls.is_drained)
		return -EAGAIN;
	if (!side->in) {
		side->in = side->tls.has_values ? OPENSSL_secure_malloc(HTTP_HEAD_MAX)
						: OPENSSL_malloc(HTTP_HEAD_MAX);
		if (!side->in)
			return -ENOMEM;
	}
	ssize_t n = tls_read(&side->tls, side->in + side->in_len, HTTP_HEAD_MAX - side->in_len);
	if (n > 0)
		side->in_len += (size_t)n;
	else
		side_rest(side);
	return n;
}

void side_rest(struct side *side)
{
	if (side->in_len > 0)
		return;
	OPENSSL_secure_free(side->in);
	side->in = NULL;
}

void side_consume(struct side *side, size_t len)
{
	side->in_len -= len;
	memmove(side->in, side->in + len, side->in_len);
}

int side_move_body(struct side *from, struct side *to)
{
	struct http_head trailers;
	struct span data;
	const char *why = NULL;
	ssize_t n = 0, came = 0;

	if (from->reader.is_done) {
		body_writer_end(&to->writer, NULL);
		return 2;
	}
	if (tls_pending(&to->tls) > TLS_PENDING_MAX)
		return 0;
	if (from->in_len > 0)
		n = http_reader_next(&from->reader, from->in, from->in_len, &data, &trailers, &why);
	if (n < 0)
		return (int)n;
	if (n == 0) {
		came = side_fill(from);
		if (came == -EAGAIN)
			return 0;
		if (came == 0 && from->reader.body == BODY_TO_END) {
			from->reader.is_done = true;
			body_writer_end(&to->writer, NULL);
			return 2;
		}
		return came > 0 ? 1 : came == 0 ? -EPIPE : (int)came;
	}
	body_writer_put(&to->writer, data.at, data.len);
	if (from->reader.is_done)
		body_writer_end(&to->writer, &trailers);
	side_consume(from, (size_t)n);
	return from->reader.is_done ? 2 : 1;
}
