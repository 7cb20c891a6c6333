/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests and answers on their way out: see message.h. */
#include "gateway/message.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/basic.h"
#include "gateway/vault.h"

enum {
	CHUNK_ROOM = 8, /* for a chunk's size before its bytes */
	OUT_ROOM = VAULT_OUT - CHUNK_ROOM - 2,
};

/*** Bytes out ***/

/* What is gathered in the vault goes out in one piece. */
static void flush_text(struct tls *tls)
{
	tls_write(tls, vault->out + CHUNK_ROOM, vault->out_len);
	vault->out_len = 0;
}

static void flush_chunk(struct tls *tls)
{
	char size[CHUNK_ROOM + 1];
	char *at = vault->out + CHUNK_ROOM;

	if (vault->out_len == 0)
		return;
	int n = snprintf(size, sizeof size, "%zx\r\n", vault->out_len);
	memcpy(at - n, size, (size_t)n);
	memcpy(at + vault->out_len, "\r\n", 2);
	tls_write(tls, at - n, (size_t)n + vault->out_len + 2);
	vault->out_len = 0;
}

static void gather(struct tls *tls, const char *bytes, size_t len, void (*flush)(struct tls *))
{
	while (len > 0) {
		size_t room = OUT_ROOM - vault->out_len;
		size_t n = len < room ? len : room;

		memcpy(vault->out + CHUNK_ROOM + vault->out_len, bytes, n);
		vault->out_len += n;
		bytes += n;
		len -= n;
		if (vault->out_len == OUT_ROOM)
			flush(tls);
	}
}

/* A replace_sink; context is the struct tls. */
static void put_bytes(void *context, const char *bytes, size_t len)
{
	gather(context, bytes, len, flush_text);
}

static void put(struct tls *tls, const char *text)
{
	put_bytes(tls, text, strlen(text));
}

static void put_span(struct tls *tls, const struct span *span)
{
	put_bytes(tls, span->at, span->len);
}

static void put_number(struct tls *tls, const char *before, uint64_t number)
{
	char text[96];

	(void)snprintf(text, sizeof text, "%s%llu\r\n", before, (unsigned long long)number);
	put(tls, text);
}

static void put_header(struct tls *tls, const struct http_header *header,
		       const struct replacements *all)
{
	put_span(tls, &header->name);
	put(tls, ": ");
	(void)replace_text(all, header->value.at, header->value.len, put_bytes, tls);
	put(tls, "\r\n");
}

/*** Headers ***/

/* Which are about one connection, or are written anew. */
static bool is_own(const struct http_header *header)
{
	static const char *const names[] = {
		"connection", "keep-alive",	   "proxy-connection", "proxy-authorization", "te",
		"upgrade",    "transfer-encoding", "content-length",   "http2-settings",      "host"
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (span_is_word(&header->name, names[i]))
			return true;
	}
	return false;
}

/* Whether a Connection header says that it is not for the next server. */
static bool is_nominated(const struct http_head *head, const struct span *name)
{
	char text[64];

	if (name->len >= sizeof text)
		return false;
	memcpy(text, name->at, name->len);
	text[name->len] = '\0';
	for (size_t i = 0; i < head->headers_len; i++) {
		if (span_is_word(&head->headers[i].name, "connection") &&
		    span_has_item(&head->headers[i].value, text))
			return true;
	}
	return false;
}

/* Whether a secret's own header takes its place. */
bool message_is_replaced(uint64_t secrets, const struct span *header)
{
	struct span name, value;
	const char *before, *after;

	for (size_t i = 0; site_added_header(secrets, i, &name, &before, &value, &after); i++) {
		if (name.len == header->len && strncasecmp(name.at, header->at, name.len) == 0)
			return true;
	}
	return false;
}

static void put_added(struct tls *tls, uint64_t secrets)
{
	struct span name, value;
	const char *before, *after;

	for (size_t i = 0; site_added_header(secrets, i, &name, &before, &value, &after); i++) {
		put_span(tls, &name);
		put(tls, ": ");
		put_bytes(tls, before, (size_t)(after - 2 - before));
		put_span(tls, &value);
		put(tls, after);
		put(tls, "\r\n");
	}
}

