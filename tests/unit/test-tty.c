/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pseudo terminal, between real ones.
 *
 *	test: outer master | slave: the caller's terminal
 *	  shell		session leader; puts the supervisor into fore- or background, reaps it
 *	    supervisor	stand-in with a loop like src/box/supervise/supervise.c
 *	      payload	on the inner pty
 *
 * No sleeps: every wait is a poll with a bound on something the other side does.
 */
#include "box/tty.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	POLL_MS = 10000,
	ALARM_S = 120,
	BULK_BYTES = 300000,
};

/* What the supervisor stand-in reports: 'r' after tty_start, 'c' after tty_continue. */
struct report {
	char what;
	pid_t supervisor;
	pid_t guardian;
};

/* What the shell reports of its job. */
struct job_event {
	int status; /* as of waitpid(WUNTRACED | WCONTINUED) */
};

struct stage {
	int outer;	/* test's end of the caller's terminal */
	int report_fd;	/* struct report */
	int job_fd;	/* struct job_event */
	int command_fd; /* to the shell: 'f' foreground */
	int note_fd;	/* from the payload */
	int leak_fd;	/* its write end is open in the supervisor: EOF when nobody holds it */
	pid_t shell;
	struct report start;
	struct termios modes;
	char seen[2 * BULK_BYTES];
	size_t seen_len;
};

typedef void payload_fn(int note_fd);

#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			dprintf(2, "# %s:%d: %s (%m)\n", __FILE__, __LINE__, #x);                  \
			_exit(99);                                                                 \
		}                                                                                  \
	} while (0)

/*** Payloads ***/

static void payload_echo(int note_fd)
{
	char line[100];
	ssize_t n;

	(void)note_fd;
	MUST(write(1, "hello\n", 6) == 6);
	while ((n = read(0, line, sizeof line)) > 0) {
		MUST(write(1, "got:", 4) == 4);
		MUST(write(1, line, (size_t)n) == n);
		if (line[0] == 'q')
			break;
	}
}

static void payload_bulk(int note_fd)
{
	static char text[BULK_BYTES];

	(void)note_fd;
	memset(text, 'b', sizeof text);
	memcpy(text + sizeof text - 3, "end", 3);
	for (size_t done = 0; done < sizeof text;) {
		ssize_t n = write(1, text + done, sizeof text - done);

		MUST(n > 0);
		done += (size_t)n;
	}
}

/* What a raw pty takes while nobody reads; set before the fork. */
static size_t pty_bytes;

/* Fills the outer pty and the relay; half of the inner pty is left for the drain. */
static void payload_last_words(int note_fd)
{
	size_t size = pty_bytes + RELAY_BUFFER_BYTES + pty_bytes / 2;

	(void)note_fd;
	for (size_t i = 0; i < size; i++)
		MUST(write(1, i == size - 1 ? "!" : "w", 1) == 1);
}

/* Waits for the signals that the terminal sends and says which. */
static void payload_signals(int note_fd)
{
	sigset_t set;
	struct winsize size;
	char line[100];
	int sig, len;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	MUST(write(1, "hello\n", 6) == 6);
	for (;;) {
		MUST(sigwait(&set, &sig) == 0);
		memset(&size, 0, sizeof size);
		(void)ioctl(0, TIOCGWINSZ, &size);
		len = snprintf(line, sizeof line, "signal %d size %dx%d\n", sig, size.ws_row,
			       size.ws_col);
		MUST(write(note_fd, line, (size_t)len) == len);
		if (sig == SIGHUP)
			return;
	}
}

/*** Supervisor stand-in ***/

static struct tty tty;

static void send_report(int fd, char what)
{
	struct report report = { what, getpid(), (pid_t)tty.guardian_pid };

	MUST(write(fd, &report, sizeof report) == sizeof report);
}

