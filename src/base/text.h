/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text without libc's heap and stdio, for what runs after clone. */
#ifndef AISBX_BASE_TEXT_H
#define AISBX_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum {
	TEXT_DECIMAL_BYTES = 21
}; /* of any uint64_t, terminated */

/* Decimal digits of value, terminated; returns buf. */
char *text_decimal(uint64_t value, char *buf);

/* A number for len bytes that others hardly have, never 0: FNV-1a. */
uint64_t text_hash(const char *bytes, size_t len);

#endif
