/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processes of a box use: see usage.h and proc(5). */
#include "box/limits/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "box/limits/numbers.h"
#include "box/limits/written.h"

enum {
	TEXT_BYTES = 16 * 1024,
	NAME_BYTES = 64,
	MEMFDS_MAX = 1024,
	FORKED_NOT_EXECUTED = 0x40, /* PF_FORKNOEXEC of linux/sched.h */
	PAGE_TABLE_SHARE = 512,	    /* bytes of address space for a byte of page table */
	LARGE_BYTES = 1024 * 1024,  /* of page tables */
	BLOCK_BYTES = 512,	    /* of getrusage(2) */
};

/*** Files and directories of /proc ***/

/* A short file, from its start. Bytes or -errno; terminated. */
static ssize_t read_text(int fd, char *buf, size_t size)
{
	ssize_t n;

	do {
		n = pread(fd, buf, size - 1, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

static ssize_t read_file(int dir_fd, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : read_text(fd, buf, size);
}

/*** The cheap look ***/

bool usage_parse_stat(const char *line, struct usage_stat *ret_stat)
{
	/* The name is in parentheses and may have any byte, those too: the last one ends it. */
	const char *rest = strrchr(line, ')');
	unsigned long long user, system, reaped_user, reaped_system, begin, vsize;
	unsigned long threads, rss;
	struct usage_stat stat;

	/* state ppid pgrp session tty tpgid flags, 4 faults, utime ... num_threads, itrealvalue,
	 * starttime, vsize, rss */
	if (!rest || sscanf(rest + 1,
			    " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %llu %llu %llu %llu %*d "
			    "%*d %lu %*d %llu %llu %lu",
			    &stat.state, &stat.parent, &stat.flags, &user, &system, &reaped_user,
			    &reaped_system, &threads, &begin, &vsize, &rss) != 11)
		return false;
	stat.own_ticks = user + system;
	stat.reaped_ticks = reaped_user + reaped_system;
	stat.threads = threads;
	stat.begin_ticks = begin;
	stat.vsize_bytes = vsize;
	stat.rss_pages = rss;
	*ret_stat = stat;
	return true;
}

static uint64_t tick_us(void)
{
	return 1000000U / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* As begin_ticks. */
static uint64_t now_ticks(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail with this clock */
	return ((uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U) / tick_us();
}

struct thread_search {
	pid_t leader;
	pid_t found;
};

static bool see_thread(void *context, pid_t number)
{
	struct thread_search *search = context;

	if (number != search->leader)
		search->found = number;
	return search->found == search->leader;
}

/* A leader that ended shows no memory while its other threads run on: one of those does. */
static void find_memory(const struct usage_reader *reader, struct usage_task *task,
			struct usage_stat *stat)
{
	struct thread_search search = { task->pid, task->pid };
	char name[NAME_BYTES], text[1024];
	struct usage_stat other;

	(void)snprintf(name, sizeof name, "%d/task", task->pid);
	_cleanup_close_ int fd =
		openat(reader->fds[USAGE_PROC], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || each_number(fd, see_thread, &search) < 0)
		return;
	(void)snprintf(name, sizeof name, "%d/stat", search.found);
	if (read_file(fd, name, text, sizeof text) <= 0 || !usage_parse_stat(text, &other))
		return;
	task->memory_of = search.found;
	stat->vsize_bytes = other.vsize_bytes;
	stat->rss_pages = other.rss_pages;
}

struct look {
	struct usage_reader *reader;
	struct usage *usage;
	uint64_t begin_ticks;
	uint64_t rss_bytes, table_bytes;
	int error;
};

/* A place in the table, which has room for as many as a box has had: NULL without memory. */
static struct usage_task *add_task(struct usage_reader *reader)
{
	enum {
		FIRST = 64
	};

	if (reader->tasks_len == reader->tasks_cap) {
		size_t cap = reader->tasks_cap ? 2 * reader->tasks_cap : FIRST;
		struct usage_task *tasks = reallocarray(reader->tasks, cap, sizeof *reader->tasks);

		if (!tasks)
			return NULL;
		reader->tasks = tasks;
		reader->tasks_cap = cap;
	}
	return &reader->tasks[reader->tasks_len++];
}

/* Those of the last look; its place is the next one's. */
static void keep_tasks(struct usage_reader *reader)
{
	struct usage_task *tasks = reader->before;
	size_t cap = reader->before_cap;

	reader->before = reader->tasks;
	reader->before_len = reader->tasks_len;
	reader->before_cap = reader->tasks_cap;
	reader->tasks = tasks;
	reader->tasks_cap = cap;
}

void usage_forget(struct usage_reader *reader)
{
	free(reader->tasks);
	free(reader->before);
	reader->tasks = reader->before = NULL;
	reader->tasks_len = reader->tasks_cap = reader->before_len = reader->before_cap = 0;
}

static bool see_process(void *context, pid_t pid)
{
	struct look *look = context;
	struct usage_reader *reader = look->reader;
	char name[NAME_BYTES], text[1024];
	struct usage_stat stat;

	(void)snprintf(name, sizeof name, "%d/stat", pid);
	if (pid == INIT_PID || read_file(reader->fds[USAGE_PROC], name, text, sizeof text) <= 0 ||
	    !usage_parse_stat(text, &stat))
		return true;
	struct usage_task *task = add_task(reader);
	if (!task) {
		look->error = -ENOMEM;
		return false;
	}
	*task = (struct usage_task){ .pid = pid, .memory_of = pid };
	if (stat.state == 'Z' && stat.threads > 1)
		find_memory(reader, task, &stat);
	task->parent = stat.parent;
	task->state = stat.state;
	task->has_forked = stat.flags & FORKED_NOT_EXECUTED;
	task->rss_bytes = stat.rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
	task->vsize_bytes = stat.vsize_bytes;
	look->usage->cpu_us += (stat.own_ticks + stat.reaped_ticks) * tick_us();
	/* One that began meanwhile may not have been there with others that were seen. */
	if (stat.begin_ticks < look->begin_ticks)
		look->usage->tasks += stat.threads;
	look->rss_bytes += task->rss_bytes;
	look->table_bytes += task->vsize_bytes / PAGE_TABLE_SHARE;
	if (reader->reaped_blocks)
		look->error = written_read(reader, task);
	look->usage->written_bytes += task->written_bytes;
	return look->error == 0;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/*
 * vfork(2) lends the parent's memory to the child and the parent sleeps in state D, so what
 * both show is there once. One child alone is taken for it, the one that looks most like the
 * parent: whoever makes others look so has no more of them uncounted than it has counted.
 */
static uint64_t mark_copies(struct usage_reader *reader)
{
	uint64_t copied = 0;

	for (size_t i = 0; i < reader->tasks_len; i++) {
		const struct usage_task *parent = &reader->tasks[i];
		struct usage_task *copy = NULL;

		if (parent->state != 'D')
			continue;
		for (size_t j = 0; j < reader->tasks_len; j++) {
			struct usage_task *task = &reader->tasks[j];

			if (task->parent == parent->pid && task->has_forked &&
			    task->vsize_bytes == parent->vsize_bytes &&
			    (!copy || distance(task->rss_bytes, parent->rss_bytes) <
					      distance(copy->rss_bytes, parent->rss_bytes)))
				copy = task;
		}
		if (copy) {
			copy->is_copy = true;
			copied += copy->rss_bytes;
		}
	}
	return copied;
}

static uint64_t tmpfs_bytes(const struct usage_reader *reader)
{
	struct statfs fs;

	if (fstatfs(reader->fds[USAGE_ROOT], &fs) < 0)
		return 0;
	return (uint64_t)(fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
}

/*
 * What the host's shared memory grew by holds all that the box has of it, mapped or not: a
 * bound that costs one call. Others' that shrinks meanwhile lowers the base, never the bound
 * of what is counted here.
 */
uint64_t usage_shmem_growth(struct usage_reader *reader)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return 0;
	uint64_t now = (uint64_t)info.sharedram * info.mem_unit;
	if (reader->shmem_base_bytes == 0 || now < reader->shmem_base_bytes)
		reader->shmem_base_bytes = now;
	return now - reader->shmem_base_bytes;
}

int usage_read(struct usage_reader *reader, struct usage *ret_usage)
{
	struct usage usage = { 0 };
	struct look look = { .reader = reader, .usage = &usage, .begin_ticks = now_ticks() };
	struct usage_stat init;
	char text[1024];

	if (reader->reaped_blocks)
		keep_tasks(reader);
	reader->tasks_len = 0;
	/* Before those that are not reaped yet: nothing is counted twice then. */
	if (reader->reaped_blocks)
		usage.written_bytes = *reader->reaped_blocks * BLOCK_BYTES;
	int r = each_number(reader->fds[USAGE_PROC], see_process, &look);
	if (r < 0 || look.error < 0)
		return r < 0 ? r : look.error;
	if (read_text(reader->fds[USAGE_INIT], text, sizeof text) > 0 &&
	    usage_parse_stat(text, &init))
		usage.cpu_us += init.reaped_ticks * tick_us();
	uint64_t growth = usage_shmem_growth(reader), own = tmpfs_bytes(reader);
	reader->own_bytes = look.rss_bytes - mark_copies(reader) + own;
	reader->bound_bytes = reader->own_bytes - own + (growth > own ? growth : own);
	usage.memory_bytes = reader->bound_bytes + look.table_bytes;
	*ret_usage = usage;
	return 0;
}

/*** The exact look ***/

struct inode {
	dev_t dev;
	ino_t ino;
};

struct measure {
	const struct usage_reader *reader;
	int64_t until_us;
	bool is_late;
	dev_t tmpfs;
	uint64_t bytes;
	size_t memfds_len;
	struct inode memfds[MEMFDS_MAX]; /* that a process has open: counted whole */
};

/* The box says how many descriptors and mappings there are, so each of them may be the last. */
static bool goes_on(struct measure *measure)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	if ((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 > measure->until_us)
		measure->is_late = true;
	return !measure->is_late;
}

static bool is_counted(const struct measure *measure, const struct inode *inode)
{
	for (size_t i = 0; i < measure->memfds_len; i++) {
		if (measure->memfds[i].dev == inode->dev && measure->memfds[i].ino == inode->ino)
			return true;
	}
	return false;
}

/* One directory of /proc while its entries are looked at. */
struct descriptors {
	struct measure *measure;
	int dir_fd;
};

static bool see_descriptor(void *context, pid_t number)
{
	static const char memfd[] = "/memfd:";
	const struct descriptors *descriptors = context;
	struct measure *measure = descriptors->measure;
	char name[NAME_BYTES], target[sizeof memfd];
	struct stat st;

	(void)snprintf(name, sizeof name, "%d", number);
	ssize_t n = readlinkat(descriptors->dir_fd, name, target, sizeof target);
	/* Only these are looked at: a file of another file system could keep us waiting. */
	if (n < (ssize_t)sizeof memfd - 1 || memcmp(target, memfd, sizeof memfd - 1) != 0 ||
	    fstatat(descriptors->dir_fd, name, &st, 0) < 0)
		return goes_on(measure);
	struct inode inode = { st.st_dev, st.st_ino };
	if (is_counted(measure, &inode))
		return goes_on(measure);
	if (measure->memfds_len < MEMFDS_MAX)
		measure->memfds[measure->memfds_len++] = inode;
	measure->bytes += (uint64_t)st.st_blocks * 512;
	return goes_on(measure);
}

/* Threads can have descriptors of their own: unshare(2). */
static bool see_thread_descriptors(void *context, pid_t thread)
{
	const struct descriptors *threads = context;
	char name[NAME_BYTES];

	(void)snprintf(name, sizeof name, "%d/fd", thread);
	_cleanup_close_ int fd = openat(threads->dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct descriptors descriptors = { threads->measure, fd };
	if (fd >= 0)
		(void)each_number(fd, see_descriptor, &descriptors);
	return goes_on(threads->measure);
}

static void add_memfds(struct measure *measure, const struct usage_task *task)
{
	char name[NAME_BYTES];

	(void)snprintf(name, sizeof name, "%d/task", task->pid);
	_cleanup_close_ int fd =
		openat(measure->reader->fds[USAGE_PROC], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct descriptors threads = { measure, fd };
	if (fd >= 0)
		(void)each_number(fd, see_thread_descriptors, &threads);
}

/* Whether what a line of smaps begins is counted elsewhere: tmpfs, System V, an open memfd. */
static bool is_elsewhere(const struct measure *measure, const char *line)
{
	unsigned major, minor;
	unsigned long inode_number;

	if (sscanf(line, "%*x-%*x %*s %*x %x:%x %lu", &major, &minor, &inode_number) != 3)
		return false;
	struct inode inode = { makedev(major, minor), inode_number };
	return inode.dev == measure->tmpfs || strstr(line, " /SYSV") || is_counted(measure, &inode);
}

/* "Pss:  12 kB" of that name, in bytes; 0 for another line. */
static uint64_t line_bytes(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) != 0)
		return 0;
	return strtoull(line + len, NULL, 10) * 1024;
}

/* What a process has mapped, by one of its files. */
struct mapped {
	struct measure *measure;
	uint64_t bytes;	      /* in memory or swap, shared pages by their share */
	uint64_t shmem_bytes; /* of them, what may be counted elsewhere; of smaps_rollup only */
	bool skip;
};

static void see_smaps_line(struct mapped *mapped, const char *line)
{
	bool is_header = (line[0] >= '0' && line[0] <= '9') || (line[0] >= 'a' && line[0] <= 'f');

	if (is_header) {
		mapped->skip = is_elsewhere(mapped->measure, line);
		return;
	}
	if (!mapped->skip)
		mapped->bytes += line_bytes(line, "Pss:") + line_bytes(line, "SwapPss:");
	mapped->shmem_bytes += line_bytes(line, "Pss_Shmem:");
}

static void read_mapped(const struct usage_task *task, const char *file, struct mapped *mapped)
{
	struct measure *measure = mapped->measure;
	char name[NAME_BYTES], text[TEXT_BYTES];
	size_t kept = 0;

	(void)snprintf(name, sizeof name, "%d/task/%d/%s", task->pid, task->memory_of, file);
	_cleanup_close_ int fd =
		openat(measure->reader->fds[USAGE_PROC], name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)
		mapped->bytes = task->rss_bytes; /* a program that cannot be read: all it has */
	if (fd < 0)
		return;
	while (goes_on(measure)) {
		ssize_t n = read(fd, text + kept, sizeof text - kept - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text[kept + (size_t)n] = '\0';
		char *line = text;
		for (char *end; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			see_smaps_line(mapped, line);
		}
		kept = strlen(line);
		if (kept >= sizeof text - 1)
			kept = 0; /* no line of smaps is that long: paths end at 4096 bytes */
		memmove(text, line, kept);
	}
}

/* The whole list of mappings is long, and needed only where some are counted elsewhere. */
static void add_mapped(struct measure *measure, const struct usage_task *task)
{
	struct mapped sum = { .measure = measure }, mapped = { .measure = measure };

	read_mapped(task, "smaps_rollup", &sum);
	if (sum.shmem_bytes > 0)
		read_mapped(task, "smaps", &mapped);
	measure->bytes += sum.shmem_bytes > 0 ? mapped.bytes : sum.bytes;
}

static uint64_t read_tables(const struct usage_reader *reader, const struct usage_task *task)
{
	char name[NAME_BYTES], text[4096];

	(void)snprintf(name, sizeof name, "%d/task/%d/status", task->pid, task->memory_of);
	if (read_file(reader->fds[USAGE_PROC], name, text, sizeof text) <= 0)
		return 0;
	const char *line = strstr(text, "\nVmPTE:");
	return line ? line_bytes(line + 1, "VmPTE:") : 0;
}

static bool could_be_large(const struct usage_task *task)
{
	return task->vsize_bytes / PAGE_TABLE_SHARE > LARGE_BYTES && !task->is_copy;
}

uint64_t usage_read_tables(struct usage_reader *reader)
{
	uint64_t bound = reader->bound_bytes;

	for (size_t i = 0; i < reader->tasks_len; i++) {
		struct usage_task *task = &reader->tasks[i];
		bool large = could_be_large(task);

		if (large)
			task->table_bytes = read_tables(reader, task);
		bound += large ? task->table_bytes : task->vsize_bytes / PAGE_TABLE_SHARE;
	}
	return bound;
}

/* Columns of sysvipc(5) as the first line names them; rss and swap are the last two. */
static void add_system_v(struct measure *measure)
{
	char text[TEXT_BYTES];
	off_t at = 0;
	bool is_title = true;

	for (;;) {
		ssize_t n = pread(measure->reader->fds[USAGE_SHM], text, sizeof text - 1, at);

		if (n <= 0)
			return;
		text[n] = '\0';
		char *line = text;
		for (char *end; (end = strchr(line, '\n')); line = end + 1) {
			unsigned long long rss, swap;

			*end = '\0';
			if (!is_title && sscanf(line,
						"%*d %*d %*o %*u %*u %*u %*u %*u %*u %*u %*u %*d "
						"%*d %*d %llu %llu",
						&rss, &swap) == 2)
				measure->bytes += rss + swap;
			is_title = false;
		}
		if (line == text)
			return;
		at += line - text;
	}
}

/*
 * A walk through large tables takes long, and what fills them goes on meanwhile. So what is
 * little beside them is left out: they soon are enough without it.
 */
static bool is_slow(const struct usage_task *task)
{
	return task->table_bytes > LARGE_BYTES && task->table_bytes > task->rss_bytes / 8;
}

int usage_measure(struct usage_reader *reader, uint64_t enough, int64_t until_us,
		  uint64_t *ret_memory_bytes)
{
	enum {
		LEFT_OUT_PARTS = 4, /* of what is enough: the most that is left out */
	};
	static struct measure measure; /* large: not on the stack of a thread */
	uint64_t left_out = 0;
	struct stat root;

	if (fstat(reader->fds[USAGE_ROOT], &root) < 0)
		return -errno;
	measure.reader = reader;
	measure.tmpfs = root.st_dev;
	measure.bytes = tmpfs_bytes(reader);
	measure.memfds_len = 0;
	measure.until_us = until_us;
	measure.is_late = false;
	add_system_v(&measure);
	/* What costs least comes first: the mappings of one with large tables take long to walk. */
	(void)usage_read_tables(reader);
	for (size_t i = 0; i < reader->tasks_len && goes_on(&measure); i++) {
		measure.bytes += reader->tasks[i].table_bytes;
		add_memfds(&measure, &reader->tasks[i]);
	}
	for (size_t i = 0; i < reader->tasks_len && measure.bytes <= enough && goes_on(&measure);
	     i++) {
		const struct usage_task *task = &reader->tasks[i];

		if (task->is_copy)
			continue;
		if (!could_be_large(task))
			measure.bytes += read_tables(reader, task);
		if (is_slow(task) && left_out + task->rss_bytes <= enough / LEFT_OUT_PARTS)
			left_out += task->rss_bytes;
		else
			add_mapped(&measure, task);
	}
	*ret_memory_bytes = measure.bytes;
	return measure.is_late && measure.bytes <= enough ? -ETIME : 0;
}
