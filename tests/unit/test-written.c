/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was written in all, out of looks that can miss something. */
#include "box/limits/written.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t follow(struct written *written, const uint64_t *sums, size_t len)
{
	for (size_t i = 0; i < len; i++)
		written_follow(written, sums[i]);
	return written->bytes;
}

#define FOLLOW(...)                                                                                \
	follow(&(struct written){ 0 }, (const uint64_t[]){ __VA_ARGS__ },                          \
	       sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void test_written(void **state)
{
	(void)state;
	assert_int_equal(FOLLOW(10, 10), 10);
	assert_int_equal(FOLLOW(10, 20, 30, 40), 30); /* one behind */
	assert_int_equal(FOLLOW(10, 20, 30, 40, 40), 40);
	/* one that was waited for meanwhile: missing, or there twice, in one look */
	assert_int_equal(FOLLOW(10, 10, 2, 12, 12), 12);
	assert_int_equal(FOLLOW(10, 10, 2, 12, 3, 14, 14), 14);
	assert_int_equal(FOLLOW(10, 10, 18, 10, 10), 10);
	assert_int_equal(FOLLOW(10, 10, 18, 10, 19, 11, 11), 11);
	/* one that took its count with it: what was seen of it stays */
	assert_int_equal(FOLLOW(10, 10, 4, 4, 4, 4), 10);
	assert_int_equal(FOLLOW(10, 10, 4, 4, 4, 4, 6, 6), 12);
	assert_int_equal(FOLLOW(10, 10, 0, 0, 0, 0, 10, 10, 0, 0, 0, 0, 10, 10), 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_written) };

	return cmocka_run_group_tests_name("written", tests, NULL, NULL);
}
