/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* files.protect as decisions: each name, each change, each side of a move. */
#include "box/protect/protect_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = { ".git",	    ".envrc*",	  ".vscode", "*.code-workspace",
				     "mise.*.toml", "lefthook.*", ".hg" };
static const char *const pinned[] = { "/p/deep/mount", "/p/own.yaml" };

static const struct rules rules = {
	.names = names,
	.names_len = sizeof names / sizeof *names,
	.pinned = pinned,
	.pinned_len = sizeof pinned / sizeof *pinned,
	.has_git = true,
};
static const struct rules without_git = { .names = names + 1, .names_len = 1 };

static struct rules_path at(const char *above, const char *rel)
{
	static char texts[4][256];
	static unsigned next;
	char *text = texts[next++ % 4];

	memcpy(text, "/p/", 3);
	memcpy(text + 3, rel, strlen(rel) + 1);
	if (!*rel)
		text[2] = '\0';
	const struct rules_path path = { above, rel, text, false };
	return path;
}

struct place_row {
	const char *above, *rel;
	enum place want;
};

/* clang-format off */
static const struct place_row places[] = {
	{ "/p", "", PLACE_TREE },
	{ "/p", "a", PLACE_TREE },
	{ "/p", "src/config", PLACE_TREE },
	{ "/p", "hooks/pre-commit", PLACE_TREE },
	{ "/p", ".gitignore", PLACE_TREE },
	{ "/p", "x.git/config", PLACE_TREE },
	{ "/p", "git", PLACE_TREE },
	{ "/p", ".envrc", PLACE_PROTECTED },
	{ "/p", "a/.envrc.local", PLACE_PROTECTED },
	{ "/p", "a/.ENVRC", PLACE_PROTECTED },
	{ "/p", "a.envrc", PLACE_TREE },
	{ "/p", "x/y.code-workspace", PLACE_PROTECTED },
	{ "/p", ".code-workspace", PLACE_PROTECTED },
	{ "/p", "y.code-workspaces", PLACE_TREE },
	{ "/p", "mise.local.toml", PLACE_PROTECTED },
	{ "/p", "mise.toml", PLACE_TREE },
	{ "/p", "mise..toml", PLACE_PROTECTED },
	{ "/p", "lefthook.yml", PLACE_PROTECTED },
	{ "/p", ".vscode/a/b", PLACE_PROTECTED },
	{ "/p", ".vscodes/a", PLACE_TREE },
	{ "/p", ".git", PLACE_GIT_ITSELF },
	{ "/p", ".GIT", PLACE_GIT_ITSELF },
	{ "/p", "git~1", PLACE_GIT_ITSELF },
	{ "/p", "git~x", PLACE_TREE },
	{ "/p", "a/b/.git", PLACE_GIT_ITSELF },
	{ "/p", ".git/HEAD", PLACE_GIT },
	{ "/p", ".git/index.lock", PLACE_GIT },
	{ "/p", ".git/config", PLACE_PROTECTED },
	{ "/p", ".git/Config", PLACE_PROTECTED },
	{ "/p", ".git/config.lock", PLACE_PROTECTED },
	{ "/p", ".git/config.worktree", PLACE_PROTECTED },
	{ "/p", ".git/configure", PLACE_GIT },
	{ "/p", ".git/hooks", PLACE_PROTECTED },
	{ "/p", ".git/hooks/x/y", PLACE_PROTECTED },
	{ "/p", ".git/info/attributes", PLACE_PROTECTED },
	{ "/p", ".git/info/exclude", PLACE_GIT },
	{ "/p", ".git/commondir", PLACE_PROTECTED },
	{ "/p", ".git/gitdir", PLACE_PROTECTED },
	{ "/p", ".git/remotes/origin", PLACE_PROTECTED },
	{ "/p", ".git/rebase-merge/git-rebase-todo", PLACE_PROTECTED },
	{ "/p", ".git/rebase-merge/git-rebase-todo.lock", PLACE_OPERATION },
	{ "/p", ".git/modules/a/b/config", PLACE_PROTECTED },
	{ "/p", ".git/modules/refs/config", PLACE_PROTECTED },
	{ "/p", ".git/modules/refs/hooks/x", PLACE_PROTECTED },
	{ "/p", ".git/modules/a/index", PLACE_GIT },
	{ "/p", ".git/worktrees/w/gitdir", PLACE_PROTECTED },
	{ "/p", ".git/worktrees/w/HEAD", PLACE_GIT },
	{ "/p", ".git/x/.git/y", PLACE_PROTECTED },
	{ "/p", ".git/.envrc", PLACE_PROTECTED },
	{ "/p", ".git/refs/heads/hooks", PLACE_REFS },
	{ "/p", ".git/refs/heads/config", PLACE_REFS },
	{ "/p", ".git/logs", PLACE_HEADS },
	{ "/p", ".git/logs/HEAD", PLACE_REFS },
	{ "/p", ".git/logs/objects", PLACE_PROTECTED },
	{ "/p", ".git/logs/Commondir", PLACE_PROTECTED },
	{ "/p", ".git/logs/refs/heads/config.x", PLACE_REFS },
	{ "/p", ".git/logs/refs/heads/objects", PLACE_REFS },
	{ "/p", ".git/logs/refs/remotes/o/objects/x", PLACE_PROTECTED },
	{ "/p", ".git/refs/heads/feature/objects", PLACE_REFS },
	{ "/p", ".git/refs/remotes", PLACE_REMOTES },
	{ "/p", ".git/refs/remotes/o", PLACE_HEADS },
	{ "/p", ".git/refs/remotes/o/config", PLACE_REFS },
	{ "/p", ".git/refs/remotes/o/objects", PLACE_PROTECTED },
	{ "/p", ".git/refs/remotes/o/commondir", PLACE_PROTECTED },
	{ "/p", ".git/refs/remotes/.git", PLACE_PROTECTED },
	{ "/p", ".git/refs/remotes/o/.git", PLACE_PROTECTED },
	{ "/p", ".git/rebase-merge", PLACE_OPERATION },
	{ "/p", ".git/rebase-merge/onto", PLACE_OPERATION },
	{ "/p", ".git/rebase-merge/strategy", PLACE_PROTECTED },
	{ "/p", ".git/rebase-apply/strategy", PLACE_PROTECTED },
	{ "/p", ".git/sequencer/opts", PLACE_PROTECTED },
	{ "/p", ".git/sequencer/opts.lock", PLACE_OPERATION },
	{ "/p", ".git/worktrees/w/rebase-merge/strategy", PLACE_PROTECTED },
	{ "/p", ".git/modules/sequencer/config", PLACE_PROTECTED },
	{ "/p", ".git/strategy", PLACE_GIT },
	{ "/p", "sequencer/opts", PLACE_TREE },
	{ "/p", ".git/objects/ab/cdef", PLACE_OBJECTS },
	{ "/p", ".git/objects/info/alternates", PLACE_PROTECTED },
	{ "/p", ".git/objects/.git/config", PLACE_PROTECTED },
	{ "/p", ".git/rr-cache/x", PLACE_RERERE },
	{ "/p/.git", "", PLACE_GIT_ITSELF },
	{ "/p/.git", "config", PLACE_PROTECTED },
	{ "/p/.git", "refs/heads/config", PLACE_REFS },
	{ "/p/.git/refs", "heads/config", PLACE_REFS },
	{ "/p/.git/hooks", "x", PLACE_PROTECTED },
	{ "/p/.git/modules/m", "config", PLACE_PROTECTED },
	{ "/home/.vscode/p", "a", PLACE_TREE },
};
/* clang-format on */

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const struct rules_path path = at(places[i].above, places[i].rel);
		enum place got = rules_place(&rules, &path);

		if (got != places[i].want)
			fail_msg("'%s' in '%s': %d, not %d", places[i].rel, places[i].above, got,
				 places[i].want);
	}
	const struct rules_path git = at("/p", ".git/config");
	struct rules_path head = at("/p", "x/head");
	head.folds = true;
	assert_false(rules_allow(&rules, &head, CHANGE_WRITE));
	assert_int_equal(rules_place(&without_git, &git), PLACE_TREE);
}

