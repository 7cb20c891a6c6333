/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Happy eyeballs.
 *
 * Theory of operation
 *
 *	start ---> attempt 1 ---250 ms---> attempt 2 ---250 ms---> ... ---> deadline
 *	               |                       |
 *	               +-- failed: the next one at once; was it the last: the deadline is now
 *	               +-- connected: the others are closed, done
 *
 * An attempt is in progress while its watch is set: a descriptor is closed where its watch
 * ends, or handed to the caller there. On loopback the handshake is over when connect(2)
 * returns, though it says EINPROGRESS: then nothing is waited for. A dial whose attempts all
 * fail at once ends through its deadline.
 */
#include "broker/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* How near an attempt came that ended with this error. */
static int nearness(int error)
{
	switch (-error) {
	case ECONNREFUSED:
	case ECONNRESET:
		return 6;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return 5;
	case EHOSTUNREACH:
		return 4;
	case ETIMEDOUT:
		return 3;
	default: /* EADDRNOTAVAIL: no free port; also how IPv6 fails where it is switched off */
		return 2;
	case ENETUNREACH: /* a host without one of the families says so for each address of it */
		return 1;
	case 0:
		return 0;
	}
}

static void note_error(struct dial *dial, int error)
{
	if (nearness(error) > nearness(dial->error))
		dial->error = error;
}

/* Takes the descriptor out of the attempt. */
static int release(struct dial_attempt *attempt)
{
	int fd = attempt->watch.fd;

	loop_unwatch(&attempt->watch);
	return fd;
}

void dial_cancel(struct dial *dial)
{
	timer_cancel(&dial->stagger);
	timer_cancel(&dial->deadline);
	for (size_t i = 0; i < dial->started; i++)
		close_keeping_errno(release(&dial->attempts[i]));
}

static bool is_connected(int fd)
{
	struct pollfd socket = { .fd = fd, .events = POLLOUT };

	return poll(&socket, 1, 0) > 0 && !(socket.revents & (POLLERR | POLLHUP));
}

/* 0: in progress; 1: connected, *ret_fd is the caller's; or -errno. */
static int attempt_start(struct dial_attempt *attempt, int *ret_fd)
{
	static const int yes = 1, keep_idle_s = 60;
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(&attempt->address, attempt->dial->port, &sa);
	_cleanup_close_ int fd =
		socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int r = 0;

	if (fd < 0)
		return -errno;
	/* Both ends of the broker are copied from: what arrives goes on at once. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	/* Urgent bytes are bytes of the stream: the pump passes them on as such. */
	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof yes);
	/* A program's own probes end at the broker: these keep the way open, and find it gone. */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keep_idle_s, sizeof keep_idle_s);
	if (connect(fd, (const struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS)
		return -errno;
	if (is_connected(fd)) {
		*ret_fd = steal_fd(&fd);
		return 1;
	}
	r = loop_watch(&attempt->watch, fd, EPOLLOUT);
	if (r < 0)
		return r;
	(void)steal_fd(&fd);
	return 0;
}

static void succeed(struct dial *dial, struct dial_attempt *attempt, int fd)
{
	dial_cancel(dial);
	dial->done(dial, fd, &attempt->address);
}

static void stagger_due(struct timer *timer);
static void deadline_due(struct timer *timer);

/* Starts the next attempt that does not fail at once. May end the dial. */
static void start_next(struct dial *dial)
{
	int r = -1, fd;

	while (r < 0 && dial->started < dial->attempts_len) {
		struct dial_attempt *attempt = &dial->attempts[dial->started++];

		r = attempt_start(attempt, &fd);
		if (r > 0) {
			succeed(dial, attempt, fd);
			return;
		}
		if (r < 0) {
			note_error(dial, r);
			dial->failed++;
		}
	}
	if (dial->started < dial->attempts_len)
		timer_set(&dial->stagger, DIAL_STAGGER_MS, stagger_due);
	else
		timer_cancel(&dial->stagger);
	if (dial->failed == dial->attempts_len)
		timer_set(&dial->deadline, 0, deadline_due);
}

static void stagger_due(struct timer *timer)
{
	struct dial *dial = CONTAINER_OF(timer, struct dial, stagger);

	start_next(dial);
}

static void deadline_due(struct timer *timer)
{
	struct dial *dial = CONTAINER_OF(timer, struct dial, deadline);

	if (dial->failed < dial->attempts_len)
		note_error(dial, -ETIMEDOUT);
	dial_cancel(dial);
	dial->done(dial, dial->error, NULL);
}

static void attempt_ready(struct watch *watch, uint32_t events)
{
	struct dial_attempt *attempt = CONTAINER_OF(watch, struct dial_attempt, watch);
	struct dial *dial = attempt->dial;
	int error = 0, fd;
	socklen_t len = sizeof error;

	(void)events; /* SO_ERROR says more */
	if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	fd = release(attempt);
	if (error != 0) {
		close_keeping_errno(fd);
		note_error(dial, -error);
		dial->failed++;
		start_next(dial);
		return;
	}
	succeed(dial, attempt, fd);
}

/* The first address from i on that is of this family; len when there is none. */
static size_t next_of(const struct address *addresses, size_t len, size_t i, bool is_v4)
{
	while (i < len && address_is_v4(&addresses[i]) != is_v4)
		i++;
	return i;
}

static void take_turns(struct dial *dial, const struct address *addresses, size_t len)
{
	bool is_v4 = address_is_v4(&addresses[0]);
	size_t next[2] = { next_of(addresses, len, 0, false), next_of(addresses, len, 0, true) };

	dial->attempts_len = 0;
	while (dial->attempts_len < len && dial->attempts_len < DIAL_ATTEMPTS_MAX) {
		if (next[is_v4] == len)
			is_v4 = !is_v4;
		dial->attempts[dial->attempts_len++] = (struct dial_attempt){
			.watch = { .fd = -1, .ready = attempt_ready },
			.dial = dial,
			.address = addresses[next[is_v4]],
		};
		next[is_v4] = next_of(addresses, len, next[is_v4] + 1, is_v4);
		is_v4 = !is_v4;
	}
}

void dial_start(struct dial *dial, const struct address *addresses, size_t len, uint16_t port)
{
	take_turns(dial, addresses, len);
	dial->started = 0;
	dial->failed = 0;
	dial->port = port;
	dial->error = 0;
	dial->stagger = (struct timer){ 0 };
	dial->deadline = (struct timer){ 0 };
	timer_set(&dial->deadline, DIAL_TIMEOUT_MS, deadline_due);
	start_next(dial);
}
