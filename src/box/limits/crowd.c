/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Boxes that want more processors than there are: see crowd.h. */
#include "box/limits/crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "box/limits/numbers.h"

enum {
	CROWD_PARTS = 4,   /* that want to run, for each processor */
	CROWD_LARGE = 500, /* processes whose end takes the processors for tens of milliseconds */
	/* As nice(1) has them. */
	LEAST_SHARE = 19,
	FULL_SHARE = 0,
};

/* The share of that process's session. False: the kernel takes no more for a while. */
static bool set_share(const struct usage_reader *reader, pid_t pid, int nice)
{
	char name[64], text[64];
	int now;

	(void)snprintf(name, sizeof name, "%d/autogroup", pid);
	_cleanup_close_ int fd =
		openat(reader->fds[USAGE_PROC], name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n < 0)
		return true; /* gone, or there are no such groups */
	text[n] = '\0';
	if (sscanf(text, "/autogroup-%*u nice %d", &now) != 1 || now == nice)
		return true;
	n = snprintf(text, sizeof text, "%d", nice);
	return write(fd, text, (size_t)n) >= 0 || errno != EAGAIN;
}

bool crowd_follow(const struct usage_reader *reader, uint64_t processors, bool is_filling,
		  bool *is_crowd)
{
	size_t running = 0;
	bool was_crowd = *is_crowd;

	for (size_t i = 0; i < reader->tasks_len; i++)
		running += reader->tasks[i].state == 'R';
	*is_crowd = is_filling || running > (was_crowd ? processors : CROWD_PARTS * processors);
	if (!*is_crowd && !was_crowd)
		return false;
	for (size_t i = 0; i < reader->tasks_len; i++) {
		if (!set_share(reader, reader->tasks[i].pid,
			       *is_crowd ? LEAST_SHARE : FULL_SHARE)) {
			*is_crowd = true; /* also where shares are given back: that goes on */
			return true;
		}
	}
	return false;
}

static bool see_process(void *context, pid_t pid)
{
	size_t *processes = context;

	(void)pid;
	return ++*processes < CROWD_LARGE;
}

bool crowd_is_large(const struct usage_reader *reader)
{
	size_t processes = 0;
	/* Not where the thread that looks has got to. */
	_cleanup_close_ int fd =
		openat(reader->fds[USAGE_PROC], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && each_number(fd, see_process, &processes) == 0 && processes >= CROWD_LARGE;
}

bool crowd_leave(const struct usage_reader *reader, pid_t command)
{
	return set_share(reader, command, LEAST_SHARE);
}
