/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The DNS server of the box, on 127.0.0.1 and ::1, over UDP and TCP.
 *
 * It knows granted names alone: for others the answer is NXDOMAIN, and no
 * query leaves the host. A granted name is looked up on the host as soon as it
 * is asked for, so that a name that does not exist, or leads only where the
 * grant does not, does not exist in the box either; when the host's answer takes
 * longer than ANSWER_MS, the box has its own at once.
 */
#ifndef AISBX_BROKER_DNS_SERVER_H
#define AISBX_BROKER_DNS_SERVER_H

#include "policy/hosts.h"

enum {
	ANSWER_MS = 3,
};

/* fds: bound (UDP) and listening (TCP) sockets, -1 for those that are not there. 0 or -errno. */
int dns_server_start(const struct host_grants *grants, const int udp_fds[2], const int tcp_fds[2]);

#endif
