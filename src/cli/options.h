/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line of `run`, `show` and `why`. Options that have a profile key come
 * from the schema's table; the few others from a table of their own.
 */
#ifndef AISBX_CLI_OPTIONS_H
#define AISBX_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "policy/profile.h"

/* A subcommand's set of options. */
enum options_for {
	FOR_RUN = 1 << 0,
	FOR_SHOW = 1 << 1, /* takes what run takes, so that a run's line can be shown as it is */
	FOR_WHY = 1 << 2,  /* the same, and a question */
	FOR_LEARN = 1 << 3,
};

struct options {
	const char *profile;   /* -p; NULL: none given */
	const char *code;      /* -c; never together with script */
	const char *script;    /* --script */
	const char *result;    /* --result: FILE or fd:N, checked */
	const char *published; /* --published: the same */
	const char *path;      /* --path, --host, --syscall: what why is asked */
	const char *host;
	const char *syscall;
	bool write;	    /* --write */
	const char *output; /* -o of learn */
	const char *update; /* --update of learn */
	bool quiet;
	bool verbose;
	bool json;
	bool timing;
	struct profile grants; /* the command line as a profile: profile_load_command() */
	char **command;	       /* what follows the options, in argv; NULL-terminated */
	size_t command_len;
};

/*
 * Parses argv, whose first word is the subcommand's name. Options end at the
 * first word that is none, or after "--". A scalar given twice: the last wins.
 * Fails with E_USAGE; ret then has what stands before the error, and --result also where it
 * stands behind it.
 */
int options_parse(struct arena *arena, int argc, char **argv, enum options_for options_for,
		  struct options *ret, struct err *reterr);

/* Writes every option with its one line, at most 80 columns wide. */
void options_print_help(FILE *out, enum options_for options_for);

/* An option that has no profile key, for tests of man pages and completions. */
struct own_option {
	const char *name;
	char short_name;      /* or 0 */
	const char *argument; /* NULL: a flag */
	const char *help;
	size_t offset;	   /* in struct options: const char * or bool */
	unsigned commands; /* enum options_for, or-ed */
};

extern const struct own_option own_options[];
extern const size_t own_options_len;

#endif
