/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON Schema from a tree: see json_schema.h, and json-schema.org for what the words mean. */
#include "policy/json_schema.h"

#include <stdlib.h>
#include <string.h>

#include "policy/schema.h"
#include "policy/words.h"

struct compiler {
	struct arena *arena;
	const struct node *where; /* what the reason speaks of */
};

static const char *compile(struct compiler *compiler, const struct node *node,
			   const struct json_schema **ret_schema);

/*** Values ***/

static bool is_word(const struct node *node, const char *word)
{
	return node->kind == NODE_SCALAR && node->is_plain && strcmp(node->text, word) == 0;
}

static bool read_number(const struct node *node, double *ret_number)
{
	char *end;

	if (node->kind != NODE_SCALAR || !node->is_plain || !strpbrk(node->text, "0123456789") ||
	    node->text[strspn(node->text, "+-.0123456789eE")])
		return false;
	*ret_number = strtod(node->text, &end);
	return !*end && __builtin_isfinite(*ret_number);
}

static const char *read_count(const struct node *node, uint64_t *ret_count)
{
	double number;

	if (!read_number(node, &number) || number < 0 || number > 1e9 ||
	    number != (double)(uint64_t)number)
		return "not a count; write a whole number from 0";
	*ret_count = (uint64_t)number;
	return NULL;
}

static const char *read_constant(struct compiler *compiler, const struct node *node,
				 struct json_constant *ret)
{
	compiler->where = node;
	if (node->kind != NODE_SCALAR)
		return "only texts, numbers, true, false and null are compared; check the parts "
		       "with properties or items";
	if (read_number(node, &ret->number)) {
		ret->type = JSON_TYPE_NUMBER;
	} else if (is_word(node, "true") || is_word(node, "false")) {
		ret->type = JSON_TYPE_BOOLEAN;
		ret->number = node->text[0] == 't';
	} else if (node_is_null(node)) {
		ret->type = JSON_TYPE_NULL;
	} else {
		ret->type = JSON_TYPE_STRING;
		ret->text = arena_strdup(compiler->arena, node->text);
	}
	return NULL;
}

static const char *read_constants(struct compiler *compiler, const struct node *first, bool is_list,
				  struct json_schema *schema)
{
	const char *why = schema->constants_len ? "enum and const both; write one of them" : NULL;
	size_t cap = 0;

	for (const struct node *item = first; item && !why; item = is_list ? item->next : NULL) {
		schema->constants =
			arena_grow(compiler->arena, schema->constants, schema->constants_len, &cap,
				   sizeof *schema->constants);
		why = read_constant(compiler, item, &schema->constants[schema->constants_len++]);
	}
	return why;
}

static const char *read_type(struct compiler *compiler, const struct node *node, unsigned *types)
{
	static const char *const names[] = { "null",   "boolean", "integer", "number",
					     "string", "array",	  "object",  NULL };

	compiler->where = node;
	for (unsigned i = 0; node->kind == NODE_SCALAR && names[i]; i++) {
		if (strcmp(node->text, names[i]) == 0) {
			*types |= 1U << i;
			return NULL;
		}
	}
	return arena_printf(compiler->arena, "not a type; write one of %s",
			    words_join(compiler->arena, names, "or"));
}

/*** Keywords ***/

static const char *read_types(struct compiler *compiler, const struct node *node,
			      struct json_schema *schema)
{
	const char *why = NULL;

	if (node->kind != NODE_LIST)
		return read_type(compiler, node, &schema->types);
	if (!node->first)
		return "an empty list, which no value is of; name a type, or leave it out";
	for (const struct node *item = node->first; item && !why; item = item->next)
		why = read_type(compiler, item, &schema->types);
	return why;
}

static const char *read_enum(struct compiler *compiler, const struct node *node,
			     struct json_schema *schema)
{
	if (node->kind != NODE_LIST || !node->first)
		return "not a list of values; write [VALUE, VALUE]";
	return read_constants(compiler, node->first, true, schema);
}

static const char *read_const(struct compiler *compiler, const struct node *node,
			      struct json_schema *schema)
{
	return read_constants(compiler, node, false, schema);
}

static const char *read_properties(struct compiler *compiler, const struct node *node,
				   struct json_schema *schema)
{
	const char *why = NULL;
	size_t cap = 0;

	if (node->kind != NODE_MAPPING)
		return "not a mapping; write {NAME: {type: string}}";
	for (const struct node *key = node->first; key && key->next && !why;
	     key = key->next->next) {
		schema->properties =
			arena_grow(compiler->arena, schema->properties, schema->properties_len,
				   &cap, sizeof *schema->properties);
		struct json_property *property = &schema->properties[schema->properties_len++];

		property->name = arena_strdup(compiler->arena, key->text);
		why = compile(compiler, key->next, &property->schema);
	}
	return why;
}

static const char *read_required(struct compiler *compiler, const struct node *node,
				 struct json_schema *schema)
{
	if (node->kind != NODE_LIST)
		return "not a list of names; write [NAME, NAME]";
	for (const struct node *item = node->first; item; item = item->next) {
		compiler->where = item;
		if (item->kind != NODE_SCALAR)
			return "not the name of a property; write its name";
		strv_push(compiler->arena, &schema->required,
			  arena_strdup(compiler->arena, item->text));
	}
	return NULL;
}

