/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one table of what can be asked for: profile keys and command-line
 * options. The profile loader, the option parser, --help, `show` and the
 * tests of man pages and completions all read it.
 */
#ifndef AISBX_POLICY_SCHEMA_H
#define AISBX_POLICY_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/profile.h"

enum setting_type {
	SETTING_TEXT,	  /* const char * */
	SETTING_ARGV,	  /* struct strv, replaced by a later layer */
	SETTING_WORDS,	  /* struct strv, appended */
	SETTING_EXEC,	  /* struct strv, appended; also sets exec_set */
	SETTING_PATHS,	  /* struct path_list, SRC[:DEST], leading - allowed */
	SETTING_PATHS_1,  /* struct path_list, one path, no DEST */
	SETTING_HOSTS,	  /* struct host_list, HOST[:PORT][,tls=any] or a mapping */
	SETTING_HTTP,	  /* struct http_list, HOST[:PORT] METHOD PATH */
	SETTING_SECRETS,  /* struct secret_list, NAME=SOURCE@HOST[,HOST...] or a mapping */
	SETTING_PUBLISH,  /* struct host_list, [ADDR:]PORT[:BOXPORT] */
	SETTING_BINDINGS, /* struct binding_list, NAME=COMMAND or a mapping; see binding_specs.h */
	SETTING_SIZE,	  /* uint64_t bytes: 512M */
	SETTING_TIME,	  /* uint64_t milliseconds: 30s */
	SETTING_COUNT,	  /* uint64_t */
	SETTING_SHARE,	  /* uint64_t thousandths: 0.5 */
	SETTING_ENCODING, /* enum encoding */
	SETTING_KEEP,	  /* unsigned, flags of enum keep, replaced by a later layer */
	SETTING_SWITCH,	  /* enum flip: true or false */
	SETTING_ENV_PASS, /* struct strv of NAME or pattern */
	SETTING_ENV_SET,  /* struct strv of NAME=VALUE */
};

struct setting {
	const char *key;      /* "files.read" */
	const char *option;   /* "ro": --ro; NULL when the key has none of its own */
	char short_option;    /* 'e', or 0 */
	const char *argument; /* "SRC[:DEST]"; NULL: a flag, of a SETTING_SWITCH */
	const char *help;     /* one line for --help and completions */
	enum setting_type type;
	size_t offset;	  /* in struct profile */
	uint64_t minimum; /* least number taken; smaller ones are mistakes */
	/* What the text must be besides type: the reason it is not, or NULL. NULL: anything. */
	const char *(*check)(struct arena *arena, const char *value);
};

/* Flags of enum keep as text that parses back: "head,tail". */
extern const char *const keep_names[];

extern const struct setting settings[];
extern const size_t settings_len;

/*
 * The setting of a key or an option's long name, or NULL. Two settings have
 * the option "env", and two "audit": the first is found; setting_for_value() picks by the value.
 */
const struct setting *setting_by_key(const char *key);
const struct setting *setting_by_option(const char *option, size_t len);
const struct setting *setting_by_short_option(char option);
/*
 * The setting an option's value is for: env.set for NAME=VALUE of --env, audit.journal for
 * "journal" of --audit, else setting itself.
 */
const struct setting *setting_for_value(const struct setting *setting, const char *value);
/* What to write as its value in a profile. */
const char *setting_sample(const struct setting *setting);
/* Whether it holds several values: a YAML list, or an option that may be repeated. */
bool setting_is_list(const struct setting *setting);
/* The field of profile that it sets. */
void *setting_field(const struct setting *setting, const struct profile *profile);

/*
 * Applies one value as text, from a profile's scalar, one list item or an
 * option's argument. On failure *ret_why is the reason without position:
 * "'12Q' is not a size; write a number with K, M, G or T".
 */
int setting_apply(struct arena *arena, const struct setting *setting, const char *value,
		  struct origin at, struct profile *profile, const char **ret_why);

/* One number of a setting's type into *ret: as setting_apply() does. */
int setting_read_number(struct arena *arena, const struct setting *setting, const char *value,
			uint64_t *ret, const char **ret_why);

/*
 * The known name nearest to word, or NULL: at most two edits away and at most a third
 * of word's length, case ignored; the first of equals. names ends with NULL.
 */
const char *nearest_name(const char *word, const char *const *names);

#endif
