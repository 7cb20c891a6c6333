/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the documents must name, one tab-separated line each, out of the tables of the code. */
#include <stdio.h>

#include "box/box.h"
#include "box/refusals/refusal_log.h"
#include "box/surroundings.h"
#include "cli/options.h"
#include "doctor/doctor.h"
#include "policy/profile.h"
#include "policy/schema.h"
#include "policy/walls.h"

static void print_option(const char *kind, const char *key, const char *name, char letter,
			 const char *argument)
{
	printf("%s\t%s\t%s\t%c\t%s\n", kind, key, name ? name : "-", letter ? letter : '-',
	       argument ? argument : "-");
}

int main(void)
{
	for (size_t i = 0; i < settings_len; i++)
		print_option("key", settings[i].key, settings[i].option, settings[i].short_option,
			     settings[i].argument);
	for (size_t i = 0; i < own_options_len; i++)
		print_option("own", "-", own_options[i].name, own_options[i].short_name,
			     own_options[i].argument);
	for (int i = 0; i < WALL__N; i++)
		printf("%s\t%s\n", walls[i].may_degrade ? "degradable" : "wall", walls[i].name);
	for (int i = 0; i < OUTCOME__N; i++)
		printf("outcome\t%s\n", outcome_names[i]);
	for (int i = 0; i < REFUSAL__N; i++)
		printf("refusal\t%s\n", refusal_names[i]);
	for (size_t i = 0; i < checks_len; i++)
		printf("check\t%s\n", checks[i].name);
	for (int i = 0; i < PLACE__N; i++)
		printf("place\t%s\n", place_names[i]);
	for (int i = 0; i < STATE__N; i++)
		printf("state\t%s\n", state_names[i]);
	for (size_t i = 0; profile_builtin_name(i); i++)
		printf("profile\t%s\n", profile_builtin_name(i));
	return 0;
}
