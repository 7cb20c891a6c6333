/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The wall around files.protect: init's side of the mediated system calls. */
#ifndef AISBX_BOX_PROTECT_H
#define AISBX_BOX_PROTECT_H

#include "base/err.h"
#include "box/mounts.h"
#include "policy/plan.h"

/*
 * Learns the protected grants and copies what the rules need out of the plan.
 * Must run in the finished root. *ret_listener_send is where the payload sends
 * the listener (struct payload), -1 when the plan protects nothing.
 */
int protect_prepare(const struct plan *plan, const struct sources *sources, int *ret_listener_send,
		    struct err *reterr);
/* Takes the listener that the payload sends, which then waits. Closes *listener_send. */
int protect_receive(int *listener_send, struct err *reterr);
/* Lets the payload go on and waits until it has executed or is gone. */
int protect_release(struct err *reterr);
/* What poll(2) watches for POLLIN; -1: nothing is protected. */
int protect_listener(void);
/* Answers one call. Never blocks, but for the disk. */
void protect_answer(void);

enum {
	PROTECT_FDS_MAX = 34
};
/* Descriptors that must stay open, into fds; returns how many. */
unsigned protect_descriptors(int fds[PROTECT_FDS_MAX]);

#endif
