/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop: timers in order, and nobody called after it let go. */
#include "broker/loop.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "broker.h"

enum {
	ALARM_S = 60,
	MANY = 10000,
	SPREAD_MS = 50,
};

struct mark {
	struct timer timer;
	int calls;
	int place; /* among the calls of a test */
	int64_t called_ms;
};

static int calls;

static void mark_due(struct timer *timer)
{
	struct mark *mark = (struct mark *)timer;

	assert_false(timer->is_set);
	mark->calls++;
	mark->place = calls++;
	mark->called_ms = now_ms();
}

static void test_timers_in_order(void **state)
{
	static const int64_t after_ms[] = { 30, 0, 10, 20, 10, -5, 30 };
	static const int places[] = { 5, 0, 2, 4, 3, 1, 6 };
	struct mark marks[sizeof after_ms / sizeof *after_ms] = { 0 };
	int64_t start = now_ms();

	(void)state;
	calls = 0;
	for (size_t i = 0; i < sizeof after_ms / sizeof *after_ms; i++)
		timer_set(&marks[i].timer, after_ms[i], mark_due);
	assert_int_equal(calls, 0);
	run_for(40);
	for (size_t i = 0; i < sizeof after_ms / sizeof *after_ms; i++) {
		assert_int_equal(marks[i].calls, 1);
		assert_int_equal(marks[i].place, places[i]);
		assert_true(marks[i].called_ms >= start + after_ms[i]);
	}
}

static void test_set_again_moves(void **state)
{
	struct mark mark = { 0 };

	(void)state;
	timer_set(&mark.timer, 1, mark_due);
	timer_set(&mark.timer, 200, mark_due);
	run_for(10);
	assert_int_equal(mark.calls, 0);
	run_for(200);
	assert_int_equal(mark.calls, 1);
}

static struct mark victims[3];

static void cancel_due(struct timer *timer)
{
	(void)timer;
	timer_cancel(&victims[1].timer);
	timer_cancel(&victims[1].timer); /* a second time does nothing */
}

/* All are due in the same turn; the one in the middle is cancelled by the first. */
static void test_cancel_in_callback(void **state)
{
	struct timer first = { 0 };

	(void)state;
	memset(victims, 0, sizeof victims);
	timer_set(&first, 0, cancel_due);
	for (int i = 0; i < 3; i++)
		timer_set(&victims[i].timer, 0, mark_due);
	run_for(5);
	assert_int_equal(victims[0].calls, 1);
	assert_int_equal(victims[1].calls, 0);
	assert_int_equal(victims[2].calls, 1);
}

static void free_due(struct timer *timer)
{
	calls++;
	memset(timer, 0xa5, sizeof *timer);
	free(timer);
}

static void test_free_in_callback(void **state)
{
	(void)state;
	calls = 0;
	for (int i = 0; i < 100; i++) {
		struct timer *timer = calloc(1, sizeof *timer);

		assert_non_null(timer);
		timer_set(timer, i % 3, free_due);
	}
	run_for(10);
	assert_int_equal(calls, 100);
}

static struct counter {
	struct watch watch;
	int calls;
	uint32_t events;
} counter;

static void count_ready(struct watch *watch, uint32_t events)
{
	struct counter *c = (struct counter *)watch;

	c->calls++;
	c->events = events;
}

static void again_due(struct timer *timer)
{
	calls++;
	if (counter.calls < 3)
		timer_set(timer, 0, again_due);
	else
		loop_stop();
}

/* A timer that always sets itself for now does not keep descriptors waiting. */
static void test_timer_chain_does_not_starve(void **state)
{
	struct timer chain = { 0 };
	int fd = eventfd(1, EFD_CLOEXEC);

	(void)state;
	calls = 0;
	counter = (struct counter){ .watch = { .ready = count_ready } };
	assert_int_equal(loop_watch(&counter.watch, fd, EPOLLIN), 0);
	timer_set(&chain, 0, again_due);
	assert_int_equal(loop_run(), 0);
	assert_int_equal(counter.calls, 3);
	assert_true(calls <= 4);
	loop_unwatch(&counter.watch);
	close(fd);
}

/* Pseudo-random, the same in every run. */
static unsigned next_random(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33);
}

static int64_t last_ms;
static uint64_t last_order;
static int early, disorder;

static void many_due(struct timer *timer)
{
	calls++;
	early += timer->at_ms > now_ms();
	disorder +=
		timer->at_ms < last_ms || (timer->at_ms == last_ms && timer->order < last_order);
	last_ms = timer->at_ms;
	last_order = timer->order;
}

/* Sets, moves and cancels in random order: what is left comes in order, each once. */
static void test_10000_timers(void **state)
{
	static struct timer many[MANY];
	int left = 0;
	int64_t start = now_ms();

	(void)state;
	calls = early = disorder = 0;
	last_ms = 0;
	memset(many, 0, sizeof many);
	for (int i = 0; i < 20 * MANY; i++) {
		struct timer *timer = &many[next_random() % MANY];

		if (next_random() % 3 == 0)
			timer_cancel(timer);
		else
			timer_set(timer, 200 + next_random() % SPREAD_MS, many_due);
	}
	for (int i = 0; i < MANY; i++)
		left += many[i].is_set;
	assert_true(left > MANY / 2 && left < MANY);
	assert_true(now_ms() - start < 5000);
	run_for(200 + 2 * SPREAD_MS);
	assert_int_equal(calls, left);
	assert_int_equal(early, 0);
	assert_int_equal(disorder, 0);
	for (int i = 0; i < MANY; i++)
		assert_false(many[i].is_set);
}

