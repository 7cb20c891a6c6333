/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time slices. Who asks for less at a time gets it sooner, sched(7), since Linux 6.12; before,
 * nothing comes of it. So a start has to wait less beside what keeps the processors, and the
 * meter beside what it looks at. Ordinary programs lose nothing by it.
 */
#ifndef AISBX_BOX_SLICES_H
#define AISBX_BOX_SLICES_H

#include <sys/types.h>

/* That thread, 0: this one, and what it starts from then on. Not one with a policy of its own. */
void slices_shorten(pid_t thread);
/* This thread has the usual ones again. Runs between clone and exec. */
void slices_restore(void);

#endif
