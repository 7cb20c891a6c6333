/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded copy from one descriptor to another.
 *
 * Theory of operation
 *
 *	source --read--> buffer[start..end) --write--> sink
 *	            |                          ^
 *	            +--> tails -- at the end --+	what is not head, see relay_keep()
 *	            +--> discarded, once the budget is used up
 *
 * The budget is charged when bytes enter the buffer, so two relays that share it can
 * never promise the same byte twice; bytes that a broken sink leaves behind are given
 * back. `over` needs one byte too many: exactly the budget is not over it. A tail that
 * is held is charged too, see tails.h.
 *
 * Not blocking without O_NONBLOCK. The sink is the caller's and a flag on it would be
 * seen by the caller's shell. In order of preference:
 *  - pipe, terminal: a description of our own (relay_reopen);
 *  - socket: MSG_DONTWAIT;
 *  - regular file: never blocks in poll's sense;
 *  - pipe that cannot be reopened (another user's): PIPE_BUF bytes after POLLOUT, which
 *    fit unless another writer of the same pipe comes in between;
 *  - terminal that cannot be reopened: n_tty says POLLOUT for one free byte and its
 *    write() waits for room for all, so one byte at a time. Slow, rare, and not stuck.
 *
 * Not splice(2): a copy keeps up with a pipe's writer and reader (over 1 GB/s on two
 * cores), a full sink needs the buffer anyway, and spliced pages stay writable for a
 * payload that put them in with vmsplice.
 */
#include "box/supervise/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	/* More than a pty can hold (8 KiB of flip buffers, 4 KiB of line discipline). */
	FINISH_PTY_BYTES = 64 * 1024,
	BEYOND_BYTES = 16 * 1024,
};

#define SINK_GONE (POLLERR | POLLHUP | POLLNVAL)

int relay_reopen(int fd, int access)
{
	char path[32];
	struct stat st;
	unsigned number;
	int own;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return -1;
	if (S_ISCHR(st.st_mode) && !isatty(fd))
		return -1;
	/* Opening ptmx again would make another pty. */
	if (S_ISCHR(st.st_mode) && ioctl(fd, TIOCGPTN, &number) == 0)
		return -1;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd); /* always fits */
	own = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own < 0 ? -1 : own;
}

/* Decides how the sink is written to. */
static void choose_sink(struct relay *r, int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	int own;

	r->sink_fd = fd;
	r->sink_chunk_bytes = PIPE_BUF;
	if (fstat(fd, &st) < 0)
		return; /* the first write says what is wrong */
	if (S_ISSOCK(st.st_mode) || S_ISREG(st.st_mode) || (flags >= 0 && flags & O_NONBLOCK)) {
		r->sink_is_socket = S_ISSOCK(st.st_mode);
		r->sink_try = true;
		r->sink_chunk_bytes = sizeof r->buffer;
		return;
	}
	own = relay_reopen(fd, O_WRONLY);
	if (own >= 0) {
		r->sink_fd = own;
		r->sink_reopened = true;
		r->sink_try = true;
		r->sink_chunk_bytes = sizeof r->buffer;
	} else if (isatty(fd)) {
		r->sink_chunk_bytes = 1;
	}
}

void relay_init(struct relay *r, int source_fd, int sink_fd, uint64_t *budget_bytes, unsigned flags)
{
	r->seen_bytes = 0;
	r->passed_bytes = 0;
	r->over = false;
	r->ended = false;
	r->broken = false;
	r->sink_errnum = 0;
	r->source_fd = source_fd;
	r->source_own = flags & RELAY_OWN_SOURCE;
	r->source_close = flags & RELAY_CLOSE_SOURCE;
	r->sink_reopened = false;
	r->sink_is_socket = false;
	r->sink_try = false;
	r->finishing = false;
	r->budget_bytes = budget_bytes;
	r->left_bytes = UINT64_MAX;
	r->tails = NULL;
	r->stream = NO_TAIL;
	r->head_left_bytes = r->head_bytes = UINT64_MAX;
	r->tail_bytes = 0;
	r->gap = false;
	r->unread_bytes = r->unwanted_bytes = 0;
	r->start = r->end = 0;
	if (r->source_own) {
		int fl = fcntl(source_fd, F_GETFL);

		if (fl < 0 || fcntl(source_fd, F_SETFL, fl | O_NONBLOCK) < 0)
			r->source_own = false; /* then one read after each POLLIN */
	}
	choose_sink(r, sink_fd);
}

