/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The net wall: see network.h, network_namespaces(7) and rtnetlink(7). */
#include "box/network.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/sys.h"

enum {
	LO_INDEX = 1, /* of a fresh namespace: its first device */
};

int network_make(int *ret_fd, struct err *reterr)
{
	long r = sys_call1(SYS_unshare, CLONE_NEWNET);

	if (r < 0)
		return err_wall(reterr, "net", (int)-r, "make", "a network namespace");
	r = sys_call3(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (r < 0)
		return err_wall(reterr, "net", (int)-r, "open", "a socket");
	*ret_fd = (int)r;
	return 0;
}

int network_raise_lo(int fd, struct err *reterr)
{
	struct ifreq request;

	memset(&request, 0, sizeof request);
	memcpy(request.ifr_name, "lo", 3);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	long r = sys_call3(SYS_ioctl, fd, SIOCSIFFLAGS, &request);
	return r < 0 ? err_wall(reterr, "net", (int)-r, "bring up", "lo") : 0;
}

int network_name_host(const char *name, struct err *reterr)
{
	long r = sys_call2(SYS_sethostname, name, strlen(name));

	return r < 0 ? err_wall(reterr, "uts", (int)-r, "set", "the host name") : 0;
}

/*** Routes ***/

struct route_request {
	struct nlmsghdr header;
	struct rtmsg route;
	struct rtattr attribute;
	uint32_t device;
};

struct address_request {
	struct nlmsghdr header;
	struct ifaddrmsg message;
	struct rtattr attribute;
	uint8_t address[4];
};

struct route_reply {
	struct nlmsghdr header;
	struct nlmsgerr error;
	char rest[256]; /* the kernel repeats the request */
};

/* 0 or -errno of the kernel's answer. */
static int ask_kernel(int fd, const void *request, size_t size)
{
	struct route_reply reply = { 0 };
	long n = sys_write(fd, request, size);

	if (n >= 0)
		n = sys_read(fd, &reply, sizeof reply);
	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof reply.header + sizeof reply.error ||
	    reply.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return reply.error.error;
}

static int add_route(int fd, unsigned char family)
{
	struct route_request request = {
		.header = { .nlmsg_len = sizeof request,
			    .nlmsg_type = RTM_NEWROUTE,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE,
			    .nlmsg_seq = family },
		.route = { .rtm_family = family,
			   .rtm_table = RT_TABLE_LOCAL,
			   .rtm_protocol = RTPROT_BOOT,
			   .rtm_scope = RT_SCOPE_HOST,
			   .rtm_type = RTN_LOCAL },
		.attribute = { .rta_len = RTA_LENGTH(sizeof request.device), .rta_type = RTA_OIF },
		.device = LO_INDEX,
	};

	return ask_kernel(fd, &request, sizeof request);
}

/*
 * glibc and others ask for IPv4 addresses only where there is one besides 127.0.0.1
 * (AI_ADDRCONFIG, getaddrinfo(3)): 198.18.0.0, which no name has.
 */
static int add_address(int fd)
{
	const struct address_request request = {
		.header = { .nlmsg_len = sizeof request,
			    .nlmsg_type = RTM_NEWADDR,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE },
		.message = { .ifa_family = AF_INET,
			     .ifa_prefixlen = 32,
			     .ifa_scope = RT_SCOPE_HOST,
			     .ifa_index = LO_INDEX },
		.attribute = { .rta_len = RTA_LENGTH(sizeof request.address),
			       .rta_type = IFA_LOCAL },
		.address = { 198, 18, 0, 0 },
	};

	return ask_kernel(fd, &request, sizeof request);
}

int network_route_all(struct err *reterr)
{
	_cleanup_close_ int fd =
		(int)sys_call3(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int r = fd < 0 ? fd : add_address(fd);

	if (r == 0)
		r = add_route(fd, AF_INET);
	if (r == 0)
		r = add_route(fd, AF_INET6);
	/* Without IPv6 in the kernel nothing of the box can speak it either. */
	if (r < 0 && r != -EOPNOTSUPP && r != -EAFNOSUPPORT && r != -ENODEV)
		return err_wall(reterr, "net", -r, "route", "all addresses to lo");
	return 0;
}

int network_configure(int proc_sys_fd, struct err *reterr)
{
	static const char *const settings[][2] = {
		{ "net/ipv4/ip_unprivileged_port_start", "0" },
		{ "net/ipv4/tcp_congestion_control", "reno" },
	};

	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		const char *path = settings[i][0], *value = settings[i][1];
		_cleanup_close_ int fd = sys_openat2(proc_sys_fd, path, O_WRONLY | O_CLOEXEC, 0,
						     RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
		long r = fd < 0 ? fd : sys_write(fd, value, strlen(value));

		if (r < 0)
			return err_wall(reterr, "net", (int)-r, "set", path);
	}
	return 0;
}
