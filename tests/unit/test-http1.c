/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP/1 as bytes: one reading or none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/basic.h"
#include "gateway/http1.h"

static struct http_head head;

static ssize_t request(const char *text, const char **ret_why)
{
	return http_request_parse(text, strlen(text), &head, ret_why);
}

static ssize_t response(const char *text, const char *method)
{
	const char *why = NULL;

	return http_response_parse(text, strlen(text), method, &head, &why);
}

static void requests_that_are_one(void **state)
{
	static const struct {
		const char *text;
		enum http_body body;
		uint64_t length;
		bool is_last;
		bool wants_websocket;
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", BODY_NONE, 0, false, false },
		{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", BODY_NONE, 0, false, false },
		{ "GET /x?y=%20 HTTP/1.0\r\n\r\n", BODY_NONE, 0, true, false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", BODY_NONE, 0, false, false },
		{ "PUT / HTTP/1.1\r\nhOsT:a\r\ncontent-length: \t7 \r\n\r\n", BODY_LENGTH, 7, false,
		  false },
		{ "P / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", BODY_CHUNKED, 0,
		  false, false },
		{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", BODY_NONE, 0, true,
		  false },
		{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
		  "Upgrade: websocket\r\n\r\n",
		  BODY_NONE, 0, false, true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
		  BODY_NONE, 0, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *why = NULL;
		size_t len = strlen(rows[i].text);

		print_message("# %zu\n", i);
		assert_int_equal(request(rows[i].text, &why), len);
		assert_int_equal(head.body, rows[i].body);
		assert_int_equal(head.length, rows[i].length);
		assert_int_equal(head.is_last, rows[i].is_last);
		assert_int_equal(head.wants_websocket, rows[i].wants_websocket);
		/* Every beginning of it is one that has to go on. */
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(http_request_parse(rows[i].text, cut, &head, &why), 0);
	}
}

static void requests_that_are_none(void **state)
{
	static const char *const rows[] = {
		"GET / HTTP/1.1\n\n",
		"GET / HTTP/1.1\r\nHost: a\n\r\n",
		"GET / HTTP/1.1\r\nA: b\rc\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n",
		"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nA\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nA: \x01\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
		"chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
		"1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
		"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /\\ HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
		"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
		"G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
		" / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
		"GET / http/1.1\r\nHost: a\r\n\r\n",
		"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *why = NULL;

		print_message("# %zu\n", i);
		assert_int_equal(request(rows[i], &why), -EINVAL);
		assert_non_null(why);
	}
}

static void too_much(void **state)
{
	static char text[HTTP_HEAD_MAX + 64];
	const char *why = NULL;
	int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\nA: ");

	(void)state;
	memset(text + n, 'x', sizeof text - (size_t)n);
	assert_int_equal(http_request_parse(text, HTTP_HEAD_MAX - 1, &head, &why), 0);
	assert_int_equal(http_request_parse(text, HTTP_HEAD_MAX, &head, &why), -E2BIG);
	n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, "A: b\r\n");
	assert_int_equal(request(text, &why), -E2BIG);
}

static void responses(void **state)
{
	(void)state;
	assert_true(response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "GET") > 0);
	assert_int_equal(head.body, BODY_LENGTH);
	assert_true(response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD") > 0);
	assert_int_equal(head.body, BODY_NONE);
	assert_true(response("HTTP/1.1 304\r\nContent-Length: 3\r\n\r\n", "GET") > 0);
	assert_int_equal(head.body, BODY_NONE);
	assert_true(response("HTTP/1.0 200 Fine, thanks\r\n\r\n", "GET") > 0);
	assert_int_equal(head.body, BODY_TO_END);
	assert_true(head.is_last);
	assert_true(response("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n"
			     "Upgrade: websocket\r\n\r\n",
			     "GET") > 0);
	assert_true(head.wants_websocket);
	assert_int_equal(response("HTTP/1.1 20x OK\r\n\r\n", "GET"), -EINVAL);
	assert_int_equal(response("HTTP/1.1 099 OK\r\n\r\n", "GET"), -EINVAL);
	assert_int_equal(response("HTTP/2 200 OK\r\n\r\n", "GET"), -EINVAL);
	assert_int_equal(response("ICY 200 OK\r\n\r\n", "GET"), -EINVAL);
	assert_int_equal(response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
				  "Transfer-Encoding: chunked\r\n\r\n",
				  "GET"),
			 -EINVAL);
}

/* Reads a chunked body that comes in pieces of a size. What it is, or NULL. */
static const char *read_chunks(const char *text, size_t piece, char *out)
{
	static struct http_head trailers;
	struct http_head chunked = { .body = BODY_CHUNKED };
	struct http_reader reader;
	size_t at = 0, have = 0, out_len = 0, len = strlen(text);

	http_reader_init(&reader, &chunked);
	while (!reader.is_done) {
		const char *why = NULL;
		struct span data;
		ssize_t n = http_reader_next(&reader, text + at, have - at, &data, &trailers, &why);

		if (n < 0)
			return NULL;
		if (n == 0 && have == len)
			return NULL;
		if (n == 0)
			have = have + piece < len ? have + piece : len;
		memcpy(out + out_len, data.at, data.len);
		out_len += data.len;
		at += (size_t)n;
	}
	out[out_len] = '\0';
	return out;
}

static void chunks(void **state)
{
	static const char text[] = "5\r\nhello\r\n06;a=\"b\"\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n";
	static const char *const bad[] = {
		"5\nhello\r\n0\r\n\r\n",
		"5\r\nhello!\r\n0\r\n\r\n",
		"5\r\nhello\n0\r\n\r\n",
		"\r\nhello\r\n0\r\n\r\n",
		"g\r\n\r\n",
		"-1\r\n\r\n",
		"0x5\r\nhello\r\n0\r\n\r\n",
		"5 \r\nhello\r\n0\r\n\r\n",
		"1000000000000000\r\n",
		"0\r\nA : b\r\n\r\n",
		"5;\x01\r\nhello\r\n0\r\n\r\n",
		"0\r\n\n",
	};
	char out[64];

	(void)state;
	for (size_t piece = 1; piece < sizeof text; piece++)
		assert_string_equal(read_chunks(text, piece, out), "hello world");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		print_message("# %zu\n", i);
		assert_null(read_chunks(bad[i], 1, out));
		assert_null(read_chunks(bad[i], 64, out));
	}
}

