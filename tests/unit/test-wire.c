/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests of the box: any cut of the same bytes is the same request, and no bytes are too many. */
#include "bindings/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

/* Fed in pieces of that size. */
static enum wire_state feed(struct wire_request *request, const uint8_t *data, size_t len,
			    size_t piece, size_t *ret_used)
{
	enum wire_state state = WIRE_MORE;

	memset(request, 0, sizeof *request);
	*ret_used = 0;
	while (state == WIRE_MORE && *ret_used < len) {
		size_t part = len - *ret_used < piece ? len - *ret_used : piece, used;

		state = wire_read(request, data + *ret_used, part, &used);
		assert_true(used <= part);
		*ret_used += used;
		if (state == WIRE_MORE)
			assert_int_equal(used, part);
	}
	return state;
}

static void arguments_and_input(void **state)
{
	static const uint8_t data[] = "\0\0\0\x08one\0\0two\0input";
	struct wire_request request;
	size_t used;

	(void)state;
	for (size_t piece = 1; piece <= sizeof data; piece++) {
		assert_int_equal(feed(&request, data, 4 + 8 + 1 + 5, piece, &used), WIRE_BAD);
	}
	static const uint8_t good[] = "\0\0\0\x09one\0\0two\0input";
	for (size_t piece = 1; piece <= sizeof good; piece++) {
		const char *arg = NULL;

		assert_int_equal(feed(&request, good, sizeof good - 1, piece, &used), WIRE_INPUT);
		assert_int_equal(used, 4 + 9);
		assert_int_equal(wire_args_count(&request), 3);
		arg = wire_next_arg(&request, arg);
		assert_string_equal(arg, "one");
		arg = wire_next_arg(&request, arg);
		assert_string_equal(arg, "");
		arg = wire_next_arg(&request, arg);
		assert_string_equal(arg, "two");
		assert_null(wire_next_arg(&request, arg));
	}
}

static void no_arguments(void **state)
{
	struct wire_request request;
	size_t used;

	(void)state;
	assert_int_equal(feed(&request, BYTES("\0\0\0\0rest"), 100, &used), WIRE_INPUT);
	assert_int_equal(used, 4);
	assert_int_equal(wire_args_count(&request), 0);
	assert_null(wire_next_arg(&request, NULL));
	assert_int_equal(feed(&request, BYTES("\0\0\0"), 1, &used), WIRE_MORE);
	assert_int_equal(wire_read(&request, NULL, 0, &used), WIRE_MORE);
	assert_int_equal(used, 0);
}

static void bounds(void **state)
{
	struct wire_request request;
	uint8_t *data = calloc(1, WIRE_ARGS_MAX + 8);
	size_t used;

	(void)state;
	assert_non_null(data);
	/* the longest, one argument */
	wire_write_length(data, WIRE_ARGS_MAX);
	memset(data + 4, 'a', WIRE_ARGS_MAX - 1);
	assert_int_equal(feed(&request, data, WIRE_ARGS_MAX + 4, 1000, &used), WIRE_INPUT);
	assert_int_equal(wire_args_count(&request), 1);
	/* that does not end */
	data[4 + WIRE_ARGS_MAX - 1] = 'a';
	assert_int_equal(feed(&request, data, WIRE_ARGS_MAX + 4, 1000, &used), WIRE_BAD);
	/* one byte more */
	wire_write_length(data, WIRE_ARGS_MAX + 1);
	assert_int_equal(feed(&request, data, WIRE_ARGS_MAX + 5, 1000, &used), WIRE_BAD);
	assert_int_equal(feed(&request, BYTES("\xff\xff\xff\xff"), 4, &used), WIRE_BAD);
	/* as many as there may be, and one more */
	memset(data, 0, WIRE_ARGS_MAX + 8);
	wire_write_length(data, WIRE_ARGS_COUNT_MAX);
	assert_int_equal(feed(&request, data, WIRE_ARGS_COUNT_MAX + 4, 1000, &used), WIRE_INPUT);
	wire_write_length(data, WIRE_ARGS_COUNT_MAX + 1);
	assert_int_equal(feed(&request, data, WIRE_ARGS_COUNT_MAX + 5, 1000, &used), WIRE_BAD);
	free(data);
}

static void heads(void **state)
{
	uint8_t head[WIRE_FRAME_BYTES];

	(void)state;
	wire_write_head(head, WIRE_STDERR, 0x01020304);
	assert_memory_equal(head, "\2\1\2\3\4", sizeof head);
	assert_int_equal(wire_length(head + 1), 0x01020304);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_and_input),
		cmocka_unit_test(no_arguments),
		cmocka_unit_test(bounds),
		cmocka_unit_test(heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
