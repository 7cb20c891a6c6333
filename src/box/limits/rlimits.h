/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits that the kernel holds per process, setrlimit(2). */
#ifndef AISBX_BOX_RLIMITS_H
#define AISBX_BOX_RLIMITS_H

#include "base/err.h"
#include "policy/plan.h"

/*
 * Sets the plan's limits but open_files on the calling process, soft and hard. is_held: memory
 * and processor time are held for the whole box; counts_processes: a cgroup holds those, and
 * counts what it refuses. ret_degraded
 * gets the bit of WALL_LIMITS when one was left out as allowed. No heap.
 */
int rlimits_apply(const struct plan *plan, bool is_held, bool counts_processes,
		  unsigned *ret_degraded, struct err *reterr);

/*
 * limits.cpus as an affinity, sched_setaffinity(2): a whole number of the processors that the
 * caller may use, beginning at one that differs from box to box. The box's filter keeps it.
 */
int rlimits_apply_cpus(const struct plan *plan, struct err *reterr);

/*
 * For a box whose memory is held by looking, meter.h: no huge pages where the limit is little
 * beside what they could take between two looks. All that it executes inherits that, and its
 * filter keeps it.
 */
void rlimits_apply_pages(const struct plan *plan);

/* As rlimits_apply() for limits.open_files alone, which comes when nothing has to be opened any more. */
int rlimits_apply_files(const struct plan *plan, unsigned *ret_degraded, struct err *reterr);

#endif
