/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The YAML that profiles use, as a tree: see yaml.h.
 *
 * Theory of operation: the text is checked (UTF-8, nothing invisible), JSON is
 * brought into the form libyaml reads, then libyaml's events build the tree. A
 * problem of one node (alias, tag, duplicate key) is noted on it and reading
 * goes on; a problem of the text ends reading and leaves the tree so far, so
 * that the caller can report what was wrong before it.
 */
#include "policy/yaml.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "policy/words.h"
#include "policy/yaml_text.h"

struct open_node {
	struct node *node;
	struct node **tail; /* where its next child goes */
	size_t children;
};

struct builder {
	struct arena *arena;
	struct yaml_tree *tree;
	yaml_parser_t parser;
	struct open_node open[YAML_TREE_DEPTH];
	size_t depth;
	size_t nodes;
	size_t documents;
};

/* libyaml's words, and what to write instead. The first whose problem matches is taken. */
/* clang-format off */
static const struct {
	const char *problem;
	enum { AT_END, AT_START } where; /* a thing's begin may say more than its end */
	const char *message;
} problems[] = {
	{ "could not find expected ':'", AT_START,
	  "a line that is no key and value; write KEY: VALUE" },
	{ "mapping values are not allowed in this context", AT_END,
	  "a ':' that cannot stand here; put the value in quotes, or check the indentation" },
	{ "mapping keys are not allowed in this context", AT_END,
	  "a '?' that cannot stand here; put the value in quotes" },
	{ "block sequence entries are not allowed in this context", AT_END,
	  "a '-' that cannot stand here; put each '- ITEM' on a line of its own below the key" },
	{ "did not find expected key", AT_END,
	  "a line that does not belong to the keys above it; check the indentation" },
	{ "did not find expected '-' indicator", AT_END,
	  "a line that does not belong to the list above it; check the indentation" },
	{ "did not find expected node content", AT_END,
	  "a value is missing here; write one, or take out the ','" },
	{ "did not find expected <document start>", AT_END,
	  "text after the end of the profile; take it out" },
	{ "found unexpected end of stream", AT_START,
	  "a quote that is never closed; write the closing one" },
	{ "found unexpected document indicator", AT_START,
	  "a quote that is never closed; write the closing one" },
	{ "found unknown escape character", AT_END,
	  "an unknown escape in double quotes; write \\\\ for a backslash, or use single quotes" },
	{ "did not find expected hexdecimal number", AT_END,
	  "an escape without its digits; write \\xNN or \\uNNNN, or use single quotes" },
	{ "found invalid Unicode character escape code", AT_END,
	  "an escape that is no character; write both halves of a pair, or the character" },
	{ "found a tab character that violates indentation", AT_END,
	  "a tab as indentation; write spaces" },
	{ "found a tab character where an indentation space is expected", AT_END,
	  "a tab as indentation; write spaces" },
	{ "did not find expected comment or line break", AT_END,
	  "text beside '|' or '>'; write it on the lines below, or put it in quotes" },
	{ "found an indentation indicator equal to 0", AT_END,
	  "a 0 beside '|' or '>'; take it out" },
	{ "found unexpected ':'", AT_END,
	  "a ':' inside a word; put the value in quotes" },
	{ "found undefined tag handle", AT_END,
	  "a YAML tag; take out the word with '!'" },
	{ "did not find expected alphabetic or numeric character", AT_START,
	  "'*' or '&' that begins a value; put the value in quotes" },
	{ "incompatible YAML document", AT_END,
	  "a '%' line; take it out" },
	{ "directive", AT_START,
	  "a '%' line; take it out" },
	{ "version", AT_START,
	  "a '%' line; take it out" },
	{ "tag", AT_START,
	  "a YAML tag; take out the word with '!', or put the value in quotes" },
	{ "URI", AT_START,
	  "a YAML tag; take out the word with '!', or put the value in quotes" },
	{ "'!'", AT_START,
	  "a YAML tag; take out the word with '!', or put the value in quotes" },
	{ "'>'", AT_START,
	  "a YAML tag; take out the word with '!', or put the value in quotes" },
};
/* clang-format on */