void relay_keep(struct relay *r, struct tails *tails, unsigned stream, uint64_t head_bytes)
{
	r->tails = tails;
	r->stream = stream;
	r->head_left_bytes = head_bytes;
	tails_begin(tails, stream);
}

static bool has_tail(const struct relay *r)
{
	return r->tails != NULL && r->stream != NO_TAIL;
}

static uint64_t held_bytes(const struct relay *r)
{
	return has_tail(r) ? r->tails->streams[r->stream].held_bytes : 0;
}

/* All that will ever be in it is there, and the head is before it. */
static bool is_tail_due(const struct relay *r)
{
	return held_bytes(r) > 0 && r->start == r->end && tails_are_whole(r->tails);
}

/* How much of what comes next may be passed on as it comes. */
static uint64_t head_room(const struct relay *r)
{
	uint64_t room = UINT64_MAX;

	if (r->tails)
		room = tails_room(r->tails, r->stream);
	else if (r->budget_bytes)
		room = *r->budget_bytes;
	return room < r->head_left_bytes ? room : r->head_left_bytes;
}

/* A tail, or discarding, needs no room in the buffer. */
static bool wants_source(const struct relay *r)
{
	return !r->ended && !r->broken && (r->end < sizeof r->buffer || head_room(r) == 0);
}

bool relay_is_done(const struct relay *r)
{
	return r->broken || (r->ended && r->start == r->end && held_bytes(r) == 0);
}

static void drop_sink(struct relay *r)
{
	if (r->sink_reopened)
		close_keeping_errno(r->sink_fd);
	r->sink_fd = -1;
	r->sink_reopened = false;
}

/* Of a pipe it is exact; 0 where it cannot be known. */
static uint64_t bytes_in_pipe(int fd)
{
	struct stat st;
	int pending;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
			       ioctl(fd, FIONREAD, &pending) == 0
		       ? (uint64_t)pending
		       : 0;
}

static void end_source(struct relay *r)
{
	r->ended = true;
	if (r->tails)
		tails_end(r->tails, r->stream);
	if (r->source_close)
		close_keeping_errno(r->source_fd);
	r->source_fd = -1;
}

/* Nobody waits for what was taken and not yet written. */
static void drop_rest(struct relay *r)
{
	r->unwanted_bytes += r->end - r->start + held_bytes(r);
	if (r->budget_bytes != NULL)
		*r->budget_bytes += r->end - r->start;
	r->start = r->end = 0;
	if (has_tail(r))
		tails_drop(r->tails, r->stream);
}

/* The sink is gone: what feeds the source gets SIGPIPE, as if it had written there itself. */
static void break_off(struct relay *r, int errnum)
{
	r->broken = true;
	r->sink_errnum = errnum;
	drop_rest(r);
	if (relay_lost(r)) {
		r->unwanted_bytes = 0;
		r->unread_bytes = bytes_in_pipe(r->source_fd);
	}
	drop_sink(r);
	end_source(r);
}

/* What is beyond the head. */
static void keep_or_discard(struct relay *r, const char *bytes, size_t len)
{
	if (!has_tail(r)) {
		r->over = true;
		return;
	}
	if (r->tail_bytes == 0)
		r->head_bytes = r->seen_bytes - len;
	r->head_left_bytes = 0; /* from here on there would be a gap before it */
	r->tail_bytes += len;
	tails_add(r->tails, r->stream, bytes, len);
}

static void charge(struct relay *r, size_t len)
{
	if (r->tails)
		tails_charge(r->tails, r->stream, len);
	else if (r->budget_bytes != NULL)
		*r->budget_bytes -= len;
	if (r->head_left_bytes != UINT64_MAX)
		r->head_left_bytes -= len;
}

