/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short time slices: see slices.h. */
#include "box/slices.h"

#include <stdint.h>

#include "base/sys.h"

/* linux/sched/types.h, which cannot be included beside sched.h. */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

enum {
	OTHER = 0,
	ROUND_ROBIN = 2,
	LEAST_NS = 100 * 1000,
};

static void set_slice(uint64_t ns)
{
	struct scheduling now = { .size = sizeof now };

	if (sys_call4(SYS_sched_getattr, 0, &now, sizeof now, 0) < 0 || now.policy != OTHER)
		return;
	now.runtime = ns;
	(void)sys_call3(SYS_sched_setattr, 0, &now, 0);
}

void slices_shorten(void)
{
	set_slice(LEAST_NS);
}

void slices_restore(void)
{
	set_slice(0);
}

/* A caller that was made nice stays so. */
bool slices_go_first(void)
{
	const struct scheduling first = { .size = sizeof first,
					  .policy = ROUND_ROBIN,
					  .priority = 1 };
	struct scheduling now = { .size = sizeof now };

	return sys_call4(SYS_sched_getattr, 0, &now, sizeof now, 0) == 0 && now.policy == OTHER &&
	       now.nice == 0 && sys_call3(SYS_sched_setattr, 0, &first, 0) == 0;
}

void slices_go_with_others(void)
{
	const struct scheduling usual = { .size = sizeof usual, .runtime = LEAST_NS };
	struct scheduling now = { .size = sizeof now };

	if (sys_call4(SYS_sched_getattr, 0, &now, sizeof now, 0) == 0 && now.policy == ROUND_ROBIN)
		(void)sys_call3(SYS_sched_setattr, 0, &usual, 0);
}
