/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the broker told, put together for the result. */
#include "box/network_log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct network_log *network;

static int make_log(void **state)
{
	(void)state;
	network = calloc(1, sizeof *network);
	return network ? 0 : -1;
}

static int free_log(void **state)
{
	(void)state;
	free(network);
	return 0;
}

static void test_bounds(void **state)
{
	(void)state;
	for (int i = 0; i < LOG_CONNECTIONS_MAX + 50; i++) {
		struct broker_event total = { .kind = EVENT_TOTAL, .count = 1 };

		(void)snprintf(total.what, sizeof total.what, "host-%d", i);
		network_log_add(network, &total);
	}
	assert_int_equal(network->connections_len, LOG_CONNECTIONS_MAX);
	assert_string_equal(network->connections[LOG_CONNECTIONS_MAX - 1].host, "host-256");
	assert_false(network->failed);
}

static void test_connections(void **state)
{
	struct broker_event event = { .kind = EVENT_TOTAL,
				      .count = 3,
				      .port = 65535,
				      .up_bytes = 1ULL << 40,
				      .down_bytes = 5,
				      .what = "a.example" };

	(void)state;
	network_log_add(network, &event);
	assert_int_equal(network->connections_len, 1);
	assert_string_equal(network->connections[0].host, "a.example");
	assert_int_equal(network->connections[0].port, 65535);
	assert_int_equal(network->connections[0].count, 3);
	assert_int_equal(network->connections[0].up_bytes, 1ULL << 40);
	assert_int_equal(network->connections[0].down_bytes, 5);
}

/* Single events are the audit log's: the sums hold them already. */
static void test_single_events(void **state)
{
	static const enum broker_event_kind kinds[] = { EVENT_DNS, EVENT_CONNECTED, EVENT_CLOSED,
							EVENT_REFUSED };

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct broker_event event = { .kind = kinds[i], .what = "a.example", .count = 1 };

		network_log_add(network, &event);
	}
	assert_int_equal(network->connections_len, 0);
	assert_false(network->failed);
}

static void test_failure(void **state)
{
	struct broker_event event = { .kind = EVENT_FAILED };

	(void)state;
	(void)err_set(&event.err, E_SYSTEM, EMFILE, "make", "a loop");
	network_log_add(network, &event);
	assert_true(network->failed);
	assert_int_equal(network->err.errnum, EMFILE);
	assert_string_equal(network->err.subject, "a loop");
	assert_false(network->ended_early);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bounds, make_log, free_log),
		cmocka_unit_test_setup_teardown(test_connections, make_log, free_log),
		cmocka_unit_test_setup_teardown(test_single_events, make_log, free_log),
		cmocka_unit_test_setup_teardown(test_failure, make_log, free_log),
	};

	return cmocka_run_group_tests_name("network log", tests, NULL, NULL);
}
