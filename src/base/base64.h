/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The digits of base64 (RFC 4648). */
#ifndef AISBX_BASE_BASE64_H
#define AISBX_BASE_BASE64_H

#include <stdint.h>

extern const char base64_digits[];

/* The value of each character that is a digit, -1 for the others. */
void base64_values(int8_t values[256]);

#endif
