/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table: complete, without doubles, and each kind of value taken and refused as it says. */
#include "policy/schema.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "policy/words.h"

static struct arena arena;

static int clear_arena(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static int apply(const char *key, const char *value, struct profile *profile, const char **why)
{
	const struct setting *setting = setting_by_key(key);

	assert_non_null(setting);
	return setting_apply(&arena, setting, value, (struct origin){ "here", 3, 4 }, profile, why);
}

/*** The table itself ***/

/* One of two that share an option; the first of them is found. */
static bool is_shared(const struct setting *setting)
{
	return strcmp(setting->option, "env") == 0 || strcmp(setting->option, "audit") == 0;
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_len; i++) {
		const struct setting *setting = &settings[i];

		assert_true(setting->key && setting->option && setting->help);
		assert_true(setting->argument || setting->type == SETTING_SWITCH);
		assert_true(setting->offset < sizeof(struct profile));
		assert_ptr_equal(setting_by_key(setting->key), setting);
		if (!is_shared(setting) || setting->type == SETTING_ENV_PASS ||
		    setting->type == SETTING_TEXT)
			assert_ptr_equal(
				setting_by_option(setting->option, strlen(setting->option)),
				setting);
		/* a help line says whether the option may be repeated */
		assert_int_equal(strstr(setting->help, "(repeatable)") != NULL,
				 setting_is_list(setting));
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(settings[j].key, setting->key);
			assert_true(settings[j].offset != setting->offset);
			if (!is_shared(setting))
				assert_string_not_equal(settings[j].option, setting->option);
		}
	}
}

static void test_lookups(void **state)
{
	(void)state;
	assert_null(setting_by_key("network"));
	assert_null(setting_by_key("files"));
	assert_null(setting_by_key(""));
	assert_null(setting_by_option("r", 1));
	assert_null(setting_by_option("roo", 3));
	assert_null(setting_by_option("", 0));
	assert_string_equal(setting_by_option("ro=x", 2)->key, "files.read");
	assert_string_equal(setting_by_short_option('m')->key, "limits.memory");
	assert_string_equal(setting_by_short_option('t')->key, "limits.wall");
	assert_string_equal(setting_by_short_option('C')->key, "chdir");
	assert_null(setting_by_short_option('Z'));
	assert_null(setting_by_short_option('\0'));
	const struct setting *env = setting_by_short_option('e');
	assert_string_equal(setting_for_value(env, "LANG")->key, "env.pass");
	assert_string_equal(setting_for_value(env, "LANG=C")->key, "env.set");
	assert_string_equal(setting_for_value(setting_by_key("chdir"), "a=b")->key, "chdir");
}

/*** Values ***/

static void test_words(void **state)
{
	struct profile profile;
	const char *why = NULL;

	(void)state;
	profile_init(&profile);
	assert_int_equal(apply("interpreter", "python3", &profile, &why), 0);
	assert_int_equal(apply("interpreter", "-c", &profile, &why), 0);
	assert_int_equal(apply("interpreter", "", &profile, &why), 0);
	assert_int_equal(apply("interpreter", "-c", &profile, &why), 0);
	assert_int_equal(profile.interpreter.len, 4);
	assert_string_equal(profile.interpreter.items[3], "-c");

	assert_int_equal(apply("files.protect", ".git", &profile, &why), 0);
	assert_int_equal(apply("files.protect", "*.el", &profile, &why), 0);
	assert_int_equal(apply("files.protect", ".git", &profile, &why), 0);
	assert_int_equal(profile.protect.len, 2);

	assert_false(profile.exec_set);
	assert_int_equal(apply("exec", "", &profile, &why), -EINVAL);
	assert_false(profile.exec_set);
	assert_int_equal(apply("exec", "~/bin/tool", &profile, &why), 0);
	assert_true(profile.exec_set);
	assert_int_equal(profile.exec.len, 1);

	assert_int_equal(apply("env.set", "A=1", &profile, &why), 0);
	assert_int_equal(apply("env.set", "AB=2", &profile, &why), 0);
	assert_int_equal(apply("env.set", "A=line\nline", &profile, &why), 0);
	assert_int_equal(profile.env_set.len, 2);
	assert_string_equal(profile.env_set.items[0], "A=line\nline");
	assert_null(profile.env_set.items[2]);
}