/* One read from the source, into the buffer or away. */
static void take(struct relay *r)
{
	char rest[BEYOND_BYTES];
	uint64_t room = head_room(r);
	bool beyond = room == 0;
	char *to = beyond ? rest : r->buffer + r->end;
	uint64_t size = beyond ? sizeof rest : sizeof r->buffer - r->end;
	ssize_t n;

	if (!beyond && size > room)
		size = room;
	if (size > r->left_bytes)
		size = r->left_bytes;
	if (size == 0) {
		end_source(r);
		return;
	}
	do {
		n = read(r->source_fd, to, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		if (r->finishing)
			end_source(r);
		return;
	}
	if (n < 0 && errno != EIO) { /* what is in there is lost, and that is said */
		break_off(r, errno);
		return;
	}
	if (n <= 0) { /* EOF; EIO: the last slave of a pty is closed */
		end_source(r);
		return;
	}
	r->seen_bytes += (uint64_t)n;
	if (r->finishing)
		r->left_bytes -= (uint64_t)n;
	if (beyond) {
		keep_or_discard(r, rest, (size_t)n);
		return;
	}
	r->end += (size_t)n;
	charge(r, (size_t)n);
}

/* Into the buffer, which is empty. */
static size_t take_tail(struct relay *r)
{
	/* Known once nothing was taken out of it yet. */
	if (r->passed_bytes == r->head_bytes)
		r->gap = held_bytes(r) < r->tail_bytes;
	return tails_take(r->tails, r->stream, r->buffer, sizeof r->buffer);
}

/* One write to the sink. */
static void give(struct relay *r)
{
	size_t size = r->end - r->start;
	ssize_t n;

	if (size > r->sink_chunk_bytes)
		size = r->sink_chunk_bytes;
	do {
		if (r->sink_is_socket)
			n = send(r->sink_fd, r->buffer + r->start, size,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		else
			n = write(r->sink_fd, r->buffer + r->start, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno != EAGAIN)
			break_off(r, errno);
		return;
	}
	r->passed_bytes += (uint64_t)n;
	r->start += (size_t)n;
	if (r->start == r->end)
		r->start = r->end = 0;
}

/* Takes what is left, as far as there is room. Bounded by left_bytes. */
static void take_rest(struct relay *r)
{
	while (wants_source(r))
		take(r);
}

void relay_prepare(const struct relay *r, struct pollfd out[RELAY_POLL_FDS])
{
	bool reads = wants_source(r) && !r->finishing;

	out[0] = (struct pollfd){ .fd = reads ? r->source_fd : -1, .events = POLLIN };
	out[1] = (struct pollfd){
		.fd = relay_is_done(r) ? -1 : r->sink_fd,
		.events = r->start < r->end || is_tail_due(r) ? POLLOUT : 0,
	};
}

void relay_step(struct relay *r, const struct pollfd fds[RELAY_POLL_FDS])
{
	bool writable = fds[1].fd >= 0 && fds[1].revents & POLLOUT;

	if (relay_is_done(r))
		return;
	if (fds[1].fd >= 0 && fds[1].revents & SINK_GONE) {
		break_off(r, EPIPE);
		return;
	}
	if (fds[0].fd >= 0 && fds[0].revents != 0 && wants_source(r))
		take(r);
	if (is_tail_due(r))
		r->end = take_tail(r);
	if (r->start < r->end && (writable || r->sink_try))
		give(r);
	if (r->finishing)
		take_rest(r);
	if (relay_is_done(r))
		drop_sink(r);
}

void relay_finish(struct relay *r)
{
	struct stat st;

	if (r->finishing || r->ended)
		return;
	r->finishing = true;
	r->left_bytes = FINISH_PTY_BYTES; /* a pty does not tell what is on its way */
	if (fstat(r->source_fd, &st) == 0 && S_ISFIFO(st.st_mode))
		r->left_bytes = bytes_in_pipe(r->source_fd);
	if (!r->source_own)
		r->left_bytes = 0; /* a read might wait */
	take_rest(r);
}

/* For poll: 0 when the deadline has passed, -1 for ever. */
static int ms_until(int64_t deadline_ms)
{
	struct timespec now;
	int64_t left;

	if (deadline_ms == RELAY_FOREVER)
		return -1;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	left = deadline_ms - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

bool relay_drain(struct relay *r, int64_t deadline_ms)
{
	struct pollfd fds[RELAY_POLL_FDS];
	int n;

	relay_finish(r);
	while (!relay_is_done(r)) {
		relay_prepare(r, fds);
		n = poll(fds, RELAY_POLL_FDS, ms_until(deadline_ms));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		relay_step(r, fds);
	}
	return relay_is_done(r) && !r->broken;
}

int relay_lost(const struct relay *r)
{
	return r->sink_errnum == EPIPE || r->sink_errnum == ECONNRESET ? 0 : r->sink_errnum;
}

struct cut relay_cut(const struct relay *r)
{
	uint64_t taken = r->seen_bytes - r->passed_bytes - r->unwanted_bytes;

	return (struct cut){
		.bytes = taken + r->unread_bytes + bytes_in_pipe(r->source_fd),
		.at = r->gap ? r->head_bytes : r->passed_bytes,
	};
}

void relay_close(struct relay *r)
{
	drop_rest(r);
	drop_sink(r);
	if (!r->ended)
		end_source(r);
}
