/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ports of the host that lead to a server in the box. The listening sockets are
 * made by the supervisor; for each connection the broker connects to the box's
 * own 127.0.0.1, then ::1, and for a while again when nothing listens there yet.
 */
#ifndef AISBX_BROKER_PUBLISH_H
#define AISBX_BROKER_PUBLISH_H

#include <stdint.h>

enum {
	PUBLISH_WAIT_MS = 10000, /* for the server in the box to listen */
	PUBLISH_AGAIN_MS = 20,
};

/* listen_fd is non-blocking. 0 or -errno. */
int publish_start(int listen_fd, uint16_t box_port);

#endif
