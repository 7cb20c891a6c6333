/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts to profiles: every key, YAML and JSON as they come, merging. */
#include "policy/profile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

/*** Help ***/

static int clear_arena(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void parse_well(const char *text, struct profile *ret)
{
	struct err err = { 0 };

	if (profile_parse(&arena, "p.yaml", text, strlen(text), ret, NULL, &err) != 0)
		fail_msg("'%s': %s", text, err.subject);
}

static const char *parse_badly(const char *text, size_t len)
{
	struct complaints complaints = { 0 };
	struct profile profile;
	struct err err;

	assert_int_equal(profile_parse(&arena, "p.yaml", text, len, &profile, &complaints, &err),
			 -EINVAL);
	return complaints.messages.items[0];
}

#define PARSE_BADLY(literal) parse_badly(literal, sizeof(literal) - 1)

static void assert_words(const struct strv *list, const char *want)
{
	char *text = arena_strdup(&arena, "");

	for (size_t i = 0; i < list->len; i++)
		text = arena_printf(&arena, "%s%s%s", text, i ? " " : "", list->items[i]);
	assert_string_equal(text, want);
	if (list->items)
		assert_null(list->items[list->len]);
}

static void assert_sources(const struct path_list *list, const char *want)
{
	struct strv words = { 0 };

	for (size_t i = 0; i < list->len; i++)
		strv_push(&arena, &words,
			  arena_printf(&arena, "%s%s%s%s", list->items[i].optional ? "-" : "",
				       list->items[i].source, list->items[i].dest ? ":" : "",
				       list->items[i].dest ? list->items[i].dest : ""));
	assert_words(&words, want);
}

static void assert_hosts(const struct host_list *list, const char *want)
{
	struct strv words = { 0 };

	for (size_t i = 0; i < list->len; i++)
		strv_push(&arena, &words,
			  arena_printf(&arena, "%s%s", list->items[i].text,
				       list->items[i].tls_any ? "!" : ""));
	assert_words(&words, want);
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text);
}

/*** Text to profile ***/

static const char whole[] =
	"description: Everything\n"
	"interpreter: [python3, -c, 'true', '']\n"
	"files:\n"
	"  read: [./data, -/opt/tool, './x:/y']\n"
	"  write: ./out\n"
	"  hide:\n"
	"    - ./.env\n"
	"  tmpfs: [/tmp, \"~\"]\n"
	"  protect: [.git, '.env*']\n"
	"exec: [python3]\n"
	"env: {pass: [LANG, LC_*], set: [A=1, 'B=x=y']}\n"
	"chdir: ~/work\n"
	"network:\n"
	"  hosts: [A.example, '*.b.example:80,443', {host: 'c.example:993', tls: any},\n"
	"          'd.example,tls=any', {tls: required, host: e.example}]\n"
	"  private: localhost:5432\n"
	"  publish: [8080, '127.0.0.1:0:3000']\n"
	"  registries: [npm, pip]\n"
	"limits: {memory: 512M, cpu: 10s, wall: 30s, grace: 0s, processes: 64, tmp: 64M,\n"
	"         file_size: 100M, output: none, open_files: 1024}\n"
	"syscalls: {allow: ['@debug'], deny: io_uring_setup}\n"
	"allow_degraded: [landlock]\n"
	"input: {max_size: 1M, encoding: any, check: [sh, -n]}\n"
	"audit: {file: ~/audit.jsonl, journal: true}\n";

static void test_every_key(void **state)
{
	struct profile p;

	(void)state;
	parse_well(whole, &p);
	assert_string_equal(p.name, "p.yaml");
	assert_null(p.path);
	assert_string_equal(p.description, "Everything");
	assert_words(&p.interpreter, "python3 -c true ");
	assert_sources(&p.read, "./data -/opt/tool ./x:/y");
	assert_sources(&p.write, "./out");
	assert_sources(&p.hide, "./.env");
	assert_sources(&p.tmpfs, "/tmp ~");
	assert_words(&p.protect, ".git .env*");
	assert_words(&p.exec, "python3");
	assert_true(p.exec_set);
	assert_words(&p.env_pass, "LANG LC_*");
	assert_words(&p.env_set, "A=1 B=x=y");
	assert_string_equal(p.chdir, "~/work");
	assert_hosts(&p.hosts, "A.example *.b.example:80,443 c.example:993! d.example! e.example");
	assert_hosts(&p.private_hosts, "localhost:5432");
	assert_hosts(&p.publish, "8080 127.0.0.1:0:3000");
	assert_true(p.limits.memory == UINT64_C(512) << 20 && p.limits.cpu_ms == 10000);
	assert_true(p.limits.wall_ms == 30000 && p.limits.grace_ms == 0);
	assert_true(p.limits.processes == 64 && p.limits.tmp == UINT64_C(64) << 20);
	assert_true(p.limits.file_size == UINT64_C(100) << 20 && p.limits.output == LIMIT_NONE);
	assert_true(p.limits.open_files == 1024 && p.input_max_size == 1 << 20);
	assert_words(&p.syscalls_allow, "@debug");
	assert_words(&p.syscalls_deny, "io_uring_setup");
	assert_words(&p.registries, "npm pip");
	assert_words(&p.allow_degraded, "landlock");
	assert_int_equal(p.input_encoding, ENCODING_ANY);
	assert_words(&p.input_check, "sh -n");
	assert_string_equal(p.audit_file, "~/audit.jsonl");
	assert_int_equal(p.audit_journal, FLIP_ON);
}

