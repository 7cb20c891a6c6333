/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the broker tells: repeats are counted, tables are bounded, and the
 * supervisor's end takes nothing on trust. The broker's side is a child, for its
 * tables last as long as the process.
 */
#include "broker/events.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"

enum {
	ALARM_S = 60,
	TOLD_MAX = 1024,
	MANY = 300,
	BOUND = 256, /* of different refusals, and of hosts with ports */
};

static struct broker_event *told;
static size_t told_len;

/* Runs act as the broker does and collects what it tells. */
static void run(void (*act)(void), bool each)
{
	int fds[2], status, r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(fds[0]);
		events_init(fds[1], each);
		act();
		events_finish();
		_exit(0);
	}
	(void)close(fds[1]);
	told_len = 0;
	do {
		struct pollfd wait = { .fd = fds[0], .events = POLLIN };

		assert_int_equal(poll(&wait, 1, -1), 1);
		assert_true(told_len < TOLD_MAX);
		r = event_receive(fds[0], &told[told_len]);
		assert_true(r == 0 || r == 1);
		told_len += (size_t)r;
	} while (r > 0);
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static uint64_t counted(enum refusal_kind kind, const char *what)
{
	uint64_t count = 0;

	for (size_t i = 0; i < told_len; i++) {
		if (told[i].kind == EVENT_REFUSED && told[i].refusal == kind &&
		    strcmp(told[i].what, what) == 0)
			count += told[i].count;
	}
	return count;
}

static size_t told_of(enum broker_event_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < told_len; i++)
		n += told[i].kind == kind;
	return n;
}

/*** Refusals ***/

static void refuse_some(void)
{
	for (int i = 0; i < 6; i++)
		event_refused(REFUSED_DNS, "a.example", "--allow-host a.example", "no grant");
	event_refused(REFUSED_HOST, "a.example", NULL, NULL);
	event_refused(REFUSED_HOST, "b.example:80", "--allow-host b.example:80", NULL);
	event_refused(REFUSED_HOST, "a.example", NULL, NULL);
}

static void test_repeats_are_counted(void **state)
{
	(void)state;
	run(refuse_some, false);
	/* Each told when it first came, with its reason, ... */
	assert_string_equal(told[0].what, "a.example");
	assert_string_equal(told[0].grant, "--allow-host a.example");
	assert_string_equal(told[0].why, "no grant");
	assert_int_equal(told[0].count, 1);
	assert_int_equal(told[1].refusal, REFUSED_HOST);
	assert_string_equal(told[1].grant, "");
	assert_string_equal(told[1].why, "");
	assert_string_equal(told[2].what, "b.example:80");
	/* ... and the rest at the end, in one piece. */
	assert_int_equal(told_len, 5);
	assert_int_equal(told[3].count, 5);
	assert_int_equal(counted(REFUSED_DNS, "a.example"), 6);
	assert_int_equal(counted(REFUSED_HOST, "a.example"), 2);
	assert_int_equal(counted(REFUSED_HOST, "b.example:80"), 1);
}

static void refuse_many(void)
{
	char what[32];

	for (int turn = 0; turn < 3; turn++) {
		for (int i = 0; i < MANY; i++) {
			(void)snprintf(what, sizeof what, "host-%d.example", i);
			event_refused(REFUSED_DNS, what, "--allow-host it", "no grant");
		}
	}
}

static void test_refusals_are_bounded(void **state)
{
	(void)state;
	run(refuse_many, true);
	assert_int_equal(told_of(EVENT_REFUSED), 2 * BOUND + 1);
	assert_int_equal(counted(REFUSED_DNS, "host-0.example"), 3);
	assert_int_equal(counted(REFUSED_DNS, "host-255.example"), 3);
	assert_int_equal(counted(REFUSED_DNS, "host-256.example"), 0);
	assert_int_equal(counted(REFUSED_DNS, "(others)"), 3 * (MANY - BOUND));
	assert_string_equal(told[told_len - 1].what, "(others)");
	assert_string_equal(told[told_len - 1].grant, ""); /* no one option allows them all */
}

