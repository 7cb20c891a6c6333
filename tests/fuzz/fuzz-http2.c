/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as what both ends of an HTTP/2 connection through the gateway send, in any order: the
 * box never gets the value, in no header and no body; the server gets requests for the granted
 * name and allowed paths only; what is left at the end is nothing.
 *
 * An input is pieces: a byte whose highest bit says whose it is (the box's, the server's) and
 * the others how long it is, then that many bytes. The placeholder, which is another each time,
 * stands in it as MARK.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/events.h"
#include "gateway/http2.h"
#include "gateway/http2_stream.h"
#include "gateway/vault.h"

#define HOST  "good.test"
#define VALUE "the-value-of-the-secret-1234567890"
#define MARK  "PLACEHOLDERPLACEHOLDERPLACEHOLDER1"

enum {
	INPUT_BYTES = 32 * 1024,
	BODY_MAX = 1 << 20,
	STREAMS_SEEN = 256,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)fprintf(stderr, "fuzz-http2: %s\n", what);
	abort();
}

/*** One end: what it sends, and a reader of what it gets ***/

struct end {
	struct tls tls;
	const uint8_t *in; /* what it sends next */
	size_t in_len;
	uint8_t *got; /* and what it gets, until that is a frame */
	size_t got_len;
	nghttp2_hd_inflater *inflater;
	char *bodies[STREAMS_SEEN]; /* of streams 1, 3, 5... */
	size_t body_lens[STREAMS_SEEN];
};

static struct end ends[2];

static void check_field(enum http2_side side, const nghttp2_nv *field)
{
	const struct span name = { (const char *)field->name, field->namelen };
	const struct span value = { (const char *)field->value, field->valuelen };

	if (side == BOX) {
		check(!memmem(value.at, value.len, VALUE, strlen(VALUE)),
		      "the box gets the value in a header");
		return;
	}
	if (span_is(&name, ":authority"))
		check(span_is(&value, HOST), "a request for another host");
	if (span_is(&name, ":path"))
		check(value.len >= 4 && memcmp(value.at, "/ok/", 4) == 0,
		      "a path that no rule allows");
	check(!span_is(&name, "host"), "two names of the host");
}

static void read_head(enum http2_side side, const uint8_t *bytes, size_t len, bool is_last)
{
	struct end *end = &ends[side];

	for (;;) {
		nghttp2_nv field;
		int flags = 0;
		ssize_t n =
			nghttp2_hd_inflate_hd2(end->inflater, &field, &flags, bytes, len, is_last);

		check(n >= 0, "a head that nobody can read");
		bytes += n;
		len -= (size_t)n;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			check_field(side, &field);
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			check(nghttp2_hd_inflate_end_headers(end->inflater) == 0, "no end");
		if (flags & NGHTTP2_HD_INFLATE_FINAL ||
		    (!(flags & NGHTTP2_HD_INFLATE_EMIT) && len == 0))
			return;
	}
}

static void read_body(struct end *end, uint32_t id, const uint8_t *bytes, size_t len)
{
	char **body = &end->bodies[id / 2 % STREAMS_SEEN];
	size_t *body_len = &end->body_lens[id / 2 % STREAMS_SEEN];

	check(*body_len + len <= BODY_MAX, "more than ever came");
	*body = realloc(*body, *body_len + len + 1);
	check(*body, "no memory");
	memcpy(*body + *body_len, bytes, len);
	*body_len += len;
	check(end != &ends[BOX] || !memmem(*body, *body_len, VALUE, strlen(VALUE)),
	      "the box gets the value in a body");
}

static void read_frame(enum http2_side side, const uint8_t *frame, size_t len)
{
	uint32_t id = (uint32_t)frame[5] << 24 | (uint32_t)frame[6] << 16 |
		      (uint32_t)frame[7] << 8 | frame[8];
	bool is_last = frame[4] & NGHTTP2_FLAG_END_HEADERS;

	/* What the gateway sends has neither padding nor priorities. */
	if (frame[3] == NGHTTP2_DATA)
		read_body(&ends[side], id, frame + 9, len - 9);
	if (frame[3] == NGHTTP2_HEADERS || frame[3] == NGHTTP2_CONTINUATION)
		read_head(side, frame + 9, len - 9, is_last);
}

static void read_frames(enum http2_side side)
{
	static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	struct end *end = &ends[side];
	const uint8_t *at = end->got;
	size_t left = end->got_len;

	if (left >= sizeof magic - 1 && memcmp(at, magic, sizeof magic - 1) == 0) {
		at += sizeof magic - 1;
		left -= sizeof magic - 1;
	}
	while (left >= 9) {
		size_t len = 9 + ((size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2]);

		if (left < len)
			break;
		read_frame(side, at, len);
		at += len;
		left -= len;
	}
	memmove(end->got, at, left);
	end->got_len = left;
}