static void test_places(void **state)
{
	struct profile p;

	(void)state;
	parse_well(whole, &p);
	assert_string_equal(p.read.items[1].at.file, "p.yaml");
	assert_int_equal(p.read.items[1].at.line, 4);
	assert_int_equal(p.read.items[1].at.column, 18);
	assert_int_equal(p.hide.items[0].at.line, 7);
	assert_int_equal(p.hide.items[0].at.column, 7);
	assert_int_equal(p.hosts.items[1].at.line, 14);
	assert_int_equal(p.hosts.items[1].at.column, 22);
	assert_int_equal(p.hosts.items[2].at.column, 44);
	assert_int_equal(p.publish.items[1].at.line, 17);
}

static void test_nothing_set(void **state)
{
	struct profile p;

	(void)state;
	parse_well("{}", &p);
	assert_null(p.description);
	assert_null(p.chdir);
	assert_int_equal(p.read.len + p.exec.len + p.interpreter.len, 0);
	assert_false(p.exec_set);
	assert_true(p.limits.memory == LIMIT_UNSET && p.input_max_size == LIMIT_UNSET);
	assert_int_equal(p.input_encoding, ENCODING_UNSET);
}

static void test_empty_lists(void **state)
{
	static const char *const texts[] = {
		"files: {read: []}\nexec: []\nnetwork: {hosts: [], private: [], publish: []}\n",
		"files:\n  read:\nexec:\n",
		"files: {read: null}\nexec: null\n",
		"{\"files\": {\"read\": null}, \"exec\": []}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct profile p;

		parse_well(texts[i], &p);
		assert_int_equal(p.read.len + p.exec.len, 0);
		assert_int_equal(p.hosts.len + p.private_hosts.len + p.publish.len, 0);
		assert_true(p.exec_set); /* nothing may be executed */
	}
	/* quoted, the words of YAML for nothing are names */
	struct profile p;
	parse_well("exec: ['null', \"~/x\"]\n", &p);
	assert_words(&p.exec, "null ~/x");
}

static void test_texts(void **state)
{
	struct profile p;

	(void)state;
	parse_well("\xef\xbb\xbf"
		   "chdir: /a\r\nexec: [sh]\r\n",
		   &p);
	assert_string_equal(p.chdir, "/a");
	parse_well("description: >\n  two\n  lines\n", &p);
	assert_string_equal(p.description, "two lines");
	parse_well("interpreter:\n  - sh\n  - -c\n  - |\n    a\n    b\n", &p);
	assert_string_equal(p.interpreter.items[2], "a\nb\n");
	parse_well("chdir: \"/a\\u202eb\"\n", &p);
	assert_string_equal(p.chdir, "/a\xe2\x80\xae"
				     "b");
}

/*** JSON ***/

static void test_json(void **state)
{
	struct profile p;

	(void)state;
	parse_well("\n{\n\t\"files\":{\"read\":[\"./a\",\t\"./b:/c\"]},\n"
		   "\t\"exec\":\t[\"sh\"],\n\t\"limits\": {\"processes\": 64}\n}\n",
		   &p);
	assert_sources(&p.read, "./a ./b:/c");
	assert_int_equal(p.read.items[1].at.line, 3);
	assert_true(p.limits.processes == 64);
	parse_well("{\"description\": \"\\ud83d\\ude00 \\u00e9 \\/ \\\\ud83d\\\\ude00\"}", &p);
	assert_string_equal(p.description, "\xf0\x9f\x98\x80 \xc3\xa9 / \\ud83d\\ude00");
	parse_well("{\"env\": {\"set\": [\"A=a\tb\", \"B=\\\"\tc\", \"C=\\t\"]}}", &p);
	assert_string_equal(p.env_set.items[0], "A=a\tb");
	assert_string_equal(p.env_set.items[1], "B=\"\tc");
	assert_string_equal(p.env_set.items[2], "C=\t");
	assert_contains(PARSE_BADLY("{\"description\": \"\\ud83d\"}"), "both halves of a pair");
	assert_contains(PARSE_BADLY("{\"description\": \"\\ude00\\ud83d\"}"),
			"both halves of a pair");
}

/* YAML that begins with a brace has comments and single quotes besides. */
static void test_flow_yaml(void **state)
{
	struct profile p;

	(void)state;
	parse_well("{env: {set: ['A=it''s\ta', B=2]},\t# don't \"\n\texec:\t[a\"b]}\n", &p);
	assert_string_equal(p.env_set.items[0], "A=it's\ta");
	assert_words(&p.exec, "a\"b");
}

/*** Merging ***/

