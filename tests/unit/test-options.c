/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line: what it sets, where it ends, what it refuses. */
#include "cli/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/schema.h"

enum {
	WORDS_MOST = 24,
};

static struct arena arena;

static int clear_arena(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* Parses the words of line, which single spaces separate; "_" stands for an empty word. */
static int parse(const char *line, enum options_for options_for, struct options *ret,
		 struct err *reterr)
{
	char **argv = arena_alloc(&arena, (WORDS_MOST + 2) * sizeof *argv);
	int argc = 0;

	argv[argc++] = arena_strdup(&arena, "run");
	while (*line) {
		size_t len = strcspn(line, " ");

		assert_true(argc <= WORDS_MOST);
		argv[argc++] = len == 1 && *line == '_' ? arena_strdup(&arena, "")
							: arena_strndup(&arena, line, len);
		line += len + (line[len] == ' ');
	}
	return options_parse(&arena, argc, argv, options_for, ret, reterr);
}

static void parse_well(const char *line, struct options *ret)
{
	struct err err = { 0 };

	if (parse(line, FOR_RUN, ret, &err) != 0)
		fail_msg("'%s': %s", line, err.subject);
}

static void test_forms(void **state)
{
	static const char *const lines[] = {
		"-p python true",	    "-ppython true",	   "--profile python true",
		"--profile=python true",    "-p x -p python true", "-p python -- true",
		"-q --profile python true",
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct options options;

		parse_well(lines[i], &options);
		assert_string_equal(options.profile, "python");
		assert_int_equal(options.command_len, 1);
		assert_string_equal(options.command[0], "true");
		assert_null(options.command[1]);
	}
}

static void test_command(void **state)
{
	static const struct {
		const char *line;
		size_t len;
		const char *first;
	} rows[] = {
		{ "", 0, NULL },
		{ "--", 0, NULL },
		{ "true", 1, "true" },
		{ "true -p x", 3, "true" },
		{ "true -- x", 3, "true" },
		{ "-- -p x", 2, "-p" },
		{ "-- -- x", 2, "--" },
		{ "-", 1, "-" },
		{ "- -p x", 3, "-" },
		{ "_", 1, "" },
		{ "-C -- x", 1, "x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct options options;

		parse_well(rows[i].line, &options);
		assert_int_equal(options.command_len, rows[i].len);
		assert_null(options.command[rows[i].len]);
		if (rows[i].first)
			assert_string_equal(options.command[0], rows[i].first);
	}
}

static void test_own_options(void **state)
{
	struct options options;

	(void)state;
	parse_well("-c print(1) --result fd:3 --timing -q -v -- a b", &options);
	assert_string_equal(options.code, "print(1)");
	assert_string_equal(options.result, "fd:3");
	assert_true(options.timing && options.quiet && options.verbose);
	assert_null(options.profile);
	assert_null(options.script);
	assert_int_equal(options.command_len, 2);
	parse_well("--script=a.py --script=b.py", &options);
	assert_string_equal(options.script, "b.py");
	assert_false(options.json || options.timing || options.quiet || options.verbose);
	parse_well("-c _ -- a", &options);
	assert_string_equal(options.code, "");
	parse_well("-p -", &options);
	assert_string_equal(options.profile, "-");
}

static void test_grants(void **state)
{
	struct options options;
	const struct profile *grants = &options.grants;

	(void)state;
	parse_well("--ro ./a --ro -./b:/c --rw=. -m 1G -m512M -t 5s -e LANG -eA=1 --env=A=2 "
		   "--interpreter python3 --interpreter -I --exec sh --extends build",
		   &options);
	assert_int_equal(grants->read.len, 2);
	assert_string_equal(grants->read.items[1].source, "./b");
	assert_true(grants->read.items[1].optional);
	assert_string_equal(grants->read.items[1].at.file, "command line");
	assert_int_equal(grants->read.items[1].at.line, 0);
	assert_int_equal(grants->write.len, 1);
	assert_true(grants->limits.memory == UINT64_C(512) << 20);
	assert_true(grants->limits.wall_ms == 5000);
	assert_true(grants->limits.cpu_ms == LIMIT_UNSET);
	assert_int_equal(grants->env_pass.len, 1);
	assert_int_equal(grants->env_set.len, 1);
	assert_string_equal(grants->env_set.items[0], "A=2");
	assert_int_equal(grants->interpreter.len, 2);
	assert_string_equal(grants->interpreter.items[1], "-I");
	assert_true(grants->exec_set);
	assert_string_equal(grants->extends.items[0], "build");
	assert_null(grants->name);
}

/* Every option of the table is taken in both long forms, and lands in its field. */
static void test_every_setting(void **state)
{
	static const struct {
		enum setting_type type;
		const char *value;
	} samples[] = {
		{ SETTING_TEXT, "x" },
		{ SETTING_ARGV, "x" },
		{ SETTING_WORDS, "x" },
		{ SETTING_EXEC, "x" },
		{ SETTING_PATHS, "x" },
		{ SETTING_PATHS_1, "x" },
		{ SETTING_SIZE, "5M" },
		{ SETTING_TIME, "5s" },
		{ SETTING_COUNT, "5" },
		{ SETTING_SHARE, "0.5" },
		{ SETTING_ENCODING, "utf-8" },
		{ SETTING_ENV_PASS, "X" },
		{ SETTING_ENV_SET, "X=1" },
		{ SETTING_HOSTS, "x:80" },
		{ SETTING_PUBLISH, "80" },
		{ SETTING_KEEP, "tail" },
		{ SETTING_SWITCH, "journal" },
		{ SETTING_BINDINGS, "x=y" },
		{ SETTING_SECRETS, "X=env:X@x.test" },
	};

	(void)state;
	for (size_t i = 0; i < settings_len; i++) {
		const char *value = NULL;
		struct options apart, joined;
		struct profile unset;

		for (size_t j = 0; j < sizeof samples / sizeof samples[0]; j++) {
			if (samples[j].type == settings[i].type)
				value = samples[j].value;
		}
		if (strcmp(settings[i].key, "allow_degraded") == 0)
			value = "landlock";
		else if (strcmp(settings[i].key, "network.registries") == 0)
			value = "npm";
		else if (strncmp(settings[i].key, "syscalls.", 9) == 0)
			value = "ptrace";
		if (settings[i].type == SETTING_HTTP)
			continue; /* three words in one argument */
		assert_non_null(value);
		if (settings[i].argument) {
			parse_well(arena_printf(&arena, "--%s %s", settings[i].option, value),
				   &apart);
			parse_well(arena_printf(&arena, "--%s=%s", settings[i].option, value),
				   &joined);
		} else { /* a flag */
			parse_well(arena_printf(&arena, "--%s x", settings[i].option), &apart);
			parse_well(arena_printf(&arena, "-q --%s -- x", settings[i].option),
				   &joined);
			assert_string_equal(apart.command[0], "x");
		}
		profile_init(&unset);
		assert_memory_not_equal(setting_field(&settings[i], &apart.grants),
					setting_field(&settings[i], &unset), sizeof(const char *));
		assert_memory_not_equal(setting_field(&settings[i], &joined.grants),
					setting_field(&settings[i], &unset), sizeof(const char *));
	}
}

static void test_errors(void **state)
{
	static const struct {
		const char *line;
		enum options_for options_for;
		const char *want;
	} rows[] = {
		{ "--memroy 5", FOR_RUN, "unknown option '--memroy'; did you mean '--memory'?" },
		{ "--memroy=5", FOR_RUN, "unknown option '--memroy'; did you mean '--memory'?" },
		{ "--wall 5s", FOR_RUN, "unknown option '--wall'; did you mean '--timeout'?" },
		{ "--allow-hots x", FOR_RUN,
		  "unknown option '--allow-hots'; did you mean '--allow-host'?" },
		{ "--allow-host *.com", FOR_RUN,
		  "option '--allow-host': '*.com' is every host below a public suffix, of "
		  "anybody; write the whole name" },
		{ "--allow-host x,tls=no", FOR_RUN,
		  "option '--allow-host': 'no' is not a rule for TLS; write any or required" },
		{ "-P 0", FOR_RUN,
		  "option '-P': port 0 has one picked on the host; write the box's port after "
		  "it, as in 0:3000" },
		{ "--zzz", FOR_SHOW, "unknown option '--zzz'; 'aisbx help show' lists them" },
		{ "--timing", FOR_SHOW, "unknown option '--timing'; 'aisbx help show' lists them" },
		{ "-Z", FOR_RUN, "unknown option '-Z'; 'aisbx help run' lists them" },
		{ "-\x1b", FOR_RUN, "unknown option '-\\x1b'; 'aisbx help run' lists them" },
		{ "--=x", FOR_RUN, "unknown option '--'; 'aisbx help run' lists them" },
		{ "--memory", FOR_RUN, "option '--memory' has no value; write --memory SIZE" },
		{ "-p", FOR_RUN, "option '-p' has no value; write -p NAME|FILE|-" },
		{ "-p _", FOR_RUN, "option '-p': an empty value; write NAME|FILE|-" },
		{ "--script= x", FOR_RUN, "option '--script': an empty value; write FILE" },
		{ "--json=1", FOR_SHOW, "option '--json' takes no value; write it alone" },
		{ "-qv", FOR_RUN, "option '-q' takes no value; write it alone" },
		{ "-c a --script b", FOR_RUN,
		  "option '-c' and option '--script' both give code; write one of them" },
		{ "--script b -ca", FOR_RUN,
		  "option '-c' and option '--script' both give code; write one of them" },
		{ "--result fd:", FOR_RUN,
		  "option '--result': 'fd:' is not a descriptor; write fd: and its number, as in "
		  "fd:3" },
		{ "-m 12Q", FOR_RUN,
		  "option '-m': '12Q' is not a size; write a number with K, M, G or T, as in "
		  "512M" },
		{ "--cpu=5", FOR_RUN,
		  "option '--cpu': '5' is not a time; write a number with ms, s, m or h, as in "
		  "30s" },
		{ "-e -- --help", FOR_RUN,
		  "option '-e': '--' is not the name of a variable; write letters, digits and _" },
		{ "--ro -- x", FOR_RUN,
		  "option '--ro': '--' is not a path; write ./ before a name that begins with -" },
		{ "-e 1A=secret", FOR_RUN,
		  "option '-e': '1A' is not NAME=VALUE; write a name of letters, digits and _ "
		  "before =" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *line = arena_printf(&arena, "--result r %s", rows[i].line);
		struct options options;
		struct err err = { 0 };

		assert_int_equal(parse(line, rows[i].options_for, &options, &err), -EINVAL);
		assert_string_equal(err.subject, rows[i].want);
		assert_int_equal(err.code, E_USAGE);
		assert_int_equal(err_exit_status(&err), EXIT_AISBX);
		assert_string_equal(options.result, "r"); /* what stands before the error */
		assert_null(*options.command);
	}
}

/* Every option is there, no line is wider than 80 columns or ends in a blank. */
static void test_help(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	options_print_help(out, FOR_RUN);
	assert_int_equal(fclose(out), 0);
	for (const char *line = text; *line;) {
		size_t width = strcspn(line, "\n");

		assert_true(width > 0 && width <= 80);
		assert_true(line[width] == '\n' && line[width - 1] != ' ');
		line += width + 1;
	}
	for (size_t i = 0; i < settings_len; i++)
		assert_non_null(strstr(
			text, arena_printf(&arena, "--%s %s", settings[i].option,
					   settings[i].argument ? settings[i].argument : "")));
	for (size_t i = 0; i < own_options_len; i++) {
		if (!(own_options[i].commands & FOR_RUN))
			continue;
		assert_non_null(strstr(text, own_options[i].name ? arena_printf(&arena, "--%s",
										own_options[i].name)
								 : "  -c TEXT"));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),	      cmocka_unit_test(test_command),
		cmocka_unit_test(test_own_options),   cmocka_unit_test(test_grants),
		cmocka_unit_test(test_every_setting), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, clear_arena);
}
