/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syscalls_compile(): what a profile may change, and what it is told when it may not. */
#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "box/seccomp/syscall_sets.h"
#include "box/seccomp/syscalls.h"
#include "bpf_sim.h"

#define EPERM_RET      (SECCOMP_RET_ERRNO | (uint32_t)EPERM)
#define ENOSYS_RET     (SECCOMP_RET_ERRNO | (uint32_t)ENOSYS)
#define EOPNOTSUPP_RET (SECCOMP_RET_ERRNO | (uint32_t)EOPNOTSUPP)

static const uint32_t native_arch =
	CPU_NATIVE == CPU_X86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;

static int compile(struct arena *arena, const char *allow, const char *deny, bool mediated,
		   struct filter *ret, struct err *reterr)
{
	struct strv lists[2] = { 0 };
	const char *texts[2] = { allow, deny }, *word;
	size_t len;

	for (int i = 0; i < 2; i++)
		while (texts[i] && (word = syscall_next(&texts[i], &len)))
			strv_push(arena, &lists[i], arena_strndup(arena, word, len));
	return syscalls_compile(arena, &lists[0], &lists[1], mediated, false, ret, reterr);
}

static uint32_t answer(const struct filter *filter, const char *call, uint64_t arg0, uint64_t arg1)
{
	struct seccomp_data data = { .arch = native_arch,
				     .nr = syscall_number(CPU_NATIVE, call),
				     .args = { arg0, arg1 } };
	const char *why;

	assert_int_equal(bpf_check(filter->insns, filter->len, &why), 0);
	return bpf_answer(bpf_run(filter->insns, &data, NULL));
}

static void expect(const char *allow, const char *deny, const char *call, uint32_t want)
{
	struct arena arena = { 0 };
	struct filter filter;
	struct err err;

	if (compile(&arena, allow, deny, false, &filter, &err) < 0)
		fail_msg("%s", err.subject);
	assert_int_equal(answer(&filter, call, 0, 0), want);
	arena_free(&arena);
}

static void expect_error(const char *allow, const char *deny, const char *message)
{
	struct arena arena = { 0 };
	struct filter filter = { .len = 77 };
	struct err err;

	assert_int_equal(compile(&arena, allow, deny, false, &filter, &err), -EINVAL);
	assert_int_equal(err.code, E_PROFILE);
	if (!strstr(err.subject, message))
		fail_msg("'%s' does not say '%s'", err.subject, message);
	assert_int_equal(filter.len, 77);
	arena_free(&arena);
}

static void allows(void **state)
{
	(void)state;
	expect("", "", "ptrace", EPERM_RET);
	expect("@debug", "", "ptrace", SECCOMP_RET_ALLOW);
	expect("@debug", "", "process_madvise", SECCOMP_RET_ALLOW);
	expect("@debug", "", "pidfd_getfd", EPERM_RET);
	expect("@debug", "", "mount", EPERM_RET);
	expect("perf_event_open", "", "perf_event_open", SECCOMP_RET_ALLOW);
	expect("@default", "", "ptrace", EPERM_RET);
}

static void denies(void **state)
{
	(void)state;
	expect("", "io_uring_setup", "io_uring_setup", EPERM_RET);
	expect("", "@network", "connect", EPERM_RET);
	expect("", "@network", "socket", EPERM_RET);
	expect("", "@network", "read", SECCOMP_RET_ALLOW);
	expect("", "ioctl", "ioctl", EPERM_RET);
	expect("", "clone3", "clone3", EPERM_RET);
	expect("ptrace", "ptrace", "ptrace", EPERM_RET);
	expect("ptrace", "@debug", "ptrace", EPERM_RET);
	expect("@debug", "ptrace", "kcmp", SECCOMP_RET_ALLOW);
	expect("@debug", "ptrace", "ptrace", EPERM_RET);
	expect("", "@mount @keyring @io_uring @namespace", "clone3", ENOSYS_RET);
	/* another architecture's calls are known, and nothing to change */
	expect("", "open openat fork lstat uretprobe", "openat", EPERM_RET);
}

