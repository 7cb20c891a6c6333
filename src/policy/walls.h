/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walls by name: what --allow-degraded takes and results report. */
#ifndef AISBX_POLICY_WALLS_H
#define AISBX_POLICY_WALLS_H

#include <stdbool.h>
#include <stddef.h>

enum wall {
	WALL_USER,
	WALL_MOUNT,
	WALL_PID,
	WALL_NET,
	WALL_IPC,
	WALL_UTS,
	WALL_CGROUP,
	WALL_PROC,
	WALL_IDMAP,
	WALL_KEYRING,
	WALL_CAPABILITIES,
	WALL_LANDLOCK,
	WALL_SECCOMP,
	WALL_LIMITS,
	WALL_CPUS,
	WALL_IO_WEIGHT,
	WALL_DISK,
	WALL_PROTECT,
	WALL_TERMINAL,
	WALL__N
};

struct wall_info {
	const char *name;
	bool may_degrade;    /* --allow-degraded accepts it */
	const char *without; /* what is missing then */
};

extern const struct wall_info walls[WALL__N];

/* The wall of that name, or WALL__N. */
enum wall wall_by_name(const char *name);

#endif