/*** Basic credentials ***/

struct growing {
	char *at;
	size_t len;
	size_t room;
};

static void grow(void *context, const char *bytes, size_t len)
{
	struct growing *text = context;

	if (len > text->room - text->len) {
		text->len = text->room; /* taken as an error below */
		return;
	}
	memcpy(text->at + text->len, bytes, len);
	text->len += len;
}

/* What was sent is looked for in the answer: it says as much as the value. */
static int note_basic(struct exchange *exchange, char *sent, size_t sent_len,
		      const struct span *came)
{
	const struct replacements *all = sites_echoes();
	struct replacement *items = calloc(all->len + 1, sizeof *items);
	char *both = items ? OPENSSL_secure_malloc(sent_len + came->len) : NULL;

	if (!both) {
		free(items);
		return -ENOMEM;
	}
	memcpy(both, sent, sent_len);
	memcpy(both + sent_len, came->at, came->len);
	memcpy(items, all->items, all->len * sizeof *items);
	items[all->len] = (struct replacement){ both, sent_len, both + sent_len, came->len };
	exchange->basic = both;
	exchange->own_echo = items;
	exchange->echoes = (struct replacements){ items, all->len + 1 };
	return 0;
}

int exchange_basic(struct exchange *exchange, const struct http_header *header,
		   const struct replacements *all, struct span *ret_value)
{
	static const char scheme[] = "Basic ";
	const size_t scheme_len = sizeof scheme - 1;
	static char decoded[BASIC_MAX]; /* the box's own words */
	struct growing text = { .at = vault->work, .room = REPLACE_WORK / 3 };
	char *encoded = vault->work + REPLACE_WORK / 3;
	struct span came = header->value;
	size_t len;

	if (exchange->basic || !basic_decode(header, decoded, &len) ||
	    !replace_text(all, decoded, len, grow, &text) || text.len == text.room)
		return 0;
	came.at += scheme_len;
	came.len -= scheme_len;
	memcpy(encoded, scheme, scheme_len);
	*ret_value = (struct span){ encoded, scheme_len + basic_encoded_len(text.len) };
	basic_encode(text.at, text.len, encoded + scheme_len);
	int r = note_basic(exchange, encoded + scheme_len, ret_value->len - scheme_len, &came);
	return r < 0 ? r : 1;
}

/*** Exchanges ***/

void exchange_begin(struct exchange *exchange, const struct http_head *head)
{
	size_t len = head->method.len < sizeof exchange->method ? head->method.len
								: sizeof exchange->method - 1;

	exchange_release(exchange);
	memcpy(exchange->method, head->method.at, len);
	exchange->method[len] = '\0';
	exchange->minor = head->minor;
	exchange->wants_websocket =
		head->wants_websocket && head->minor == 1 && span_is(&head->method, "GET");
	exchange->echoes = *sites_echoes();
}

int exchange_decide(struct exchange *exchange, const struct request_plan *plan)
{
	struct replacements all;

	exchange->secrets = plan->secrets;
	site_replacements(exchange->secrets, SECRET_IN_BODY, &all);
	if (all.len == 0)
		return 0;
	/* its items are the next caller's too */
	exchange->body.items = calloc(all.len, sizeof *all.items);
	if (!exchange->body.items)
		return -ENOMEM;
	memcpy(exchange->body.items, all.items, all.len * sizeof *all.items);
	exchange->body.len = all.len;
	return 0;
}

void exchange_release(struct exchange *exchange)
{
	OPENSSL_secure_free(exchange->basic);
	free(exchange->own_echo);
	free(exchange->body.items);
	*exchange = (struct exchange){ 0 };
}

bool replacements_change_length(const struct replacements *all)
{
	bool changes = false;

	for (size_t i = 0; i < all->len; i++)
		changes |= all->items[i].from_len != all->items[i].to_len;
	return changes;
}

/*** Bodies ***/

