/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A refused call in words, and what of its arguments tells it from another. */
#include "box/refusals/refused_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "policy/plan.h"

static char *denied[] = { (char *)"@network", (char *)"mkdirat", NULL };
static struct profile profile = { .syscalls_deny = { .items = denied, .len = 2 } };
static struct plan plan = { .profile = &profile };

static void describe(int nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		     struct refusal *ret_refusal)
{
	const uint64_t arguments[6] = { a, b, c, d, 5, 6 };
	struct refused_call call = {
		.kind = REFUSED_SYSCALL, .nr = nr, .count = 7, .program = "/bin/p"
	};

	refused_call_arguments(nr, arguments, call.arguments);
	assert_true(refused_call_check(&call));
	refused_call_describe(&call, &plan, ret_refusal);
	assert_int_equal(ret_refusal->kind, REFUSED_SYSCALL);
	assert_int_equal(ret_refusal->count, 7);
	assert_string_equal(ret_refusal->program, "/bin/p");
}

static void test_arguments(void **state)
{
	static const struct {
		int nr;
		uint64_t arguments[4];
		const char *what, *shown;
	} cases[] = {
		{ SYS_socket, { 38, 5, 0, 9 }, "socket", "AF_ALG, SOCK_SEQPACKET, 0" },
		{ SYS_socket, { 40, 02004001, 3 }, "socket", "AF_VSOCK, SOCK_STREAM, 3" },
		{ SYS_socket, { 99, 12, 262 }, "socket", "0x63, 0xc, 262" },
		{ SYS_socketpair, { 2, 1, 1 }, "socketpair", "AF_INET" },
		{ SYS_clone, { 0x70000011 }, "clone", "CLONE_NEWUSER|CLONE_NEWPID|CLONE_NEWNET" },
		{ SYS_unshare, { 0x10000000 }, "unshare", "CLONE_NEWUSER" },
		{ SYS_unshare, { 0x10000001 }, "unshare", "CLONE_NEWUSER|0x1" },
		{ SYS_ioctl, { 0, 0xffffffff00005412 }, "ioctl", "TIOCSTI" },
		{ SYS_ptrace, { 16, 77 }, "ptrace", "PTRACE_ATTACH" },
		{ SYS_ptrace, { 0x1234 }, "ptrace", "0x1234" },
		{ SYS_personality, { 0x40000 }, "personality", "0x40000" },
		{ SYS_fchmodat, { 3, 4, 04755 }, "fchmodat", "04755" },
		{ SYS_openat, { 3, 4, 0101, 02777 }, "openat", "02777" },
		{ SYS_seccomp, { 1, 8, 0x1000 }, "seccomp", "SECCOMP_FILTER_FLAG_NEW_LISTENER" },
		{ SYS_mount, { 0x1000, 0x2000, 0x3000 }, "mount", "" },
		{ 452, { 3, 4, 04755, 0 }, "fchmodat2", "04755" },
		{ 100000, { 1 }, "100000", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const uint64_t *a = cases[i].arguments;
		struct refusal refusal;

		describe(cases[i].nr, a[0], a[1], a[2], a[3], &refusal);
		assert_string_equal(refusal.what, cases[i].what);
		assert_string_equal(refusal.arguments, cases[i].shown);
	}
}

/* What does not matter makes no two of one. */
static void test_same(void **state)
{
	const uint64_t a[6] = { 38, 04000005, 0, 1, 2, 3 }, b[6] = { 38, 5, 0, 4, 5, 6 };
	uint64_t kept_a[REFUSED_ARGUMENTS], kept_b[REFUSED_ARGUMENTS];

	(void)state;
	refused_call_arguments(SYS_socket, a, kept_a);
	refused_call_arguments(SYS_socket, b, kept_b);
	assert_memory_equal(kept_a, kept_b, sizeof kept_a);
	refused_call_arguments(SYS_process_vm_readv, a, kept_a);
	for (int i = 0; i < REFUSED_ARGUMENTS; i++)
		assert_int_equal(kept_a[i], 0);
}

static void test_grants(void **state)
{
	struct refusal refusal;

	(void)state;
	describe(SYS_ptrace, 0, 0, 0, 0, &refusal);
	assert_string_equal(refusal.grant, "--allow-syscall ptrace");
	describe(SYS_perf_event_open, 0, 0, 0, 0, &refusal);
	assert_string_equal(refusal.grant, "--allow-syscall perf_event_open");
	describe(SYS_mount, 0, 0, 0, 0, &refusal);
	assert_string_equal(refusal.grant, "");
	assert_string_equal(refusal.why, "mounts are the box's walls");
	describe(SYS_unshare, 0x10000000, 0, 0, 0, &refusal);
	assert_string_equal(refusal.grant, "");
	assert_string_equal(refusal.why, "namespaces are the box's walls");
	/* A set and a name of syscalls.deny, which win over the rest. */
	describe(SYS_connect, 0, 0, 0, 0, &refusal);
	assert_string_equal(refusal.why, "syscalls.deny of the profile has it");
	describe(SYS_mkdirat, 0, 0, 0, 0, &refusal);
	assert_string_equal(refusal.why, "syscalls.deny of the profile has it");
	plan.has_exec_list = true;
	describe(SYS_memfd_create, 0, 0, 0, 0, &refusal);
	assert_string_equal(refusal.grant, "");
	assert_non_null(strstr(refusal.why, "exec list"));
	plan.has_exec_list = false;
}

static void test_paths(void **state)
{
	struct refused_call call = { .kind = REFUSED_EXEC, .nr = SYS_execve, .path = "/bin/x" };
	struct refusal refusal;

	(void)state;
	refused_call_describe(&call, &plan, &refusal);
	assert_string_equal(refusal.what, "/bin/x");
	assert_string_equal(refusal.grant, "--exec /bin/x");
	call.kind = REFUSED_FILE;
	refused_call_describe(&call, &plan, &refusal);
	assert_string_equal(refusal.what, "/bin/x");
	assert_string_equal(refusal.grant, "");
	assert_string_not_equal(refusal.why, "");
	/* Half a path would be another grant. */
	memset(call.path, 'a', sizeof call.path);
	call.kind = REFUSED_EXEC;
	assert_true(refused_call_check(&call));
	refused_call_describe(&call, &plan, &refusal);
	assert_int_equal(strlen(refusal.what), REFUSAL_TEXT - 1);
	assert_string_equal(refusal.grant, "");
	call.path[0] = '\0';
	refused_call_describe(&call, &plan, &refusal);
	assert_string_equal(refusal.what, "(unknown)");
}

/* From init, which shares a kernel with hostile code. */
static void test_hostile(void **state)
{
	struct refused_call call;
	struct refusal refusal;

	(void)state;
	memset(&call, 0xff, sizeof call);
	assert_false(refused_call_check(&call));
	for (uint32_t kind = 0; kind < REFUSAL__N + 2; kind++) {
		memset(&call, 0xff, sizeof call);
		call.kind = kind;
		if (!refused_call_check(&call))
			continue;
		for (call.nr = -3; call.nr < 600; call.nr++) {
			refused_call_describe(&call, &plan, &refusal);
			assert_true(strlen(refusal.what) > 0);
			assert_true(strlen(refusal.what) < REFUSAL_TEXT);
			assert_true(strlen(refusal.arguments) < REFUSAL_TEXT);
		}
	}
	call = (struct refused_call){ .kind = REFUSED_HOST };
	assert_false(refused_call_check(&call));
	call.kind = REFUSED_SECRET;
	assert_false(refused_call_check(&call));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments), cmocka_unit_test(test_same),
		cmocka_unit_test(test_grants),	  cmocka_unit_test(test_paths),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests_name("refused call", tests, NULL, NULL);
}
