/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tails: whatever is added, the sum holds, what is sure stays, and what is held is
 * the end of the stream. A slow model with plain arrays does the same beside it.
 */
#include "box/supervise/tails.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	BYTES = 64 * 1024,
	ROUNDS = 3000,
};

static uint64_t budget;
static struct tails tails;

static void begin(uint64_t limit, uint64_t sure)
{
	budget = limit;
	assert_int_equal(tails_init(&tails, &budget, limit, sure), 0);
	tails_begin(&tails, 0);
	tails_begin(&tails, 1);
}

static void end(uint64_t limit)
{
	tails_close(&tails);
	tails_close(&tails);
	assert_int_equal(budget, limit);
}

static char pattern(unsigned stream, uint64_t i)
{
	return (char)((i * 2654435761u) >> (11 + stream) ^ i >> 3);
}

/* The next len bytes of a stream that was at *at. */
static void add(unsigned stream, uint64_t *at, size_t len)
{
	static char buf[BYTES];

	for (size_t i = 0; i < len; i++)
		buf[i] = pattern(stream, *at + i);
	tails_add(&tails, stream, buf, len);
	*at += len;
}

static uint64_t held(unsigned stream)
{
	return tails.streams[stream].held_bytes;
}

/* All that is held, taken in pieces, is the end of the stream. */
static void assert_is_end(unsigned stream, uint64_t at, size_t piece)
{
	static char buf[BYTES];
	uint64_t i = at - held(stream);
	size_t n;

	while ((n = tails_take(&tails, stream, buf, piece)) > 0) {
		for (size_t j = 0; j < n; j++, i++)
			assert_int_equal(buf[j], pattern(stream, i));
	}
	assert_int_equal(i, at);
	assert_int_equal(held(stream), 0);
}

static void test_one_stream(void **state)
{
	static const uint64_t limits[] = { 0, 1, 2, 4091, 4092, 4093, 8184, 10000, 100001 };
	static const size_t sizes[] = { 0, 1, 7, 4091, 4092, 4093, 16384, BYTES };

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
			uint64_t at = 0;

			begin(limits[i], limits[i] / 2);
			for (int k = 0; k < 50; k++) {
				add(0, &at, sizes[j]);
				assert_int_equal(held(0), at < limits[i] ? at : limits[i]);
				assert_int_equal(budget, limits[i] - held(0));
			}
			assert_false(tails_are_whole(&tails));
			tails_end(&tails, 0);
			tails_end(&tails, 1);
			assert_true(tails_are_whole(&tails));
			assert_is_end(0, at, 1000);
			/* taken bytes stay charged until somebody has written or dropped them */
			assert_int_equal(budget, limits[i] - (at < limits[i] ? at : limits[i]));
			tails_close(&tails);
		}
	}
}

/* One that floods leaves the other what is sure to it, and gets what that leaves. */
static void test_fair(void **state)
{
	uint64_t a = 0, b = 0;

	(void)state;
	begin(10000, 5000);
	for (int i = 0; i < 100; i++)
		add(0, &a, 777);
	assert_int_equal(held(0), 10000);
	add(1, &b, 300);
	assert_int_equal(held(0), 9700);
	assert_int_equal(held(1), 300);
	add(0, &a, 5000);
	assert_int_equal(held(1), 300);
	for (int i = 0; i < 100; i++)
		add(1, &b, 777);
	assert_int_equal(held(0), 5000);
	assert_int_equal(held(1), 5000);
	add(0, &a, 20000);
	assert_int_equal(held(0), 5000);
	assert_int_equal(held(1), 5000);
	tails_drop(&tails, 1);
	add(0, &a, 20000);
	assert_int_equal(held(0), 10000);
	assert_is_end(0, a, 333);
	tails_close(&tails);
}

/* What is passed on is charged too, and takes from tails what they are not sure of. */
static void test_charge(void **state)
{
	uint64_t a = 0;

	(void)state;
	begin(10000, 2500);
	add(0, &a, 20000);
	assert_int_equal(tails_room(&tails, 1), 7500);
	assert_int_equal(tails_room(&tails, NO_TAIL), 7500);
	assert_int_equal(tails_room(&tails, 0), 0);
	tails_charge(&tails, 1, 1000);
	assert_int_equal(held(0), 9000);
	tails_charge(&tails, NO_TAIL, 6500);
	assert_int_equal(held(0), 2500);
	assert_int_equal(tails_room(&tails, NO_TAIL), 0);
	assert_int_equal(budget, 0);
	add(0, &a, 1);
	assert_is_end(0, a, 5000);
	tails_close(&tails);
}

