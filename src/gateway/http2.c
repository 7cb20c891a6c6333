/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HTTP/2 through the gateway: see http2.h and nghttp2(3).
 *
 * Theory of operation: two sessions, the server's part towards the box and the client's towards
 * the server. Headers are gathered until they are whole, then decided on and submitted to the
 * other session, with the secrets in them or taken out. Bodies wait in a buffer for the other
 * session, and windows are opened only as that is emptied, so memory is bounded.
 */
#include "gateway/http2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http2_stream.h"
#include "gateway/memory.h"
#include "gateway/vault.h"

enum {
	STREAMS_MAX = 100,
	STREAM_WINDOW = 128 * 1024,
	CONNECTION_WINDOW = 1024 * 1024,
};

/*** Callbacks ***/

static enum http2_side side_of(const struct http2 *http2, const nghttp2_session *session)
{
	return session == http2->session[BOX] ? BOX : SERVER;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct http2 *http2 = context;
	enum http2_side side = side_of(http2, session);
	struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	if (!stream && side == BOX && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		/* More than nghttp2 lets be open only wait for the server to take them. */
		stream = http2->streams_len < 2 * STREAMS_MAX ? calloc(1, sizeof *stream) : NULL;
		if (!stream)
			return NGHTTP2_ERR_CALLBACK_FAILURE;
		http2->streams_len++;
		stream->http2 = http2;
		stream->id[BOX] = frame->hd.stream_id;
		stream->next = http2->streams;
		http2->streams = stream;
		(void)nghttp2_session_set_stream_user_data(session, stream->id[BOX], stream);
	}
	return stream && stream_gather(stream, side) < 0 ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *context)
{
	struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	struct fields *fields = stream ? stream->gathered[side_of(context, session)] : NULL;
	const struct span name_span = { (const char *)name, name_len };
	const struct span value_span = { (const char *)value, value_len };

	(void)flags;
	if (!fields)
		return 0;
	if (fields->text.len + name_len + value_len > HTTP_HEAD_MAX ||
	    fields->len == HTTP_HEADERS_MAX)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* resets the stream */
	fields_add(fields, &name_span, &value_span, NULL);
	return fields->text.failed ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

static void take_headers(struct stream *stream, enum http2_side side, const nghttp2_frame *frame)
{
	struct fields *fields = stream->gathered[side];
	bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	stream->gathered[side] = NULL;
	if (!fields)
		return;
	if (side == BOX && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		stream_take_request(stream, fields, is_end);
	else if (side == SERVER && !stream->is_answered)
		stream_take_answer(stream, fields, is_end);
	else
		stream_take_trailers(stream, side, fields);
	fields_free(fields);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	enum http2_side side = side_of(context, session);
	struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	if (!stream || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS)
		take_headers(stream, side, frame);
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		stream_put_body(stream, side, "", 0, true);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
		   size_t len, void *context)
{
	struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
	enum http2_side side = side_of(context, session);

	(void)flags;
	if (!stream || stream->id[side_other(side)] < 0) {
		(void)nghttp2_session_consume(session, id, len); /* nobody wants it */
		return 0;
	}
	stream->flow[side].unconsumed += len;
	for (size_t n; len > 0; data += n, len -= n) {
		n = len < REPLACE_PIECE ? len : REPLACE_PIECE;
		stream_put_body(stream, side, (const char *)data, n, false);
	}
	stream_open_window(stream, side);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *context)
{
	struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
	enum http2_side side = side_of(context, session);

	if (!stream)
		return 0;
	stream->id[side] = -1;
	if (stream->flow[side].unconsumed)
		(void)nghttp2_session_consume_connection(session, stream->flow[side].unconsumed);
	stream->flow[side].unconsumed = 0;
	if (error != NGHTTP2_NO_ERROR || side == BOX)
		stream_reset(stream, side_other(side), error ? error : NGHTTP2_CANCEL);
	if (stream->id[side_other(side)] < 0 || (side == BOX && stream->id[SERVER] == 0))
		stream_free(stream);
	return 0;
}

/*** Sessions ***/

static int open_session(struct http2 *http2, enum http2_side side)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX },
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 }, /* of clients only */
	};
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	int r = nghttp2_session_callbacks_new(&callbacks);

	if (r == 0)
		r = nghttp2_option_new(&option);
	if (r == 0) {
		nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
									on_begin_headers);
		nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
		nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
		nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
		nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
		nghttp2_option_set_no_auto_window_update(option, 1);
		r = side == BOX ? nghttp2_session_server_new2(&http2->session[side], callbacks,
							      http2, option)
				: nghttp2_session_client_new3(&http2->session[side], callbacks,
							      http2, option, &memory_of_nghttp2);
	}
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	if (r == 0)
		r = nghttp2_submit_settings(http2->session[side], NGHTTP2_FLAG_NONE, settings,
					    side == BOX ? 2 : 3);
	if (r == 0)
		r = nghttp2_session_set_local_window_size(http2->session[side], NGHTTP2_FLAG_NONE,
							  0, CONNECTION_WINDOW);
	return r;
}

