/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Basic credentials: see basic.h. */
#include "gateway/basic.h"

#include <string.h>
#include <strings.h>

#include "base/base64.h"

bool basic_decode(const struct http_header *header, char out[BASIC_MAX], size_t *ret_len)
{
	static const char scheme[] = "Basic ";
	const size_t scheme_len = sizeof scheme - 1;
	const struct span *value = &header->value;
	int8_t values[256];
	unsigned bits = 0, have = 0;
	size_t len = 0;

	if (!span_is_word(&header->name, "authorization") || value->len <= scheme_len ||
	    strncasecmp(value->at, scheme, scheme_len) != 0)
		return false;
	base64_values(values);
	for (size_t i = scheme_len; i < value->len && value->at[i] != '='; i++) {
		int digit = values[(unsigned char)value->at[i]];

		if (digit < 0)
			return false;
		bits = bits << 6 | (unsigned)digit;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (len == BASIC_MAX)
			return false;
		out[len++] = (char)(bits >> have);
	}
	*ret_len = len;
	return len > 0;
}

size_t basic_encoded_len(size_t len)
{
	return (len + 2) / 3 * 4;
}

void basic_encode(const char *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned group = (unsigned)(unsigned char)bytes[i] << 16;

		if (left > 1)
			group |= (unsigned)(unsigned char)bytes[i + 1] << 8;
		if (left > 2)
			group |= (unsigned char)bytes[i + 2];
		*out++ = base64_digits[group >> 18];
		*out++ = base64_digits[group >> 12 & 63];
		*out++ = left > 1 ? base64_digits[group >> 6 & 63] : '=';
		*out++ = left > 2 ? base64_digits[group & 63] : '=';
	}
}
