/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aisbx doctor: what this host can and cannot enforce, and the fix for each. */
#include "doctor/doctor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "box/surroundings.h"
#include "cli/commands.h"
#include "policy/words.h"
#include "report/doctor_json.h"

enum {
	INDENT = 22,
	WIDTH = 79,
};

/* Text between INDENT and WIDTH, after a label where the line stands at INDENT already. */
static void print_wrapped(const char *text)
{
	size_t column = INDENT;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > INDENT && column + 1 + len > WIDTH) {
			printf("\n%*s", INDENT, "");
			column = INDENT;
		} else if (column > INDENT) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)len, text);
		column += len;
		text += len + (text[len] == ' ');
	}
	putchar('\n');
}

static void print_below(const char *label, const char *text)
{
	if (!text || !*text)
		return;
	printf("%*s ", INDENT - 1, label);
	print_wrapped(text);
}

static void print_finding(const struct check *check, const struct finding *finding)
{
	struct arena arena = { 0 };

	printf("%-8s %-12s ", state_names[finding->state], check->name);
	print_wrapped(word_printable(&arena, finding->found));
	arena_free(&arena);
	if (finding->untried)
		return;
	print_below("means", check->means[finding->state]);
	print_below("fix", finding->fix);
}

static int report(const struct finding *findings, bool works, bool is_json)
{
	struct surroundings here;

	surroundings_read(&here);
	if (is_json)
		return doctor_print_json(findings, place_names[here.place], works, stdout);
	if (here.place != PLACE_HOST)
		printf("this looks like: %s\n", place_names[here.place]);
	for (size_t i = 0; i < checks_len; i++)
		print_finding(&checks[i], &findings[i]);
	return 0;
}

int cmd_doctor(int argc, char **argv)
{
	bool is_json = argc == 2 && strcmp(argv[1], "--json") == 0, works;
	const struct finding *findings;
	struct err err;

	if (argc > 1 && !is_json) {
		err_msg(&err, E_USAGE, "doctor takes no argument but --json");
		return print_failure(&err);
	}
	if (doctor_examine(&findings, &works, &err) < 0)
		return print_failure(&err);
	if (report(findings, works, is_json) < 0)
		return EXIT_AISBX;
	return works ? 0 : 1;
}
