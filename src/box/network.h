/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The net wall: a namespace with lo and nothing else. */
#ifndef AISBX_BOX_NETWORK_H
#define AISBX_BOX_NETWORK_H

#include "base/err.h"

/* Moves the calling process into a network namespace of its own; *ret_fd is a socket there. No heap. */
int network_make(int *ret_fd, struct err *reterr);

/* Brings up lo where that socket is. CAP_NET_ADMIN in the namespace. No heap. */
int network_raise_lo(int fd, struct err *reterr);

/* Names the uts namespace that the calling process is in. No heap. */
int network_name_host(const char *name, struct err *reterr);

/*
 * Makes every address the box's own: a `local default` route on lo, for IPv4 and, where the
 * kernel has it, IPv6. So a connection to an address reaches a socket in the box or is refused
 * at once, and no packet can leave. CAP_NET_ADMIN in the namespace. No heap.
 */
int network_route_all(struct err *reterr);

/*
 * Settings of the namespace for the broker. A process without capabilities there may bind
 * sockets to ports below 1024. TCP uses Reno: nothing is congested on lo, and BBR, where it is
 * the host's, would time what is sent, for more than twice the processor time. proc_sys_fd:
 * /proc/sys of the host, which is opened before the root changes.
 */
int network_configure(int proc_sys_fd, struct err *reterr);

#endif
