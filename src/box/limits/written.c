/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processes of a box have written to disks: see written.h and proc(5). */
#include "box/limits/written.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	EXITING = 0x04, /* PF_EXITING of linux/sched.h */
};

/* A file of the task's. Bytes or -errno; terminated. */
static ssize_t read_file(const struct usage_reader *reader, const struct usage_task *task,
			 const char *name, char *buf, size_t size)
{
	char path[64];

	(void)snprintf(path, sizeof path, "%d/%s", task->memory_of, name);
	_cleanup_close_ int fd = openat(reader->fds[USAGE_PROC], path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

/* Between the loss of its memory and its being waited for. */
static bool is_ending(const struct usage_reader *reader, const struct usage_task *task)
{
	struct usage_stat stat;
	char text[1024];

	return read_file(reader, task, "stat", text, sizeof text) <= 0 ||
	       !usage_parse_stat(text, &stat) || stat.flags & EXITING;
}

/* It has the least number of all while it is there, and with it the box ends. */
static bool is_command(const struct usage_reader *reader, const struct usage_task *task)
{
	return task == reader->tasks && task->parent == INIT_PID;
}

/*
 * Between vfork(2) and the moment that execve(2) lets others look at the new memory, nobody may.
 * Nothing runs in it then, and the flag that tells is gone a little before that moment.
 */
static ssize_t read_io(const struct usage_reader *reader, const struct usage_task *task, char *text,
		       size_t size)
{
	static const struct timespec millisecond = { .tv_nsec = 1000000 };
	enum {
		TRIES = 50
	};
	ssize_t n = read_file(reader, task, "io", text, size);

	if (n != -EACCES || !is_command(reader, task))
		return n;
	if (task->has_forked)
		return -ENOENT;
	for (int i = 0; n == -EACCES && i < TRIES && !is_ending(reader, task); i++) {
		(void)nanosleep(&millisecond, NULL);
		n = read_file(reader, task, "io", text, size);
	}
	return n;
}

static int compare_tasks(const void *a, const void *b)
{
	const struct usage_task *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int written_read(const struct usage_reader *reader, struct usage_task *task)
{
	static const char key[] = "\nwrite_bytes: ";
	const struct usage_task *before = NULL;
	char text[512];

	ssize_t n = read_io(reader, task, text, sizeof text);
	if (n >= 0) {
		const char *line = strstr(text, key);

		if (line)
			task->written_bytes = strtoull(line + sizeof key - 1, NULL, 10);
		return line ? 0 : -EPROTO;
	}
	if (n == -ENOENT || n == -ESRCH)
		return 0;
	if (!is_ending(reader, task))
		return (int)n;
	if (reader->before_len)
		before = bsearch(task, reader->before, reader->before_len, sizeof *task,
				 compare_tasks);
	if (before)
		task->written_bytes = before->written_bytes;
	return 0;
}

/*** The sum ***/

void written_follow(struct written *written, uint64_t sum)
{
	uint64_t before = written->looks[written->last], most = 0;
	uint64_t sure = sum < before ? sum : before;

	written->last = (written->last + 1) % WRITTEN_LOOKS;
	written->looks[written->last] = sum;
	for (size_t i = 0; i < WRITTEN_LOOKS; i++)
		most = written->looks[i] > most ? written->looks[i] : most;
	if (sure > written->base)
		written->bytes += sure - written->base;
	if (sure > written->base || most < written->base)
		written->base = sure > written->base ? sure : most;
}
