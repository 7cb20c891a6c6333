/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets of the box for the broker: see sockets.h, unix(7) and packet(7). */
#include "box/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/sys.h"

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
	} while (n < 0 && errno == EINTR);
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
	const struct sockaddr_in v4 = { .sin_family = AF_INET,
					.sin_port = htons(DNS_PORT),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
					 .sin6_port = htons(DNS_PORT),
					 .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	long fd = sys_call3(SYS_socket, family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	long r = fd;

	if (r >= 0)
		r = family == AF_INET ? sys_call3(SYS_bind, fd, &v4, sizeof v4)
				      : sys_call3(SYS_bind, fd, &v6, sizeof v6);
	if (r >= 0 && type == SOCK_STREAM)
		r = sys_call2(SYS_listen, fd, DNS_BACKLOG);
	*ret_fd = (int)fd;
	return r < 0 ? (int)r : 0;
}

/*
 * Passes what the kernel answers in place of a server that is not there: TCP resets whose
 * sequence number is 0, which is what a refused SYN gets (RFC 9293, 3.10.7.1), and ICMP "port
 * unreachable". Not from 127.0.0.0/8 and ::1: what the box does with itself is its own affair.
 */
#define LOAD_8(at)  BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at)
#define LOAD_16(at) BPF_STMT(BPF_LD | BPF_H | BPF_ABS, at)
#define LOAD_32(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define IF_EQUAL(value, yes, no)                                                                   \
	{                                                                                          \
		BPF_JMP | BPF_JEQ | BPF_K, yes, no, value                                          \
	}
static const struct sock_filter refusals_filter[] = {
	/* clang-format off */
	/*  0 */ LOAD_16((uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
	/*  1 */ IF_EQUAL(ETH_P_IP, 0, 11),
	/*  2 */ LOAD_8(12),			/* source */
	/*  3 */ IF_EQUAL(127, 22, 0),
	/*  4 */ LOAD_8(9),			/* protocol */
	/*  5 */ IF_EQUAL(IPPROTO_ICMP, 0, 2),
	/*  6 */ LOAD_16(20),			/* type and code: the kernel sends no IP options */
	/*  7 */ IF_EQUAL(0x0303, 17, 18),
	/*  8 */ IF_EQUAL(IPPROTO_TCP, 0, 17),
	/*  9 */ LOAD_32(24),			/* sequence number */
	/* 10 */ IF_EQUAL(0, 0, 15),
	/* 11 */ LOAD_8(33),			/* flags */
	/* 12 */ IF_EQUAL(0x14, 12, 13),	/* RST and ACK */
	/* 13 */ IF_EQUAL(ETH_P_IPV6, 0, 12),
	/* 14 */ LOAD_32(8),			/* source: ::1 has its first word zero */
	/* 15 */ IF_EQUAL(0, 10, 0),
	/* 16 */ LOAD_8(6),			/* next header */
	/* 17 */ IF_EQUAL(IPPROTO_ICMPV6, 0, 2),
	/* 18 */ LOAD_16(40),
	/* 19 */ IF_EQUAL(0x0104, 5, 6),
	/* 20 */ IF_EQUAL(IPPROTO_TCP, 0, 5),
	/* 21 */ LOAD_32(44),
	/* 22 */ IF_EQUAL(0, 0, 3),
	/* 23 */ LOAD_8(53),
	/* 24 */ IF_EQUAL(0x14, 0, 1),
	/* 25 */ BPF_STMT(BPF_RET | BPF_K, REFUSAL_BYTES),
	/* 26 */ BPF_STMT(BPF_RET | BPF_K, 0),
	/* clang-format on */
};

static int open_refusals(int *ret_fd)
{
	static const int yes = 1;
	const struct sock_fprog program = { sizeof refusals_filter / sizeof *refusals_filter,
					    (struct sock_filter *)refusals_filter };
	const struct sockaddr_ll lo = { .sll_family = AF_PACKET,
					.sll_protocol = htons(ETH_P_ALL),
					.sll_ifindex = LO_INDEX };
	/* Protocol 0: nothing is queued before the filter is there, packet(7). */
	long fd = sys_call3(SYS_socket, AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	long r = fd;

	if (r >= 0)
		r = sys_call5(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			      sizeof program);
	if (r >= 0)
		r = sys_call5(SYS_setsockopt, fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes,
			      sizeof yes);
	if (r >= 0)
		r = sys_call3(SYS_bind, fd, &lo, sizeof lo);
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

int sockets_send_first(int broker_fd, struct err *reterr)
{
	struct socket_reply reply = { .count = BOX_SOCKETS_LEN };
	int fds[BOX_SOCKETS_LEN] = { -1, -1, -1, -1, -1 };
	int r = bind_dns(AF_INET, SOCK_DGRAM, &fds[BOX_DNS_UDP]);

	if (r == 0)
		r = bind_dns(AF_INET, SOCK_STREAM, &fds[BOX_DNS_TCP]);
	if (r < 0)
		err_wall(reterr, "net", -r, "listen on", "127.0.0.1:53 in the box");
	if (r == 0) {
		r = open_refusals(&fds[BOX_REFUSALS]);
		if (r < 0)
			err_wall(reterr, "net", -r, "open", "a packet socket in the box");
	}
	if (r == 0 && (bind_dns(AF_INET6, SOCK_DGRAM, &fds[BOX_DNS_UDP6]) < 0 ||
		       bind_dns(AF_INET6, SOCK_STREAM, &fds[BOX_DNS_TCP6]) < 0))
		reply.count = BOX_DNS_UDP6; /* no IPv6 here: those before it */
	if (r == 0) {
		r = send_reply(broker_fd, &reply, fds);
		if (r < 0)
			err_wall(reterr, "net", -r, "reach", "the broker");
	}
	close_fds(fds, BOX_SOCKETS_LEN);
	return r < 0 ? r : 0;
}

/*** Requests ***/

bool sockets_answer(int broker_fd, bool *ret_serves)
{
	struct socket_request request;
	struct socket_reply reply = { 0 };
	int fds[SOCKETS_AT_ONCE];
	long n = sys_read(broker_fd, &request, sizeof request);

	if (n != (long)sizeof request || request.count < 0 || request.count > SOCKETS_AT_ONCE)
		return false;
	*ret_serves = request.count == 0;
	if (request.count == 0)
		return true;
	while (reply.count < request.count) {
		long fd = sys_call3(SYS_socket, request.family,
				    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0) {
			reply.error = (int32_t)fd;
			break;
		}
		fds[reply.count++] = (int)fd;
	}
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
	return r >= 0;
}

int sockets_await_broker(int broker_fd, struct err *reterr)
{
	struct pollfd wait = { .fd = broker_fd, .events = POLLIN };
	bool serves = false, lives = true;

	while (lives && !serves) {
		struct timespec limit = { .tv_sec = AWAIT_S };
		long r = sys_call5(SYS_ppoll, &wait, 1, &limit, NULL, 0);

		if (r == -EINTR)
			continue;
		lives = r > 0 && sockets_answer(broker_fd, &serves);
	}
	return serves ? 0 : err_wall(reterr, "net", EPIPE, "start", "the broker");
}
