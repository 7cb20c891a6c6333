/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The net wall: see network.h and network_namespaces(7). */
#include "box/network.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/sys.h"

int network_apply(struct err *reterr)
{
	struct ifreq request;
	long r = sys_call1(SYS_unshare, CLONE_NEWNET);

	if (r < 0) {
		err_wall(reterr, "net", (int)-r, "make", "a network namespace");
		if (r == -ENOSPC)
			err_hint(reterr, "raise user.max_net_namespaces, or end other boxes");
		return (int)r;
	}
	_cleanup_close_ int fd = (int)sys_call3(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_wall(reterr, "net", -fd, "open", "a socket");
	memset(&request, 0, sizeof request);
	memcpy(request.ifr_name, "lo", 3);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	r = sys_call3(SYS_ioctl, fd, SIOCSIFFLAGS, &request);
	if (r < 0)
		return err_wall(reterr, "net", (int)-r, "bring up", "lo");
	return 0;
}
