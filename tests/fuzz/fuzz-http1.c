/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as an HTTP/1 request, an answer and their bodies: what was decided once stays so when
 * more bytes come, what goes on has no byte that could end a line, and a body is the same however
 * it is cut. Also as a path: its one spelling has no other.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http1.h"
#include "policy/http_rules.h"

enum {
	INPUT_BYTES = 8 * 1024,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)fprintf(stderr, "fuzz-http1: %s\n", what);
	abort();
}

static void check_line(const struct span *span)
{
	for (size_t i = 0; i < span->len; i++)
		check(span->at[i] != '\r' && span->at[i] != '\n' && span->at[i],
		      "a text that would end a line");
}

static void check_head(const struct http_head *head)
{
	check_line(&head->method);
	check_line(&head->target);
	check_line(&head->reason);
	for (size_t i = 0; i < head->headers_len; i++) {
		check_line(&head->headers[i].name);
		check_line(&head->headers[i].value);
		check(head->headers[i].name.len > 0, "a header without a name");
	}
}

/* A body in pieces of this size: its sum, or -1. */
static long read_body(const struct http_head *head, const char *bytes, size_t size, size_t piece,
		      size_t *ret_used)
{
	static struct http_head trailers;
	struct http_reader reader;
	size_t at = 0, have = 0;
	long sum = 0;

	trailers.headers_len = 0;
	http_reader_init(&reader, head);
	while (!reader.is_done) {
		const char *why = NULL;
		struct span body;
		ssize_t n =
			http_reader_next(&reader, bytes + at, have - at, &body, &trailers, &why);

		if (n < 0)
			return -1;
		if (n == 0 && have == size)
			break;
		if (n == 0)
			have = have + piece < size ? have + piece : size;
		check(at + (size_t)n <= have, "more bytes than there were");
		for (size_t i = 0; i < body.len; i++)
			sum = (sum * 31 + (unsigned char)body.at[i]) & 0xffffff;
		at += (size_t)n;
	}
	check_head(&trailers);
	*ret_used = at;
	return sum;
}

static void check_path(const struct span *target)
{
	char *sent = malloc(target->len + 1), *matched = malloc(target->len + 1);
	char *again = malloc(target->len + 1), *matched_again = malloc(target->len + 1);

	check(sent && matched && again && matched_again, "no memory");
	if (http_path_normalize(target->at, target->len, sent, matched)) {
		check(matched[0] == '/' && !strstr(matched, "//") && !strstr(matched, "/../") &&
			      !strstr(matched, "/./"),
		      "a path with a second spelling");
		check(http_path_normalize(sent, strlen(sent), again, matched_again),
		      "a path that is none the second time");
		check(strcmp(sent, again) == 0 && strcmp(matched, matched_again) == 0,
		      "a path that changes the second time");
	}
	free(sent);
	free(matched);
	free(again);
	free(matched_again);
}

static void check_message(const char *bytes, size_t size, bool is_request)
{
	static struct http_head head, cut;
	const char *why = NULL;
	ssize_t n = is_request ? http_request_parse(bytes, size, &head, &why)
			       : http_response_parse(bytes, size, "GET", &head, &why);

	check(n <= (ssize_t)size && (n >= 0 || n == -E2BIG || n == -EINVAL),
	      "a head that ends behind its bytes");
	check(n != -EINVAL || why, "an error without a reason");
	if (n <= 0)
		return;
	check_head(&head);
	if (is_request && head.target.at[0] == '/')
		check_path(&head.target);
	ssize_t m = is_request ? http_request_parse(bytes, (size_t)n, &cut, &why)
			       : http_response_parse(bytes, (size_t)n, "GET", &cut, &why);
	check(m == n && cut.body == head.body && cut.headers_len == head.headers_len,
	      "what follows a head changes it");
	size_t used[2];
	long whole = read_body(&head, bytes + n, size - (size_t)n, SIZE_MAX / 2, &used[0]);
	long bytewise = read_body(&head, bytes + n, size - (size_t)n, 1, &used[1]);
	check(whole == bytewise && (whole < 0 || used[0] == used[1]),
	      "a body that depends on how it comes");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_BYTES)
		return 0;
	/* A copy that ends where it ends, so that reading past it is noticed. */
	char *copy = malloc(size ? size : 1);
	check(copy, "no memory");
	if (size)
		memcpy(copy, data, size);
	check_message(copy, size, true);
	check_message(copy, size, false);
	free(copy);
	return 0;
}