static void rules_stay(void **state)
{
	struct arena arena = { 0 };
	struct filter filter;
	struct err err;

	(void)state;
	assert_int_equal(
		compile(&arena, "ioctl clone unshare @network @debug", "", true, &filter, &err), 0);
	assert_int_equal(answer(&filter, "ioctl", 0, 0x5412), EPERM_RET);
	assert_int_equal(answer(&filter, "clone", 0x10000000, 0), EPERM_RET);
	assert_int_equal(answer(&filter, "unshare", 0x10000000, 0), EPERM_RET);
	assert_int_equal(answer(&filter, "socket", 40, 1), EPERM_RET);
	assert_int_equal(answer(&filter, "unlinkat", 0, 0), SECCOMP_RET_USER_NOTIF);
	assert_int_equal(answer(&filter, "kcmp", 0, 0), SECCOMP_RET_ALLOW);
	arena_free(&arena);
}

/* Where what is written is counted, nothing else gives a file room; else it may. */
static void counted(void **state)
{
	static const struct {
		const char *call;
		uint64_t arg1;
		uint32_t counted;
	} table[] = {
		{ "fallocate", 0, EOPNOTSUPP_RET },
		{ "fallocate", 0x01, EOPNOTSUPP_RET },	     /* KEEP_SIZE */
		{ "fallocate", 0x10, EOPNOTSUPP_RET },	     /* ZERO_RANGE */
		{ "fallocate", 0x11, EOPNOTSUPP_RET },	     /* ZERO_RANGE, KEEP_SIZE */
		{ "fallocate", 0x40, EOPNOTSUPP_RET },	     /* UNSHARE_RANGE */
		{ "fallocate", 0x80, EOPNOTSUPP_RET },	     /* WRITE_ZEROES, 6.17 */
		{ "fallocate", 2ull << 32, EOPNOTSUPP_RET }, /* an int: the rest is no mode */
		{ "fallocate", 0x03, SECCOMP_RET_ALLOW },    /* PUNCH_HOLE */
		{ "fallocate", 0x08, SECCOMP_RET_ALLOW },    /* COLLAPSE_RANGE */
		{ "fallocate", 0x20, SECCOMP_RET_ALLOW },    /* INSERT_RANGE */
		{ "ioctl", 0x40305828, EOPNOTSUPP_RET },     /* FS_IOC_RESVSP */
		{ "ioctl", 0x4030582a, EOPNOTSUPP_RET },     /* FS_IOC_RESVSP64 */
		{ "ioctl", 0x40305839, EOPNOTSUPP_RET },     /* FS_IOC_ZERO_RANGE */
		{ "ioctl", 0x140305828, EOPNOTSUPP_RET },    /* an unsigned int */
		{ "ioctl", 0x4030582b, SECCOMP_RET_ALLOW },  /* FS_IOC_UNRESVSP64 */
		{ "ioctl", 0x40049409, SECCOMP_RET_ALLOW },  /* FICLONE: the same room twice */
		{ "write", 0, SECCOMP_RET_ALLOW },
	};
	struct arena arena = { 0 };
	struct filter with, without;
	struct err err;

	(void)state;
	assert_int_equal(syscalls_compile(&arena, NULL, NULL, false, true, &with, &err), 0);
	assert_int_equal(syscalls_compile(&arena, NULL, NULL, true, false, &without, &err), 0);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		assert_int_equal(answer(&with, table[i].call, 0, table[i].arg1), table[i].counted);
		assert_int_equal(answer(&without, table[i].call, 0, table[i].arg1),
				 SECCOMP_RET_ALLOW);
	}
	assert_int_equal(answer(&with, "ioctl", 0, 0x5412), EPERM_RET);
	arena_free(&arena);
}

static void refuses(void **state)
{
	static const char *const never[] = { "mount",  "setns",	   "keyctl",	"io_uring_setup",
					     "clone3", "openat2",  "bpf",	"open_by_handle_at",
					     "@mount", "@keyring", "@io_uring", "@namespace",
					     "@clock", "@module",  "@reboot",	"@obsolete" };

	(void)state;
	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
		expect_error(never[i], "", "cannot be allowed");
	expect_error("@debug mount", "", "'mount' cannot be allowed");
	expect_error("mount", "mount", "'mount' cannot be allowed");
	expect_error("@debug-more", "", "perf_event_open");
	expect_error("", "execve", "'execve' cannot be denied");
	expect_error("", "write", "cannot be denied");
	expect_error("", "@default", "cannot be denied");
}

