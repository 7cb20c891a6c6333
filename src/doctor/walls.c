/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Doctor's tries of what walls are made of. */
#include "box/landlock.h"
#include "box/tries.h"
#include "doctor/visit.h"

/* A try that works or not. */
static void settle(struct visit *visit, int r, struct err *err, const char *what)
{
	if (r < 0)
		finding_fail(visit->finding, STATE_MISSING, err);
	else
		finding_say(visit->finding, STATE_OK, "%s", what);
}

void visit_user(struct visit *visit)
{
	struct err err;
	int r = visit_plan(visit, VISIT_BARE, &err);

	if (r == 0)
		r = try_user(&visit->plan, &err);
	settle(visit, r, &err,
	       visit->facts.host_root ? "a user namespace, with an id that owns nothing"
				      : "a user namespace, with the caller's id");
}

void visit_namespaces(struct visit *visit)
{
	struct err err;
	int r = visit_plan(visit, VISIT_BARE, &err);

	if (r == 0)
		r = try_namespaces(&visit->plan, &err);
	settle(visit, r, &err, "mount, pid, ipc, uts, cgroup and net");
}

void visit_landlock(struct visit *visit)
{
	enum {
		SCOPES_ABI = 6
	};
	struct err err;
	int abi = landlock_abi(), r = try_landlock(&err);

	settle(visit, r, &err, "");
	if (r < 0)
		return;
	finding_say(
		visit->finding, abi < SCOPES_ABI ? STATE_LIMITED : STATE_OK, "version %d%s", abi,
		abi < SCOPES_ABI ? "; 6 (Linux 6.12) also holds signals and abstract sockets" : "");
}

void visit_seccomp(struct visit *visit)
{
	struct err err;

	settle(visit, try_filter(false, &err), &err, "the default filter loads");
}

void visit_notification(struct visit *visit)
{
	struct err err;

	settle(visit, try_filter(true, &err), &err, "a filter whose calls are answered loads");
}