static void test_scalars(void **state)
{
	struct profile profile;
	const char *why = NULL;

	(void)state;
	profile_init(&profile);
	assert_int_equal(apply("description", "two words\n", &profile, &why), 0);
	assert_string_equal(profile.description, "two words");
	assert_int_equal(apply("chdir", "~/x", &profile, &why), 0);
	assert_string_equal(profile.chdir, "~/x");
	assert_int_equal(apply("audit.file", "fd:3", &profile, &why), 0);
	assert_string_equal(profile.audit_file, "fd:3");
	assert_int_equal(apply("limits.memory", "512M", &profile, &why), 0);
	assert_true(profile.limits.memory == UINT64_C(512) << 20);
	assert_int_equal(apply("limits.memory", "none", &profile, &why), 0);
	assert_true(profile.limits.memory == LIMIT_NONE);
	assert_int_equal(apply("limits.wall", "1.5s", &profile, &why), 0);
	assert_true(profile.limits.wall_ms == 1500);
	assert_int_equal(apply("limits.grace", "0s", &profile, &why), 0);
	assert_true(profile.limits.grace_ms == 0);
	assert_int_equal(apply("limits.processes", "64", &profile, &why), 0);
	assert_true(profile.limits.processes == 64);
	assert_int_equal(apply("input.encoding", "any", &profile, &why), 0);
	assert_int_equal(profile.input_encoding, ENCODING_ANY);
	assert_true(profile.limits.cpu_ms == LIMIT_UNSET);
	assert_null(why);
}

static void test_keep(void **state)
{
	static const struct {
		const char *value;
		unsigned keep;
	} rows[] = {
		{ "head", KEEP_HEAD },
		{ "tail", KEEP_TAIL },
		{ "head,tail", KEEP_HEAD | KEEP_TAIL },
		{ "tail,head,tail", KEEP_HEAD | KEEP_TAIL },
	};
	static const char *const bad[] = { "",	  ",",	  "head,",     ",tail", "heads",
					   "hea", "HEAD", "head tail", "none",	"head, tail" };
	struct profile profile;
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		profile_init(&profile);
		assert_int_equal(profile.limits.keep, KEEP_UNSET);
		assert_int_equal(apply("limits.keep", rows[i].value, &profile, &why), 0);
		assert_int_equal(profile.limits.keep, rows[i].keep);
		/* the name parses back */
		assert_int_equal(apply("limits.keep", keep_names[rows[i].keep], &profile, &why), 0);
		assert_int_equal(profile.limits.keep, rows[i].keep);
	}
	profile_init(&profile);
	assert_int_equal(apply("limits.keep", "tail", &profile, &why), 0);
	assert_int_equal(apply("limits.keep", "head", &profile, &why), 0);
	assert_int_equal(profile.limits.keep, KEEP_HEAD | KEEP_TAIL);
	profile_init(&profile);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(apply("limits.keep", bad[i], &profile, &why), -EINVAL);
		assert_int_equal(profile.limits.keep, KEEP_UNSET);
	}
}

struct path_row {
	const char *text;
	const char *source; /* NULL: refused */
	const char *dest;
	bool optional;
};

