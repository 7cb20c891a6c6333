/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aisbx help */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"

static void print_overview(void)
{
	printf("aisbx runs one command with nothing in reach except what a profile grants\n\n"
	       "usage:\n"
	       "  aisbx run  [-p PROFILE] [OPTION...] [--] COMMAND [ARG...]\n"
	       "  aisbx run  [-p PROFILE] [OPTION...] (-c TEXT | --script FILE) [-- ARG...]\n"
	       "  aisbx show [-p PROFILE] [OPTION...] [--json] [-- COMMAND [ARG...]]\n"
	       "  aisbx why  [-p PROFILE] [OPTION...] [--json] QUESTION\n"
	       "  aisbx check FILE...\n"
	       "  aisbx doctor [--json]\n"
	       "  aisbx learn [-o FILE | --update PROFILE] [OPTION...] [--] COMMAND [ARG...]\n"
	       "  aisbx help [COMMAND]\n"
	       "  aisbx --version\n\n"
	       "commands:\n");
	for (unsigned i = 0; i < commands_len; i++)
		printf("  %-8s%s\n", commands[i].name, commands[i].help);
	printf("\nexit status of run: the command's own; 128+N when signal N ended it;\n"
	       "124 wall time up, 125 aisbx failed and nothing was run, 126 not executable,\n"
	       "127 not found, 137 killed for memory. See aisbx(1), aisbx-profile(5) and\n"
	       "aisbx-security(7); aisbx help run lists all options.\n");
}

int cmd_help(int argc, char **argv)
{
	const char *topic = argc > 1 ? argv[1] : NULL;
	struct err err;

	if (!topic || strcmp(topic, "help") == 0) {
		print_overview();
		return 0;
	}
	if (strcmp(topic, "run") == 0) {
		printf("usage: aisbx run [-p PROFILE] [OPTION...] [--] COMMAND [ARG...]\n"
		       "       aisbx run [-p PROFILE] [OPTION...] (-c TEXT | --script FILE) "
		       "[-- ARG...]\n\n"
		       "Runs COMMAND, or code with the profile's interpreter, in a box. Without\n"
		       "COMMAND, -c or --script, code is read from stdin.\n\n");
		options_print_help(stdout, FOR_RUN);
		return 0;
	}
	if (strcmp(topic, "show") == 0) {
		printf("usage: aisbx show [-p PROFILE] [OPTION...] [--json] [-- COMMAND "
		       "[ARG...]]\n\n"
		       "Shows every grant as run would apply it; runs nothing.\n\n");
		options_print_help(stdout, FOR_SHOW);
		return 0;
	}
	if (strcmp(topic, "why") == 0) {
		printf("usage: aisbx why [-p PROFILE] [OPTION...] [--json] --path PATH [--write]\n"
		       "       aisbx why [-p PROFILE] [OPTION...] [--json] --host HOST[:PORT]\n"
		       "       aisbx why [-p PROFILE] [OPTION...] [--json] --syscall NAME\n\n"
		       "Says whether run with these options would allow it, by which line, and "
		       "what to\nwrite to change that. Exit status: 0 it would, 1 it would "
		       "not.\n\n");
		options_print_help(stdout, FOR_WHY);
		return 0;
	}
	if (strcmp(topic, "check") == 0) {
		printf("usage: aisbx check FILE...\n\n"
		       "Reports every error of the profiles as FILE:LINE:COL: what, and what to\n"
		       "write instead. Exit status: 0 all are fine, 1 an error was found.\n");
		return 0;
	}
	if (strcmp(topic, "doctor") == 0) {
		printf("usage: aisbx doctor [--json]\n\n"
		       "Tries what a run needs of this host, and says of each part whether it is\n"
		       "ok, limited or missing, what that means for a run, and what to do about\n"
		       "it. Exit status: 0 a default run works, 1 it does not.\n\n"
		       "      --json            the same as one JSON object\n");
		return 0;
	}
	if (strcmp(topic, "learn") == 0) {
		printf("usage: aisbx learn [-o FILE | --update PROFILE] [-p PROFILE] [OPTION...]\n"
		       "                   [--] COMMAND [ARG...]\n\n"
		       "Runs COMMAND in a box that shows the host, reaches every public host and\n"
		       "keeps nothing, proposes the smallest profile for what it used, and runs "
		       "it\n"
		       "again under that. -p names the profile to extend; --ro and --rw show "
		       "more,\n"
		       "--hide less.\n\n");
		options_print_help(stdout, FOR_LEARN);
		return 0;
	}
	err_msg(&err, E_USAGE,
		"no help on '%s'; the topics are run, show, why, check, learn and doctor", topic);
	return print_failure(&err);
}
