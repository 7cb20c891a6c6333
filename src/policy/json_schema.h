/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of JSON Schema that a binding's requests are checked with, compiled from a
 * profile's tree. A keyword outside it is an error, never ignored: a rule that is written
 * holds. Pure.
 */
#ifndef AISBX_POLICY_JSON_SCHEMA_H
#define AISBX_POLICY_JSON_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "policy/yaml.h"

/* Flags: a schema may allow several. */
enum json_type {
	JSON_TYPE_NULL = 1 << 0,
	JSON_TYPE_BOOLEAN = 1 << 1,
	JSON_TYPE_INTEGER = 1 << 2, /* 1.0 too */
	JSON_TYPE_NUMBER = 1 << 3,
	JSON_TYPE_STRING = 1 << 4,
	JSON_TYPE_ARRAY = 1 << 5,
	JSON_TYPE_OBJECT = 1 << 6,
};

/* One of enum, or const: no arrays and objects. */
struct json_constant {
	enum json_type type; /* never INTEGER */
	const char *text;    /* STRING */
	double number;	     /* NUMBER; BOOLEAN: 0 or 1 */
};

struct json_property {
	const char *name;
	const struct json_schema *schema;
};

enum json_bound_kind {
	JSON_MINIMUM,
	JSON_MAXIMUM,
	JSON_EXCLUSIVE_MINIMUM,
	JSON_EXCLUSIVE_MAXIMUM,
	JSON_BOUND__N,
};

struct json_bound {
	bool is_set;
	double value;
};

#define JSON_UNBOUNDED UINT64_MAX

struct json_schema {
	bool refuses_all; /* the schema "false" */
	unsigned types;	  /* 0: any */
	struct json_constant *constants;
	size_t constants_len; /* 0: any value */
	struct json_bound bounds[JSON_BOUND__N];
	uint64_t min_length, max_length; /* of strings, in characters */
	uint64_t min_items, max_items;
	const struct json_schema *items; /* NULL: anything */
	struct json_property *properties;
	size_t properties_len;
	struct strv required;
	const struct json_schema *additional; /* of properties that have none; NULL: anything */
	const struct json_schema **any_of;
	size_t any_of_len; /* 0: none */
};

/* Returns NULL, or the reason and what to write instead; *ret_where is the node it speaks of. */
const char *json_schema_compile(struct arena *arena, const struct node *node,
				const struct json_schema **ret_schema,
				const struct node **ret_where);

#endif