static int place(size_t from_0)
{
	return from_0 < INT32_MAX ? (int)from_0 + 1 : INT32_MAX;
}

static void end_tree(struct builder *builder, yaml_mark_t mark, const char *problem)
{
	builder->tree->problem = problem;
	builder->tree->line = place(mark.line);
	builder->tree->column = place(mark.column);
}

/* libyaml could not allocate: ends the process as the arena does. */
static void out_of_memory(struct builder *builder)
{
	(void)arena_alloc(builder->arena, SIZE_MAX);
}

/* A character that nothing begins with: a tab, @, `, % and the like. */
static const char *odd_character(struct builder *builder)
{
	const char first[] = { (char)*builder->parser.buffer.pointer, '\0' };

	if (first[0] == '\t')
		return "a tab as indentation; write spaces";
	return arena_printf(builder->arena, "%s cannot begin a value; put the value in quotes",
			    word_quote(builder->arena, first));
}

/* A list or mapping between brackets that goes wrong where the parser stands. */
static const char *open_bracket(struct builder *builder)
{
	bool is_list = strchr(builder->parser.problem, ']') != NULL;

	return arena_printf(builder->arena,
			    "the %s that begins on line %d does not go on or end here;"
			    " write ',' between %s and '%c' after the last",
			    is_list ? "list" : "mapping", place(builder->parser.context_mark.line),
			    is_list ? "items" : "pairs", is_list ? ']' : '}');
}

/* What libyaml did not understand, in words for a profile's writer. */
static void syntax_problem(struct builder *builder)
{
	const yaml_parser_t *parser = &builder->parser;
	const char *problem = parser->problem ? parser->problem : "text that cannot be read";
	const char *context = parser->context ? parser->context : "";
	yaml_mark_t mark = parser->problem_mark;
	const char *message = NULL;

	if (parser->error == YAML_MEMORY_ERROR)
		out_of_memory(builder);
	if (strcmp(problem, "found character that cannot start any token") == 0)
		message = odd_character(builder);
	else if (strstr(problem, "expected ','"))
		message = open_bracket(builder);
	for (size_t i = 0; !message && i < sizeof problems / sizeof problems[0]; i++) {
		if (!strstr(problem, problems[i].problem) && !strstr(context, problems[i].problem))
			continue;
		if (problems[i].where == AT_START && parser->context)
			mark = parser->context_mark;
		message = problems[i].message;
	}
	if (!message)
		message = arena_printf(builder->arena, "%s; check quotes and indentation", problem);
	end_tree(builder, mark, message);
}

/* An alias, anchor or tag: sign and name as the user wrote them. */
static const char *named_problem(struct builder *builder, const char *sign, const void *name,
				 const char *what)
{
	static const char common[] = "tag:yaml.org,2002:"; /* what libyaml makes of "!!" */
	const char *text = name;

	if (strncmp(text, common, sizeof common - 1) == 0) {
		sign = "!!";
		text += sizeof common - 1;
	}
	text = arena_printf(builder->arena, "%s%s", sign, text);
	return arena_printf(builder->arena,
			    "a YAML %s %s; write the value itself, or put it in quotes", what,
			    word_quote(builder->arena, text));
}

/* A node below the innermost open one, or NULL when the tree ends here. */
static struct node *add_node(struct builder *builder, enum node_kind kind, yaml_mark_t mark)
{
	struct node *node;

	if (++builder->nodes > YAML_TREE_NODES) {
		end_tree(builder, mark, "more than 10000 values; split the profile with extends");
		return NULL;
	}
	node = arena_alloc(builder->arena, sizeof *node);
	node->kind = kind;
	node->line = place(mark.line);
	node->column = place(mark.column);
	if (builder->depth == 0) {
		builder->tree->root = node;
	} else {
		struct open_node *parent = &builder->open[builder->depth - 1];

		*parent->tail = node;
		parent->tail = &node->next;
		parent->children++;
	}
	return node;
}

