/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes, times and counts as text: see units.h. */
#include "policy/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/profile.h"

/* Sizes fit off_t, times fit a signed number of nanoseconds, counts fit pid_t. */
#define SIZE_MOST  ((uint64_t)INT64_MAX)
#define TIME_MOST  ((uint64_t)INT64_MAX / 1000000)
#define COUNT_MOST ((uint64_t)INT32_MAX)

enum {
	FRACTION_DIGITS = 9,
};

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ "T", UINT64_C(1) << 40 },
	{ "G", UINT64_C(1) << 30 },
	{ "M", UINT64_C(1) << 20 },
	{ "K", UINT64_C(1) << 10 },
	{ "", 1 },
};

static const struct unit time_units[] = {
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Reads the digits at *at and moves past them; -EINVAL when there are none. */
static int parse_digits(const char **at, uint64_t *ret)
{
	const char *digit = *at;
	uint64_t value = 0;
	bool overflow = false;

	if (!isdigit((unsigned char)*digit))
		return -EINVAL;
	for (; isdigit((unsigned char)*digit); digit++) {
		overflow = overflow || __builtin_mul_overflow(value, 10, &value);
		overflow =
			overflow || __builtin_add_overflow(value, (uint64_t)(*digit - '0'), &value);
	}
	*at = digit;
	*ret = value;
	return overflow ? -ERANGE : 0;
}

/* ".25" at *at as 25 of 100; 0 of 1 when there is no point. */
static int parse_fraction(const char **at, uint64_t *ret_part, uint64_t *ret_whole)
{
	uint64_t part = 0, whole = 1;

	if (**at == '.') {
		const char *first = ++*at;
		int r = parse_digits(at, &part);
		if (r < 0 || *at - first > FRACTION_DIGITS)
			return -EINVAL;
		for (; first < *at; first++)
			whole *= 10;
	}
	*ret_part = part;
	*ret_whole = whole;
	return 0;
}

/* value * factor within most; range is what parse_digits said of value. */
static int scale(uint64_t value, uint64_t factor, uint64_t most, int range, uint64_t *ret)
{
	uint64_t product;

	if (range == -ERANGE || __builtin_mul_overflow(value, factor, &product) || product > most)
		return -ERANGE;
	*ret = product;
	return 0;
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
	uint64_t value;

	if (strcmp(text, "none") == 0) {
		*ret_bytes = LIMIT_NONE;
		return 0;
	}
	int range = parse_digits(&text, &value);
	if (range == -EINVAL)
		return -EINVAL;
	for (size_t i = 0; i < LEN(size_units); i++) {
		const struct unit *unit = &size_units[i];
		size_t len = strlen(unit->suffix);
		const char *rest = text + len;

		if (strncmp(text, unit->suffix, len) != 0)
			continue;
		if (*rest && (len == 0 || (strcmp(rest, "B") != 0 && strcmp(rest, "iB") != 0)))
			return -EINVAL;
		return scale(value, unit->factor, SIZE_MOST, range, ret_bytes);
	}
	return -EINVAL;
}

int units_parse_time(const char *text, uint64_t *ret_ms)
{
	uint64_t value, part, whole, ms;

	if (strcmp(text, "none") == 0) {
		*ret_ms = LIMIT_NONE;
		return 0;
	}
	int range = parse_digits(&text, &value);
	if (range == -EINVAL || parse_fraction(&text, &part, &whole) < 0)
		return -EINVAL;
	for (size_t i = 0; i < LEN(time_units); i++) {
		const struct unit *unit = &time_units[i];

		if (strcmp(text, unit->suffix) != 0)
			continue;
		if (part * unit->factor % whole != 0)
			return -EINVAL; /* finer than a millisecond */
		if (scale(value, unit->factor, TIME_MOST, range, &ms) < 0)
			return -ERANGE;
		ms += part * unit->factor / whole;
		if (ms > TIME_MOST)
			return -ERANGE;
		*ret_ms = ms;
		return 0;
	}
	return -EINVAL;
}

int units_parse_count(const char *text, uint64_t *ret_count)
{
	uint64_t value;

	if (strcmp(text, "none") == 0) {
		*ret_count = LIMIT_NONE;
		return 0;
	}
	int range = parse_digits(&text, &value);
	if (range == -EINVAL || *text || (range == 0 && value == 0))
		return -EINVAL;
	return scale(value, 1, COUNT_MOST, range, ret_count);
}

int units_parse_share(const char *text, uint64_t *ret_thousandths)
{
	uint64_t value, part, whole, thousandths;

	if (strcmp(text, "none") == 0) {
		*ret_thousandths = LIMIT_NONE;
		return 0;
	}
	int range = parse_digits(&text, &value);
	if (range == -EINVAL || parse_fraction(&text, &part, &whole) < 0 || *text ||
	    part * SHARE_WHOLE % whole != 0)
		return -EINVAL;
	if (scale(value, SHARE_WHOLE, COUNT_MOST, range, &thousandths) < 0)
		return -ERANGE;
	*ret_thousandths = thousandths + part * SHARE_WHOLE / whole;
	return 0;
}

/* The values that are no number. */
static const char *limit_word(uint64_t value)
{
	if (value == LIMIT_NONE)
		return "none";
	return value == LIMIT_UNSET ? "unset" : NULL;
}

void units_format_size(uint64_t bytes, char *buf, size_t size)
{
	const char *word = limit_word(bytes);
	const struct unit *unit = size_units;

	if (word) {
		(void)snprintf(buf, size, "%s", word);
		return;
	}
	while (unit->factor > 1 && (bytes == 0 || bytes % unit->factor != 0))
		unit++;
	(void)snprintf(buf, size, "%" PRIu64 "%s", bytes / unit->factor, unit->suffix);
}

void units_format_time(uint64_t ms, char *buf, size_t size)
{
	const char *word = limit_word(ms);
	char best[48] = "";

	if (word || ms == 0) {
		(void)snprintf(buf, size, "%s", word ? word : "0s");
		return;
	}
	for (size_t i = 0; i < LEN(time_units); i++) {
		const struct unit *unit = &time_units[i];
		uint64_t rest = ms % unit->factor;
		char text[48];
		int n;

		/* at most three decimals, and none that begin with 0: 500ms, not 0.5s */
		if (ms < unit->factor || rest * 1000 % unit->factor != 0)
			continue;
		n = snprintf(text, sizeof text, "%" PRIu64 ".%03" PRIu64, ms / unit->factor,
			     rest * 1000 / unit->factor);
		while (text[n - 1] == '0')
			n--;
		if (text[n - 1] == '.')
			n--;
		(void)snprintf(text + n, sizeof text - (size_t)n, "%s", unit->suffix);
		if (!best[0] || strlen(text) < strlen(best))
			memcpy(best, text, sizeof best);
	}
	(void)snprintf(buf, size, "%s", best);
}

void units_format_share(uint64_t thousandths, char *buf, size_t size)
{
	const char *word = limit_word(thousandths);
	unsigned long long whole = thousandths / SHARE_WHOLE, part = thousandths % SHARE_WHOLE;
	int digits = 3;

	if (word) {
		(void)snprintf(buf, size, "%s", word);
		return;
	}
	if (part == 0) {
		(void)snprintf(buf, size, "%llu", whole);
		return;
	}
	for (; part % 10 == 0; part /= 10)
		digits--;
	(void)snprintf(buf, size, "%llu.%0*llu", whole, digits, part);
}
