/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The items of bindings as written: see binding_specs.h. */
#include "policy/binding_specs.h"

#include <string.h>

#include "policy/json_schema.h"
#include "policy/lists.h"
#include "policy/schema.h"
#include "policy/units.h"
#include "policy/values.h"
#include "policy/words.h"

enum {
	NAME_MAX_BYTES = 64,
	INPUT_MAX_BYTES = 64 << 20, /* a request is held in memory outside the box's limits */
};

#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define BLANKS	     " \t\n"

const char *const binding_args_names[] = {
	[BINDING_ARGS_NONE] = "none",
	[BINDING_ARGS_FIXED] = "fixed",
	[BINDING_ARGS_APPEND] = "append",
	NULL,
};

/* clang-format off */
static const struct setting numbers[] = {
	{ .key = "timeout", .argument = "30s", .type = SETTING_TIME,
	  .offset = offsetof(struct binding_spec, timeout_ms), .minimum = 1 },
	{ .key = "max_input", .argument = "64K", .type = SETTING_SIZE,
	  .offset = offsetof(struct binding_spec, max_input) },
	{ .key = "max_output", .argument = "1M", .type = SETTING_SIZE,
	  .offset = offsetof(struct binding_spec, max_output) },
	{ .key = "max_calls", .argument = "100", .type = SETTING_COUNT,
	  .offset = offsetof(struct binding_spec, max_calls), .minimum = 1 },
};
/* clang-format on */

void binding_spec_init(struct binding_spec *spec, struct origin at)
{
	*spec = (struct binding_spec){ .timeout_ms = LIMIT_UNSET,
				       .max_input = LIMIT_UNSET,
				       .max_output = LIMIT_UNSET,
				       .max_calls = LIMIT_UNSET,
				       .at = at };
}

/*** Values ***/

/* It becomes the name of a file and of a program. */
static const char *read_name(struct arena *arena, const char *name, size_t len,
			     struct binding_spec *spec)
{
	const char *copy = arena_strndup(arena, name, len);

	if (len == 0 || len > NAME_MAX_BYTES || !strchr(NAME_LETTERS, copy[0]) ||
	    copy[strspn(copy, NAME_LETTERS "._-")])
		return arena_printf(arena,
				    "%s is not a name for a binding; write up to 64 letters, "
				    "digits, '-', '_' and '.', as in db-query",
				    word_quote(arena, copy));
	spec->name = copy;
	return NULL;
}

static const char *read_args(struct arena *arena, const char *text, struct binding_spec *spec)
{
	for (unsigned i = 0; binding_args_names[i]; i++) {
		if (strcmp(binding_args_names[i], text) == 0) {
			spec->args = (enum binding_args)i;
			return NULL;
		}
	}
	return arena_printf(arena, "%s is not what args takes; write %s", word_quote(arena, text),
			    words_join(arena, binding_args_names, "or"));
}

static const char *read_variable(struct arena *arena, const char *text, struct binding_spec *spec)
{
	const char *why = strchr(text, '=') ? value_check_env_set(arena, text)
					    : value_check_env_pass(arena, text);

	if (!why && strchr(text, '*') && !strchr(text, '='))
		return arena_printf(arena, "%s is a pattern; name each variable that it needs",
				    word_quote(arena, text));
	if (!why)
		strv_push_env(arena, &spec->env, arena_strdup(arena, text));
	return why;
}

/*** Keys ***/

/* A list of words, or one word alone. */
static const char *read_words(struct arena *arena, const struct node *value,
			      const char *(*read)(struct arena *arena, const char *text,
						  struct binding_spec *spec),
			      struct strv *words, struct binding_spec *spec,
			      const struct node **ret_where)
{
	bool is_list = value->kind == NODE_LIST;
	const char *why = NULL;

	for (const struct node *item = is_list ? value->first : value; item && !why;
	     item = is_list ? item->next : NULL) {
		*ret_where = item;
		if (item->kind != NODE_SCALAR || node_is_null(item))
			return "not a word; write [WORD, WORD]";
		if (read)
			why = read(arena, item->text, spec);
		else if (words->len == 0 && !*item->text)
			why = "an empty program name; write the name of a program";
		else
			strv_push(arena, words, arena_strdup(arena, item->text));
	}
	return why;
}

static const char *read_command(struct arena *arena, const struct node *value, struct strv *command,
				const struct node **ret_where)
{
	const char *why = read_words(arena, value, NULL, command, NULL, ret_where);

	return why	      ? why
	       : command->len ? NULL
			      : "names no program; write [PROGRAM, ARG], or leave it out";
}

static const char *read_schema(struct arena *arena, const struct node *value,
			       struct binding_spec *spec, const struct node **ret_where)
{
	if (value->kind == NODE_LIST)
		return read_command(arena, value, &spec->schema_command, ret_where);
	if (value->kind == NODE_MAPPING)
		return json_schema_compile(arena, value, &spec->schema, ret_where);
	spec->schema_file = arena_strdup(arena, value->text);
	return value_check_path(arena, value->text);
}

static const char *read_number(struct arena *arena, const struct setting *setting, const char *text,
			       struct binding_spec *spec)
{
	uint64_t *field = (uint64_t *)(void *)((char *)spec + setting->offset);
	const char *why = NULL;

