/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cgroup v2 for a box, where the caller may make one: cgroups(7) and the kernel's
 * Documentation/admin-guide/cgroup-v2.rst.
 *
 * Theory of operation: the caller's own cgroup has processes in it, so it cannot pass
 * controllers on; the one above it can, and if that one belongs to the caller (delegation)
 * or the caller is root, the box gets a sibling of the caller's. Nothing that exists is
 * changed: a controller that is not passed on already is not there for us. init is cloned
 * into it, so nothing of the box was ever outside.
 *
 * A cgroup is the one thing of a box that outlives its processes. So while it exists there
 * is a guard, a process in a session of its own that shares the supervisor's memory: when
 * the supervisor ends, however it ends, the guard kills what is left and removes it.
 *
 * Where that holds not all that the plan asks for, systemd may: scope.h. Then init is cloned
 * where the caller is and waits, without having done anything, until systemd has put it into
 * a scope and we have put it into a cgroup in there.
 */
#ifndef AISBX_BOX_CGROUP_H
#define AISBX_BOX_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "policy/plan.h"

struct init;

enum {
	CGROUP_WHY_BYTES = 100
};

struct cgroup {
	int parent_fd;
	int fd;	      /* of the directory, to clone into; -1: there is none */
	int guard_fd; /* the guard reads its other end */
	pid_t guard;
	bool holds_cpus; /* limits.cpus */
	bool holds_io;	 /* limits.io_weight */
	bool holds_processes;
	bool in_scope; /* of systemd's, which removes it when the guard is gone, too */
	char name[40];
};

#define CGROUP_NONE                                                                                \
	{                                                                                          \
		.parent_fd = -1, .fd = -1, .guard_fd = -1, .guard = -1                             \
	}

/*
 * Makes one that holds the plan's memory and processes. None (fd -1) is no error: the limits
 * are then held by looking, meter.h.
 */
void cgroup_create(const struct plan *plan, struct cgroup *ret_cgroup);
/* Whether the plan asks for what that one does not hold, and nothing else surely does. */
bool cgroup_lacks(const struct plan *plan, const struct cgroup *cgroup);
/* One in a scope, with that waiting init in it; or none, and why. */
void cgroup_create_in_scope(const struct plan *plan, pid_t init, struct cgroup *ret_cgroup,
			    char why[CGROUP_WHY_BYTES]);
/* In such an init: until it is done, and the names of cgroups begin there. 0 or -errno. */
int cgroup_await(struct init *init, struct err *reterr);
/* For processes that are to end: with their share used up they could only in the next period. */
void cgroup_let_end(const struct cgroup *cgroup);
/* When no process is in it any more. Does nothing to CGROUP_NONE. */
void cgroup_remove(struct cgroup *cgroup);

/* Microseconds; 0 when it cannot be read. */
uint64_t cgroup_cpu_us(const struct cgroup *cgroup);
/*
 * The most there was, 0 where this kernel does not say (memory: 5.19, pids: 6.1) or it could be
 * from building the box.
 */
uint64_t cgroup_peak_memory(const struct cgroup *cgroup);
uint64_t cgroup_peak_tasks(const struct cgroup *cgroup);
/* How many more it was refused, because limits.processes was reached. */
uint64_t cgroup_refused_tasks(const struct cgroup *cgroup, uint64_t limit);
/* Whether its own memory limit had processes killed: not the host's, not the payload. */
bool cgroup_was_full(const struct cgroup *cgroup);

#endif
