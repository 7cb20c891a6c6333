/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory and processor time of a whole box held by looking, where no cgroup holds them, and
 * what it writes to disks, which nothing else holds.
 *
 * Theory of operation: a thread of the supervisor's looks at the box (usage.h), as late as
 * it may: no earlier than what is left of a limit could be used up, if every processor did
 * nothing but use it. So most runs end before the first look and cost nothing. The cheap
 * look is enough while its bound is below the limit; above it the memory is measured, and
 * only what was measured ends a box, which stands still for it where much may have been taken
 * since the last time. It is a thread, not a turn of the supervisor's loop,
 * because measuring waits for locks that the box can hold: the clock must not.
 *
 * What it says is a verdict in memory and a wake-up; the loop ends the box. Where what is used
 * is not given back, it is killed first: the loop may have to wait for a processor. So would
 * the thread, for as long as it takes what fills memory to fill it. Where the caller may (root),
 * it goes before all others once a limit is close, until it has used more time than that takes:
 * a box that stays near its limit is looked at like others then.
 *
 * The limit of processor time has two verdicts: it is reached, and what the box may use to end
 * by itself after SIGXCPU is, too. The latter is counted, for many processors use much of it in
 * a short time.
 */
#ifndef AISBX_BOX_METER_H
#define AISBX_BOX_METER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "box/limits/turns.h"
#include "box/limits/usage.h"

enum meter_verdict {
	METER_FINE,
	METER_MEMORY,
	METER_CPU,
	METER_DISK,
	METER_BLIND, /* /proc of the box cannot be read any more: nothing is held */
};

struct meter {
	/* set before meter_start() */
	uint64_t memory_limit; /* bytes, LIMIT_NONE: none */
	uint64_t cpu_limit_us;
	uint64_t disk_limit; /* bytes; with it reader.reaped_blocks */
	bool has_cgroup;     /* which says what memory was used: that is not measured */
	int socket_fd;	     /* init's: the others are killed as soon as a limit is reached */
	struct usage_reader reader;
	uint64_t processors; /* set by meter_reset() */
	pid_t command;	     /* its number in the box, since meter_start() */
	/* the thread's */
	bool is_in_grace;	 /* cpu_limit_us is with what is used after SIGXCPU */
	struct turns turns;	 /* of a crowd */
	_Atomic bool is_leaving; /* a crowd, which gives way until it is gone */
	_Atomic(enum meter_verdict) verdict;
	_Atomic uint64_t peak_memory, cpu_us, peak_tasks, disk_bytes; /* as far as was seen */
	int verdict_fd; /* eventfd: readable with a verdict; -1 before meter_start() */
	int stop_fd;
	int kill_fd; /* socket_fd once more: the loop may have closed that one */
	pthread_t thread;
};

#define METER_NONE                                                                                 \
	{                                                                                          \
		.verdict_fd = -1, .stop_fd = -1, .kill_fd = -1                                     \
	}

/* That the caller may use, and so the box. */
uint64_t processors_usable(void);
/* One that was stopped, for another box. */
void meter_reset(struct meter *meter);
/* Processor time that a box at its limit may use to end by itself. */
uint64_t meter_cpu_grace_us(uint64_t limit_us);
/* How long, from the start of the command, until a limit could be reached. */
int64_t meter_first_ms(const struct meter *meter);
/* Takes the descriptors of usage_open(), on failure too. 0 or -errno. */
int meter_start(struct meter *meter, pid_t command, const int fds[USAGE__N]);
/* What was said on verdict_fd, which is not readable any more then. */
enum meter_verdict meter_verdict(struct meter *meter);
/* Before a box ends. Does nothing to one that was not started, or has few processes. */
void meter_give_way(struct meter *meter);
/* When no process of the box is left. Does nothing to one that was not started. */
void meter_stop(struct meter *meter);
/* When some are, and aisbx is about to exit beside the thread. */
void meter_leave(const struct meter *meter);

#endif
