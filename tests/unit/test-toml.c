/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy/toml.h: each form of key and string, what is passed over, what is refused. */
#include "policy/toml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "key|key=value@line;" of each string. */
static const char *flatten(struct arena *arena, const struct toml_strings *strings)
{
	const char *out = "";

	for (size_t i = 0; i < strings->len; i++) {
		const struct toml_string *string = &strings->items[i];

		for (size_t j = 0; j < string->key.len; j++)
			out = arena_printf(arena, "%s%s%s", out, j ? "|" : "",
					   string->key.items[j]);
		out = arena_printf(arena, "%s=%s@%d;", out, string->value, string->line);
	}
	return out;
}

static void test_taken(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "# only\n\n  # this", "" },
		{ "a = \"b\"", "a=b@1;" },
		{ "a='b\\n'\r\n", "a=b\\n@1;" },
		{ "a.b . c = 'd'", "a|b|c=d@1;" },
		{ "\"a.b\".'c' = 'd'", "a.b|c=d@1;" },
		{ "'' = ''", "=@1;" },
		{ "[t]\na='b'\n[u.\"v w\"] # x\nc='d'", "t|a=b@2;u|v w|c=d@4;" },
		{ "[[t]]\na='b'\n[[ t ]]\na='c'", "t|a=b@2;t|a=c@4;" },
		{ "a = { b = 'c', d = { e = \"f\" } }\n", "a|b=c@1;a|d|e=f@1;" },
		{ "a = {}\nb = []\nc = 'd'", "c=d@3;" },
		{ "a = [ 'x', \"y\", # z\n { b = 'c' }, [1, 2] ,\n]\nd='e'", "d=e@4;" },
		{ "a = 1\nb = -1.5e3\nc = true\nd = 1979-05-27 07:32:00Z\ne = inf\nf='g'",
		  "f=g@6;" },
		{ "a = \"b\\tc\\\\d\\\"e\\u00e9\\U0001F600\"",
		  "a=b\tc\\d\"e\xc3\xa9\xf0\x9f\x98\x80@1;" },
		{ "a = \"#no comment\" # one", "a=#no comment@1;" },
		{ "a = \"\"\"\nx = 'y'\n[t]\n\"\"\"\nb = 'c'", "a=x = 'y'\n[t]\n@1;b=c@5;" },
		{ "a = \"\"\"x \\\n   \n  y\"\"\"", "a=x y@1;" },
		{ "a = '''it's''''", "a=it's'@1;" },
		{ "a = \"\"\"\"\"\"", "a=@1;" },
		{ "a = \"\"\"x\"\"\"\"\"", "a=x\"\"@1;" },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct toml_strings strings;
		const char *why = NULL;
		int line = 0;

		if (toml_read(&arena, rows[i].text, &strings, &line, &why) < 0)
			fail_msg("%s: %d: %s", rows[i].text, line, why);
		assert_string_equal(flatten(&arena, &strings), rows[i].want);
	}
	arena_free(&arena);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int line;
	} rows[] = {
		{ "a", 1 },
		{ "a =", 1 },
		{ "a = \n'b'", 1 },
		{ "= 'b'", 1 },
		{ "a. = 'b'", 1 },
		{ "\na = 'b' c", 2 },
		{ "a = 'b' c = 'd'", 1 },
		{ "a = 'b\nc'", 1 },
		{ "a = \"b", 1 },
		{ "a = \"\"\"b\"\"", 1 },
		{ "a = '''b\n", 2 },
		{ "a = \"\\x41\"", 1 },
		{ "a = \"\\u12\"", 1 },
		{ "a = \"\\ud800\"", 1 },
		{ "a = \"\\u0000\"", 1 },
		{ "a = \"\\", 1 },
		{ "[a", 1 },
		{ "[a]]", 1 },
		{ "[[a]", 1 },
		{ "[]", 1 },
		{ "[a] b='c'", 1 },
		{ "a = [ 'b'", 1 },
		{ "a = [ 'b' 'c' ]", 1 },
		{ "a = { b = 'c'", 1 },
		{ "a = { b }", 1 },
		{ "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 'b'", 1 },
	};
	struct arena arena = { 0 };
	char deep[200] = "a = ";

	(void)state;
	memset(deep + 4, '[', 100);
	for (size_t i = 0; i <= sizeof rows / sizeof *rows; i++) {
		bool is_deep = i == sizeof rows / sizeof *rows;
		const char *text = is_deep ? deep : rows[i].text, *why = NULL;
		struct toml_strings strings;
		int line = 0;

		if (toml_read(&arena, text, &strings, &line, &why) != -EINVAL || !why)
			fail_msg("'%s' is taken", text);
		if (line != (is_deep ? 1 : rows[i].line))
			fail_msg("'%s': line %d", text, line);
	}
	arena_free(&arena);
}

/* Every beginning of a document ends, within its memory. */
static void test_cut(void **state)
{
	static const char text[] = "[a.'b']\nc = { d = \"e\\u00e9\", f = [1, 'g'] }\n"
				   "h = \"\"\"\ni \\\n j\"\"\"\nk = '''l'''\n";
	struct arena arena = { 0 };

	(void)state;
	for (size_t len = 0; len < sizeof text; len++) {
		struct toml_strings strings;
		const char *why;
		int line;

		(void)toml_read(&arena, arena_strndup(&arena, text, len), &strings, &line, &why);
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
