/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In init: what the meter reads of a box. See usage.h. */
#include <fcntl.h>

#include "base/sys.h"
#include "box/limits/usage.h"

int usage_open(int look_fd, int ret_fds[USAGE__N])
{
	static const struct {
		const char *path;
		int flags;
	} files[USAGE__N] = {
		[USAGE_PROC] = { ".", O_RDONLY | O_DIRECTORY },
		[USAGE_ROOT] = { "/", O_PATH | O_DIRECTORY },
		[USAGE_SHM] = { "/proc/sysvipc/shm", O_RDONLY },
		[USAGE_INIT] = { "/proc/self/stat", O_RDONLY },
	};

	for (int i = 0; i < USAGE__N; i++) {
		ret_fds[i] = sys_openat2(look_fd, files[i].path, files[i].flags | O_CLOEXEC, 0, 0);
		if (ret_fds[i] >= 0)
			continue;
		int r = ret_fds[i];
		while (--i >= 0)
			(void)sys_close(ret_fds[i]);
		return r;
	}
	return 0;
}
