/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bounded copy: exact budgets, integrity, and that nothing ever blocks.
 *
 * One thread plays writer, relay and reader; a relay that blocks is ended by alarm(2).
 */
#include "box/supervise/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	POLL_MS = 10000,
	ALARM_S = 120,
	PIPE_BYTES = 65536,
};

enum sink {
	SINK_PIPE,
	SINK_SHARED_PIPE, /* as if it could not be reopened */
	SINK_SOCKET,
	SINK__N
};

struct flow {
	struct relay relay;
	int feed_fd; /* the payload's end */
	int sink_fd; /* the caller's stdout */
	int out_fd;  /* who reads it */
	uint64_t feed_bytes, fed_bytes, got_bytes;
	size_t read_size; /* 0: the reader is stalled */
};

static char pattern(uint64_t i)
{
	return (char)((i * 2654435761u) >> 11 ^ i >> 3);
}

static void set_nonblock(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

/* As relay_init leaves it for another user's pipe. */
static void unshare_sink(struct relay *r, int fd)
{
	assert_true(r->sink_reopened);
	close(r->sink_fd);
	r->sink_fd = fd;
	r->sink_reopened = false;
	r->sink_try = false;
	r->sink_chunk_bytes = 4096;
}

static void flow_open(struct flow *f, enum sink sink, uint64_t bytes, uint64_t *budget)
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	if (sink == SINK_SOCKET) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out), 0);
		int swap = out[0];

		out[0] = out[1];
		out[1] = swap;
	} else {
		assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	}
	set_nonblock(in[1]);
	set_nonblock(out[0]);
	f->feed_fd = in[1];
	f->sink_fd = out[1];
	f->out_fd = out[0];
	f->feed_bytes = bytes;
	f->fed_bytes = f->got_bytes = 0;
	f->read_size = PIPE_BYTES;
	relay_init(&f->relay, in[0], out[1], budget, RELAY_OWN_SOURCE | RELAY_CLOSE_SOURCE);
	if (sink == SINK_SHARED_PIPE)
		unshare_sink(&f->relay, out[1]);
	/* The caller's description keeps its flags. */
	assert_false(fcntl(out[1], F_GETFL) & O_NONBLOCK);
}

static void flow_close(struct flow *f)
{
	relay_close(&f->relay);
	relay_close(&f->relay);
	if (f->feed_fd >= 0)
		close(f->feed_fd);
	if (f->sink_fd >= 0)
		close(f->sink_fd);
	if (f->out_fd >= 0)
		close(f->out_fd);
}

/* Feeds what fits; closes the feed at the end. */
static bool feed(struct flow *f)
{
	static char buf[PIPE_BYTES];
	size_t n = sizeof buf;
	ssize_t r;

	if (f->feed_fd < 0)
		return false;
	if (f->fed_bytes == f->feed_bytes) {
		close(f->feed_fd);
		f->feed_fd = -1;
		return true;
	}
	if (n > f->feed_bytes - f->fed_bytes)
		n = f->feed_bytes - f->fed_bytes;
	for (size_t i = 0; i < n; i++)
		buf[i] = pattern(f->fed_bytes + i);
	r = write(f->feed_fd, buf, n);
	if (r < 0) {
		assert_int_equal(errno, EAGAIN);
		return false;
	}
	f->fed_bytes += (uint64_t)r;
	return true;
}

/* Reads and compares. */
static bool consume(struct flow *f)
{
	static char buf[PIPE_BYTES];
	ssize_t r;

	if (f->read_size == 0)
		return false;
	r = read(f->out_fd, buf, f->read_size);
	if (r <= 0)
		return false;
	for (ssize_t i = 0; i < r; i++) {
		if (buf[i] != pattern(f->got_bytes + (uint64_t)i))
			fail_msg("byte %llu differs", (unsigned long long)f->got_bytes + i);
	}
	f->got_bytes += (uint64_t)r;
	return true;
}

