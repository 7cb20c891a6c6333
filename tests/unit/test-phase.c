/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* box/phase.h: the handshake's encoding, and what comes out of line is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "box/phase.h"

static int pair[2];

static int open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state)
{
	(void)state;
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}

static void test_names(void **state)
{
	(void)state;
	for (int phase = 0; phase < PH__N; phase++)
		assert_non_null(phases[phase].name);
}

static void test_round_trip(void **state)
{
	struct record sent = { .phase = PH_EXITED, .size = sizeof sent };
	struct record got;

	(void)state;
	sent.ending.wait_status = 7 << 8;
	sent.ending.cpu_us = 123456;
	assert_int_equal(phase_send(pair[0], &sent), 0);
	assert_int_equal(phase_receive(pair[1], TO_SUPERVISOR, &got), 1);
	assert_memory_equal(&sent, &got, sizeof sent);
}

static void test_end_of_file(void **state)
{
	struct record got;

	(void)state;
	assert_int_equal(shutdown(pair[0], SHUT_RDWR), 0);
	assert_int_equal(phase_receive(pair[1], TO_SUPERVISOR, &got), 0);
	assert_int_equal(phase_send(pair[1], &got), -EPIPE);
}

/* The last word of a peer that ended before it read ours is not lost. */
static void test_unread(void **state)
{
	struct record ours = { .phase = PH_SIGNAL, .size = sizeof ours };
	struct record last = { .phase = PH_EXITED, .size = sizeof last };
	struct record got;

	(void)state;
	last.ending.wait_status = 3 << 8;
	assert_int_equal(phase_send(pair[1], &ours), 0);
	assert_int_equal(phase_send(pair[0], &last), 0);
	(void)close(pair[0]);
	pair[0] = -1;
	assert_int_equal(phase_receive(pair[1], TO_SUPERVISOR, &got), 1);
	assert_int_equal(got.ending.wait_status, 3 << 8);
	assert_int_equal(phase_receive(pair[1], TO_SUPERVISOR, &got), 0);
}

static void test_wrong_direction(void **state)
{
	struct record record = { .phase = PH_SIGNAL, .size = sizeof record };
	struct record got;

	(void)state;
	assert_int_equal(phase_send(pair[0], &record), 0);
	assert_int_equal(phase_receive(pair[1], TO_SUPERVISOR, &got), -EPROTO);
	assert_int_equal(phase_send(pair[0], &record), 0);
	assert_int_equal(phase_receive(pair[1], TO_INIT, &got), 1);
}

static void test_malformed(void **state)
{
	struct record record = { .phase = PH_STARTED, .size = sizeof record };
	struct record got;

	(void)state;
	assert_int_equal(send(pair[0], &record, sizeof record - 1, 0), sizeof record - 1);
	assert_int_equal(phase_receive(pair[1], TO_SUPERVISOR, &got), -EPROTO);
	record.size--;
	assert_false(phase_check(&record, TO_SUPERVISOR));
	record.size++;
	record.phase = PH__N;
	assert_false(phase_check(&record, TO_SUPERVISOR));
	record.phase = PH_NONE;
	assert_false(phase_check(&record, TO_SUPERVISOR));
}

/* Texts of a hostile init are cut where their fields end. */
static void test_unterminated(void **state)
{
	struct record record;
	char line[2048];

	(void)state;
	memset(&record, 'A', sizeof record);
	record.phase = PH_FAILED;
	record.size = sizeof record;
	record.err.code = E_SYSTEM;
	record.err.errnum = 0;
	assert_true(phase_check(&record, TO_SUPERVISOR));
	err_format(&record.err, line, sizeof line);
	assert_true(strlen(line) < sizeof line - 1);
	record.err.code = E__N;
	assert_false(phase_check(&record, TO_SUPERVISOR));
	record.err.code = -1;
	assert_false(phase_check(&record, TO_SUPERVISOR));
}

static void test_errors(void **state)
{
	struct err err;
	char line[1024], longer[2000];

	(void)state;
	assert_int_equal(err_wall(&err, "mount", EPERM, "mount", "/x"), -EPERM);
	err_hint(&err, "do this");
	err_format(&err, line, sizeof line);
	assert_string_equal(line,
			    "wall mount: cannot mount '/x': Operation not permitted (do this)");
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(err_msg(&err, E_USAGE, "%s", longer), -EINVAL);
	assert_int_equal(strlen(err.subject), sizeof err.subject - 1);
	assert_string_equal(err.subject + sizeof err.subject - 4, "...");
	assert_int_equal(err_exit_status(&err), 125);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_round_trip, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_end_of_file, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_unread, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_wrong_direction, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_malformed, open_pair, close_pair),
		cmocka_unit_test(test_unterminated),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
