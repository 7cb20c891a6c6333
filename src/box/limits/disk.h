/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * limits.disk: whether it can be held for the grants of a plan.
 *
 * Theory of operation: the kernel counts for each process the bytes of the pages that it made
 * dirty and of its direct writes (write_bytes of proc(5)), and adds them to whoever waits for
 * it at its end. Of what a box can write to only write grants have such pages: its own files
 * are in memory. The meter (meter.h) sums up what runs and what init has reaped. The filter
 * refuses what gives a file room without a write: see fallocate in syscall_sets.c.
 *
 * Not all file systems have dirty pages that count: those in memory never go to a disk, and
 * those of FUSE or a network pass a write on. They are an error.
 */
#ifndef AISBX_BOX_DISK_H
#define AISBX_BOX_DISK_H

#include "base/arena.h"
#include "base/err.h"
#include "policy/plan.h"

/* Before the clone. 0, or -errno when something that is granted is not counted. */
int disk_check(struct arena *arena, const struct plan *plan, struct err *reterr);

#endif
