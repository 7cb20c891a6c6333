/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes both ways between sockets of the loopback device and of socketpair(2):
 * all of them, in order, to the end of each direction, in bounded memory.
 *
 *	far[0] === near[0]  pump  near[1] === far[1]
 */
#include "broker/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"

enum {
	ALARM_S = 110,
	WAIT_MS = 5000, /* for what happens at once on an idle machine */
	BLOCK = 64 * 1024,
	BULK_BYTES = 100 * 1000 * 1000,
	MANY = 150,
	SOCKET_BYTES = 64 * 1024,
	PENDING_MAX = 2 * 1024 * 1024, /* in four socket buffers and a pipe */
	SPARE_FDS_MAX = 64,	       /* of pipes that are kept */
};

/*** Help ***/

static void unix_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void tcp_pair(int fds[2])
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof name;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int bytes = SOCKET_BYTES;

	assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
	assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &len), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&name, sizeof name), 0);
	fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fds[1] >= 0);
	(void)close(listener);
}

typedef void make_pair(int fds[2]);

static make_pair *const kinds[] = { unix_pair, tcp_pair };

struct run {
	struct pump pump;
	int far[2];
	int calls;
	int error;
	uint64_t bytes[2];
};

static int runs_done;

static void on_done(struct pump *pump, int error)
{
	struct run *run = (struct run *)pump; /* its first field */

	run->calls++;
	run->error = error;
	for (int i = 0; i < 2; i++)
		run->bytes[i] = pump->side[i].bytes;
	memset(pump, 0xa5, sizeof *pump); /* it may be freed here */
	runs_done++;
}

static void start(struct run *run, make_pair *make)
{
	int near[2];

	memset(run, 0, sizeof *run);
	for (int i = 0; i < 2; i++) {
		int fds[2];

		make(fds);
		run->far[i] = fds[0];
		near[i] = fds[1];
		assert_int_equal(fcntl(near[i], F_SETFL, O_NONBLOCK), 0);
	}
	pump_start(&run->pump, near[0], near[1], on_done);
}

static void send_text(const struct run *run, int end, const char *text)
{
	assert_int_equal(send(run->far[end], text, strlen(text), MSG_NOSIGNAL),
			 (ssize_t)strlen(text));
}

/* What came to an end within a while; "": its end. */
static void expect_text(const struct run *run, int end, const char *want)
{
	int64_t until_ms = clock_ms(CLOCK_MONOTONIC) + WAIT_MS;
	char got[64];
	ssize_t n;

	do {
		run_for(1);
		n = recv(run->far[end], got, sizeof got, MSG_DONTWAIT);
	} while (n < 0 && errno == EAGAIN && clock_ms(CLOCK_MONOTONIC) < until_ms);
	assert_int_equal(n, (ssize_t)strlen(want));
	assert_memory_equal(got, want, strlen(want));
}

static void expect_done(const struct run *run, int error)
{
	for (int i = 0; i < WAIT_MS && run->calls == 0; i++)
		run_for(1);
	assert_int_equal(run->calls, 1);
	if (error <= 0)
		assert_int_equal(run->error, error);
	else
		assert_true(run->error < 0);
	run_for(5); /* nobody is called again */
	assert_int_equal(run->calls, 1);
}

static void close_far(const struct run *run)
{
	for (int i = 0; i < 2; i++)
		(void)close(run->far[i]);
}

static void reset_far(const struct run *run, int end)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	assert_int_equal(setsockopt(run->far[end], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
			 0);
	(void)close(run->far[end]);
}

/*** Ends ***/

