/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How connections begin and break: see connections.h. */
#include "broker/connections.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ACCEPTS_A_TURN = 32,
};

void connection_will_reset(int fd)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void connection_reset(int fd)
{
	connection_will_reset(fd);
	(void)close(fd);
}

/*
 * Out of descriptors: the connection is taken with the spare one and reset, or it would
 * hang in the queue and its event come for ever.
 */
static int spare_fd = -1;

static bool shed(int listen_fd)
{
	if (spare_fd >= 0)
		(void)close(spare_fd);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		connection_reset(fd);
	spare_fd = fcntl(listen_fd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0;
}

/* The next one, or -errno: -ECONNABORTED when the one after it may be had. */
static int accept_next(int listen_fd)
{
	if (spare_fd < 0)
		spare_fd = fcntl(listen_fd, F_DUPFD_CLOEXEC, 0);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == EINTR || ((errno == EMFILE || errno == ENFILE) && shed(listen_fd)))
		return -ECONNABORTED;
	return -errno;
}

void connections_accept(struct watch *listening, void (*take)(struct watch *listening, int fd))
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept_next(listening->fd);

		if (fd >= 0)
			take(listening, fd);
		else if (fd != -ECONNABORTED)
			return;
	}
}
