/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Happy eyeballs against real sockets of the loopback device.
 *
 * A peer that never answers is a listener whose backlog is full: its kernel drops SYNs.
 */
#include "broker/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker.h"

enum {
	ALARM_S = 120,
	FILL = 8,
	SLACK_MS = 150, /* for a busy machine */
};

/* A bound socket of the address's family; *port 0 picks one. */
static int bound(const char *text, uint16_t *port)
{
	struct address address = address_of(text);
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(&address, *port, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
	if (sa.ss_family == AF_INET6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes), 0);
	if (bind(fd, (struct sockaddr *)&sa, len) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*port = ntohs(((struct sockaddr_in *)&sa)->sin_port); /* IPv6 has it there too */
	return fd;
}

static int listener(const char *text, uint16_t *port, int backlog)
{
	int fd = bound(text, port);

	if (fd >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

struct silent {
	int fds[FILL + 1];
};

/* Nothing answers at text:*port any more. */
static void silent_open(struct silent *s, const char *text, uint16_t *port)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	s->fds[0] = listener(text, port, 0);
	assert_true(s->fds[0] >= 0);
	assert_int_equal(getsockname(s->fds[0], (struct sockaddr *)&sa, &len), 0);
	for (int i = 1; i <= FILL; i++) {
		s->fds[i] = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(s->fds[i] >= 0);
		assert_true(connect(s->fds[i], (struct sockaddr *)&sa, len) == 0 ||
			    errno == EINPROGRESS);
	}
	usleep(20000); /* handshakes of the loopback device */
}

static void silent_close(struct silent *s)
{
	for (int i = 0; i <= FILL; i++)
		close(s->fds[i]);
}

/* What a dial came to. */
static struct {
	struct dial dial;
	int calls;
	bool is_starting; /* dial_start() has not returned */
	bool at_once;	  /* done was called from within it */
	int fd;
	bool has_address;
	struct address address;
	int64_t took_ms;
	int64_t start_ms;
} run;

static void on_done(struct dial *dial, int fd, const struct address *address)
{
	assert_ptr_equal(dial, &run.dial);
	run.calls++;
	run.at_once = run.is_starting;
	run.fd = fd;
	run.has_address = address != NULL;
	if (address != NULL)
		run.address = *address;
	run.took_ms = now_ms() - run.start_ms;
	memset(&run.dial, 0xa5, sizeof run.dial); /* it may be freed here */
	if (!run.is_starting)
		loop_stop();
}

static void start(const struct address *addresses, size_t len, uint16_t port)
{
	memset(&run, 0xa5, sizeof run);
	run.calls = 0;
	run.is_starting = true;
	run.dial.done = on_done;
	run.start_ms = now_ms();
	dial_start(&run.dial, addresses, len, port);
	run.is_starting = false;
	/* Before it returns only a connection may be told of, never an error. */
	assert_in_range(run.calls, 0, 1);
	assert_true(run.calls == 0 || run.fd >= 0);
}

static void start_and_wait(const struct address *addresses, size_t len, uint16_t port)
{
	start(addresses, len, port);
	assert_int_equal(run.calls, 0);
}

static void run_dial(const struct address *addresses, size_t len, uint16_t port)
{
	start(addresses, len, port);
	if (run.calls == 0)
		assert_int_equal(loop_run(), 0);
	assert_int_equal(run.calls, 1);
}

static void expect_connected(const char *to)
{
	struct address want = address_of(to);
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	int nodelay = 0;
	socklen_t size = sizeof nodelay;

	assert_true(run.fd >= 0);
	assert_true(run.has_address);
	assert_memory_equal(&run.address, &want, sizeof want);
	assert_int_equal(getpeername(run.fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(sa.ss_family, strchr(to, ':') != NULL ? AF_INET6 : AF_INET);
	assert_true(fcntl(run.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(run.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(run.fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &size), 0);
	assert_true(nodelay);
	assert_int_equal(send(run.fd, "x", 1, MSG_NOSIGNAL), 1);
	close(run.fd);
}

static void expect_error(int error)
{
	assert_int_equal(run.fd, error);
	assert_false(run.has_address);
}

static bool has_v6(void)
{
	uint16_t port = 0;
	int fd = listener("::1", &port, 1);

	if (fd >= 0)
		close(fd);
	else
		print_message("# SKIP no ::1 on this host\n");
	return fd >= 0;
}

static void test_connects(void **state)
{
	static const char *const texts[] = { "127.0.0.1", "::1" };
	int before = fds_open();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct address a = address_of(texts[i]);
		uint16_t port = 0;
		int server;

		if (i == 1 && !has_v6())
			break;
		server = listener(texts[i], &port, 8);
		run_dial(&a, 1, port);
		assert_true(run.at_once);
		expect_connected(texts[i]);
		run_for(5); /* nothing is left that would call again */
		assert_int_equal(run.calls, 1);
		close(server);
	}
	assert_int_equal(fds_open(), before);
}

static void test_refused(void **state)
{
	static const char *const texts[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3" };
	struct address a[3];
	uint16_t port = 0;
	int closed = bound("127.0.0.1", &port), before = fds_open();

	(void)state;
	for (int i = 0; i < 3; i++)
		a[i] = address_of(texts[i]);
	run_dial(a, 1, port);
	expect_error(-ECONNREFUSED);
	/* Each next attempt at once, not after the stagger. */
	run_dial(a, 3, port);
	expect_error(-ECONNREFUSED);
	assert_in_range(run.took_ms, 0, SLACK_MS);
	assert_int_equal(fds_open(), before);
	close(closed);
}

static void test_next_at_once_after_failure(void **state)
{
	struct address a[] = { address_of("127.0.0.1"), address_of("127.0.0.2") };
	uint16_t port = 0;
	int server = listener("127.0.0.2", &port, 8);

	(void)state;
	run_dial(a, 2, port);
	expect_connected("127.0.0.2");
	assert_in_range(run.took_ms, 0, SLACK_MS);
	close(server);
}

static void test_stagger_behind_silent(void **state)
{
	struct address a[] = { address_of("127.0.0.1"), address_of("127.0.0.2") };
	struct silent silent;
	uint16_t port = 0;
	int server, before = fds_open();

	(void)state;
	silent_open(&silent, "127.0.0.1", &port);
	server = listener("127.0.0.2", &port, 8);
	assert_true(server >= 0);
	run_dial(a, 2, port);
	expect_connected("127.0.0.2");
	assert_in_range(run.took_ms, DIAL_STAGGER_MS - 1, DIAL_STAGGER_MS + SLACK_MS);
	close(server);
	silent_close(&silent);
	assert_int_equal(fds_open(), before);
}

/* The first attempt is kept while later ones run. */
static void test_first_wins_late(void **state)
{
	struct address a[] = { address_of("127.0.0.1"), address_of("127.0.0.2") };
	struct silent silent, other;
	uint16_t port = 0;

	(void)state;
	silent_open(&silent, "127.0.0.1", &port);
	silent_open(&other, "127.0.0.2", &port);
	start_and_wait(a, 2, port);
	run_for(DIAL_STAGGER_MS + 50);
	assert_int_equal(run.calls, 0);
	assert_int_equal(run.dial.started, 2);
	/* Room for the first: its SYN is sent again a second after the first one. */
	assert_int_equal(listen(silent.fds[0], 64), 0);
	assert_int_equal(loop_run(), 0);
	expect_connected("127.0.0.1");
	silent_close(&silent);
	silent_close(&other);
}

static void test_families_take_turns(void **state)
{
	static const char *const in[] = { "::1",	 "2001:db8::2", "2001:db8::3",
					  "2001:db8::4", "2001:db8::5", "2001:db8::6",
					  "2001:db8::7", "2001:db8::8", "2001:db8::9",
					  "127.0.0.1",	 "127.0.0.2" };
	static const char *const out[] = { "::1",	  "127.0.0.1",	 "2001:db8::2",
					   "127.0.0.2",	  "2001:db8::3", "2001:db8::4",
					   "2001:db8::5", "2001:db8::6" };
	struct address a[sizeof in / sizeof *in];

	(void)state;
	for (size_t i = 0; i < sizeof in / sizeof *in; i++)
		a[i] = address_of(in[i]);
	start_and_wait(a, sizeof in / sizeof *in, 1);
	assert_int_equal(run.dial.attempts_len, DIAL_ATTEMPTS_MAX);
	for (size_t i = 0; i < DIAL_ATTEMPTS_MAX; i++) {
		struct address want = address_of(out[i]);

		assert_memory_equal(&run.dial.attempts[i].address, &want, sizeof want);
	}
	dial_cancel(&run.dial);
	start_and_wait(a + 9, 2, 1); /* one family only */
	assert_int_equal(run.dial.attempts_len, 2);
	dial_cancel(&run.dial);
}

static void test_other_family_helps(void **state)
{
	struct address a[] = { address_of("::1"), address_of("::1"), address_of("127.0.0.1") };
	struct silent silent;
	uint16_t port = 0;
	int server;

	(void)state;
	if (!has_v6())
		return;
	silent_open(&silent, "::1", &port);
	server = listener("127.0.0.1", &port, 8);
	assert_true(server >= 0);
	run_dial(a, 3, port);
	expect_connected("127.0.0.1");
	assert_in_range(run.took_ms, DIAL_STAGGER_MS - 1, DIAL_STAGGER_MS + SLACK_MS);
	close(server);
	silent_close(&silent);
}

static void test_nearest_error(void **state)
{
	/* TCP cannot connect to multicast: ENETUNREACH, within connect(2). */
	struct address a[] = { address_of("224.0.0.1"), address_of("127.0.0.1"),
			       address_of("224.0.0.2") };
	uint16_t port = 0;
	int closed = bound("127.0.0.1", &port);

	(void)state;
	run_dial(a, 3, port);
	expect_error(-ECONNREFUSED);
	run_dial(a, 1, port); /* fails within connect(2): still reported from the loop */
	expect_error(-ENETUNREACH);
	close(closed);
}

static void test_deadline(void **state)
{
	struct address a[] = { address_of("127.0.0.1"), address_of("224.0.0.1") };
	struct silent silent;
	uint16_t port = 0;
	int before = fds_open();

	(void)state;
	silent_open(&silent, "127.0.0.1", &port);
	start_and_wait(a, 2, port);
	assert_in_range(run.dial.deadline.at_ms - run.start_ms, DIAL_TIMEOUT_MS,
			DIAL_TIMEOUT_MS + SLACK_MS);
	/* The same, sooner; the second attempt fails before. */
	timer_set(&run.dial.deadline, DIAL_STAGGER_MS + 100, run.dial.deadline.due);
	assert_int_equal(loop_run(), 0);
	assert_int_equal(run.calls, 1);
	expect_error(-ETIMEDOUT);
	assert_true(run.took_ms >= DIAL_STAGGER_MS + 99);
	silent_close(&silent);
	assert_int_equal(fds_open(), before);
}

static void test_cancel(void **state)
{
	struct address a[] = { address_of("127.0.0.1"), address_of("127.0.0.2") };
	struct silent silent;
	uint16_t port = 0;
	int before = fds_open(), refused;

	(void)state;
	silent_open(&silent, "127.0.0.1", &port);
	refused = bound("127.0.0.2", &port);
	for (int wait = 0; wait < 3; wait++) {
		start_and_wait(a, 2, port);
		if (wait > 0)
			run_for(wait == 1 ? 5 : DIAL_STAGGER_MS + 20);
		dial_cancel(&run.dial);
		dial_cancel(&run.dial);
		run_for(wait == 0 ? DIAL_STAGGER_MS + 20 : 5);
		assert_int_equal(run.calls, 0);
	}
	/* All have failed, nobody was told yet. */
	start_and_wait(&a[1], 1, port);
	dial_cancel(&run.dial);
	run_for(5);
	assert_int_equal(run.calls, 0);
	silent_close(&silent);
	close(refused);
	assert_int_equal(fds_open(), before);
}

/* As itself, and before what the other family says. */
static void test_no_descriptors_left(void **state)
{
	struct address a[] = { address_of("127.0.0.1"), address_of("127.0.0.2") };
	struct rlimit old, low;
	uint16_t port = 0;
	int server = listener("127.0.0.1", &port, 8);

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = (rlim_t)server + 1; /* the lowest free one is above it */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	run_dial(a, 2, port);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	expect_error(-EMFILE);
	close(server);
}

static int open_loop(void **state)
{
	(void)state;
	return loop_init();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_next_at_once_after_failure),
		cmocka_unit_test(test_stagger_behind_silent),
		cmocka_unit_test(test_first_wins_late),
		cmocka_unit_test(test_families_take_turns),
		cmocka_unit_test(test_other_family_helps),
		cmocka_unit_test(test_nearest_error),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_no_descriptors_left),
	};

	alarm(ALARM_S);
	return cmocka_run_group_tests_name("dial", tests, open_loop, NULL);
}
