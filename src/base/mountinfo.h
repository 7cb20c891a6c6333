/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mounts that this process sees, in their order: proc(5). */
#ifndef AISBX_BASE_MOUNTINFO_H
#define AISBX_BASE_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

#define MOUNTINFO_FILE "/proc/self/mountinfo"

struct mountinfo {
	const char *point;
	const char *type;
	const char *upper; /* of an overlay: the directory that is written to, or NULL */
	bool is_read_only;
};

struct mountinfos {
	struct mountinfo *items;
	size_t len, cap;
};

/* 0 or -errno. */
int mountinfo_read(struct arena *arena, struct mountinfos *ret_mounts);

/*** What it is made of; pure ***/

/* A line, which is written to. False when it is none. */
bool mountinfo_parse(char *line, struct mountinfo *ret_mount);

#endif
