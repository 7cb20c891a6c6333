/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets of the box for the broker: see sockets.h, unix(7) and raw(7). */
#include "box/sockets.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/sys.h"
#include "policy/addresses.h"

enum {
	DNS_PORT = 53,
	DNS_BACKLOG = 64,
	LO_INDEX = 1,	     /* of a fresh namespace: its first device */
	REFUSAL_BYTES = 128, /* enough for the headers that an ICMP error quotes */
	AWAIT_S = 20,	     /* for one sign of life */
};

/*** Passing descriptors ***/

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(SOCKETS_AT_ONCE * sizeof(int))];
};

static int send_reply(int fd, const struct socket_reply *reply, const int *fds)
{
	static union control control; /* too large for init's stack frame; init has one thread */
	struct iovec data = { (void *)reply, sizeof *reply };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (reply->count > 0) {
		size_t size = (size_t)reply->count * sizeof *fds;

		message.msg_control = control.space;
		message.msg_controllen = CMSG_SPACE(size);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(&control.header), fds, size);
	}
	return (int)sys_call3(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
}

int sockets_receive(int init_fd, struct socket_reply *ret_reply, int *fds, int len)
{
	union control control;
	struct iovec data = { ret_reply, sizeof *ret_reply };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.space,
				  .msg_controllen = sizeof control.space };
	ssize_t n;

	for (int i = 0; i < len; i++)
		fds[i] = -1;
	do {
		n = recvmsg(init_fd, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET)); /* as in phase_receive() */
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	size_t got = header && header->cmsg_type == SCM_RIGHTS
			     ? (header->cmsg_len - CMSG_LEN(0)) / sizeof(int)
			     : 0;
	if (got > (size_t)len)
		return -EPROTO; /* init is ours: the process ends, and the descriptors with it */
	memcpy(fds, header ? CMSG_DATA(header) : (const unsigned char *)fds, got * sizeof(int));
	if (n == (ssize_t)sizeof *ret_reply && ret_reply->count == (int)got)
		return ret_reply->error;
	/* The kernel leaves out what a process has no room for. */
	while (got > 0)
		(void)sys_close(fds[--got]);
	return message.msg_flags & MSG_CTRUNC ? -EMFILE : -EPROTO;
}

/*** The first sockets ***/

