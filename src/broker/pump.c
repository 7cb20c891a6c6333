/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes between two sockets: see pump.h and splice(2).
 *
 * Watches are edge-triggered, so a flag says what a socket would still give or
 * take; it falls with EAGAIN and rises with an event. A pipe is held only
 * while there is something in it. Each direction moves a bounded amount a
 * turn; a pump with more to do goes to the end of a queue, so that a fast
 * connection does not starve the others.
 */
#include "broker/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PIPE_BYTES = 512 * 1024, /* wanted; an ordinary user's share may be used up, pipe(7) */
	TURN_BYTES = 4 * 1024 * 1024,
	SPARE_PIPES = 32,
};

struct pump_pipe {
	int read_fd;
	int write_fd;
	size_t queued;
	struct pump_pipe *next; /* spare */
};

static struct pump_pipe *spare;
static int spare_len;
static struct pump *ready_first, **ready_last = &ready_first;
static struct timer ready_timer;

/*** Pipes ***/

static struct pump_pipe *pipe_take(void)
{
	struct pump_pipe *taken = spare;
	int fds[2];

	if (taken) {
		spare = taken->next;
		spare_len--;
		return taken;
	}
	taken = calloc(1, sizeof *taken);
	if (!taken || pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0) {
		free(taken);
		return NULL;
	}
	(void)fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES); /* a smaller one works too */
	taken->read_fd = fds[0];
	taken->write_fd = fds[1];
	return taken;
}

static void pipe_drop(struct pump_pipe *pipe)
{
	if (pipe && pipe->queued == 0 && spare_len < SPARE_PIPES) {
		pipe->next = spare;
		spare = pipe;
		spare_len++;
	} else if (pipe) {
		(void)close(pipe->read_fd);
		(void)close(pipe->write_fd);
		free(pipe);
	}
}

/*** One direction ***/

/* Bytes moved, 0 when nothing can be moved now, or -errno. */
static ssize_t fill(struct pump_side *from)
{
	if (!from->pipe)
		from->pipe = pipe_take();
	if (!from->pipe)
		return -errno;
	ssize_t n = splice(from->watch.fd, NULL, from->pipe->write_fd, NULL, PIPE_BYTES,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0) {
		from->pipe->queued += (size_t)n;
		return n;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	from->readable = n < 0 && errno == EINTR;
	from->ended = n == 0;
	return 0;
}

static ssize_t drain(struct pump_side *from, struct pump_side *to)
{
	ssize_t n = splice(from->pipe->read_fd, NULL, to->watch.fd, NULL, from->pipe->queued,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0) {
		from->pipe->queued -= (size_t)n;
		from->bytes += (uint64_t)n;
		return n;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	to->writable = n < 0 && errno == EINTR;
	return 0;
}

static bool is_empty(const struct pump_side *side)
{
	return !side->pipe || side->pipe->queued == 0;
}

/* Moves what can be moved. 1: there is more for another turn; 0; or -errno. */
static int move(struct pump_side *from, struct pump_side *to)
{
	ssize_t moved = 0, n = 0;

	while (n >= 0 && moved < TURN_BYTES) {
		n = 0;
		if (is_empty(from)) {
			if (from->ended || !from->readable)
				break;
			n = fill(from);
		} else if (to->writable) {
			n = drain(from, to);
			moved += n;
		} else {
			break;
		}
	}
	if (n < 0)
		return (int)n;
	if (is_empty(from)) {
		pipe_drop(from->pipe);
		from->pipe = NULL;
	}
	if (from->ended && is_empty(from) && !from->shut) {
		from->shut = true;
		if (shutdown(to->watch.fd, SHUT_WR) < 0 && errno != ENOTCONN)
			return -errno;
	}
	return moved >= TURN_BYTES;
}

/*** Both ***/

static void run_ready(struct timer *timer);

static void queue(struct pump *pump)
{
	if (pump->is_ready)
		return;
	pump->is_ready = true;
	pump->next_ready = NULL;
	*ready_last = pump;
	ready_last = &pump->next_ready;
	if (!ready_timer.is_set)
		timer_set(&ready_timer, 0, run_ready);
}

static void unqueue(struct pump *pump)
{
	struct pump **at = &ready_first;

	if (!pump->is_ready)
		return;
	while (*at != pump)
		at = &(*at)->next_ready;
	*at = pump->next_ready;
	if (!*at)
		ready_last = at;
	pump->is_ready = false;
}

static void run(struct pump *pump)
{
	struct pump_side *side = pump->side;
	int there = move(&side[0], &side[1]);
	int back = there < 0 ? 0 : move(&side[1], &side[0]);

	if (there < 0 || back < 0)
		pump->done(pump, there < 0 ? there : back);
	else if (side[0].shut && side[1].shut)
		pump->done(pump, 0);
	else if (there || back)
		queue(pump);
}

/* One round: what is queued again meanwhile waits for the next turn of the loop. */
static void run_ready(struct timer *timer)
{
	struct pump *last = NULL;

	(void)timer;
	for (struct pump *pump = ready_first; pump; pump = pump->next_ready)
		last = pump;
	while (ready_first) {
		struct pump *pump = ready_first;
		bool was_last = pump == last;

		unqueue(pump);
		run(pump);
		if (was_last)
			break;
	}
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct pump_side *side = (struct pump_side *)watch; /* its first field */

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		side->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		side->writable = true;
	run(side->pump);
}

int pump_start(struct pump *pump, int fd0, int fd1, void (*done)(struct pump *, int))
{
	int fds[2] = { fd0, fd1 };

	*pump = (struct pump){ .done = done };
	for (int i = 0; i < 2; i++) {
		pump->side[i] =
			(struct pump_side){ .pump = pump, .readable = true, .writable = true };
		pump->side[i].watch.ready = on_event;
		pump->side[i].watch.fd = -1;
	}
	for (int i = 0; i < 2; i++) {
		int r = loop_watch(&pump->side[i].watch, fds[i],
				   EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
		if (r < 0) {
			loop_unwatch(&pump->side[0].watch);
			(void)close(fd0);
			(void)close(fd1);
			pump->side[0].watch.fd = pump->side[1].watch.fd = -1;
			return r;
		}
	}
	return 0;
}

void pump_close(struct pump *pump, bool reset)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	unqueue(pump);
	for (int i = 0; i < 2; i++) {
		int fd = pump->side[i].watch.fd;

		pipe_drop(pump->side[i].pipe);
		pump->side[i].pipe = NULL;
		if (fd < 0)
			continue;
		if (reset)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		loop_unwatch(&pump->side[i].watch);
		(void)close(fd);
	}
}
