/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What learn makes of what it saw: learn/ without a box. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "learn/collapse.h"
#include "learn/diff.h"
#include "learn/edit.h"
#include "learn/gather.h"
#include "learn/propose.h"

static struct arena arena;
static const struct learn_places places = { "/home/u/p", "/home/u" };

static int clear_arena(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/*** Places ***/

static void test_place_text(void **state)
{
	static const struct {
		const char *path, *want;
	} rows[] = {
		{ "/home/u/p", "." },	      { "/home/u/p/a/b", "./a/b" },
		{ "/home/u/pp", "~/pp" },     { "/home/u/.gitconfig", "~/.gitconfig" },
		{ "/home/u", "/home/u" },     { "/srv/x", "/srv/x" },
		{ "/srv/a:b", "/srv/a\\:b" }, { "/home/u/p/a:b", "./a\\:b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(place_text(&arena, &places, rows[i].path), rows[i].want);
}

static void test_broad(void **state)
{
	static const char *const broad[] = {
		"/",   "/srv", "/var/lib", "/home", "/home/u", "/home/u/.config", "/home/u/.cache",
		"/tmp"
	};
	static const char *const narrow[] = { "/home/u/p", "/home/u/q",	 "/home/u/.config/git",
					      "/srv/x",	   "/var/lib/x", "/home/u/p/a" };

	(void)state;
	for (size_t i = 0; i < sizeof broad / sizeof *broad; i++)
		assert_true(place_is_broad(&places, broad[i]));
	for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++)
		assert_false(place_is_broad(&places, narrow[i]));
}

static void test_sensitive(void **state)
{
	static const char *const secret[] = {
		"/home/u/.ssh",
		"/home/u/.ssh/known_hosts",
		"/home/u/.aws/config",
		"/home/u/.config/gcloud/x",
		"/home/u/.docker/config.json",
		"/home/u/.kube/config",
		"/home/u/.netrc",
		"/home/u/.git-credentials",
		"/home/u/p/.env",
		"/home/u/p/deep/.env.production",
		"/home/u/p/tls/server.key",
		"/home/u/p/id_ed25519",
		"/home/other/notes",
		"/home/other",
		"/root/x",
		"/etc/shadow",
		"/etc/ssl/private/x.pem",
		"/run/docker.sock",
		"/var/run/docker.sock",
	};
	static const char *const plain[] = {
		"/home/u/.sshx",
		"/home/u/.gitconfig",
		"/home/u/p/.env.example",
		"/home/u/p/id_rsa.pub",
		"/home/u/p/env",
		"/home/u/p/keys.py",
		"/etc/passwd",
		"/usr/lib/x/server.key",
		"/home/u",
		"/home",
		"/home/u/p/cacert.pem",
	};

	(void)state;
	for (size_t i = 0; i < sizeof secret / sizeof *secret; i++) {
		if (!sensitive_why(&places, secret[i]))
			fail_msg("%s is not sensitive", secret[i]);
	}
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		if (sensitive_why(&places, plain[i]))
			fail_msg("%s: %s", plain[i], sensitive_why(&places, plain[i]));
	}
	assert_non_null(sensitive_variable_why("GITHUB_TOKEN"));
	assert_non_null(sensitive_variable_why("AWS_SECRET_ACCESS_KEY"));
	assert_non_null(sensitive_variable_why("DB_PASSWORD"));
	assert_non_null(sensitive_variable_why("https_proxy"));
	assert_null(sensitive_variable_why("CFLAGS"));
	assert_null(sensitive_variable_why("KEYBOARD"));
}

static void test_variable_names(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{ "echo $GREETING", true },
		{ "${GREETING:-x}", true },
		{ "os.environ['GREETING']", true },
		{ "getenv(\"GREETING\")", true },
		{ "process.env.GREETING", true },
		{ "$(GREETING)", true },
		{ "GREETING=1", false },
		{ "$GREETINGS", false },
		{ "$MY_GREETING", false },
		{ "", false },
		{ "$GREETIN", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(
			text_names_variable(rows[i].text, strlen(rows[i].text), "GREETING"),
			rows[i].want);
}

/*** Collapsing ***/

static void collapses(const char *const *from, const char *want)
{
	struct wanted_list list = { 0 };
	char *text = arena_strdup(&arena, "");

	for (; *from; from++) {
		bool is_whole = (*from)[strlen(*from) - 1] == '/';
		const struct wanted wanted = { .path = arena_strndup(&arena, *from,
								     strlen(*from) - is_whole),
					       .why = "read",
					       .is_whole = is_whole,
					       .files = 1 };
		wanted_add(&arena, &list, &wanted);
	}
	wanted_collapse(&arena, &places, &list);
	for (size_t i = 0; i < list.len; i++)
		text = arena_printf(&arena, "%s%s%s%s", text, i ? " " : "", list.items[i].path,
				    list.items[i].is_whole ? "/" : "");
	assert_string_equal(text, want);
}

#define LIST(...)                                                                                  \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static void test_collapse(void **state)
{
	(void)state;
	collapses(LIST("/srv/x/a", "/srv/x/b"), "/srv/x/a /srv/x/b");
	collapses(LIST("/srv/x/c", "/srv/x/a", "/srv/x/b"), "/srv/x/");
	collapses(LIST("/srv/a", "/srv/b", "/srv/c"), "/srv/a /srv/b /srv/c");
	collapses(LIST("/home/u/a", "/home/u/b", "/home/u/c"), "/home/u/a /home/u/b /home/u/c");
	collapses(LIST("/home/u/p/d/a", "/home/u/p/d/b", "/home/u/p/d/c", "/home/u/p/m"),
		  "/home/u/p/d/ /home/u/p/m");
	collapses(LIST("/home/u/p/d/", "/home/u/p/d/x", "/home/u/p/d/x"), "/home/u/p/d/");
	/* A directory counts as one entry of the directory above. */
	collapses(LIST("/home/u/p/d/a", "/home/u/p/d/b", "/home/u/p/d/c", "/home/u/p/m",
		       "/home/u/p/n"),
		  "/home/u/p/");
	/* A sibling with the same beginning is another directory. */
	collapses(LIST("/srv/x/a", "/srv/x/b", "/srv/x-y/c", "/srv/xx/c"),
		  "/srv/x/a /srv/x/b /srv/x-y/c /srv/xx/c");
}

/*** Proposals ***/

static struct granted grants_nothing(void *context, const char *path)
{
	(void)context;
	(void)path;
	return (struct granted){ false, false };
}

static struct findings findings_of(void)
{
	static const struct strv none;
	struct profile unset;

	profile_init(&unset);
	return (struct findings){
		.places = places,
		.command = "prog arg",
		.extends = "base",
		.extends_why = "system directories",
		.limits = unset.limits,
		.secrets = &none,
	};
}

static const char *text_of(struct findings *findings)
{
	struct proposal proposal;

	seen_settle(&findings->seen);
	propose(&arena, findings, grants_nothing, NULL, &proposal);
	return proposal_text(&arena, findings, &proposal);
}

static void loads(const char *text)
{
	struct profile profile;
	struct err err;

	if (profile_parse(&arena, "proposal", text, strlen(text), &profile, NULL, &err) < 0)
		fail_msg("%s\n%s", err.subject, text);
}

static void test_whole_proposal(void **state)
{
	static char *hidden[] = { (char *)"/home/u/p/data/.env" };
	static const struct strv secrets = { hidden, 1, 1 };
	struct seen_host hosts[] = { { "api.example.com", 443, 1 }, { "2606:2800::1", 8080, 3 } };
	struct findings findings = findings_of();

	(void)state;
	findings.secrets = &secrets;
	seen_add(&arena, &findings.seen, "/home/u/p/data", true, SEEN_LIST);
	seen_add(&arena, &findings.seen, "/home/u/p/data/x", false, SEEN_READ);
	seen_add(&arena, &findings.seen, "/home/u/p/main.sh", false, SEEN_READ);
	seen_add(&arena, &findings.seen, "/home/u/p/out/new", false, SEEN_MAKE);
	seen_add(&arena, &findings.seen, "/home/u/p/state", false, SEEN_CHANGE | SEEN_READ);
	seen_add(&arena, &findings.seen, "/home/u/.ssh/id_rsa", false, SEEN_READ);
	seen_add(&arena, &findings.seen, "/home/u/.tool/cache", false, SEEN_MAKE);
	seen_add(&arena, &findings.seen, "/home/u", true, SEEN_LIST);
	seen_add(&arena, &findings.seen, "/tmp/scratch", false, SEEN_MAKE);
	seen_add(&arena, &findings.seen, "/home/u/p/pkg/__pycache__", true, SEEN_MAKE);
	strv_push(&arena, &findings.programs, arena_strdup(&arena, "prog"));
	strv_push(&arena, &findings.programs, arena_strdup(&arena, "true"));
	strv_push(&arena, &findings.variables, arena_strdup(&arena, "CC"));
	strv_push(&arena, &findings.variables_why, arena_strdup(&arena, "the command names it"));
	findings.hosts = hosts;
	findings.hosts_len = 2;
	findings.peaks = (struct peaks){ .memory = 100 << 20, .cpu_ms = 1500, .wall_ms = 1 };
	const char *text = text_of(&findings);
	assert_string_equal(
		text,
		"# Proposed by aisbx learn from one run; what is not here does not exist in the "
		"box.\n"
		"description: \"prog arg\"\n"
		"extends: [base]  # system directories\n"
		"files:\n"
		"  write:\n"
		"    - ./out  # new is made or removed\n"
		"    - ./state  # changed\n"
		"  read:\n"
		"    - ./data  # listed\n"
		"    - ./main.sh  # read\n"
		"  hide:\n"
		"    - ./data/.env  # it holds secrets of an application\n"
		"exec:\n"
		"  - prog  # the command\n"
		"  - \"true\"  # executed\n"
		"env:\n"
		"  pass:\n"
		"    - CC  # the command names it\n"
		"network:\n"
		"  hosts:\n"
		"    - api.example.com  # a connection\n"
		"    - \"[2606:2800::1]:8080\"  # 3 connections\n"
		"limits:\n"
		"  memory: 512M  # no more than 128M was used\n"
		"  cpu: 20s  # no more than 2s was used\n"
		"  wall: 10s  # no more than 1s was used\n"
		"# Not proposed. Write it yourself if you mean it:\n"
		"#   files.write: ~/.tool  (the box's own home takes what is written there, and "
		"forgets it)\n"
		"#   files.read: ~/.ssh/id_rsa  (it holds SSH keys)\n");
	loads(text);
}

/* Python lists where it imports from; that alone grants no directory. */
static void test_imports(void **state)
{
	for (int python = 0; python < 2; python++) {
		struct findings findings = findings_of();

		(void)state;
		findings.ran_python = python;
		seen_add(&arena, &findings.seen, "/home/u/p", true, SEEN_LIST);
		seen_add(&arena, &findings.seen, "/home/u/p/pkg/m.py", false, SEEN_READ);
		seen_add(&arena, &findings.seen, "/home/u/p/data", true, SEEN_LIST);
		const char *text = text_of(&findings);
		assert_int_equal(!strstr(text, "    - .  # listed"), python);
		assert_int_equal(!!strstr(text, "    - ./pkg/m.py  # read"), python);
		assert_int_equal(!!strstr(text, "    - ./data  # listed"), python);
	}
}

static void test_work_tree(void **state)
{
	static char *names[] = { (char *)".git", (char *)".aisbx*" };
	static const struct strv protected = { names, 2, 2 };
	struct findings findings = findings_of();

	(void)state;
	seen_add(&arena, &findings.seen, "/home/u/p/sub/x", false, SEEN_MAKE);
	assert_false(findings_change_work(&arena, &findings));
	seen_add(&arena, &findings.seen, "/home/u/p/x", false, SEEN_CHANGE);
	assert_false(findings_change_work(&arena, &findings));
	seen_add(&arena, &findings.seen, "/home/u/p/__pycache__", true, SEEN_MAKE);
	assert_false(findings_change_work(&arena, &findings));
	seen_add(&arena, &findings.seen, "/home/u/p/y", false, SEEN_MAKE);
	assert_true(findings_change_work(&arena, &findings));
	assert_false(findings_touch(&arena, &findings, &protected));
	seen_add(&arena, &findings.seen, "/home/u/p/sub/.git/HEAD", false, SEEN_CHANGE);
	assert_true(findings_touch(&arena, &findings, &protected));
	findings.seen.len--;
	strv_push(&arena, &findings.names, arena_strdup(&arena, ".aisbx.yaml"));
	assert_true(findings_touch(&arena, &findings, &protected));
	findings.places.cwd = "/home/u"; /* a home is no work tree */
	assert_false(findings_change_work(&arena, &findings));
}

/* What git writes is granted without what it runs; what the run needs of that, it has. */
static void test_repository(void **state)
{
	struct findings findings = findings_of();

	(void)state;
	seen_add(&arena, &findings.seen, "/home/u/p/.git/index.lock", false, SEEN_MAKE);
	seen_add(&arena, &findings.seen, "/home/u/p/.git/objects/ab", true, SEEN_MAKE);
	assert_non_null(strstr(text_of(&findings), "  protect:\n    - \".git\"  #"));
	strv_push(&arena, &findings.names, arena_strdup(&arena, ".git"));
	assert_null(strstr(text_of(&findings), "protect:"));
	findings.names.len = 0;
	seen_add(&arena, &findings.seen, "/home/u/p/.git/hooks/pre-push", false, SEEN_MAKE);
	assert_null(strstr(text_of(&findings), "protect:"));
}

/* Whatever a file is called, the proposal has the grants that were meant and no other. */
static void test_hostile_names(void **state)
{
	static const char *const names[] = {
		"x\nnetwork:\n  hosts: [evil.example]",
		"x\r\nexec: []",
		"# comment",
		"a: b",
		"\"quoted\"",
		"back\\slash",
		"- dash",
		"{a: b}",
		"[a]",
		"*alias",
		"!tag",
		"~",
		"$HOME",
		"tab\there",
		"\xff\xfe",
		"\xe2\x80\xae right to left",
		"colon:/etc",
		"a:~",
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct findings findings = findings_of();
		struct profile profile;
		struct err err;

		findings.command = names[i];
		seen_add(&arena, &findings.seen, arena_printf(&arena, "/home/u/p/%s", names[i]),
			 false, SEEN_READ);
		seen_add(&arena, &findings.seen, arena_printf(&arena, "/home/u/p/d/%s", names[i]),
			 false, SEEN_MAKE);
		const char *text = text_of(&findings);
		if (profile_parse(&arena, "proposal", text, strlen(text), &profile, NULL, &err) < 0)
			fail_msg("'%s': %s\n%s", names[i], err.subject, text);
		/* those of base, and one */
		assert_in_range(profile.read.len, 9, 10);
		assert_in_range(profile.write.len, 0, 1);
		assert_int_equal(profile.hosts.len, 0);
		assert_false(profile.exec_set);
		for (size_t j = 0; j < profile.read.len; j++)
			assert_null(profile.read.items[j].dest);
	}
}

static void test_scalars(void **state)
{
	static const char *const plain[] = { "./a-b_c.d", "~/x", "/a/b", ".", "abc", "a.b" };
	static const char *const quoted[] = { "",    "~",   "true", "No", "null", "1.2.3.4",
					      "a b", "a:b", "a#b",  "-x", "*",	  "a,b" };

	(void)state;
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		assert_string_equal(yaml_scalar(&arena, plain[i]), plain[i]);
	for (size_t i = 0; i < sizeof quoted / sizeof *quoted; i++)
		assert_string_equal(yaml_scalar(&arena, quoted[i]),
				    arena_printf(&arena, "\"%s\"", quoted[i]));
	assert_string_equal(yaml_scalar(&arena, "a\"b\\c"), "\"a\\\"b\\\\c\"");
	assert_string_equal(yaml_scalar(&arena, "a\n---\x7f"), "\"a\\x0a---\\x7f\"");
}

/*** Editing ***/

static const struct proposed items[] = {
	{ "files", "read", true, "./new", "read" },
	{ "files", "write", true, "./out", "changed" },
	{ NULL, "exec", true, "sh", "executed" },
	{ "limits", "memory", false, "1G", "used" },
};

static void edits(const char *before, const char *want)
{
	const struct proposal proposal = { .items = (struct proposed *)(uintptr_t)items, .len = 4 };
	const char *after;
	struct err err;

	assert_int_equal(edit_profile(&arena, "p.yaml", before, &proposal, &after, &err), 0);
	assert_string_equal(after, want);
	loads(after);
}

static void test_edit(void **state)
{
	(void)state;
	edits("", "files:\n  read:\n    - ./new  # read\n  write:\n    - ./out  # changed\n"
		  "exec:\n  - sh  # executed\nlimits:\n  memory: 1G  # used\n");
	edits("# mine\nextends: [base]\nfiles:\n  read: [./a, \"./]\"] # why\n\n"
	      "  # about writing\n  write:\n  - ./w   # there\nexec: [ls]\n"
	      "limits:\n    memory: 64M\n    wall: 1m",
	      "# mine\nextends: [base]\nfiles:\n  read: [./a, \"./]\", ./new] # why\n\n"
	      "  # about writing\n  write:\n  - ./w   # there\n  - ./out  # changed\n"
	      "exec: [ls, sh]\n"
	      "limits:\n    memory: 1G  # used\n    wall: 1m\n");
	edits("files:\n    read:\n      - ./a\n    hide: []\nexec: []\ndescription: x\n",
	      "files:\n    read:\n      - ./a\n      - ./new  # read\n    hide: []\n    write:\n"
	      "      - ./out  # changed\nexec: [sh]\ndescription: x\nlimits:\n"
	      "  memory: 1G  # used\n");
}

static void test_edit_refuses(void **state)
{
	static const struct {
		const char *text, *where;
	} rows[] = {
		{ "files: {read: [./a]}\n", "p.yaml:1:1: " },
		{ "{\"files\": {}}\n", "p.yaml:1:1: this is JSON" },
		{ "files:\n  read: [./a,\n    ./b]\n", "p.yaml:2:1: " },
	};
	const struct proposal proposal = { .items = (struct proposed *)(uintptr_t)items, .len = 4 };
	const char *after;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_not_equal(
			edit_profile(&arena, "p.yaml", rows[i].text, &proposal, &after, &err), 0);
		assert_ptr_equal(strstr(err.subject, rows[i].where), err.subject);
	}
}

/*** Differences ***/

static void test_diff(void **state)
{
	static const struct {
		const char *before, *after, *want;
	} rows[] = {
		{ "a\n", "a\n", "" },
		{ "", "a\n", "--- n\n+++ n\n@@ -0,0 +1,1 @@\n+a\n" },
		{ "a\n", "", "--- n\n+++ n\n@@ -1,1 +0,0 @@\n-a\n" },
		{ "a\nb\nc\n", "a\nx\nc\n", "--- n\n+++ n\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n" },
		{ "a\nb", "a\nb\n",
		  "--- n\n+++ n\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n" },
		{ "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n",
		  "1\nx\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n",
		  "--- n\n+++ n\n@@ -1,4 +1,5 @@\n 1\n+x\n 2\n 3\n 4\n"
		  "@@ -9,4 +10,3 @@\n 9\n 10\n 11\n-12\n" },
		/* Six lines between: one piece. */
		{ "a\n1\n2\n3\n4\n5\n6\nb\n", "1\n2\n3\n4\n5\n6\n",
		  "--- n\n+++ n\n@@ -1,8 +1,6 @@\n-a\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(unified_diff(&arena, "n", rows[i].before, rows[i].after),
				    rows[i].want);
}

/*** Notes ***/

/* Cut, empty, unknown: skipped, and nothing is read past the end. */
static void test_notes(void **state)
{
	static const char notes[] = "r/etc/passwd\0" /* of the system */
				    "\0"
				    "x\0"
				    "?/tmp\0"
				    "r relative\0"
				    "r/no/such/path\0"
				    "u\0"
				    "f\0"
				    "x/bin/sh\0"
				    "x/no/such/program\0"
				    "t\0"
				    "r/cut";
	struct gathered gathered = { 0 };

	(void)state;
	gather_notes(&arena, &places, notes, sizeof notes - 1, &gathered);
	assert_true(gathered.is_cut && gathered.wanted_unix && gathered.used_memfd);
	assert_int_equal(gathered.executed.len, 1);
	assert_string_equal(gathered.executed.items[0], "/bin/sh");
	assert_string_equal(gathered.made_program, "/no/such/program");
	gathered = (struct gathered){ 0 };
	gather_notes(&arena, &places, notes, 0, &gathered);
	assert_int_equal(gathered.seen.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_place_text, clear_arena),
		cmocka_unit_test_teardown(test_broad, clear_arena),
		cmocka_unit_test_teardown(test_sensitive, clear_arena),
		cmocka_unit_test_teardown(test_variable_names, clear_arena),
		cmocka_unit_test_teardown(test_collapse, clear_arena),
		cmocka_unit_test_teardown(test_whole_proposal, clear_arena),
		cmocka_unit_test_teardown(test_imports, clear_arena),
		cmocka_unit_test_teardown(test_work_tree, clear_arena),
		cmocka_unit_test_teardown(test_repository, clear_arena),
		cmocka_unit_test_teardown(test_hostile_names, clear_arena),
		cmocka_unit_test_teardown(test_scalars, clear_arena),
		cmocka_unit_test_teardown(test_edit, clear_arena),
		cmocka_unit_test_teardown(test_edit_refuses, clear_arena),
		cmocka_unit_test_teardown(test_diff, clear_arena),
		cmocka_unit_test_teardown(test_notes, clear_arena),
	};

	return cmocka_run_group_tests_name("learn", tests, NULL, NULL);
}