/* One turn of a supervisor's loop; returns whether poll found something. */
static bool turn(struct relay *r, int timeout_ms)
{
	struct pollfd fds[RELAY_POLL_FDS];
	int n;

	relay_prepare(r, fds);
	n = poll(fds, RELAY_POLL_FDS, timeout_ms);
	assert_true(n >= 0);
	relay_step(r, fds);
	return n > 0;
}

/* Until the relay is done and the reader has it all, or nothing moves any more. */
static void flow_run(struct flow *f)
{
	bool moved = true;

	while (moved) {
		moved = feed(f);
		if (!relay_is_done(&f->relay))
			moved |= turn(&f->relay, 0);
		moved |= consume(f);
	}
}

static void test_budget_is_exact(void **state)
{
	static const uint64_t sizes[] = { 0,	 1,	2,     4095,  4096,   4097,
					  65535, 65536, 65537, 70000, 131072, 200001 };
	static struct flow f;

	(void)state;
	for (int sink = 0; sink < SINK__N; sink++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
				uint64_t budget = sizes[j];
				uint64_t want = sizes[i] < budget ? sizes[i] : budget;

				flow_open(&f, sink, sizes[i], &budget);
				flow_run(&f);
				assert_true(relay_is_done(&f.relay));
				assert_int_equal(f.relay.seen_bytes, sizes[i]);
				assert_int_equal(f.relay.passed_bytes, want);
				assert_int_equal(f.got_bytes, want);
				assert_int_equal(f.relay.over, sizes[i] > sizes[j]);
				assert_int_equal(budget, sizes[j] - want);
				flow_close(&f);
			}
		}
	}
}

static void test_budget_is_shared(void **state)
{
	static struct flow a, b;
	uint64_t budget = 100000;

	(void)state;
	flow_open(&a, SINK_PIPE, 90000, &budget);
	flow_open(&b, SINK_PIPE, 90000, &budget);
	for (int i = 0; i < 1000; i++) {
		(void)feed(&a);
		(void)feed(&b);
		(void)turn(&a.relay, 0);
		(void)turn(&b.relay, 0);
		(void)consume(&a);
		(void)consume(&b);
	}
	assert_int_equal(a.got_bytes + b.got_bytes, 100000);
	assert_int_equal(a.relay.seen_bytes + b.relay.seen_bytes, 180000);
	assert_true(a.relay.over || b.relay.over);
	assert_int_equal(budget, 0);
	flow_close(&a);
	flow_close(&b);
}

/* Over the budget with a reader that never reads: found out nevertheless. */
static void test_over_is_seen_behind_stalled_reader(void **state)
{
	static struct flow f;
	uint64_t budget = PIPE_BYTES + 1000;

	(void)state;
	flow_open(&f, SINK_PIPE, 1000000, &budget);
	f.read_size = 0;
	flow_run(&f);
	assert_true(f.relay.over);
	assert_int_equal(f.relay.seen_bytes, 1000000);
	assert_false(relay_is_done(&f.relay));
	f.read_size = PIPE_BYTES;
	flow_run(&f);
	assert_true(relay_is_done(&f.relay));
	assert_int_equal(f.got_bytes, PIPE_BYTES + 1000);
	flow_close(&f);
}

static void test_integrity_50_mb(void **state)
{
	static struct flow f;

	(void)state;
	for (int sink = 0; sink < SINK__N; sink++) {
		flow_open(&f, sink, 50 * 1000 * 1000, NULL);
		flow_run(&f);
		assert_true(relay_is_done(&f.relay));
		assert_int_equal(f.got_bytes, 50 * 1000 * 1000);
		assert_int_equal(f.relay.passed_bytes, f.got_bytes);
		flow_close(&f);
	}
}

static void test_slow_reader(void **state)
{
	static struct flow f;

	(void)state;
	for (int sink = 0; sink < SINK__N; sink++) {
		flow_open(&f, sink, 300000, NULL);
		f.read_size = 997;
		flow_run(&f);
		assert_true(relay_is_done(&f.relay));
		assert_int_equal(f.got_bytes, 300000);
		flow_close(&f);
	}
}

