/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loading: where profiles are found, what extending makes of them, which files
 * are refused. Runs in a directory of its own. (Texts: test-profile-text.c)
 */
#include "policy/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <ftw.h>
#include <sha2.h>
#include <stdio.h>

#include "policy/lists.h"
#include "policy/schema.h"
#include "policy/shipped.h"
#include "policy/source.h"

static struct arena arena;
static char directory[] = "/tmp/aisbx-test-profile.XXXXXX";

/*** Help ***/

static int group_setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory) || chdir(directory) < 0)
		return -1;
	return setenv("HOME", directory, 1) | unsetenv("XDG_CONFIG_HOME");
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int group_teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	if (chdir("/") < 0)
		return -1;
	return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_bytes(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void write_text(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

static void load_well(const char *name, struct profile *ret)
{
	struct complaints complaints = { 0 };
	struct err err = { 0 };

	if (profile_load(&arena, name, ret, &complaints, &err) != 0)
		fail_msg("%s: %s", name, err.subject);
	assert_int_equal(complaints.messages.len, 0);
}

static void parse_well(const char *text, struct profile *ret)
{
	struct err err = { 0 };

	if (profile_parse(&arena, "p.yaml", text, strlen(text), ret, NULL, &err) != 0)
		fail_msg("'%s': %s", text, err.subject);
}

/* The first complaint of a load that must fail. */
static const char *load_badly(const char *name)
{
	struct complaints complaints = { 0 };
	struct profile profile = { .name = "before" };
	struct err *err = arena_alloc(&arena, sizeof *err);

	assert_int_equal(profile_load(&arena, name, &profile, &complaints, err), -EINVAL);
	assert_string_equal(profile.name, "before");
	assert_int_equal(err->code, E_PROFILE);
	assert_true(complaints.messages.len > 0);
	/* the message, but for its end when it is long */
	assert_int_equal(strncmp(complaints.messages.items[0], err->subject,
				 strnlen(err->subject, sizeof err->subject - 4)),
			 0);
	return complaints.messages.items[0];
}

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

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text);
}

/*** Extending ***/

static void test_extends_order(void **state)
{
	struct profile p;

	(void)state;
	write_text("d0.yaml", "limits: {memory: 1G, cpu: 1s}\nexec: [a]\n");
	write_text("d1.yaml", "extends: ./d0.yaml\nlimits: {memory: 2G}\nexec: [b]\n");
	write_text("d2.yaml", "extends: [././d0.yaml]\nexec: [c, a]\n");
	write_text("d3.yaml", "exec: [e]\nextends: [d1.yaml, ./d2.yaml]\nlimits: {wall: 3s}\n");
	load_well("./d3.yaml", &p);
	assert_words(&p.exec, "a b c e");
	/* d0 is merged once, so that it does not undo what d1 says */
	assert_true(p.limits.memory == UINT64_C(2) << 30);
	assert_true(p.limits.cpu_ms == 1000 && p.limits.wall_ms == 3000);
	assert_words(&p.extends, "./d0.yaml ././d0.yaml d1.yaml ./d2.yaml");
	assert_string_equal(p.name, "./d3.yaml");
	assert_string_equal(p.path, "./d3.yaml");
}

static void test_extends_loop(void **state)
{
	(void)state;
	write_text("a.yaml", "extends: [b.yaml]\n");
	write_text("b.yaml", "extends: [a.yaml]\n");
	assert_string_equal(load_badly("a.yaml"),
			    "b.yaml:1:11: a profile that extends itself: "
			    "a.yaml extends b.yaml extends a.yaml; take one out");
	/* the same file by another name, and through a link */
	write_text("c.yaml", "extends: [.//c.yaml]\n");
	assert_contains(load_badly("c.yaml"), "c.yaml extends .//c.yaml");
	assert_int_equal(symlink("e.yaml", "link.yaml"), 0);
	write_text("e.yaml", "extends: [link.yaml]\n");
	assert_contains(load_badly("e.yaml"), "e.yaml extends link.yaml");
}

/* Sixteen may extend one another; the seventeenth is one too many. */
static void test_extends_depth(void **state)
{
	struct profile p;

	(void)state;
	for (int i = 0; i <= 17; i++)
		write_text(arena_printf(&arena, "n%d.yaml", i),
			   i == 17 ? "chdir: /deep\n"
				   : arena_printf(&arena, "extends: [n%d.yaml]\n", i + 1));
	load_well("n1.yaml", &p);
	assert_string_equal(p.chdir, "/deep");
	assert_contains(load_badly("n0.yaml"), "n16.yaml:1:11: more than 16 profiles");
}