/* As connections do: set with the same delay, cancelled in the order in which they were set. */
static void test_cancel_from_the_first(void **state)
{
	static struct timer many[MANY];
	int64_t start = now_ms();

	(void)state;
	memset(many, 0, sizeof many);
	calls = 0;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < MANY; i++)
			timer_set(&many[i], 60000, many_due);
		for (int i = 0; i < MANY; i++)
			timer_cancel(&many[i]);
	}
	assert_true(now_ms() - start < 5000);
	run_for(1);
	assert_int_equal(calls, 0);
}

enum {
	PEERS = 70 /* more than one batch */
};

static struct peer {
	struct watch watch;
	struct peer *other; /* its watch is removed and its memory overwritten when this is ready */
	int calls;
} * peers[PEERS];

static int peers_called;

static void peer_ready(struct watch *watch, uint32_t events)
{
	struct peer *peer = (struct peer *)watch;

	assert_true(events & EPOLLIN);
	peers_called++;
	for (int i = 0; i < PEERS; i++) {
		int fd;

		if (peers[i] == NULL || peers[i] == peer)
			continue;
		fd = peers[i]->watch.fd;
		loop_unwatch(&peers[i]->watch);
		assert_int_equal(peers[i]->watch.fd, -1);
		close(fd);
		free(peers[i]);
		peers[i] = NULL;
	}
	loop_unwatch(watch);
	loop_stop();
}

/* All are ready in the same batch; whoever is first ends the rest. */
static void test_unwatch_later_event_of_batch(void **state)
{
	(void)state;
	peers_called = 0;
	for (int i = 0; i < PEERS; i++) {
		peers[i] = calloc(1, sizeof *peers[i]);
		assert_non_null(peers[i]);
		peers[i]->watch.ready = peer_ready;
		assert_int_equal(loop_watch(&peers[i]->watch, eventfd(1, EFD_CLOEXEC), EPOLLIN), 0);
	}
	assert_int_equal(loop_run(), 0);
	assert_int_equal(peers_called, 1);
	run_for(1);
	assert_int_equal(peers_called, 1);
	for (int i = 0; i < PEERS; i++)
		free(peers[i]);
}

static int reused_fd[2];
static struct counter reused[2];

static void reuse_ready(struct watch *watch, uint32_t events)
{
	int other = watch == &reused[0].watch;

	count_ready(watch, events);
	if (reused[other].calls > 0)
		return;
	/* The same struct, now for a descriptor that is never ready. */
	loop_unwatch(&reused[other].watch);
	close(reused_fd[other]);
	reused_fd[other] = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(loop_watch(&reused[other].watch, reused_fd[other], EPOLLIN), 0);
}

static void test_reused_watch_gets_no_old_event(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		reused[i] = (struct counter){ .watch = { .ready = reuse_ready } };
		reused_fd[i] = eventfd(1, EFD_CLOEXEC);
		assert_int_equal(loop_watch(&reused[i].watch, reused_fd[i], EPOLLIN | EPOLLET), 0);
	}
	run_for(5);
	assert_int_equal(reused[0].calls + reused[1].calls, 1);
	for (int i = 0; i < 2; i++) {
		loop_unwatch(&reused[i].watch);
		close(reused_fd[i]);
	}
}

static void test_change_and_unwatch(void **state)
{
	struct watch none = { .fd = -1 };
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	counter = (struct counter){ .watch = { .ready = count_ready } };
	assert_int_equal(loop_watch(&counter.watch, fd, EPOLLIN), 0);
	assert_true(loop_watch(&counter.watch, fd, EPOLLIN) < 0); /* EEXIST */
	run_for(1);
	assert_int_equal(counter.calls, 0);
	assert_int_equal(loop_change(&counter.watch, EPOLLOUT | EPOLLET), 0);
	run_for(3);
	assert_int_equal(counter.calls, 1);
	assert_int_equal(counter.events, EPOLLOUT);
	loop_unwatch(&counter.watch);
	loop_unwatch(&counter.watch);
	assert_int_equal(loop_watch(&counter.watch, fd, EPOLLOUT), 0);
	loop_unwatch(&counter.watch);
	run_for(3);
	assert_int_equal(counter.calls, 1);
	loop_unwatch(&none);
	close(fd);
}

static int open_loop(void **state)
{
	(void)state;
	return loop_init();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers_in_order),
		cmocka_unit_test(test_set_again_moves),
		cmocka_unit_test(test_cancel_in_callback),
		cmocka_unit_test(test_free_in_callback),
		cmocka_unit_test(test_timer_chain_does_not_starve),
		cmocka_unit_test(test_10000_timers),
		cmocka_unit_test(test_cancel_from_the_first),
		cmocka_unit_test(test_unwatch_later_event_of_batch),
		cmocka_unit_test(test_reused_watch_gets_no_old_event),
		cmocka_unit_test(test_change_and_unwatch),
	};

	alarm(ALARM_S);
	return cmocka_run_group_tests_name("loop", tests, open_loop, NULL);
}
