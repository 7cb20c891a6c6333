/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many a box had at once: see headcount.h. */
#include "box/limits/headcount.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/limits/numbers.h"
#include "box/limits/usage.h"

enum {
	LOOKED_AT_MAX = 1024, /* a count is soon done, whatever there is */
	LINKS_OF_NONE = 2,    /* of a task directory: each thread is one more */
	FIRST_WAIT_MS = 8,
	WAIT_MS_MAX = 3600 * 1000,
};

void headcount_begin(int look_fd, pid_t command, struct headcount *ret_headcount)
{
	int fd = look_fd >= 0 ? look_fd : sys_open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

	*ret_headcount =
		(struct headcount){ .proc_fd = fd, .command = command, .wait_ms = FIRST_WAIT_MS };
}

/* Of all ids of the box the one that was given last, -1 when that cannot be seen. */
static pid_t last_given(int proc_fd)
{
	char text[128];
	/* "0.00 0.00 0.00 1/99 3\n", and no file that a grant laid there. */
	_cleanup_close_ int fd =
		sys_openat2(proc_fd, "loadavg", O_RDONLY | O_CLOEXEC, 0, RESOLVE_NO_XDEV);
	long n = fd < 0 ? -1 : sys_read(fd, text, sizeof text - 1);

	text[n > 0 ? n - 1 : 0] = '\0';
	const char *last = strrchr(text, ' ');
	return last ? name_number(last + 1) : -1;
}

struct count {
	int dir_fd;
	pid_t last;
	unsigned looked_at;
	uint64_t tasks;
};

static bool see_process(void *context, pid_t pid)
{
	struct count *count = context;
	char name[32];
	struct stat st;

	if (pid == INIT_PID || pid > count->last)
		return true;
	(void)snprintf(name, sizeof name, "%d/task", pid);
	bool is_there = fstatat(count->dir_fd, name, &st, 0) == 0 && st.st_nlink > LINKS_OF_NONE;
	count->tasks += is_there ? st.st_nlink - LINKS_OF_NONE : 1;
	return ++count->looked_at < LOOKED_AT_MAX;
}

static uint64_t count_tasks(int proc_fd, pid_t last)
{
	_cleanup_close_ int fd =
		sys_openat2(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
	struct count count = { .dir_fd = fd, .last = last };

	if (fd >= 0)
		(void)each_number(fd, see_process, &count);
	return count.tasks;
}

void headcount_look(struct headcount *headcount)
{
	pid_t last = last_given(headcount->proc_fd);
	uint64_t least = last == headcount->command ? 1 : 2;

	if (headcount->wait_ms < WAIT_MS_MAX)
		headcount->wait_ms *= 2;
	if (last < 0)
		return;
	uint64_t tasks = least > 1 ? count_tasks(headcount->proc_fd, last) : least;
	tasks = tasks > least ? tasks : least;
	if (tasks > headcount->most)
		headcount->most = tasks;
}
