/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/base64.h"

#include <string.h>

const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_values(int8_t values[256])
{
	memset(values, -1, 256);
	for (int i = 0; i < 64; i++)
		values[(unsigned char)base64_digits[i]] = (int8_t)i;
}
