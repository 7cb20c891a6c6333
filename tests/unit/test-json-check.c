/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests against schemas: what each keyword lets through and what not, and that others are told. */
#include "bindings/json_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/yaml.h"

static const struct json_schema *compile(struct arena *arena, const char *text,
					 const char **ret_why)
{
	const struct json_schema *schema = NULL;
	const struct node *where;
	struct yaml_tree tree;

	yaml_tree_read(arena, text, strlen(text), &tree);
	assert_null(tree.problem);
	*ret_why = json_schema_compile(arena, tree.root, &schema, &where);
	assert_non_null(where);
	return schema;
}

/* good and bad: JSON texts with a newline between. */
static const struct {
	const char *schema, *good, *bad;
} cases[] = {
	{ "true", "1\n\"x\"\n{}", "nonsense\n{} {}\n{\"a\":1,\"a\":2}\n1e999\n[1,]\n'x'" },
	{ "false", "", "1\nnull" },
	{ "{}", "1\n[]", "{" },
	{ "{type: integer}", "1\n-5\n2.0\n0", "1.5\n\"1\"\ntrue\n9.3e18" },
	{ "{type: number}", "1\n1.5\n-1e5", "\"1\"\nnull" },
	{ "{type: boolean}", "true\nfalse", "0\n1\nnull\n\"true\"" },
	{ "{type: \"null\"}", "null", "0\nfalse\n\"\"" },
	{ "{type: [string, \"null\"]}", "\"\"\nnull", "1\n[]" },
	{ "{enum: [a, \"1\", 2, true, null]}", "\"a\"\n\"1\"\n2\n2.0\ntrue\nnull",
	  "\"b\"\n1\n\"2\"\n\"true\"\nfalse\n\"a\\u0000\"" },
	{ "{const: x}", "\"x\"", "\"xx\"\n\"\"" },
	{ "{minimum: 1, maximum: 10}", "1\n10\n\"a\"", "0\n0.99\n10.01\n11" },
	{ "{exclusiveMinimum: 1, exclusiveMaximum: 10}", "1.01\n9.99", "1\n10" },
	{ "{minimum: 5, exclusiveMinimum: 1}", "5", "2" },
	{ "{minLength: 1, maxLength: 3}", "\"a\"\n\"\xc3\xa4\xc3\xb6\xc3\xbc\"\n5",
	  "\"\"\n\"abcd\"" },
	{ "{minItems: 1, maxItems: 2, items: {type: integer}}", "[1]\n[1,2]\n\"x\"",
	  "[]\n[1,2,3]\n[\"a\"]\n[1,null]" },
	{ "{required: [a], properties: {a: {type: string}, b: false}}",
	  "{\"a\":\"\"}\n{\"a\":\"\",\"c\":1}\n[]", "{}\n{\"a\":1}\n{\"a\":\"\",\"b\":1}" },
	{ "{properties: {a: {}}, additionalProperties: false}", "{}\n{\"a\":1}", "{\"b\":1}" },
	{ "{additionalProperties: {type: integer}}", "{\"x\":1}", "{\"x\":\"1\"}" },
	{ "{anyOf: [{type: string}, {minimum: 5}]}", "\"x\"\n5\n[]", "4" },
	{ "{type: object, title: t, description: d, $comment: c}", "{}", "[]" },
};

static void keywords(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *why;
		const struct json_schema *schema = compile(&arena, cases[i].schema, &why);

		assert_null(why);
		for (int is_bad = 0; is_bad < 2; is_bad++) {
			const char *at = is_bad ? cases[i].bad : cases[i].good;

			while (*at) {
				size_t len = strcspn(at, "\n");
				char fault[200] = "";
				bool is_met = json_check(schema, at, len, fault, sizeof fault);

				if (is_met == is_bad)
					fail_msg("%s: %.*s %s", cases[i].schema, (int)len, at,
						 fault);
				assert_int_equal(is_met, fault[0] == '\0');
				at += len + (at[len] == '\n');
			}
		}
	}
	arena_free(&arena);
}

static void places(void **state)
{
	static const char odd[] = "{\"\\u001b[31m\xc3\xa4\":1}";
	static const char schema[] = "{properties: {list: {items: {required: [n]}}}}";
	struct arena arena = { 0 };
	char why[200], cut[20];
	const char *unused;
	const struct json_schema *compiled = compile(&arena, schema, &unused);

	(void)state;
	assert_false(json_check(compiled, "{\"list\":[{\"n\":1},{}]}", 21, why, sizeof why));
	assert_string_equal(why, "$.list[1]: a required property is missing");
	assert_false(json_check(compiled, "{\"list\":[{\"n\":1},{}]}", 21, cut, sizeof cut));
	assert_string_equal(cut, "$.list[1]: a requir");
	/* what the box chose is printable */
	compiled = compile(&arena, "{additionalProperties: false}", &unused);
	assert_false(json_check(compiled, odd, sizeof odd - 1, why, sizeof why));
	assert_string_equal(why, "$.?[31m??: nothing is allowed here");
	/* bytes that end within the text */
	assert_false(json_check(compiled, "{\"a\":1}", 6, why, sizeof why));
	assert_false(json_check(compiled, "{}\0", 3, why, sizeof why));
	assert_false(json_check(compiled, "", 0, why, sizeof why));
	arena_free(&arena);
}

static void not_schemas(void **state)
{
	static const char *const texts[] = {
		"5",
		"[a]",
		"{typ: string}",
		"{pattern: a}",
		"{$ref: x}",
		"{type: text}",
		"{type: [string, 5]}",
		"{enum: []}",
		"{enum: a}",
		"{enum: [[1]]}",
		"{const: {a: 1}}",
		"{enum: [1], const: 1}",
		"{minimum: a}",
		"{maximum: \"1\"}",
		"{minimum: 1e999}",
		"{minLength: -1}",
		"{maxItems: 1.5}",
		"{maxItems: 1e30}",
		"{required: a}",
		"{required: [[a]]}",
		"{properties: [a]}",
		"{properties: {a: b}}",
		"{items: [{}, {}]}",
		"{anyOf: []}",
		"{anyOf: [1]}",
		"{additionalProperties: no}",
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *why;

		(void)compile(&arena, texts[i], &why);
		if (!why)
			fail_msg("%s", texts[i]);
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keywords),
		cmocka_unit_test(places),
		cmocka_unit_test(not_schemas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
