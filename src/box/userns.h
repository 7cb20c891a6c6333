/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user wall: one uid and one gid, neither of them 0 inside. */
#ifndef AISBX_BOX_USERNS_H
#define AISBX_BOX_USERNS_H

#include <sys/types.h>

#include "base/err.h"
#include "policy/plan.h"

/* The supervisor maps its own ids for init, or, a root caller's, unowned ones. */
int userns_map_child(const struct plan *plan, pid_t pid, struct err *reterr);

/* A root caller's init becomes that uid, without groups, keeping capabilities over the box. */
int userns_become(const struct plan *plan, struct err *reterr);

/*
 * A user namespace whose map makes the files of a step's owner and group
 * appear as the box's user's, for MOUNT_ATTR_IDMAP. Others keep their ids,
 * host root's too, which the box does not have. *ret_fd is the caller's.
 */
int userns_open_idmap(const struct plan *plan, const struct step *step, int *ret_fd,
		      struct err *reterr);

#endif