static pid_t start_payload(payload_fn *payload, int *ret_master, int note_fd)
{
	int pair[2], slave;
	struct err err;
	pid_t pid;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		int master;
		char go;

		MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		close(pair[0]);
		MUST(openpty(&master, &slave, NULL, NULL, NULL) == 0);
		MUST(tty_send_master(pair[1], master, &err) == 0);
		close(master);
		MUST(read(pair[1], &go, 1) == 1);
		close(pair[1]);
		MUST(setsid() > 0);
		MUST(tty_attach(slave, 7, &err) == 0);
		close(slave);
		payload(note_fd);
		_exit(0);
	}
	close(pair[1]);
	MUST(tty_receive_master(pair[0], ret_master, &err) == 0);
	MUST(tty_init(&tty, 0, &err) == 0);
	MUST(tty_start(&tty, *ret_master, NULL, &err) == 0);
	MUST(write(pair[0], "g", 1) == 1);
	close(pair[0]);
	return pid;
}

static void handle_signal(int signal_fd, int report_fd)
{
	struct signalfd_siginfo info;

	MUST(read(signal_fd, &info, sizeof info) == sizeof info);
	if (info.ssi_signo == SIGWINCH) {
		tty_resize(&tty);
	} else if (info.ssi_signo == SIGTSTP) {
		tty_stop(&tty);
		raise(SIGSTOP);
	} else if (info.ssi_signo == SIGCONT) {
		tty_continue(&tty);
		send_report(report_fd, 'c');
	}
}

static void supervise(payload_fn *payload, int report_fd, int note_fd)
{
	sigset_t set;
	int master, signal_fd, pid_fd;
	pid_t pid;
	int status;

	pid = start_payload(payload, &master, note_fd);
	close(note_fd);
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	sigaddset(&set, SIGHUP);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	MUST(signal_fd >= 0 && pid_fd >= 0);
	send_report(report_fd, 'r');
	for (;;) {
		struct pollfd fds[TTY_POLL_FDS + 2];
		int timeout = tty_prepare(&tty, fds);

		fds[TTY_POLL_FDS] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
		fds[TTY_POLL_FDS + 1] = (struct pollfd){ .fd = pid_fd, .events = POLLIN };
		if (poll(fds, TTY_POLL_FDS + 2, timeout) < 0)
			continue;
		if (fds[TTY_POLL_FDS].revents)
			handle_signal(signal_fd, report_fd);
		tty_step(&tty, fds);
		if (fds[TTY_POLL_FDS + 1].revents)
			break;
	}
	MUST(waitpid(pid, &status, 0) == pid);
	if (!tty.hung_up)
		MUST(tty_drain(&tty, RELAY_FOREVER));
	tty_restore(&tty);
	tty_restore(&tty);
	tty_close(&tty);
	tty_close(&tty);
	/* The guardian is reaped. */
	MUST(waitpid(-1, &status, 0) < 0 && errno == ECHILD);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
}

/*** Shell stand-in ***/

static void give_terminal(pid_t group)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

	MUST(fd >= 0);
	MUST(tcsetpgrp(fd, group) == 0);
	close(fd);
}

_Noreturn static void run_shell(pid_t job, int command_fd, int job_fd)
{
	sigset_t set;
	int signal_fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	for (;;) {
		struct pollfd fds[2] = { { .fd = command_fd, .events = POLLIN },
					 { .fd = signal_fd, .events = POLLIN } };
		struct signalfd_siginfo info;
		struct job_event event;
		char command;

		MUST(poll(fds, 2, -1) > 0);
		if (fds[1].revents) {
			MUST(read(signal_fd, &info, sizeof info) == sizeof info);
			while (waitpid(job, &event.status, WNOHANG | WUNTRACED | WCONTINUED) == job)
				MUST(write(job_fd, &event, sizeof event) == sizeof event);
		}
		if (fds[0].revents) {
			if (read(command_fd, &command, 1) != 1)
				_exit(0);
			if (command == 'f')
				give_terminal(job);
		}
	}
}