/* One direction ends; the other goes on until it ends too. */
static void test_half_close(void **state)
{
	static struct run run;

	(void)state;
	for (int i = 0; i < 4; i++) {
		int first = i & 1, second = !first;

		start(&run, kinds[i / 2]);
		send_text(&run, first, "hello");
		expect_text(&run, second, "hello");
		send_text(&run, first, " there");
		assert_int_equal(shutdown(run.far[first], SHUT_WR), 0);
		expect_text(&run, second, " there");
		expect_text(&run, second, "");
		assert_int_equal(run.calls, 0);
		send_text(&run, second, "one");
		expect_text(&run, first, "one");
		run_for(20);
		send_text(&run, second, "two");
		expect_text(&run, first, "two");
		assert_int_equal(run.calls, 0);
		assert_int_equal(shutdown(run.far[second], SHUT_WR), 0);
		expect_text(&run, first, "");
		expect_done(&run, 0);
		assert_int_equal(run.bytes[first], 11);
		assert_int_equal(run.bytes[second], 6);
		close_far(&run);
	}
}

/* What was there before the pump, ends included. */
static void test_all_there_already(void **state)
{
	static struct run run;
	int fds[2][2];
	char got[8];

	(void)state;
	memset(&run, 0, sizeof run);
	for (int i = 0; i < 2; i++) {
		tcp_pair(fds[i]);
		run.far[i] = fds[i][0];
		assert_int_equal(fcntl(fds[i][1], F_SETFL, O_NONBLOCK), 0);
		send_text(&run, i, i ? "down" : "up");
		assert_int_equal(shutdown(run.far[i], SHUT_WR), 0);
	}
	pump_start(&run.pump, fds[0][1], fds[1][1], on_done);
	expect_done(&run, 0);
	assert_int_equal(run.bytes[0], 2);
	assert_int_equal(run.bytes[1], 4);
	assert_int_equal(recv(run.far[0], got, sizeof got, 0), 4);
	assert_int_equal(recv(run.far[1], got, sizeof got, 0), 2);
	close_far(&run);
}

static unsigned segments_in(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_segs_in;
}

/* Last words and the end behind them are one segment, as they may have been for the sender. */
static void test_last_words(void **state)
{
	static struct run run;

	(void)state;
	for (int end = 0; end < 2; end++) {
		start(&run, tcp_pair);
		unsigned before = segments_in(run.far[!end]);
		send_text(&run, end, "bye");
		assert_int_equal(shutdown(run.far[end], SHUT_WR), 0);
		expect_text(&run, !end, "bye");
		expect_text(&run, !end, "");
		assert_int_equal(segments_in(run.far[!end]) - before, 1);
		close_far(&run);
		expect_done(&run, 0);
	}
}