static void refuse_long(void)
{
	char what[2 * EVENT_TEXT];

	memset(what, 'x', sizeof what - 1);
	what[sizeof what - 1] = '\0';
	event_refused(REFUSED_HOST, what, what, what);
	event_connected(what, 443);
}

static void test_long_texts(void **state)
{
	(void)state;
	run(refuse_long, true);
	assert_int_equal(strlen(told[0].what), EVENT_TEXT - 1);
	assert_int_equal(strlen(told[0].grant), EVENT_TEXT - 1);
	assert_int_equal(strlen(told[0].why), EVENT_TEXT - 1);
	assert_int_equal(strlen(told[1].what), EVENT_TEXT - 1);
}

/*** Connections ***/

static void connect_some(void)
{
	event_dns("a.example", 1);
	event_connected("a.example", 443);
	event_closed("a.example", 443, 10, 1000, 7);
	event_closed("a.example", 443, 1, 1ULL << 40, 8);
	event_closed("a.example", 8443, 5, 6, 9);
	event_closed("b.example", 443, 0, 0, 0);
}

static void expect_totals(const struct broker_event *event)
{
	static const struct {
		const char *host;
		uint32_t port, count;
		uint64_t up, down;
	} want[] = {
		{ "a.example", 443, 2, 11, 1000 + (1ULL << 40) },
		{ "a.example", 8443, 1, 5, 6 },
		{ "b.example", 443, 1, 0, 0 },
	};

	for (size_t i = 0; i < sizeof want / sizeof *want; i++, event++) {
		assert_int_equal(event->kind, EVENT_TOTAL);
		assert_string_equal(event->what, want[i].host);
		assert_int_equal(event->port, want[i].port);
		assert_int_equal(event->count, want[i].count);
		assert_int_equal(event->up_bytes, want[i].up);
		assert_int_equal(event->down_bytes, want[i].down);
	}
}

static void test_sums(void **state)
{
	(void)state;
	run(connect_some, false);
	assert_int_equal(told_len, 3);
	expect_totals(told);
}

static void test_each(void **state)
{
	(void)state;
	run(connect_some, true);
	assert_int_equal(told_len, 9);
	assert_int_equal(told[0].kind, EVENT_DNS);
	assert_string_equal(told[0].what, "a.example");
	assert_int_equal(told[1].kind, EVENT_CONNECTED);
	assert_int_equal(told[1].port, 443);
	assert_int_equal(told[2].kind, EVENT_CLOSED);
	assert_int_equal(told[2].up_bytes, 10);
	assert_int_equal(told[2].down_bytes, 1000);
	assert_int_equal(told[2].duration_ms, 7);
	expect_totals(told + 6);
}

static void connect_again(void)
{
	for (int i = 0; i < MANY; i++) {
		event_connected("a.example", 443);
		event_closed("a.example", 443, 1, 2, 0);
	}
}

static void test_each_is_bounded(void **state)
{
	const struct broker_event *more = &told[2 * BOUND], *total = more + 1;

	(void)state;
	run(connect_again, true);
	assert_int_equal(told_of(EVENT_CONNECTED), BOUND);
	assert_int_equal(told_of(EVENT_CLOSED), BOUND);
	assert_int_equal(told_len, 2 * BOUND + 2);
	assert_int_equal(more->kind, EVENT_MORE);
	assert_string_equal(more->what, "a.example");
	assert_int_equal(more->count, MANY - BOUND);
	assert_int_equal(more->down_bytes, 2 * (MANY - BOUND));
	assert_int_equal(total->kind, EVENT_TOTAL);
	assert_int_equal(total->count, MANY);
}

static void connect_many(void)
{
	char host[32];

	for (int i = 0; i < 2 * MANY; i++) {
		(void)snprintf(host, sizeof host, "host-%d.example", i % MANY);
		event_closed(host, 443, 1, 2, 0);
	}
}

