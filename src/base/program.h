/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The running program's own pages. */
#ifndef AISBX_BASE_PROGRAM_H
#define AISBX_BASE_PROGRAM_H

/*
 * Unmaps the program's code and constants for a process that is about to wait:
 * they come back from the page cache as they are used, and until then a
 * waiting box costs only what it wrote. No heap.
 */
void program_release_pages(void);

#endif
