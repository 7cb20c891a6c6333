/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What aisbx says when a run is over. Its stderr may be the very pipe whose reader has stalled,
 * and the run's time holds for what is said of it, too.
 */
#ifndef AISBX_CLI_LAST_LINES_H
#define AISBX_CLI_LAST_LINES_H

#include <stdint.h>

/* What is printed to stderr from here on is kept. */
void last_lines_begin(void);
/*
 * Writes it, and gives up after so many milliseconds (UINT64_MAX: never), or when a signal asks
 * to end. Nothing can be written to stderr then.
 */
void last_lines_write(uint64_t ms);

#endif