struct change_row {
	const char *rel;
	const char *allowed; /* of "awdsrt": access, write, mkdir, symlink, remove, attributes */
};

/* clang-format off */
static const struct change_row changes[] = {
	{ "a", "awdsrt" },
	{ "a/b", "awdsrt" },
	{ ".git", "a" },
	{ ".git/config", "" },
	{ ".git/index", "awdrt" },
	{ ".git/refs/heads/x", "awdrt" },
	{ ".git/rebase-merge/git-rebase-todo", "r" },
	{ ".git/refs/git-rebase-todo", "awdrt" },
	{ ".git/rebase-merge/strategy", "r" },
	{ ".git/sequencer/opts", "r" },
	{ ".git/sequencer/todo", "awdrt" },
	{ ".git/HEAD", "awdrt" },
	{ ".git/logs/HEAD", "awdrt" },
	{ ".git/worktrees/w/HEAD", "awdrt" },
	{ ".git/refs/remotes/o/HEAD", "awdrt" },
	{ ".git/logs/refs/remotes/o/HEAD", "awdrt" },
	{ ".git/refs/HEAD", "adrt" },
	{ ".git/refs/heads/x/HEAD", "adrt" },
	{ ".git/refs/heads/x/head", "awdrt" },
	{ ".git/refs/remotes/HEAD", "adrt" },
	{ ".git/refs/remotes/o/x/HEAD", "adrt" },
	{ ".git/logs/x/HEAD", "adrt" },
	{ ".git/objects/x/HEAD", "adrt" },
	{ ".git/rr-cache/x/HEAD", "adrt" },
	{ "git-rebase-todo", "awdsrt" },
	{ ".envrc", "" },
	{ ".vscode/x", "" },
	{ "HEAD", "adrt" },
	{ "x/head", "awdsrt" },
	{ "HEADER", "awdsrt" },
	{ "deep", "awdst" },
	{ "deep/mount", "" },
	{ "deep/mount/x", "" },
	{ "deep/mounts", "awdsrt" },
	{ "own.yaml", "" },
};
/* clang-format on */