static void test_extends_errors_in_order(void **state)
{
	struct complaints complaints = { 0 };
	struct profile p;
	struct err err;

	(void)state;
	write_text("broken.yaml", "limits:\n  memry: 1G\n");
	write_text("user.yaml", "chdr: /a\nextends: [./broken.yaml, ./none.yaml]\nexec: {a: b}\n");
	assert_int_equal(profile_load(&arena, "user.yaml", &p, &complaints, &err), -EINVAL);
	assert_int_equal(complaints.messages.len, 4);
	assert_contains(complaints.messages.items[0], "user.yaml:1:1: unknown key 'chdr'");
	assert_contains(complaints.messages.items[1], "./broken.yaml:2:3: unknown key 'memry'");
	assert_contains(complaints.messages.items[2],
			"user.yaml:2:26: './none.yaml': no such file");
	assert_contains(complaints.messages.items[3], "user.yaml:3:7: 'exec' takes no keys");
}

/*** Names and files ***/

static void test_shipped(void **state)
{
	struct profile p;

	(void)state;
	for (size_t i = 0; profile_builtin_name(i); i++) {
		const char *name = profile_builtin_name(i);

		assert_int_equal(strlen(profile_builtin(name)), builtin_profiles[i].len);
		load_well(name, &p);
		assert_string_equal(p.name, name);
		assert_null(p.path);
		assert_non_null(p.description);
		assert_int_equal(p.interpreter.len > 0, strcmp(name, "base") != 0);
		assert_true(p.limits.memory < LIMIT_NONE && p.limits.wall_ms < LIMIT_NONE);
		assert_int_equal(strlen(p.sha256), 64);
	}
	assert_null(profile_builtin("none"));
	load_well("default", &p);
	assert_words(&p.interpreter, "sh");
	assert_int_equal(p.write.len, 0);
	assert_true(p.limits.output == LIMIT_UNSET);
	load_well("python", &p);
	assert_words(&p.interpreter, "python3 -I");
	assert_true(p.limits.memory == UINT64_C(2) << 30);
	load_well("build", &p);
	assert_sources(&p.write, ".");
	assert_words(&p.extends, "base agent");
}

static void make_dirs(const char *path)
{
	for (size_t len = 1; path[len - 1]; len++) {
		if (path[len] == '/' || !path[len])
			assert_true(mkdir(arena_strndup(&arena, path, len), 0700) == 0 ||
				    errno == EEXIST);
	}
}

static void test_user_profiles(void **state)
{
	struct profile p;

	(void)state;
	make_dirs(".config/aisbx/profiles");
	make_dirs("xdg/aisbx/profiles");
	write_text(".config/aisbx/profiles/mine.yaml", "extends: [base]\nchdir: /home\n");
	write_text(".config/aisbx/profiles/shell.yaml", "chdir: /shadow\n");
	write_text("xdg/aisbx/profiles/mine.yaml", "chdir: /xdg\n");
	load_well("mine", &p);
	assert_string_equal(p.chdir, "/home");
	assert_string_equal(p.name, "mine");
	assert_string_equal(p.path,
			    arena_printf(&arena, "%s/.config/aisbx/profiles/mine.yaml", directory));
	load_well("shell", &p); /* a user's own goes before the shipped one */
	assert_string_equal(p.chdir, "/shadow");
	assert_int_equal(p.interpreter.len, 0);

	assert_int_equal(setenv("XDG_CONFIG_HOME", arena_printf(&arena, "%s/xdg", directory), 1),
			 0);
	load_well("mine", &p);
	assert_string_equal(p.chdir, "/xdg");
	assert_int_equal(setenv("XDG_CONFIG_HOME", "xdg", 1), 0); /* relative: ignored */
	load_well("mine", &p);
	assert_string_equal(p.chdir, "/home");
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	assert_contains(load_badly("mina"),
			"unknown profile 'mina'; did you mean 'mine'? known are mine, ");
	assert_int_equal(unlink(".config/aisbx/profiles/shell.yaml"), 0);
}

