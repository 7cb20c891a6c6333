/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors in a packet: SCM_RIGHTS, unix(7). */
#ifndef AISBX_BASE_FDS_H
#define AISBX_BASE_FDS_H

#include <stddef.h>

enum {
	FDS_MAX = 16, /* in one packet */
};

/* One byte with len descriptors. 0 or -errno. No heap, no errno. */
int fds_send(int socket_fd, const int *fds, size_t len);
/*
 * Waits for such a packet and takes exactly len descriptors, close-on-exec: 0. -EPIPE at the
 * end of the other side, -EPROTO when there were more or fewer; then none is open and
 * all are -1 or as before.
 */
int fds_receive(int socket_fd, int *ret_fds, size_t len);

#endif