static void basic(void **state)
{
	static char out[BASIC_MAX];
	static const char *const rows[][2] = {
		{ "Basic dXNlcjpwYXNz", "user:pass" },
		{ "basic YTpi", "a:b" },
		{ "BASIC YTo=", "a:" },
		{ "Basic YTpiYw==", "a:bc" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct http_header header = { { "Authorization", 13 },
					      { rows[i][0], strlen(rows[i][0]) } };
		char encoded[32] = "";
		size_t len;

		assert_true(basic_decode(&header, out, &len));
		assert_int_equal(len, strlen(rows[i][1]));
		assert_memory_equal(out, rows[i][1], len);
		assert_int_equal(basic_encoded_len(len), strlen(rows[i][0]) - 6);
		basic_encode(out, len, encoded);
		assert_string_equal(encoded, rows[i][0] + 6);
	}
	struct http_header bearer = { { "Authorization", 13 }, { "Bearer abc", 10 } };
	size_t len;
	assert_false(basic_decode(&bearer, out, &len));
	bearer.value = (struct span){ "Basic a.b", 9 };
	assert_false(basic_decode(&bearer, out, &len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_that_are_one),
		cmocka_unit_test(requests_that_are_none),
		cmocka_unit_test(too_much),
		cmocka_unit_test(responses),
		cmocka_unit_test(chunks),
		cmocka_unit_test(basic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