static void shell(int slave, bool foreground, payload_fn *payload, int command_fd, int job_fd,
		  int report_fd, int note_fd, int leak_fd)
{
	sigset_t set, old;
	int go[2];
	pid_t job;
	char byte;

	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0); /* a failed test leaves nothing behind */
	MUST(setsid() > 0);
	MUST(ioctl(slave, TIOCSCTTY, 0) == 0);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTTOU);
	MUST(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	MUST(pipe2(go, O_CLOEXEC) == 0);
	job = fork();
	MUST(job >= 0);
	if (job == 0) {
		MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		MUST(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
		signal(SIGHUP, SIG_DFL);
		MUST(read(go[0], &byte, 1) == 1);
		close(go[0]);
		close(go[1]);
		close(command_fd);
		close(job_fd);
		for (int fd = 0; fd <= 2; fd++)
			MUST(dup2(slave, fd) == fd);
		close(slave);
		supervise(payload, report_fd, note_fd);
	}
	MUST(setpgid(job, job) == 0);
	if (foreground)
		give_terminal(job);
	MUST(write(go[1], "g", 1) == 1);
	/* So that the terminal's last slave is the supervisor's or the guardian's. */
	close(slave);
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
	close(report_fd);
	close(note_fd);
	close(leak_fd);
	run_shell(job, command_fd, job_fd);
}

/*** Stage ***/

static void wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, POLL_MS), 1);
}

static struct report next_report(const struct stage *s)
{
	struct report report;

	wait_readable(s->report_fd);
	assert_int_equal(read(s->report_fd, &report, sizeof report), sizeof report);
	return report;
}

static int next_status(const struct stage *s)
{
	struct job_event event;

	wait_readable(s->job_fd);
	assert_int_equal(read(s->job_fd, &event, sizeof event), sizeof event);
	return event.status;
}

static void stage_open(struct stage *s, bool foreground, payload_fn *payload)
{
	struct winsize size = { .ws_row = 33, .ws_col = 77 };
	int report[2], job[2], command[2], note[2], leak[2], slave;

	s->seen_len = 0;
	assert_int_equal(openpty(&s->outer, &slave, NULL, NULL, &size), 0);
	assert_int_equal(fcntl(s->outer, F_SETFD, FD_CLOEXEC), 0);
	assert_int_equal(tcgetattr(slave, &s->modes), 0);
	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	assert_int_equal(pipe2(job, O_CLOEXEC), 0);
	assert_int_equal(pipe2(command, O_CLOEXEC), 0);
	assert_int_equal(pipe2(note, O_CLOEXEC), 0);
	assert_int_equal(pipe2(leak, O_CLOEXEC), 0);
	s->shell = fork();
	assert_true(s->shell >= 0);
	if (s->shell == 0) {
		close(s->outer);
		close(command[1]);
		shell(slave, foreground, payload, command[0], job[1], report[1], note[1], leak[1]);
	}
	close(slave);
	close(report[1]);
	close(job[1]);
	close(command[0]);
	close(note[1]);
	close(leak[1]);
	s->report_fd = report[0];
	s->job_fd = job[0];
	s->command_fd = command[1];
	s->note_fd = note[0];
	s->leak_fd = leak[0];
	s->start = next_report(s);
	assert_int_equal(s->start.what, 'r');
}

static void stage_close(struct stage *s)
{
	close(s->command_fd);
	if (s->outer >= 0)
		close(s->outer);
	assert_int_equal(waitpid(s->shell, NULL, 0), s->shell);
	close(s->report_fd);
	close(s->job_fd);
	close(s->note_fd);
	close(s->leak_fd);
}

static bool saw(const struct stage *s, const char *text)
{
	return memmem(s->seen, s->seen_len, text, strlen(text)) != NULL;
}

static void expect(struct stage *s, const char *text)
{
	while (!saw(s, text)) {
		ssize_t n;

		wait_readable(s->outer);
		n = read(s->outer, s->seen + s->seen_len, sizeof s->seen - s->seen_len);
		if (n <= 0)
			fail_msg("no '%s' in '%.*s'", text, (int)s->seen_len, s->seen);
		s->seen_len += (size_t)n;
	}
}

