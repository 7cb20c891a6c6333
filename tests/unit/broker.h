/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests of the broker share: clock, loop, addresses, descriptors. */
#ifndef AISBX_TESTS_UNIT_BROKER_H
#define AISBX_TESTS_UNIT_BROKER_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "broker/loop.h"
#include "policy/addresses.h"

static inline int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

static inline void stop_due(struct timer *timer)
{
	(void)timer;
	loop_stop();
}

/* Runs the loop for some time. */
static inline void run_for(int64_t ms)
{
	struct timer end = { 0 };

	timer_set(&end, ms, stop_due);
	assert_int_equal(loop_run(), 0);
}

static inline struct address address_of(const char *text)
{
	struct address address;

	assert_true(address_parse(text, strlen(text), &address));
	return address;
}

static inline int fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

#endif
