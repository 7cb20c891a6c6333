/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The payload's terminal.
 *
 * Theory of operation
 *
 *	  caller's terminal            pty of the box
 *	+-------------------+       +-----------------+
 *	|   (raw) pts/7     |       | ptmx     pts/0  |
 *	+--+----------+-----+       +--+----------+---+
 *	   |          |                |          |
 *	guardian   supervisor ---------+       payload's session
 *	   |          |
 *	   +--<pipe---+
 *
 * The caller's terminal is in raw mode while we are in the foreground: every key is a byte
 * for the pty, whose line discipline makes signals of them inside the box. Job control of
 * the *supervisor* is what remains: it can be started in the background, stopped and
 * continued from outside. `raw` says whether the modes that are set are ours; they are
 * taken back only when they still are (put_back), so that a shell or an editor that has
 * the terminal now keeps its own.
 *
 * The guardian is a fork that holds the terminal and the read end of a pipe, with every
 * signal blocked. Each change of modes is announced by one byte: RAW before raw mode is
 * set, COOKED after it was taken back. At EOF, however the supervisor ended (its
 * descriptors are closed before its parent learns that it died), the last byte says
 * whether there is anything to put back. It cannot outlive the supervisor unless somebody
 * else holds the write end, hence the Must of tty_start. A SIGKILL to the whole process
 * group takes the guardian along: not protected.
 *
 * Nothing blocks: master and, where it can be had, a description of our own of the
 * terminal are O_NONBLOCK (relay.c has the rest). Modes are set with TCSANOW: it waits for
 * no output, and what was written in raw mode has been processed already.
 */
#include "box/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/sys.h"

#define WALL "terminal"

enum {
	RAW = 'r',
	COOKED = 'c',
};

#define GONE (POLLHUP | POLLERR | POLLNVAL)

/*** In the box: sys_* only, errno may be shared with another process here ***/

static int sys_ioctl(int fd, unsigned long request, long arg)
{
	return (int)sys_call3(SYS_ioctl, fd, request, arg);
}

int tty_open(int *ret_master, int *ret_slave, struct err *reterr)
{
	int unlock = 0;
	int master, slave, r;

	/* Not /dev/ptmx: a link may be missing, and the host's would be another devpts. */
	master = sys_open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
	if (master < 0)
		return err_wall(reterr, WALL, -master, "open", "/dev/pts/ptmx");
	r = sys_ioctl(master, TIOCSPTLCK, (long)&unlock);
	if (r < 0) {
		(void)sys_close(master);
		return err_wall(reterr, WALL, -r, "unlock", "/dev/pts/ptmx");
	}
	slave = sys_ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0) {
		(void)sys_close(master);
		return err_wall(reterr, WALL, -slave, "open the peer of", "/dev/pts/ptmx");
	}
	*ret_slave = slave;
	*ret_master = master;
	return 0;
}

int tty_send_master(int socket_fd, int master, struct err *reterr)
{
	int r = fds_send(socket_fd, &master, 1);

	return r < 0 ? err_wall(reterr, WALL, -r, "send", "pty master") : 0;
}

int tty_attach(int slave, unsigned which_fds, struct err *reterr)
{
	/* 0: never steal a terminal from another session. */
	int r = sys_ioctl(slave, TIOCSCTTY, 0);

	if (r < 0)
		return err_wall(reterr, WALL, -r, "take", "controlling terminal");
	for (int fd = 0; fd <= 2; fd++) {
		if (!(which_fds & 1u << fd))
			continue;
		/* dup3 of itself is an error; it only has to lose O_CLOEXEC. */
		r = (int)(fd == slave ? sys_call3(SYS_fcntl, fd, F_SETFD, 0)
				      : sys_call3(SYS_dup3, slave, fd, 0));
		if (r < 0)
			return err_wall(reterr, WALL, -r, "attach", "pty slave");
	}
	return 0;
}

/*** Receiving the master ***/

static bool is_master(int fd)
{
	unsigned number;

	return ioctl(fd, TIOCGPTN, &number) == 0;
}

