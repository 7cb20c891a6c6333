/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host names: what is one, and what it is compared as. */
#include "base/hostname.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LABEL_9	 "a23456789"
#define LABEL_63 LABEL_9 LABEL_9 LABEL_9 LABEL_9 LABEL_9 LABEL_9 LABEL_9

struct row {
	const char *name;
	const char *want; /* NULL: no host name */
};

static void test_names(void **state)
{
	static const struct row rows[] = {
		{ "example.com", "example.com" },
		{ "example.com.", "example.com" },
		{ "Api.EXAMPLE.com", "api.example.com" },
		{ "localhost", "localhost" },
		{ "a", "a" },
		{ "_http._tcp.example.com", "_http._tcp.example.com" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "-a.b-", "-a.b-" },
		{ LABEL_63, LABEL_63 },
		{ LABEL_63 ".", LABEL_63 },
		{ LABEL_63 "." LABEL_63 "." LABEL_63
			   "." LABEL_9 LABEL_9 LABEL_9 LABEL_9 LABEL_9 LABEL_9 "1234567",
		  LABEL_63 "." LABEL_63 "." LABEL_63
			   "." LABEL_9 LABEL_9 LABEL_9 LABEL_9 LABEL_9 LABEL_9 "1234567" },
		{ LABEL_63 "." LABEL_63 "." LABEL_63
			   "." LABEL_9 LABEL_9 LABEL_9 LABEL_9 LABEL_9 LABEL_9 "12345678",
		  NULL },
		{ LABEL_63 "x", NULL },
		{ "", NULL },
		{ ".", NULL },
		{ "..", NULL },
		{ "a..", NULL },
		{ ".a", NULL },
		{ "a..b", NULL },
		{ "a b", NULL },
		{ "a/b", NULL },
		{ "a:443", NULL },
		{ "[::1]", NULL },
		{ "*.example.com", NULL },
		{ "b\xc3\xbc"
		  "cher.example",
		  NULL },
		{ "a\x7f", NULL },
	};
	char buf[HOSTNAME_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *want = rows[i].want;

		if (hostname_normalize(rows[i].name, strlen(rows[i].name), buf) != !!want ||
		    strcmp(buf, want ? want : "") != 0)
			fail_msg("'%s': '%s'", rows[i].name, buf);
	}
	assert_false(hostname_normalize("a\0b", 3, buf));
	assert_false(hostname_normalize("a\0", 2, buf));
	assert_true(hostname_normalize("abc", 1, buf)); /* len ends it */
	assert_string_equal(buf, "a");
}

/* Of the 256 bytes. */
static void test_bytes(void **state)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	char buf[HOSTNAME_BYTES];

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		const char name[] = { 'a', (char)byte, 'b' };
		bool want = byte == '.' || (byte && strchr(good, byte));

		if (hostname_normalize(name, sizeof name, buf) != want)
			fail_msg("byte %d", byte);
	}
}

static void test_kinds(void **state)
{
	static const struct {
		const char *name;
		bool is_localhost, ends_in_number;
	} rows[] = {
		{ "localhost", true, false },
		{ "app.localhost", true, false },
		{ "localhost.localdomain", true, false },
		{ "notlocalhost", false, false },
		{ "localhost.example", false, false },
		{ "example.123", false, true },
		{ "10.1.2.3", false, true },
		{ "2130706433", false, true },
		{ "example.0x7f", false, true },
		{ "0x7f.example", false, false },
		{ "example.1a", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (hostname_is_localhost(rows[i].name) != rows[i].is_localhost ||
		    hostname_ends_in_number(rows[i].name) != rows[i].ends_in_number)
			fail_msg("%s", rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests_name("hostname", tests, NULL, NULL);
}
