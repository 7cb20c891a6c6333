/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that was handed in open for reading is not truncated by its name in /proc/self/fd. A
 * right of Landlock's holds that since Linux 6.2; before, truncate(2) and O_TRUNC without
 * writing reach the caller's file, which is on no mount of the box.
 */
#ifndef AISBX_BOX_TRUNCATION_H
#define AISBX_BOX_TRUNCATION_H

#include "base/err.h"

/*
 * Where this kernel's Landlock does not hold it and there is such a file among descriptors 0 to
 * 2: refuses truncation by path to the calling process and what it starts. Must: no_new_privs.
 * Runs between clone and exec: no heap, stdio, errno.
 */
int truncation_apply(int landlock_abi, struct err *reterr);

#endif
