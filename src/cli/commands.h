/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The subcommands. Each takes argv from its own name on and returns a status. */
#ifndef AISBX_CLI_COMMANDS_H
#define AISBX_CLI_COMMANDS_H

#include <stdio.h>

#include "base/err.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help; /* one line */
};

/* Bound of commands_len. */
enum {
	COMMANDS_MAX = 16
};

extern const struct command commands[];
extern const unsigned commands_len;

int cmd_run(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_learn(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_why(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* The way in as $SHELL: argv[0] is aisbx-sh, then sh's own arguments. */
int cmd_shell(int argc, char **argv);

/* Text that somebody else chose, on one line and none of it a terminal's command. */
void print_printable(FILE *file, const char *text);

/* "aisbx: MESSAGE" on stderr; returns the exit status that goes with it. */
int print_failure(const struct err *err);

#endif
