/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One thing that the payload's system calls were refused, from init's record to text. */
#ifndef AISBX_BOX_REFUSED_CALL_H
#define AISBX_BOX_REFUSED_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "box/refusals/refusal_log.h"

struct plan;

enum {
	REFUSED_ARGUMENTS = 3,
	REFUSED_OTHERS = -2, /* as nr: more different ones than are kept apart */
};

/* In the handshake: no pointers. */
struct refused_call {
	uint32_t kind; /* enum refusal_kind: syscall, exec or file */
	int32_t nr;
	uint64_t count;			       /* more of them than told before */
	uint64_t arguments[REFUSED_ARGUMENTS]; /* of a syscall: those that matter, see below */
	char program[REFUSAL_TEXT];
	char path[REFUSAL_TEXT]; /* of exec and file */
};

/*
 * What of the arguments tells one refusal of a call from another: the family of a socket, the
 * namespaces of clone. Pointers and the like are 0. No heap, no stdio.
 */
void refused_call_arguments(int nr, const uint64_t arguments[6],
			    uint64_t ret_kept[REFUSED_ARGUMENTS]);
/* Makes one from outside safe to read: a known kind, texts terminated. */
bool refused_call_check(struct refused_call *call);
/* As text, with the option that would allow it in a run of plan. */
void refused_call_describe(const struct refused_call *call, const struct plan *plan,
			   struct refusal *ret_refusal);

#endif
