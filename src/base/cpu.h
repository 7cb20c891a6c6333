/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a new process starts. The kernel often puts a child on its parent's
 * processor, before or behind the parent, and moves it a tick later at the
 * earliest: too late for two that are to work side by side from the start.
 * So the parent keeps the child off its own processor for a moment:
 *
 *	cpu_send_away(pid, &before);	a child that waits for a processor moves now
 *	...				one that sleeps moves as it is woken
 *	cpu_let_back(pid, &before);	from there it goes where the kernel likes
 *
 * Only speed depends on it. No heap, no stdio.
 */
#ifndef AISBX_BASE_CPU_H
#define AISBX_BASE_CPU_H

#include <sys/types.h>

enum {
	CPU_WORDS = 8192 / (8 * sizeof(unsigned long)) /* Linux's most */
};

struct cpu_mask {
	unsigned long words[CPU_WORDS];
	long len; /* bytes that the kernel uses; 0: nothing was changed */
};

/* For a child that has not changed its processors. What fails is left out. */
void cpu_send_away(pid_t pid, struct cpu_mask *ret_before);
/* 0, or -errno: the child keeps off one processor. */
int cpu_let_back(pid_t pid, const struct cpu_mask *before);

#endif