static void test_stalled_reader_does_not_block(void **state)
{
	static struct flow f;

	(void)state;
	for (int sink = 0; sink < SINK__N; sink++) {
		flow_open(&f, sink, 10 * 1000 * 1000, NULL);
		f.read_size = 0;
		flow_run(&f); /* returns when nothing moves */
		assert_false(relay_is_done(&f.relay));
		assert_true(f.fed_bytes < f.feed_bytes);
		/* No busy loop either. */
		assert_false(turn(&f.relay, 0));
		f.read_size = PIPE_BYTES;
		flow_run(&f);
		assert_true(relay_is_done(&f.relay));
		assert_int_equal(f.got_bytes, f.feed_bytes);
		flow_close(&f);
	}
}

/* A terminal with a few free bytes says POLLOUT; a blocking write of more would wait. */
static void test_stalled_terminal_does_not_block(void **state)
{
	static struct relay r;
	static char text[PIPE_BYTES];
	struct termios modes;

	(void)state;
	for (int own = 0; own < 2; own++) {
		int in[2], master, slave;
		uint64_t before;

		assert_int_equal(pipe2(in, O_CLOEXEC), 0);
		assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
		assert_int_equal(tcgetattr(slave, &modes), 0);
		cfmakeraw(&modes);
		assert_int_equal(tcsetattr(slave, TCSANOW, &modes), 0);
		relay_init(&r, in[0], slave, NULL, RELAY_OWN_SOURCE | RELAY_CLOSE_SOURCE);
		assert_true(r.sink_reopened);
		if (!own) {
			unshare_sink(&r, slave);
			r.sink_chunk_bytes = 1;
		}
		assert_int_equal(write(in[1], text, sizeof text), sizeof text);
		do {
			before = r.passed_bytes;
			(void)turn(&r, 0);
			(void)turn(&r, 0);
		} while (r.passed_bytes > before);
		assert_false(relay_is_done(&r));
		assert_in_range(r.passed_bytes, 1, sizeof text - 1);
		assert_false(fcntl(slave, F_GETFL) & O_NONBLOCK);
		close(master);
		assert_true(turn(&r, POLL_MS));
		assert_true(r.broken);
		relay_close(&r);
		close(in[1]);
		close(slave);
	}
}

static void test_reader_gone_closes_source(void **state)
{
	static struct flow f;

	(void)state;
	for (int sink = 0; sink < SINK__N; sink++) {
		/* While nothing flows: poll reports it. */
		flow_open(&f, sink, 0, NULL);
		close(f.out_fd);
		f.out_fd = -1;
		assert_true(turn(&f.relay, POLL_MS));
		assert_true(f.relay.broken);
		assert_true(relay_is_done(&f.relay));
		assert_int_equal(f.relay.sink_errnum, EPIPE);
		assert_int_equal(write(f.feed_fd, "x", 1), -1);
		assert_int_equal(errno, EPIPE);
		flow_close(&f);
	}
}