static void test_sums_are_bounded(void **state)
{
	const struct broker_event *others = &told[BOUND];

	(void)state;
	run(connect_many, false);
	assert_int_equal(told_len, BOUND + 1);
	for (size_t i = 0; i < BOUND; i++)
		assert_int_equal(told[i].count, 2);
	assert_string_equal(others->what, "(others)");
	assert_int_equal(others->port, 0); /* of them all none */
	assert_int_equal(others->count, 2 * (MANY - BOUND));
	assert_int_equal(others->up_bytes, 2 * (MANY - BOUND));
	assert_int_equal(others->down_bytes, 4 * (MANY - BOUND));
}

/*** A supervisor that does not listen ***/

static void test_untold_is_told_later(void **state)
{
	struct broker_event event = { .kind = EVENT_DNS };
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		while (send(fds[1], &event, sizeof event, MSG_DONTWAIT) > 0)
			;
		events_init(fds[1], true);
		int64_t start_ms = now_ms();
		event_refused(REFUSED_HOST, "slow.example:1", NULL, NULL);
		int64_t took_ms = now_ms() - start_ms;
		event_closed("slow.example", 1, 3, 4, 5);
		while (event_receive(fds[0], &event) == 1)
			;
		event_refused(REFUSED_HOST, "slow.example:1", NULL, NULL);
		events_finish();
		/* One event for both refusals, one for the connection; the sum is the last. */
		_exit(took_ms < 900 || took_ms > 5000 || event_receive(fds[0], &event) != 1 ||
		      event.count != 2 || event_receive(fds[0], &event) != 1 ||
		      event.kind != EVENT_MORE || event.up_bytes != 3 ||
		      event_receive(fds[0], &event) != 1 || event.kind != EVENT_TOTAL ||
		      event_receive(fds[0], &event) != -EAGAIN);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/*** The other end ***/

static void test_received_on_no_trust(void **state)
{
	struct broker_event event, got;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(event_receive(fds[0], &got), -EAGAIN);
	memset(&event, 'x', sizeof event);
	event.kind = EVENT_REFUSED;
	event.refusal = REFUSED_DNS;
	assert_int_equal(send(fds[1], &event, sizeof event, 0), (ssize_t)sizeof event);
	assert_int_equal(event_receive(fds[0], &got), 1);
	assert_int_equal(strlen(got.what), EVENT_TEXT - 1);
	assert_int_equal(strlen(got.grant), EVENT_TEXT - 1);
	assert_int_equal(strlen(got.why), EVENT_TEXT - 1);
	event.kind = EVENT_FAILED;
	assert_int_equal(send(fds[1], &event, sizeof event, 0), (ssize_t)sizeof event);
	assert_int_equal(event_receive(fds[0], &got), 1);
	assert_int_equal(strlen(got.err.wall), sizeof got.err.wall - 1);
	assert_int_equal(strlen(got.err.op), sizeof got.err.op - 1);
	assert_int_equal(strlen(got.err.subject), sizeof got.err.subject - 1);
	assert_int_equal(strlen(got.err.hint), sizeof got.err.hint - 1);
	for (int i = 0; i < 4; i++) {
		event.kind = i == 0 ? EVENT__N : i == 1 ? UINT32_MAX : EVENT_REFUSED;
		event.refusal = i == 2 ? REFUSAL__N : REFUSED_HOST;
		size_t len = i == 3 ? sizeof event - 1 : sizeof event;
		assert_int_equal(send(fds[1], &event, len, 0), (ssize_t)len);
		assert_int_equal(event_receive(fds[0], &got), -EPROTO);
	}
	(void)close(fds[1]);
	assert_int_equal(event_receive(fds[0], &got), 0);
	(void)close(fds[0]);
}

static int make_room(void **state)
{
	(void)state;
	told = calloc(TOLD_MAX, sizeof *told);
	return told ? 0 : -1;
}

static int free_room(void **state)
{
	(void)state;
	free(told);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeats_are_counted),
		cmocka_unit_test(test_refusals_are_bounded),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_each_is_bounded),
		cmocka_unit_test(test_sums_are_bounded),
		cmocka_unit_test(test_untold_is_told_later),
		cmocka_unit_test(test_received_on_no_trust),
	};

	(void)alarm(ALARM_S);
	return cmocka_run_group_tests_name("events", tests, make_room, free_room);
}
