/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program that talks to systemd, started and waited for: see scope.h. */
#include "box/limits/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define PROGRAM "aisbx-scope"

bool scope_is_possible(void)
{
	return access("/run/systemd/system", F_OK) == 0; /* sd_booted(3) */
}

/*
 * The installed one; else, for a program that is run where it was built, that beside it. In a
 * directory where everybody may make files only the owner of the one can have made the other.
 */
static int find_program(char path[PATH_MAX])
{
	const size_t room = PATH_MAX - sizeof "/" PROGRAM;
	struct stat self, program;

	(void)snprintf(path, PATH_MAX, "%s", AISBX_LIBEXEC_DIR "/" PROGRAM);
	if (access(path, X_OK) == 0)
		return 0;
	ssize_t n = readlink("/proc/self/exe", path, room);
	if (n <= 0 || (size_t)n >= room || stat("/proc/self/exe", &self) < 0)
		return -ENOENT;
	path[n] = '\0';
	memcpy(strrchr(path, '/'), "/" PROGRAM, sizeof "/" PROGRAM);
	if (lstat(path, &program) < 0)
		return -errno;
	return S_ISREG(program.st_mode) && program.st_uid == self.st_uid &&
			       !(program.st_mode & (S_IWGRP | S_IWOTH))
		       ? 0
		       : -EPERM;
}

/* Its stdout is the pipe; nothing of ours is blocked or ignored in it. */
static int start(const char *path, const char *name, const pid_t pids[2], int out_fd,
		 pid_t *ret_pid)
{
	char numbers[2][16];
	char *argv[] = { (char[]){ PROGRAM }, (char *)(uintptr_t)name, numbers[0], numbers[1],
			 NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	for (int i = 0; i < 2; i++)
		(void)snprintf(numbers[i], sizeof numbers[i], "%d", pids[i]);
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	int r = posix_spawn_file_actions_init(&files);
	if (r)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&files, out_fd, 1);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&files, 0, 2);
	if (r == 0)
		r = posix_spawnattr_setflags(&attributes,
					     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnattr_setsigmask(&attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(&attributes, &all);
	if (r == 0)
		r = posix_spawn(ret_pid, path, &files, &attributes, argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return -r;
}

/* Whether it ended in time. */
static bool await_end(pid_t pid, int wait_ms)
{
	_cleanup_close_ int fd = (int)sys_call2(SYS_pidfd_open, pid, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };
	int r;

	if (fd < 0)
		return false;
	do {
		r = poll(&end, 1, wait_ms);
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

int scope_enter(const char *name, const pid_t pids[2], int wait_ms, char *why, size_t why_size)
{
	char path[PATH_MAX];
	pid_t pid = -1;
	int ends[2], status = 0;
	int r = find_program(path);

	(void)snprintf(why, why_size, "%s", PROGRAM " is not installed");
	if (r == 0 && pipe2(ends, O_CLOEXEC) < 0)
		r = -errno;
	if (r < 0)
		return r;
	r = start(path, name, pids, ends[1], &pid);
	(void)close(ends[1]);
	/* Others may have the pipe, too: neither its end nor what is in it is waited for. */
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK); /* cannot fail with a pipe of ours */
	bool is_late = r == 0 && !await_end(pid, wait_ms);
	ssize_t n = r == 0 && !is_late ? read(ends[0], why, why_size - 1) : -1;
	(void)close(ends[0]);
	if (r < 0)
		return r;
	if (is_late)
		(void)kill(pid, SIGKILL); /* our child, not reaped: cannot miss */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		(void)snprintf(why, why_size,
			       is_late ? "it does not answer" : PROGRAM " was killed");
		return is_late ? -ETIMEDOUT : -EINTR;
	}
	if (n > 0)
		why[n] = '\0';
	else
		(void)snprintf(why, why_size, "%s", PROGRAM " failed");
	return WEXITSTATUS(status) == 0 ? 0 : -EOPNOTSUPP;
}
