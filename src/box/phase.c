/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handshake between supervisor and init: see phase.h. */
#include "box/phase.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/sys.h"

const struct phase_info phases[PH__N] = {
	[PH_NONE] = { "none", TO_SUPERVISOR },	     [PH_PLACED] = { "placed", TO_INIT },
	[PH_IDMAPPED] = { "idmapped", TO_INIT },     [PH_TERMINAL] = { "terminal", TO_SUPERVISOR },
	[PH_ATTACHED] = { "attached", TO_INIT },     [PH_STARTED] = { "started", TO_SUPERVISOR },
	[PH_EXITED] = { "exited", TO_SUPERVISOR },   [PH_FAILED] = { "failed", TO_SUPERVISOR },
	[PH_SIGNAL] = { "signal", TO_INIT },	     [PH_METER] = { "meter", TO_INIT },
	[PH_METERED] = { "metered", TO_SUPERVISOR }, [PH_REFUSED] = { "refused", TO_SUPERVISOR },
	[PH_MISSED] = { "missed", TO_SUPERVISOR },
};

static int send_record(int socket_fd, const struct record *record, int flags)
{
	long n;

	do {
		n = sys_call6(SYS_sendto, socket_fd, (long)record, sizeof *record,
			      MSG_NOSIGNAL | flags, 0, 0);
	} while (n == -EINTR);
	return n < 0 ? (int)n : 0;
}

int phase_send(int socket_fd, const struct record *record)
{
	return send_record(socket_fd, record, 0);
}

int phase_send_now(int socket_fd, const struct record *record)
{
	return send_record(socket_fd, record, MSG_DONTWAIT);
}

bool phase_check(struct record *record, enum direction direction)
{
	if (record->size != sizeof *record || record->phase == PH_NONE || record->phase >= PH__N ||
	    phases[record->phase].direction != direction)
		return false;
	if (record->phase == PH_FAILED) {
		struct err *err = &record->err;

		err->wall[sizeof err->wall - 1] = '\0';
		err->op[sizeof err->op - 1] = '\0';
		err->subject[sizeof err->subject - 1] = '\0';
		err->hint[sizeof err->hint - 1] = '\0';
		if (err->code <= E_NONE || err->code >= E__N)
			return false;
	}
	if (record->phase == PH_MISSED)
		record->missed.path[sizeof record->missed.path - 1] = '\0';
	return record->phase != PH_REFUSED || refused_call_check(&record->refused);
}

int phase_receive(int socket_fd, enum direction direction, struct record *ret_record)
{
	long n;

	/*
	 * A peer that ended with a record of ours unread is reported first, once,
	 * and before what it had sent: asked again, that comes, and then EOF.
	 */
	do {
		n = sys_call6(SYS_recvfrom, socket_fd, (long)ret_record, sizeof *ret_record, 0, 0,
			      0);
	} while (n == -EINTR || n == -ECONNRESET);
	if (n <= 0)
		return (int)n;
	if (n != sizeof *ret_record || !phase_check(ret_record, direction))
		return -EPROTO;
	return 1;
}