/*** tls.h, without TLS ***/

static enum http2_side side_of(const struct tls *tls)
{
	return tls == &ends[BOX].tls ? BOX : SERVER;
}

ssize_t tls_read(struct tls *tls, char *bytes, size_t size)
{
	struct end *end = &ends[side_of(tls)];
	size_t n = end->in_len < size ? end->in_len : size;

	if (n == 0)
		return tls->has_ended ? 0 : -EAGAIN;
	memcpy(bytes, end->in, n);
	end->in += n;
	end->in_len -= n;
	return (ssize_t)n;
}

void tls_write(struct tls *tls, const char *bytes, size_t len)
{
	struct end *end = &ends[side_of(tls)];

	end->got = realloc(end->got, end->got_len + len + 1);
	check(end->got, "no memory");
	memcpy(end->got + end->got_len, bytes, len);
	end->got_len += len;
	read_frames(side_of(tls));
}

void tls_flush(struct tls *tls)
{
	(void)tls;
}

size_t tls_pending(const struct tls *tls)
{
	(void)tls;
	return 0;
}

/*** What else the gateway's process has ***/

struct vault *vault;

char *vault_take(size_t len)
{
	char *taken = vault->values + vault->used;

	vault->used += len;
	return taken;
}

void event_refused(enum refusal_kind kind, const char *what, const char *grant, const char *why)
{
	(void)kind;
	(void)grant;
	(void)why;
	check(!strstr(what, VALUE), "the value in a refusal");
}

void event_secret(const char *secret, const char *where)
{
	(void)secret;
	(void)where;
}

static void open_sites(void)
{
	static const char *const values[] = { VALUE };
	static const size_t lens[] = { sizeof VALUE - 1 };
	static char name[] = HOST;
	static struct host_grant host = {
		.kind = HOST_NAME, .name = name, .ports = { { 443, 443 } }, .ports_len = 1
	};
	static struct secret secret = { .name = "TOKEN",
					.shown = "env:TOKEN",
					.prefix = "",
					.header = "X-Added: a {} b",
					.places = SECRET_IN_URL | SECRET_IN_BODY,
					.hosts = { &host, 1 } };
	static struct http_rule rule = { .method = "*", .path = "/ok/*" };
	static struct plan_gateway plan = {
		.secrets = &secret, .secrets_len = 1, .rules = &rule, .rules_len = 1
	};

	rule.host = host;
	vault = calloc(1, sizeof *vault);
	check(vault && sites_open(&plan, values, lens) == 0, "no sites");
	check(strlen(sites_placeholder(0)) == strlen(MARK), "a placeholder of another length");
}

/*** Inputs ***/

static void run(struct http2 *http2, bool *is_over)
{
	bool more = true;

	for (int i = 0; i < 64 && more && !*is_over; i++)
		*is_over = !http2_run(http2, &more);
}

static void feed(struct http2 *http2, const uint8_t *data, size_t size, bool *is_over)
{
	while (size > 0 && !*is_over) {
		size_t len = data[0] & 127;
		struct end *end = &ends[data[0] & 128 ? SERVER : BOX];

		data++;
		size--;
		len = len < size ? len : size;
		if (end == &ends[BOX] && memmem(data, len, VALUE, strlen(VALUE)))
			break; /* it has it already */
		end->in = data;
		end->in_len = len;
		data += len;
		size -= len;
		run(http2, is_over);
	}
	/* First the server goes, then the box. */
	ends[SERVER].tls.has_ended = true;
	if (!*is_over)
		run(http2, is_over);
	ends[BOX].tls.has_ended = true;
	if (!*is_over)
		run(http2, is_over);
	check(*is_over, "a connection without ends that goes on");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is_over = false;

	if (size > INPUT_BYTES)
		return 0;
	if (!vault)
		open_sites();
	uint8_t *copy = malloc(size ? size : 1), *at;
	check(copy, "no memory");
	if (size)
		memcpy(copy, data, size);
	while ((at = memmem(copy, size, MARK, strlen(MARK))))
		memcpy(at, sites_placeholder(0), strlen(MARK));
	memset(ends, 0, sizeof ends);
	for (int side = BOX; side <= SERVER; side++)
		check(nghttp2_hd_inflate_new(&ends[side].inflater) == 0, "no memory");
	struct http2 *http2 = http2_start(site_get(HOST, 443), &ends[BOX].tls, &ends[SERVER].tls);
	check(http2, "no memory");
	feed(http2, copy, size, &is_over);
	http2_free(http2);
	for (int side = BOX; side <= SERVER; side++) {
		nghttp2_hd_inflate_del(ends[side].inflater);
		free(ends[side].got);
		for (size_t i = 0; i < STREAMS_SEEN; i++)
			free(ends[side].bodies[i]);
	}
	free(copy);
	return 0;
}
