/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and numbers of system calls: see syscall_numbers.h. */
#include "box/seccomp/syscall_numbers.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */

/*
 * What libseccomp 2.5.4, the oldest we build with, does not know, from the
 * kernel's arch/x86/entry/syscalls/syscall_64.tbl and scripts/syscall.tbl (the
 * generic table, which is arm64's). New calls have one number everywhere.
 */
static const struct {
	const char *call;
	int numbers[CPU__N];
} late_calls[] = {
	{ "uretprobe", { 335, -1 } }, /* 6.11 */
	{ "uprobe", { 336, -1 } },    /* 6.18 */
	{ "futex_waitv", { 449, 449 } },
	{ "set_mempolicy_home_node", { 450, 450 } },
	{ "cachestat", { 451, 451 } },
	{ "fchmodat2", { 452, 452 } },
	{ "map_shadow_stack", { 453, 453 } },
	{ "futex_wake", { 454, 454 } },
	{ "futex_wait", { 455, 455 } },
	{ "futex_requeue", { 456, 456 } },
	{ "statmount", { 457, 457 } },
	{ "listmount", { 458, 458 } },
	{ "lsm_get_self_attr", { 459, 459 } },
	{ "lsm_set_self_attr", { 460, 460 } },
	{ "lsm_list_modules", { 461, 461 } },
	{ "mseal", { 462, 462 } },
	{ "setxattrat", { 463, 463 } },
	{ "getxattrat", { 464, 464 } },
	{ "listxattrat", { 465, 465 } },
	{ "removexattrat", { 466, 466 } },
	{ "open_tree_attr", { 467, 467 } },
	{ "file_getattr", { 468, 468 } },
	{ "file_setattr", { 469, 469 } },
	{ "listns", { 470, 470 } },
	{ "rseq_slice_yield", { 471, 471 } },
};

static const struct {
	uint32_t audit_arch;
	uint32_t seccomp_arch; /* libseccomp's token */
} cpus[CPU__N] = {
	[CPU_X86_64] = { AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64 },
	[CPU_AARCH64] = { AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64 },
};

/* clang-format on */

void syscall_name(enum cpu cpu, int nr, char name[SYSCALL_NAME_BYTES])
{
	char *known = seccomp_syscall_resolve_num_arch(cpus[cpu].seccomp_arch, nr);
	const char *late = NULL;

	for (size_t i = 0; i < sizeof late_calls / sizeof late_calls[0]; i++)
		if (late_calls[i].numbers[cpu] == nr)
			late = late_calls[i].call;
	if (known || late)
		(void)snprintf(name, SYSCALL_NAME_BYTES, "%s", known ? known : late);
	else
		(void)snprintf(name, SYSCALL_NAME_BYTES, "%d", nr);
	free(known);
}

int syscall_number(enum cpu cpu, const char *call)
{
	int nr;

	for (size_t i = 0; i < sizeof late_calls / sizeof late_calls[0]; i++)
		if (strcmp(late_calls[i].call, call) == 0)
			return late_calls[i].numbers[cpu];
	nr = seccomp_syscall_resolve_name_arch(cpus[cpu].seccomp_arch, call);
	return nr >= 0 ? nr
		       : -1; /* libseccomp has negative numbers for other architectures' calls */
}

uint32_t syscall_arch(enum cpu cpu)
{
	return cpus[cpu].audit_arch;
}
