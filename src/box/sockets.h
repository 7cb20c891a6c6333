/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sockets of the box's network namespace, made by init and handed to the broker.
 *
 * A socket belongs to the namespace that its maker was in, whoever holds it; so
 * init, which is inside, makes them, and the broker, which stays outside, binds,
 * accepts and connects with them. One SOCK_SEQPACKET pair:
 *
 *   init -> broker   the first message: enum box_socket, then a stock for the first listeners
 *   broker -> init   a socket_request of no sockets: the broker serves, the command may start
 *   broker -> init   a socket_request: count sockets of family
 *   init -> broker   a socket_reply with that many descriptors
 *
 * EOF on init's end: the box has no network any more. EOF on the broker's: the
 * command has ended, and so does the box.
 */
#ifndef AISBX_BOX_SOCKETS_H
#define AISBX_BOX_SOCKETS_H

#include <stdint.h>

#include "base/err.h"

enum {
	SOCKETS_AT_ONCE = 128, /* of one request; SCM_RIGHTS takes 253, unix(7) */
};

struct socket_request {
	int32_t family; /* AF_INET or AF_INET6 */
	int32_t count;	/* 0 to SOCKETS_AT_ONCE */
};

struct socket_reply {
	int32_t error; /* -errno, then count is 0 */
	int32_t count;
};

/* What is there from the start; -1: this kernel has no IPv6. */
enum box_socket {
	BOX_DNS_UDP,	 /* bound to 127.0.0.1:53 */
	BOX_DNS_TCP,	 /* the same, listening */
	BOX_REFUSED_TCP, /* raw sockets: refusals that the kernel sends on lo, see sockets.c */
	BOX_REFUSED_UDP,
	BOX_DNS_UDP6, /* bound to [::1]:53 */
	BOX_DNS_TCP6,
	BOX_REFUSED_TCP6,
	BOX_REFUSED_UDP6,
	BOX_SOCKETS_LEN,
};

enum {
	SOCKETS_STOCK = 2, /* of each family */
	SOCKETS_FIRST = BOX_SOCKETS_LEN + 2 * SOCKETS_STOCK,
};

/*
 * init: makes the first sockets and sends them: BOX_SOCKETS_LEN, then the stock, IPv4 first; the
 * first half of each when there is no IPv6. Needs the namespace's capabilities. No heap.
 */
int sockets_send_first(int broker_fd, struct err *reterr);
/* init: answers requests until the broker serves. */
int sockets_await_broker(int broker_fd, struct err *reterr);
/* init: answers one request: for how many sockets, 0 when the broker serves. -errno: it is gone. */
int sockets_answer(int broker_fd);

/* Broker: receives exactly len descriptors (missing ones -1). 0 or -errno; -EPIPE on EOF. */
int sockets_receive(int init_fd, struct socket_reply *ret_reply, int *fds, int len);

#endif
