/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths in one spelling, and the patterns they are held against. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/http_rules.h"

static void one_spelling(void **state)
{
	static const char *const rows[][3] = {
		{ "/", "/", "/" },
		{ "/v1/models", "/v1/models", "/v1/models" },
		{ "/v1/", "/v1/", "/v1/" },
		{ "//v1///models", "/v1/models", "/v1/models" },
		{ "/v1/../v2", "/v2", "/v2" },
		{ "/v1/./x/.", "/v1/x/", "/v1/x/" },
		{ "/v1/..", "/", "/" },
		{ "/a/b/../..", "/", "/" },
		{ "/v1/%2e%2E/v2", "/v2", "/v2" },
		{ "/%76%31/x", "/%76%31/x", "/v1/x" },
		{ "/group%2fproject", "/group%2fproject", "/group%2Fproject" },
		{ "/a%20b", "/a%20b", "/a b" },
		{ "/...", "/...", "/..." },
		{ "/100%25", "/100%25", "/100%" },
	};
	char sent[64], matched[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("# %s\n", rows[i][0]);
		assert_true(http_path_normalize(rows[i][0], strlen(rows[i][0]), sent, matched));
		assert_string_equal(sent, rows[i][1]);
		assert_string_equal(matched, rows[i][2]);
	}
}

static void no_spelling(void **state)
{
	static const char *const rows[] = {
		"",
		"x",
		"/..",
		"/a/../..",
		"/%",
		"/%4",
		"/%zz",
		"/%00",
		"/%0a",
		"/\\",
		"/%5c",
		"/..%2fa",
		"/a%2f..%2fb",
		"/..%2F",
		"/%252e%252e/a",
		"/%252fa",
		"/%255c",
		"/..;/a",
		"/.;x/a",
		"/%2e%2e;/a",
		"/a/%2e%2e%2f",
		"/%25%32%65/a",
		"/%2e%2e%5ca",
	};
	char sent[64], matched[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("# %s\n", rows[i]);
		assert_false(http_path_normalize(rows[i], strlen(rows[i]), sent, matched));
	}
}

static void patterns(void **state)
{
	(void)state;
	assert_true(http_path_matches("/v1/*", "/v1/a/b"));
	assert_true(http_path_matches("/v1/*", "/v1/"));
	assert_false(http_path_matches("/v1/*", "/v1"));
	assert_false(http_path_matches("/v1", "/v1/"));
	assert_true(http_path_matches("*", "/anything"));
	assert_true(http_path_matches("/repos/*/issues*", "/repos/a/b/issues/1"));
	assert_false(http_path_matches("/repos/*/issues", "/repos/a/issues/1"));
	assert_true(http_path_matches("/a*b*c", "/axbxbxc"));
	assert_false(http_path_matches("/V1", "/v1"));
}

static void rules(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	assert_null(value_check_http(&arena, "api.test GET /v1/*"));
	assert_null(value_check_http(&arena, "*.api.test:8443 * *"));
	assert_non_null(value_check_http(&arena, "api.test"));
	assert_non_null(value_check_http(&arena, "api.test GET"));
	assert_non_null(value_check_http(&arena, "api.test get /"));
	assert_non_null(value_check_http(&arena, "api.test GET v1"));
	assert_non_null(value_check_http(&arena, "api.test GET /a?b"));
	assert_non_null(value_check_http(&arena, "api.test GET /a//b"));
	assert_non_null(value_check_http(&arena, "api.test GET /a/../b"));
	assert_non_null(value_check_http(&arena, "10.0.0.1 GET /"));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_spelling),
		cmocka_unit_test(no_spelling),
		cmocka_unit_test(patterns),
		cmocka_unit_test(rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
