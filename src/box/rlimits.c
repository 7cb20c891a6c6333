/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits that the kernel holds: see rlimits.h. */
#include "box/rlimits.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "base/sys.h"

struct rlimit64_kernel {
	uint64_t soft, hard;
};

/* A value above the caller's own hard limit means that one: it is the stricter. */
static int set_limit(int resource, uint64_t soft, uint64_t hard, const char *name,
		     struct err *reterr)
{
	struct rlimit64_kernel now, wanted;
	long r = sys_call4(SYS_prlimit64, 0, resource, NULL, &now);

	if (r == 0) {
		wanted.hard = hard < now.hard ? hard : now.hard;
		wanted.soft = soft < wanted.hard ? soft : wanted.hard;
		r = sys_call4(SYS_prlimit64, 0, resource, &wanted, NULL);
	}
	return r < 0 ? err_wall(reterr, "limits", (int)-r, "set", name) : 0;
}

int rlimits_apply(const struct plan *plan, unsigned *ret_degraded, struct err *reterr)
{
	const struct limits *limits = &plan->limits;
	uint64_t cpu_s =
		limits->cpu_ms == LIMIT_NONE ? RLIM_INFINITY : (limits->cpu_ms + 999) / 1000;
	bool caller_files = limits->open_files == LIMIT_NONE;
	const struct {
		int resource;
		uint64_t soft, hard;
		const char *name;
	} table[] = {
		/* 1, not 0: a handler in core_pattern runs at 0 but not at 1, core(5). */
		{ RLIMIT_CORE, 1, 1, "core dumps" },
		/* Private writable memory. Not RLIMIT_AS: node and java reserve address space. */
		{ RLIMIT_DATA, limits->memory, limits->memory, "limits.memory" },
		/* SIGXCPU first; SIGKILL a second later for who ignores it. */
		{ RLIMIT_CPU, cpu_s, cpu_s == RLIM_INFINITY ? cpu_s : cpu_s + 1, "limits.cpu" },
		{ RLIMIT_FSIZE, limits->file_size, limits->file_size, "limits.file_size" },
		/* hostfacts.c raised ours: without a limit the caller's own comes back. */
		{ RLIMIT_NOFILE, caller_files ? plan->facts->open_files : limits->open_files,
		  caller_files ? LIMIT_NONE - 1 : limits->open_files, "limits.open_files" },
		/* Counted in the box's own user namespace since Linux 5.14; init is one more. */
		{ RLIMIT_NPROC, limits->processes + 1, limits->processes + 1, "limits.processes" },
		{ RLIMIT_RTPRIO, 0, 0, "real-time priority" },
		{ RLIMIT_NICE, 0, 0, "nice priority" },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i].hard >= LIMIT_NONE)
			continue;
		int r = set_limit(table[i].resource, table[i].soft, table[i].hard, table[i].name,
				  reterr);
		if (r < 0 && !plan->degradable[WALL_LIMITS])
			return r;
		if (r < 0)
			*ret_degraded |= 1U << WALL_LIMITS;
	}
	return 0;
}
