/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes between two sockets: see pump.h and splice(2).
 *
 * Watches are edge-triggered, so a flag says what a socket would still give or
 * take; it falls with EAGAIN, or with less than was asked for, and rises with an
 * event. A pipe is held only while there is something in it. Each direction moves a bounded amount a
 * turn; a pump with more to do goes to the end of a queue, so that a fast
 * connection does not starve the others.
 */
#include "broker/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/connections.h"

enum {
	PIPE_BYTES = 1048576, /* wanted; an ordinary user's share may be used up, pipe(7) */
	TURN_BYTES = 4 * 1024 * 1024,
	SPARE_PIPES = 32,
	BUFFER_BYTES = 16 * 1024, /* as much at once is bulk */
};

struct pump_pipe {
	int read_fd;
	int write_fd;
	size_t queued;
	struct pump_pipe *next; /* spare */
};

static struct pump_pipe *spare;
static int spare_len;
static struct pump *pumps;
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

/*
 * Bytes moved into the pipe, 0, or -errno. 0 is no end: splice(2) stops at urgent data for good,
 * which recv(2) does not.
 */
static ssize_t fill(struct pump_side *from)
{
	if (!from->pipe)
		from->pipe = pipe_take();
	if (!from->pipe)
		return -errno;
	ssize_t n = splice(from->watch.fd, NULL, from->pipe->write_fd, NULL, PIPE_BYTES,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	from->is_bulk = n >= BUFFER_BYTES;
	if (n < 0)
		n = 0;
	from->pipe->queued += (size_t)n;
	return n;
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

/*
 * What send(2) took, 0 when it takes nothing now, or -errno. The last bytes wait for the end that
 * is in the queue behind them, which move() passes on at once: one segment instead of two.
 */
static ssize_t push(struct pump_side *from, struct pump_side *to, const char *bytes, size_t len)
{
	ssize_t n = send(to->watch.fd, bytes, len, MSG_NOSIGNAL | (from->hung_up ? MSG_MORE : 0));

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	if (n < 0)
		n = 0;
	to->writable = n == (ssize_t)len;
	from->bytes += (uint64_t)n;
	return n;
}

/* A buffer's worth, at once: bytes that went on, 0, or -errno. */
static ssize_t copy(struct pump_side *from, struct pump_side *to)
{
	static char buffer[BUFFER_BYTES];
	ssize_t n = recv(from->watch.fd, buffer, sizeof buffer, 0);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	from->ended = n == 0;
	from->is_bulk = n == BUFFER_BYTES;
	/* What comes later is an event of its own, an end that is there already is none. */
	from->readable = n == BUFFER_BYTES || (n > 0 && from->hung_up) || (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	ssize_t sent = push(from, to, buffer, (size_t)n);
	if (sent < 0 || sent == n)
		return sent;
	from->rest = malloc((size_t)(n - sent));
	if (!from->rest)
		return -ENOMEM;
	from->rest_len = (size_t)(n - sent);
	memcpy(from->rest, buffer + sent, from->rest_len);
	return sent;
}

static ssize_t push_rest(struct pump_side *from, struct pump_side *to)
{
	ssize_t n = push(from, to, from->rest, from->rest_len);

	if (n <= 0)
		return n;
	from->rest_len -= (size_t)n;
	if (from->rest_len) {
		memmove(from->rest, from->rest + n, from->rest_len);
	} else {
		free(from->rest);
		from->rest = NULL;
	}
	return n;
}

static bool is_empty(const struct pump_side *side)
{
	return !side->rest_len && (!side->pipe || side->pipe->queued == 0);
}

/* Moves something: bytes, 0 when nothing can be moved now, or -errno. */
static ssize_t step(struct pump_side *from, struct pump_side *to)
{
	if (!to->writable)
		return 0;
	if (from->rest_len)
		return push_rest(from, to);
	if (!is_empty(from))
		return drain(from, to);
	if (from->ended || !from->readable)
		return 0;
	ssize_t n = from->is_bulk ? fill(from) : 0;
	return n ? n : copy(from, to);
}

/* Moves what can be moved. 1: there is more for another turn; 0; or -errno. */
static int move(struct pump_side *from, struct pump_side *to)
{
	ssize_t moved = 0, n;

	do {
		n = step(from, to);
		moved += n;
	} while (n > 0 && moved < 2 * TURN_BYTES); /* bulk counts twice: in and out */
	if (n < 0)
		return (int)n;
	if (is_empty(from)) {
		pipe_drop(from->pipe);
		from->pipe = NULL;
	}
	if (from->ended && is_empty(from) && !from->shut) {
		from->shut = true;
		/* When the other direction is over too, closing says it all. */
		if (!to->shut && shutdown(to->watch.fd, SHUT_WR) < 0 && errno != ENOTCONN)
			return -errno;
	}
	return n > 0;
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

/* With an error what did not go on must not look as if it had been all. */
static void end(struct pump *pump, int error)
{
	unqueue(pump);
	*(pump->prev ? &pump->prev->next : &pumps) = pump->next;
	if (pump->next)
		pump->next->prev = pump->prev;
	for (int i = 0; i < 2; i++) {
		struct pump_side *side = &pump->side[i];

		pipe_drop(side->pipe);
		free(side->rest);
		if (error)
			connection_will_reset(side->watch.fd);
		loop_close(&side->watch);
	}
	pump->done(pump, error);
}

static void run(struct pump *pump)
{
	struct pump_side *side = pump->side;
	int there = move(&side[0], &side[1]);
	int back = there < 0 ? 0 : move(&side[1], &side[0]);

	if (there < 0 || back < 0)
		end(pump, there < 0 ? there : back);
	else if (side[0].shut && side[1].shut)
		end(pump, 0);
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
	struct pump_side *side = CONTAINER_OF(watch, struct pump_side, watch);

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		side->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		side->hung_up = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		side->writable = true;
	run(side->pump);
}

void pump_start(struct pump *pump, int fd0, int fd1, void (*done)(struct pump *, int))
{
	const int fds[2] = { fd0, fd1 };
	int r[2];

	*pump = (struct pump){ .done = done, .next = pumps };
	if (pumps)
		pumps->prev = pump;
	pumps = pump;
	for (int i = 0; i < 2; i++) {
		struct pump_side *side = &pump->side[i];

		side->pump = pump;
		side->writable = true;
		side->watch.ready = on_event;
		r[i] = loop_watch(&side->watch, fds[i], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
		side->watch.fd = fds[i];
	}
	/* A client has usually written already; the server's first bytes come as an event. */
	pump->side[0].readable = true;
	if (r[0] < 0 || r[1] < 0)
		end(pump, r[0] < 0 ? r[0] : r[1]);
	else
		run(pump);
}

bool pumps_have_more(uint64_t *ret_bytes)
{
	bool more = false;

	*ret_bytes = 0;
	for (const struct pump *pump = pumps; pump; pump = pump->next) {
		*ret_bytes += pump->side[0].bytes;
		more |= !pump->side[0].shut;
	}
	return more;
}

void pumps_finish(void)
{
	while (pumps)
		end(pumps, pumps->side[0].shut ? 0 : -EPIPE);
}
