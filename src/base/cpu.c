/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a new process starts: see cpu.h. */
#include "base/cpu.h"

#include "base/sys.h"

void cpu_stay(struct cpu_affinity *ret_before)
{
	unsigned long here[CPU_MASK_WORDS] = { 0 };
	unsigned cpu = 0;

	ret_before->len =
		sys_call3(SYS_sched_getaffinity, 0, sizeof ret_before->mask, ret_before->mask);
	if (ret_before->len <= 0 || sys_call3(SYS_getcpu, &cpu, 0, 0) < 0 || cpu >= sizeof here * 8)
		return;
	here[cpu / (8 * sizeof *here)] = 1UL << (cpu % (8 * sizeof *here));
	(void)sys_call3(SYS_sched_setaffinity, 0, ret_before->len, here);
}

void cpu_leave(const struct cpu_affinity *before)
{
	if (before->len > 0)
		(void)sys_call3(SYS_sched_setaffinity, 0, before->len, before->mask);
}
