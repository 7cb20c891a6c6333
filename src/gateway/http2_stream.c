/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request and its answer over HTTP/2: see http2_stream.h. */
#include "gateway/http2_stream.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/vault.h"

enum {
	EMPTY_ENOUGH = 16384, /* bytes of a body that wait: fewer, and more may come */
};

static struct request_plan decision; /* large; it is acted on at once */

enum http2_side side_other(enum http2_side side)
{
	return side == BOX ? SERVER : BOX;
}

void stream_free(struct stream *stream)
{
	struct stream **at = &stream->http2->streams;

	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	stream->http2->streams_len--;
	for (int side = BOX; side <= SERVER; side++) {
		struct flow *flow = &stream->flow[side];

		fields_free(stream->gathered[side]);
		fields_free(flow->trailers);
		text_free(&flow->body);
		OPENSSL_secure_free(flow->replacer.held);
	}
	exchange_release(&stream->exchange);
	free(stream);
}

int stream_gather(struct stream *stream, enum http2_side side)
{
	fields_free(stream->gathered[side]);
	stream->gathered[side] = calloc(1, sizeof(struct fields));
	return stream->gathered[side] ? 0 : -ENOMEM;
}

void stream_reset(struct stream *stream, enum http2_side side, uint32_t error)
{
	if (stream->id[side] > 0)
		(void)nghttp2_submit_rst_stream(stream->http2->session[side], NGHTTP2_FLAG_NONE,
						stream->id[side], error);
}

/*** Bodies ***/

/* What comes from that side from now on. 0 or -ENOMEM. */
static int begin_body(struct stream *stream, enum http2_side from, const struct replacements *all)
{
	struct flow *flow = &stream->flow[from];

	flow->body.is_plain = from == SERVER || all->len == 0;
	if (all->len == 0)
		return 0;
	flow->replacer.held = OPENSSL_secure_malloc(replacer_room(all));
	flow->body.failed = !flow->replacer.held; /* what still comes is dropped */
	flow->replacer.all = flow->replacer.held ? all : NULL;
	return flow->replacer.held ? 0 : -ENOMEM;
}

void stream_open_window(struct stream *stream, enum http2_side from)
{
	struct flow *flow = &stream->flow[from];

	if (flow->unconsumed == 0 || flow->body.len - flow->sent > EMPTY_ENOUGH)
		return;
	nghttp2_session *session = stream->http2->session[from];
	if (stream->id[from] > 0)
		(void)nghttp2_session_consume(session, stream->id[from], flow->unconsumed);
	else
		(void)nghttp2_session_consume_connection(session, flow->unconsumed);
	flow->unconsumed = 0;
}

void stream_put_body(struct stream *stream, enum http2_side from, const char *bytes, size_t len,
		     bool is_end)
{
	struct flow *flow = &stream->flow[from];

	if (flow->sent > 0 && flow->sent == flow->body.len)
		flow->sent = flow->body.len = 0;
	if (flow->replacer.all)
		replacer_feed(&flow->replacer, bytes, len, is_end, vault->work, text_put,
			      &flow->body);
	else
		text_put(&flow->body, bytes, len);
	flow->has_ended |= is_end;
	if (flow->body.failed) {
		stream_reset(stream, from, NGHTTP2_INTERNAL_ERROR);
		stream_reset(stream, side_other(from), NGHTTP2_INTERNAL_ERROR);
	} else if (stream->id[side_other(from)] > 0) {
		(void)nghttp2_session_resume_data(stream->http2->session[side_other(from)],
						  stream->id[side_other(from)]);
	}
}

static void send_trailers(struct stream *stream, enum http2_side to, const struct fields *trailers)
{
	nghttp2_nv nva[FIELDS_MAX];
	size_t len = fields_to_nv(trailers, nva);

	(void)nghttp2_submit_trailer(stream->http2->session[to], stream->id[to], nva, len);
}

static ssize_t read_flow(struct stream *stream, enum http2_side from, uint8_t *buf, size_t length,
			 uint32_t *data_flags)
{
	struct flow *flow = &stream->flow[from];
	size_t left = flow->body.len - flow->sent, n = left < length ? left : length;

	if (n == 0 && !flow->has_ended)
		return NGHTTP2_ERR_DEFERRED;
	if (n > 0)
		memcpy(buf, flow->body.at + flow->sent, n);
	flow->sent += n;
	stream_open_window(stream, from);
	if (flow->has_ended && n == left) {
		*data_flags |= NGHTTP2_DATA_FLAG_EOF;
		if (flow->trailers) {
			*data_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			send_trailers(stream, side_other(from), flow->trailers);
		}
	}
	return (ssize_t)n;
}

