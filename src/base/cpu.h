/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a new process starts. A child whose parent waits for it at once should
 * start on the parent's processor: waking another one costs more, above all in
 * a virtual machine. The parent stays, clones, and both leave again. What
 * fails here costs time and nothing else. No heap.
 */
#ifndef AISBX_BASE_CPU_H
#define AISBX_BASE_CPU_H

enum {
	CPU_MASK_WORDS = 128
}; /* 8192 processors, Linux's most */

struct cpu_affinity {
	unsigned long mask[CPU_MASK_WORDS];
	long len; /* bytes that the kernel uses; not positive: unknown */
};

/* Restricts the caller to the processor it runs on. */
void cpu_stay(struct cpu_affinity *ret_before);
/* Gives the restriction up, in the process that made it or in its child. */
void cpu_leave(const struct cpu_affinity *before);

#endif
