/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walls by name: see walls.h. */
#include "policy/walls.h"

#include <string.h>

/* clang-format off */
const struct wall_info walls[WALL__N] = {
	[WALL_USER]         = { "user", false, "" },
	[WALL_MOUNT]        = { "mount", false, "" },
	[WALL_PID]          = { "pid", false, "" },
	[WALL_NET]          = { "net", false, "" },
	[WALL_IPC]          = { "ipc", false, "" },
	[WALL_UTS]          = { "uts", false, "" },
	[WALL_CGROUP]       = { "cgroup", true, "the box sees the caller's cgroup paths" },
	[WALL_PROC]         = { "proc", true, "the box has no /proc" },
	[WALL_IDMAP]        = { "idmap", true, "a root caller's grants are reached with the rights of others" },
	[WALL_KEYRING]      = { "keyring", true, "the box starts with the caller's session keyring (keyctl stays refused)" },
	[WALL_CAPABILITIES] = { "capabilities", false, "" },
	[WALL_LANDLOCK]     = { "landlock", true, "grants are held by mounts alone; exec lists are not enforced" },
	[WALL_SECCOMP]      = { "seccomp", false, "" },
	[WALL_LIMITS]       = { "limits", true, "a limit that this host cannot set is not set" },
	[WALL_CPUS]         = { "limits.cpus", true, "the box uses as many processors as there are" },
	[WALL_IO_WEIGHT]    = { "limits.io_weight", true, "the box has the same share of a disk as others" },
	[WALL_DISK]         = { "limits.disk", true, "the box may write as much to its write grants as there is room" },
	[WALL_PROTECT]      = { "protect", false, "" },
	[WALL_TERMINAL]     = { "terminal", false, "" },
};
/* clang-format on */

enum wall wall_by_name(const char *name)
{
	for (int i = 0; i < WALL__N; i++) {
		if (strcmp(walls[i].name, name) == 0)
			return (enum wall)i;
	}
	return WALL__N;
}
