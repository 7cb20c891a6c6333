/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of a directory whose names are numbers, as those of /proc. */
#ifndef AISBX_BOX_NUMBERS_H
#define AISBX_BOX_NUMBERS_H

#include <stdbool.h>
#include <sys/types.h>

/* The number that a name is, or -1. */
pid_t name_number(const char *name);
/* Calls see() with the number of each entry that is one until it says no. 0 or -errno. */
int each_number(int dir_fd, bool (*see)(void *context, pid_t number), void *context);

#endif
