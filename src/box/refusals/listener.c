/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp listener.
 *
 * Theory of operation: a chain of filters has room for one listener, and it is
 * made by whoever loads the filter: the payload, as its last act. It sends it to
 * init, on a socket that execve closes. An ordinary run asks about nothing
 * before its command runs, so the listener lies in that socket until init, which
 * waits for execve, takes it out. Where init decides about calls (files.protect,
 * an exec list), the payload waits in turn until init has it.
 *
 * init and not the supervisor holds it, for three reasons: what a box
 * asks for is paid with the box's own processor time; only init sees the
 * box's paths and processes; and the supervisor, with its clock, reads
 * nothing but records that are counted and bounded (refused.c). init runs nothing
 * that the payload chooses, and its end is the box's: without a listener the
 * kernel answers ENOSYS.
 */
#include "box/refusals/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/sys.h"
#include "base/text.h"

#define NOTIF_SET_FLAGS	  _IOW(SECCOMP_IOC_MAGIC, 4, uint64_t) /* 6.6 */
#define NOTIF_SYNC_WAKEUP 1ULL

enum {
	NOTIF_BYTES = 512, /* room for newer kernels' longer structs */
	PAGE_BYTES = 4096,
};

static int listener = -1;
static int receive_fd = -1;

/* A kernel whose structs do not fit would write past ours. */
static int check_sizes(void)
{
	struct seccomp_notif_sizes sizes;
	long r = sys_call3(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);

	if (r == 0 && (sizes.seccomp_notif > NOTIF_BYTES || sizes.seccomp_notif_resp > NOTIF_BYTES))
		r = -E2BIG;
	return (int)r;
}

int listener_prepare(int *ret_send_fd, struct err *reterr)
{
	int pair[2];
	int r = check_sizes();

	if (r == 0)
		r = (int)sys_call4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	if (r < 0)
		return err_wall(reterr, "seccomp", -r, "use", "seccomp notifications");
	receive_fd = pair[0];
	*ret_send_fd = pair[1];
	return 0;
}

/*** Handing over ***/

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

int listener_hand_over(int send_fd, int listener_fd, bool waits, struct err *reterr)
{
	char byte = 0;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	union control control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
					      .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS } };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof control };

	memcpy(CMSG_DATA(&control.header), &listener_fd, sizeof listener_fd);
	long n = sys_call3(SYS_sendmsg, send_fd, &message, MSG_NOSIGNAL);
	if (n == 1 && waits)
		n = sys_read(send_fd, &byte, 1);
	if (n == 1)
		return 0;
	return err_wall(reterr, "seccomp", n < 0 ? (int)-n : EPIPE, "hand over", "the listener");
}

int listener_receive(int *send_fd, bool waits, struct err *reterr)
{
	char byte;
	struct iovec data = { &byte, 1 };
	union control control;
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof control };
	const struct cmsghdr *header = &control.header;
	uint64_t flags = NOTIF_SYNC_WAKEUP;

	(void)sys_close(*send_fd); /* the payload's copy remains: its end is our EOF */
	*send_fd = -1;
	long n = sys_call3(SYS_recvmsg, receive_fd, &message,
			   MSG_CMSG_CLOEXEC | (waits ? 0 : MSG_DONTWAIT));
	if (n != 1 || message.msg_controllen < sizeof *header ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)) || header->cmsg_level != SOL_SOCKET ||
	    header->cmsg_type != SCM_RIGHTS)
		n = n < 0 ? n : -EPROTO;
	if (n < 0 || !waits) {
		(void)sys_close(receive_fd); /* which a payload that waits takes for a no */
		receive_fd = -1;
	}
	if (n < 0)
		return err_wall(reterr, "seccomp", (int)-n, "take over", "the listener");
	memcpy(&listener, CMSG_DATA(header), sizeof listener);
	/* Only speed: both sides then take turns on one CPU. Before 6.6 there is no such flag. */
	(void)sys_call3(SYS_ioctl, listener, NOTIF_SET_FLAGS, flags);
	return 0;
}

