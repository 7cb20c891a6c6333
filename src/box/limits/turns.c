/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processors that choose anew who runs: see turns.h. */
#include "box/limits/turns.h"

#include <limits.h>
#include <stdint.h>
#include <time.h>

#include "base/sys.h"
#include "box/slices.h"

enum {
	/* Often enough that a start hardly waits; costs a crowd a few percent. */
	TURN_NS = 500 * 1000,
	STACK_BYTES = 64 * 1024,
	PROCESSORS_MAX = 8192, /* the most that Linux has */
	WORD_BITS = sizeof(unsigned long) * CHAR_BIT,
};

static bool stay_at(size_t processor)
{
	unsigned long only[PROCESSORS_MAX / WORD_BITS] = { 0 };

	only[processor / WORD_BITS] = 1UL << processor % WORD_BITS;
	return sys_call3(SYS_sched_setaffinity, 0, sizeof only, only) == 0;
}

static void *wake_up(void *argument)
{
	const struct turn *turn = argument;
	const struct timespec pause = { .tv_nsec = TURN_NS };

	slices_go_with_others(); /* who made this thread may go first */
	if (!stay_at(turn->processor))
		return NULL;
	while (!atomic_load_explicit(turn->is_over, memory_order_relaxed))
		(void)sys_call2(SYS_nanosleep, &pause, NULL);
	return NULL;
}

void turns_begin(struct turns *turns)
{
	unsigned long usable[PROCESSORS_MAX / WORD_BITS];
	long bytes = sys_call3(SYS_sched_getaffinity, 0, sizeof usable, usable);
	pthread_attr_t attributes;

	atomic_store(&turns->is_over, false);
	if (bytes < 0 || pthread_attr_init(&attributes))
		return;
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES); /* more than the least */
	for (size_t i = 0; i < (size_t)bytes * CHAR_BIT && turns->len < TURNS_MAX; i++) {
		struct turn *turn = &turns->each[turns->len];

		if (!(usable[i / WORD_BITS] >> i % WORD_BITS & 1))
			continue;
		turn->processor = i;
		turn->is_over = &turns->is_over;
		if (pthread_create(&turn->thread, &attributes, wake_up, turn) != 0)
			break;
		turns->len++;
	}
	(void)pthread_attr_destroy(&attributes);
}

void turns_end(struct turns *turns)
{
	atomic_store(&turns->is_over, true);
	for (size_t i = 0; i < turns->len; i++)
		(void)pthread_join(turns->each[i].thread, NULL);
	turns->len = 0;
}
