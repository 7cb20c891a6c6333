/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* To the gateway and from it: see handover.h. */
#include "gateway/handover.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/sys.h"

long handover_receive(int fd, void *packet, size_t size)
{
	long n;

	do {
		n = sys_call6(SYS_recvfrom, fd, SYS_ARG(packet), SYS_ARG(size), 0, 0, 0);
	} while (n == -EINTR || n == -ECONNRESET); /* as in phase_receive() */
	return n;
}

int handover_await(int gateway_fd, struct gateway_state *ret_state, struct err *reterr)
{
	long n = handover_receive(gateway_fd, ret_state, sizeof *ret_state);

	if (n != (long)sizeof *ret_state)
		return err_set(reterr, E_SYSTEM, n < 0 ? (int)-n : EPIPE, "start", "the gateway");
	if (!ret_state->failed)
		return 0;
	*reterr = ret_state->err;
	return -EINVAL;
}

static int hand_over(int gateway_fd, const struct gateway_record *record, const int *fds,
		     size_t len)
{
	if (send(gateway_fd, record, sizeof *record, MSG_NOSIGNAL) < 0)
		return -errno;
	return fds_send(gateway_fd, fds, len);
}

int handover_events(int gateway_fd, int events_fd, bool each)
{
	const struct gateway_record record = { .kind = GATEWAY_EVENTS, .each = each };

	return hand_over(gateway_fd, &record, &events_fd, 1);
}

void handover_expect(int gateway_fd)
{
	const struct gateway_record record = { .kind = GATEWAY_EXPECT };

	(void)send(gateway_fd, &record, sizeof record, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int handover_connection(int gateway_fd, const char *name, uint16_t port, int box_fd, int server_fd)
{
	struct gateway_record record = { .kind = GATEWAY_CONNECTION, .port = port };
	const int fds[2] = { box_fd, server_fd };

	(void)snprintf(record.name, sizeof record.name, "%s", name);
	int r = hand_over(gateway_fd, &record, fds, 2);
	close_keeping_errno(box_fd);
	close_keeping_errno(server_fd);
	return r;
}
