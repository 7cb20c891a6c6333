/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A transient scope of systemd's, for a cgroup where the caller may make none itself.
 *
 * Theory of operation: only systemd can move a process out of, say, a login session into a
 * subtree that is the user's, so it is asked to, by the program aisbx-scope (src/scope).
 * That takes milliseconds: it is done where nothing faster holds what the plan asks for.
 */
#ifndef AISBX_BOX_SCOPE_H
#define AISBX_BOX_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether systemd runs this host. */
bool scope_is_possible(void);

/*
 * Puts these processes of ours, not reaped, into scope NAME.scope. 0; or -errno and why, in
 * words, for the user. -EINTR: who asked for it was killed, and it may still happen.
 */
int scope_enter(const char *name, const pid_t pids[2], int wait_ms, char *why, size_t why_size);

#endif
