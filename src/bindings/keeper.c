/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keeper of one command.
 *
 * Theory of operation: whoever loses its parent becomes the child of the next process above
 * that is a "child subreaper" (prctl(2)), in sessions and process groups of its own or not. The
 * keeper is one, so a command that leaves a daemon behind leaves it to the keeper, which kills
 * its children until it has none. It is in a session of its own: who kills aisbx's process group
 * does not kill the keeper, and it ends the command when its socket says that the server is gone.
 *
 *   killed       who ends the command
 *   supervisor   the server, whose socket says so
 *   server       the keeper, likewise
 *   keeper       the kernel (PR_SET_PDEATHSIG); what has left the command, the server, for
 *                it is the next subreaper
 *
 * A namespace for process ids would end them all with one process, but an ordinary user gets one
 * in a user namespace only, where set-user-ID programs and ssh(1) do not work.
 */
#include "bindings/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

enum {
	CONTROL_FD = 3, /* in the keeper */
	END_TRIES = 2000,
	STATUS_NOT_EXECUTED = 127,
};

static const char children_file[] = "/proc/thread-self/children";

/*** Ending ***/

bool keeper_can_keep(void)
{
	return access(children_file, R_OK) == 0;
}

static void kill_listed(bool (*is_kept)(pid_t pid))
{
	char list[4096];
	_cleanup_close_ int fd = open(children_file, O_RDONLY | O_CLOEXEC);
	/* What does not fit comes the next time. */
	ssize_t n = fd < 0 ? 0 : read(fd, list, sizeof list - 1);
	pid_t pid = 0;

	for (ssize_t i = 0; i < n; i++) {
		if (list[i] != ' ') {
			pid = pid * 10 + (list[i] - '0');
			continue;
		}
		/* Ours and not reaped: the number cannot have become another's. */
		if (!is_kept || !is_kept(pid))
			(void)kill(pid, SIGKILL);
		pid = 0;
	}
}

static bool has_others(bool (*is_kept)(pid_t pid))
{
	siginfo_t info = { 0 };

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return false; /* ECHILD */
	return !is_kept || !info.si_pid || !is_kept(info.si_pid);
}

bool keeper_kill_children(bool (*is_kept)(pid_t pid))
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
			return false; /* ECHILD */
		if (!info.si_pid || (is_kept && is_kept(info.si_pid)))
			break;
		(void)waitpid(info.si_pid, NULL, WNOHANG);
	}
	kill_listed(is_kept);
	return has_others(is_kept);
}

/* One that is not ours to kill, for it became root by a set-user-ID program, is not waited for. */
static void end_all(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int tries = 0; keeper_kill_children(NULL) && tries < END_TRIES; tries++)
		(void)nanosleep(&pause, NULL);
}

/*** The command ***/

/* What the server made of signals is not the command's. */
static void reset_signals(void)
{
	sigset_t none;

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		(void)signal(signal_number, SIG_DFL); /* some cannot be set */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the command's process. Its parent is looked at after the call: it may have died before. */
static void prepare_command(pid_t keeper)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != keeper)
		_exit(STATUS_NOT_EXECUTED);
	(void)setsid(); /* no terminal of the caller's */
}

/* A copy of the keeper until execve(2), whose memory it shares. */
static pid_t start_program(const struct job *job, volatile int *ret_errnum)
{
	pid_t keeper = getpid(), pid = vfork();
	struct rlimit files;

	if (pid != 0)
		return pid;
	prepare_command(keeper);
	reset_signals();
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && job->open_files < files.rlim_max) {
		files.rlim_cur = job->open_files;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (chdir(job->cwd) == 0)
		(void)execve(job->program, job->argv, job->env);
	*ret_errnum = errno;
	_exit(STATUS_NOT_EXECUTED);
}

static pid_t start_command(const struct job *job, volatile int *ret_errnum)
{
	pid_t keeper = getpid();

	if (!job->function)
		return start_program(job, ret_errnum);
	pid_t pid = fork();
	if (pid == 0) {
		prepare_command(keeper);
		(void)close(CONTROL_FD);
		_exit(job->function(job->argument));
	}
	return pid;
}

/* Returns when it has ended, or shall. */
static void await_command(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd fds[] = { { .fd = CONTROL_FD, .events = POLLIN },
				{ .fd = pidfd, .events = POLLIN } };

	while (pidfd >= 0 && poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (pidfd >= 0)
		(void)close(pidfd);
}

static _Noreturn void keep(const struct job *job)
{
	struct keeper_record record = { 0 };
	volatile int errnum = 0;

	(void)setsid();
	pid_t pid =
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -1 : start_command(job, &errnum);
	if (pid < 0)
		errnum = errno;
	(void)sys_call3(SYS_close_range, 0, CONTROL_FD - 1,
			0); /* the pipes are the command's alone */
	if (pid > 0) {
		await_command(pid);
		/* Nothing else may outlive it, and of the command the status is still to come. */
		(void)kill(pid, SIGKILL);
		while (waitpid(pid, &record.status, 0) < 0 && errno == EINTR)
			;
		end_all();
	}
	record.errnum = errnum;
	(void)send(CONTROL_FD, &record, sizeof record, MSG_NOSIGNAL);
	_exit(0);
}

/*** The server's side ***/

int keeper_start(const struct job *job, const int fds[3], struct keeper *ret_keeper)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 3; i++) {
			if (dup3(fds[i], i, 0) < 0)
				_exit(STATUS_NOT_EXECUTED);
		}
		if (pair[1] != CONTROL_FD && dup3(pair[1], CONTROL_FD, O_CLOEXEC) < 0)
			_exit(STATUS_NOT_EXECUTED);
		if (sys_call3(SYS_close_range, CONTROL_FD + 1, ~0U, 0) < 0)
			_exit(STATUS_NOT_EXECUTED);
		keep(job);
	}
	int error = errno;
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		return -error;
	}
	*ret_keeper = (struct keeper){ .pid = pid, .control_fd = pair[0] };
	return 0;
}

void keeper_end(const struct keeper *keeper)
{
	(void)shutdown(keeper->control_fd, SHUT_WR);
}

bool keeper_finish(struct keeper *keeper, struct keeper_record *ret_record)
{
	ssize_t n = recv(keeper->control_fd, ret_record, sizeof *ret_record, MSG_DONTWAIT);

	(void)close(keeper->control_fd);
	/* It has spoken its last word, or is dead. */
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*keeper = (struct keeper){ .pid = -1, .control_fd = -1 };
	return n == (ssize_t)sizeof *ret_record;
}
