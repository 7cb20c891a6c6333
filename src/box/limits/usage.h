/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the processes of a box use together, read from its /proc: proc(5).
 *
 * Two looks. usage_read() is cheap, takes no lock of a process's memory, and its memory is
 * a bound from above: shared pages count once for each process, page tables by what the
 * address space could need, unless usage_read_tables() read them. usage_measure() says what it is, as cgroups count it: each page
 * once, with page tables, swap, tmpfs, System V and memfd memory. It reads smaps, which
 * waits for a process that holds the lock of its own memory.
 */
#ifndef AISBX_BOX_USAGE_H
#define AISBX_BOX_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Descriptors that init opens: usage_open(). */
enum usage_fd {
	USAGE_PROC, /* /proc of the box, a directory: what lists every process of it */
	USAGE_ROOT, /* / of the box: the tmpfs of all that is private */
	USAGE_SHM,  /* sysvipc/shm, which shows the namespace of who opened it */
	USAGE_INIT, /* stat of init, which nobody else can see there */
	USAGE__N
};

/* One process. */
enum {
	INIT_PID = 1,
};

struct usage_task {
	pid_t pid; /* in the box */
	pid_t parent;
	pid_t memory_of; /* thread whose files show its memory: pid, unless that thread ended */
	char state;	 /* as in proc(5) */
	bool is_copy;	 /* memory is the parent's, for the while of a vfork(2) */
	bool has_forked; /* and not executed anything yet */
	uint64_t rss_bytes;
	uint64_t vsize_bytes;
	uint64_t table_bytes; /* page tables where they could be large, once they are read */
	uint64_t written_bytes;
};

struct usage {
	uint64_t memory_bytes;
	uint64_t cpu_us;	/* of all, the ended and reaped ones too */
	uint64_t tasks;		/* processes and threads that were there at once, without init */
	uint64_t written_bytes; /* to disks, of all that was waited for and all that is there */
};

struct usage_reader {
	int fds[USAGE__N];
	const _Atomic uint64_t *reaped_blocks; /* NULL: what is written is not asked for */
	uint64_t shmem_base_bytes;	       /* of the whole host, the least that was seen */
	/* Of the last look, by pid, and with reaped_blocks of the one before. */
	struct usage_task *tasks, *before;
	size_t tasks_len, tasks_cap, before_len, before_cap;
	uint64_t bound_bytes; /* without page tables */
	uint64_t own_bytes;   /* of them, what no other box can have had a part in */
};

/*
 * In init, when the command runs: opens them all; look_fd is of mounts_apply(). 0 or -errno,
 * then none is open. No heap.
 */
int usage_open(int look_fd, int ret_fds[USAGE__N]);

/* Once before the command runs, so that what it grows by from then on is seen. */
uint64_t usage_shmem_growth(struct usage_reader *reader);
/*
 * 0 or -errno. Processes that end meanwhile are left out; one that is waited for meanwhile may be
 * missing in written_bytes, or be there twice.
 */
int usage_read(struct usage_reader *reader, struct usage *ret_usage);
void usage_forget(struct usage_reader *reader);
/* The bound of usage_read() with large page tables as they are, not as they could be. */
uint64_t usage_read_tables(struct usage_reader *reader);
/*
 * The memory of what usage_read() saw last; once it is above enough, what was seen till then.
 * -ETIME: it was not seen until then, of CLOCK_MONOTONIC; INT64_MAX waits for it.
 */
int usage_measure(struct usage_reader *reader, uint64_t enough, int64_t until_us,
		  uint64_t *ret_memory_bytes);

/*** What they are made of; pure ***/

/* A line of /proc/PID/stat. False when it is none. */
struct usage_stat {
	char state;
	pid_t parent;
	unsigned flags; /* PF_*, linux/sched.h */
	uint64_t own_ticks, reaped_ticks;
	uint64_t threads;
	uint64_t begin_ticks; /* after the host's start */
	uint64_t vsize_bytes, rss_pages;
};
bool usage_parse_stat(const char *line, struct usage_stat *ret_stat);

#endif
