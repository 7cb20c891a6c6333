/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The broker's one loop: epoll(7) and timers. Single-threaded. A callback may
 * remove and free its own watch or timer and any other.
 */
#ifndef AISBX_BROKER_LOOP_H
#define AISBX_BROKER_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The owner of what is embedded in it. By way of void *: it is aligned as a whole. */
#define CONTAINER_OF(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/*
 * One descriptor that is waited for; embedded in whatever owns the descriptor, which sets
 * ready before loop_watch(). Not called any more once loop_unwatch() returned.
 */
struct watch {
	int fd;						     /* -1: not watched */
	void (*ready)(struct watch *watch, uint32_t events); /* EPOLLIN, EPOLLOUT, ... */
};

/* One deadline; embedded in its owner. All zero: not set. */
struct timer {
	int64_t at_ms; /* CLOCK_MONOTONIC */
	void (*due)(struct timer *timer);
	bool is_set;
	/* The rest is loop.c's: prev is the parent of a first child. */
	uint64_t order;
	struct timer *child, *next, *prev;
};

/* 0 or -errno. One loop a process. */
int loop_init(void);
/* events as of epoll_ctl(2), EPOLLET included where wanted. 0 or -errno. */
int loop_watch(struct watch *watch, int fd, uint32_t events);
int loop_change(struct watch *watch, uint32_t events);
/* Before the descriptor is closed. Does nothing when it is not watched. */
void loop_unwatch(struct watch *watch);
/* The same and closes it, with one call less: epoll(7) forgets what has no descriptor any more. */
void loop_close(struct watch *watch);

/*
 * Sets it anew when it is set. Timers are called in the order of their deadlines, those of one
 * millisecond in the order in which they were set; never from within timer_set().
 */
void timer_set(struct timer *timer, int64_t after_ms, void (*due)(struct timer *));
void timer_cancel(struct timer *timer);
/* CLOCK_MONOTONIC when this turn of the loop began, in milliseconds. */
int64_t loop_now_ms(void);

/* Runs until the turn in which loop_stop() is called has ended. 0 or -errno. */
int loop_run(void);
void loop_stop(void);

#endif
