/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the time of a start goes: --timing. Marks live in memory shared by
 * supervisor and init; without --timing there is none and a mark costs a test.
 */
#ifndef AISBX_BOX_TIMING_H
#define AISBX_BOX_TIMING_H

#include <stdint.h>

enum mark {
	MARK_BEGIN,   /* main() entered */
	MARK_PLANNED, /* profile loaded, plan built */
	MARK_CLONED,  /* init runs */
	MARK_MAPPED,  /* user namespace has its maps */
	MARK_NET,     /* network namespace made */
	MARK_DROPPED, /* init's capabilities gone */
	MARK_MOUNTED, /* root built and pivoted (beside the two above) */
	MARK_LANDLOCKED,
	MARK_FILTERED, /* seccomp loaded */
	MARK_EXECUTED, /* execve returned control to init */
	MARK_EXITED,   /* init reaped the command */
	MARK_GONE,     /* supervisor reaped init: the box is gone */
	MARK__N
};

extern const char *const mark_names[MARK__N];

/* NULL: not asked for. */
extern uint64_t *timing_marks;

/* 0 or -errno. */
int timing_enable(void);
/* Nanoseconds of CLOCK_MONOTONIC, once per mark. Usable after clone. */
void timing_mark(enum mark mark);

#endif
