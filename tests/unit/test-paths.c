/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy/paths.h and policy/resolve.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/paths.h"
#include "policy/resolve.h"

static void test_absolute(void **state)
{
	static const struct {
		const char *base, *path, *want;
	} rows[] = {
		{ "/w", "a", "/w/a" },
		{ "/w", "./a/", "/w/a" },
		{ "/w", ".", "/w" },
		{ "/w", "..", "/" },
		{ "/w", "../..", "/" },
		{ "/w/x", "../a//b", "/w/a/b" },
		{ "/w", "/a/./b/../c", "/a/c" },
		{ "/w", "//a", "/a" },
		{ "/w", "/", "/" },
		{ "/", "a", "/a" },
		{ "/w", "...", "/w/..." },
		{ "/w", "a..", "/w/a.." },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(path_absolute(&arena, rows[i].base, rows[i].path),
				    rows[i].want);
	arena_free(&arena);
}

static void test_within(void **state)
{
	(void)state;
	assert_true(path_is_within("/work", "/work"));
	assert_true(path_is_within("/work/a", "/work"));
	assert_true(path_is_within("/work/a", "/"));
	assert_false(path_is_within("/workevil", "/work"));
	assert_false(path_is_within("/wor", "/work"));
	assert_false(path_is_within("/", "/work"));
	assert_false(path_is_below("/work", "/work"));
	assert_true(path_is_below("/work/a", "/work"));
	assert_string_equal(path_rest("/work/a/b", "/work"), "a/b");
	assert_string_equal(path_rest("/work", "/work"), "");
	assert_string_equal(path_rest("/a", "/"), "a");
}

static void test_dotdot(void **state)
{
	(void)state;
	assert_true(path_has_dotdot(".."));
	assert_true(path_has_dotdot("a/../b"));
	assert_true(path_has_dotdot("/a/.."));
	assert_false(path_has_dotdot("a..b/..c/c.."));
	assert_false(path_has_dotdot(""));
}

static char directory[] = "/tmp/aisbx-paths-XXXXXX";

static int make_tree(void **state)
{
	(void)state;
	return mkdtemp(directory) && chdir(directory) == 0 && mkdir("d", 0755) == 0 &&
			       close(open("d/f", O_CREAT | O_WRONLY, 0644)) == 0 &&
			       symlink("f", "d/near") == 0 && symlink("d", "dir") == 0 &&
			       symlink("dir/near", "far") == 0 && symlink("loop", "loop") == 0 &&
			       symlink("/nowhere/at/all", "dangling") == 0
		       ? 0
		       : -1;
}

static int remove_tree(void **state)
{
	static const char *const names[] = { "d/near", "d/f", "dir", "far", "loop", "dangling" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)unlink(names[i]);
	return rmdir("d") == 0 && chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void test_resolve(void **state)
{
	static const struct {
		const char *name, *want;
		int result;
		size_t links;
	} rows[] = {
		{ "d/f", "d/f", 0, 0 },
		{ "d/near", "d/f", 0, 1 },
		{ "dir/f", "d/f", 0, 1 },
		{ "far", "d/f", 0, 3 },
		{ "dir", "d", 0, 1 },
		{ "loop", NULL, -ELOOP, 0 },
		{ "dangling", NULL, -ENOENT, 0 },
		{ "d/f/x", NULL, -ENOTDIR, 0 },
		{ "none", NULL, -ENOENT, 0 },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct resolved found;
		struct stat st;

		assert_int_equal(resolve_host_path(&arena,
						   path_join(&arena, directory, rows[i].name),
						   &found),
				 rows[i].result);
		if (rows[i].result < 0)
			continue;
		assert_string_equal(found.path, path_join(&arena, directory, rows[i].want));
		assert_int_equal(found.links.len, rows[i].links);
		assert_int_equal(stat(found.path, &st), 0);
		assert_true(found.ino == st.st_ino && found.dev == st.st_dev);
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absolute),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_dotdot),
		cmocka_unit_test_setup_teardown(test_resolve, make_tree, remove_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