/* Nothing is left: the new bytes are lost, not written anywhere. */
static void test_no_room(void **state)
{
	uint64_t a = 0;

	(void)state;
	begin(100, 0);
	tails_charge(&tails, NO_TAIL, 100);
	add(0, &a, 1000);
	assert_int_equal(held(0), 0);
	assert_int_equal(tails_room(&tails, NO_TAIL), 0);
	budget += 100;
	end(100);
}

/* On its way out, a tail is nobody else's any more. */
static void test_whole_is_kept(void **state)
{
	uint64_t a = 0;

	(void)state;
	begin(1000, 100);
	add(0, &a, 1000);
	tails_end(&tails, 0);
	assert_int_equal(tails_room(&tails, NO_TAIL), 900);
	tails_end(&tails, 1);
	assert_int_equal(tails_room(&tails, NO_TAIL), 0);
	end(1000);
}

/* A store for a large limit is address space; what was written is no more than is held. */
static void test_memory(void **state)
{
	const uint64_t limit = 256 << 20;
	long page = sysconf(_SC_PAGESIZE);
	uint64_t a = 0, b = 0;
	size_t pages, resident = 0;
	unsigned char *map;

	(void)state;
	begin(limit, limit / 2);
	for (int i = 0; i < 100; i++) {
		add(0, &a, 1000);
		add(1, &b, 1000);
	}
	pages = (tails.chunks_len * sizeof *tails.chunks + (size_t)page - 1) / (size_t)page;
	map = malloc(pages);
	assert_non_null(map);
	assert_int_equal(mincore(tails.chunks, pages * (size_t)page, map), 0);
	for (size_t i = 0; i < pages; i++)
		resident += map[i] & 1;
	free(map);
	assert_true(resident < 1024); /* 4 MiB: a huge page or two */
	end(limit);
	assert_int_equal(tails_init(&tails, &budget, UINT64_MAX / 2, 0), -ENOMEM);
}

/*** Against a model ***/

struct model {
	uint64_t budget, sure;
	uint64_t at[TAILS_MAX], held[TAILS_MAX];
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void model_room(struct model *m, unsigned stream, uint64_t want)
{
	unsigned other = 1 - stream;

	while (m->budget < want && m->held[other] > m->sure) {
		m->held[other]--;
		m->budget++;
	}
}

static void model_add(struct model *m, unsigned stream, uint64_t len)
{
	m->at[stream] += len;
	model_room(m, stream, len);
	while (m->budget < len && m->held[stream] > 0) {
		m->held[stream]--;
		m->budget++;
	}
	m->held[stream] += least(len, m->budget);
	m->budget -= least(len, m->budget);
}

static void test_model(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 30; round++) {
		uint64_t limit = (uint64_t)rand_r(&seed) % 30000;
		struct model m = { .budget = limit, .sure = limit / (2 + round % 4) };
		uint64_t charged = 0;

		begin(limit, m.sure);
		for (int i = 0; i < ROUNDS; i++) {
			unsigned stream = (unsigned)rand_r(&seed) % 2;
			size_t len = (size_t)rand_r(&seed) % (i % 50 ? 200 : 40000);

			if (i % 7 == 0) {
				uint64_t part = least(len, tails_room(&tails, stream));

				model_room(&m, stream, part);
				m.budget -= part;
				charged += part;
				tails_charge(&tails, stream, part);
			} else if (i % 11 == 0) { /* a sink is gone: its bytes come back */
				m.budget += charged;
				budget += charged;
				charged = 0;
			} else {
				uint64_t at = m.at[stream];

				model_add(&m, stream, len);
				add(stream, &at, len);
			}
			assert_int_equal(budget, m.budget);
			assert_int_equal(held(0), m.held[0]);
			assert_int_equal(held(1), m.held[1]);
			assert_int_equal(budget + charged + held(0) + held(1), limit);
			assert_true(tails.used <= tails.chunks_len);
		}
		assert_is_end(0, m.at[0], 4000);
		assert_is_end(1, m.at[1], 5000);
		tails_close(&tails);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_stream),    cmocka_unit_test(test_fair),
		cmocka_unit_test(test_charge),	      cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_whole_is_kept), cmocka_unit_test(test_memory),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests_name("tails", tests, NULL, NULL);
}
