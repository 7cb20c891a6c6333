/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of subcommands, and the way errors are printed: see commands.h. */
#include "cli/commands.h"

#include "box/remedies.h"
#include "cli/check.h"
#include "policy/words.h"

const struct command commands[] = {
	{ "run", cmd_run, "run a command or code in a box" },
	{ "show", cmd_show, "show every grant as run would apply it" },
	{ "why", cmd_why, "say what allows or refuses one thing, and what to write" },
	{ "check", cmd_check, "validate profiles" },
	{ "doctor", cmd_doctor, "what this host can enforce, and what to do" },
	{ "learn", cmd_learn, "watch a command and propose the smallest profile for it" },
	{ "help", cmd_help, "describe a command" },
};
const unsigned commands_len = sizeof commands / sizeof *commands;

void print_printable(FILE *file, const char *text)
{
	struct arena arena = { 0 };

	(void)fputs(word_printable(&arena, text), file); /* who must know looks at file */
	arena_free(&arena);
}

int print_failure(const struct err *err)
{
	struct err told = *err;
	char message[1024];

	remedy_add(&told);
	err_format(&told, message, sizeof message);
	(void)fputs("aisbx: ", stderr);
	print_printable(stderr, message);
	(void)fputc('\n', stderr);
	return err_exit_status(err);
}
