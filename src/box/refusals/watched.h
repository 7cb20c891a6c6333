/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the payload's calls look for by name: programs that an exec list keeps from it, and with
 * explain_missing what is not in the box. Only ever a description: the calls go on
 * whatever is found, and the walls decide.
 */
#ifndef AISBX_BOX_WATCHED_H
#define AISBX_BOX_WATCHED_H

#include <linux/seccomp.h>

#include "policy/plan.h"

/* Copies what is needed of the plan. Must run in the finished root, as the payload's user. */
void watched_prepare(const struct plan *plan, int socket_fd);
/* Landlock is not there to hold the exec list. */
void watched_forget_programs(void);
/* Looks at one call, while it waits. Never blocks, but for the disk. */
void watched_look(const struct seccomp_notif *request);

#endif