static int bind_dns(int family, int type, int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(address_loopback(family), DNS_PORT, &sa);
	long fd = sys_call3(SYS_socket, family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	long r = fd;

	if (r >= 0)
		r = sys_call3(SYS_bind, fd, &sa, len);
	if (r >= 0 && type == SOCK_STREAM)
		r = sys_call2(SYS_listen, fd, DNS_BACKLOG);
	*ret_fd = (int)fd;
	return r < 0 ? (int)r : 0;
}

/*
 * Passes what the kernel answers in place of a server that is not there: TCP resets whose
 * sequence number is 0, which is what a refused SYN gets (RFC 9293, 3.10.7.1), and ICMP
 * "destination unreachable". No resets from 127.0.0.0/8 and ::1: what the box does with itself
 * is its own affair. A raw socket of IPv4 has the IP header, which the kernel sends without
 * options; one of IPv6 begins after it, raw(7) and ipv6(7). A packet socket would see the same in
 * one place, but closing it takes a grace period of RCU.
 */
#define LOAD_8(at)  BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at)
#define LOAD_32(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define PASS	    BPF_STMT(BPF_RET | BPF_K, REFUSAL_BYTES)
#define DROP	    BPF_STMT(BPF_RET | BPF_K, 0)
#define IF_EQUAL(value, yes, no)                                                                   \
	{                                                                                          \
		BPF_JMP | BPF_JEQ | BPF_K, yes, no, value                                          \
	}
/* clang-format off */
static const struct sock_filter tcp_refusals[] = {
	LOAD_8(12), IF_EQUAL(127, 5, 0),	/* source */
	LOAD_32(24), IF_EQUAL(0, 0, 3),		/* sequence number */
	LOAD_8(33), IF_EQUAL(0x14, 0, 1),	/* RST and ACK */
	PASS, DROP,
};
static const struct sock_filter tcp6_refusals[] = {
	LOAD_32((uint32_t)SKF_NET_OFF + 8), IF_EQUAL(0, 5, 0), /* source: ::1 begins with zeroes */
	LOAD_32(4), IF_EQUAL(0, 0, 3),
	LOAD_8(13), IF_EQUAL(0x14, 0, 1),
	PASS, DROP,
};
/* clang-format on */

/* A program for TCP takes the kernel as long as all the rest; ICMP has masks of types. */
static const struct sock_fprog tcp_program = { sizeof tcp_refusals / sizeof *tcp_refusals,
					       (struct sock_filter *)tcp_refusals };
static const struct sock_fprog tcp6_program = { sizeof tcp6_refusals / sizeof *tcp6_refusals,
						(struct sock_filter *)tcp6_refusals };
static const struct icmp_filter icmp_blocked = { ~(1U << ICMP_DEST_UNREACH) };
static const struct icmp6_filter icmp6_blocked = { { ~(1U << ICMP6_DST_UNREACH), ~0U, ~0U, ~0U, ~0U,
						     ~0U, ~0U, ~0U } };

static const struct refusals {
	int family, protocol;
	int level, option; /* that passes nothing else */
	const void *value;
	socklen_t size;
} refusals[] = {
	[BOX_REFUSED_TCP] = { AF_INET, IPPROTO_TCP, SOL_SOCKET, SO_ATTACH_FILTER, &tcp_program,
			      sizeof tcp_program },
	[BOX_REFUSED_UDP] = { AF_INET, IPPROTO_ICMP, SOL_RAW, ICMP_FILTER, &icmp_blocked,
			      sizeof icmp_blocked },
	[BOX_REFUSED_TCP6] = { AF_INET6, IPPROTO_TCP, SOL_SOCKET, SO_ATTACH_FILTER, &tcp6_program,
			       sizeof tcp6_program },
	[BOX_REFUSED_UDP6] = { AF_INET6, IPPROTO_ICMPV6, IPPROTO_ICMPV6, ICMP6_FILTER,
			       &icmp6_blocked, sizeof icmp6_blocked },
};

static int open_refusals(enum box_socket which, int *ret_fd)
{
	const struct refusals *raw = &refusals[which];
	long fd = sys_call3(SYS_socket, raw->family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    raw->protocol);
	long r = fd;

	if (r >= 0)
		r = sys_call5(SYS_setsockopt, fd, raw->level, raw->option, raw->value, raw->size);
	*ret_fd = (int)fd;
	return r < 0 ? (int)r : 0;
}

static void close_fds(const int *fds, int len)
{
	for (int i = 0; i < len; i++) {
		if (fds[i] >= 0)
			(void)sys_close(fds[i]);
	}
}

static int open_v4(int fds[BOX_SOCKETS_LEN], struct err *reterr)
{
	int r = bind_dns(AF_INET, SOCK_DGRAM, &fds[BOX_DNS_UDP]);

	if (r == 0)
		r = bind_dns(AF_INET, SOCK_STREAM, &fds[BOX_DNS_TCP]);
	if (r < 0)
		return err_wall(reterr, "net", -r, "listen on", "127.0.0.1:53 in the box");
	r = open_refusals(BOX_REFUSED_TCP, &fds[BOX_REFUSED_TCP]);
	if (r == 0)
		r = open_refusals(BOX_REFUSED_UDP, &fds[BOX_REFUSED_UDP]);
	return r < 0 ? err_wall(reterr, "net", -r, "open", "a raw socket in the box") : 0;
}

static bool open_v6(int fds[BOX_SOCKETS_LEN])
{
	return bind_dns(AF_INET6, SOCK_DGRAM, &fds[BOX_DNS_UDP6]) == 0 &&
	       bind_dns(AF_INET6, SOCK_STREAM, &fds[BOX_DNS_TCP6]) == 0 &&
	       open_refusals(BOX_REFUSED_TCP6, &fds[BOX_REFUSED_TCP6]) == 0 &&
	       open_refusals(BOX_REFUSED_UDP6, &fds[BOX_REFUSED_UDP6]) == 0;
}

/* 0 or -errno; *ret_len grows by what was made. */
static int open_streams(int family, int count, int *fds, int *ret_len)
{
	for (int i = 0; i < count; i++) {
		long fd = sys_call3(SYS_socket, family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				    0);

		if (fd < 0)
			return (int)fd;
		fds[(*ret_len)++] = (int)fd;
	}
	return 0;
}

int sockets_send_first(int broker_fd, struct err *reterr)
{
	struct socket_reply reply = { 0 };
	int fds[SOCKETS_FIRST];

	for (int i = 0; i < SOCKETS_FIRST; i++)
		fds[i] = -1;
	int r = open_v4(fds, reterr);
	bool has_v6 = r == 0 && open_v6(fds);
	reply.count = has_v6 ? BOX_SOCKETS_LEN : BOX_DNS_UDP6;
	if (r == 0)
		r = open_streams(AF_INET, SOCKETS_STOCK, fds, &reply.count);
	if (r == 0 && has_v6)
		r = open_streams(AF_INET6, SOCKETS_STOCK, fds, &reply.count);
	if (r == 0)
		r = send_reply(broker_fd, &reply, fds);
	if (r < 0 && !reterr->code)
		err_wall(reterr, "net", -r, "hand over", "the box's sockets");
	close_fds(fds, SOCKETS_FIRST);
	return r < 0 ? r : 0;
}

/*** Requests ***/

int sockets_answer(int broker_fd)
{
	struct socket_request request;
	struct socket_reply reply = { 0 };
	int fds[SOCKETS_AT_ONCE];
	long n = sys_read(broker_fd, &request, sizeof request);

	if (n != (long)sizeof request || request.count < 0 || request.count > SOCKETS_AT_ONCE)
		return -EPIPE;
	if (request.count == 0)
		return 0;
	reply.error = open_streams(request.family, request.count, fds, &reply.count);
	if (reply.error) {
		close_fds(fds, reply.count);
		reply.count = 0;
	}
	int r = send_reply(broker_fd, &reply, fds);
	close_fds(fds, reply.count);
	if (r == -ETOOMANYREFS) { /* other processes of the caller have too many on their way */
		reply = (struct socket_reply){ .error = r };
		r = send_reply(broker_fd, &reply, NULL);
	}
	return r < 0 ? r : request.count;
}

int sockets_await_broker(int broker_fd, struct err *reterr)
{
	struct pollfd wait = { .fd = broker_fd, .events = POLLIN };
	int answered = 1;

	while (answered > 0) {
		struct timespec limit = { .tv_sec = AWAIT_S };
		long r = sys_call5(SYS_ppoll, &wait, 1, &limit, NULL, 0);

		if (r == -EINTR)
			continue;
		answered = r > 0 ? sockets_answer(broker_fd) : -EPIPE;
	}
	return answered == 0 ? 0 : err_wall(reterr, "net", EPIPE, "start", "the broker");
}
