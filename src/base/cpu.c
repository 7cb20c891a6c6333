/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a new process starts: see cpu.h. */
#include "base/cpu.h"

#include <stdbool.h>

#include "base/sys.h"

/* Takes the caller's processor out. False: no other is left. */
static bool leave_others(struct cpu_mask *mask)
{
	const unsigned bits = 8 * sizeof *mask->words;
	unsigned long left = 0;
	unsigned cpu = 0;

	if (sys_call3(SYS_getcpu, &cpu, 0, 0) < 0 || cpu >= CPU_WORDS * bits)
		return false;
	mask->words[cpu / bits] &= ~(1UL << (cpu % bits));
	for (int i = 0; i < CPU_WORDS; i++)
		left |= mask->words[i];
	return left;
}

void cpu_send_away(pid_t pid, struct cpu_mask *ret_before)
{
	struct cpu_mask others = { .len = 0 };

	others.len = sys_call3(SYS_sched_getaffinity, 0, sizeof others.words, others.words);
	if (others.len < 0)
		others.len = 0;
	*ret_before = others;
	if (others.len == 0 || !leave_others(&others) ||
	    sys_call3(SYS_sched_setaffinity, pid, others.len, others.words) < 0)
		ret_before->len = 0;
}

int cpu_let_back(pid_t pid, const struct cpu_mask *before)
{
	if (before->len == 0)
		return 0;
	return (int)sys_call3(SYS_sched_setaffinity, pid, before->len, before->words);
}