/* Notes on the key that was just added when its mapping has it already. */
static void check_key(struct builder *builder, struct node *key)
{
	const struct open_node *parent = builder->depth ? &builder->open[builder->depth - 1] : NULL;

	if (!parent || parent->node->kind != NODE_MAPPING || parent->children % 2 == 0)
		return;
	if (key->kind != NODE_SCALAR) {
		if (!key->problem)
			key->problem = "a key that is no word; write KEY: VALUE";
		return;
	}
	for (const struct node *other = parent->node->first; other != key;
	     other = other->next->next) {
		if (other->kind != NODE_SCALAR || strcmp(other->text, key->text) != 0)
			continue;
		if (!key->problem)
			key->problem =
				arena_printf(builder->arena,
					     "key %s is already set on line %d; keep one of them",
					     word_quote(builder->arena, key->text), other->line);
		return;
	}
}

static bool add_scalar(struct builder *builder, const yaml_event_t *event)
{
	struct node *node = add_node(builder, NODE_SCALAR, event->start_mark);
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;

	if (!node)
		return false;
	node->text = arena_strndup(builder->arena, text, len);
	node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (memchr(text, '\0', len))
		node->problem = "a NUL character; leave it out";
	if (event->data.scalar.tag)
		node->problem = named_problem(builder, "", event->data.scalar.tag, "tag");
	if (event->data.scalar.anchor)
		node->problem = named_problem(builder, "&", event->data.scalar.anchor, "anchor");
	check_key(builder, node);
	return true;
}

static bool add_alias(struct builder *builder, const yaml_event_t *event)
{
	struct node *node = add_node(builder, NODE_ALIAS, event->start_mark);

	if (!node)
		return false;
	node->problem = named_problem(builder, "*", event->data.alias.anchor, "alias");
	check_key(builder, node);
	return true;
}

static bool open_node(struct builder *builder, const yaml_event_t *event)
{
	bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
	const void *tag = is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
	const void *anchor =
		is_list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
	struct node *node;

	if (builder->depth == YAML_TREE_DEPTH) {
		end_tree(builder, event->start_mark,
			 "nested deeper than 16; a profile needs no more than 3");
		return false;
	}
	node = add_node(builder, is_list ? NODE_LIST : NODE_MAPPING, event->start_mark);
	if (!node)
		return false;
	if (tag)
		node->problem = named_problem(builder, "", tag, "tag");
	if (anchor)
		node->problem = named_problem(builder, "&", anchor, "anchor");
	check_key(builder, node);
	builder->open[builder->depth++] = (struct open_node){ node, &node->first, 0 };
	return true;
}

/* Whether to go on. */
static bool take_event(struct builder *builder, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++builder->documents > 1) {
			end_tree(builder, event->start_mark,
				 "a second document; a profile is one, take out '---' and what "
				 "follows");
			return false;
		}
		return true;
	case YAML_SCALAR_EVENT:
		return add_scalar(builder, event);
	case YAML_ALIAS_EVENT:
		return add_alias(builder, event);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return open_node(builder, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		builder->depth--;
		return true;
	case YAML_STREAM_END_EVENT:
		return false;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return true;
}

void yaml_tree_read(struct arena *arena, const char *text, size_t len, struct yaml_tree *ret_tree)
{
	struct builder builder = { .arena = arena, .tree = ret_tree };
	yaml_event_t event;
	bool more = true;

	memset(ret_tree, 0, sizeof *ret_tree);
	ret_tree->problem = yaml_text_check(arena, &text, &len, &ret_tree->line, &ret_tree->column);
	if (ret_tree->problem)
		return;
	if (!yaml_parser_initialize(&builder.parser))
		out_of_memory(&builder);
	yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text, len);
	while (more) {
		if (!yaml_parser_parse(&builder.parser, &event)) {
			syntax_problem(&builder);
			break;
		}
		more = take_event(&builder, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&builder.parser);
}

const char *node_problem(const struct node *node)
{
	const char *problem = node->problem;

	for (const struct node *child = node->first; child && !problem; child = child->next)
		problem = node_problem(child);
	return problem;
}

bool node_is_null(const struct node *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	for (size_t i = 0; node->is_plain && i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(node->text, words[i]) == 0)
			return true;
	}
	return false;
}
