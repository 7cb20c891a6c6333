/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How init builds the box: see build.c. */
#ifndef AISBX_BOX_BUILD_H
#define AISBX_BOX_BUILD_H

#include "base/err.h"
#include "box/init.h"

/*
 * Root and network made, "/" and the working directory the box's, capabilities given up;
 * the host's mounts are gone after build_await_end(). degraded: bit n is set when enum
 * wall n was left out as allowed. No heap.
 */
int build_box(struct init *init, unsigned *degraded, struct err *reterr);
/* In whatever shares init's memory, before anything is executed. */
int build_await_end(struct err *reterr);

#endif
