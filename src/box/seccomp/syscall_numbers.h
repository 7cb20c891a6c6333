/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and numbers of system calls, also of those that libseccomp does not know yet. */
#ifndef AISBX_BOX_SYSCALL_NUMBERS_H
#define AISBX_BOX_SYSCALL_NUMBERS_H

#include <stdint.h>

enum cpu {
	CPU_X86_64,
	CPU_AARCH64,
	CPU__N,
};

#if defined(__x86_64__)
#	define CPU_NATIVE CPU_X86_64
#elif defined(__aarch64__)
#	define CPU_NATIVE CPU_AARCH64
#else
#	error "aisbx knows the system calls of x86-64 and arm64 only"
#endif

/* The name of a number, or the number itself. */
enum {
	SYSCALL_NAME_BYTES = 64
};
void syscall_name(enum cpu cpu, int nr, char name[SYSCALL_NAME_BYTES]);
/* AUDIT_ARCH_* of it. */
uint32_t syscall_arch(enum cpu cpu);
/* Its number, or -1 when the architecture does not have it. */
int syscall_number(enum cpu cpu, const char *call);

#endif