int tty_receive_master(int socket_fd, int *ret_master, struct err *reterr)
{
	_cleanup_close_ int fd = -1;
	int r = fds_receive(socket_fd, &fd, 1);

	if (r == 0 && !is_master(fd))
		r = -EPROTO;
	if (r < 0)
		return err_wall(reterr, WALL, -r, "receive", "pty master");
	*ret_master = steal_fd(&fd);
	return 0;
}

/*** Modes of the caller's terminal; async-signal-safe ***/

/* Only ever true for our controlling terminal: tcgetpgrp fails on another. */
static bool is_foreground(int terminal)
{
	return tcgetpgrp(terminal) == getpgrp();
}

static void set_modes(int terminal, const struct termios *modes)
{
	sigset_t block, old;
	int r;

	/* From the background this would stop us; blocked, it is allowed. */
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &block, &old);
	do {
		r = tcsetattr(terminal, TCSANOW, modes);
	} while (r < 0 && errno == EINTR); /* other errors: it is gone, nothing to set */
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

/* c_cflag is left out: the drivers adjust it. */
static bool has_modes(int terminal, const struct termios *want)
{
	struct termios now;

	return tcgetattr(terminal, &now) == 0 && now.c_iflag == want->c_iflag &&
	       now.c_oflag == want->c_oflag && now.c_lflag == want->c_lflag;
}

/* In the background the terminal may be another program's by now, with modes of its own. */
static void put_back(int terminal, const struct termios *saved, const struct termios *raw)
{
	if (is_foreground(terminal) || has_modes(terminal, raw))
		set_modes(terminal, saved);
}

static void tell_guardian(const struct tty *tty, char state)
{
	ssize_t n;

	if (tty->guardian_fd < 0)
		return;
	do {
		n = write((int)tty->guardian_fd, &state, 1);
	} while (n < 0 && errno == EINTR); /* EPIPE: somebody killed it; we go on without */
}

/* raw first: a handler that calls tty_restore in between must find something to restore. */
static void enter_raw(struct tty *tty)
{
	tell_guardian(tty, RAW);
	tty->raw = true;
	set_modes(tty->terminal_fd, &tty->raw_modes);
}

static void leave_raw(struct tty *tty)
{
	if (!tty->raw)
		return;
	put_back(tty->terminal_fd, &tty->saved_modes, &tty->raw_modes);
	tty->raw = false;
	tell_guardian(tty, COOKED);
}

/* Somebody else has the terminal: the modes are theirs. */
static void forget_raw(struct tty *tty)
{
	if (!tty->raw)
		return;
	tty->raw = false;
	tell_guardian(tty, COOKED);
}

/* Returns whether the terminal may be read now. */
static bool update_foreground(struct tty *tty)
{
	tty->foreground = !tty->restored && is_foreground(tty->terminal_fd);
	if (!tty->foreground) {
		forget_raw(tty);
	} else if (!tty->raw) {
		enter_raw(tty);
		tty_resize(tty); /* SIGWINCH goes to the foreground only */
	}
	return tty->foreground;
}

/*** Guardian ***/

static void close_all_but(int a, int b)
{
	unsigned low = (unsigned)(a < b ? a : b);
	unsigned high = (unsigned)(a < b ? b : a);

	/* Cannot fail: kernel >= 5.9, valid ranges. */
	if (low > 0)
		(void)sys_call3(SYS_close_range, 0, low - 1, 0);
	if (high > low + 1)
		(void)sys_call3(SYS_close_range, low + 1, high - 1, 0);
	(void)sys_call3(SYS_close_range, high + 1, ~0u, 0);
}

/* Must: run with every signal blocked. */
_Noreturn static void guard(const struct tty *tty, int pipe_fd)
{
	char state = COOKED;
	char byte;
	ssize_t n;

	(void)prctl(PR_SET_NAME, "aisbx-tty"); /* cosmetic */
	close_all_but(tty->terminal_fd, pipe_fd);
	for (;;) {
		n = read(pipe_fd, &byte, 1);
		if (n == 1)
			state = byte;
		else if (n == 0 || errno != EINTR)
			break;
	}
	if (state == RAW)
		put_back(tty->terminal_fd, &tty->saved_modes, &tty->raw_modes);
	_exit(0);
}

