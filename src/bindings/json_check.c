/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests against their schema: see json_check.h. */
#include "bindings/json_check.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
	PATH_BYTES = 128, /* of a place; what is deeper is cut */
};

struct check {
	char *why;
	size_t size;
};

static bool meets(const struct check *check, const struct json_schema *schema, const json_t *value,
		  const char *path);

static bool fail(const struct check *check, const char *path, const char *what)
{
	(void)snprintf(check->why, check->size, "%s: %s", path, what);
	/* Names of properties are the box's text. */
	for (char *at = check->why; *at; at++)
		*at = *at < ' ' || *at > '~' ? '?' : *at;
	return false;
}

/*** Values ***/

static unsigned type_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_NULL:
		return JSON_TYPE_NULL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_TYPE_BOOLEAN;
	case JSON_INTEGER:
		return JSON_TYPE_INTEGER | JSON_TYPE_NUMBER;
	case JSON_REAL:
		break;
	case JSON_STRING:
		return JSON_TYPE_STRING;
	case JSON_ARRAY:
		return JSON_TYPE_ARRAY;
	case JSON_OBJECT:
		return JSON_TYPE_OBJECT;
	}
	double number = json_real_value(value);
	bool is_whole = number > -9e15 && number < 9e15 && number == (double)(int64_t)number;
	return JSON_TYPE_NUMBER | (is_whole ? (unsigned)JSON_TYPE_INTEGER : 0);
}

static bool equals(const struct json_constant *constant, const json_t *value)
{
	if (!(constant->type & type_of(value)))
		return false;
	if (constant->type == JSON_TYPE_STRING)
		return json_string_length(value) == strlen(constant->text) &&
		       memcmp(json_string_value(value), constant->text,
			      json_string_length(value)) == 0;
	double number = json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
	return constant->type == JSON_TYPE_NULL || number == constant->number;
}

static bool is_constant(const struct json_schema *schema, const json_t *value)
{
	for (size_t i = 0; i < schema->constants_len; i++) {
		if (equals(&schema->constants[i], value))
			return true;
	}
	return schema->constants_len == 0;
}

static const char *number_fault(const struct json_bound *bounds, double number)
{
	if (bounds[JSON_MINIMUM].is_set && !(number >= bounds[JSON_MINIMUM].value))
		return "less than its minimum";
	if (bounds[JSON_MAXIMUM].is_set && !(number <= bounds[JSON_MAXIMUM].value))
		return "more than its maximum";
	if (bounds[JSON_EXCLUSIVE_MINIMUM].is_set &&
	    !(number > bounds[JSON_EXCLUSIVE_MINIMUM].value))
		return "not above its exclusiveMinimum";
	if (bounds[JSON_EXCLUSIVE_MAXIMUM].is_set &&
	    !(number < bounds[JSON_EXCLUSIVE_MAXIMUM].value))
		return "not below its exclusiveMaximum";
	return NULL;
}

/* Characters of UTF-8, which json_loadb() has checked. */
static uint64_t characters(const json_t *value)
{
	const char *text = json_string_value(value);
	uint64_t count = 0;

	for (size_t i = 0; i < json_string_length(value); i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

/*** Arrays and objects ***/

static bool meets_items(const struct check *check, const struct json_schema *schema,
			const json_t *value, const char *path)
{
	size_t len = json_array_size(value);

	if (len < schema->min_items || len > schema->max_items)
		return fail(check, path, "too few or too many items");
	for (size_t i = 0; schema->items && i < len; i++) {
		char place[PATH_BYTES];

		(void)snprintf(place, sizeof place, "%s[%zu]", path, i);
		if (!meets(check, schema->items, json_array_get(value, i), place))
			return false;
	}
	return true;
}

static const struct json_schema *property_schema(const struct json_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->properties_len; i++) {
		if (strcmp(schema->properties[i].name, name) == 0)
			return schema->properties[i].schema;
	}
	return schema->additional;
}

static bool meets_properties(const struct check *check, const struct json_schema *schema,
			     json_t *value, const char *path)
{
	const char *name;
	json_t *member;

	for (size_t i = 0; i < schema->required.len; i++) {
		if (!json_object_get(value, schema->required.items[i]))
			return fail(check, path, "a required property is missing");
	}
	json_object_foreach(value, name, member)
	{
		const struct json_schema *wanted = property_schema(schema, name);
		char place[PATH_BYTES];

		(void)snprintf(place, sizeof place, "%s.%.64s", path, name);
		if (wanted && !meets(check, wanted, member, place))
			return false;
	}
	return true;
}

static bool meets_any(const struct check *check, const struct json_schema *schema,
		      const json_t *value, const char *path)
{
	for (size_t i = 0; i < schema->any_of_len; i++) {
		if (meets(check, schema->any_of[i], value, path))
			return true;
	}
	return schema->any_of_len == 0 || fail(check, path, "none of what anyOf allows");
}

static bool meets(const struct check *check, const struct json_schema *schema, const json_t *value,
		  const char *path)
{
	unsigned types = type_of(value);
	const char *fault = NULL;

	if (schema->refuses_all)
		return fail(check, path, "nothing is allowed here");
	if (schema->types && !(schema->types & types))
		return fail(check, path, "not of the type that is allowed");
	if (!is_constant(schema, value))
		return fail(check, path, "not one of the values that are allowed");
	if (types & JSON_TYPE_NUMBER)
		fault = number_fault(schema->bounds, json_number_value(value));
	else if (types == JSON_TYPE_STRING &&
		 (characters(value) < schema->min_length || characters(value) > schema->max_length))
		fault = "too short or too long";
	if (fault)
		return fail(check, path, fault);
	if (types == JSON_TYPE_ARRAY && !meets_items(check, schema, value, path))
		return false;
	if (types == JSON_TYPE_OBJECT &&
	    !meets_properties(check, schema, (json_t *)(uintptr_t)value, path))
		return false;
	return meets_any(check, schema, value, path);
}

bool json_check(const struct json_schema *schema, const char *text, size_t len, char *why,
		size_t size)
{
	const struct check check = { .why = why, .size = size };
	json_error_t error;
	json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (!value)
		return fail(&check, "not JSON", error.text);
	bool is_met = meets(&check, schema, value, "$");
	json_decref(value);
	if (is_met) /* what anyOf tried in vain is no reason */
		why[0] = '\0';
	return is_met;
}