/* Of both sessions: each reads what comes from the other side. */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
			 uint32_t *data_flags, nghttp2_data_source *source, void *context)
{
	struct stream *stream = source->ptr;

	(void)id;
	(void)context;
	return read_flow(stream, session == stream->http2->session[BOX] ? SERVER : BOX, buf, length,
			 data_flags);
}

/*** Requests ***/

/* What the request says, as a head. False: pseudo-headers that have no one meaning. */
static bool read_request(const struct fields *fields, struct http_head *head)
{
	struct span scheme = { NULL, 0 }, authority = { NULL, 0 };

	*head = (struct http_head){ .minor = 1 };
	for (size_t i = 0; i < fields->len; i++) {
		struct span name = fields_name(fields, i), value = fields_value(fields, i);

		if (span_is(&name, ":method"))
			head->method = value;
		else if (span_is(&name, ":path"))
			head->target = value;
		else if (span_is(&name, ":scheme"))
			scheme = value;
		else if (span_is(&name, ":authority"))
			authority = value;
		else if (span_is(&name, "host"))
			head->host = value;
		else if (name.at[0] == ':' || head->headers_len == HTTP_HEADERS_MAX)
			return false;
		else
			head->headers[head->headers_len++] = (struct http_header){ name, value };
	}
	if (authority.at && head->host.at &&
	    (authority.len != head->host.len ||
	     memcmp(authority.at, head->host.at, authority.len) != 0))
		return false;
	if (authority.at)
		head->host = authority;
	return head->host.at && span_is(&scheme, "https") && http_target_is_one(head);
}

