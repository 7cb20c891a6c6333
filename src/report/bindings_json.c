/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run's bindings as JSON: see bindings_json.h. */
#include "report/bindings_json.h"

#include "policy/binding_specs.h"
#include "report/json.h"

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *limit(uint64_t value)
{
	return value >= LIMIT_NONE ? json_null() : number(value);
}

static const char *check_kind(const struct plan_binding *binding)
{
	return binding->schema ? "json" : binding->check_program ? "command" : "none";
}

json_t *json_plan_bindings(const struct plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->bindings.len; i++) {
		const struct plan_binding *binding = &plan->bindings.items[i];

		json_array_append_new(
			array,
			json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:o}", "name",
				  binding->name, "command", json_words(binding->argv.items),
				  "program",
				  binding->program ? json_text(binding->program) : json_null(),
				  "args", binding_args_names[binding->args], "timeout_ms",
				  limit(binding->timeout_ms), "max_input_bytes",
				  limit(binding->max_input), "max_output_bytes",
				  limit(binding->max_output), "max_calls",
				  limit(binding->max_calls), "schema", check_kind(binding), "from",
				  json_text(binding->why)));
	}
	return array;
}

static void count_calls(const struct call_record *record, uint64_t *ret_run, uint64_t *ret_denied)
{
	*ret_run = *ret_denied = 0;
	for (int end = 0; end < CALL_END__N; end++)
		*(end < CALL_REFUSED_FROM ? ret_run : ret_denied) += record->ends[end];
}

static void add_sizes(json_t *object, const struct call_record *record)
{
	json_object_set_new(object, "input_bytes", number(record->input_bytes));
	json_object_set_new(object, "output_bytes", number(record->output_bytes));
	json_object_set_new(object, "error_bytes", number(record->error_bytes));
	json_object_set_new(object, "duration_ms", number(record->duration_ms));
}

json_t *json_bindings(const struct plan *plan, const struct bindings_log *log)
{
	json_t *array = json_array();

	for (size_t i = 0; log && i < plan->bindings.len; i++) {
		const struct call_record *total = &log->totals[i];
		uint64_t calls, denied;

		count_calls(total, &calls, &denied);
		if (calls + denied == 0)
			continue;
		json_t *object = json_pack("{s:s, s:o, s:o}", "name", plan->bindings.items[i].name,
					   "calls", number(calls), "denied", number(denied));
		add_sizes(object, total);
		json_array_append_new(array, object);
	}
	return array;
}

/* The sum of those that have no line of their own. */
static json_t *more_calls(const char *name, const struct call_record *record)
{
	uint64_t calls, denied;

	count_calls(record, &calls, &denied);
	json_t *object = json_pack("{s:s, s:o, s:o}", "binding", name, "count",
				   number(calls + denied), "denied", number(denied));
	add_sizes(object, record);
	return object;
}

json_t *json_call(const struct plan *plan, const struct call_record *record, bool *ret_denied)
{
	const char *name = plan->bindings.items[record->binding].name;
	const struct call_end_info *info = &call_ends[record->end];

	*ret_denied = false;
	if (record->kind == RECORD_MORE)
		return more_calls(name, record);
	json_t *object = json_pack("{s:s, s:s}", "binding", name, "end", info->name);
	*ret_denied = record->end >= CALL_REFUSED_FROM;
	if (record->end == CALL_EXITED)
		json_object_set_new(object, "exit_code", json_integer(record->status));
	if (record->end == CALL_SIGNALED)
		json_object_set_new(object, "signal", json_integer(record->status));
	add_sizes(object, record);
	if (record->end == CALL_LOGGED)
		json_object_set_new(object, "text", json_text(record->text));
	if (*info->why)
		json_object_set_new(object, "reason", json_string(info->why));
	return object;
}
