/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The net wall: a namespace with lo and nothing else. */
#ifndef AISBX_BOX_NETWORK_H
#define AISBX_BOX_NETWORK_H

#include "base/err.h"

/* Moves the calling process into a network namespace of its own and brings lo up. No heap. */
int network_apply(struct err *reterr);

#endif