static void answer(struct stream *stream)
{
	struct fields *fields = calloc(1, sizeof *fields);
	nghttp2_data_provider body = { .source.ptr = stream, .read_callback = read_body };
	nghttp2_nv nva[FIELDS_MAX];
	char status[16];

	if (!fields) {
		stream_reset(stream, BOX, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	(void)snprintf(status, sizeof status, "%d", decision.status);
	fields_add_words(fields, ":status", status);
	fields_add_words(fields, "content-type", "application/json");
	fields_add_words(fields, "cache-control", "no-store");
	stream->is_answered = true;
	stream->id[SERVER] = -1;
	if (strcmp(stream->exchange.method, "HEAD") != 0)
		text_put(&stream->flow[SERVER].body, decision.json, strlen(decision.json));
	stream->flow[SERVER].has_ended = true;
	(void)nghttp2_submit_response(stream->http2->session[BOX], stream->id[BOX], nva,
				      fields_to_nv(fields, nva), &body);
	fields_free(fields);
}

static int add_headers(struct stream *stream, const struct http_head *head, struct fields *fields)
{
	struct replacements all;
	bool has_secrets = sites_echoes()->len > 0;
	bool changes = replacements_change_length(&stream->exchange.body);

	site_replacements(stream->exchange.secrets, 0, &all);
	for (size_t i = 0; i < head->headers_len; i++) {
		const struct http_header *header = &head->headers[i];
		struct span encoded;

		if (message_is_replaced(stream->exchange.secrets, &header->name) ||
		    (has_secrets && span_is(&header->name, "accept-encoding")) ||
		    (changes && span_is(&header->name, "content-length")))
			continue;
		int r = exchange_basic(&stream->exchange, header, &all, &encoded);
		if (r < 0)
			return r;
		fields_add(fields, &header->name, r ? &encoded : &header->value, r ? NULL : &all);
		fields->items[fields->len - 1].is_secret |= r;
	}
	if (has_secrets)
		fields_add_words(fields, "accept-encoding", "identity");
	return 0;
}

static void add_secret_headers(uint64_t secrets, struct fields *fields)
{
	struct span name, value;
	const char *before, *after;

	for (size_t i = 0; site_added_header(secrets, i, &name, &before, &value, &after); i++) {
		struct field *field = &fields->items[fields->len];

		fields_add(fields, &name, &(struct span){ before, (size_t)(after - 2 - before) },
			   NULL);
		if (fields->text.failed)
			return;
		/* names of HTTP/2 are in lower case */
		for (size_t j = 0; j < field->name_len; j++) {
			char *c = &fields->text.at[field->name + j];

			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
		}
		text_put(&fields->text, value.at, value.len);
		text_put(&fields->text, after, strlen(after));
		field->value_len = fields->text.len - field->value;
		field->is_secret = true;
	}
}

static void send_request(struct stream *stream, const struct http_head *head, bool is_end)
{
	struct http2 *http2 = stream->http2;
	struct fields *fields = calloc(1, sizeof *fields);
	nghttp2_data_provider body = { .source.ptr = stream, .read_callback = read_body };
	nghttp2_nv nva[FIELDS_MAX];
	struct replacements all;
	char authority[HOSTNAME_BYTES + 8];
	int r = fields ? exchange_decide(&stream->exchange, &decision) : -ENOMEM;

	if (r == 0) {
		const struct span path = { ":path", 5 };
		const struct span target = { decision.target, decision.target_len };
		const struct span method = { ":method", 7 };

		fields_add(fields, &method, &head->method, NULL);
		fields_add_words(fields, ":scheme", "https");
		(void)snprintf(authority, sizeof authority,
			       http2->site->port == 443 ? "%s" : "%s:%u", http2->site->name,
			       http2->site->port);
		fields_add_words(fields, ":authority", authority);
		site_replacements(stream->exchange.secrets, SECRET_IN_URL, &all);
		fields_add(fields, &path, &target, &all);
		r = add_headers(stream, head, fields);
		add_secret_headers(stream->exchange.secrets, fields);
	}
	if (r == 0)
		r = begin_body(stream, BOX, &stream->exchange.body);
	if (r == 0 && !fields->text.failed) {
		stream->id[SERVER] = nghttp2_submit_request(http2->session[SERVER], NULL, nva,
							    fields_to_nv(fields, nva),
							    is_end ? NULL : &body, stream);
	}
	fields_free(fields);
	if (stream->id[SERVER] <= 0)
		stream_reset(stream, BOX, NGHTTP2_INTERNAL_ERROR);
}

void stream_take_request(struct stream *stream, const struct fields *fields, bool is_end)
{
	static struct http_head head;

	if (!read_request(fields, &head)) {
		site_answer(&decision, 400, "bad request", "pseudo-headers without one meaning");
	} else {
		exchange_begin(&stream->exchange, &head);
		stream->exchange.wants_websocket = false;
		site_decide(stream->http2->site, &head, &decision);
	}
	if (decision.status)
		answer(stream);
	else if (stream->http2->is_server_gone)
		stream_reset(stream, BOX, NGHTTP2_REFUSED_STREAM);
	else
		send_request(stream, &head, is_end);
}

/*** Answers ***/

void stream_take_answer(struct stream *stream, const struct fields *fields, bool is_end)
{
	const struct replacements *echoes = &stream->exchange.echoes;
	nghttp2_session *box = stream->http2->session[BOX];
	nghttp2_data_provider body = { .source.ptr = stream, .read_callback = read_body };
	nghttp2_nv nva[FIELDS_MAX];
	struct fields *out = calloc(1, sizeof *out);
	bool is_interim = false;

	for (size_t i = 0; out && i < fields->len; i++) {
		struct span name = fields_name(fields, i), value = fields_value(fields, i);

		if (span_is(&name, ":status"))
			is_interim = value.len > 0 && value.at[0] == '1';
		if (span_is(&name, "alt-svc") ||
		    (span_is(&name, "content-length") && replacements_change_length(echoes)))
			continue;
		fields_add(out, &name, &value, echoes);
	}
	if (!out || out->text.failed || (!is_interim && begin_body(stream, SERVER, echoes) < 0)) {
		stream_reset(stream, BOX, NGHTTP2_INTERNAL_ERROR);
		stream_reset(stream, SERVER, NGHTTP2_CANCEL);
	} else if (is_interim) {
		(void)nghttp2_submit_headers(box, NGHTTP2_FLAG_NONE, stream->id[BOX], NULL, nva,
					     fields_to_nv(out, nva), NULL);
	} else {
		stream->is_answered = true;
		(void)nghttp2_submit_response(box, stream->id[BOX], nva, fields_to_nv(out, nva),
					      is_end ? NULL : &body);
	}
	fields_free(out);
}

void stream_take_trailers(struct stream *stream, enum http2_side from, const struct fields *came)
{
	struct fields *trailers = calloc(1, sizeof *trailers);

	for (size_t i = 0; trailers && i < came->len; i++) {
		struct span name = fields_name(came, i), value = fields_value(came, i);

		if (name.at[0] != ':' && !span_is(&name, "authorization"))
			fields_add(trailers, &name, &value,
				   from == SERVER ? &stream->exchange.echoes : NULL);
	}
	stream->flow[from].trailers = trailers;
}