static void unknown(void **state)
{
	(void)state;
	expect_error("ptrase", "",
		     "syscalls.allow: 'ptrase' is not a known system call; "
		     "did you mean 'ptrace'?");
	expect_error("", "@debuk", "did you mean '@debug'?");
	expect_error("", "no_such_call_at_all", "'no_such_call_at_all' is not a known system call");
	expect_error("@", "", "'@' is not a known set");
	expect_error("PTRACE", "", "is not a known system call");
}

static void same_as_builtin(void **state)
{
	struct arena arena = { 0 };
	struct filter filter, builtin;
	struct err err;

	(void)state;
	for (int kind = FILTER_DEFAULT; kind <= FILTER_MEDIATED; kind++) {
		assert_int_equal(syscalls_builtin((enum filter_kind)kind, &builtin), 0);
		assert_int_equal(syscalls_compile(&arena, NULL, NULL, kind == FILTER_MEDIATED,
						  false, &filter, &err),
				 0);
		assert_int_equal(filter.len, builtin.len);
		assert_string_equal(filter.sha256, builtin.sha256);
		assert_int_equal(strlen(filter.sha256), 64);
		assert_memory_equal(filter.insns, builtin.insns, filter.len * sizeof *filter.insns);
	}
	arena_free(&arena);
}

/* The broker's is no profile's to change: it is what its list says, on any host. */
static void broker_is_builtin(void **state)
{
	static struct sock_filter insns[BPF_INSNS_MAX];
	struct bpf_call calls[BPF_CALLS_MAX];
	struct bpf_policy policy;
	struct filter builtin, other;

	(void)state;
	syscall_broker_policy(CPU_NATIVE, false, calls, &policy);
	assert_int_equal(syscalls_builtin(FILTER_BROKER, &builtin), 0);
	assert_int_equal(bpf_compile(&policy, insns, BPF_INSNS_MAX), builtin.len);
	assert_memory_equal(insns, builtin.insns, builtin.len * sizeof *insns);
	assert_int_equal(strlen(builtin.sha256), 64);
	assert_int_equal(syscalls_builtin(FILTER_DEFAULT, &other), 0);
	assert_string_not_equal(builtin.sha256, other.sha256);
}

/* A list without any order in it: far jumps, and more instructions than one jump reaches. */
static void far_jumps(void **state)
{
	static struct bpf_call calls[BPF_CALLS_MAX];
	static struct sock_filter insns[BPF_MAXINSNS];
	struct bpf_policy policy = { .audit_arch = native_arch,
				     .foreign_action = SECCOMP_RET_KILL_PROCESS,
				     .unknown_action = ENOSYS_RET,
				     .counted = true,
				     .calls = calls,
				     .len = BPF_CALLS_MAX };
	const char *why;
	int r;

	(void)state;
	for (uint32_t i = 0; i < BPF_CALLS_MAX; i++) {
		calls[i].nr = 3 * i;
		calls[i].action = SECCOMP_RET_ERRNO | (i * 7 % 101);
		calls[i].rule = i % 31 == 0 ? syscall_rule(i % 2 ? "socket" : "open") : NULL;
	}
	r = bpf_compile(&policy, insns, BPF_MAXINSNS);
	assert_true(r > 255);
	assert_int_equal(bpf_check(insns, (size_t)r, &why), 0);
	for (uint32_t nr = 0; nr <= 3 * BPF_CALLS_MAX; nr++) {
		struct seccomp_data data = { .arch = native_arch, .nr = (int)nr };
		uint32_t i = nr / 3, want = ENOSYS_RET;

		if (nr % 3 == 0 && i < BPF_CALLS_MAX)
			want = i % 31 ? calls[i].action : i % 2 ? EPERM_RET : SECCOMP_RET_ALLOW;
		assert_int_equal(bpf_answer(bpf_run(insns, &data, NULL)), want);
	}
	for (size_t size = 0; size < (size_t)r; size += 13)
		assert_int_equal(bpf_compile(&policy, insns, size), -E2BIG);
	calls[9].nr = calls[8].nr;
	assert_int_equal(bpf_compile(&policy, insns, BPF_MAXINSNS), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allows),	   cmocka_unit_test(denies),
		cmocka_unit_test(rules_stay),	   cmocka_unit_test(counted),
		cmocka_unit_test(refuses),	   cmocka_unit_test(unknown),
		cmocka_unit_test(same_as_builtin), cmocka_unit_test(broker_is_builtin),
		cmocka_unit_test(far_jumps),
	};

	return cmocka_run_group_tests_name("seccomp: profiles", tests, NULL, NULL);
}
