/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The capabilities wall: every set empty, securebits locked, no_new_privs. */
#ifndef AISBX_BOX_CAPS_H
#define AISBX_BOX_CAPS_H

#include "base/err.h"

/*
 * Drops everything from the calling process for good and reads it back.
 * After: no exec can gain a privilege. No heap.
 */
int caps_apply(struct err *reterr);

#endif
