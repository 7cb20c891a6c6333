/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes, times and counts: what is taken, what is refused, and the way back. */
#include "policy/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "policy/profile.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define TIB (GIB * 1024)

struct row {
	const char *text;
	int r;
	uint64_t want;
};

static void check_rows(const struct row *rows, size_t len, int (*parse)(const char *, uint64_t *))
{
	for (size_t i = 0; i < len; i++) {
		uint64_t got = 4711;
		int r = parse(rows[i].text, &got);

		if (r != rows[i].r || got != (r == 0 ? rows[i].want : 4711))
			fail_msg("'%s': %d, %llu", rows[i].text, r, (unsigned long long)got);
	}
}

static void test_sizes(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "512", 0, 512 },
		{ "512K", 0, 512 * KIB },
		{ "512M", 0, 512 * MIB },
		{ "2G", 0, 2 * GIB },
		{ "1T", 0, TIB },
		{ "1KB", 0, KIB },
		{ "1KiB", 0, KIB },
		{ "1TiB", 0, TIB },
		{ "007", 0, 7 },
		{ "none", 0, LIMIT_NONE },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "8388607T", 0, 8388607 * TIB },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "8388608T", -ERANGE, 0 },
		{ "18446744073709551615", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999999M", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1 M", -EINVAL, 0 },
		{ "1m", -EINVAL, 0 },
		{ "1B", -EINVAL, 0 },
		{ "1iB", -EINVAL, 0 },
		{ "1Mi", -EINVAL, 0 },
		{ "1MB ", -EINVAL, 0 },
		{ "1MBB", -EINVAL, 0 },
		{ "1.5G", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1P", -EINVAL, 0 },
		{ "1KK", -EINVAL, 0 },
		{ "None", -EINVAL, 0 },
		{ "99999999999999999999999999Q", -EINVAL, 0 },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof rows[0], units_parse_size);
}

static void test_times(void **state)
{
	static const struct row rows[] = {
		{ "500ms", 0, 500 },
		{ "5s", 0, 5000 },
		{ "2m", 0, 120000 },
		{ "1h", 0, 3600000 },
		{ "1.5s", 0, 1500 },
		{ "0.5h", 0, 1800000 },
		{ "0.001s", 0, 1 },
		{ "1.250m", 0, 75000 },
		{ "0s", 0, 0 },
		{ "none", 0, LIMIT_NONE },
		{ "2562047h", 0, UINT64_C(2562047) * 3600000 },
		{ "2562048h", -ERANGE, 0 },
		{ "9223372036854ms", 0, UINT64_C(9223372036854) },
		{ "9223372036854.5s", -ERANGE, 0 },
		{ "9223372036855ms", -ERANGE, 0 },
		{ "99999999999999999999h", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "5", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ ".5s", -EINVAL, 0 },
		{ "5.s", -EINVAL, 0 },
		{ "5.0", -EINVAL, 0 },
		{ "1.2.3s", -EINVAL, 0 },
		{ "0.5ms", -EINVAL, 0 },
		{ "0.0005s", -EINVAL, 0 },
		{ "1.0000000000s", -EINVAL, 0 },
		{ "5S", -EINVAL, 0 },
		{ "5 s", -EINVAL, 0 },
		{ "5sec", -EINVAL, 0 },
		{ "-5s", -EINVAL, 0 },
		{ "1d", -EINVAL, 0 },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof rows[0], units_parse_time);
}

static void test_counts(void **state)
{
	static const struct row rows[] = {
		{ "1", 0, 1 },
		{ "64", 0, 64 },
		{ "2147483647", 0, INT32_MAX },
		{ "none", 0, LIMIT_NONE },
		{ "2147483648", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "0", -EINVAL, 0 },
		{ "00", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1K", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
	};

	(void)state;
	check_rows(rows, sizeof rows / sizeof rows[0], units_parse_count);
}

static void check_format(void (*format)(uint64_t, char *, size_t), uint64_t value, const char *want)
{
	char buf[48];

	format(value, buf, sizeof buf);
	assert_string_equal(buf, want);
}

static void test_format(void **state)
{
	(void)state;
	check_format(units_format_size, 0, "0");
	check_format(units_format_size, 1000, "1000");
	check_format(units_format_size, 1024, "1K");
	check_format(units_format_size, 512 * MIB, "512M");
	check_format(units_format_size, 1536 * MIB, "1536M");
	check_format(units_format_size, 2 * TIB, "2T");
	check_format(units_format_size, LIMIT_NONE, "none");
	check_format(units_format_size, LIMIT_UNSET, "unset");
	check_format(units_format_time, 0, "0s");
	check_format(units_format_time, 1, "1ms");
	check_format(units_format_time, 500, "500ms");
	check_format(units_format_time, 1500, "1.5s");
	check_format(units_format_time, 1250, "1.25s");
	check_format(units_format_time, 1001, "1.001s");
	check_format(units_format_time, 30000, "30s");
	check_format(units_format_time, 90000, "90s");
	check_format(units_format_time, 120000, "2m");
	check_format(units_format_time, 5400000, "90m");
	check_format(units_format_time, 3600000, "1h");
	check_format(units_format_time, LIMIT_NONE, "none");
}

static void test_format_keeps_to_its_buffer(void **state)
{
	char buf[4] = { 'x', 'x', 'x', 'x' };

	(void)state;
	units_format_size(123456789, buf, sizeof buf - 1);
	assert_string_equal(buf, "12");
	assert_int_equal(buf[3], 'x');
}

/* What is formatted parses back to the same value. */
static void test_round_trip(void **state)
{
	uint64_t value = 1, got;
	char buf[48];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t size = value >> (i % 60 + 1), ms = size % ((uint64_t)INT64_MAX / 1000000);

		units_format_size(size, buf, sizeof buf);
		assert_int_equal(units_parse_size(buf, &got), 0);
		assert_true(got == size);
		units_format_time(ms, buf, sizeof buf);
		assert_int_equal(units_parse_time(buf, &got), 0);
		assert_true(got == ms);
		value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	}
}

static void test_share(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
		const char *printed;
	} rows[] = {
		{ "1", 0, 1000, "1" },
		{ "0.5", 0, 500, "0.5" },
		{ "2.25", 0, 2250, "2.25" },
		{ "0.005", 0, 5, "0.005" },
		{ "none", 0, LIMIT_NONE, "none" },
		{ "0.0005", -EINVAL, 0, NULL },
		{ "", -EINVAL, 0, NULL },
		{ ".5", -EINVAL, 0, NULL },
		{ "1.", -EINVAL, 0, NULL },
		{ "-1", -EINVAL, 0, NULL },
		{ "1x", -EINVAL, 0, NULL },
		{ "50%", -EINVAL, 0, NULL },
		{ "99999999999999999999", -ERANGE, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t value = 0;
		char text[32];

		if (units_parse_share(rows[i].text, &value) != rows[i].result)
			fail_msg("'%s'", rows[i].text);
		if (rows[i].result < 0)
			continue;
		assert_int_equal(value, rows[i].value);
		units_format_share(value, text, sizeof text);
		assert_string_equal(text, rows[i].printed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_keeps_to_its_buffer),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_share),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
