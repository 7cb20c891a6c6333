/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Landlock wall: file and exec grants once more, signal and abstract-socket scoping. */
#ifndef AISBX_BOX_LANDLOCK_H
#define AISBX_BOX_LANDLOCK_H

#include <stdbool.h>

#include "base/err.h"
#include "policy/plan.h"

/* The kernel's version of Landlock, or -errno. No heap. */
int landlock_abi(void);

/*
 * Confines the calling process. Must run inside the box's root with
 * no_new_privs set and descriptors 0 to 2 in place. *ret_abi is the kernel's
 * Landlock version, 0 when there is none and the plan allows that. No heap.
 */
int landlock_apply(const struct plan *plan, int *ret_abi, struct err *reterr);

/*
 * Takes every access to files from the calling process, which is not in a box: nothing can be
 * opened, made or removed any more. may_lack: a kernel without Landlock is no error.
 */
int landlock_deny_files(bool may_lack, struct err *reterr);

#endif
