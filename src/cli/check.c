/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aisbx check FILE...: validates profiles. */
#include "cli/check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "policy/profile.h"
#include "policy/words.h"

/* Prints every problem of one file. Returns whether there was none. */
static bool check_file(const char *file)
{
	struct arena arena = { 0 };
	struct complaints complaints = { 0 };
	struct profile profile;
	struct err err;
	int r = profile_load_file(&arena, file, &profile, &complaints, &err);

	for (size_t i = 0; i < complaints.messages.len; i++)
		(void)fprintf(stderr, "%s\n", complaints.messages.items[i]);
	arena_free(&arena);
	return r == 0;
}

int cmd_check(int argc, char **argv)
{
	bool is_fine = true;
	int i = 1;

	if (i < argc && strcmp(argv[i], "--") == 0) {
		i++;
	} else if (i < argc && argv[i][0] == '-' && argv[i][1]) {
		struct arena arena = { 0 };

		(void)fprintf(stderr, "aisbx: unknown option %s; write check FILE...\n",
			      word_quote(&arena, argv[i]));
		arena_free(&arena);
		return EXIT_AISBX;
	}
	if (i >= argc) {
		(void)fprintf(stderr, "aisbx: no file to check; write check FILE...\n");
		return EXIT_AISBX;
	}
	for (; i < argc; i++)
		is_fine = check_file(argv[i]) && is_fine;
	return is_fine ? 0 : 1;
}