static const char *read_additional(struct compiler *compiler, const struct node *node,
				   struct json_schema *schema)
{
	return compile(compiler, node, &schema->additional);
}

static const char *read_items(struct compiler *compiler, const struct node *node,
			      struct json_schema *schema)
{
	return compile(compiler, node, &schema->items);
}

static const char *read_any_of(struct compiler *compiler, const struct node *node,
			       struct json_schema *schema)
{
	const char *why = NULL;
	size_t cap = 0;

	if (node->kind != NODE_LIST || !node->first)
		return "not a list of schemas; write [{type: string}, {type: \"null\"}]";
	for (const struct node *item = node->first; item && !why; item = item->next) {
		schema->any_of = arena_grow(compiler->arena, schema->any_of, schema->any_of_len,
					    &cap, sizeof *schema->any_of);
		why = compile(compiler, item, &schema->any_of[schema->any_of_len++]);
	}
	return why;
}

#define BOUND_READER(name, kind)                                                                   \
	static const char *name(struct compiler *compiler, const struct node *node,                \
				struct json_schema *schema)                                        \
	{                                                                                          \
		(void)compiler;                                                                    \
		schema->bounds[kind].is_set = true;                                                \
		return read_number(node, &schema->bounds[kind].value)                              \
			       ? NULL                                                              \
			       : "not a number; write one, as in 100";                             \
	}
BOUND_READER(read_minimum, JSON_MINIMUM)
BOUND_READER(read_maximum, JSON_MAXIMUM)
BOUND_READER(read_above, JSON_EXCLUSIVE_MINIMUM)
BOUND_READER(read_below, JSON_EXCLUSIVE_MAXIMUM)

#define COUNT_READER(name, field)                                                                  \
	static const char *name(struct compiler *compiler, const struct node *node,                \
				struct json_schema *schema)                                        \
	{                                                                                          \
		(void)compiler;                                                                    \
		return read_count(node, &schema->field);                                           \
	}
COUNT_READER(read_min_length, min_length)
COUNT_READER(read_max_length, max_length)
COUNT_READER(read_min_items, min_items)
COUNT_READER(read_max_items, max_items)

/* What only says something to people. */
static const char *read_nothing(struct compiler *compiler, const struct node *node,
				struct json_schema *schema)
{
	(void)compiler;
	(void)node;
	(void)schema;
	return NULL;
}

static const struct {
	const char *name;
	const char *(*read)(struct compiler *compiler, const struct node *node,
			    struct json_schema *schema);
} keywords[] = {
	{ "type", read_types },
	{ "enum", read_enum },
	{ "const", read_const },
	{ "properties", read_properties },
	{ "required", read_required },
	{ "additionalProperties", read_additional },
	{ "items", read_items },
	{ "anyOf", read_any_of },
	{ "minimum", read_minimum },
	{ "maximum", read_maximum },
	{ "exclusiveMinimum", read_above },
	{ "exclusiveMaximum", read_below },
	{ "minLength", read_min_length },
	{ "maxLength", read_max_length },
	{ "minItems", read_min_items },
	{ "maxItems", read_max_items },
	{ "title", read_nothing },
	{ "description", read_nothing },
	{ "default", read_nothing },
	{ "examples", read_nothing },
	{ "$schema", read_nothing },
	{ "$id", read_nothing },
	{ "$comment", read_nothing },
};

static const char *unknown_keyword(struct compiler *compiler, const char *word)
{
	enum {
		KEYWORDS = sizeof keywords / sizeof *keywords
	};
	const char *names[KEYWORDS + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < KEYWORDS; i++)
		names[i] = keywords[i].name;
	nearest = nearest_name(word, names);
	return nearest ? arena_printf(compiler->arena, "unknown keyword %s; did you mean '%s'?",
				      word_quote(compiler->arena, word), nearest)
		       : arena_printf(compiler->arena,
				      "keyword %s is not checked here; leave it out, or check "
				      "with a command",
				      word_quote(compiler->arena, word));
}

static const char *read_keyword(struct compiler *compiler, const struct node *key,
				struct json_schema *schema)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
		if (strcmp(keywords[i].name, key->text) != 0)
			continue;
		compiler->where = key->next;
		return keywords[i].read(compiler, key->next, schema);
	}
	compiler->where = key;
	return unknown_keyword(compiler, key->text);
}

static const char *compile(struct compiler *compiler, const struct node *node,
			   const struct json_schema **ret_schema)
{
	struct json_schema *schema = arena_alloc(compiler->arena, sizeof *schema);
	const char *why = NULL;

	schema->max_length = schema->max_items = JSON_UNBOUNDED;
	*ret_schema = schema;
	compiler->where = node;
	schema->refuses_all = is_word(node, "false");
	if (schema->refuses_all || is_word(node, "true"))
		return NULL;
	if (node->kind != NODE_MAPPING)
		return "not a schema; write {type: object}, true or false";
	for (const struct node *key = node->first; key && key->next && !why; key = key->next->next)
		why = read_keyword(compiler, key, schema);
	return why;
}

const char *json_schema_compile(struct arena *arena, const struct node *node,
				const struct json_schema **ret_schema,
				const struct node **ret_where)
{
	struct compiler compiler = { .arena = arena, .where = node };
	const char *why = compile(&compiler, node, ret_schema);

	*ret_where = compiler.where;
	return why;
}
