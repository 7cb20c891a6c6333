/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a call ends, and what goes back: see call.h. */
#include "bindings/call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"

enum {
	ANSWER_MS = 5000, /* for a box to take the end of its answer */
	KEEPER_MS = 3000, /* for a keeper to end what runs */
	STATUS_TIMEOUT = 124,
	STATUS_REFUSED = 125,
	STATUS_SIGNAL = 128,
};

/*** Ends ***/

void call_decide(struct call *call, enum call_end end)
{
	if (call->is_decided)
		return;
	call->is_decided = true;
	call->record.end = end;
}

bool call_is_refused(const struct call *call)
{
	return call->is_decided && call->record.end >= CALL_REFUSED_FROM;
}

/*
 * Not loop_close(): a keeper that was just forked has its copies still, and for epoll(7) what is
 * open anywhere is open.
 */
void call_drop(struct watch *watch)
{
	int fd = watch->fd;

	loop_unwatch(watch);
	close_keeping_errno(fd);
}

static void on_keeper_late(struct timer *timer)
{
	struct call *call = CONTAINER_OF(timer, struct call, timer);

	/* What runs has become another user's. It loses its pipes; its keeper goes on waiting. */
	running_give_up(call);
	calls_release(call);
}

/* The connection is over, in one way or another. May release call. */
void call_hang_up(struct call *call)
{
	call_drop(&call->socket);
	call_drop(&call->outputs[0]);
	call_drop(&call->outputs[1]);
	call->state = STATE_DEAD;
	if (call->keeper.pid < 0) {
		calls_release(call);
		return;
	}
	keeper_end(&call->keeper);
	timer_set(&call->timer, KEEPER_MS, on_keeper_late);
}

void call_answer_late(struct timer *timer)
{
	call_hang_up(CONTAINER_OF(timer, struct call, timer));
}

void call_set_timer(struct call *call, void (*due)(struct timer *timer))
{
	if (call->binding->timeout_ms == LIMIT_NONE)
		timer_cancel(&call->timer);
	else
		timer_set(&call->timer, (int64_t)call->binding->timeout_ms, due);
}

/*** The answer ***/

/* False when call is gone. */
bool call_flush(struct call *call)
{
	while (call->buffer_len) {
		ssize_t n = send(call->socket.fd, call->buffer + call->buffer_at, call->buffer_len,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return loop_change(&call->socket, EPOLLOUT) == 0;
		if (n < 0) {
			call_decide(call, CALL_ABANDONED);
			call_hang_up(call);
			return false;
		}
		call->buffer_at += (size_t)n;
		call->buffer_len -= (size_t)n;
	}
	call->buffer_at = 0;
	return true;
}

static uint8_t exit_status(const struct call *call)
{
	switch ((enum call_end)call->record.end) {
	case CALL_EXITED:
		return (uint8_t)call->record.status;
	case CALL_SIGNALED:
		return (uint8_t)(STATUS_SIGNAL + call->record.status);
	case CALL_LOGGED:
		return 0;
	case CALL_TIMEOUT:
		return STATUS_TIMEOUT;
	case CALL_OUTPUT_LIMIT:
	case CALL_ABANDONED:
	case CALL_FAILED:
	case CALL_OVERSIZE:
	case CALL_LATE:
	case CALL_MALFORMED:
	case CALL_ARGUMENTS:
	case CALL_SCHEMA:
	case CALL_TOO_MANY:
	case CALL_BUSY:
	case CALL_RATE:
	case CALL_UNFINISHED:
	case CALL_END__N:
		break;
	}
	return STATUS_REFUSED;
}

/* What the command's own end says is its business; for a plain client there is no other word. */
static int format_reason(const struct call *call, char *text, size_t size)
{
	const char *name = call->binding->name;
	const char *why = call_ends[call->record.end].why;
	uint8_t status = exit_status(call);

	if (status == 0 || (call->is_framed && call->record.end == CALL_EXITED))
		return 0;
	if (call->record.end == CALL_EXITED)
		return snprintf(text, size, "aisbx: binding '%s': it exited with status %d\n", name,
				status);
	if (call->record.end == CALL_SIGNALED)
		return snprintf(text, size, "aisbx: binding '%s': it was ended by signal %d\n",
				name, call->record.status);
	return snprintf(text, size, "aisbx: binding '%s': %s%s%s\n", name, why,
			call->why[0] ? ": " : "", call->why);
}

/* Nothing more comes from what ran: the end of the answer. May release call. */
void call_end_answer(struct call *call)
{
	uint8_t *at = call->buffer;
	char reason[WIRE_END_MAX];
	int len = format_reason(call, reason, sizeof reason - 1);

	call->state = STATE_ENDING;
	timer_set(&call->timer, ANSWER_MS, call_answer_late);
	if (call->is_framed) {
		wire_write_head(at, WIRE_END, 1 + (size_t)len);
		at += WIRE_FRAME_BYTES;
		*at++ = exit_status(call);
	}
	memcpy(at, reason, (size_t)len);
	call->buffer_at = 0;
	call->buffer_len = (size_t)(at - call->buffer) + (size_t)len;
	if (call_flush(call) && !call->buffer_len)
		call_hang_up(call);
}

void call_refuse(struct call *call, enum call_end end)
{
	call_decide(call, end);
	/* Who writes first and reads then would never see why: it may write on, to nobody. */
	if (call->state == STATE_ASKING && !call->is_framed && end != CALL_LATE)
		call->state = STATE_DRAINING;
	else
		call_end_answer(call);
}