static void type(const struct stage *s, const char *text)
{
	assert_int_equal(write(s->outer, text, strlen(text)), strlen(text));
}

static bool is_raw(const struct stage *s)
{
	struct termios now;

	assert_int_equal(tcgetattr(s->outer, &now), 0);
	return !(now.c_lflag & (ICANON | ECHO | ISIG)) && !(now.c_oflag & OPOST);
}

static void assert_restored(const struct stage *s)
{
	struct termios now;

	assert_int_equal(tcgetattr(s->outer, &now), 0);
	assert_int_equal(now.c_iflag, s->modes.c_iflag);
	assert_int_equal(now.c_oflag, s->modes.c_oflag);
	assert_int_equal(now.c_lflag, s->modes.c_lflag);
	assert_int_equal(now.c_cflag, s->modes.c_cflag);
	assert_memory_equal(now.c_cc, s->modes.c_cc, sizeof now.c_cc);
}

static int count_fds(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* Returns once the process is gone. */
static void wait_gone(int pid_fd)
{
	wait_readable(pid_fd);
	close(pid_fd);
}

static int open_pid(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	assert_true(fd >= 0);
	return fd;
}

static void expect_note(const struct stage *s, const char *text)
{
	char line[200];
	ssize_t n;

	wait_readable(s->note_fd);
	n = read(s->note_fd, line, sizeof line - 1);
	assert_true(n > 0);
	line[n] = '\0';
	assert_string_equal(line, text);
}

static void expect_eof(int fd)
{
	char byte;

	wait_readable(fd);
	assert_int_equal(read(fd, &byte, 1), 0);
}

/*** Tests ***/

static struct stage s;

static void test_raw_and_back(void **state)
{
	int status;

	(void)state;
	stage_open(&s, true, payload_echo);
	assert_true(is_raw(&s));
	expect(&s, "hello\r\n");
	type(&s, "abc\r");
	expect(&s, "abc\r\ngot:abc\r\n"); /* echo of the inner pty, then the payload */
	assert_false(saw(&s, "\r\r\n"));  /* the outer one adds nothing */
	type(&s, "q\r");
	status = next_status(&s);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_restored(&s);
	expect(&s, "got:q\r\n");
	expect_eof(s.leak_fd);
	stage_close(&s);
}

/* Ctrl-C is a byte outside and a signal inside. */
static void test_keys_become_signals_inside(void **state)
{
	char note[64];

	(void)state;
	stage_open(&s, true, payload_signals);
	expect(&s, "hello");
	type(&s, "\003");
	snprintf(note, sizeof note, "signal %d size 33x77\n", SIGINT);
	expect_note(&s, note);
	stage_close(&s);
}

static void test_all_output_before_restore(void **state)
{
	(void)state;
	stage_open(&s, true, payload_bulk);
	expect(&s, "end");
	assert_int_equal(s.seen_len, BULK_BYTES);
	assert_true(WIFEXITED(next_status(&s)));
	assert_restored(&s);
	stage_close(&s);
}

static size_t measure_pty(void)
{
	char text[1024] = { 0 };
	struct termios modes;
	size_t sum = 0;
	ssize_t n;
	int master, slave;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(slave, &modes), 0);
	cfmakeraw(&modes);
	assert_int_equal(tcsetattr(slave, TCSANOW, &modes), 0);
	assert_int_equal(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	while ((n = write(slave, text, sizeof text)) > 0)
		sum += (size_t)n;
	close(master);
	close(slave);
	return sum;
}

static void test_drain_after_the_end(void **state)
{
	(void)state;
	pty_bytes = measure_pty();
	stage_open(&s, true, payload_last_words);
	expect_eof(s.note_fd); /* the payload has ended, nobody has read a byte */
	expect(&s, "!");
	assert_int_equal(s.seen_len, pty_bytes + RELAY_BUFFER_BYTES + pty_bytes / 2);
	assert_true(WIFEXITED(next_status(&s)));
	assert_restored(&s);
	stage_close(&s);
}

static void test_sigkill_restores(void **state)
{
	struct pollfd last = { .events = 0 };
	int guardian, supervisor;

	(void)state;
	stage_open(&s, true, payload_echo);
	expect(&s, "hello");
	assert_true(is_raw(&s));
	while (count_fds(s.start.guardian) != 2) /* it may not have closed the rest yet */
		(void)sched_yield();		 /* bounded by alarm(2) */
	guardian = open_pid(s.start.guardian);
	supervisor = open_pid(s.start.supervisor);
	/* What a user's keys and a closing terminal would send does not end it. */
	kill(s.start.guardian, SIGINT);
	kill(s.start.guardian, SIGQUIT);
	kill(s.start.guardian, SIGTSTP);
	kill(s.start.guardian, SIGHUP);
	kill(s.start.guardian, SIGTERM);
	assert_int_equal(kill(s.start.supervisor, SIGKILL), 0);
	wait_gone(supervisor);
	wait_gone(guardian);
	assert_restored(&s);
	expect_eof(s.leak_fd);
	/* Nobody holds the terminal any more. */
	last.fd = s.outer;
	assert_int_equal(poll(&last, 1, POLL_MS), 1);
	assert_true(last.revents & POLLHUP);
	stage_close(&s);
}

/* Killed in the background: the modes are those of whoever is in the foreground. */
static void test_sigkill_in_background_changes_nothing(void **state)
{
	struct termios theirs;
	int guardian;

	(void)state;
	stage_open(&s, false, payload_echo);
	expect(&s, "hello");
	guardian = open_pid(s.start.guardian);
	theirs = s.modes;
	cfmakeraw(&theirs);
	assert_int_equal(tcsetattr(s.outer, TCSANOW, &theirs), 0);
	assert_int_equal(kill(s.start.supervisor, SIGKILL), 0);
	wait_gone(guardian);
	assert_true(is_raw(&s));
	stage_close(&s);
}

static void test_resize(void **state)
{
	struct winsize size = { .ws_row = 12, .ws_col = 34 };
	char note[64];

	(void)state;
	stage_open(&s, true, payload_signals);
	expect(&s, "hello");
	assert_int_equal(ioctl(s.outer, TIOCSWINSZ, &size), 0);
	snprintf(note, sizeof note, "signal %d size 12x34\n", SIGWINCH);
	expect_note(&s, note);
	stage_close(&s);
}

static void test_background_start(void **state)
{
	int status;

	(void)state;
	stage_open(&s, false, payload_echo);
	assert_restored(&s);
	expect(&s, "hello"); /* it writes */
	assert_restored(&s);
	type(&s, "first\n"); /* a line for whoever is in the foreground */
	expect(&s, "first"); /* the terminal's own echo */
	assert_int_equal(poll(&(struct pollfd){ .fd = s.job_fd, .events = POLLIN }, 1, 0), 0);
	/* Nobody took the line; the job finds it when it comes to the foreground. */
	assert_int_equal(write(s.command_fd, "f", 1), 1);
	expect(&s, "got:first");
	assert_true(is_raw(&s));
	type(&s, "q\r");
	status = next_status(&s); /* the first event: it was never stopped */
	assert_true(WIFEXITED(status));
	assert_restored(&s);
	stage_close(&s);
}

static void test_stop_and_continue(void **state)
{
	int status;

	(void)state;
	stage_open(&s, true, payload_echo);
	expect(&s, "hello");
	assert_int_equal(kill(s.start.supervisor, SIGTSTP), 0);
	status = next_status(&s);
	assert_true(WIFSTOPPED(status));
	assert_restored(&s);
	assert_int_equal(kill(s.start.supervisor, SIGCONT), 0);
	assert_int_equal(next_report(&s).what, 'c');
	assert_true(is_raw(&s));
	assert_true(WIFCONTINUED(next_status(&s)));
	/* SIGSTOP cannot be prepared for; the shell sets its own modes meanwhile. */
	assert_int_equal(kill(s.start.supervisor, SIGSTOP), 0);
	assert_true(WIFSTOPPED(next_status(&s)));
	assert_int_equal(tcsetattr(s.outer, TCSANOW, &s.modes), 0);
	assert_int_equal(kill(s.start.supervisor, SIGCONT), 0);
	assert_int_equal(next_report(&s).what, 'c');
	assert_true(is_raw(&s));
	assert_true(WIFCONTINUED(next_status(&s)));
	type(&s, "q\r");
	expect(&s, "got:q");
	status = next_status(&s);
	assert_true(WIFEXITED(status));
	assert_restored(&s);
	stage_close(&s);
}

static void test_hangup(void **state)
{
	char note[64];

	(void)state;
	stage_open(&s, true, payload_signals);
	expect(&s, "hello");
	close(s.outer);
	s.outer = -1;
	snprintf(note, sizeof note, "signal %d size 0x0\n", SIGHUP);
	expect_note(&s, note);
	assert_true(WIFEXITED(next_status(&s)));
	expect_eof(s.leak_fd);
	stage_close(&s);
}

static int open_count(void)
{
	return count_fds(getpid());
}

static void test_send_and_receive(void **state)
{
	struct err err;
	int pair[2], master, slave, got = -1, before;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	before = open_count();
	assert_int_equal(tty_send_master(pair[0], master, &err), 0);
	assert_int_equal(tty_receive_master(pair[1], &got, &err), 0);
	assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(open_count(), before + 1);
	close(got);
	/* A slave, a pipe: not a master. */
	assert_int_equal(tty_send_master(pair[0], slave, &err), 0);
	assert_int_equal(tty_receive_master(pair[1], &got, &err), -EPROTO);
	assert_string_equal(err.wall, "terminal");
	assert_int_equal(write(pair[0], "m", 1), 1); /* no descriptor */
	assert_int_equal(tty_receive_master(pair[1], &got, &err), -EPROTO);
	assert_int_equal(open_count(), before);
	close(pair[0]);
	assert_int_equal(tty_receive_master(pair[1], &got, &err), -EPIPE);
	assert_int_equal(tty_send_master(pair[1], master, &err), -EPIPE);
	close(pair[1]);
	close(master);
	close(slave);
}

static void test_receive_closes_extra(void **state)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(20 * sizeof(int))];
	} control;
	char byte = 'm';
	struct iovec iov = { &byte, 1 };
	struct cmsghdr *c;
	struct err err;
	int pair[2], master, slave, got = -1, before;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	before = open_count();
	for (size_t count = 3; count <= 20; count += 17) {
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control.space,
				      .msg_controllen = CMSG_SPACE(count * sizeof(int)) };

		memset(&control, 0, sizeof control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		for (size_t i = 0; i < count; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), i == 0 ? &master : &slave,
			       sizeof(int));
		assert_int_equal(sendmsg(pair[0], &msg, 0), 1);
		/* more than were asked for, and more than there is room for */
		assert_int_equal(tty_receive_master(pair[1], &got, &err), -EPROTO);
		assert_int_equal(open_count(), before);
	}
	close(pair[0]);
	close(pair[1]);
	close(master);
	close(slave);
}

