/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a call asks, and the built-in log: see call.h. */
#include "bindings/call.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LOG_BURST = 50,	    /* messages at once */
	LOG_EVERY_MS = 100, /* and from then on one each */
};

static uint64_t started[BINDINGS_MAX]; /* calls of each */
static int64_t log_full_ms;	       /* when LOG_BURST messages are free again */

/*** The built-in log ***/

/* Arguments with blanks between, or else the input. */
static void read_message(struct call *call)
{
	char *text = call->record.text;
	size_t len = 0;

	for (const char *arg = wire_next_arg(&call->request, NULL); arg;
	     arg = wire_next_arg(&call->request, arg)) {
		(void)snprintf(text + len, RECORD_TEXT - len, "%s%s", len ? " " : "", arg);
		len += strlen(text + len);
	}
	if (len)
		return;
	ssize_t n = pread(call->input_fd, text, RECORD_TEXT - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
}

/* The burst fills up again with time: it is full at log_full_ms. */
static bool may_log(void)
{
	int64_t now_ms = loop_now_ms();
	int64_t full_ms = log_full_ms > now_ms ? log_full_ms : now_ms;

	if (full_ms + LOG_EVERY_MS > now_ms + (int64_t)LOG_BURST * LOG_EVERY_MS)
		return false;
	log_full_ms = full_ms + LOG_EVERY_MS;
	return true;
}

static void append_to_log(struct call *call)
{
	if (!may_log()) {
		call_refuse(call, CALL_RATE);
		return;
	}
	read_message(call);
	call_decide(call, CALL_LOGGED);
	call_end_answer(call);
}

/*** The request ***/

static bool is_gone(const struct call *call)
{
	struct pollfd peer = { .fd = call->socket.fd };

	return poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP);
}

/* The request is whole. May release call. */
static void complete(struct call *call)
{
	uint64_t *count = &started[call->record.binding];

	/* One who is gone may have been killed halfway: then this is half of a request. */
	if (is_gone(call) && call->binding->program) {
		call_hang_up(call);
		return;
	}
	(void)loop_change(&call->socket, 0);
	if (call->binding->max_calls != LIMIT_NONE && *count >= call->binding->max_calls) {
		call->state = STATE_QUEUED;
		call_refuse(call, CALL_TOO_MANY);
		return;
	}
	++*count;
	call->state = STATE_QUEUED;
	if (!call->binding->program) {
		append_to_log(call);
		return;
	}
	running_queue(call);
}

/* Whether call still asks. */
static bool take_args(struct call *call)
{
	const struct plan_binding *binding = call->binding;

	call->has_args = true;
	if (call->request.args_len && binding->args == BINDING_ARGS_NONE) {
		call_refuse(call, CALL_ARGUMENTS);
		return false;
	}
	call->record.input_bytes = call->request.args_len;
	if (binding->max_input && call->record.input_bytes > binding->max_input) {
		call_refuse(call, CALL_OVERSIZE);
		return false;
	}
	/* Nothing to wait for: the client may stop too. */
	if (binding->max_input == 0 || (!binding->program && call->request.args_len)) {
		wire_write_head(call->buffer, WIRE_NO_INPUT, 0);
		call->buffer_len = WIRE_FRAME_BYTES;
		if (call_flush(call))
			complete(call);
		return false;
	}
	return true;
}

/* Whether call still asks. */
static bool take_input(struct call *call, const uint8_t *data, size_t len)
{
	if (len > call->binding->max_input ||
	    call->record.input_bytes + len > call->binding->max_input) {
		call_refuse(call, CALL_OVERSIZE);
		return false;
	}
	call->record.input_bytes += len;
	while (len) {
		ssize_t n = write(call->input_fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)snprintf(call->why, sizeof call->why, "%s", strerror(errno));
			call_refuse(call, CALL_BUSY);
			return false;
		}
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static void take_request(struct call *call, const uint8_t *data, size_t len)
{
	size_t used;

	if (!call->has_args) {
		switch (wire_read(&call->request, data, len, &used)) {
		case WIRE_MORE:
			return;
		case WIRE_BAD:
			call_refuse(call, CALL_MALFORMED);
			return;
		case WIRE_INPUT:
			break;
		}
		data += used;
		len -= used;
		if (!take_args(call))
			return;
	}
	if (len)
		(void)take_input(call, data, len);
}

void call_hear(struct call *call)
{
	static uint8_t data[CALL_BUFFER_BYTES];
	ssize_t n = recv(call->socket.fd, data, sizeof data, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		call_hang_up(call);
	} else if (call->state == STATE_DRAINING) {
		if (n == 0)
			call_end_answer(call);
	} else if (n > 0) {
		take_request(call, data, (size_t)n);
	} else if (call->has_args) {
		complete(call);
	} else {
		call_refuse(call, CALL_MALFORMED); /* it ended within its arguments */
	}
}

void call_ask_late(struct timer *timer)
{
	struct call *call = CONTAINER_OF(timer, struct call, timer);

	if (call->state == STATE_DRAINING)
		call_end_answer(call);
	else
		call_refuse(call, CALL_LATE);
}
