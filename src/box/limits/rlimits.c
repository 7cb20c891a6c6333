/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits that the kernel holds: see rlimits.h. */
#include "box/limits/rlimits.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/sys.h"

struct rlimit64_kernel {
	uint64_t soft, hard;
};

struct limit {
	int resource;
	uint64_t soft, hard;
	const char *name;
};

/* A value above the caller's own hard limit means that one: it is the stricter. */
static int set_limit(const struct limit *limit, struct err *reterr)
{
	struct rlimit64_kernel now, wanted;
	long r = sys_call4(SYS_prlimit64, 0, limit->resource, NULL, &now);

	if (r == 0) {
		wanted.hard = limit->hard < now.hard ? limit->hard : now.hard;
		wanted.soft = limit->soft < wanted.hard ? limit->soft : wanted.hard;
		r = sys_call4(SYS_prlimit64, 0, limit->resource, &wanted, NULL);
	}
	return r < 0 ? err_wall(reterr, "limits", (int)-r, "set", limit->name) : 0;
}

static int set_limits(const struct plan *plan, const struct limit *table, size_t len,
		      unsigned *ret_degraded, struct err *reterr)
{
	for (size_t i = 0; i < len; i++) {
		if (table[i].hard >= LIMIT_NONE)
			continue;
		int r = set_limit(&table[i], reterr);
		if (r < 0 && !plan->degradable[WALL_LIMITS])
			return r;
		if (r < 0)
			*ret_degraded |= 1U << WALL_LIMITS;
	}
	return 0;
}

int rlimits_apply(const struct plan *plan, bool is_held, bool counts_processes,
		  unsigned *ret_degraded, struct err *reterr)
{
	const struct limits *limits = &plan->limits;
	uint64_t memory = is_held ? LIMIT_NONE : limits->memory;
	uint64_t cpu_s =
		limits->cpu_ms == LIMIT_NONE ? RLIM_INFINITY : (limits->cpu_ms + 999) / 1000;

	/* Counted in the box's own user namespace since Linux 5.14; init is one more. */
	uint64_t processes = limits->processes + 1;

	/* Before the cgroup is asked each of them may be in the middle of making one more. */
	if (counts_processes)
		processes *= 2;
	/* The kernel counts ticks for this one, which can be twice what was used: a bound for
	 * one process if the supervisor should not get to run. */
	if (is_held && cpu_s != RLIM_INFINITY)
		cpu_s = 2 * cpu_s + 1;
	const struct limit table[] = {
		/* 1, not 0: a handler in core_pattern runs at 0 but not at 1, core(5). */
		{ RLIMIT_CORE, 1, 1, "core dumps" },
		/* Private writable memory. Not RLIMIT_AS: node and java reserve address space. */
		{ RLIMIT_DATA, memory, memory, "limits.memory" },
		/* SIGXCPU first; SIGKILL a second later for who ignores it. */
		{ RLIMIT_CPU, cpu_s, cpu_s == RLIM_INFINITY ? cpu_s : cpu_s + 1, "limits.cpu" },
		{ RLIMIT_FSIZE, limits->file_size, limits->file_size, "limits.file_size" },
		{ RLIMIT_NPROC, processes, processes, "limits.processes" },
		{ RLIMIT_RTPRIO, 0, 0, "real-time priority" },
		{ RLIMIT_NICE, 0, 0, "nice priority" },
	};

	return set_limits(plan, table, sizeof table / sizeof *table, ret_degraded, reterr);
}

int rlimits_apply_cpus(const struct plan *plan, struct err *reterr)
{
	enum {
		PROCESSORS = 8192, /* the most that Linux can be built for */
		BITS = 8 * sizeof(unsigned long)
	};
	unsigned long all[PROCESSORS / BITS], wanted[PROCESSORS / BITS] = { 0 };
	uint64_t left = plan->limits.cpus / SHARE_WHOLE;
	long bytes = sys_call3(SYS_sched_getaffinity, 0, sizeof all, all);
	size_t processors = bytes < 0 ? 0 : (size_t)bytes * 8;
	/* The random end of the run's name. */
	size_t at = processors ? (size_t)(plan->run[24] * 32 + plan->run[25]) % processors : 0;
	long r = bytes < 0 ? bytes : 0;

	for (size_t i = 0; i < processors && left > 0; i++, at = (at + 1) % processors) {
		unsigned long bit = 1UL << at % BITS;

		if (all[at / BITS] & bit) {
			wanted[at / BITS] |= bit;
			left--;
		}
	}
	if (r == 0)
		r = sys_call3(SYS_sched_setaffinity, 0, (size_t)bytes, wanted);
	return r < 0 ? err_wall(reterr, "limits", (int)-r, "hold", "limits.cpus") : 0;
}

void rlimits_apply_pages(const struct plan *plan)
{
	const uint64_t little = 1ULL << 30;

	/* Where it is refused, by a sandbox around this one, the limit is passed by more. */
	if (plan->limits.memory < little)
		(void)sys_prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

int rlimits_apply_files(const struct plan *plan, unsigned *ret_degraded, struct err *reterr)
{
	uint64_t wanted = plan->limits.open_files;
	struct limit limit = { RLIMIT_NOFILE, wanted, wanted, "limits.open_files" };

	/* hostfacts.c raised ours: without a limit the caller's own comes back. */
	if (wanted == LIMIT_NONE) {
		limit.soft = plan->facts->open_files;
		limit.hard = LIMIT_NONE - 1;
	}
	return set_limits(plan, &limit, 1, ret_degraded, reterr);
}
