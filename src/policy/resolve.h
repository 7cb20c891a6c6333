/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host paths to the objects they name, with every symbolic link on the way noted. */
#ifndef AISBX_POLICY_RESOLVE_H
#define AISBX_POLICY_RESOLVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"

struct resolved {
	const char *path; /* canonical: no symbolic link in it */
	dev_t dev;
	ino_t ino;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct strv links; /* canonical path of each symbolic link that was followed */
};

/* path is absolute. 0 or -errno (ENOENT, EACCES, ELOOP, ...). */
int resolve_host_path(struct arena *arena, const char *path, struct resolved *ret);

#endif
