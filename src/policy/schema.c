/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one table of what can be asked for: see schema.h. */
#include "policy/schema.h"

#include <errno.h>
#include <string.h>

#include "box/seccomp/syscall_names.h"
#include "policy/binding_specs.h"
#include "policy/host_specs.h"
#include "policy/http_rules.h"
#include "policy/lists.h"
#include "policy/paths.h"
#include "policy/secret_specs.h"
#include "policy/units.h"
#include "policy/values.h"
#include "policy/words.h"

enum {
	MIB = 1 << 20,
};

const char *const keep_names[] = {
	[KEEP_UNSET] = "",
	[KEEP_HEAD] = "head",
	[KEEP_TAIL] = "tail",
	[KEEP_HEAD | KEEP_TAIL] = "head,tail",
};

#define FIELD(name) offsetof(struct profile, name)

/* In the order of --help and of `show`. */
/* clang-format off */
const struct setting settings[] = {
	{ "description", "description", 0, "TEXT",
	  "what the profile is for, in one line",
	  SETTING_TEXT, FIELD(description), 0, value_check_line },
	{ "extends", "extends", 0, "NAME",
	  "take the grants of profile NAME too (repeatable)",
	  SETTING_WORDS, FIELD(extends), 0, value_check_profile },
	{ "interpreter", "interpreter", 0, "WORD",
	  "program that code is given to, one word of its argv at a time (repeatable)",
	  SETTING_ARGV, FIELD(interpreter), 0, NULL },
	{ "files.read", "ro", 0, "SRC[:DEST]",
	  "show a file or directory read-only; with a leading - skip it when missing (repeatable)",
	  SETTING_PATHS, FIELD(read), 0, NULL },
	{ "files.write", "rw", 0, "SRC[:DEST]",
	  "the same, writable (repeatable)",
	  SETTING_PATHS, FIELD(write), 0, NULL },
	{ "files.hide", "hide", 0, "PATH",
	  "leave a path out below a grant (repeatable)",
	  SETTING_PATHS_1, FIELD(hide), 0, NULL },
	{ "files.tmpfs", "tmpfs", 0, "PATH",
	  "a private empty directory in memory (repeatable)",
	  SETTING_PATHS_1, FIELD(tmpfs), 0, NULL },
	{ "files.protect", "protect", 0, "NAME",
	  "a name, or pattern with *, that may be neither changed nor created below a writable"
	  " grant (repeatable)",
	  SETTING_WORDS, FIELD(protect), 0, value_check_protect },
	{ "exec", "exec", 0, "PROGRAM",
	  "a program that may be executed; without this any visible one may (repeatable)",
	  SETTING_EXEC, FIELD(exec), 0, value_check_program },
	{ "env.pass", "env", 'e', "NAME",
	  "pass a variable of the caller's, or all that match a pattern with * (repeatable)",
	  SETTING_ENV_PASS, FIELD(env_pass), 0, NULL },
	{ "env.set", "env", 'e', "NAME=VALUE",
	  "set a variable (repeatable)",
	  SETTING_ENV_SET, FIELD(env_set), 0, NULL },
	{ "chdir", "chdir", 'C', "DIR",
	  "directory to start in",
	  SETTING_TEXT, FIELD(chdir), 0, value_check_path },
	{ "network.hosts", "allow-host", 0, "HOST[:PORT]",
	  "a host on the internet that may be connected to; *.NAME for all below NAME, port 443"
	  " without one (repeatable)",
	  SETTING_HOSTS, FIELD(hosts), 0, value_check_host },
	{ "network.private", "allow-private-host", 0, "HOST[:PORT]",
	  "the same, also where its address is private, link-local or this machine's"
	  " (repeatable)",
	  SETTING_HOSTS, FIELD(private_hosts), 0, value_check_private_host },
	{ "network.http", "http", 0, "HOST METHOD PATH",
	  "a request that HOST may be sent, as in 'api.example.com GET /v1/*'; with one for a host"
	  " no other is let through (repeatable)",
	  SETTING_HTTP, FIELD(http), 0, value_check_http },
	{ "network.publish", "publish", 'P', "[ADDR:]PORT[:BOXPORT]",
	  "let a port of this machine, of 127.0.0.1 without ADDR, lead into the box"
	  " (repeatable)",
	  SETTING_PUBLISH, FIELD(publish), 0, value_check_publish },
	{ "network.registries", "registry", 0, "TOOL",
	  "grant the hosts that the caller's own configuration of TOOL names: npm, pip, cargo, go,"
	  " maven, apt (repeatable)",
	  SETTING_WORDS, FIELD(registries), 0, value_check_registry },
	{ "bindings", "binding", 0, "NAME=COMMAND",
	  "a program of this machine's that the box may call by NAME, for its output, and never"
	  " sees (repeatable)",
	  SETTING_BINDINGS, FIELD(bindings), 0, NULL },
	{ "secrets", "secret", 0, "NAME=SOURCE@HOST",
	  "give requests to HOST the secret from SOURCE (env:VAR, file:PATH, fd:N or"
	  " command:PROGRAM ARG...), for which $NAME stands in the box (repeatable)",
	  SETTING_SECRETS, FIELD(secrets), 0, NULL },
	{ "limits.memory", "memory", 'm', "SIZE",
	  "memory of everything in the box together, as in 512M",
	  SETTING_SIZE, FIELD(limits.memory), MIB, NULL },
	{ "limits.cpu", "cpu", 0, "TIME",
	  "processor time of everything in the box together, as in 30s",
	  SETTING_TIME, FIELD(limits.cpu_ms), 1, NULL },
	{ "limits.cpus", "cpus", 0, "N",
	  "processors that the box may keep busy at once, a share of one too, as in 0.5",
	  SETTING_SHARE, FIELD(limits.cpus), 10, NULL },
	{ "limits.wall", "timeout", 't', "TIME",
	  "time until the box is ended, as in 2m",
	  SETTING_TIME, FIELD(limits.wall_ms), 1, NULL },
	{ "limits.grace", "grace", 0, "TIME",
	  "time between the polite signal and the kill",
	  SETTING_TIME, FIELD(limits.grace_ms), 0, NULL },
	{ "limits.processes", "processes", 0, "N",
	  "processes and threads at once",
	  SETTING_COUNT, FIELD(limits.processes), 1, NULL },
	{ "limits.tmp", "tmp-size", 0, "SIZE",
	  "all private files in memory together",
	  SETTING_SIZE, FIELD(limits.tmp), 0, NULL },
	{ "limits.file_size", "file-size", 0, "SIZE",
	  "largest file that may be written",
	  SETTING_SIZE, FIELD(limits.file_size), 0, NULL },
	{ "limits.disk", "disk", 0, "SIZE",
	  "all that is written to write grants together, as in 2G",
	  SETTING_SIZE, FIELD(limits.disk), 0, NULL },
	{ "limits.output", "max-output", 0, "SIZE",
	  "stdout and stderr together",
	  SETTING_SIZE, FIELD(limits.output), 0, NULL },
	{ "limits.keep", "keep", 0, "head,tail",
	  "end of longer output that is kept: head, where the run ends, tail, or head,tail"
	  " (repeatable)",
	  SETTING_KEEP, FIELD(limits.keep), 0, NULL },
	{ "limits.open_files", "open-files", 0, "N",
	  "open descriptors of one process",
	  SETTING_COUNT, FIELD(limits.open_files), 5, NULL },
	{ "limits.io_weight", "io-weight", 0, "N",
	  "share of a busy disk, from 1 to 10000, where others have 100",
	  SETTING_COUNT, FIELD(limits.io_weight), 1, NULL },
	{ "syscalls.allow", "allow-syscall", 0, "NAME",
	  "a system call or @set on top of the default ones (repeatable)",
	  SETTING_WORDS, FIELD(syscalls_allow), 0, syscall_check_allow },
	{ "syscalls.deny", "deny-syscall", 0, "NAME",
	  "a system call or @set to refuse (repeatable)",
	  SETTING_WORDS, FIELD(syscalls_deny), 0, syscall_check_deny },
	{ "allow_degraded", "allow-degraded", 0, "WALL",
	  "run although this host cannot build WALL; the result names it (repeatable)",
	  SETTING_WORDS, FIELD(allow_degraded), 0, value_check_wall },
	{ "input.max_size", "max-input", 0, "SIZE",
	  "longest code that is taken",
	  SETTING_SIZE, FIELD(input_max_size), 0, NULL },
	{ "input.encoding", "input-encoding", 0, "utf-8|any",
	  "what bytes code may have",
	  SETTING_ENCODING, FIELD(input_encoding), 0, NULL },
	{ "input.check", "input-check", 0, "WORD",
	  "program that accepts code on its stdin before it runs, one word at a time (repeatable)",
	  SETTING_ARGV, FIELD(input_check), 0, NULL },
	{ "audit.file", "audit", 0, "FILE|fd:N",
	  "append one JSON line for each thing asked for, allowed or refused",
	  SETTING_TEXT, FIELD(audit_file), 0, value_check_sink },
	{ "audit.journal", "audit", 0, "journal",
	  "the same to the journal of the system, or where there is none to syslog",
	  SETTING_SWITCH, FIELD(audit_journal), 0, NULL },
	{ "audit.explain_missing", "explain-missing", 0, NULL,
	  "name what the command looked for that a grant would bring into the box (slower)",
	  SETTING_SWITCH, FIELD(explain_missing), 0, NULL },
};
/* clang-format on */
const size_t settings_len = sizeof settings / sizeof settings[0];

