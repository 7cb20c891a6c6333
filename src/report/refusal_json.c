/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run was refused as JSON: see refusal_json.h. */
#include "report/refusal_json.h"

#include "report/json.h"

/* In audit lines: the event, and the field that has what was refused. */
static const struct {
	const char *event;
	const char *field;
} events[REFUSAL__N] = {
	[REFUSED_HOST] = { "connect", "host" },	      [REFUSED_DNS] = { "dns", "name" },
	[REFUSED_SYSCALL] = { "syscall", "syscall" }, [REFUSED_EXEC] = { "exec", "path" },
	[REFUSED_FILE] = { "file", "path" },	      [REFUSED_BINDING] = { "binding", "binding" },
	[REFUSED_SECRET] = { "secret", "secret" },    [REFUSED_HTTP] = { "http", "request" },
};

static json_t *number(uint64_t value)
{
	return json_integer(value < INT64_MAX ? (json_int_t)value : INT64_MAX);
}

static void add_known(json_t *object, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(object, key, json_text(text));
}

/* The same in both. */
static void add_rest(json_t *object, const struct refusal *refusal)
{
	json_object_set_new(object, "count", number(refusal->count));
	json_object_set_new(object, "grant", json_text_or_null(refusal->grant));
	add_known(object, "arguments", refusal->arguments);
	add_known(object, "program", refusal->program);
}

json_t *json_refused(const struct refusal_log *log)
{
	json_t *array = json_array();

	for (size_t i = 0; log && i < log->len; i++) {
		const struct refusal *entry = &log->entries[i];
		json_t *object = json_pack("{s:s, s:o}", "kind", refusal_names[entry->kind], "what",
					   json_text(entry->what));

		add_rest(object, entry);
		if (!entry->grant[0]) /* else that says it all */
			add_known(object, "reason", entry->why);
		json_array_append_new(array, object);
	}
	return array;
}

json_t *json_missing(const struct missing *missing)
{
	json_t *array = json_array();

	for (size_t i = 0; missing && i < missing->len; i++)
		json_array_append_new(array, json_pack("{s:o, s:o}", "path",
						       json_text(missing->entries[i].path), "grant",
						       json_text(missing->entries[i].grant)));
	return array;
}

const char *refusal_event(const struct refusal *refusal)
{
	return events[refusal->kind].event;
}

json_t *json_refusal_event(const struct refusal *refusal)
{
	json_t *object = json_object();

	json_object_set_new(object, events[refusal->kind].field, json_text(refusal->what));
	add_rest(object, refusal);
	json_object_set_new(object, "reason", json_text_or_null(refusal->why));
	return object;
}