static int start_guardian(struct tty *tty, struct err *reterr)
{
	int ends[2];
	sigset_t all, old;
	pid_t pid;
	int saved_errno;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(reterr, E_SYSTEM, errno, "create", "pipe");
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	pid = fork();
	if (pid == 0)
		guard(tty, ends[0]);
	saved_errno = errno;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	close_keeping_errno(ends[0]);
	if (pid < 0) {
		close_keeping_errno(ends[1]);
		return err_set(reterr, E_SYSTEM, saved_errno, "fork", "terminal guardian");
	}
	tty->guardian_fd = ends[1];
	tty->guardian_pid = pid;
	return 0;
}

/* SIGKILL, not EOF: it works on a stopped process too, so the wait is never long. */
static void end_guardian(struct tty *tty)
{
	pid_t pid = (pid_t)tty->guardian_pid;
	int fd = (int)tty->guardian_fd;

	tty->guardian_pid = 0; /* first: a signal handler may call us in between */
	tty->guardian_fd = -1;
	if (pid > 0) {
		(void)kill(pid, SIGKILL); /* a zombie at worst: its pid is not reused */
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close_keeping_errno(fd);
}

/*** Supervisor ***/

/* A description of our own of the terminal, or -1. */
static int reopen_terminal(int fd)
{
	int own = -1;

	/* /dev/tty needs no permission for the node, which after su(1) is another user's. */
	if (tcgetsid(fd) == getsid(0) && !is_master(fd))
		own = open("/dev/tty", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own >= 0 ? own : relay_reopen(fd, O_RDWR);
}

int tty_init(struct tty *tty, int terminal_fd, struct err *reterr)
{
	memset(tty, 0, sizeof *tty);
	tty->terminal_fd = tty->master_fd = tty->slave_fd = -1;
	tty->guardian_fd = -1;
	if (tcgetattr(terminal_fd, &tty->saved_modes) < 0)
		return err_set(reterr, E_SYSTEM, errno, "read modes of", "terminal");
	tty->raw_modes = tty->saved_modes;
	cfmakeraw(&tty->raw_modes);
	/* A serial line may have no size: 0x0 then, as there. */
	(void)ioctl(terminal_fd, TIOCGWINSZ, &tty->saved_size);
	tty->terminal_fd = reopen_terminal(terminal_fd);
	tty->terminal_own = tty->terminal_fd >= 0;
	if (!tty->terminal_own)
		tty->terminal_fd = terminal_fd;
	return 0;
}

int tty_start(struct tty *tty, int master, uint64_t *budget_bytes, struct err *reterr)
{
	_cleanup_close_ int slave = -1;
	sigset_t block;
	int r;

	/* On the master these act on the slave. */
	if (tcsetattr(master, TCSANOW, &tty->saved_modes) < 0)
		return err_set(reterr, E_SYSTEM, errno, "set modes of", "pty");
	if (ioctl(master, TIOCSWINSZ, &tty->saved_size) < 0)
		return err_set(reterr, E_SYSTEM, errno, "set size of", "pty");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(reterr, E_SYSTEM, errno, "open the peer of", "pty");
	r = fcntl(master, F_GETFL);
	if (r < 0 || fcntl(master, F_SETFL, r | O_NONBLOCK) < 0)
		return err_set(reterr, E_SYSTEM, errno, "set flags of", "pty");
	r = start_guardian(tty, reterr);
	if (r < 0)
		return r;
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGTTIN);
	(void)sigaddset(&block, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &block, NULL);
	tty->master_fd = master;
	tty->slave_fd = steal_fd(&slave);
	relay_init(&tty->output, master, tty->terminal_fd, budget_bytes, RELAY_OWN_SOURCE);
	relay_init(&tty->input, tty->terminal_fd, master, NULL,
		   tty->terminal_own ? RELAY_OWN_SOURCE : 0);
	(void)update_foreground(tty);
	return 0;
}

static bool is_running(const struct tty *tty)
{
	return tty->master_fd >= 0;
}

/* Closing the last master is what hangs the payload's session up. */
static void close_pty(struct tty *tty)
{
	relay_close(&tty->input);
	relay_close(&tty->output);
	close_keeping_errno(tty->slave_fd);
	close_keeping_errno(tty->master_fd);
	tty->slave_fd = tty->master_fd = -1;
}

static void hang_up(struct tty *tty)
{
	tty->hung_up = true;
	forget_raw(tty); /* nothing to put back */
	close_pty(tty);
}

int tty_prepare(struct tty *tty, struct pollfd out[TTY_POLL_FDS])
{
	for (int i = 0; i < TTY_POLL_FDS; i++)
		out[i] = (struct pollfd){ .fd = -1 };
	if (!is_running(tty))
		return -1;
	relay_prepare(&tty->output, out);
	if (tty->output.finishing)
		return -1;
	(void)update_foreground(tty);
	relay_prepare(&tty->input, out + RELAY_POLL_FDS);
	if (tty->foreground)
		return -1;
	out[RELAY_POLL_FDS].events = 0; /* hangup only */
	return tcgetpgrp(tty->terminal_fd) < 0 ? -1 : TTY_FOREGROUND_CHECK_MS;
}

void tty_step(struct tty *tty, const struct pollfd fds[TTY_POLL_FDS])
{
	struct pollfd in[RELAY_POLL_FDS] = { fds[RELAY_POLL_FDS], fds[RELAY_POLL_FDS + 1] };
	const struct pollfd *terminal_out = &fds[1];

	if (!is_running(tty))
		return;
	if ((in[0].fd >= 0 && in[0].revents & GONE) ||
	    (terminal_out->fd >= 0 && terminal_out->revents & GONE)) {
		hang_up(tty);
		return;
	}
	relay_step(&tty->output, fds);
	if (tty->output.broken) {
		hang_up(tty);
		return;
	}
	if (tty->output.finishing)
		return;
	/* Asked once more just before reading: others may have the terminal since prepare. */
	if (in[0].revents != 0 && !update_foreground(tty))
		in[0].revents = 0;
	relay_step(&tty->input, in);
	/*
	 * EIO: put into the background between question and read; 0: an end of file from
	 * somebody else's cooked mode. Neither is a hangup, which poll reports.
	 */
	if (tty->input.ended && !tty->input.broken) {
		tty->input.ended = false;
		tty->input.source_fd = tty->terminal_fd;
	}
}

void tty_resize(struct tty *tty)
{
	struct winsize size;

	if (is_running(tty) && ioctl(tty->terminal_fd, TIOCGWINSZ, &size) == 0)
		(void)ioctl(tty->master_fd, TIOCSWINSZ, &size); /* fails on a dead pty only */
}

void tty_stop(struct tty *tty)
{
	leave_raw(tty);
}

void tty_continue(struct tty *tty)
{
	if (!is_running(tty) || tty->output.finishing || tty->restored)
		return;
	tty->foreground = is_foreground(tty->terminal_fd);
	if (tty->foreground)
		enter_raw(tty); /* even if we were: somebody may have set others meanwhile */
	else
		forget_raw(tty);
	tty_resize(tty);
}

void tty_finish(struct tty *tty)
{
	if (is_running(tty))
		relay_finish(&tty->output);
}

bool tty_is_done(const struct tty *tty)
{
	return !is_running(tty) || relay_is_done(&tty->output);
}

bool tty_drain(struct tty *tty, int64_t deadline_ms)
{
	return is_running(tty) && relay_drain(&tty->output, deadline_ms);
}

void tty_restore(struct tty *tty)
{
	int saved_errno = errno;

	tty->restored = true;
	leave_raw(tty);
	end_guardian(tty);
	errno = saved_errno;
}

void tty_close(struct tty *tty)
{
	tty_restore(tty);
	if (is_running(tty))
		close_pty(tty);
	if (tty->terminal_own)
		close_keeping_errno(tty->terminal_fd);
	tty->terminal_own = false;
	tty->terminal_fd = -1;
}
