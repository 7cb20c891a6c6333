/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user wall: see userns.h and user_namespaces(7). */
#include "box/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"

static int write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = sys_open(path, O_WRONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return fd;
	long n = sys_write(fd, text, strlen(text));
	return n < 0 ? (int)n : 0;
}

/* "INSIDE OUTSIDE 1" without stdio. buf holds at least 32 bytes. */
static void format_map(char *buf, unsigned inside, unsigned outside)
{
	const unsigned values[] = { inside, outside, 1 };
	char *at = buf;

	for (int i = 0; i < 3; i++) {
		char digits[10];
		int n = 0;
		unsigned value = values[i];

		do {
			digits[n++] = (char)('0' + value % 10);
			value /= 10;
		} while (value);
		while (n)
			*at++ = digits[--n];
		*at++ = i < 2 ? ' ' : '\n';
	}
	*at = '\0';
}

static int fail(struct err *reterr, int error, const char *path)
{
	return err_wall(reterr, "user", -error, "write", path);
}

static int write_child_map(pid_t pid, const char *file, const char *text, struct err *reterr)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	int r = write_text(path, text);
	return r < 0 ? fail(reterr, r, path) : 0;
}

int userns_map_child(const struct plan *plan, pid_t pid, struct err *reterr)
{
	char map[64];
	int r = 0;

	/* An ordinary caller's gid map needs setgroups denied first: user_namespaces(7). */
	if (!plan->facts->host_root)
		r = write_child_map(pid, "setgroups", "deny", reterr);
	format_map(map, plan->inside_gid, plan->outside_gid);
	if (r == 0)
		r = write_child_map(pid, "gid_map", map, reterr);
	if (r < 0)
		return r;
	format_map(map, plan->inside_uid, plan->outside_uid);
	return write_child_map(pid, "uid_map", map, reterr);
}

/*
 * The old uid (host root) is not mapped, so the kernel sees no change from
 * root to another uid and keeps the capabilities over this namespace; caps.c
 * drops them later. Groups go first: root's supplementary groups would still
 * open files.
 */
int userns_become(const struct plan *plan, struct err *reterr)
{
	long r = sys_call2(SYS_setgroups, 0, NULL);

	if (r == 0)
		r = sys_call3(SYS_setresgid, plan->inside_gid, plan->inside_gid, plan->inside_gid);
	if (r == 0)
		r = sys_call3(SYS_setresuid, plan->inside_uid, plan->inside_uid, plan->inside_uid);
	if (r < 0)
		return err_wall(reterr, "user", (int)-r, "become", "the box's user");
	return 0;
}

/* A child that only holds a user namespace until the other end of the pipe closes. */
static _Noreturn void hold_namespace(const int pipe_fds[2])
{
	char byte;

	(void)sys_close(pipe_fds[1]);
	(void)sys_read(pipe_fds[0], &byte, 1); /* EOF, whatever happens to the parent */
	sys_exit_group(0);
}

/* "ID UNOWNED 1" with everything around it mapped to itself. buf holds 128 bytes. */
static void format_idmap(char *buf, unsigned id, unsigned unowned)
{
	int n = id ? snprintf(buf, 128, "0 0 %u\n", id) : 0;

	(void)snprintf(buf + n, 128 - (size_t)n, "%u %u 1\n%u %u %u\n", id, unowned, id + 1, id + 1,
		       unowned - id - 1);
}

int userns_open_idmap(const struct plan *plan, const struct step *step, int *ret_fd,
		      struct err *reterr)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	int pipe_fds[2];
	char path[64], map[128];

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_wall(reterr, "idmap", errno, "make", "a pipe");
	long pid = sys_call2(SYS_clone3, &args, sizeof args);
	if (pid == 0)
		hold_namespace(pipe_fds);
	_cleanup_close_ int hold = pipe_fds[1];
	(void)close(pipe_fds[0]);
	if (pid < 0)
		return err_wall(reterr, "idmap", (int)-pid, "make", "a user namespace");
	/* Ids from the unowned range on are nobody's, so they cannot own a source. */
	format_idmap(map, step->owner < plan->outside_uid ? step->owner : 0, plan->outside_uid);
	int r = write_child_map((pid_t)pid, "uid_map", map, reterr);
	format_idmap(map, step->group < plan->outside_gid ? step->group : 0, plan->outside_gid);
	if (r == 0)
		r = write_child_map((pid_t)pid, "gid_map", map, reterr);
	if (r == 0) {
		(void)snprintf(path, sizeof path, "/proc/%ld/ns/user", pid);
		r = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
		if (r < 0)
			err_wall(reterr, "idmap", -r, "open", path);
		else
			*ret_fd = r;
	}
	(void)close(steal_fd(&hold));
	while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r < 0 ? r : 0;
}