static void put_body(void *context, const char *bytes, size_t len)
{
	struct body_writer *writer = context;

	gather(writer->tls, bytes, len, writer->is_chunked ? flush_chunk : flush_text);
}

static void flush_body(struct body_writer *writer)
{
	if (writer->is_chunked)
		flush_chunk(writer->tls);
	else
		flush_text(writer->tls);
}

void body_writer_put(struct body_writer *writer, const char *bytes, size_t len)
{
	if (len == 0)
		return;
	if (!writer->is_replacing && !writer->is_chunked) {
		tls_write(writer->tls, bytes, len);
		return;
	}
	for (size_t n; len > 0; bytes += n, len -= n) {
		n = len < REPLACE_PIECE ? len : REPLACE_PIECE;
		if (writer->is_replacing)
			replacer_feed(&writer->replacer, bytes, n, false, vault->work, put_body,
				      writer);
		else
			put_body(writer, bytes, n);
	}
	flush_body(writer);
}

static void put_trailers(struct body_writer *writer, const struct http_head *trailers)
{
	static const struct replacements none;
	const struct replacements *all = writer->is_replacing ? writer->replacer.all : &none;

	put(writer->tls, "0\r\n");
	for (size_t i = 0; trailers && i < trailers->headers_len; i++) {
		if (!is_own(&trailers->headers[i]) &&
		    !span_is_word(&trailers->headers[i].name, "authorization"))
			put_header(writer->tls, &trailers->headers[i], all);
	}
	put(writer->tls, "\r\n");
	flush_text(writer->tls);
}

void body_writer_end(struct body_writer *writer, const struct http_head *trailers)
{
	if (writer->is_replacing) {
		replacer_feed(&writer->replacer, "", 0, true, vault->work, put_body, writer);
		flush_body(writer);
	}
	if (writer->is_chunked)
		put_trailers(writer, trailers);
	body_writer_release(writer);
}

void body_writer_release(struct body_writer *writer)
{
	OPENSSL_secure_free(writer->replacer.held);
	*writer = (struct body_writer){ 0 };
}

static int body_writer_init(struct body_writer *writer, struct tls *tls, bool is_chunked,
			    const struct replacements *all)
{
	body_writer_release(writer);
	*writer = (struct body_writer){ .tls = tls,
					.is_chunked = is_chunked,
					.is_replacing = all->len > 0,
					.replacer.all = all };
	if (!writer->is_replacing)
		return 0;
	writer->replacer.held = OPENSSL_secure_malloc(replacer_room(all));
	return writer->replacer.held ? 0 : -ENOMEM;
}

/*** Requests ***/

static int put_request_headers(struct tls *tls, struct exchange *exchange,
			       const struct http_head *head)
{
	static const struct replacements none;
	struct replacements all;
	struct http_header encoded;
	bool has_secrets = sites_echoes()->len > 0;
	int r;

	site_replacements(exchange->secrets, 0, &all);
	for (size_t i = 0; i < head->headers_len; i++) {
		const struct http_header *header = &head->headers[i];

		if (is_own(header) || is_nominated(head, &header->name) ||
		    message_is_replaced(exchange->secrets, &header->name) ||
		    (has_secrets && span_is_word(&header->name, "accept-encoding")) ||
		    (span_is_word(&header->name, "expect") &&
		     !span_is_word(&header->value, "100-continue")))
			continue;
		r = exchange_basic(exchange, header, &all, &encoded.value);
		if (r < 0)
			return r;
		encoded.name = header->name;
		put_header(tls, r ? &encoded : header, r ? &none : &all);
	}
	put_added(tls, exchange->secrets);
	/* What is compressed cannot be looked through for what must not come back. */
	if (has_secrets)
		put(tls, "Accept-Encoding: identity\r\n");
	return 0;
}

int message_request(struct tls *tls, struct exchange *exchange, const struct http_head *head,
		    const struct request_plan *plan, const struct site *site,
		    struct body_writer *writer)
{
	struct replacements all;