static void test_changes(void **state)
{
	static const char letters[] = "awdsrt";

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		const struct rules_path path = at("/p", changes[i].rel);

		for (int change = CHANGE_ACCESS; change <= CHANGE_ATTRIBUTES; change++) {
			bool want = strchr(changes[i].allowed, letters[change]) != NULL;

			if (rules_allow(&rules, &path, (enum change)change) != want)
				fail_msg("'%s' %c: not %d", changes[i].rel, letters[change], want);
		}
	}
}

enum {
	FILE_,
	DIR_,
	LINK_
};

struct move_row {
	const char *from, *to;
	int what;
	bool want;
};

/* clang-format off */
static const struct move_row moves[] = {
	{ "a", "b", FILE_, true },
	{ "a", "b", DIR_, true },
	{ "a", "b", LINK_, true },
	{ "a", ".envrc", FILE_, false },
	{ ".envrc", "a", FILE_, false },
	{ "a", "HEAD", FILE_, false },
	{ "HEAD", "a", FILE_, false },
	{ "HEAD", "a", DIR_, true },
	{ ".git/HEAD", ".git/ORIG_HEAD", FILE_, true },
	{ "a", ".git", DIR_, false },
	{ ".git", "a", DIR_, false },
	{ "a", ".git/a", DIR_, false },
	{ "a", ".git/a", LINK_, false },
	{ "a", ".git/a", FILE_, true },
	{ ".git/a", "a", DIR_, false },
	{ ".git/a", "a", FILE_, true },
	{ ".git/a", ".git/b", DIR_, true },
	{ ".git/index.lock", ".git/index", FILE_, true },
	{ ".git/config.lock", ".git/config", FILE_, false },
	{ ".git/x", ".git/config", FILE_, false },
	{ ".git/config", ".git/x", FILE_, false },
	{ ".git/hooks", ".git/x", DIR_, false },
	{ ".git/refs", ".git/x", DIR_, false },
	{ ".git/x", ".git/refs/x", DIR_, false },
	{ ".git/refs/heads", ".git/logs", DIR_, false },
	{ ".git/refs/heads", ".git/objects/heads", DIR_, false },
	{ ".git/refs/heads/a", ".git/refs/remotes/o", DIR_, false },
	{ ".git/refs/heads/a", ".git/refs/heads/remotes", DIR_, false },
	{ ".git/a", ".git/sequencer", DIR_, false },
	{ ".git/a", ".git/sequencer/opts", FILE_, false },
	{ ".git/refs/heads/a", ".git/refs/heads/b", DIR_, true },
	{ ".git/refs/heads/hooks", ".git/hooks", FILE_, false },
	{ "deep", "x", DIR_, false },
	{ "x", "deep", DIR_, false },
	{ "a", "own.yaml", FILE_, false },
};
/* clang-format on */

