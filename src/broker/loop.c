/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * epoll and timers.
 *
 * Theory of operation
 *
 * One turn: wait for events, at most until the first deadline; call what is ready; call
 * what is due. Nothing is allocated, so nothing here can fail for want of memory.
 *
 * Events are fetched in batches. The kernel's copy of a pointer is gone once a watch is
 * removed, the batch's is not: loop_unwatch() takes it out of the batch too, so no owner
 * is called after it let go of a watch, even if it is freed and its descriptor reused.
 *
 * Timers are a pairing heap of intrusive links, ordered by deadline and then by when they
 * were set. Connections set a timer each and cancel nearly all of them. A new timer is
 * usually later than the first: it becomes a leaf below it at once, and a leaf is cancelled
 * at once. Only the removal of a timer with others below it has to pair these up.
 *
 * A timer that is set while timers are being called is later in that order than all that
 * were due, and waits for the next turn: no chain of timers keeps descriptors waiting.
 */
#include "broker/loop.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH_EVENTS = 64
};

static struct {
	int epoll_fd;
	int64_t now_ms;
	bool stopped;

	struct epoll_event batch[BATCH_EVENTS];
	int batch_len;
	int batch_at; /* the event that is being handled */

	struct timer *first;
	uint64_t order; /* of the timer that is set next */
} loop = { .epoll_fd = -1 };

static int64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int loop_init(void)
{
	loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop.epoll_fd < 0)
		return -errno;
	loop.now_ms = clock_ms();
	return 0;
}

int64_t loop_now_ms(void)
{
	return loop.now_ms;
}

int loop_watch(struct watch *watch, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(loop.epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	watch->fd = fd;
	return 0;
}

int loop_change(struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(loop.epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0)
		return -errno;
	return 0;
}

static void forget(struct watch *watch)
{
	watch->fd = -1;
	for (int i = loop.batch_at; i < loop.batch_len; i++) {
		if (loop.batch[i].data.ptr == watch)
			loop.batch[i].data.ptr = NULL;
	}
}

void loop_unwatch(struct watch *watch)
{
	struct epoll_event unused = { 0 };

	if (watch->fd < 0)
		return;
	(void)epoll_ctl(loop.epoll_fd, EPOLL_CTL_DEL, watch->fd, &unused);
	forget(watch);
}

void loop_close(struct watch *watch)
{
	if (watch->fd < 0)
		return;
	(void)close(watch->fd);
	forget(watch);
}

static bool is_before(const struct timer *a, const struct timer *b)
{
	return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

/* Two heaps to one; either may be NULL. Neither has siblings. */
static struct timer *meld(struct timer *a, struct timer *b)
{
	struct timer *top, *below;

	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	top = is_before(a, b) ? a : b;
	below = top == a ? b : a;
	below->next = top->child;
	if (below->next != NULL)
		below->next->prev = below;
	below->prev = top;
	top->child = below;
	return top;
}

/* Siblings to one heap: in pairs from the first, then the pairs from the last. */
static struct timer *pair_up(struct timer *siblings)
{
	struct timer *pairs = NULL, *heap = NULL;

	while (siblings != NULL) {
		struct timer *a = siblings, *b = a->next;

		siblings = b != NULL ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b != NULL)
			b->next = b->prev = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs != NULL) {
		struct timer *a = pairs;

		pairs = a->next;
		a->next = NULL;
		heap = meld(heap, a);
	}
	return heap;
}

void timer_cancel(struct timer *timer)
{
	struct timer *below;

	if (!timer->is_set)
		return;
	below = pair_up(timer->child);
	if (timer == loop.first) {
		loop.first = below;
	} else {
		if (timer->prev->child == timer)
			timer->prev->child = timer->next;
		else
			timer->prev->next = timer->next;
		if (timer->next != NULL)
			timer->next->prev = timer->prev;
		loop.first = meld(loop.first, below);
	}
	timer->child = timer->next = timer->prev = NULL;
	timer->is_set = false;
}

void timer_set(struct timer *timer, int64_t after_ms, void (*due)(struct timer *))
{
	timer_cancel(timer);
	/* Not from when the turn began: what was done since would be taken off after_ms. */
	timer->at_ms = clock_ms() + (after_ms > 0 ? after_ms : 0);
	timer->order = loop.order++;
	timer->due = due;
	timer->is_set = true;
	loop.first = meld(loop.first, timer);
}

/* For epoll_wait(2): -1 is forever. */
static int wait_ms(void)
{
	int64_t left;

	if (loop.first == NULL)
		return -1;
	left = loop.first->at_ms - clock_ms();
	if (left <= 0)
		return 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

static void call_ready(void)
{
	for (loop.batch_at = 0; loop.batch_at < loop.batch_len; loop.batch_at++) {
		const struct epoll_event *event = &loop.batch[loop.batch_at];
		struct watch *watch = event->data.ptr;

		if (watch != NULL)
			watch->ready(watch, event->events);
	}
	loop.batch_len = 0;
}

static void call_due(void)
{
	uint64_t end = loop.order;

	while (loop.first != NULL && loop.first->at_ms <= loop.now_ms && loop.first->order < end) {
		struct timer *timer = loop.first;

		timer_cancel(timer);
		timer->due(timer);
	}
}

int loop_run(void)
{
	while (!loop.stopped) {
		int n = epoll_wait(loop.epoll_fd, loop.batch, BATCH_EVENTS, wait_ms());

		if (n < 0 && errno != EINTR)
			return -errno;
		loop.batch_len = n < 0 ? 0 : n;
		loop.now_ms = clock_ms();
		call_ready();
		call_due();
	}
	loop.stopped = false;
	return 0;
}

void loop_stop(void)
{
	loop.stopped = true;
}
