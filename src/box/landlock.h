/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Landlock wall: file and exec grants once more, signal and abstract-socket scoping. */
#ifndef AISBX_BOX_LANDLOCK_H
#define AISBX_BOX_LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "policy/plan.h"

/* Rules in the making. All functions: no heap. */
struct ruleset {
	int fd;	 /* close-on-exec */
	int abi; /* the kernel's Landlock version; 0: none, and the plan allows that */
	uint64_t handled;
};

int landlock_open(const struct plan *plan, struct ruleset *ret, struct err *reterr);
/* What a step grants; fd is the thing it puts into the box. */
int landlock_allow_step(const struct ruleset *rules, const struct plan *plan,
			const struct step *step, int fd, struct err *reterr);
/* What belongs to no step. Must run inside the box's finished root. */
int landlock_allow_rest(const struct ruleset *rules, const struct plan *plan, struct err *reterr);
/* Confines the calling process. Must: no_new_privs set, descriptors 0 to 2 in place. */
int landlock_apply(const struct ruleset *rules, struct err *reterr);

/*
 * Takes every access to files from the calling process, which is not in a box: nothing can be
 * opened, made or removed any more. may_lack: a kernel without Landlock is no error.
 */
int landlock_deny_files(bool may_lack, struct err *reterr);

#endif
