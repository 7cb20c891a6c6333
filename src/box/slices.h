/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time slices. Who asks for less at a time gets it sooner, sched(7), since Linux 6.12; before,
 * nothing comes of it. So supervisor, meter and init wait less beside what keeps the processors,
 * and a start does. Ordinary programs lose nothing by it.
 */
#ifndef AISBX_BOX_SLICES_H
#define AISBX_BOX_SLICES_H

#include <stdbool.h>

/* This thread, and what it starts from then on. Not one with a policy of its own. */
void slices_shorten(void);
/* The usual ones again. Runs between clone and exec. */
void slices_restore(void);

/* This thread before all that has no fixed priority, sched(7): false where that may not be. */
bool slices_go_first(void);
/* And as it was, or who started this thread was. */
void slices_go_with_others(void);

#endif
