/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A box in which far more wants to run than there are processors, or that fills its memory up,
 * gives way to whatever else the host runs, until that is over.
 *
 * Theory of operation: where no cgroup shares processors out, the kernel does between
 * sessions, sched(7) "The autogroup feature", and a fork bomb in a box makes as many of them
 * as it may have processes. The meter sees what wants to run, and asks for the least share for
 * each session of a crowd. The box itself cannot take that back: its /proc is read-only. Ordinary
 * callers may ask ten times a second, all of them together: the rest comes at later looks.
 */
#ifndef AISBX_BOX_CROWD_H
#define AISBX_BOX_CROWD_H

#include <stdbool.h>

#include "box/limits/usage.h"

/* After a look; *is_crowd is what the last one found. Whether there is more to ask for soon. */
bool crowd_follow(const struct usage_reader *reader, uint64_t processors, bool is_filling,
		  bool *is_crowd);
/* Whether so many processes are left that their end would take the processors. */
bool crowd_is_large(const struct usage_reader *reader);
/* The command's session has the least share from now on. False: to be asked for again, as above. */
bool crowd_leave(const struct usage_reader *reader, pid_t command);

#endif