const struct setting *setting_by_key(const char *key)
{
	for (size_t i = 0; i < settings_len; i++) {
		if (strcmp(settings[i].key, key) == 0)
			return &settings[i];
	}
	return NULL;
}

const struct setting *setting_by_option(const char *option, size_t len)
{
	for (size_t i = 0; i < settings_len; i++) {
		const char *name = settings[i].option;

		if (name && strlen(name) == len && memcmp(name, option, len) == 0)
			return &settings[i];
	}
	return NULL;
}

const struct setting *setting_by_short_option(char option)
{
	for (size_t i = 0; i < settings_len; i++) {
		if (option && settings[i].short_option == option)
			return &settings[i];
	}
	return NULL;
}

const struct setting *setting_for_value(const struct setting *setting, const char *value)
{
	if (setting->type == SETTING_ENV_PASS && strchr(value, '='))
		return setting_by_key("env.set");
	if (setting->offset == FIELD(audit_file) && strcmp(value, "journal") == 0)
		return setting_by_key("audit.journal");
	return setting;
}

const char *setting_sample(const struct setting *setting)
{
	return setting->type == SETTING_SWITCH ? "true" : setting->argument;
}

bool setting_is_list(const struct setting *setting)
{
	switch (setting->type) {
	case SETTING_ARGV:
	case SETTING_WORDS:
	case SETTING_EXEC:
	case SETTING_PATHS:
	case SETTING_PATHS_1:
	case SETTING_HOSTS:
	case SETTING_HTTP:
	case SETTING_SECRETS:
	case SETTING_PUBLISH:
	case SETTING_BINDINGS:
	case SETTING_ENV_PASS:
	case SETTING_ENV_SET:
	case SETTING_KEEP:
		return true;
	case SETTING_TEXT:
	case SETTING_SIZE:
	case SETTING_TIME:
	case SETTING_COUNT:
	case SETTING_SHARE:
	case SETTING_ENCODING:
	case SETTING_SWITCH:
		break;
	}
	return false;
}