static void test_moves(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
		const struct rules_path from = at("/p", moves[i].from), to = at("/p", moves[i].to);

		if (rules_allow_move(&rules, &from, &to, moves[i].what == DIR_,
				     moves[i].what == LINK_) != moves[i].want)
			fail_msg("'%s' to '%s': not %d", moves[i].from, moves[i].to, moves[i].want);
	}
}

static void test_links(void **state)
{
	static const struct {
		const char *from, *to;
		bool want;
	} rows[] = { { "a", "b", true },
		     { "a", ".envrc", false },
		     { ".envrc", "a", false },
		     { ".git/config", "a", false },
		     { ".git/index", "a", false },
		     { "a", ".git/a", false },
		     { ".git/objects/ab/tmp", ".git/objects/ab/cd", true },
		     { ".git/objects/ab/cd", ".git/cd", false },
		     { "a", "HEAD", false } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct rules_path from = at("/p", rows[i].from), to = at("/p", rows[i].to);

		if (rules_allow_link(&rules, &from, &to) != rows[i].want)
			fail_msg("'%s' to '%s'", rows[i].from, rows[i].to);
	}
}

static void test_travel(void **state)
{
	(void)state;
	assert_true(rules_may_travel(&rules, PLACE_TREE, "a"));
	assert_true(rules_may_travel(&rules, PLACE_TREE, "config"));
	assert_false(rules_may_travel(&rules, PLACE_TREE, ".git"));
	assert_false(rules_may_travel(&rules, PLACE_TREE, ".envrc"));
	assert_false(rules_may_travel(&rules, PLACE_GIT, "config"));
	assert_true(rules_may_travel(&rules, PLACE_REFS, "config"));
	assert_false(rules_may_travel(&rules, PLACE_PROTECTED, "a"));
}

/* Every question that a path raises, as the directories in which to look for HEAD. */
static void test_repositories(void **state)
{
	static const struct {
		const char *rel, *dirs;
	} rows[] = { { "a/b", "" },
		     { "config", "|" },
		     { "x/config", "|x/" },
		     { "x/config.lock", "|x/" },
		     { "x/hooks/pre-commit", "|x/" },
		     { "hooks/x/config", "||hooks/x/" },
		     { "x/info/attributes", "|x/" },
		     { "attributes", "|" },
		     { "x/objects/info/alternates", "|x/" },
		     { ".git/config", "" },
		     { ".git/HEAD", "" },
		     { ".git/refs/config", "|.git/refs/" },
		     { ".git/refs/heads/hooks/x", "|.git/refs/heads/" },
		     { ".git/refs/remotes/o/hooks/config",
		       "|.git/refs/|.git/refs/remotes/o/hooks/" },
		     { ".git/logs/config", "" },
		     { "hooks/.git/refs/hooks", "||hooks/.git/refs/" } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct rules_path path = at("/p", rows[i].rel);
		char got[256] = "";
		size_t from = 0, dir_len, used = 0;

		while (rules_git_name(&rules, &path, &from, &dir_len)) {
			got[used++] = '|';
			memcpy(got + used, rows[i].rel, dir_len);
			used += dir_len;
		}
		got[used] = '\0';
		assert_string_equal(got, rows[i].dirs);
	}
}