static void test_reset(void **state)
{
	static struct run run;
	char byte;

	(void)state;
	for (int end = 0; end < 2; end++) {
		start(&run, tcp_pair);
		send_text(&run, end, "x");
		expect_text(&run, !end, "x");
		reset_far(&run, end);
		expect_done(&run, 1);
		/* A reset, not an end: a cut transfer must not look like a whole one. */
		assert_int_equal(recv(run.far[!end], &byte, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		(void)close(run.far[!end]);
	}
}

/* The end of the box: what it did not end itself is cut. */
static void test_finish(void **state)
{
	static struct run runs[2];
	uint64_t bytes;
	char byte;

	(void)state;
	for (int i = 0; i < 2; i++) {
		start(&runs[i], tcp_pair);
		send_text(&runs[i], 0, "up");
		expect_text(&runs[i], 1, "up");
	}
	assert_int_equal(shutdown(runs[0].far[0], SHUT_WR), 0);
	expect_text(&runs[0], 1, "");
	assert_true(pumps_have_more(&bytes));
	assert_int_equal(bytes, 4);
	pumps_finish();
	assert_false(pumps_have_more(&bytes));
	assert_int_equal(bytes, 0);
	expect_done(&runs[0], 0);
	expect_done(&runs[1], 1);
	assert_int_equal(recv(runs[0].far[1], &byte, 1, 0), 0);
	assert_int_equal(recv(runs[1].far[1], &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close_far(&runs[0]);
	close_far(&runs[1]);
}

/*** Much ***/

/* A stream whose every byte depends on its place. */
struct stream {
	uint64_t state;
	uint8_t bytes[BLOCK];
	size_t used;
};

static void stream_init(struct stream *stream, uint64_t seed)
{
	stream->state = seed * 0x9e3779b97f4a7c15u + 1;
	stream->used = BLOCK;
}

static const uint8_t *stream_next(struct stream *stream, size_t *len)
{
	if (stream->used == BLOCK) {
		for (size_t i = 0; i < BLOCK; i += sizeof stream->state) {
			stream->state ^= stream->state << 13;
			stream->state ^= stream->state >> 7;
			stream->state ^= stream->state << 17;
			memcpy(stream->bytes + i, &stream->state, sizeof stream->state);
		}
		stream->used = 0;
	}
	if (*len > BLOCK - stream->used)
		*len = BLOCK - stream->used;
	return stream->bytes + stream->used;
}

/* In a child. 0: all of it was taken. */
static int write_stream(int fd, uint64_t seed, size_t left)
{
	static struct stream stream;

	stream_init(&stream, seed);
	while (left > 0) {
		size_t len = left;
		const uint8_t *bytes = stream_next(&stream, &len);
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return 1;
		stream.used += (size_t)n;
		left -= (size_t)n;
	}
	return shutdown(fd, SHUT_WR) < 0;
}

/* In a child. 0: exactly the stream came, and its end. */
static int read_stream(int fd, uint64_t seed, size_t left)
{
	static struct stream stream;
	static uint8_t got[BLOCK];

	stream_init(&stream, seed);
	for (;;) {
		ssize_t n = recv(fd, got, sizeof got, 0);

		if (n <= 0)
			return n < 0 || left > 0;
		if ((size_t)n > left)
			return 2;
		left -= (size_t)n;
		for (size_t at = 0; at < (size_t)n;) {
			size_t len = (size_t)n - at;
			const uint8_t *want = stream_next(&stream, &len);

			if (memcmp(got + at, want, len) != 0)
				return 3;
			stream.used += len;
			at += len;
		}
	}
}

/* The four children of a run: both ends write and read. The far ends are theirs alone. */
static void fork_peers(struct run *run, size_t bytes, pid_t pids[4])
{
	for (int i = 0; i < 4; i++) {
		int end = i & 1;

		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] > 0)
			continue;
		for (int fd = 3; fd < 64; fd++) {
			if (fd != run->far[end])
				(void)close(fd);
		}
		_exit(i < 2 ? write_stream(run->far[end], (uint64_t)end + 1, bytes)
			    : read_stream(run->far[end], (uint64_t)!end + 1, bytes));
	}
	close_far(run);
}

static void test_bulk_both_ways(void **state)
{
	static struct run run;

	(void)state;
	for (size_t kind = 0; kind < 2; kind++) {
		pid_t pids[4];
		int before = fds_open();

		start(&run, kinds[kind]);
		fork_peers(&run, BULK_BYTES, pids);
		while (run.calls == 0)
			run_for(20);
		for (int i = 0; i < 4; i++) {
			int status;

			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
		expect_done(&run, 0);
		assert_int_equal(run.bytes[0], BULK_BYTES);
		assert_int_equal(run.bytes[1], BULK_BYTES);
		assert_in_range(fds_open(), before, before + SPARE_FDS_MAX);
	}
}

/* Nobody reads: little is taken, and nothing is done meanwhile. */
static void test_slow_reader(void **state)
{
	static struct run run;
	static struct stream sent, want;

	(void)state;
	for (size_t kind = 0; kind < 2; kind++) {
		size_t heap = mallinfo2().uordblks, pending = 0, idle = 0;

		start(&run, kinds[kind]);
		stream_init(&sent, 7);
		while (idle < 20) { /* turns in which nothing was taken */
			size_t len = BLOCK;
			const uint8_t *bytes = stream_next(&sent, &len);
			ssize_t n = send(run.far[0], bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

			idle = n > 0 ? 0 : idle + 1;
			sent.used += n > 0 ? (size_t)n : 0;
			pending += n > 0 ? (size_t)n : 0;
			assert_true(pending <= PENDING_MAX);
			run_for(1);
		}
		assert_true(pending >= SOCKET_BYTES);
		assert_in_range(mallinfo2().uordblks, 0, heap + BLOCK);
		int64_t cpu_ms = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
		run_for(200);
		assert_in_range(clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu_ms, 0, 50);
		/* The other direction is not held up. */
		send_text(&run, 1, "back");
		expect_text(&run, 0, "back");
		assert_int_equal(shutdown(run.far[0], SHUT_WR), 0);
		stream_init(&want, 7);
		for (int64_t until_ms = clock_ms(CLOCK_MONOTONIC) + WAIT_MS;;) {
			static uint8_t got[BLOCK];
			size_t len = 1 + pending % 1000;
			const uint8_t *bytes = stream_next(&want, &len);
			ssize_t n = recv(run.far[1], got, len, MSG_DONTWAIT);

			if (n == 0)
				break;
			assert_true(clock_ms(CLOCK_MONOTONIC) < until_ms);
			if (n < 0) {
				run_for(1);
				continue;
			}
			assert_memory_equal(got, bytes, (size_t)n);
			want.used += (size_t)n;
			assert_true(pending >= (size_t)n);
			pending -= (size_t)n;
		}
		assert_int_equal(pending, 0);
		assert_int_equal(run.calls, 0);
		(void)close(run.far[1]);
		expect_done(&run, 0);
		(void)close(run.far[0]);
	}
}

/* A reader that goes away with much on the way to it. */
static void test_reader_gone(void **state)
{
	static struct run run;
	static uint8_t block[BLOCK];
	int before = fds_open();

	(void)state;
	start(&run, tcp_pair);
	for (int i = 0; i < 50; i++) {
		(void)send(run.far[0], block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL);
		run_for(1);
	}
	(void)close(run.far[1]); /* unread bytes: its kernel resets */
	expect_done(&run, 1);
	(void)close(run.far[0]);
	assert_in_range(fds_open(), 0, before + SPARE_FDS_MAX);
}

/*** Many ***/

static void test_many(void **state)
{
	static struct run runs[MANY];
	static uint8_t block[BLOCK], got[BLOCK];
	int before = fds_open();

	(void)state;
	runs_done = 0;
	for (size_t i = 0; i < MANY; i++)
		start(&runs[i], kinds[i & 1]);
	for (size_t i = 0; i < MANY; i++) {
		memset(block, (int)i, sizeof block);
		for (int end = 0; end < 2; end++) {
			assert_int_equal(send(runs[i].far[end], block, 1000 + i, MSG_NOSIGNAL),
					 (ssize_t)(1000 + i));
			assert_int_equal(shutdown(runs[i].far[end], SHUT_WR), 0);
		}
	}
	for (int i = 0; i < WAIT_MS && runs_done < MANY; i++)
		run_for(1);
	assert_int_equal(runs_done, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(runs[i].calls, 1);
		assert_int_equal(runs[i].error, 0);
		memset(block, (int)i, sizeof block);
		for (int end = 0; end < 2; end++) {
			assert_int_equal(recv(runs[i].far[end], got, sizeof got, MSG_WAITALL),
					 (ssize_t)(1000 + i));
			assert_memory_equal(got, block, 1000 + i);
		}
		close_far(&runs[i]);
	}
	assert_in_range(fds_open(), before, before + SPARE_FDS_MAX);
}

/* A small message passes beside a fast connection. */
static void test_small_beside_fast(void **state)
{
	static struct run fast, other;
	pid_t pids[4];

	(void)state;
	start(&fast, unix_pair);
	start(&other, unix_pair);
	fork_peers(&fast, BULK_BYTES / 2, pids);
	send_text(&other, 0, "small");
	expect_text(&other, 1, "small");
	assert_int_equal(fast.calls, 0);
	while (fast.calls == 0)
		run_for(20);
	for (int i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	close_far(&other);
	expect_done(&other, 0);
}

static int open_loop(void **state)
{
	struct rlimit files;

	(void)state;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* then it fails where it needs more */
	}
	return loop_init();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_all_there_already),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_reader_gone),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_small_beside_fast),
		cmocka_unit_test(test_bulk_both_ways),
	};

	/* As in the broker: splice(2) has no MSG_NOSIGNAL. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(ALARM_S);
	return cmocka_run_group_tests_name("pump", tests, open_loop, NULL);
}
