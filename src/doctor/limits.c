/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Doctor's tries of what holds limits, and what that costs a run. */
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "box/tries.h"
#include "doctor/visit.h"

static const char *advise(void)
{
	struct statfs fs;

	if (statfs("/sys/fs/cgroup", &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return "boot with cgroup_no_v1=all on the kernel's command line, and have cgroup2 "
		       "mounted at /sys/fs/cgroup";
	if (access("/run/systemd/system", F_OK) == 0)
		return "start aisbx in a scope of the user's systemd, whose cgroups are the "
		       "user's: systemd-run --user --scope aisbx ...";
	return "have the cgroup above the caller's handed over to the caller, with memory, pids, "
	       "cpu and io in its cgroup.subtree_control";
}

/* A box that may lack all that can be left out but the share, 0 or milliseconds it took. */
static int try_share(struct visit *visit, enum wall share, double *ret_ms, struct err *reterr)
{
	int r = visit_plan(visit, profile_builtin("base"), reterr);

	if (r < 0)
		return r;
	for (int i = 0; i < WALL__N; i++)
		visit->plan.degradable[i] = walls[i].may_degrade && i != (int)share;
	/* A box that may lack /proc would get a scope for these: box/limits/scope.h. */
	visit->plan.limits.memory = visit->plan.limits.cpu_ms = LIMIT_NONE;
	if (share == WALL_CPUS)
		visit->plan.limits.cpus = SHARE_WHOLE / 2;
	else if (share == WALL_IO_WEIGHT)
		visit->plan.limits.io_weight = 50;
	return visit_box(visit, ret_ms, reterr);
}

/* Whether it is held; what a run with it takes more than one without. */
static bool look_at_share(struct visit *visit, enum wall share, const char *option, double base_ms)
{
	char why[sizeof visit->finding->found];
	struct err err;
	double ms;

	if (try_share(visit, share, &ms, &err) == 0) {
		finding_detail(visit->finding, "%s: held, for %.1f ms a run", option,
			       ms > base_ms ? ms - base_ms : 0);
		return true;
	}
	err_format(&err, why, sizeof why);
	finding_detail(visit->finding, "%s: %s", option, why);
	return false;
}

/* What of the two is not held, in words. */
static const char *look_at_shares(struct visit *visit)
{
	struct err err;
	double base_ms;

	/* The first box is slower than the ones after it. */
	if (try_share(visit, WALL__N, &base_ms, &err) < 0 ||
	    try_share(visit, WALL__N, &base_ms, &err) < 0)
		return ""; /* for other reasons, which other checks tell */
	bool cpus = look_at_share(visit, WALL_CPUS, "--cpus 0.5", base_ms);
	bool io = look_at_share(visit, WALL_IO_WEIGHT, "--io-weight 50", base_ms);
	return cpus && io ? ""
	       : cpus	  ? "; nothing holds --io-weight"
	       : io	  ? "; nothing holds part of a processor (--cpus 0.5)"
			  : "; nothing holds part of a processor (--cpus 0.5), or --io-weight";
}

void visit_limits(struct visit *visit)
{
	struct finding *finding = visit->finding;
	uint64_t ns = 0;
	struct err err;

	if (visit_plan(visit, VISIT_BARE, &err) < 0) {
		finding_fail(finding, STATE_LIMITED, &err);
		return;
	}
	const char *held = try_cgroup(&visit->plan, &ns);
	double ms = (double)ns / 1e6;
	finding_detail(finding, "cgroup: %s, for %.2f ms a run", held ? held : "nothing", ms);
	finding_detail(finding, "supervisor: memory and cpu, by looking at /proc of the box");
	finding_detail(finding, "rlimit: processes (where no cgroup does), file_size, open_files; "
				"affinity: whole --cpus");
	const char *lack = look_at_shares(visit);
	if (held) {
		finding_say(finding, STATE_OK, "a cgroup holds %s, for %.2f ms a run%s", held, ms,
			    lack);
	} else {
		finding_say(finding, STATE_LIMITED, "no cgroup may be made here%s", lack);
		(void)snprintf(finding->fix, sizeof finding->fix, "%s", advise());
	}
}