void *setting_field(const struct setting *setting, const struct profile *profile)
{
	return (char *)(uintptr_t)profile + setting->offset;
}

/* What is wrong with a number's text, and what to write. */
static const char *number_reason(struct arena *arena, enum setting_type type, int r,
				 const char *value)
{
	const char *quoted = word_quote(arena, value);

	if (r == -ERANGE)
		return arena_printf(arena, "%s is too large; write none for no limit", quoted);
	if (type == SETTING_SIZE)
		return arena_printf(
			arena, "%s is not a size; write a number with K, M, G or T, as in 512M",
			quoted);
	if (type == SETTING_TIME)
		return arena_printf(
			arena, "%s is not a time; write a number with ms, s, m or h, as in 30s",
			quoted);
	if (type == SETTING_SHARE)
		return arena_printf(arena,
				    "%s is not a number of processors; write one such as 2 or 0.5",
				    quoted);
	return arena_printf(arena, "%s is not a count; write a whole number from 1, or none",
			    quoted);
}

int setting_read_number(struct arena *arena, const struct setting *setting, const char *value,
			uint64_t *ret, const char **ret_why)
{
	int (*parse)(const char *, uint64_t *) = setting->type == SETTING_SIZE	 ? units_parse_size
						 : setting->type == SETTING_TIME ? units_parse_time
						 : setting->type == SETTING_SHARE
							 ? units_parse_share
							 : units_parse_count;
	uint64_t number;
	char least[32];
	int r = parse(value, &number);

	if (r < 0) {
		*ret_why = number_reason(arena, setting->type, r, value);
		return -EINVAL;
	}
	if (number < setting->minimum) {
		if (setting->type == SETTING_TIME)
			units_format_time(setting->minimum, least, sizeof least);
		else if (setting->type == SETTING_SHARE)
			units_format_share(setting->minimum, least, sizeof least);
		else
			units_format_size(setting->minimum, least, sizeof least);
		*ret_why = arena_printf(
			arena, "%s is too little for '%s'; write at least %s, or none for no limit",
			word_quote(arena, value), setting->key, least);
		return -EINVAL;
	}
	*ret = number;
	return 0;
}

