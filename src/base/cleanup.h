/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope-bound descriptors, whose cleaners accept unset values and keep errno, and the end of
 * children.
 */
#ifndef AISBX_BASE_CLEANUP_H
#define AISBX_BASE_CLEANUP_H

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
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

/* Ends a child at once and reaps it: its wait status, 0 where there is none (-1). */
static inline int kill_child(pid_t *pid)
{
	int status = 0;

	if (*pid < 0)
		return 0;
	(void)kill(*pid, SIGKILL); /* ours and not reaped: cannot miss */
	while (waitpid(*pid, &status, 0) < 0 && errno == EINTR)
		;
	*pid = -1;
	return status;
}

#endif
