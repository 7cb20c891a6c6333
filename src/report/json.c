/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that need not be UTF-8 as JSON values: see json.h. */
#include "report/json.h"

#include <stdlib.h>
#include <string.h>

/* Command lines need not be UTF-8; JSON must: other bytes become U+FFFD. */
json_t *json_text(const char *bytes)
{
	json_t *value = json_string(bytes);

	if (value)
		return value;
	size_t len = strlen(bytes);
	char *fixed = calloc(len * 3 + 1, 1);
	size_t out = 0;
	if (!fixed)
		return json_null();
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)bytes[i] < 0x80) {
			fixed[out++] = bytes[i];
		} else {
			memcpy(fixed + out, "\xef\xbf\xbd", 3);
			out += 3;
		}
	}
	value = json_string(fixed);
	free(fixed);
	return value;
}

json_t *json_text_or_null(const char *bytes)
{
	return bytes && *bytes ? json_text(bytes) : json_null();
}

json_t *json_words(char *const *list)
{
	json_t *array = json_array();

	for (; list && *list; list++)
		json_array_append_new(array, json_text(*list));
	return array;
}