/* In a mount namespace with a devpts of its own, as a box has. */
static void test_open_in_own_devpts(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		int master, slave;
		struct err err;

		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
		    mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620"))
			_exit(77);
		MUST(tty_open(&master, &slave, &err) == 0);
		MUST(fcntl(master, F_GETFD) & FD_CLOEXEC && fcntl(slave, F_GETFD) & FD_CLOEXEC);
		MUST(strcmp(ttyname(slave), "/dev/pts/0") == 0);
		MUST(setsid() > 0);
		MUST(tty_attach(slave, 1 << 0 | 1 << 2, &err) == 0);
		MUST(isatty(0) && isatty(2) && tcgetsid(0) == getpid());
		MUST(!(fcntl(0, F_GETFD) & FD_CLOEXEC));
		/* No devpts: an error of the wall. */
		MUST(umount("/dev/pts") == 0 || umount2("/dev/pts", MNT_DETACH) == 0);
		MUST(mount("none", "/dev/pts", "tmpfs", 0, NULL) == 0);
		MUST(tty_open(&master, &slave, &err) == -ENOENT);
		MUST(strcmp(err.wall, "terminal") == 0);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("# no user namespace with devpts here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void test_attach_leaves_others(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		int master, slave, p[2];
		struct err err;

		MUST(openpty(&master, &slave, NULL, NULL, NULL) == 0);
		MUST(pipe(p) == 0 && dup2(p[1], 1) == 1);
		/* Without a session of its own it is refused. */
		MUST(tty_attach(slave, 7, &err) == -EPERM);
		MUST(setsid() > 0);
		MUST(tty_attach(slave, 1 << 0, &err) == 0);
		MUST(isatty(0) && !isatty(1));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_not_a_terminal(void **state)
{
	static struct tty none;
	struct pollfd fds[TTY_POLL_FDS];
	struct err err;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(tty_init(&none, p[0], &err), -ENOTTY);
	/* Everything is harmless on it. */
	assert_int_equal(tty_prepare(&none, fds), -1);
	tty_step(&none, fds);
	tty_resize(&none);
	tty_stop(&none);
	tty_continue(&none);
	tty_finish(&none);
	assert_true(tty_is_done(&none));
	tty_restore(&none);
	tty_close(&none);
	close(p[0]);
	close(p[1]);
}

/* A terminal of another session is written to, never read, and keeps its modes. */
static void test_foreign_terminal(void **state)
{
	static struct tty t;
	struct pollfd fds[TTY_POLL_FDS];
	struct termios before, after;
	struct err err;
	char text[64];
	int outer, terminal, master, slave;

	(void)state;
	assert_int_equal(openpty(&outer, &terminal, NULL, NULL, NULL), 0);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(terminal, &before), 0);
	assert_int_equal(tty_init(&t, terminal, &err), 0);
	assert_true(t.terminal_own);
	assert_int_equal(tty_start(&t, master, NULL, &err), 0);
	assert_int_equal(write(slave, "out", 3), 3);
	assert_int_equal(write(outer, "in\n", 3), 3);
	assert_int_equal(tty_prepare(&t, fds), -1);
	assert_int_equal(poll(fds, TTY_POLL_FDS, POLL_MS), 1);
	tty_step(&t, fds);
	assert_true(tty_drain(&t, RELAY_FOREVER));
	wait_readable(outer);
	assert_true(read(outer, text, sizeof text) > 0);
	assert_int_equal(t.input.seen_bytes, 0);
	assert_int_equal(t.output.passed_bytes, 3);
	assert_int_equal(tcgetattr(terminal, &after), 0);
	assert_int_equal(before.c_lflag, after.c_lflag);
	assert_false(fcntl(terminal, F_GETFL) & O_NONBLOCK);
	tty_close(&t);
	/* The payload's side is hung up, the caller's terminal is not. */
	assert_int_equal(write(slave, "x", 1), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(write(terminal, "x", 1), 1);
	close(outer);
	close(terminal);
	close(slave);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw_and_back),
		cmocka_unit_test(test_keys_become_signals_inside),
		cmocka_unit_test(test_all_output_before_restore),
		cmocka_unit_test(test_drain_after_the_end),
		cmocka_unit_test(test_sigkill_restores),
		cmocka_unit_test(test_sigkill_in_background_changes_nothing),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_background_start),
		cmocka_unit_test(test_stop_and_continue),
		cmocka_unit_test(test_hangup),
		cmocka_unit_test(test_send_and_receive),
		cmocka_unit_test(test_receive_closes_extra),
		cmocka_unit_test(test_open_in_own_devpts),
		cmocka_unit_test(test_attach_leaves_others),
		cmocka_unit_test(test_not_a_terminal),
		cmocka_unit_test(test_foreign_terminal),
	};

	signal(SIGPIPE, SIG_IGN);
	alarm(ALARM_S);
	return cmocka_run_group_tests_name("tty", tests, NULL, NULL);
}
