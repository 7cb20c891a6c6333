/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy/input.h: what code handed over as text may contain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "policy/input.h"

#define TEXT(bytes) bytes, sizeof(bytes) - 1

static void test_bytes(void **state)
{
	static const struct {
		const char *code;
		size_t len;
		const char *want; /* NULL: accepted */
	} rows[] = {
		{ TEXT(""), NULL },
		{ TEXT("print('h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80')\n"), NULL },
		{ TEXT("a\0b"), "in:1:2: a NUL byte" },
		{ TEXT("a\nb\xff"), "in:2:2: not UTF-8" },
		{ TEXT("\xc0\x80"), "in:1:1: not UTF-8" },	   /* overlong NUL */
		{ TEXT("\xe0\x80\xaf"), "in:1:1: not UTF-8" },	   /* overlong */
		{ TEXT("\xed\xa0\x80"), "in:1:1: not UTF-8" },	   /* surrogate */
		{ TEXT("\xf4\x90\x80\x80"), "in:1:1: not UTF-8" }, /* above U+10FFFF */
		{ TEXT("\xe2\x82"), "in:1:1: not UTF-8" },	   /* cut short */
		{ TEXT("\xc3\xa9\n\n \xe2\x80\xae"), "in:3:2: a bidirectional control" },
		{ TEXT("\xe2\x81\xa6"), "in:1:1: a bidirectional control" },
		{ TEXT("\xd8\x9c"), "in:1:1: a bidirectional control" },
		{ TEXT("\xe2\x80\x8f"), "in:1:1: a bidirectional control" },
		{ TEXT("\xe2\x80\x8b"), NULL }, /* zero-width space: no control of direction */
	};
	struct profile profile;

	(void)state;
	profile_init(&profile);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err;
		char line[1024] = "";
		int r = input_check(&profile, "in", rows[i].code, rows[i].len, &err);

		assert_int_equal(r < 0, rows[i].want != NULL);
		if (r < 0)
			err_format(&err, line, sizeof line);
		if (rows[i].want && !strstr(line, rows[i].want))
			fail_msg("row %zu: '%s'", i, line);
	}
}

static void test_size(void **state)
{
	struct profile profile;
	struct err err;

	(void)state;
	profile_init(&profile);
	profile.input_max_size = 4;
	assert_int_equal(input_check(&profile, "in", "1234", 4, &err), 0);
	assert_true(input_check(&profile, "in", "12345", 5, &err) < 0);
	assert_int_equal(err.code, E_INPUT);
	profile.input_max_size = LIMIT_NONE;
	assert_int_equal(input_check(&profile, "in", "12345", 5, &err), 0);
}

static void test_any_encoding(void **state)
{
	struct profile profile;
	struct err err;

	(void)state;
	profile_init(&profile);
	profile.input_encoding = ENCODING_ANY;
	assert_int_equal(input_check(&profile, "in", "\xff\0", 2, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_any_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
