/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scope-bound descriptors. Cleaners accept unset values and keep errno. */
#ifndef AISBX_BASE_CLEANUP_H
#define AISBX_BASE_CLEANUP_H

#include <errno.h>
#include <unistd.h>

static inline void close_keeping_errno(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd); /* nothing was written through it: no error can matter */
	errno = saved;
}

static inline void cleanup_close(int *fd)
{
	close_keeping_errno(*fd);
}

#define _cleanup_close_ __attribute__((cleanup(cleanup_close)))

/* Hands an fd over: the variable no longer closes it. */
static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
