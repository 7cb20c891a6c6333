/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How many processes and threads a box had at once, as far as its init knows.
 *
 * Theory of operation: the kernel keeps that only for a cgroup, and to follow every fork would
 * cost every fork. But it tells which process id it gave last: while that is the command's,
 * nothing else was ever started, and the most was 1. Otherwise who was started was there
 * together with who started it, and init counts: soon, as many runs end before the meter looks,
 * then ever less often; and when the command has ended, before it is reaped. Only what had its
 * id when the count began is counted, so a count is never more than there were at one moment.
 */
#ifndef AISBX_BOX_HEADCOUNT_H
#define AISBX_BOX_HEADCOUNT_H

#include <stdint.h>
#include <sys/types.h>

struct headcount {
	int proc_fd; /* negative: there is no /proc to count in */
	pid_t command;
	int64_t wait_ms; /* until the next look */
	uint64_t most;	 /* 0: not known */
};

/* For a command that runs. look_fd: of mounts_apply(), or -1. */
void headcount_begin(int look_fd, pid_t command, struct headcount *ret_headcount);
/* When wait_ms are over, and when the command has ended. */
void headcount_look(struct headcount *headcount);

#endif
