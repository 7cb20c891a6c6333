/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The running program's own memory. */
#ifndef AISBX_BASE_PROGRAM_H
#define AISBX_BASE_PROGRAM_H

/*
 * Unmaps the program's code and constants for a process that is about to wait:
 * they come back from the page cache as they are used, and until then a
 * waiting box costs only what it wrote. No heap.
 */
void program_release_pages(void);

/* Records where the caller's strings end and the heap begins: first thing in main(). */
void program_note_caller(char **argv);
/* Overwrites argv and environment. No heap. */
void program_forget_strings(void);
/* Drops what was allocated since program_note_caller(). Nothing may be in use. */
void program_forget_heap(void);

#endif
