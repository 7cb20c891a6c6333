/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* init's side of refused system calls: answered, counted, told. */
#ifndef AISBX_BOX_REFUSED_H
#define AISBX_BOX_REFUSED_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <time.h>

#include "box/refusals/refusal_log.h"
#include "policy/plan.h"

/* Copies what is needed of the plan. socket_fd: init's end of the handshake. */
void refused_prepare(const struct plan *plan, int socket_fd);
/* Counts one that is being answered. path may be NULL. */
void refused_add(enum refusal_kind kind, const struct seccomp_notif *request, const char *path);
/* Answers the next call, if there is one. Never blocks, but for the disk of a mediated call. */
void refused_answer(void);
/* False: calls came too fast, and the next is not answered yet. */
bool refused_is_ready(void);
/* Tells counts that wait for it; all: whatever the time is. */
void refused_tell(bool all);
/* How long poll(2) may wait before one of these two changes; NULL: for ever. */
const struct timespec *refused_timeout(struct timespec *buf);

#endif
