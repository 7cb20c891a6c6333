/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run was refused, put together for the result. */
#include "box/refusals/refusal_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct refusal_log *refusals;

static int make_log(void **state)
{
	(void)state;
	refusals = calloc(1, sizeof *refusals);
	return refusals ? 0 : -1;
}

static int free_log(void **state)
{
	(void)state;
	free(refusals);
	return 0;
}

static void refuse(enum refusal_kind kind, const char *what, const char *arguments,
		   const char *program, uint64_t count)
{
	struct refusal refusal = { .kind = kind, .count = count, .grant = "--some" };

	(void)snprintf(refusal.what, sizeof refusal.what, "%s", what);
	(void)snprintf(refusal.arguments, sizeof refusal.arguments, "%s", arguments);
	(void)snprintf(refusal.program, sizeof refusal.program, "%s", program);
	refusal_log_add(refusals, &refusal);
}

static void expect(size_t i, enum refusal_kind kind, const char *what, uint64_t count)
{
	const struct refusal *entry = &refusals->entries[i];

	assert_int_equal(entry->kind, kind);
	assert_string_equal(entry->what, what);
	assert_int_equal(entry->count, count);
}

static void test_adds_up(void **state)
{
	(void)state;
	refuse(REFUSED_DNS, "a.example", "", "", 1);
	refuse(REFUSED_HOST, "a.example", "", "", 1);
	refuse(REFUSED_DNS, "b.example", "", "", 1);
	refuse(REFUSED_DNS, "a.example", "", "", UINT32_MAX);
	refuse(REFUSED_DNS, "a.example", "", "", UINT32_MAX);
	assert_int_equal(refusals->len, 3);
	expect(0, REFUSED_DNS, "a.example", 1 + 2 * (uint64_t)UINT32_MAX);
	expect(1, REFUSED_HOST, "a.example", 1);
	expect(2, REFUSED_DNS, "b.example", 1);
	assert_string_equal(refusals->entries[0].grant, "--some");
}

static void test_keeps_apart(void **state)
{
	(void)state;
	refuse(REFUSED_SYSCALL, "socket", "AF_ALG", "/usr/bin/a", 1);
	refuse(REFUSED_SYSCALL, "socket", "AF_VSOCK", "/usr/bin/a", 1);
	refuse(REFUSED_SYSCALL, "socket", "AF_ALG", "/usr/bin/b", 1);
	refuse(REFUSED_SYSCALL, "socket", "AF_ALG", "/usr/bin/a", 1);
	assert_int_equal(refusals->len, 3);
	expect(0, REFUSED_SYSCALL, "socket", 2);
}

/* One kind that is asked for without end leaves the others their room. */
static void test_bounds(void **state)
{
	char what[32];

	(void)state;
	for (int i = 0; i < REFUSALS_A_KIND + 50; i++) {
		(void)snprintf(what, sizeof what, "host-%d", i);
		refuse(REFUSED_HOST, what, "", "", 1);
	}
	assert_int_equal(refusals->len, REFUSALS_A_KIND + 1);
	expect(REFUSALS_A_KIND - 1, REFUSED_HOST, "host-255", 1);
	expect(REFUSALS_A_KIND, REFUSED_HOST, "(others)", 50);
	assert_string_equal(refusals->entries[REFUSALS_A_KIND].grant, "");
	refuse(REFUSED_HOST, "host-255", "", "", 2);
	expect(REFUSALS_A_KIND - 1, REFUSED_HOST, "host-255", 3);
	for (int kind = REFUSED_DNS; kind < REFUSAL__N; kind++) {
		for (int i = 0; i < REFUSALS_A_KIND + 50; i++) {
			(void)snprintf(what, sizeof what, "what-%d", i);
			refuse((enum refusal_kind)kind, what, "", "", 1);
		}
	}
	assert_int_equal(refusals->len, sizeof refusals->entries / sizeof *refusals->entries);
	expect(refusals->len - 1, REFUSAL__N - 1, "(others)", 50);
}

static void test_count_stays_at_its_end(void **state)
{
	(void)state;
	refuse(REFUSED_SYSCALL, "ptrace", "", "", UINT64_MAX - 1);
	refuse(REFUSED_SYSCALL, "ptrace", "", "", 5);
	expect(0, REFUSED_SYSCALL, "ptrace", UINT64_MAX);
}

static void test_kinds_have_names(void **state)
{
	(void)state;
	for (int kind = 0; kind < REFUSAL__N; kind++)
		assert_non_null(refusal_names[kind]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_adds_up, make_log, free_log),
		cmocka_unit_test_setup_teardown(test_keeps_apart, make_log, free_log),
		cmocka_unit_test_setup_teardown(test_bounds, make_log, free_log),
		cmocka_unit_test_setup_teardown(test_count_stays_at_its_end, make_log, free_log),
		cmocka_unit_test(test_kinds_have_names),
	};

	return cmocka_run_group_tests_name("refusal log", tests, NULL, NULL);
}
