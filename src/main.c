/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aisbx: finds the subcommand; the only exit. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/program.h"
#include "box/gateway.h"
#include "cli/commands.h"
#include "gateway/image.h"
#include "policy/schema.h"

static int unknown_command(const char *name)
{
	const char *names[COMMANDS_MAX + 1] = { NULL };
	struct err err;

	for (unsigned i = 0; i < commands_len && i < COMMANDS_MAX; i++)
		names[i] = commands[i].name;
	const char *near = nearest_name(name, names);
	if (near)
		err_msg(&err, E_USAGE, "unknown command '%s'; did you mean '%s'?", name, near);
	else
		err_msg(&err, E_USAGE, "unknown command '%s'; see aisbx help", name);
	return print_failure(&err);
}

static int run(int argc, char **argv)
{
	struct err err;

	const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
	name = name ? name + 1 : argc > 0 ? argv[0] : "";
	/* A login shell's name begins with a dash: login(1), sshd(8), tmux(1). */
	if (strcmp(name, "aisbx-sh") == 0 || strcmp(name, "-aisbx-sh") == 0)
		return cmd_shell(argc, argv);
	if (argc < 2) {
		err_msg(&err, E_USAGE, "no command; try aisbx run -- COMMAND, or aisbx help");
		return print_failure(&err);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("aisbx %s\n", AISBX_VERSION);
		return 0;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return cmd_help(1, argv);
	for (unsigned i = 0; i < commands_len; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		/* Right behind the command's name: further on it may be a payload's argument. */
		if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
			return cmd_help(2, argv);
		return commands[i].run(argc - 1, argv + 1);
	}
	return unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
	struct err err;

	program_note_caller(argv);
	gateway_set_program(gateway_image, (size_t)(gateway_image_end - gateway_image));
	int status = run(argc, argv);
	/* Half of what was asked for, on a full disk for one, is a failure. */
	int error = fflush(stdout) != 0 ? errno : ferror(stdout) ? EIO : 0;
	if (error == 0)
		return status;
	err_set(&err, E_SYSTEM, error, "write to", "standard output");
	return print_failure(&err);
}