static void test_paths(void **state)
{
	static const struct path_row rows[] = {
		{ "./data", "./data", NULL, false },
		{ "/", NULL, NULL, false },
		{ "/usr/..", NULL, NULL, false },
		{ "-/proc/self", NULL, NULL, false },
		{ "/dev/shm", NULL, NULL, false },
		{ "/devel", "/devel", NULL, false },
		{ "./a:/sys", NULL, NULL, false },
		{ "./a:/run/x", "./a", "/run/x", false },
		{ ".", ".", NULL, false },
		{ "~", "~", NULL, false },
		{ "~/x:~/y", "~/x", "~/y", false },
		{ "./a:/b", "./a", "/b", false },
		{ "-./a:/b", "./a", "/b", true },
		{ "-/opt/tool", "/opt/tool", NULL, true },
		{ "a:b", "a:b", NULL, false },
		{ "a:", "a:", NULL, false },
		{ "a:b:/c", "a:b", "/c", false },
		{ "a:/b:/c", "a:/b", "/c", false },
		{ "a\\:/b", "a:/b", NULL, false },
		{ "a\\:/b:/c", "a:/b", "/c", false },
		{ "/a:/b\\:/c", "/a", "/b:/c", false },
		{ "a\\b", "a\\b", NULL, false },
		{ "a\\", "a\\", NULL, false },
		{ "a:~", "a", "~", false },
		{ "\xff\xfe", "\xff\xfe", NULL, false },
		{ "", NULL, NULL, false },
		{ "-", NULL, NULL, false },
		{ "--", NULL, NULL, false },
		{ "--rw", NULL, NULL, false },
		{ "-./--rw", "./--rw", NULL, true },
		{ ":/b", NULL, NULL, false },
		{ "-:/b", NULL, NULL, false },
		{ "~bob", NULL, NULL, false },
		{ "a:~bob", NULL, NULL, false },
		{ "a\nb", NULL, NULL, false },
		{ "/a:/b\x7f", NULL, NULL, false },
		{ "a\xc2\x9b", NULL, NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct path_row *row = &rows[i];
		struct profile profile;
		const char *why = NULL;

		profile_init(&profile);
		int r = apply("files.read", row->text, &profile, &why);
		if ((r == 0) != (row->source != NULL) || (r < 0) != (why != NULL))
			fail_msg("'%s': %d %s", row->text, r, why ? why : "");
		if (r < 0)
			continue;
		const struct path_spec *spec = &profile.read.items[0];
		assert_string_equal(spec->source, row->source);
		assert_int_equal(spec->dest != NULL, row->dest != NULL);
		if (row->dest)
			assert_string_equal(spec->dest, row->dest);
		assert_int_equal(spec->optional, row->optional);
		assert_string_equal(spec->at.file, "here");
		assert_int_equal(spec->at.line, 3);
		assert_int_equal(spec->at.column, 4);
	}
}

static void test_one_path(void **state)
{
	struct profile profile;
	const char *why = NULL;

	(void)state;
	profile_init(&profile);
	assert_int_equal(apply("files.hide", "./a:b", &profile, &why), 0);
	assert_int_equal(apply("files.hide", "./a\\:/b", &profile, &why), 0);
	assert_string_equal(profile.hide.items[1].source, "./a:/b");
	assert_int_equal(apply("files.hide", "./a:/b", &profile, &why), -EINVAL);
	assert_non_null(strstr(why, "takes one path"));
	assert_int_equal(profile.hide.len, 2);
}

/* What is required once stays required; the same grant twice is one. */
static void test_paths_are_new(void **state)
{
	struct profile profile;
	const char *why = NULL;

	(void)state;
	profile_init(&profile);
	assert_int_equal(apply("files.read", "-/a", &profile, &why), 0);
	assert_int_equal(apply("files.read", "/a:/b", &profile, &why), 0);
	assert_int_equal(apply("files.read", "/a", &profile, &why), 0);
	assert_int_equal(apply("files.read", "-/a", &profile, &why), 0);
	assert_int_equal(profile.read.len, 2);
	assert_false(profile.read.items[0].optional);
}

struct refusal {
	const char *key;
	const char *value;
	const char *why;
};

static void test_refusals(void **state)
{
	static const struct refusal rows[] = {
		{ "limits.memory", "12Q",
		  "'12Q' is not a size; write a number with K, M, G or T, as in 512M" },
		{ "limits.cpu", "9",
		  "'9' is not a time; write a number with ms, s, m or h, as in 30s" },
		{ "limits.processes", "0",
		  "'0' is not a count; write a whole number from 1, or none" },
		{ "limits.tmp", "9999999999G",
		  "'9999999999G' is too large; write none for no limit" },
		{ "limits.wall", "0s",
		  "'0s' is too little for 'limits.wall'; write at least 1ms, or none for no "
		  "limit" },
		{ "input.encoding", "latin-1", "'latin-1' is not an encoding; write utf-8 or any" },
		{ "limits.keep", "head,x", "cannot keep 'head,x'; write head, tail or head,tail" },
		{ "description", "", "an empty text; write one, or leave the key out" },
		{ "env.set", "SECRET-KEY=hunter2",
		  "'SECRET-KEY' is not NAME=VALUE; write a name of letters, digits and _ before "
		  "=" },
		{ "allow_degraded", "landlok", "unknown wall 'landlok'; did you mean 'landlock'?" },
		{ "network.registries", "crago", "unknown tool 'crago'; did you mean 'cargo'?" },
		{ "audit.file", "fd:1234567",
		  "'fd:1234567' is not a descriptor; write fd: and its number, as in fd:3" },
		{ "syscalls.allow", "", "'' is not a known system call" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct profile profile, before;
		const char *why = NULL;

		profile_init(&profile);
		before = profile;
		assert_int_equal(apply(rows[i].key, rows[i].value, &profile, &why), -EINVAL);
		assert_string_equal(why, rows[i].why);
		assert_memory_equal(&profile, &before, sizeof before);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *key;
		const char *value;
		bool taken;
	} rows[] = {
		{ "env.pass", "LANG", true },
		{ "env.pass", "LC_*", true },
		{ "env.pass", "GIT_*_NAME", true },
		{ "env.pass", "_", true },
		{ "env.pass", "*", false },
		{ "env.pass", "*_X", false },
		{ "env.pass", "1A", false },
		{ "env.pass", "A B", false },
		{ "env.pass", "", false },
		{ "env.set", "A=", true },
		{ "env.set", "A==", true },
		{ "env.set", "A*=1", false },
		{ "env.set", "=1", false },
		{ "extends", "base", true },
		{ "extends", "a.b_c-1", true },
		{ "extends", "./x", true },
		{ "extends", "x.yaml", true },
		{ "extends", ".x", false },
		{ "extends", "-", false },
		{ "extends", "a b", false },
		{ "extends", "", false },
		{ "extends", "~bob/x", false },
		{ "syscalls.deny", "io_uring_setup", true },
		{ "syscalls.deny", "@event", true },
		{ "syscalls.deny", "execve", false },
		{ "syscalls.allow", "ptrace", true },
		{ "syscalls.allow", "mount", false },
		{ "syscalls.deny", "@", false },
		{ "syscalls.deny", "a;b", false },
		{ "allow_degraded", "limits", true },
		{ "allow_degraded", "user", false },
		{ "network.registries", "npm", true },
		{ "network.registries", "apt", true },
		{ "network.registries", "NPM", false },
		{ "network.registries", "", false },
		{ "files.protect", "..", false },
		{ "files.protect", "a/b", false },
		{ "files.protect", "a?", false },
		{ "files.protect", ".envrc*", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct profile profile;
		const char *why = NULL;

		profile_init(&profile);
		if ((apply(rows[i].key, rows[i].value, &profile, &why) == 0) != rows[i].taken)
			fail_msg("%s '%s': %s", rows[i].key, rows[i].value, why ? why : "taken");
	}
}

/*** Words ***/

static void test_nearest_name(void **state)
{
	static const char *const names[] = { "limits", "files", "exec", "env", "ro", NULL };
	static const struct {
		const char *word;
		const char *want;
	} rows[] = {
		{ "limts", "limits" },
		{ "limtis", "limits" },
		{ "ilmits", "limits" },
		{ "LIMITS", "limits" },
		{ "limitsss", "limits" },
		{ "file", "files" },
		{ "execs", "exec" },
		{ "evn", "env" },
		{ "ev", NULL },
		{ "rw", NULL },
		{ "", NULL },
		{ "xlxmxts", NULL },
		{ "allowed", NULL },
		{ "RO", "ro" },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *got = nearest_name(rows[i].word, names);

		if (got != rows[i].want &&
		    (!got || !rows[i].want || strcmp(got, rows[i].want) != 0))
			fail_msg("'%s': %s", rows[i].word, got ? got : "none");
	}
}

static void test_quote(void **state)
{
	char text[200];

	(void)state;
	assert_string_equal(word_quote(&arena, ""), "''");
	assert_string_equal(word_quote(&arena, "caf\xc3\xa9"), "'caf\xc3\xa9'");
	assert_string_equal(word_quote(&arena, "a\x1b[0m\n"), "'a\\x1b[0m\\x0a'");
	assert_string_equal(word_quote(&arena, "a\xff\xc3"), "'a\\xff\\xc3'");
	assert_string_equal(word_quote(&arena, "\xc2\x9b\xe2\x80\xae"), "'\\u{009b}\\u{202e}'");
	assert_string_equal(word_printable(&arena, "a\nb"), "a\\x0ab");
	assert_string_equal(word_printable(&arena, ""), "");
	memset(text, '\n', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_true(strlen(word_quote(&arena, text)) < 90);
	assert_string_equal(word_quote(&arena, text) + strlen(word_quote(&arena, text)) - 4,
			    "...'");
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		size_t bytes;
		unsigned code;
	} rows[] = {
		{ "a", 1, 1, 'a' },
		{ "\xc3\xa9", 2, 2, 0xe9 },
		{ "\xe2\x82\xac", 3, 3, 0x20ac },
		{ "\xf0\x9f\x98\x80", 4, 4, 0x1f600 },
		{ "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
		{ "\xc3", 1, 0, 0 },
		{ "\xe2\x82", 2, 0, 0 },
		{ "\x80", 1, 0, 0 },
		{ "\xc0\xaf", 2, 0, 0 },
		{ "\xe0\x80\xaf", 3, 0, 0 },
		{ "\xf0\x80\x80\xaf", 4, 0, 0 },
		{ "\xed\xa0\x80", 3, 0, 0 },
		{ "\xf4\x90\x80\x80", 4, 0, 0 },
		{ "\xf5\x80\x80\x80", 4, 0, 0 },
		{ "\xc3\x29", 2, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned code = 0;

		assert_int_equal(utf8_decode(rows[i].text, rows[i].len, &code), rows[i].bytes);
		assert_int_equal(code, rows[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	     cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_words),	     cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_keep),	     cmocka_unit_test(test_paths),
		cmocka_unit_test(test_one_path),     cmocka_unit_test(test_paths_are_new),
		cmocka_unit_test(test_refusals),     cmocka_unit_test(test_names),
		cmocka_unit_test(test_nearest_name), cmocka_unit_test(test_quote),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, clear_arena);
}