static void test_todo(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = { { "", true },
		     { "pick 1234 x\n", true },
		     { "p 1234 x\nfixup -C 1 y\n\n# exec in a comment\nnoop\n", true },
		     { "pick 1234 x", true },
		     { "label onto\nreset onto\nmerge -C a b # c\nupdate-ref refs/heads/x\n",
		       true },
		     { "  drop 1 x\n\tbreak\n", true },
		     { "exec touch x\n", false },
		     { "x touch x\n", false },
		     { "pick 1 a\n  exec touch x\n", false },
		     { "pick 1 a\n\texec touch x", false },
		     { "pick 1 a\n\rexec touch x\n", false },
		     { "exec\n", false },
		     { "; comment\n", false },
		     { "pickx\n", false },
		     { "Pick 1\n", false },
		     { "run x\n", false } };
	const struct rules_path path = at("/p", ".git/rebase-merge/git-rebase-todo");

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rules_text_is_harmless(&path, rows[i].text, strlen(rows[i].text)) !=
		    rows[i].want)
			fail_msg("'%s'", rows[i].text);
	}
	assert_false(rules_text_is_harmless(&path, "pick 1\0exec", 11));
}

static void test_options(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = { { "", true },
		     { "[options]\n\tedit = false\n\trecord-origin = true\n", true },
		     { "[options]\n\tstrategy = ours\n", false },
		     { "[options] Strategy=x", false },
		     { "[OPTIONS]strateGY-option=x", false },
		     { "strat", true } };
	const struct rules_path path = at("/p", ".git/sequencer/opts");

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rules_text_is_harmless(&path, rows[i].text, strlen(rows[i].text)) !=
		    rows[i].want)
			fail_msg("'%s'", rows[i].text);
	}
}

/* A grant in a grant: the outer one keeps its mount point, the inner one is a grant like any. */
static void test_grant_in_grant(void **state)
{
	static const struct rules nested = {
		.names = names,
		.names_len = sizeof names / sizeof *names,
		.pinned = pinned,
		.pinned_len = sizeof pinned / sizeof *pinned,
		.mounts_len = 1,
	};
	const struct rules_path inside = { "/p/deep/mount", "x", "/p/deep/mount/x", false };
	const struct rules_path name = { "/p/deep/mount", ".envrc", "/p/deep/mount/.envrc", false };
	const struct rules_path deeper = { "/p/deep/mount/er", "x", "/p/deep/mount/er/x", false };
	const struct rules_path mount = at("/p", "deep/mount"), parent = at("/p", "deep");
	const struct rules_path link = { "/p/own.yaml", "x", "/p/own.yaml/x", false };

	(void)state;
	assert_true(rules_allow(&nested, &inside, CHANGE_WRITE));
	assert_true(rules_allow(&nested, &inside, CHANGE_REMOVE));
	assert_true(rules_allow(&nested, &deeper, CHANGE_WRITE));
	assert_false(rules_allow(&nested, &name, CHANGE_WRITE));
	assert_false(rules_allow(&nested, &mount, CHANGE_REMOVE));
	assert_false(rules_allow(&nested, &parent, CHANGE_REMOVE));
	assert_false(rules_allow(&nested, &link, CHANGE_WRITE)); /* what a link leads to */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),	       cmocka_unit_test(test_changes),
		cmocka_unit_test(test_moves),	       cmocka_unit_test(test_links),
		cmocka_unit_test(test_travel),	       cmocka_unit_test(test_repositories),
		cmocka_unit_test(test_todo),	       cmocka_unit_test(test_options),
		cmocka_unit_test(test_grant_in_grant),
	};

	return cmocka_run_group_tests_name("protect-rules", tests, NULL, NULL);
}