	if (setting_read_number(arena, setting, text, field, &why) < 0)
		return why;
	if (field == &spec->max_input && *field > INPUT_MAX_BYTES)
		return arena_printf(arena,
				    "%s is too large, as it is held in memory; write 64M or less",
				    word_quote(arena, text));
	return NULL;
}

const char *binding_spec_read_key(struct arena *arena, const struct node *key,
				  const struct node *value, struct binding_spec *spec,
				  const struct node **ret_where)
{
	static const char *const names[] = { "name",	   "command",	"timeout", "max_input",
					     "max_output", "max_calls", "env",	   "args",
					     "schema",	   NULL };
	const char *name = key->text;

	*ret_where = value;
	if (strcmp(name, "command") == 0)
		return read_command(arena, value, &spec->command, ret_where);
	if (strcmp(name, "env") == 0)
		return read_words(arena, value, read_variable, NULL, spec, ret_where);
	if (strcmp(name, "schema") == 0 && !node_is_null(value))
		return read_schema(arena, value, spec, ret_where);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (strcmp(numbers[i].key, name) != 0)
			continue;
		return value->kind == NODE_SCALAR && !node_is_null(value)
			       ? read_number(arena, &numbers[i], value->text, spec)
			       : arena_printf(arena, "'%s' takes one value; write %s: %s", name,
					      name, numbers[i].argument);
	}
	bool is_name = strcmp(name, "name") == 0;
	if (!is_name && strcmp(name, "args") != 0 && strcmp(name, "schema") != 0) {
		*ret_where = key;
		return words_unknown_key(arena, name, "bindings", names);
	}
	if (value->kind != NODE_SCALAR || node_is_null(value))
		return arena_printf(arena, "'%s' takes one word; write %s: %s", name, name,
				    is_name	     ? "db-query"
				    : name[0] == 'a' ? "append"
						     : "FILE");
	return is_name ? read_name(arena, value->text, strlen(value->text), spec)
		       : read_args(arena, value->text, spec);
}

/*** Items ***/

const char *binding_spec_check(struct arena *arena, const struct binding_spec *spec)
{
	bool has_schema = spec->schema || spec->schema_file;

	if (!spec->name)
		return "no name; write {name: NAME, command: [PROGRAM, ARG]}";
	if (spec->command.len == 0 && strcmp(spec->name, "log") != 0)
		return arena_printf(arena,
				    "'%s' has no command, and no binding of that name is built in; "
				    "write command: [PROGRAM, ARG]",
				    spec->name);
	if (spec->command.len == 0 &&
	    (has_schema || spec->schema_command.len || spec->env.len || spec->args))
		return "the built-in 'log' runs no program: it takes no env, args and schema";
	/* A schema sees the input only, and must not leave half of a request unchecked. */
	if (has_schema && spec->args == BINDING_ARGS_APPEND)
		return "a JSON Schema checks the input, not the arguments; leave args out, or "
		       "check with a command: schema: [PROGRAM]";
	return NULL;
}

static const char *read_mapping(struct arena *arena, const struct node *node,
				struct binding_spec *spec)
{
	const char *why = NULL;

	for (const struct node *key = node->first; key && key->next && !why;
	     key = key->next->next) {
		const struct node *where;

		why = key->problem ? key->problem
				   : binding_spec_read_key(arena, key, key->next, spec, &where);
	}
	return why;
}

static const char *read_tree(struct arena *arena, const char *text, struct binding_spec *spec)
{
	struct yaml_tree tree;

	yaml_tree_read(arena, text, strlen(text), &tree);
	if (tree.problem)
		return tree.problem;
	if (!tree.root || tree.root->kind != NODE_MAPPING)
		return "not a mapping; write {name: NAME, command: [PROGRAM, ARG]}";
	const char *problem = node_problem(tree.root);
	return problem ? problem : read_mapping(arena, tree.root, spec);
}

const char *binding_spec_read(struct arena *arena, const char *text, struct binding_spec *spec)
{
	size_t len = strcspn(text, "=");
	const char *why;

	if (text[strspn(text, BLANKS)] == '{') {
		why = read_tree(arena, text, spec);
		return why ? why : binding_spec_check(arena, spec);
	}
	why = read_name(arena, text, len, spec);
	for (const char *at = text + len + (text[len] == '='); !why && *at;) {
		size_t word = strcspn(at, BLANKS);

		if (word)
			strv_push(arena, &spec->command, arena_strndup(arena, at, word));
		at += word + (at[word] != '\0');
	}
	if (!why && text[len] && spec->command.len == 0)
		return arena_printf(arena, "%s names no program; write NAME=PROGRAM [ARG...]",
				    word_quote(arena, text));
	return why ? why : binding_spec_check(arena, spec);
}

/*** Lists ***/

void binding_list_push(struct arena *arena, struct binding_list *list,
		       const struct binding_spec *spec)
{
	for (size_t i = 0; i < list->len; i++) {
		if (strcmp(list->items[i].name, spec->name) != 0)
			continue;
		list->items[i] = *spec;
		return;
	}
	(void)LIST_GROW(arena, list);
	list->items[list->len++] = *spec;
}
