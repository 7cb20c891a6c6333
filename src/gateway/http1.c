/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP/1 as bytes: see http1.h. */
#include "gateway/http1.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
	CHUNK_LINE_MAX = 256, /* a size and its extensions */
	SIZE_DIGITS_MAX = 15,
	LENGTH_DIGITS_MAX = 18,
};

/*** Spans ***/

bool span_is(const struct span *span, const char *text)
{
	return strlen(text) == span->len && memcmp(span->at, text, span->len) == 0;
}

bool span_is_word(const struct span *span, const char *text)
{
	return strlen(text) == span->len && strncasecmp(span->at, text, span->len) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trim(const char *at, size_t len)
{
	while (len > 0 && is_blank(at[len - 1]))
		len--;
	while (len > 0 && is_blank(*at)) {
		at++;
		len--;
	}
	return (struct span){ at, len };
}

bool span_has_item(const struct span *list, const char *text)
{
	const char *at = list->at, *end = list->at + list->len;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *to = comma ? comma : end;
		struct span item = trim(at, (size_t)(to - at));

		if (span_is_word(&item, text))
			return true;
		at = comma ? comma + 1 : end;
	}
	return false;
}

/*** Characters (RFC 9110, section 5) ***/

static bool is_token_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const struct span *span)
{
	for (size_t i = 0; i < span->len; i++) {
		if (!is_token_char((unsigned char)span->at[i]))
			return false;
	}
	return span->len > 0;
}

