/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes, times and counts as text. Pure. */
#ifndef AISBX_POLICY_UNITS_H
#define AISBX_POLICY_UNITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * "512", "512K", "512M", "2G", "1T" (binary; an optional B or iB after the
 * letter), "none" -> LIMIT_NONE. 0 or -EINVAL; -ERANGE when out of range.
 */
int units_parse_size(const char *text, uint64_t *ret_bytes);
/* "500ms", "5s", "2m", "1h", "1.5s", "none"; a bare number is refused. */
int units_parse_time(const char *text, uint64_t *ret_ms);
/* A plain decimal number from 1, or "none". */
int units_parse_count(const char *text, uint64_t *ret_count);

/* Thousandths of a number with up to three decimals: "0.5", "2", "none". */
int units_parse_share(const char *text, uint64_t *ret_thousandths);

/* The shortest exact text that parses back to the value: "512M", "30s". */
void units_format_size(uint64_t bytes, char *buf, size_t size);
void units_format_time(uint64_t ms, char *buf, size_t size);
void units_format_share(uint64_t thousandths, char *buf, size_t size);

#endif