static int apply_text(struct arena *arena, const struct setting *setting, const char *value,
		      const char **ret, const char **ret_why)
{
	size_t len = strlen(value);

	/* a block scalar (| or >) ends in a newline that is not meant */
	while (len > 0 && value[len - 1] == '\n')
		len--;
	const char *text = arena_strndup(arena, value, len);
	if (setting->check)
		*ret_why = setting->check(arena, text);
	if (*ret_why)
		return -EINVAL;
	*ret = text;
	return 0;
}

static int apply_word(struct arena *arena, const struct setting *setting, const char *value,
		      struct strv *list, const char **ret_why)
{
	char *item = arena_strdup(arena, value);

	if (setting->check)
		*ret_why = setting->check(arena, value);
	else if (setting->type == SETTING_ENV_PASS)
		*ret_why = value_check_env_pass(arena, value);
	else if (setting->type == SETTING_ENV_SET)
		*ret_why = value_check_env_set(arena, value);
	else if (setting->type == SETTING_ARGV && list->len == 0 && !*value)
		*ret_why = "an empty program name; write the name of a program";
	if (*ret_why)
		return -EINVAL;
	if (setting->type == SETTING_ENV_SET)
		strv_push_env(arena, list, item);
	else if (setting->type == SETTING_ARGV)
		strv_push(arena, list, item);
	else
		strv_push_new(arena, list, item);
	return 0;
}

/* What no host and no box can have; the plan looks once more, at what the host has there. */
static const char *refuse_place(struct arena *arena, const struct setting *setting,
				const struct path_spec *spec)
{
	bool is_mount = setting->type == SETTING_PATHS;
	bool is_tmpfs = setting->offset == offsetof(struct profile, tmpfs);
	const char *place = spec->dest ? spec->dest : spec->source;
	const char *why = NULL;

	if (is_mount && spec->source[0] == '/')
		why = path_why_no_source(path_absolute(arena, "/", spec->source));
	if (why)
		place = spec->source;
	else if ((is_mount || is_tmpfs) && place[0] == '/')
		why = path_why_no_place(path_absolute(arena, "/", place));
	return why ? arena_printf(arena, "cannot grant %s: %s", word_quote(arena, place), why)
		   : NULL;
}

static int apply_path(struct arena *arena, const struct setting *setting, const char *value,
		      struct origin at, struct path_list *list, const char **ret_why)
{
	struct path_spec spec = { .at = at };

	*ret_why = value_parse_path(arena, value, setting->type == SETTING_PATHS, &spec);
	if (!*ret_why)
		*ret_why = refuse_place(arena, setting, &spec);
	if (*ret_why)
		return -EINVAL;
	path_list_push_new(arena, list, &spec);
	return 0;
}

static int apply_host(struct arena *arena, const struct setting *setting, const char *value,
		      struct origin at, struct host_list *list, const char **ret_why)
{
	struct host_spec spec = { .at = at };

	*ret_why = host_spec_read(arena, setting, value, &spec);
	if (*ret_why)
		return -EINVAL;
	host_list_push_new(arena, list, &spec);
	return 0;
}

static int apply_binding(struct arena *arena, const char *value, struct origin at,
			 struct binding_list *list, const char **ret_why)
{
	struct binding_spec spec;

	binding_spec_init(&spec, at);
	*ret_why = binding_spec_read(arena, value, &spec);
	if (*ret_why)
		return -EINVAL;
	binding_list_push(arena, list, &spec);
	return 0;
}

