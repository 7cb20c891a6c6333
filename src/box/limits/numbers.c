/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has a number for a name: see numbers.h. */
#include "box/limits/numbers.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

enum {
	ENTRIES_BYTES = 16 * 1024,
};

pid_t name_number(const char *name)
{
	pid_t number = 0;

	for (; *name; name++) {
		if (*name < '0' || *name > '9' || number > 100000000)
			return -1;
		number = number * 10 + (*name - '0');
	}
	return number;
}

int each_number(int dir_fd, bool (*see)(void *context, pid_t number), void *context)
{
	_Alignas(struct dirent64) char buf[ENTRIES_BYTES];

	if (lseek(dir_fd, 0, SEEK_SET) < 0)
		return -errno;
	for (;;) {
		ssize_t n = getdents64(dir_fd, buf, sizeof buf);

		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(buf + at);
			pid_t number = name_number(entry->d_name);

			if (number >= 0 && !see(context, number))
				return 0;
			at += entry->d_reclen;
		}
	}
}
