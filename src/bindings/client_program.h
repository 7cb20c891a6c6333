/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* client.c as built, for the box: constants that no run without bindings touches. */
#ifndef AISBX_BINDINGS_CLIENT_PROGRAM_H
#define AISBX_BINDINGS_CLIENT_PROGRAM_H

#include <stddef.h>

extern const unsigned char bindings_client[];
extern const size_t bindings_client_len;

#endif
