/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run was refused, for people: see refused.h. */
#include "cli/refused.h"

#include <stdio.h>

#include "cli/commands.h"

enum {
	LINES_MAX = 20
};

static void print_refusal(const struct refusal *refusal)
{
	(void)fprintf(stderr, "aisbx: refused: %s ", refusal_names[refusal->kind]);
	print_printable(stderr, refusal->what);
	if (refusal->arguments[0])
		(void)fprintf(stderr, "(%s)", refusal->arguments);
	if (refusal->program[0]) {
		(void)fputs(" by ", stderr);
		print_printable(stderr, refusal->program);
	}
	if (refusal->grant[0]) {
		(void)fputs(" (allow with ", stderr);
		print_printable(stderr, refusal->grant);
		(void)fputc(')', stderr);
	} else if (refusal->why[0]) {
		(void)fprintf(stderr, " (no option allows it: %s)", refusal->why);
	}
	(void)fputc('\n', stderr);
}

void print_refusals(const struct refusal_log *log)
{
	size_t lines = log->len < LINES_MAX ? log->len : LINES_MAX;

	for (size_t i = 0; i < lines; i++)
		print_refusal(&log->entries[i]);
	if (lines < log->len)
		(void)fprintf(stderr, "aisbx: refused: %zu more; --result names them all\n",
			      log->len - lines);
}

void print_missing(const struct missing *missing)
{
	size_t len = missing ? missing->len : 0, lines = len < LINES_MAX ? len : LINES_MAX;

	for (size_t i = 0; i < lines; i++) {
		(void)fputs("aisbx: missing: ", stderr);
		print_printable(stderr, missing->entries[i].path);
		(void)fputs(" (allow with ", stderr);
		print_printable(stderr, missing->entries[i].grant);
		(void)fputs(")\n", stderr);
	}
	if (lines < len)
		(void)fprintf(stderr, "aisbx: missing: %zu more; --result names them all\n",
			      len - lines);
}