static void test_merge(void **state)
{
	struct profile base, copy, over;

	(void)state;
	parse_well("files: {read: [/a, -/b]}\ninterpreter: [sh, -c]\nchdir: /x\n"
		   "env: {pass: [A], set: [N=1, M=1]}\nlimits: {memory: 1G, cpu: 5s, keep: [head, "
		   "tail]}\naudit: {journal: true}\n",
		   &base);
	parse_well("files: {read: [/c, /a, /b, './b:/b']}\ninterpreter: [python3]\n"
		   "env: {pass: [B, A], set: [N=2]}\nexec: []\nlimits: {cpu: none, keep: tail}\n"
		   "input: {encoding: any}\naudit: {journal: false}\n",
		   &over);
	copy = base;
	profile_merge(&arena, &base, &over);
	assert_sources(&base.read, "/a /b /c ./b:/b");
	assert_words(&base.interpreter, "python3");
	assert_string_equal(base.chdir, "/x");
	assert_words(&base.env_pass, "A B");
	assert_words(&base.env_set, "N=2 M=1");
	assert_true(base.exec_set && base.exec.len == 0);
	assert_true(base.limits.memory == UINT64_C(1) << 30);
	assert_true(base.limits.cpu_ms == LIMIT_NONE);
	assert_int_equal(base.limits.keep, KEEP_TAIL);
	assert_int_equal(copy.limits.keep, KEEP_HEAD | KEEP_TAIL);
	assert_int_equal(base.input_encoding, ENCODING_ANY);
	assert_int_equal(base.audit_journal, FLIP_OFF);
	/* a copy made before is what it was */
	assert_sources(&copy.read, "/a -/b");
	assert_words(&copy.env_pass, "A");
	assert_words(&copy.env_set, "N=1 M=1");
	assert_sources(&over.read, "/c /a /b ./b:/b");
}

static void test_merge_nothing(void **state)
{
	struct profile base, before, nothing;

	(void)state;
	parse_well(whole, &base);
	before = base;
	profile_init(&nothing);
	profile_merge(&arena, &base, &nothing);
	assert_memory_equal(&base, &before, sizeof base);
}

static void test_merge_hosts(void **state)
{
	struct profile base, copy, over;

	(void)state;
	parse_well("network: {hosts: [a, b, a, 'b:80'], private: [c], publish: ['1']}\n", &base);
	assert_hosts(&base.hosts, "a b b:80");
	parse_well("network: {hosts: [d, {host: b, tls: any}, a], publish: ['2', '1']}\n", &over);
	copy = base;
	profile_merge(&arena, &base, &over);
	assert_hosts(&base.hosts, "a b! b:80 d");
	assert_hosts(&base.private_hosts, "c");
	assert_hosts(&base.publish, "1 2");
	assert_hosts(&copy.hosts, "a b b:80");
	/* what may speak anything is not taken back by a layer that says less */
	profile_merge(&arena, &base, &copy);
	assert_hosts(&base.hosts, "a b! b:80 d");
}

/* Long lists, so that arrays grow while others share them. */
static void test_merge_long(void **state)
{
	struct profile base, first, second;

	(void)state;
	profile_init(&base);
	parse_well("env: {pass: [A, B, C, D, E, F, G]}\n", &first);
	parse_well("env: {pass: [H, I, J, K, L, M, N, O, P, Q, R, A]}\n", &second);
	profile_merge(&arena, &base, &first);
	profile_merge(&arena, &base, &second);
	assert_words(&base.env_pass, "A B C D E F G H I J K L M N O P Q R");
	assert_words(&first.env_pass, "A B C D E F G");
}

/*** Bounds ***/

static void test_bounds(void **state)
{
	char *text = arena_alloc(&arena, 64 * 1024);
	size_t len = 0;
	struct profile p;

	(void)state;
	len = (size_t)snprintf(text, 64, "env: {pass: [");
	for (int i = 0; i < 9995; i++)
		len += (size_t)snprintf(text + len, 8, "A,");
	(void)snprintf(text + len, 8, "]}");
	parse_well(text, &p);
	assert_words(&p.env_pass, "A");
	(void)snprintf(text + len, 16, "A,A,A,A,A,A]}");
	assert_contains(parse_badly(text, strlen(text)), "more than 10000 values");

	assert_contains(PARSE_BADLY("a: [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]"), "unknown key");
	assert_contains(PARSE_BADLY("chdir: /a\0b"), "p.yaml:1:10: a NUL character");
	assert_contains(PARSE_BADLY(""), "p.yaml:1:1: an empty profile");
	assert_contains(PARSE_BADLY("\xef\xbb\xbf"), "p.yaml:1:1: an empty profile");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key),     cmocka_unit_test(test_places),
		cmocka_unit_test(test_nothing_set),   cmocka_unit_test(test_empty_lists),
		cmocka_unit_test(test_texts),	      cmocka_unit_test(test_json),
		cmocka_unit_test(test_flow_yaml),     cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_nothing), cmocka_unit_test(test_merge_hosts),
		cmocka_unit_test(test_merge_long),    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("profile-text", tests, NULL, clear_arena);
}