static void test_reader_gone_refunds_budget(void **state)
{
	static struct flow f;
	uint64_t budget = 1000000;

	(void)state;
	flow_open(&f, SINK_PIPE, 500000, &budget);
	f.read_size = 0;
	flow_run(&f);
	close(f.out_fd);
	f.out_fd = -1;
	(void)turn(&f.relay, POLL_MS);
	assert_true(f.relay.broken);
	assert_int_equal(budget, 1000000 - f.relay.passed_bytes);
	assert_int_equal(write(f.feed_fd, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	flow_close(&f);
}

static void test_regular_file(void **state)
{
	char path[] = "/tmp/aisbx-test-relay-XXXXXX";
	static struct flow f;
	int fd = mkstemp(path);
	uint64_t budget = 150000;

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	flow_open(&f, SINK_PIPE, 200000, &budget);
	relay_close(&f.relay);
	close(f.feed_fd);

	int in[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	set_nonblock(in[1]);
	f.feed_fd = in[1];
	relay_init(&f.relay, in[0], fd, &budget, RELAY_OWN_SOURCE | RELAY_CLOSE_SOURCE);
	flow_run(&f);
	assert_true(relay_is_done(&f.relay));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 150000);
	assert_true(f.relay.over);
	close(f.out_fd);
	f.out_fd = fd;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	while (consume(&f))
		;
	assert_int_equal(f.got_bytes, 150000);
	flow_close(&f);
}

static void test_full_device(void **state)
{
	static struct relay r;
	int in[2];
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	relay_init(&r, in[0], fd, NULL, RELAY_OWN_SOURCE | RELAY_CLOSE_SOURCE);
	assert_int_equal(write(in[1], "x", 1), 1);
	while (!relay_is_done(&r))
		assert_true(turn(&r, POLL_MS));
	assert_true(r.broken);
	assert_int_equal(r.sink_errnum, ENOSPC);
	relay_close(&r);
	close(in[1]);
	close(fd);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The feed stays open: drain takes what is there and does not wait for its end. */
static void test_drain_with_other_holder(void **state)
{
	static struct flow f;
	static const uint64_t sizes[] = { 0, 1, 5000, PIPE_BYTES };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		flow_open(&f, SINK_PIPE, sizes[i], NULL);
		while (f.fed_bytes < f.feed_bytes)
			assert_true(feed(&f));
		assert_true(relay_drain(&f.relay, RELAY_FOREVER));
		while (consume(&f))
			;
		assert_int_equal(f.got_bytes, sizes[i]);
		/* and what it writes now has nowhere to go */
		assert_int_equal(write(f.feed_fd, "x", 1), -1);
		assert_int_equal(errno, EPIPE);
		flow_close(&f);
	}
}

static void test_drain_keeps_to_budget(void **state)
{
	static struct flow f;
	uint64_t budget = 1234;

	(void)state;
	flow_open(&f, SINK_PIPE, 5000, &budget);
	assert_true(feed(&f));
	assert_true(relay_drain(&f.relay, RELAY_FOREVER));
	while (consume(&f))
		;
	assert_int_equal(f.got_bytes, 1234);
	assert_int_equal(f.relay.seen_bytes, 5000);
	assert_true(f.relay.over);
	flow_close(&f);
}

/* Sink full, relay's buffer full, pipe full: 192 KiB; the reader gets what fits in time. */
static void test_drain_deadline(void **state)
{
	static struct flow f;
	int64_t start;

	(void)state;
	for (int sink = 0; sink < SINK__N; sink++) {
		flow_open(&f, sink, 10 * 1000 * 1000, NULL);
		f.read_size = 0;
		flow_run(&f);
		start = now_ms();
		assert_false(relay_drain(&f.relay, start + 20));
		assert_true(now_ms() >= start + 20);
		f.read_size = PIPE_BYTES;
		while (consume(&f))
			;
		/* A deadline in the past: what needs no waiting is still delivered. */
		(void)relay_drain(&f.relay, 0);
		while (consume(&f))
			(void)relay_drain(&f.relay, 0);
		assert_true(relay_is_done(&f.relay));
		assert_int_equal(f.got_bytes, f.fed_bytes);
		flow_close(&f);
	}
}

static void test_finish_in_the_loop(void **state)
{
	static struct flow f;

	(void)state;
	flow_open(&f, SINK_PIPE, 10 * 1000 * 1000, NULL);
	f.read_size = 0;
	flow_run(&f);
	f.feed_bytes = f.fed_bytes;
	relay_finish(&f.relay);
	f.read_size = 1000;
	while (!relay_is_done(&f.relay) || consume(&f)) {
		(void)turn(&f.relay, 0);
		(void)consume(&f);
	}
	assert_int_equal(f.got_bytes, f.fed_bytes);
	flow_close(&f);
}

/* pty: EIO at the last slave's end is the end of the source, with nothing lost before it. */
static void test_pty_source(void **state)
{
	static struct relay r;
	char buf[64];

	(void)state;
	for (int holder = 0; holder < 2; holder++) {
		int master, slave, out[2];

		assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
		assert_int_equal(pipe2(out, O_CLOEXEC), 0);
		relay_init(&r, master, out[1], NULL, RELAY_OWN_SOURCE | RELAY_CLOSE_SOURCE);
		assert_int_equal(write(slave, "bye\n", 4), 4);
		if (holder) {
			assert_true(relay_drain(&r, RELAY_FOREVER));
			close(slave);
		} else {
			close(slave);
			while (!relay_is_done(&r))
				assert_true(turn(&r, POLL_MS));
		}
		assert_false(r.broken);
		assert_int_equal(read(out[0], buf, sizeof buf), 5);
		assert_memory_equal(buf, "bye\r\n", 5);
		relay_close(&r);
		close(out[0]);
		close(out[1]);
	}
}

static void test_reopen(void **state)
{
	int p[2], s[2], master, slave, own;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	own = relay_reopen(p[1], O_WRONLY);
	assert_true(own >= 0);
	assert_true(fcntl(own, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(own, F_GETFD) & FD_CLOEXEC);
	assert_false(fcntl(p[1], F_GETFL) & O_NONBLOCK);
	close(own);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(relay_reopen(s[0], O_WRONLY), -1);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(relay_reopen(master, O_RDWR), -1); /* it would be another pty */
	own = relay_reopen(slave, O_RDWR);
	assert_true(own >= 0);
	close(own);
	assert_int_equal(relay_reopen(-1, O_RDWR), -1);
	close(master);
	close(slave);
	close(p[0]);
	close(p[1]);
	close(s[0]);
	close(s[1]);
}

/*** Tails ***/

/* Two streams with a tail each, as the supervisor has them. */
struct kept {
	struct flow flows[2];
	struct tails tails;
	uint64_t limit, budget;
	uint64_t head_bytes; /* of each */
	char *got[2];
	size_t got_len[2];
};

static void kept_open(struct kept *k, int streams, enum sink sink, uint64_t limit, bool head,
		      uint64_t bytes0, uint64_t bytes1)
{
	uint64_t share = limit / (uint64_t)streams;

	k->limit = k->budget = limit;
	k->head_bytes = head ? share / 2 : 0;
	assert_int_equal(tails_init(&k->tails, &k->budget, limit, share - k->head_bytes), 0);
	for (int i = 0; i < streams; i++) {
		flow_open(&k->flows[i], sink, i ? bytes1 : bytes0, &k->budget);
		relay_keep(&k->flows[i].relay, &k->tails, (unsigned)i, k->head_bytes);
		k->got[i] = malloc(limit + 1);
		assert_non_null(k->got[i]);
		k->got_len[i] = 0;
	}
}

static void kept_close(struct kept *k, int streams)
{
	for (int i = 0; i < streams; i++) {
		flow_close(&k->flows[i]);
		free(k->got[i]);
	}
	tails_close(&k->tails);
}

static bool gather(struct kept *k, int i)
{
	struct flow *f = &k->flows[i];
	size_t room = k->limit + 1 - k->got_len[i];
	ssize_t r;

	if (f->read_size == 0)
		return false;
	r = read(f->out_fd, k->got[i] + k->got_len[i], room < f->read_size ? room : f->read_size);
	if (r <= 0)
		return false;
	k->got_len[i] += (size_t)r;
	return true;
}

/* Until nothing moves any more. */
static void kept_run(struct kept *k, int streams)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (int i = 0; i < streams; i++) {
			moved |= feed(&k->flows[i]);
			if (!relay_is_done(&k->flows[i].relay))
				moved |= turn(&k->flows[i].relay, 0);
			moved |= gather(k, i);
		}
	}
}

/* Head, gap where the relay says it is, tail; returns how much of it there is. */
static size_t assert_kept(const struct kept *k, int i)
{
	const struct relay *r = &k->flows[i].relay;
	struct cut cut = relay_cut(r);

	assert_true(relay_is_done(r));
	assert_false(r->over);
	assert_int_equal(r->passed_bytes, k->got_len[i]);
	assert_int_equal(r->seen_bytes, k->flows[i].feed_bytes);
	assert_int_equal(k->got_len[i] + cut.bytes, k->flows[i].feed_bytes);
	for (size_t j = 0; j < k->got_len[i]; j++) {
		uint64_t at = j + (j >= cut.at ? cut.bytes : 0);

		if (k->got[i][j] != pattern(at))
			fail_msg("byte %zu differs, cut %llu at %llu", j,
				 (unsigned long long)cut.bytes, (unsigned long long)cut.at);
	}
	return k->got_len[i];
}

static void test_keep_is_exact(void **state)
{
	static const uint64_t sizes[] = { 0,	 1,	2,     3,      4095,  4096,
					  65536, 65537, 70000, 131073, 300001 };
	static const size_t n = sizeof sizes / sizeof *sizes;
	static struct kept k;

	(void)state;
	for (size_t i = 0; i < SINK__N * n * n * 2; i++) {
		uint64_t bytes = sizes[i / 2 % n], limit = sizes[i / 2 / n % n];
		uint64_t want = bytes < limit ? bytes : limit;

		kept_open(&k, 1, i / 2 / n / n, limit, i % 2, bytes, 0);
		kept_run(&k, 1);
		assert_int_equal(assert_kept(&k, 0), want);
		assert_int_equal(k.budget, limit - want);
		if (bytes > limit)
			assert_int_equal(relay_cut(&k.flows[0].relay).at, k.head_bytes);
		kept_close(&k, 1);
	}
}

/* What two streams wrote goes out whole when it fits, else each has its share at least. */
static void test_keep_two_streams(void **state)
{
	static const uint64_t sizes[] = {
		0, 100, 24999, 25000, 49999, 50000, 60000, 99999, 400000
	};
	static const size_t n = sizeof sizes / sizeof *sizes;
	static struct kept k;

	(void)state;
	for (size_t i = 0; i < n * n * 2; i++) {
		uint64_t a = sizes[i / 2 % n], b = sizes[i / 2 / n];
		size_t got_a, got_b;

		kept_open(&k, 2, SINK_PIPE, 100000, i % 2, a, b);
		kept_run(&k, 2);
		got_a = assert_kept(&k, 0);
		got_b = assert_kept(&k, 1);
		assert_int_equal(got_a + got_b, a + b < 100000 ? a + b : 100000);
		assert_true(got_a >= (a < 50000 ? a : 50000));
		assert_true(got_b >= (b < 50000 ? b : 50000));
		kept_close(&k, 2);
	}
}

/* A reader that does not read holds nothing up; it gets head and tail when it comes back. */
static void test_keep_behind_stalled_reader(void **state)
{
	static struct kept k;

	(void)state;
	for (int sink = 0; sink < SINK__N; sink++) {
		kept_open(&k, 1, sink, 400000, true, 50 * 1000 * 1000, 0);
		k.flows[0].read_size = 0;
		kept_run(&k, 1);
		assert_false(relay_is_done(&k.flows[0].relay));
		assert_false(turn(&k.flows[0].relay, 0)); /* no busy loop */
		/* The head waits in pipe, relay and sink; the rest is what comes in time. */
		k.flows[0].read_size = 997;
		kept_run(&k, 1);
		assert_int_equal(assert_kept(&k, 0), 400000);
		kept_close(&k, 1);
	}
	/* A head that fits into relay and sink: all was read while nobody read. */
	kept_open(&k, 1, SINK_PIPE, 100000, true, 50 * 1000 * 1000, 0);
	k.flows[0].read_size = 0;
	kept_run(&k, 1);
	assert_int_equal(k.flows[0].relay.seen_bytes, 50 * 1000 * 1000);
	assert_true(k.flows[0].relay.ended);
	k.flows[0].read_size = PIPE_BYTES;
	kept_run(&k, 1);
	assert_int_equal(assert_kept(&k, 0), 100000);
	kept_close(&k, 1);
}

/* The tail of one is not final while another stream may still need its room. */
static void test_keep_waits_for_all(void **state)
{
	static struct kept k;

	(void)state;
	kept_open(&k, 2, SINK_PIPE, 1000, false, 5000, 4000);
	k.flows[0].read_size = k.flows[1].read_size = PIPE_BYTES;
	while (!k.flows[0].relay.ended) {
		(void)feed(&k.flows[0]);
		(void)turn(&k.flows[0].relay, 0);
	}
	(void)turn(&k.flows[0].relay, 0);
	assert_false(relay_is_done(&k.flows[0].relay));
	assert_false(gather(&k, 0));
	assert_false(turn(&k.flows[0].relay, 0));
	kept_run(&k, 2);
	assert_int_equal(assert_kept(&k, 0), 500);
	assert_int_equal(assert_kept(&k, 1), 500);
	kept_close(&k, 2);
}

static void test_keep_reader_gone(void **state)
{
	static struct kept k;

	(void)state;
	for (int tail = 0; tail < 2; tail++) {
		kept_open(&k, 1, SINK_PIPE, 100000, true, tail ? 150000 : 40000, 0);
		k.flows[0].read_size = 0;
		while (k.flows[0].fed_bytes < k.flows[0].feed_bytes) {
			(void)feed(&k.flows[0]);
			(void)turn(&k.flows[0].relay, 0);
		}
		close(k.flows[0].out_fd);
		k.flows[0].out_fd = -1;
		assert_true(turn(&k.flows[0].relay, POLL_MS));
		assert_true(k.flows[0].relay.broken);
		assert_int_equal(k.budget, k.limit - k.flows[0].relay.passed_bytes);
		assert_int_equal(write(k.flows[0].feed_fd, "x", 1), -1);
		assert_int_equal(errno, EPIPE);
		/* the limit's part only: the reader did not want the rest */
		assert_true(relay_cut(&k.flows[0].relay).bytes <= (tail ? 50000 : 0));
		kept_close(&k, 1);
	}
}

/* A sink that takes nothing, and one that is given up on: all of it is cut. */
static void test_cut_counts_what_is_lost(void **state)
{
	static struct kept k;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	kept_open(&k, 1, SINK_PIPE, 1000, true, 5000, 0);
	k.flows[0].read_size = 0;
	kept_run(&k, 1);
	relay_finish(&k.flows[0].relay);
	assert_int_equal(relay_cut(&k.flows[0].relay).bytes + k.flows[0].relay.passed_bytes, 5000);
	kept_close(&k, 1);

	/* Without a tail: pipe, relay and sink are full when it is given up. */
	kept_open(&k, 1, SINK_PIPE, 1000000, true, 900000, 0);
	relay_keep(&k.flows[0].relay, &k.tails, NO_TAIL, UINT64_MAX);
	k.flows[0].read_size = 0;
	kept_run(&k, 1);
	assert_false(relay_is_done(&k.flows[0].relay));
	assert_int_equal(relay_cut(&k.flows[0].relay).bytes + k.flows[0].relay.passed_bytes,
			 k.flows[0].fed_bytes);
	assert_int_equal(relay_cut(&k.flows[0].relay).at, k.flows[0].relay.passed_bytes);
	kept_close(&k, 1);

	if (full < 0)
		skip();
	kept_open(&k, 1, SINK_PIPE, 1000, true, 60000, 0);
	close(k.flows[0].relay.sink_fd);
	k.flows[0].relay.sink_fd = full;
	kept_run(&k, 1);
	assert_int_equal(k.flows[0].relay.sink_errnum, ENOSPC);
	assert_int_equal(k.flows[0].relay.passed_bytes, 0);
	assert_int_equal(relay_cut(&k.flows[0].relay).bytes, k.flows[0].fed_bytes);
	assert_int_equal(relay_cut(&k.flows[0].relay).at, 0);
	kept_close(&k, 1);
}

/* A terminal has no tail: it is over its limit when others are left what is sure to them. */
static void test_keep_beside_terminal(void **state)
{
	static struct kept k;
	static struct flow terminal;

	(void)state;
	kept_open(&k, 1, SINK_PIPE, 10000, false, 50000, 0);
	k.tails.sure_bytes = 4000;
	flow_open(&terminal, SINK_PIPE, 6000, &k.budget);
	relay_keep(&terminal.relay, &k.tails, NO_TAIL, UINT64_MAX);
	for (int i = 0; i < 20; i++) {
		(void)feed(&k.flows[0]);
		(void)turn(&k.flows[0].relay, 0);
		if (k.flows[0].fed_bytes == k.flows[0].feed_bytes)
			break;
	}
	for (int i = 0; i < 20; i++) {
		(void)feed(&terminal);
		(void)turn(&terminal.relay, 0);
		(void)consume(&terminal);
	}
	assert_int_equal(terminal.got_bytes, 6000);
	assert_false(terminal.relay.over);
	flow_close(&terminal);
	flow_open(&terminal, SINK_PIPE, 1, &k.budget);
	relay_keep(&terminal.relay, &k.tails, NO_TAIL, UINT64_MAX);
	flow_run(&terminal);
	assert_true(terminal.relay.over);
	kept_run(&k, 1);
	assert_int_equal(assert_kept(&k, 0), 4000);
	flow_close(&terminal);
	kept_close(&k, 1);
}

/* What a terminal shows last needs room that is gone once a tail is on its way out. */
static void test_keep_waits_for_terminal(void **state)
{
	static struct kept k;
	static struct flow terminal;

	(void)state;
	kept_open(&k, 1, SINK_PIPE, 10000, true, 50000, 0);
	k.tails.sure_bytes = 2000;
	flow_open(&terminal, SINK_PIPE, 600, &k.budget);
	relay_keep(&terminal.relay, &k.tails, NO_TAIL, UINT64_MAX);
	kept_run(&k, 1);
	assert_int_equal(k.got_len[0], 5000); /* its head alone */
	flow_run(&terminal);
	assert_int_equal(terminal.got_bytes, 600);
	assert_false(terminal.relay.over);
	kept_run(&k, 1);
	assert_int_equal(assert_kept(&k, 0), 9400);
	flow_close(&terminal);
	kept_close(&k, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget_is_exact),
		cmocka_unit_test(test_budget_is_shared),
		cmocka_unit_test(test_over_is_seen_behind_stalled_reader),
		cmocka_unit_test(test_integrity_50_mb),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_stalled_reader_does_not_block),
		cmocka_unit_test(test_stalled_terminal_does_not_block),
		cmocka_unit_test(test_reader_gone_closes_source),
		cmocka_unit_test(test_reader_gone_refunds_budget),
		cmocka_unit_test(test_regular_file),
		cmocka_unit_test(test_full_device),
		cmocka_unit_test(test_drain_with_other_holder),
		cmocka_unit_test(test_drain_keeps_to_budget),
		cmocka_unit_test(test_drain_deadline),
		cmocka_unit_test(test_finish_in_the_loop),
		cmocka_unit_test(test_pty_source),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_keep_is_exact),
		cmocka_unit_test(test_keep_two_streams),
		cmocka_unit_test(test_keep_behind_stalled_reader),
		cmocka_unit_test(test_keep_waits_for_all),
		cmocka_unit_test(test_keep_reader_gone),
		cmocka_unit_test(test_cut_counts_what_is_lost),
		cmocka_unit_test(test_keep_beside_terminal),
		cmocka_unit_test(test_keep_waits_for_terminal),
	};

	signal(SIGPIPE, SIG_IGN);
	alarm(ALARM_S);
	return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