struct http2 *http2_start(struct site *site, struct tls *box, struct tls *server)
{
	struct http2 *http2 = calloc(1, sizeof *http2);

	if (!http2)
		return NULL;
	http2->site = site;
	http2->tls[BOX] = box;
	http2->tls[SERVER] = server;
	if (open_session(http2, BOX) == 0 && open_session(http2, SERVER) == 0)
		return http2;
	http2_free(http2);
	return NULL;
}

void http2_free(struct http2 *http2)
{
	if (!http2)
		return;
	nghttp2_session_del(http2->session[BOX]);
	nghttp2_session_del(http2->session[SERVER]);
	while (http2->streams)
		stream_free(http2->streams);
	free(http2);
}

/* The box gets the answers that are here in whole, as fast as it reads, and no others. */
static void lose_server(struct http2 *http2)
{
	nghttp2_session *box = http2->session[BOX];

	http2->is_server_gone = true;
	(void)nghttp2_submit_goaway(box, NGHTTP2_FLAG_NONE,
				    nghttp2_session_get_last_proc_stream_id(box), NGHTTP2_NO_ERROR,
				    NULL, 0);
	for (struct stream *stream = http2->streams; stream; stream = stream->next) {
		stream->id[SERVER] = -1;
		if (!stream->flow[SERVER].has_ended)
			stream_reset(stream, BOX, NGHTTP2_CANCEL);
	}
}

static void lose(struct http2 *http2, enum http2_side side)
{
	if (side == BOX)
		http2->is_over = true;
	else
		lose_server(http2);
}

/* Whether anything came. */
static bool receive(struct http2 *http2, enum http2_side side)
{
	ssize_t n = tls_read(http2->tls[side], vault->out, VAULT_OUT);

	if (n == -EAGAIN)
		return false;
	if (n <= 0 ||
	    nghttp2_session_mem_recv(http2->session[side], (uint8_t *)vault->out, (size_t)n) < 0)
		lose(http2, side);
	return n > 0;
}

static bool send_out(struct http2 *http2, enum http2_side side)
{
	bool moved = false;

	while (tls_pending(http2->tls[side]) < TLS_PENDING_MAX) {
		const uint8_t *bytes;
		ssize_t n = nghttp2_session_mem_send(http2->session[side], &bytes);

		if (n < 0)
			lose(http2, side);
		if (n <= 0)
			break;
		tls_write(http2->tls[side], (const char *)bytes, (size_t)n);
		moved = true;
	}
	tls_flush(http2->tls[side]);
	return moved;
}

bool http2_run(struct http2 *http2, bool *ret_more)
{
	bool moved = true;

	for (int turns = 0; moved && turns < STREAMS_MAX && !http2->is_over; turns++) {
		moved = receive(http2, BOX);
		if (!http2->is_server_gone)
			moved |= receive(http2, SERVER);
		if (!http2->is_server_gone)
			moved |= send_out(http2, SERVER);
		moved |= send_out(http2, BOX);
	}
	*ret_more = moved;
	http2->is_over |= http2->is_server_gone && !http2->streams;
	if (!nghttp2_session_want_read(http2->session[BOX]) &&
	    !nghttp2_session_want_write(http2->session[BOX]))
		http2->is_over = true;
	if (!http2->is_over)
		return true;
	(void)nghttp2_session_terminate_session(http2->session[BOX], NGHTTP2_NO_ERROR);
	(void)send_out(http2, BOX);
	return false;
}
