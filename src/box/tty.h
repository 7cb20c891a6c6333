/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The payload's terminal: a pty of the box's own, so that the caller's terminal is
 * never inside. Half of this file runs in the box before exec, half in the supervisor.
 *
 *	caller's terminal <-> supervisor (struct tty) <-> master | slave <-> payload
 */
#ifndef AISBX_BOX_TTY_H
#define AISBX_BOX_TTY_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <termios.h>

#include "base/err.h"
#include "box/supervise/relay.h"

/*** In the box, after clone: no heap, no stdio. Errors are of the wall "terminal". ***/

/*
 * A new pair from the box's own devpts. Must: /dev/pts is mounted (newinstance,
 * ptmxmode=0666). Both are O_CLOEXEC | O_NOCTTY and the caller's to close; whoever
 * sent the master closes its copy at once, or a hangup never reaches the payload.
 */
int tty_open(int *ret_master, int *ret_slave, struct err *reterr);

/* One message of one byte with the master, over a SOCK_SEQPACKET. Does not close it. */
int tty_send_master(int socket_fd, int master, struct err *reterr);

/*
 * In the payload, after setsid(): makes the slave the controlling terminal and puts it
 * on those of the descriptors 0, 1 and 2 whose bit (1 << fd) is set; the others stay.
 * The slave itself stays open too (O_CLOEXEC) unless it is one of them.
 */
int tty_attach(int slave, unsigned which_fds, struct err *reterr);

/*** In the supervisor ***/

enum {
	TTY_POLL_FDS = 2 * RELAY_POLL_FDS,
	/* A job that is put into the foreground while it runs is not told (no SIGCONT). */
	TTY_FOREGROUND_CHECK_MS = 250,
};

/* 128 KiB of buffers: static or on the heap. */
struct tty {
	/* For all to read: */
	bool hung_up; /* the caller's terminal is gone; the payload's session has its SIGHUP */
	struct relay input;  /* terminal -> master */
	struct relay output; /* master -> terminal: passed_bytes, seen_bytes, over */

	int terminal_fd;   /* our own description of the caller's terminal, or theirs */
	bool terminal_own; /* it is our own: O_NONBLOCK, and ours to close */
	int master_fd;	   /* -1 before tty_start and after a hangup */
	int slave_fd;	   /* held so that the master sees no EIO while the payload has it closed */
	bool foreground;   /* as of the last look: our process group may read and set modes */
	volatile sig_atomic_t restored;	    /* no raw mode and no reading any more */
	volatile sig_atomic_t raw;	    /* the terminal is in the mode that we set */
	volatile sig_atomic_t guardian_fd;  /* write end; -1: none */
	volatile sig_atomic_t guardian_pid; /* 0: none */
	struct termios saved_modes;
	struct termios raw_modes;
	struct winsize saved_size;
};

/*
 * Receives what tty_send_master sent and checks that it is a pty master (TIOCGPTN).
 * Blocks until the message is there, so poll first. The master is the caller's to
 * close, O_CLOEXEC; other descriptors that came along are closed.
 */
int tty_receive_master(int socket_fd, int *ret_master, struct err *reterr);

/*
 * Saves modes and window size of the caller's terminal, changes nothing. terminal_fd is
 * borrowed. -ENOTTY when it is none. Every other function may be called on a tty for
 * which this succeeded, in any state; all but tty_start do nothing before tty_start.
 */
int tty_init(struct tty *tty, int terminal_fd, struct err *reterr);

/*
 * Gives the pty the terminal's modes and size, starts the guardian, and, when our process
 * group is in the foreground, puts the terminal into raw mode. In the background, and when
 * the terminal is not our controlling terminal, it is left alone: written to, never read.
 *
 * Must: init, payload and every process that outlives the supervisor are forked already
 *	 (nobody else may hold the write end of the guardian's pipe); the payload waits
 *	 until this returned, or it sees default modes and size 0x0.
 * Must not: have a SIGCHLD handler that reaps with waitpid(-1); unblock SIGTTIN or SIGTTOU
 *	 afterwards: they are blocked here, because a supervisor in the background must not
 *	 be stopped by its own relaying.
 * After it: the master is the tty's, O_NONBLOCK. On failure it stays the caller's.
 * budget_bytes: as in relay_init, for what the payload writes to its terminal.
 */
int tty_start(struct tty *tty, int master, uint64_t *budget_bytes, struct err *reterr);

/*
 * One turn of the loop: as relay_prepare and relay_step, with 4 entries. tty_prepare
 * returns how long poll may wait at most, in ms, -1 for ever. Also finds out whether we
 * have come to the foreground or gone to the background, and changes modes accordingly.
 */
int tty_prepare(struct tty *tty, struct pollfd out[TTY_POLL_FDS]);
void tty_step(struct tty *tty, const struct pollfd fds[TTY_POLL_FDS]);

/* On SIGWINCH: hands the terminal's window size on to the pty. */
void tty_resize(struct tty *tty);
/* Before the supervisor stops itself (SIGTSTP): back to the saved modes. */
void tty_stop(struct tty *tty);
/* On SIGCONT, whatever had stopped it: raw again when in the foreground; window size. */
void tty_continue(struct tty *tty);

/*
 * After the payload's end: input stops, the output ends after what the pty holds now. Goes
 * on being driven by prepare and step until tty_is_done().
 */
void tty_finish(struct tty *tty);
bool tty_is_done(const struct tty *tty);
/* tty_finish() and the waiting for it: see relay_drain. */
bool tty_drain(struct tty *tty, int64_t deadline_ms);

/*
 * Back to the saved modes; ends and reaps the guardian. Idempotent, async-signal-safe,
 * keeps errno. Must: drain before. The relays may still be used after it.
 */
void tty_restore(struct tty *tty);

/* tty_restore(), and closes everything: a payload that still runs gets SIGHUP. Idempotent. */
void tty_close(struct tty *tty);

#endif