/* A user's profile that is there but of no use is never passed over for a shipped one. */
static void test_user_profile_unusable(void **state)
{
	(void)state;
	make_dirs(".config/aisbx/profiles/python.yaml");
	assert_contains(load_badly("python"), "python.yaml': a directory, not a file");
	assert_int_equal(rmdir(".config/aisbx/profiles/python.yaml"), 0);
	if (geteuid() == 0)
		return; /* root reads everything */
	write_text(".config/aisbx/profiles/python.yaml", "chdir: /a\n");
	assert_int_equal(chmod(".config/aisbx/profiles/python.yaml", 0), 0);
	assert_contains(load_badly("python"), "Permission denied");
	assert_int_equal(unlink(".config/aisbx/profiles/python.yaml"), 0);
}

static void test_names(void **state)
{
	(void)state;
	assert_contains(load_badly("pyhton"),
			"unknown profile 'pyhton'; did you mean 'python'? known are python, ");
	assert_contains(load_badly("quux"), "unknown profile 'quux'; known are ");
	assert_contains(load_badly("quux"), " and ");
	assert_contains(load_badly("../../etc/passwd\n"), "control character");
	assert_contains(load_badly(".hidden"), "is not a profile's name");
	assert_contains(load_badly(""), "an empty profile name");
	assert_contains(load_badly("~bob/x"), "not a path below your home");
}

static void test_files(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "sock.yaml" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *large = arena_alloc(&arena, SOURCE_BYTES + 1);
	struct profile p;

	(void)state;
	assert_int_equal(mkfifo("fifo.yaml", 0600), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(close(fd), 0);
	assert_contains(load_badly("fifo.yaml"), "'fifo.yaml': a fifo, not a file");
	assert_contains(load_badly("sock.yaml"), "'sock.yaml': a socket, not a file");
	assert_contains(load_badly("/dev/null"), "'/dev/null': a device, not a file");
	assert_contains(load_badly("./"), "'./': a directory, not a file");
	assert_contains(load_badly("none.json"), "'none.json': no such file");
	assert_contains(load_badly("a.yaml/b"), "Not a directory");

	memset(large, '#', SOURCE_BYTES + 1);
	large[SOURCE_BYTES - 1] = '\n';
	memcpy(large, "chdir: /a #", 11);
	write_bytes("large.yaml", large, SOURCE_BYTES);
	load_well("large.yaml", &p);
	assert_string_equal(p.chdir, "/a");
	write_bytes("large.yaml", large, SOURCE_BYTES + 1);
	assert_contains(load_badly("large.yaml"), "'large.yaml': larger than 1 MiB");

	write_text("home.yaml", "chdir: /home\n");
	load_well("~/home.yaml", &p);
	assert_string_equal(p.chdir, "/home");
}

static void test_stdin(void **state)
{
	struct profile p;
	int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], "chdir: /pipe\n", 13), 13);
	assert_int_equal(close(fds[1]), 0);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(close(fds[0]), 0);
	load_well("-", &p);
	assert_string_equal(p.chdir, "/pipe");
	assert_string_equal(p.name, "-");
	assert_null(p.path);
	assert_contains(load_badly("-"), "<stdin>:1:1: an empty profile");
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(close(saved), 0);
}

static void test_command_line(void **state)
{
	struct complaints complaints = { 0 };
	struct profile grants, p;
	struct err err;

	(void)state;
	parse_well("chdir: /x\nlimits: {memory: 3G}\n", &grants);
	grants.name = NULL;
	grants.sha256[0] = '\0';
	strv_push(&arena, &grants.extends, arena_strdup(&arena, "node"));
	assert_int_equal(profile_load_command(&arena, "python", &grants, &p, &complaints, &err), 0);
	assert_string_equal(p.name, "python");
	assert_words(&p.interpreter, "node");
	assert_words(&p.extends, "base node");
	assert_true(p.limits.memory == UINT64_C(3) << 30);
	assert_string_equal(p.chdir, "/x");
	assert_int_equal(profile_load_command(&arena, NULL, NULL, &p, NULL, &err), 0);
	assert_string_equal(p.name, "default");
	strv_push(&arena, &grants.extends, arena_strdup(&arena, "nod"));
	assert_int_equal(profile_load_command(&arena, NULL, &grants, &p, &complaints, &err),
			 -EINVAL);
	assert_contains(complaints.messages.items[0], "command line: unknown profile 'nod'; did");
}

/* Any name is a file here: `aisbx check python` is about the file python. */
static void test_load_file(void **state)
{
	struct complaints complaints = { 0 };
	struct profile p;
	struct err err;

	(void)state;
	assert_int_equal(profile_load_file(&arena, "python", &p, &complaints, &err), -EINVAL);
	assert_contains(complaints.messages.items[0], "python: no such file");
	/* names of files may come from anywhere */
	assert_int_equal(profile_load_file(&arena, "a\nb\x1b", &p, &complaints, &err), -EINVAL);
	assert_contains(complaints.messages.items[1], "a\\x0ab\\x1b: no such file");
	write_text("python", "chdir: /file\n");
	assert_int_equal(profile_load_file(&arena, "python", &p, NULL, &err), 0);
	assert_string_equal(p.chdir, "/file");
}

