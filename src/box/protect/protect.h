/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The wall around files.protect: init's side of the mediated system calls. */
#ifndef AISBX_BOX_PROTECT_H
#define AISBX_BOX_PROTECT_H

#include <linux/seccomp.h>

#include "base/err.h"
#include "box/mounts.h"
#include "policy/plan.h"

/*
 * Learns the protected grants and copies what the rules need out of the plan.
 * Must run in the finished root.
 */
int protect_prepare(const struct plan *plan, const struct sources *sources, struct err *reterr);
/* Answers a call. Never blocks, but for the disk. */
void protect_answer(const struct seccomp_notif *request);

enum {
	PROTECT_FDS_MAX = 33
};
/* Descriptors that must stay open, into fds; returns how many. */
unsigned protect_descriptors(int fds[PROTECT_FDS_MAX]);

#endif
