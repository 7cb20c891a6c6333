/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded copy from one descriptor to another, driven by somebody else's poll(2).
 *
 * Used for the payload's stdout and stderr when an output limit applies (our
 * pipe -> the caller's stdout), and both ways between a pty and the caller's terminal.
 *
 * One turn of the loop:
 *
 *	relay_prepare(r, &fds[i]);	which two descriptors to watch for what
 *	poll(fds, ...)
 *	relay_step(r, &fds[i]);		at most one read and one write, neither blocks
 *
 * until relay_is_done(). When the payload has ended, relay_finish() makes the
 * source end where it is now, however many others still hold its write end.
 */
#ifndef AISBX_BOX_RELAY_H
#define AISBX_BOX_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "box/supervise/tails.h"

enum {
	RELAY_BUFFER_BYTES = 64 * 1024,
	RELAY_POLL_FDS = 2,
};

/* Deadline that never comes. */
#define RELAY_FOREVER INT64_MAX

enum relay_flags {
	/* Nobody else's reads depend on the source's open file description: it is made O_NONBLOCK. */
	RELAY_OWN_SOURCE = 1 << 0,
	/* Close the source when it ends or the sink is gone (then its writers get SIGPIPE). */
	RELAY_CLOSE_SOURCE = 1 << 1,
};

/* About 64 KiB: static or on the heap. All fields but the documented ones are relay.c's. */
struct relay {
	/* For all to read: */
	uint64_t seen_bytes;   /* read from the source, passed on or not */
	uint64_t passed_bytes; /* written to the sink */
	bool over;	 /* the source had more than the budget allowed; the rest is discarded */
	bool ended;	 /* the source is at its end (EOF, EIO of a pty, relay_finish) */
	bool broken;	 /* the sink takes nothing any more */
	int sink_errnum; /* why: EPIPE, ENOSPC, EIO ...; 0 while it does */

	int source_fd; /* -1 once closed */
	int sink_fd;
	bool source_own;
	bool source_close;
	bool sink_reopened;  /* sink_fd is a description of our own */
	bool sink_is_socket; /* send(MSG_DONTWAIT) */
	bool sink_try;	     /* a write never blocks, POLLOUT or not */
	bool finishing;
	uint64_t *budget_bytes;	  /* shared by several relays; NULL: no limit */
	struct tails *tails;	  /* shares the budget out, see relay_keep(); NULL: nobody does */
	unsigned stream;	  /* of tails */
	uint64_t head_left_bytes; /* what may still be passed on as it comes */
	uint64_t head_bytes;	  /* what was, when the tail began; UINT64_MAX: it did not */
	uint64_t tail_bytes;	  /* given to tails */
	bool gap;		  /* between head and tail */
	uint64_t unread_bytes;	  /* left in a source that was closed early */
	uint64_t unwanted_bytes;  /* the reader went away before it had them */
	uint64_t left_bytes;	  /* when finishing: what may still be taken */
	size_t sink_chunk_bytes;
	size_t start, end; /* buffer[start..end) is taken and not yet written */
	char buffer[RELAY_BUFFER_BYTES];
};

/*
 * The source stays the caller's to close unless RELAY_CLOSE_SOURCE is given. The
 * sink is borrowed, its flags are not touched; where possible it is opened a second
 * time (relay_reopen), because only a description of our own may be O_NONBLOCK.
 *
 * budget_bytes: what may still be taken for passing on, counted down by every relay
 * that shares it; it must outlive the relay. NULL: no limit.
 */
void relay_init(struct relay *relay, int source_fd, int sink_fd, uint64_t *budget_bytes,
		unsigned flags);

/*
 * The first head_bytes are passed on as they come, within the budget. With a tail (stream
 * is not NO_TAIL) what comes after them is given to tails: it never makes the relay
 * `over`, and the source is read however slow the sink is. The tail goes out when all
 * streams that share the budget have ended. Without one, only the budget is shared.
 * Must: follow relay_init(), with the budget that tails has.
 */
void relay_keep(struct relay *relay, struct tails *tails, unsigned stream, uint64_t head_bytes);

/*
 * Fills out[0] (source) and out[1] (sink); fd is -1 where there is nothing to wait
 * for. The sink is watched even when nothing is to be written, for POLLERR: so the
 * payload learns at once that `head` has ended.
 */
void relay_prepare(const struct relay *relay, struct pollfd out[RELAY_POLL_FDS]);

/*
 * Must: be given the entries that relay_prepare filled, with poll's revents. Never
 * blocks. After it: ask over, broken, relay_is_done().
 */
void relay_step(struct relay *relay, const struct pollfd fds[RELAY_POLL_FDS]);

/*
 * For after the payload's end: the source ends after what is in it now. Goes on
 * being driven by prepare and step until relay_is_done(). Does not block.
 */
void relay_finish(struct relay *relay);

/*
 * relay_finish() and a loop of its own, until all is written or the deadline
 * (CLOCK_MONOTONIC, ms; RELAY_FOREVER) has come. What the sink takes without waiting
 * is written even when the deadline has already passed, so several relays can be
 * drained one after the other with one deadline. Returns whether all was delivered.
 */
bool relay_drain(struct relay *relay, int64_t deadline_ms);

/* Nothing is left to do: the sink is gone, or the source ended and all is written. */
bool relay_is_done(const struct relay *relay);

/*
 * Why bytes were lost, 0: they were not, or nobody wants them (EPIPE). What feeds
 * the source may not have learnt of it.
 */
int relay_lost(const struct relay *relay);

/* Where bytes are missing in what was passed on, and how many; the first place of several. */
struct cut {
	uint64_t bytes; /* 0: none */
	uint64_t at;	/* so many were passed on before it */
};

/*
 * What the source had and the sink did not get, for whatever reason but that its reader
 * went away. Exact once the relay is done or will not be driven any more; not for a pty.
 */
struct cut relay_cut(const struct relay *relay);

/* Releases what the relay owns. Buffered bytes are dropped (back into the budget). Idempotent. */
void relay_close(struct relay *relay);

/*
 * A second, O_NONBLOCK | O_CLOEXEC description of the pipe or terminal behind fd, for
 * descriptors that are shared with the caller: the flag on theirs would outlive us in
 * their shell. access: O_RDONLY, O_WRONLY or O_RDWR. Returns an fd, or -1 where there is
 * none: other kinds of file, a pty master, a pipe or terminal of another user.
 */
int relay_reopen(int fd, int access);

#endif
