/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the time of a start goes: see timing.h. */
#include "box/timing.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>

const char *const mark_names[MARK__N] = {
	[MARK_BEGIN] = "begin",	      [MARK_PLANNED] = "planned",
	[MARK_CLONED] = "cloned",     [MARK_MAPPED] = "mapped",
	[MARK_NET] = "net",	      [MARK_DROPPED] = "dropped",
	[MARK_MOUNTED] = "mounted",   [MARK_LANDLOCKED] = "landlocked",
	[MARK_FILTERED] = "filtered", [MARK_EXECUTED] = "executed",
	[MARK_EXITED] = "exited",     [MARK_GONE] = "gone",
};

uint64_t *timing_marks;

int timing_enable(void)
{
	void *shared = mmap(NULL, MARK__N * sizeof *timing_marks, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return -errno;
	timing_marks = shared;
	return 0;
}

void timing_mark(enum mark mark)
{
	struct timespec now;

	if (!timing_marks)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	timing_marks[mark] = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}