	int r = exchange_decide(exchange, plan);
	if (r < 0)
		return r;
	put_span(tls, &head->method);
	put(tls, " ");
	site_replacements(plan->secrets, SECRET_IN_URL, &all);
	(void)replace_text(&all, plan->target, plan->target_len, put_bytes, tls);
	put(tls, " HTTP/1.1\r\nHost: ");
	put(tls, site->name);
	if (site->port != 443)
		put_number(tls, ":", site->port);
	else
		put(tls, "\r\n");
	r = put_request_headers(tls, exchange, head);
	bool is_chunked =
		head->body == BODY_CHUNKED || (head->body == BODY_LENGTH && head->length > 0 &&
					       replacements_change_length(&exchange->body));
	if (is_chunked)
		put(tls, "Transfer-Encoding: chunked\r\n");
	else if (head->body == BODY_LENGTH)
		put_number(tls, "Content-Length: ", head->length);
	if (exchange->wants_websocket)
		put(tls, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	else if (head->is_last)
		put(tls, "Connection: close\r\n");
	put(tls, "\r\n");
	flush_text(tls);
	return r < 0 ? r : body_writer_init(writer, tls, is_chunked, &exchange->body);
}

/*** Answers ***/

/* Its length stays known where there is no body: of an answer to HEAD, or 304. */
static void put_known_length(struct tls *tls, const struct http_head *head)
{
	static const struct replacements none;

	for (size_t i = 0; i < head->headers_len; i++) {
		if (span_is_word(&head->headers[i].name, "content-length"))
			put_header(tls, &head->headers[i], &none);
	}
}

/* Whether its body goes out in chunks. */
static bool put_framing(struct tls *tls, const struct exchange *exchange,
			const struct http_head *head, bool *is_last)
{
	bool changes = replacements_change_length(&exchange->echoes);

	if (head->body == BODY_NONE) {
		if (head->status >= 200 && head->status != 204 && !changes)
			put_known_length(tls, head);
		return false;
	}
	if (head->body == BODY_LENGTH && (!changes || head->length == 0)) {
		put_number(tls, "Content-Length: ", head->length);
		return false;
	}
	if (exchange->minor == 0) {
		*is_last = true;
		return false;
	}
	put(tls, "Transfer-Encoding: chunked\r\n");
	return true;
}

int message_response(struct tls *tls, struct exchange *exchange, const struct http_head *head,
		     bool *is_last, struct body_writer *writer)
{
	char status[32];

	if (head->status < 200 && exchange->minor == 0)
		return 0; /* HTTP/1.0 has none */
	(void)snprintf(status, sizeof status, "HTTP/1.1 %03d ", head->status);
	put(tls, status);
	(void)replace_text(&exchange->echoes, head->reason.at, head->reason.len, put_bytes, tls);
	put(tls, "\r\n");
	for (size_t i = 0; i < head->headers_len; i++) {
		const struct http_header *header = &head->headers[i];

		/* Another way to the server would not lead through here. */
		if (!is_own(header) && !is_nominated(head, &header->name) &&
		    !span_is_word(&header->name, "alt-svc"))
			put_header(tls, header, &exchange->echoes);
	}
	bool is_chunked = put_framing(tls, exchange, head, is_last);
	if (head->status == 101)
		put(tls, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	else if (*is_last)
		put(tls, "Connection: close\r\n");
	else if (exchange->minor == 0)
		put(tls, "Connection: keep-alive\r\n");
	put(tls, "\r\n");
	flush_text(tls);
	return body_writer_init(writer, tls, is_chunked, &exchange->echoes);
}

static const char *reason_of(int status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return "Bad Gateway";
	}
}

void message_answer(struct tls *tls, int status, const char *json, bool is_last, bool is_head)
{
	char line[64];

	(void)snprintf(line, sizeof line, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
	put(tls, line);
	put(tls, "Content-Type: application/json\r\nCache-Control: no-store\r\n");
	put_number(tls, "Content-Length: ", strlen(json));
	put(tls, is_last ? "Connection: close\r\n\r\n" : "\r\n");
	if (!is_head)
		put(tls, json);
	flush_text(tls);
}
