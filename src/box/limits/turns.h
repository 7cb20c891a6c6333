/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processors that a crowd keeps busy are made to choose anew who runs, often.
 *
 * Theory of operation: since Linux 6.6 the kernel runs nobody who is ahead of their share, by
 * however little. A session that has just begun is as soon as it has run at all. When the
 * processor next chooses, a crowd of the least share gets it, and keeps it until something there
 * wakes up or the clock ticks: up to 4 or 10 ms, for what is owed microseconds. A start has
 * several such moments, which was most of what a fork bomb in another box cost it. So each
 * processor has a thread here that wakes up, and does nothing but that.
 */
#ifndef AISBX_BOX_TURNS_H
#define AISBX_BOX_TURNS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	TURNS_MAX = 64, /* processors; on more of them a start has more to choose from */
};

struct turn {
	pthread_t thread;
	size_t processor;
	const atomic_bool *is_over;
};

struct turns {
	size_t len; /* of each; 0: they were not begun */
	struct turn each[TURNS_MAX];
	atomic_bool is_over;
};

/* For each processor that the caller may use. What cannot be had is left out. */
void turns_begin(struct turns *turns);
/* Waits for the threads. Does nothing to turns that were not begun. */
void turns_end(struct turns *turns);

#endif
