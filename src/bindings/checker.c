/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checker: see checker.h.
 *
 * Theory of operation: the server runs commands with all that the caller may do, so it does not
 * parse what the box sends. A process of its own does, once it has given up everything but
 * memory, its request and one line of answer: its filter kills it at any other call.
 */
#include "bindings/checker.h"

#include <jansson.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bindings/json_check.h"

enum {
	MEMORY_BYTES = 1 << 30, /* jansson's tree is larger than its text */
	CPU_S = 10,
	STATUS_REFUSED = 1,
	STATUS_FAILED = 2,
};

#if defined(__x86_64__)
#	define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#	define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

#define LOAD(field)                                                                                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip, 0)
#define ALLOW(call)                                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1),                                    \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* What malloc(3) and the end of a process take, and write(2) for the answer. */
static const struct sock_filter calls[] = {
	LOAD(arch),
	UNLESS(NATIVE_ARCH, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	ALLOW(brk),
	ALLOW(mmap),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(write),
	ALLOW(exit_group),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

static bool confine(void)
{
	const struct sock_fprog program = { sizeof calls / sizeof *calls,
					    (struct sock_filter *)(uintptr_t)calls };
	const struct rlimit memory = { MEMORY_BYTES, MEMORY_BYTES }, cpu = { CPU_S, CPU_S },
			    no_core = { 1, 1 };

	return setrlimit(RLIMIT_AS, &memory) == 0 && setrlimit(RLIMIT_CPU, &cpu) == 0 &&
	       setrlimit(RLIMIT_CORE, &no_core) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Its hashes begin with random bytes, which it opens a file for. */
void checker_prepare(void)
{
	json_object_seed(0);
}

int checker_main(const void *argument)
{
	const struct checker *checker = argument;
	char why[CHECK_WHY_BYTES];
	const char *text = "";

	if (checker->len)
		text = mmap(NULL, checker->len, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
	if (text == MAP_FAILED || !confine())
		return STATUS_FAILED;
	if (json_check(checker->schema, text, checker->len, why, sizeof why))
		return 0;
	size_t len = strlen(why);
	return write(STDOUT_FILENO, why, len) == (ssize_t)len ? STATUS_REFUSED : STATUS_FAILED;
}
