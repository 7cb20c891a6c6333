/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text without libc's heap and stdio: see text.h. */
#include "base/text.h"

char *text_decimal(uint64_t value, char *buf)
{
	char digits[TEXT_DECIMAL_BYTES];
	int n = 0, at = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n)
		buf[at++] = digits[--n];
	buf[at] = '\0';
	return buf;
}

uint64_t text_hash(const char *bytes, size_t len)
{
	uint64_t hash = 14695981039346656037ULL;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211ULL;
	return hash ? hash : 1;
}