int listener_release(void (*answer)(void), struct err *reterr)
{
	struct pollfd fds[] = { { .fd = receive_fd, .events = POLLIN },
				{ .fd = listener, .events = POLLIN } };
	char byte = 0;
	long n;

	do {
		n = sys_write(receive_fd, &byte, 1);
	} while (n == -EINTR);
	/* EOF comes when execve has closed the payload's end, or its exit has. */
	while (n >= 0 || n == -EINTR) {
		n = sys_call5(SYS_ppoll, fds, 2, NULL, NULL, 0);
		if (n >= 0 && fds[0].revents)
			break;
		if (n >= 0 && fds[1].revents & POLLIN)
			answer();
		else if (n >= 0)
			fds[1].fd = -1;
	}
	(void)sys_close(receive_fd);
	receive_fd = -1;
	return n < 0 && n != -EPIPE ? err_wall(reterr, "seccomp", (int)-n, "let go", "the payload")
				    : 0;
}

/*** Answering ***/

int listener_fd(void)
{
	return listener;
}

const struct seccomp_notif *listener_next(void)
{
	static char buf[NOTIF_BYTES] __attribute__((aligned(8)));

	memset(buf, 0, sizeof buf); /* the kernel insists */
	if (sys_call3(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, buf) < 0)
		return NULL; /* the asking process was killed meanwhile */
	return (const struct seccomp_notif *)(const void *)buf;
}

long listener_copy(const struct seccomp_notif *request, uint64_t address, void *buf, size_t size)
{
	size_t first = PAGE_BYTES - address % PAGE_BYTES;
	struct iovec local = { buf, size };
	struct iovec remote[] = { { (void *)(uintptr_t)address, first < size ? first : size },
				  { (void *)(uintptr_t)(address + first),
				    first < size ? size - first : 0 } };

	return sys_call6(SYS_process_vm_readv, request->pid, (long)&local, 1, (long)remote,
			 first < size ? 2 : 1, 0);
}

bool listener_copy_path(const struct seccomp_notif *request, uint64_t address, char *buf,
			size_t size)
{
	long n = listener_copy(request, address, buf, size);

	return n > 0 && memchr(buf, '\0', (size_t)n);
}

void listener_proc_path(char *buf, const struct seccomp_notif *request, const char *rest)
{
	char *end;

	memcpy(buf, "/proc/", sizeof "/proc/");
	end = text_decimal(request->pid, buf + strlen(buf));
	memcpy(end + strlen(end), rest, strlen(rest) + 1);
}

void listener_base_path(char buf[LISTENER_BASE_BYTES], const struct seccomp_notif *request, int fd)
{
	char rest[4 + TEXT_DECIMAL_BYTES] = "/fd/";

	if (fd >= 0)
		(void)text_decimal((uint64_t)fd, rest + strlen(rest));
	listener_proc_path(buf, request, fd >= 0 ? rest : "/cwd");
}

/* An answer that cannot be given: nobody waits for it any more. */
void listener_reply(const struct seccomp_notif *request, int error, unsigned flags)
{
	static char buf[NOTIF_BYTES] __attribute__((aligned(8)));
	struct seccomp_notif_resp *response = (struct seccomp_notif_resp *)(void *)buf;

	response->id = request->id;
	response->val = 0;
	response->error = error;
	response->flags = flags;
	(void)sys_call3(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, response);
}

void listener_reply_fd(const struct seccomp_notif *request, int fd, bool cloexec)
{
	/* Hands fd over and answers with its number in one step. */
	struct seccomp_notif_addfd added = {
		.id = request->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)fd,
		.newfd_flags = cloexec ? O_CLOEXEC : 0,
	};
	long r = sys_call3(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_ADDFD, &added);

	(void)sys_close(fd);
	if (r < 0)
		listener_reply(request, (int)r, 0); /* its table is full, or it is gone */
}
