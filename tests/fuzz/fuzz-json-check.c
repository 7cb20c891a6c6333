/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A schema, a NUL, and a request: what does not compile says where; what is not met says why in
 * one printable line; and the answer is the same twice.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/json_check.h"
#include "policy/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)fprintf(stderr, "fuzz-json-check: %s\n", what);
	abort();
}

static void check_request(const struct json_schema *schema, const uint8_t *data, size_t size)
{
	char why[200] = "", again[40] = "";
	char *copy = malloc(size ? size : 1);

	check(copy, "no memory");
	if (size)
		memcpy(copy, data, size);
	bool is_met = json_check(schema, copy, size, why, sizeof why);
	check(json_check(schema, copy, size, again, sizeof again) == is_met, "another answer");
	free(copy);
	check(is_met == (why[0] == '\0'), "a reason that the answer contradicts");
	for (const char *at = why; *at; at++)
		check(*at >= ' ' && *at <= '~', "a reason that cannot be printed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
	struct arena arena = { 0 };
	const struct json_schema *schema;
	const struct node *where = NULL;
	struct yaml_tree tree;

	if (!end || size > 16 * 1024)
		return 0;
	yaml_tree_read(&arena, (const char *)data, (size_t)(end - data), &tree);
	if (tree.root && !tree.problem && !node_problem(tree.root)) {
		const char *why = json_schema_compile(&arena, tree.root, &schema, &where);

		check(where, "no place");
		if (!why)
			check_request(schema, end + 1, size - (size_t)(end - data) - 1);
	}
	arena_free(&arena);
	return 0;
}