/* A value's: everything but control characters, and the tab. */
static bool is_text(const struct span *span)
{
	for (size_t i = 0; i < span->len; i++) {
		unsigned char c = (unsigned char)span->at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* A target's: what is printed, and nothing that some server decodes as a letter. */
static bool is_target(const struct span *span)
{
	for (size_t i = 0; i < span->len; i++) {
		unsigned char c = (unsigned char)span->at[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}#", c))
			return false;
	}
	return span->len > 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/*** Lines ***/

/* One line that ends in CRLF: its length with that, 0: more has to come, or -EINVAL. */
static ssize_t read_line(const char *bytes, size_t len, struct span *ret_line, const char **ret_why)
{
	const char *end = memchr(bytes, '\n', len);
	size_t n = end ? (size_t)(end - bytes) : len;

	/* A CR may only stand before the LF, which may be still to come. */
	const char *cr = memchr(bytes, '\r', n);
	if (cr && (end ? cr != end - 1 : cr != bytes + len - 1)) {
		*ret_why = "a CR without LF";
		return -EINVAL;
	}
	if (!end)
		return 0;
	if (!cr) {
		*ret_why = "a line that ends in LF without CR";
		return -EINVAL;
	}
	*ret_line = (struct span){ bytes, n - 1 };
	return (ssize_t)n + 1;
}

static const char *read_header(const struct span *line, struct http_header *ret_header)
{
	const char *colon = memchr(line->at, ':', line->len);

	if (is_blank(line->at[0]))
		return "a folded header";
	if (!colon)
		return "a header without a colon";
	ret_header->name = (struct span){ line->at, (size_t)(colon - line->at) };
	if (!is_token(&ret_header->name))
		return "a header's name that is none";
	ret_header->value = trim(colon + 1, line->len - (size_t)(colon + 1 - line->at));
	return is_text(&ret_header->value) ? NULL : "a control character in a header";
}

ssize_t http_trailers_parse(const char *bytes, size_t len, struct http_head *ret_head,
			    const char **ret_why)
{
	size_t at = 0;

	ret_head->headers_len = 0;
	for (;;) {
		struct span line;
		ssize_t n = read_line(bytes + at, len - at, &line, ret_why);

		if (n <= 0) {
			if (n == 0 && len >= HTTP_HEAD_MAX)
				n = -E2BIG;
			return n;
		}
		at += (size_t)n;
		if (at > HTTP_HEAD_MAX)
			return -E2BIG;
		if (line.len == 0)
			return (ssize_t)at;
		if (ret_head->headers_len == HTTP_HEADERS_MAX)
			return -E2BIG;
		*ret_why = read_header(&line, &ret_head->headers[ret_head->headers_len++]);
		if (*ret_why)
			return -EINVAL;
	}
}

/*** Framing ***/

static const char *read_length(const struct span *value, struct http_head *head)
{
	if (head->body == BODY_LENGTH)
		return "two Content-Length headers";
	if (value->len == 0 || value->len > LENGTH_DIGITS_MAX)
		return "a Content-Length that is no number";
	head->length = 0;
	for (size_t i = 0; i < value->len; i++) {
		if (value->at[i] < '0' || value->at[i] > '9')
			return "a Content-Length that is no number";
		head->length = head->length * 10 + (uint64_t)(value->at[i] - '0');
	}
	head->body = BODY_LENGTH;
	return NULL;
}

static const char *read_framing(struct http_head *head)
{
	bool is_chunked = false, is_keep_alive = false, has_upgrade = false, is_websocket = false;

	head->body = BODY_NONE;
	for (size_t i = 0; i < head->headers_len; i++) {
		const struct span *name = &head->headers[i].name;
		const struct span *value = &head->headers[i].value;
		const char *why = NULL;

		if (span_is_word(name, "content-length")) {
			why = read_length(value, head);
		} else if (span_is_word(name, "transfer-encoding")) {
			if (is_chunked || !span_is_word(value, "chunked"))
				why = "a Transfer-Encoding other than chunked";
			is_chunked = true;
		} else if (span_is_word(name, "host")) {
			if (head->host.at)
				why = "two Host headers";
			head->host = *value;
		} else if (span_is_word(name, "connection")) {
			head->is_last |= span_has_item(value, "close");
			is_keep_alive |= span_has_item(value, "keep-alive");
			has_upgrade |= span_has_item(value, "upgrade");
		} else if (span_is_word(name, "upgrade")) {
			is_websocket |= span_is_word(value, "websocket");
		}
		if (why)
			return why;
	}
	if (is_chunked && head->body == BODY_LENGTH)
		return "Content-Length beside Transfer-Encoding";
	if (is_chunked && head->minor == 0)
		return "Transfer-Encoding in HTTP/1.0";
	if (is_chunked)
		head->body = BODY_CHUNKED;
	head->is_last |= head->minor == 0 && !is_keep_alive;
	head->wants_websocket = has_upgrade && is_websocket;
	return NULL;
}

/*** Heads ***/

static bool read_version(const struct span *text, int *ret_minor)
{
	if (!span_is(text, "HTTP/1.1") && !span_is(text, "HTTP/1.0"))
		return false;
	*ret_minor = text->at[7] - '0';
	return true;
}

bool http_target_is_one(const struct http_head *head)
{
	if (!is_token(&head->method) || span_is(&head->method, "CONNECT") ||
	    !is_target(&head->target))
		return false;
	return head->target.at[0] == '/' ||
	       (span_is(&head->target, "*") && span_is(&head->method, "OPTIONS"));
}

static const char *read_request_line(const struct span *line, struct http_head *head)
{
	const char *end = line->at + line->len;
	const char *first = memchr(line->at, ' ', line->len);
	const char *second = first ? memchr(first + 1, ' ', (size_t)(end - first - 1)) : NULL;

	if (!second)
		return "a request line that is none";
	head->method = (struct span){ line->at, (size_t)(first - line->at) };
	head->target = (struct span){ first + 1, (size_t)(second - first - 1) };
	const struct span version = { second + 1, (size_t)(end - second - 1) };
	if (!is_token(&head->method))
		return "a method that is none";
	if (!read_version(&version, &head->minor))
		return "a version other than HTTP/1.0 and HTTP/1.1";
	if (span_is(&head->method, "CONNECT"))
		return "CONNECT, which is for proxies";
	return http_target_is_one(head) ? NULL : "a request target that is no path";
}

/* A first line, headers and what they say of framing: as http_request_parse(). */
static ssize_t read_head(const char *bytes, size_t len,
			 const char *(*read_first)(const struct span *line, struct http_head *head),
			 struct http_head *ret_head, const char **ret_why)
{
	struct span line;
	ssize_t n = read_line(bytes, len, &line, ret_why), rest;

	*ret_head = (struct http_head){ 0 };
	if (n <= 0)
		return n == 0 && len >= HTTP_HEAD_MAX ? -E2BIG : n;
	*ret_why = read_first(&line, ret_head);
	if (*ret_why)
		return -EINVAL;
	rest = http_trailers_parse(bytes + n, len - (size_t)n, ret_head, ret_why);
	if (rest <= 0)
		return rest == 0 && len >= HTTP_HEAD_MAX ? -E2BIG : rest;
	*ret_why = read_framing(ret_head);
	return *ret_why ? -EINVAL : n + rest;
}

ssize_t http_request_parse(const char *bytes, size_t len, struct http_head *ret_head,
			   const char **ret_why)
{
	ssize_t n = read_head(bytes, len, read_request_line, ret_head, ret_why);

	if (n <= 0 || ret_head->host.at || ret_head->minor == 0)
		return n;
	*ret_why = "no Host header";
	return -EINVAL;
}

static const char *read_status_line(const struct span *line, struct http_head *head)
{
	const struct span version = { line->at, 8 };

	/* Some servers leave out the blank before an empty reason. */
	if (line->len < 12 || line->at[8] != ' ' || !read_version(&version, &head->minor) ||
	    (line->len > 12 && line->at[12] != ' '))
		return "a status line that is none";
	for (size_t i = 9; i < 12; i++) {
		if (line->at[i] < '0' || line->at[i] > '9')
			return "a status that is no number";
		head->status = head->status * 10 + (line->at[i] - '0');
	}
	if (head->status < 100)
		return "a status that is none";
	if (line->len > 13)
		head->reason = (struct span){ line->at + 13, line->len - 13 };
	return is_text(&head->reason) ? NULL : "a control character in the reason";
}

ssize_t http_response_parse(const char *bytes, size_t len, const char *method,
			    struct http_head *ret_head, const char **ret_why)
{
	ssize_t n = read_head(bytes, len, read_status_line, ret_head, ret_why);

	if (n <= 0)
		return n;
	/* RFC 9112, section 6.3 */
	if (strcmp(method, "HEAD") == 0 || ret_head->status < 200 || ret_head->status == 204 ||
	    ret_head->status == 304) {
		ret_head->body = BODY_NONE;
	} else if (ret_head->body == BODY_NONE) {
		ret_head->body = BODY_TO_END;
		ret_head->is_last = true;
	}
	return n;
}

/*** Bodies ***/

void http_reader_init(struct http_reader *reader, const struct http_head *head)
{
	*reader = (struct http_reader){ .body = head->body };
	if (head->body == BODY_LENGTH)
		reader->left = head->length;
	reader->is_done =
		head->body == BODY_NONE || (head->body == BODY_LENGTH && head->length == 0);
}

static ssize_t read_size(struct http_reader *reader, const char *bytes, size_t len,
			 const char **ret_why)
{
	struct span line;
	ssize_t n = read_line(bytes, len, &line, ret_why);
	size_t digits = 0;

	if (n < 0)
		return n;
	if (n == 0 && len < CHUNK_LINE_MAX)
		return 0;
	*ret_why = "a chunk's size that is none";
	if (n == 0 || n > CHUNK_LINE_MAX || !is_text(&line))
		return -EINVAL;
	reader->left = 0;
	while (digits < line.len && hex_digit(line.at[digits]) >= 0) {
		if (digits == SIZE_DIGITS_MAX)
			return -EINVAL;
		reader->left = reader->left * 16 + (uint64_t)hex_digit(line.at[digits++]);
	}
	if (digits == 0 || (digits < line.len && line.at[digits] != ';'))
		return -EINVAL;
	*ret_why = NULL;
	reader->state = reader->left ? CHUNK_DATA : CHUNK_TRAILERS;
	return n;
}

static ssize_t read_data(struct http_reader *reader, const char *bytes, size_t len,
			 struct span *ret_data)
{
	size_t n = reader->left < len ? (size_t)reader->left : len;

	*ret_data = (struct span){ bytes, n };
	reader->left -= n;
	return (ssize_t)n;
}

static ssize_t read_chunk_end(struct http_reader *reader, const char *bytes, size_t len,
			      const char **ret_why)
{
	if (bytes[0] != '\r' || (len > 1 && bytes[1] != '\n')) {
		*ret_why = "a chunk that is longer than its size";
		return -EINVAL;
	}
	if (len < 2)
		return 0;
	reader->state = CHUNK_SIZE;
	return 2;
}

ssize_t http_reader_next(struct http_reader *reader, const char *bytes, size_t len,
			 struct span *ret_data, struct http_head *ret_trailers,
			 const char **ret_why)
{
	ssize_t n;

	*ret_data = (struct span){ bytes, 0 };
	ret_trailers->headers_len = 0;
	if (len == 0 || reader->is_done)
		return 0;
	if (reader->body == BODY_TO_END) {
		*ret_data = (struct span){ bytes, len };
		return (ssize_t)len;
	}
	if (reader->body == BODY_LENGTH) {
		n = read_data(reader, bytes, len, ret_data);
		reader->is_done = reader->left == 0;
		return n;
	}
	switch (reader->state) {
	case CHUNK_SIZE:
		return read_size(reader, bytes, len, ret_why);
	case CHUNK_DATA:
		n = read_data(reader, bytes, len, ret_data);
		if (reader->left == 0)
			reader->state = CHUNK_END;
		return n;
	case CHUNK_END:
		return read_chunk_end(reader, bytes, len, ret_why);
	case CHUNK_TRAILERS:
		n = http_trailers_parse(bytes, len, ret_trailers, ret_why);
		reader->is_done = n > 0;
		return n;
	}
	return -EINVAL;
}
