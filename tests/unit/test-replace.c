/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replacing texts in a stream, however it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/replace.h"

static char work[REPLACE_WORK];
static char out[512];
static size_t out_len;

static void sink(void *context, const char *bytes, size_t len)
{
	(void)context;
	memcpy(out + out_len, bytes, len);
	out_len += len;
	out[out_len] = '\0';
}

#define ITEM(from, to)                                                                             \
	{                                                                                          \
		from, sizeof from - 1, to, sizeof to - 1                                           \
	}

static void check(struct replacement *items, size_t len, const char *text, const char *want)
{
	const struct replacements all = { items, len };
	size_t text_len = strlen(text);

	for (size_t piece = 1; piece <= text_len; piece++) {
		struct replacer replacer = { .all = &all, .held = malloc(replacer_room(&all)) };

		assert_non_null(replacer.held);
		out_len = 0;
		for (size_t at = 0; at < text_len; at += piece) {
			size_t n = text_len - at < piece ? text_len - at : piece;

			replacer_feed(&replacer, text + at, n, false, work, sink, NULL);
		}
		replacer_feed(&replacer, "", 0, true, work, sink, NULL);
		free(replacer.held);
		assert_string_equal(out, want);
	}
	out_len = 0;
	out[0] = '\0';
	assert_int_equal(replace_text(&all, text, text_len, sink, NULL), strcmp(text, want) != 0);
	assert_string_equal(out, want);
}

static void replaces(void **state)
{
	static struct replacement one[] = { ITEM("secret", "place") };
	static struct replacement two[] = { ITEM("abab", "1"), ITEM("ababab", "2"),
					    ITEM("ba", "3") };
	static struct replacement gone[] = { ITEM("x", "") };

	(void)state;
	check(one, 1, "secret", "place");
	check(one, 1, "a secret, a secresecret, secre", "a place, a secreplace, secre");
	check(one, 1, "secresecre", "secresecre");
	check(two, 3, "ababab", "2");
	check(two, 3, "ababa", "1a");
	check(two, 3, "cbab", "c3b");
	check(gone, 1, "xaxxbx", "ab");
}

/* Nothing is held that cannot become one of the texts. */
static void holds_no_more_than_it_must(void **state)
{
	static struct replacement items[] = { ITEM("secret", "place") };
	const struct replacements all = { items, 1 };
	char held[sizeof "secret"];
	struct replacer replacer = { .all = &all, .held = held };

	(void)state;
	assert_true(replacer_room(&all) <= sizeof held);
	out_len = 0;
	replacer_feed(&replacer, "data: x\n\n", 9, false, work, sink, NULL);
	assert_int_equal(out_len, 9);
	replacer_feed(&replacer, "sec", 3, false, work, sink, NULL);
	assert_int_equal(out_len, 9);
	replacer_feed(&replacer, "x", 1, false, work, sink, NULL);
	assert_string_equal(out, "data: x\n\nsecx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaces),
		cmocka_unit_test(holds_no_more_than_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
