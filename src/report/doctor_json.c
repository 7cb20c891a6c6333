/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `doctor` found as JSON: see doctor_json.h. */
#include "report/doctor_json.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/arena.h"
#include "report/json.h"

static json_t *lines(const char *text)
{
	struct arena arena = { 0 };
	json_t *array = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");

		json_array_append_new(array, json_text(arena_strndup(&arena, text, len)));
		text += len + (text[len] == '\n');
	}
	arena_free(&arena);
	return array;
}

static json_t *check_object(const struct check *check, const struct finding *finding)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "name", check->name, "state",
			 state_names[finding->state], "found", json_text(finding->found), "means",
			 json_text_or_null(check->means[finding->state]), "fix",
			 json_text_or_null(finding->fix), "details", lines(finding->details));
}

int doctor_print_json(const struct finding *findings, const char *place, bool works, FILE *out)
{
	json_t *array = json_array();
	struct utsname name;

	(void)uname(&name); /* cannot fail with such a buffer */
	for (size_t i = 0; i < checks_len; i++)
		json_array_append_new(array, check_object(&checks[i], &findings[i]));
	json_t *object = json_pack("{s:i, s:s, s:s, s:s, s:s, s:b, s:o}", "version", 1, "aisbx",
				   AISBX_VERSION, "kernel", name.release, "machine", name.machine,
				   "place", place, "works", works, "checks", array);
	int r = json_dumpf(object, out, JSON_INDENT(2));
	json_decref(object);
	return r < 0 || fputc('\n', out) == EOF ? -EIO : 0;
}
