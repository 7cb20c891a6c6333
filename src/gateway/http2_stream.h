/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request and its answer over HTTP/2: a stream of either session. http2.c drives them. */
#ifndef AISBX_GATEWAY_HTTP2_STREAM_H
#define AISBX_GATEWAY_HTTP2_STREAM_H

#include <stdint.h>

#include "gateway/http2_fields.h"
#include "gateway/message.h"

enum http2_side {
	BOX,
	SERVER,
};

/* One direction of a stream: its body on the way. */
struct flow {
	struct text body;
	size_t sent;
	size_t unconsumed; /* of the origin's windows */
	bool has_ended;
	struct fields *trailers;
	struct replacer replacer; /* its all is NULL where nothing is replaced */
};

struct stream {
	struct stream *next;
	struct http2 *http2;
	int32_t id[2]; /* of both sessions; 0: none yet, -1: closed */
	struct fields *gathered[2];
	struct flow flow[2]; /* from that side */
	struct exchange exchange;
	bool is_answered;
};

struct http2 {
	struct site *site;
	struct tls *tls[2];
	nghttp2_session *session[2];
	struct stream *streams;
	size_t streams_len;
	bool is_server_gone; /* what it sent whole still goes to the box */
	bool is_over;
};

enum http2_side side_other(enum http2_side side);
void stream_free(struct stream *stream);
/* On that side; nothing where there is none. */
void stream_reset(struct stream *stream, enum http2_side side, uint32_t error);

/* Begins a head from that side. 0 or -ENOMEM. */
int stream_gather(struct stream *stream, enum http2_side side);
/* A whole head from the box: decided on, answered or sent on. */
void stream_take_request(struct stream *stream, const struct fields *fields, bool is_end);
/* The same from the server, an interim one too. */
void stream_take_answer(struct stream *stream, const struct fields *fields, bool is_end);
void stream_take_trailers(struct stream *stream, enum http2_side from, const struct fields *came);
/* A part of a body, at most REPLACE_PIECE bytes. */
void stream_put_body(struct stream *stream, enum http2_side from, const char *bytes, size_t len,
		     bool is_end);
/* What waits little enough lets more come. */
void stream_open_window(struct stream *stream, enum http2_side from);

#endif