/*** Made at build time ***/

static void assert_same_text(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void assert_same_words(const struct strv *a, const struct strv *b)
{
	assert_int_equal(a->len, b->len);
	assert_int_equal(!a->items, !b->items);
	for (size_t i = 0; i < a->len; i++)
		assert_string_equal(a->items[i], b->items[i]);
	if (a->items)
		assert_null(a->items[a->len]);
}

static void assert_same_paths(const struct path_list *a, const struct path_list *b)
{
	assert_int_equal(a->len, b->len);
	assert_int_equal(!a->items, !b->items);
	for (size_t i = 0; i < a->len; i++) {
		const struct path_spec *one = &a->items[i], *other = &b->items[i];

		assert_string_equal(one->source, other->source);
		assert_same_text(one->dest, other->dest);
		assert_int_equal(one->optional, other->optional);
		assert_string_equal(one->at.file, other->at.file);
		assert_int_equal(one->at.line, other->at.line);
		assert_int_equal(one->at.column, other->at.column);
	}
}

static void assert_same_hosts(const struct host_list *a, const struct host_list *b)
{
	assert_int_equal(a->len, b->len);
	for (size_t i = 0; i < a->len; i++) {
		const struct host_spec *one = &a->items[i], *other = &b->items[i];

		assert_string_equal(one->text, other->text);
		assert_int_equal(one->tls_any, other->tls_any);
		assert_string_equal(one->at.file, other->at.file);
		assert_int_equal(one->at.line, other->at.line);
		assert_int_equal(one->at.column, other->at.column);
	}
}

/* Compares the field of one key; returns its size. */
static size_t assert_same_setting(const struct setting *setting, const struct profile *one,
				  const struct profile *other)
{
	const void *a = setting_field(setting, one), *b = setting_field(setting, other);

	switch (setting->type) {
	case SETTING_TEXT:
		assert_same_text(*(const char *const *)a, *(const char *const *)b);
		return sizeof(const char *);
	case SETTING_ARGV:
	case SETTING_WORDS:
	case SETTING_EXEC:
	case SETTING_ENV_PASS:
	case SETTING_ENV_SET:
		assert_same_words(a, b);
		return sizeof(struct strv);
	case SETTING_PATHS:
	case SETTING_PATHS_1:
		assert_same_paths(a, b);
		return sizeof(struct path_list);
	case SETTING_BINDINGS: /* shipped profiles have none */
		assert_int_equal(((const struct binding_list *)a)->len, 0);
		assert_int_equal(((const struct binding_list *)b)->len, 0);
		return sizeof(struct binding_list);
	case SETTING_HTTP:
		assert_int_equal(((const struct http_list *)a)->len, 0); /* none is shipped */
		assert_int_equal(((const struct http_list *)b)->len, 0);
		return sizeof(struct http_list);
	case SETTING_SECRETS:
		assert_int_equal(((const struct secret_list *)a)->len, 0);
		assert_int_equal(((const struct secret_list *)b)->len, 0);
		return sizeof(struct secret_list);
	case SETTING_HOSTS:
	case SETTING_PUBLISH:
		assert_same_hosts(a, b);
		return sizeof(struct host_list);
	case SETTING_SIZE:
	case SETTING_TIME:
	case SETTING_COUNT:
	case SETTING_SHARE:
		assert_true(*(const uint64_t *)a == *(const uint64_t *)b);
		return sizeof(uint64_t);
	case SETTING_SWITCH:
		assert_int_equal(*(const enum flip *)a, *(const enum flip *)b);
		return sizeof(enum flip);
	case SETTING_ENCODING:
		assert_int_equal(*(const enum encoding *)a, *(const enum encoding *)b);
		return sizeof(enum encoding);
	case SETTING_KEEP:
		assert_int_equal(*(const unsigned *)a, *(const unsigned *)b);
		return sizeof(unsigned);
	}
	fail_msg("'%s' has a type that is not compared", setting->key);
	return 0;
}

#define COMPARED(field) memset(compared + offsetof(struct profile, field), 1, sizeof a->field)

static void assert_same_profile(const struct profile *a, const struct profile *b)
{
	char compared[sizeof *a] = { 0 };
	size_t run = 0;

	assert_same_text(a->name, b->name);
	COMPARED(name);
	assert_same_text(a->path, b->path);
	COMPARED(path);
	assert_same_words(&a->files, &b->files);
	COMPARED(files);
	assert_int_equal(a->exec_set, b->exec_set);
	COMPARED(exec_set);
	assert_string_equal(a->sha256, b->sha256);
	COMPARED(sha256);
	for (size_t i = 0; i < settings_len; i++)
		memset(compared + settings[i].offset, 1, assert_same_setting(&settings[i], a, b));
	/* what is left is padding, not a field that was forgotten here */
	for (size_t i = 0; i < sizeof compared; i++) {
		run = compared[i] ? 0 : run + 1;
		if (run >= sizeof(uint64_t))
			fail_msg("byte %zu of struct profile is not compared", i);
	}
}

/* Whether the profile is a copy of the one made at build time. */
static bool is_made(const struct profile *profile)
{
	for (size_t i = 0; i < shipped_profiles_len; i++) {
		if (profile->description == shipped_profiles[i].description)
			return true;
	}
	return false;
}

static void load_parsed(const char *name, struct profile *ret)
{
	struct complaints complaints = { 0 };
	struct err err = { 0 };

	if (profile_load_builtin(&arena, name, ret, &complaints, &err) != 0)
		fail_msg("%s: %s", name, err.subject);
	assert_int_equal(complaints.messages.len, 0);
	assert_false(is_made(ret));
}

static void test_made_is_parsed(void **state)
{
	struct profile made, parsed;
	size_t i;

	(void)state;
	for (i = 0; profile_builtin_name(i); i++) {
		load_well(profile_builtin_name(i), &made);
		assert_true(is_made(&made));
		load_parsed(profile_builtin_name(i), &parsed);
		assert_same_profile(&made, &parsed);
	}
	assert_int_equal(shipped_profiles_len, i);
}

/* Options on top of it, and what is appended to a copy, leave it as it is. */
static void test_made_under_options(void **state)
{
	static const char text[] =
		"files: {read: [/usr, /bin, /a], write: [b], hide: [c], tmpfs: [/d, /tmp]}\n"
		"exec: [sh]\nenv: {pass: [LANG, X], set: [A=1, PS1=2]}\ninterpreter: [x]\n"
		"limits: {memory: 3G, output: none}\n"
		"syscalls: {allow: ['@debug'], deny: [ptrace]}\n";
	struct profile grants, made, parsed, again;
	struct err err;

	(void)state;
	parse_well(text, &grants);
	for (size_t i = 0; profile_builtin_name(i); i++) {
		const char *name = profile_builtin_name(i);
		char sha256[65];

		assert_int_equal(profile_load_command(&arena, name, &grants, &made, NULL, &err), 0);
		load_parsed(name, &parsed);
		memcpy(sha256, parsed.sha256, sizeof sha256);
		profile_merge(&arena, &parsed, &grants);
		parsed.name = name;
		memcpy(parsed.sha256, sha256, sizeof sha256);
		assert_same_profile(&made, &parsed);

		load_well(name, &made);
		strv_push(&arena, &made.env_pass, arena_strdup(&arena, "MORE"));
		strv_push_new(&arena, &made.extends, arena_strdup(&arena, "more"));
		path_list_push_new(&arena, &made.read, &grants.read.items[2]);
		path_list_push_new(&arena, &made.write, &grants.write.items[0]);
		assert_string_equal(made.env_pass.items[made.env_pass.len - 1], "MORE");
		load_well(name, &again);
		load_parsed(name, &parsed);
		assert_same_profile(&again, &parsed);
	}
}

static bool is_made_of(const char *name, const char *part)
{
	struct profile parsed;

	load_parsed(name, &parsed);
	return strcmp(name, part) == 0 || strv_has(&parsed.extends, part);
}

/* A file in place of any text that a shipped profile is made of is heeded. */
static void test_made_is_shadowed(void **state)
{
	struct profile p, parsed;

	(void)state;
	make_dirs(".config/aisbx/profiles");
	for (size_t i = 0; profile_builtin_name(i); i++) {
		const char *part = profile_builtin_name(i);
		char *path = arena_printf(&arena, ".config/aisbx/profiles/%s.yaml", part);

		for (size_t j = 0; profile_builtin_name(j); j++) {
			const char *name = profile_builtin_name(j);

			write_text(path, "chdir: /shadow\n");
			load_well(name, &p);
			assert_int_equal(is_made(&p), !is_made_of(name, part));
			assert_int_equal(!p.chdir, !is_made_of(name, part));
			assert_int_equal(p.files.len, is_made_of(name, part));
			/* the same text: the same grants, of another origin */
			write_text(path, profile_builtin(part));
			load_well(name, &p);
			assert_int_equal(is_made(&p), !is_made_of(name, part));
			load_parsed(name, &parsed);
			assert_string_equal(p.sha256, parsed.sha256);
			assert_int_equal(unlink(path), 0);
		}
	}
}

static void test_made_is_shadowed_oddly(void **state)
{
	static const char path[] = ".config/aisbx/profiles/base.yaml";
	char *deep = arena_printf(&arena, "%s/%0600d", directory, 0);
	struct profile p;

	(void)state;
	make_dirs(path);
	assert_contains(load_badly("python"), "base.yaml': a directory, not a file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_contains(load_badly("default"), "base.yaml': a fifo, not a file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("base.yaml", path), 0);
	assert_contains(load_badly("default"), "base.yaml': cannot be opened: Too many levels");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("nothing", path), 0);
	load_well("default", &p);
	assert_true(is_made(&p));
	assert_int_equal(unlink(path), 0);

	/* a directory that is a file has no profiles; one of too long a name is a mistake */
	write_text("file", "");
	assert_int_equal(setenv("XDG_CONFIG_HOME", arena_printf(&arena, "%s/file", directory), 1),
			 0);
	load_well("default", &p);
	assert_true(is_made(&p));
	assert_int_equal(setenv("XDG_CONFIG_HOME", deep, 1), 0);
	assert_contains(load_badly("default"), "File name too long");
	deep[strlen(directory) + 200] = '/';
	deep[strlen(directory) + 400] = '/';
	assert_int_equal(setenv("XDG_CONFIG_HOME", deep, 1), 0);
	load_well("default", &p); /* is not looked for before, but found to be missing */
	assert_false(is_made(&p));
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
}

/* HOME of another user has no profiles of the caller. */
static void test_made_without_search(void **state)
{
	struct profile p;

	(void)state;
	if (geteuid() == 0)
		return; /* root searches everything */
	assert_int_equal(mkdir("closed", 0), 0);
	assert_int_equal(setenv("XDG_CONFIG_HOME", arena_printf(&arena, "%s/closed", directory), 1),
			 0);
	load_well("default", &p);
	assert_true(is_made(&p));
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	assert_int_equal(rmdir("closed"), 0);
}

/*** Digest ***/

static void test_sha256(void **state)
{
	static const char text[] = "extends: [./low.yaml]\n", low[] = "chdir: /a\n";
	uint8_t length[8] = { 0 };
	char want[65];
	SHA2_CTX sha;
	struct profile p, other;

	(void)state;
	write_text("low.yaml", low);
	write_text("high.yaml", text);
	SHA256Init(&sha);
	length[7] = sizeof text - 1;
	SHA256Update(&sha, length, sizeof length);
	SHA256Update(&sha, (const uint8_t *)text, sizeof text - 1);
	length[7] = sizeof low - 1;
	SHA256Update(&sha, length, sizeof length);
	SHA256Update(&sha, (const uint8_t *)low, sizeof low - 1);
	assert_non_null(SHA256End(&sha, want));
	load_well("high.yaml", &p);
	assert_string_equal(p.sha256, want);
	load_well("./high.yaml", &other);
	assert_string_equal(other.sha256, want);
	write_text("low.yaml", "chdir: /b\n");
	load_well("high.yaml", &other);
	assert_string_not_equal(other.sha256, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extends_order),
		cmocka_unit_test(test_extends_loop),
		cmocka_unit_test(test_extends_depth),
		cmocka_unit_test(test_extends_errors_in_order),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_user_profiles),
		cmocka_unit_test(test_user_profile_unusable),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_stdin),
		cmocka_unit_test(test_command_line),
		cmocka_unit_test(test_load_file),
		cmocka_unit_test(test_made_is_parsed),
		cmocka_unit_test(test_made_under_options),
		cmocka_unit_test(test_made_is_shadowed),
		cmocka_unit_test(test_made_is_shadowed_oddly),
		cmocka_unit_test(test_made_without_search),
		cmocka_unit_test(test_sha256),
	};

	return cmocka_run_group_tests_name("profile", tests, group_setup, group_teardown);
}
