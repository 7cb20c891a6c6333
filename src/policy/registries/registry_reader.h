/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What reading the configuration of each tool shares: see registries.h. */
#ifndef AISBX_POLICY_REGISTRY_READER_H
#define AISBX_POLICY_REGISTRY_READER_H

#include "policy/registries/registries.h"

struct registry_reader {
	struct arena *arena;
	const struct registry_places *places;
	const char *tool;
	struct registries *found;
	struct err *reterr;
};

/*** Places ***/

/* A variable of the caller's that is set and not empty, or NULL. */
const char *reader_env(const struct registry_reader *reader, const char *name);
/*
 * The absolute path in a variable, or NULL. A relative one is noted and left out:
 * what the working directory holds is not trusted to grant hosts.
 */
const char *reader_env_path(const struct registry_reader *reader, const char *name);
/*
 * text with variables put in, written as "${" (which is open) NAME "}"; unset ones, and those after
 * a backslash, stay as they are. All stay where it would be too long for an URL.
 */
const char *reader_expand(const struct registry_reader *reader, const char *text, const char *open);
/* A path of the host's, below places->root. */
const char *reader_root(const struct registry_reader *reader, const char *path);
/* rest below $XDG_CONFIG_HOME, or below ~/.config. */
const char *reader_config(const struct registry_reader *reader, const char *rest);

/*** Files ***/

/* A text file, walked line by line. */
struct config_file {
	const char *label; /* as messages and registry.why name it */
	char *text;
	char *next; /* of config_line() */
	int line;   /* last one taken, from 1 */
};

/* 1: read, 0: it does not exist, -errno: it can not be read or is no text of up to 1 MiB. */
int reader_open(const struct registry_reader *reader, const char *path,
		struct config_file *ret_file);
/* The next line without its end, to be changed at will; NULL at the end. */
char *config_line(struct config_file *file);
/* "LABEL:LINE" of the last line taken. */
const char *config_why(const struct registry_reader *reader, const struct config_file *file);
/* text without white space around it; cuts in place. */
char *config_trim(char *text);

/*** Values ***/

/* A key's value, found last. */
struct config_value {
	const char *key;
	const char *value;
	const char *why;
};

struct config_values {
	struct config_value *items;
	size_t len;
	size_t cap;
};

/* A value that takes the place of an earlier one of the key. */
void values_put(struct arena *arena, struct config_values *values, const char *key,
		const char *value, const char *why);
/* NULL when there is none, or an empty one. */
const struct config_value *values_get(const struct config_values *values, const char *key);

/*** Finds ***/

/*
 * Grants the host of an URL, if it names one. *ret_anonymous, which may be NULL, is the
 * URL without user and password.
 */
int reader_add_url(const struct registry_reader *reader, const char *url, const char *why,
		   const char **ret_anonymous);
/* The same for a list, parted by any of separators; *ret_anonymous keeps the list's form. */
int reader_add_urls(const struct registry_reader *reader, const char *urls, const char *separators,
		    const char *why, const char **ret_anonymous);
/* A variable of the box. */
void reader_set_env(const struct registry_reader *reader, const char *name, const char *value);
void reader_note(const struct registry_reader *reader, const char *why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Notes that a proxy was named, if value is one. */
void reader_note_proxy(const struct registry_reader *reader, const struct config_value *value);

/*** Tools, a file each ***/

int registries_npm(const struct registry_reader *reader);
int registries_pip(const struct registry_reader *reader);
int registries_cargo(const struct registry_reader *reader);
int registries_go(const struct registry_reader *reader);
int registries_maven(const struct registry_reader *reader);
int registries_apt(const struct registry_reader *reader);

#endif
