/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A Java keystore from PEM, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/keystore.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

/* Certificates of 0, 1 and 2 bytes over a multiple of three; no JVM parses them here. */
#define ONE   BEGIN "MAFB\n" END
#define TWO   BEGIN "MAJB\r\nQUE=\n" END
#define THREE BEGIN "MAJBQQ==\n" END

static struct keystore make(const char *first, const char *last)
{
	size_t room = keystore_room(strlen(first) + strlen(last));
	struct keystore store = { .bytes = malloc(room), .room = room };

	assert_non_null(store.bytes);
	keystore_begin(&store, first, strlen(first));
	keystore_end(&store, last, strlen(last));
	assert_true(store.len <= room);
	return store;
}

static void has_all(void **state)
{
	static const char want[] =
		"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\3"
		"\0\0\0\2\0\3"
		"ca0"
		"\0\0\0\0\0\0\0\0\0\5X.509\0\0\0\3"
		"0\1A"
		"\0\0\0\2\0\3"
		"ca1"
		"\0\0\0\0\0\0\0\0\0\5X.509\0\0\0\5"
		"0\2AAA"
		"\0\0\0\2\0\3"
		"ca2"
		"\0\0\0\0\0\0\0\0\0\5X.509\0\0\0\4"
		"0\2AA"
		/* by hashlib of Python's */
		"\x51\xb7\xe9\x02\x21\xb0\x02\x3d\x7a\x90\xb7\xbf\x84\xe2\x10\x10\xb1\x58\x6c\x37";
	struct keystore store = make("# a name\n" ONE "\n" TWO, THREE "\n\n");

	(void)state;
	assert_int_equal(store.len, sizeof want - 1);
	assert_memory_equal(store.bytes, want, sizeof want - 1);
	free(store.bytes);
}

static void leaves_out(void **state)
{
	static const char *const none[] = { "",
					    "no PEM",
					    BEGIN,
					    BEGIN "MAFB",
					    BEGIN END,
					    BEGIN "AAAA\n" END,
					    "-----BEGIN CERTIFICATE" };

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		struct keystore store = make(none[i], ONE);

		assert_int_equal(store.count, 1);
		assert_int_equal(store.bytes[11], 1);
		free(store.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_all),
		cmocka_unit_test(leaves_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
