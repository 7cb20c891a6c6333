/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The YAML that profiles use, as a tree: scalars, lists and mappings, each with
 * its place. No aliases, anchors, tags, several documents, deep nesting or
 * duplicate keys. JSON is read as well. Pure.
 */
#ifndef AISBX_POLICY_YAML_H
#define AISBX_POLICY_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

enum {
	YAML_TREE_DEPTH = 16,
	YAML_TREE_NODES = 10000,
};

enum node_kind {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAPPING,
	NODE_ALIAS, /* always with a problem */
};

struct node {
	enum node_kind kind;
	bool is_plain;	     /* a scalar without quotes: ~, null and nothing mean no value */
	int line;	     /* from 1 */
	int column;	     /* from 1, in characters */
	const char *text;    /* scalar: NUL-terminated, UTF-8 */
	const char *problem; /* NULL, or why this node cannot be used */
	struct node *first;  /* of a list: its items; of a mapping: key, value, key, value, ... */
	struct node *next;   /* a key without a value ends a tree that a problem ended */
};

struct yaml_tree {
	struct node *root; /* NULL when nothing is written */
	const char
		*problem; /* NULL, or what ended the text; the tree then holds what stood before */
	int line;
	int column;
};

/* Never fails: what is wrong is written on the nodes and in ret_tree->problem. */
void yaml_tree_read(struct arena *arena, const char *text, size_t len, struct yaml_tree *ret_tree);
/* "no value": nothing after the colon, or one of YAML's words for it. */
bool node_is_null(const struct node *node);

/* The first problem in it and below it, or NULL. */
const char *node_problem(const struct node *node);

#endif
