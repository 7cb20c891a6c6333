/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls.
 *
 * Theory of operation: a call is one connection. It passes the states of call.h in their order; a
 * refusal leads from any of the first four to STATE_ENDING. The request is taken whole, into memory
 * of a file without a name, before anything is made of it: a command sees all of it or does
 * not run. Bytes are all that comes from the box: what else it sends along (SCM_RIGHTS) is
 * dropped by the kernel, since nothing here has room for it. What a command
 * writes goes through one buffer, so a box that does not read holds its command up, until that
 * one's time is up.
 *
 * Each call has one timer and, while something runs, one keeper (keeper.h). It is released when
 * both its connection and its keeper are gone.
 */
#include "bindings/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bindings/call.h"

static struct {
	const struct plan_bindings *bindings;
	void (*changed)(void);
	struct call *first;
	size_t len;
} calls;

/*** For the other parts ***/

void calls_release(struct call *call)
{
	struct call **link = &calls.first;

	while (*link != call)
		link = &(*link)->next;
	*link = call->next;
	calls.len--;
	timer_cancel(&call->timer);
	close_keeping_errno(call->input_fd);
	call_decide(call, CALL_UNFINISHED);
	call->record.duration_ms = (uint64_t)(loop_now_ms() - call->begin_ms);
	record_call(&call->record);
	free(call);
	running_make_room();
	calls.changed();
}

bool calls_has_keeper(pid_t pid)
{
	for (const struct call *call = calls.first; call; call = call->next) {
		if (call->keeper.pid == pid)
			return true;
	}
	return false;
}

struct call *calls_first_queued(void)
{
	struct call *call = calls.first;

	while (call && call->state != STATE_QUEUED)
		call = call->next;
	return call;
}

/*** The connection ***/

static void on_socket(struct watch *watch, uint32_t events)
{
	struct call *call = CONTAINER_OF(watch, struct call, socket);
	bool is_asking = call->state == STATE_ASKING || call->state == STATE_DRAINING;

	if (is_asking) {
		call_hear(call);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		call_decide(call, CALL_ABANDONED);
		call_hang_up(call);
	} else if (call->state == STATE_ENDING) {
		if (call_flush(call))
			call_advance(call);
	} else {
		call_pump(call);
	}
}

/*** For the server ***/

void calls_init(const struct plan_bindings *bindings, uint64_t open_files, void (*changed)(void))
{
	calls.bindings = bindings;
	calls.changed = changed;
	running_init(bindings, open_files);
}

size_t calls_count(void)
{
	return calls.len;
}

void calls_add(size_t binding, bool is_framed, int socket_fd)
{
	struct call *call = calloc(1, sizeof *call), **link = &calls.first;
	int input_fd = memfd_create("request", MFD_CLOEXEC);

	if (!call || input_fd < 0) {
		free(call);
		(void)close(input_fd);
		(void)close(socket_fd);
		return;
	}
	call->binding = &calls.bindings->items[binding];
	call->record.binding = (uint32_t)binding;
	call->is_framed = is_framed;
	call->has_args = !is_framed;
	call->socket = (struct watch){ .fd = -1, .ready = on_socket };
	call->outputs[0].fd = call->outputs[1].fd = call->control.fd = -1;
	call->keeper = (struct keeper){ .pid = -1, .control_fd = -1 };
	call->begin_ms = loop_now_ms();
	call->input_fd = input_fd;
	while (*link)
		link = &(*link)->next;
	*link = call;
	calls.len++;
	call_set_timer(call, call_ask_late);
	if (loop_watch(&call->socket, socket_fd, EPOLLIN) < 0) {
		(void)close(socket_fd);
		call_hang_up(call);
	}
}

void calls_end_all(void)
{
	for (struct call *call = calls.first; call;) {
		struct call *next = call->next;

		if (call->state != STATE_DEAD) {
			call_decide(call, call->keeper.pid < 0 ? CALL_UNFINISHED : CALL_ABANDONED);
			call_hang_up(call);
		}
		call = next;
	}
}
