/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines that nobody may read: see last_lines.h. */
#include "cli/last_lines.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <sys/time.h>
#include <unistd.h>

/* Also what is about to be written finds it closed, so no signal comes too early. */
static void give_up(int signal)
{
	(void)signal;
	(void)close(STDERR_FILENO);
}

void last_lines_begin(void)
{
	/* More than all that report() says, where no path is of the longest; no page is touched
	 * that is not written to. */
	static char lines[64 * 1024];

	(void)setvbuf(stderr, lines, _IOFBF, sizeof lines);
}

static void arm(uint64_t ms)
{
	static const int signals[] = { SIGALRM, SIGHUP, SIGINT, SIGTERM };
	const struct sigaction action = { .sa_handler = give_up }; /* without SA_RESTART */
	const struct itimerval timer = { .it_value = { .tv_sec = (time_t)(ms / 1000),
						       .tv_usec =
							       (suseconds_t)(ms % 1000 * 1000) } };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct sigaction old;

		if (signals[i] != SIGALRM && sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue;
		(void)sigaction(signals[i], &action, NULL);
		(void)sigaddset(&set, signals[i]);
	}
	if (ms != UINT64_MAX)
		(void)setitimer(ITIMER_REAL, &timer, NULL);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void last_lines_write(uint64_t ms)
{
	if (__fpending(stderr) == 0)
		return;
	arm(ms);
	(void)fflush(stderr); /* a stderr that takes nothing cannot be told */
}