static int apply_http(struct arena *arena, const struct setting *setting, const char *value,
		      struct origin at, struct http_list *list, const char **ret_why)
{
	const struct http_spec spec = { .text = arena_strdup(arena, value), .at = at };

	*ret_why = setting->check(arena, value);
	if (*ret_why)
		return -EINVAL;
	http_list_push_new(arena, list, &spec);
	return 0;
}

static int apply_secret(struct arena *arena, const char *value, struct origin at,
			struct secret_list *list, const char **ret_why)
{
	struct secret_spec spec = { .at = at };

	*ret_why = secret_spec_read(arena, value, &spec);
	if (*ret_why)
		return -EINVAL;
	secret_list_push(arena, list, &spec);
	return 0;
}

static int apply_encoding(struct arena *arena, const char *value, enum encoding *ret,
			  const char **ret_why)
{
	if (strcmp(value, "utf-8") == 0) {
		*ret = ENCODING_UTF_8;
	} else if (strcmp(value, "any") == 0) {
		*ret = ENCODING_ANY;
	} else {
		*ret_why = arena_printf(arena, "%s is not an encoding; write utf-8 or any",
					word_quote(arena, value));
		return -EINVAL;
	}
	return 0;
}

static int apply_switch(struct arena *arena, const char *value, enum flip *ret,
			const char **ret_why)
{
	if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
		*ret_why = arena_printf(arena, "%s is neither true nor false; write one of them",
					word_quote(arena, value));
		return -EINVAL;
	}
	*ret = value[0] == 't' ? FLIP_ON : FLIP_OFF;
	return 0;
}

/* "head", "tail", or both with a comma between them; items of a list add up. */
static int apply_keep(struct arena *arena, const char *value, unsigned *ret, const char **ret_why)
{
	const char *at = value;
	unsigned keep = *ret;

	for (bool more = true; more;) {
		size_t len = strcspn(at, ",");

		if (len == 4 && memcmp(at, "head", len) == 0) {
			keep |= KEEP_HEAD;
		} else if (len == 4 && memcmp(at, "tail", len) == 0) {
			keep |= KEEP_TAIL;
		} else {
			*ret_why =
				arena_printf(arena, "cannot keep %s; write head, tail or head,tail",
					     word_quote(arena, value));
			return -EINVAL;
		}
		more = at[len] == ',';
		at += len + more;
	}
	*ret = keep;
	return 0;
}

int setting_apply(struct arena *arena, const struct setting *setting, const char *value,
		  struct origin at, struct profile *profile, const char **ret_why)
{
	void *field = setting_field(setting, profile);
	const char *why = NULL;
	int r = -EINVAL;

	switch (setting->type) {
	case SETTING_TEXT:
		r = apply_text(arena, setting, value, field, &why);
		break;
	case SETTING_EXEC:
	case SETTING_ARGV:
	case SETTING_WORDS:
	case SETTING_ENV_PASS:
	case SETTING_ENV_SET:
		r = apply_word(arena, setting, value, field, &why);
		break;
	case SETTING_PATHS:
	case SETTING_PATHS_1:
		r = apply_path(arena, setting, value, at, field, &why);
		break;
	case SETTING_HOSTS:
	case SETTING_PUBLISH:
		r = apply_host(arena, setting, value, at, field, &why);
		break;
	case SETTING_BINDINGS:
		r = apply_binding(arena, value, at, field, &why);
		break;
	case SETTING_HTTP:
		r = apply_http(arena, setting, value, at, field, &why);
		break;
	case SETTING_SECRETS:
		r = apply_secret(arena, value, at, field, &why);
		break;
	case SETTING_SIZE:
	case SETTING_TIME:
	case SETTING_COUNT:
	case SETTING_SHARE:
		r = setting_read_number(arena, setting, value, field, &why);
		break;
	case SETTING_ENCODING:
		r = apply_encoding(arena, value, field, &why);
		break;
	case SETTING_SWITCH:
		r = apply_switch(arena, value, field, &why);
		break;
	case SETTING_KEEP:
		r = apply_keep(arena, value, field, &why);
		break;
	}
	if (r < 0) {
		*ret_why = why;
		return r;
	}
	if (setting->type == SETTING_EXEC)
		profile->exec_set = true;
	return 0;
}
