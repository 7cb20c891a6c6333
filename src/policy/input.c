/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules for code that is handed over as text: see input.h. */
#include "policy/input.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "policy/units.h"

struct position {
	int line, column; /* from 1; columns count characters */
};

/* One character of well-formed UTF-8 (RFC 3629), or 0 bytes when it is not. */
static size_t decode(const unsigned char *at, size_t left, uint32_t *ret_char)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = at[0] < 0x80   ? 1
		     : at[0] < 0xc2 ? 0
		     : at[0] < 0xe0 ? 2
		     : at[0] < 0xf0 ? 3
		     : at[0] < 0xf5 ? 4
				    : 0;

	if (len == 0 || len > left)
		return 0;
	uint32_t value = len == 1 ? at[0] : at[0] & (0xffU >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3fU);
	}
	if (value < smallest[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*ret_char = value;
	return len;
}

static bool is_bidi_control(uint32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static int reject(struct err *reterr, const char *name, struct position at, const char *why)
{
	return err_msg(reterr, E_INPUT, "input rejected: %s:%d:%d: %s", name, at.line, at.column,
		       why);
}

static int check_text(const char *name, const char *code, size_t len, struct err *reterr)
{
	const unsigned char *bytes = (const unsigned char *)code;
	struct position at = { 1, 1 };

	for (size_t i = 0; i < len;) {
		uint32_t c = 0;
		size_t step = decode(bytes + i, len - i, &c);

		if (step == 0)
			return reject(reterr, name, at,
				      "not UTF-8; convert it, or set input.encoding: any");
		if (c == 0)
			return reject(reterr, name, at, "a NUL byte; remove it");
		if (is_bidi_control(c))
			return reject(reterr, name, at,
				      "a bidirectional control character, which makes code read "
				      "otherwise than it runs; remove it");
		if (c == '\n')
			at = (struct position){ at.line + 1, 0 };
		at.column++;
		i += step;
	}
	return 0;
}

int input_check(const struct profile *profile, const char *name, const char *code, size_t len,
		struct err *reterr)
{
	char limit[32];

	if (profile->input_max_size < LIMIT_NONE && len > profile->input_max_size) {
		units_format_size(profile->input_max_size, limit, sizeof limit);
		return err_msg(reterr, E_INPUT,
			       "input rejected: %s is larger than %s; raise input.max_size", name,
			       limit);
	}
	if (profile->input_encoding == ENCODING_ANY)
		return 0;
	return check_text(name, code, len, reterr);
}
