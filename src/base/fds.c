/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors in a packet: see fds.h. */
#include "base/fds.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/sys.h"

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

int fds_send(int socket_fd, const int *fds, size_t len)
{
	union control control = { .space = { 0 } };
	char byte = 'f';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = CMSG_SPACE(len * sizeof(int)),
	};
	long n;

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(len * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, len * sizeof(int));
	do {
		n = sys_call3(SYS_sendmsg, socket_fd, &msg, MSG_NOSIGNAL);
	} while (n == -EINTR);
	return n < 0 ? (int)n : 0;
}

/* Takes the first len that came and closes the others. How many came. */
static size_t take(struct msghdr *msg, int *ret_fds, size_t len)
{
	size_t came = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++, came++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (came < len)
				ret_fds[came] = fd;
			else
				(void)sys_close(fd);
		}
	}
	return came;
}

int fds_receive(int socket_fd, int *ret_fds, size_t len)
{
	union control control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof control.space,
	};
	long n;

	do {
		n = sys_call3(SYS_recvmsg, socket_fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n == -EINTR || n == -ECONNRESET); /* as in phase_receive() */
	if (n < 0)
		return (int)n;
	size_t came = take(&msg, ret_fds, len);
	/* What did not fit (MSG_CTRUNC) the kernel has closed. */
	if (n > 0 && came == len && !(msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC)))
		return 0;
	for (size_t i = 0; i < came && i < len; i++) {
		(void)sys_close(ret_fds[i]);
		ret_fds[i] = -1;
	}
	return n == 0 ? -EPIPE : -EPROTO;
}
