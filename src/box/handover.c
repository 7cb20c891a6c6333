/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan and its descriptors on their way to init: see handover.h. */
#include "box/handover.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/sys.h"
#include "box/phase.h"

enum {
	PACKET_FDS = 64,
	COMING = 0, /* in a slot whose descriptor is on its way; -1: there is none */
};

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(PACKET_FDS * sizeof(int))];
};

/*** Parking ***/

void handover_park(struct handover *handover)
{
	const struct timespec limit = { .tv_nsec = 1000000 };

	if (handover->parked)
		(void)sys_call4(SYS_futex, &handover->parked, FUTEX_WAIT, 1, &limit);
}

void handover_release(struct handover *handover)
{
	handover->parked = 0;
	(void)sys_call3(SYS_futex, &handover->parked, FUTEX_WAKE, 1);
}

/*** The slots: every descriptor, in the order both sides count them ***/

static size_t slots_len(const struct plan *plan)
{
	return GIVEN_LEN + 2 * plan->steps_len;
}

static int *slot(int given[GIVEN_LEN], const struct sources *sources, size_t i)
{
	if (i < GIVEN_LEN)
		return &given[i];
	i -= GIVEN_LEN;
	return i % 2 ? &sources->writable[i / 2] : &sources->tree[i / 2];
}

/*** Packets ***/

static struct msghdr packet(struct iovec *data, union control *control, size_t fds)
{
	control->header.cmsg_level = SOL_SOCKET;
	control->header.cmsg_type = SCM_RIGHTS;
	control->header.cmsg_len = CMSG_LEN(fds * sizeof(int));
	return (struct msghdr){ .msg_iov = data,
				.msg_iovlen = 1,
				.msg_control = control,
				.msg_controllen = CMSG_SPACE(fds * sizeof(int)) };
}

static int send_fds(int socket_fd, const int *fds, size_t len)
{
	char byte = 0;
	struct iovec data = { &byte, 1 };
	union control control = { .space = { 0 } };
	struct msghdr message = packet(&data, &control, len);
	long n;

	memcpy(CMSG_DATA(&control.header), fds, len * sizeof *fds);
	do {
		n = sys_call3(SYS_sendmsg, socket_fd, &message, MSG_NOSIGNAL);
	} while (n == -EINTR);
	return n < 0 ? (int)n : 0;
}

static int receive_fds(int socket_fd, int *fds, size_t len)
{
	char byte;
	struct iovec data = { &byte, 1 };
	union control control;
	struct msghdr message = packet(&data, &control, len);
	long n;

	do {
		n = sys_call3(SYS_recvmsg, socket_fd, &message, MSG_CMSG_CLOEXEC);
	} while (n == -EINTR);
	if (n < 0)
		return (int)n;
	/* The kernel leaves out what does not fit the limit on open files. */
	if (n != 1 || message.msg_controllen < sizeof control.header ||
	    control.header.cmsg_type != SCM_RIGHTS ||
	    control.header.cmsg_len != CMSG_LEN(len * sizeof *fds))
		return (message.msg_flags & MSG_CTRUNC) ? -EMFILE : -EPROTO;
	memcpy(fds, CMSG_DATA(&control.header), len * sizeof *fds);
	return 0;
}

/*** The two sides ***/

void handover_fill(struct handover *handover, const struct plan *plan, struct arena *arena,
		   const struct sources *sources, const int given[GIVEN_LEN])
{
	sources_init(arena, plan, &handover->sources);
	handover->plan = plan;
	handover->arena = *arena;
	for (size_t i = 0; i < slots_len(plan); i++)
		*slot(handover->given, &handover->sources, i) =
			*slot((int *)given, sources, i) < 0 ? -1 : COMING;
}

int handover_send(int socket_fd, const struct plan *plan, const struct sources *sources,
		  const int given[GIVEN_LEN])
{
	struct record record = { .phase = PH_PLANNED, .size = sizeof record };
	int fds[PACKET_FDS];
	size_t len = 0;
	int r = phase_send(socket_fd, &record);

	for (size_t i = 0; r == 0 && i < slots_len(plan); i++) {
		int fd = *slot((int *)given, sources, i);

		if (fd >= 0)
			fds[len++] = fd;
		if (len == PACKET_FDS || (len && i == slots_len(plan) - 1)) {
			r = send_fds(socket_fd, fds, len);
			len = 0;
		}
	}
	return r;
}

/* Fills the slots in coming[0..len) with the next packet. */
static int fill(int socket_fd, int *const *coming, size_t len)
{
	int fds[PACKET_FDS];
	int r = len ? receive_fds(socket_fd, fds, len) : 0;

	for (size_t i = 0; r == 0 && i < len; i++)
		*coming[i] = fds[i];
	return r;
}

int handover_receive(int socket_fd, struct handover *handover)
{
	struct record record;
	int *coming[PACKET_FDS];
	size_t len = 0;
	int r = phase_receive(socket_fd, TO_INIT, &record);

	if (r <= 0)
		return r;
	if (record.phase != PH_PLANNED)
		return -EPROTO;
	for (size_t i = 0; i < slots_len(handover->plan); i++) {
		int *fd = slot(handover->given, &handover->sources, i);

		if (*fd == COMING)
			coming[len++] = fd;
		if (len < PACKET_FDS)
			continue;
		r = fill(socket_fd, coming, len);
		if (r < 0)
			return r;
		len = 0;
	}
	r = fill(socket_fd, coming, len);
	return r < 0 ? r : 1;
}
