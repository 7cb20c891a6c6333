/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processes of a box have written to disks: limits.disk, see disk.h. */
#ifndef AISBX_BOX_WRITTEN_H
#define AISBX_BOX_WRITTEN_H

#include <stddef.h>
#include <stdint.h>

#include "box/limits/usage.h"

/*
 * Fills task->written_bytes in, with what the ones had that it waited for. Some kernels show
 * it to no ordinary user once a process ends: then it is what the look before saw. 0 or -errno.
 */
int written_read(const struct usage_reader *reader, struct usage_task *task);

/*** The sum; pure ***/

enum {
	WRITTEN_LOOKS = 4
};

/*
 * Looks at a sum that can be too low or too high for the while of one. It grows by what two
 * looks agree on. It shrinks only when a process took its count with it, because its parent
 * ignores the end of its children: then all the looks agree, and what was seen stays counted.
 */
struct written {
	uint64_t looks[WRITTEN_LOOKS];
	size_t last;
	uint64_t base;	/* what the sum was last known to be */
	uint64_t bytes; /* in all */
};
void written_follow(struct written *written, uint64_t sum);

#endif
