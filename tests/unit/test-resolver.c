/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Look-ups against a DNS server of the test, on 127.0.0.1:53 of a network namespace that the
 * test makes, with an /etc of its own.
 *
 * The server is a child that behaves as the name says which it is asked for (answer()) and
 * logs each question into shared memory.
 */
#include "broker/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"

#include "broker/hosts_file.h"
#include "broker/loop.h"

enum {
	ALARM_S = 110,
	LOG_LEN = 16384,
	PACKET = 4096,
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_AAAA = 28,
	SLACK_MS = 1000,
};

static struct log {
	atomic_int len;
	struct {
		char name[64];
		int type;
		bool tcp;
	} rows[LOG_LEN];
} * asked;

/* The server */

struct packet {
	uint8_t bytes[PACKET];
	size_t len;
	unsigned answers;
};

static void put16(struct packet *p, unsigned value)
{
	p->bytes[p->len++] = (uint8_t)(value >> 8);
	p->bytes[p->len++] = (uint8_t)value;
}

/* owner: offset of its name in the packet. */
static void put_record(struct packet *p, unsigned owner, int type, unsigned ttl, const void *data,
		       unsigned len)
{
	put16(p, 0xc000 | owner);
	put16(p, (unsigned)type);
	put16(p, 1);
	put16(p, ttl >> 16);
	put16(p, ttl & 0xffff);
	put16(p, len);
	memcpy(p->bytes + p->len, data, len);
	p->len += len;
	p->answers++;
}

static void put_a(struct packet *p, unsigned owner, unsigned ttl, const char *text)
{
	uint8_t bytes[4];

	(void)inet_pton(AF_INET, text, bytes);
	put_record(p, owner, TYPE_A, ttl, bytes, sizeof bytes);
}

static void put_aaaa(struct packet *p, unsigned owner, unsigned ttl, const char *text)
{
	uint8_t bytes[16];

	(void)inet_pton(AF_INET6, text, bytes);
	put_record(p, owner, TYPE_AAAA, ttl, bytes, sizeof bytes);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcasecmp(text + len - end_len, end) == 0;
}

/* Two steps to the records: such a name is far.test (for 2 s) is near.test. */
static void put_chain(struct packet *p, int type)
{
	static const uint8_t far_name[] = "\3far\4test", near_name[] = "\4near\4test";
	unsigned at;

	put_record(p, 12, TYPE_CNAME, 30, far_name, sizeof far_name);
	at = (unsigned)(p->len - sizeof far_name);
	put_record(p, at, TYPE_CNAME, 2, near_name, sizeof near_name);
	at = (unsigned)(p->len - sizeof near_name);
	if (type == TYPE_A)
		put_a(p, at, 30, "203.0.113.7");
	else
		put_aaaa(p, at, 30, "2001:db8::7");
}

static void put_many(struct packet *p, int type)
{
	for (int i = 0; i < 60 && type == TYPE_A; i++) {
		char text[INET_ADDRSTRLEN];

		(void)snprintf(text, sizeof text, "203.0.113.%d", i + 1);
		put_a(p, 12, 30, text);
	}
}

/* Response code, or -1: nothing is sent. */
static int answer(struct packet *p, const char *name, int type, bool tcp)
{
	unsigned ttl = ends_with(name, "zero.test") ? 0 : 30;

	if (ends_with(name, "silent.test") || (ends_with(name, "half.test") && type == TYPE_AAAA))
		return -1;
	if (ends_with(name, "nx.test") || ends_with(name, "multi.dots.lan.test"))
		return 3;
	if (ends_with(name, "fail.test"))
		return 2;
	if (ends_with(name, "nodata.test"))
		return 0;
	if (ends_with(name, "alias.test"))
		put_chain(p, type);
	else if (strcasecmp(name, "big.test") == 0 && tcp)
		put_many(p, type);
	else if (strcasecmp(name, "mapped.test") == 0 && type == TYPE_AAAA)
		put_aaaa(p, 12, ttl, "::ffff:10.1.2.3");
	else if (strcasecmp(name, "twice.test") == 0 && type == TYPE_A)
		for (int i = 0; i < 3; i++)
			put_a(p, 12, ttl, "203.0.113.5");
	else if (strcasecmp(name, "both.test") == 0 && type == TYPE_AAAA)
		put_aaaa(p, 12, ttl, "2001:db8::5");
	else if (type == TYPE_A && strcasecmp(name, "mapped.test") != 0 &&
		 (strchr(name, '.') == NULL || !ends_with(name, ".lan.test") ||
		  strcasecmp(name, "single.lan.test") == 0))
		put_a(p, 12, ttl, "203.0.113.5");
	return 0;
}

/* Turns the question in p into what is sent back. */
static bool serve(struct packet *p, bool tcp)
{
	char name[256] = "";
	size_t at = 12, len = 0;
	int type, code, row;
	bool truncated;

	while (at < p->len && p->bytes[at] != 0) {
		size_t label = p->bytes[at++];

		if (len > 0)
			name[len++] = '.';
		memcpy(name + len, p->bytes + at, label);
		len += label;
		at += label;
	}
	type = p->bytes[at + 1] << 8 | p->bytes[at + 2];
	p->len = at + 5; /* without what follows the question */
	row = atomic_load(&asked->len);
	(void)snprintf(asked->rows[row].name, sizeof asked->rows[row].name, "%.63s", name);
	asked->rows[row].type = type;
	asked->rows[row].tcp = tcp;
	atomic_store(&asked->len, row + 1);
	truncated = strcasecmp(name, "big.test") == 0 && !tcp;
	p->answers = 0;
	code = answer(p, name, type, tcp);
	p->bytes[2] = truncated ? 0x86 : 0x84; /* answer, authoritative */
	p->bytes[3] = (uint8_t)(0x80 | code);
	memset(p->bytes + 4, 0, 8);
	p->bytes[5] = 1;
	p->bytes[7] = (uint8_t)p->answers;
	return code >= 0;
}

/* One question of a connection; false: it has ended. */
static bool serve_tcp(int fd)
{
	static struct packet p;
	uint8_t size[2];

	if (recv(fd, size, 2, MSG_WAITALL) != 2)
		return false;
	p.len = (size_t)(size[0] << 8 | size[1]);
	if (p.len > PACKET || recv(fd, p.bytes, p.len, MSG_WAITALL) != (ssize_t)p.len)
		return false;
	if (!serve(&p, true))
		return true;
	size[0] = (uint8_t)(p.len >> 8);
	size[1] = (uint8_t)p.len;
	return write(fd, size, 2) == 2 && write(fd, p.bytes, p.len) == (ssize_t)p.len;
}

static void serve_udp(int fd)
{
	static struct packet p;
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	ssize_t n = recvfrom(fd, p.bytes, sizeof p.bytes, 0, (struct sockaddr *)&from, &len);

	if (n < 17)
		return;
	p.len = (size_t)n;
	if (serve(&p, false))
		(void)sendto(fd, p.bytes, p.len, 0, (struct sockaddr *)&from, len);
}

/* One TCP connection at a time. */
static _Noreturn void server(int udp, int tcp)
{
	int connection = -1;

	for (;;) {
		struct pollfd fds[] = { { .fd = udp, .events = POLLIN },
					{ .fd = connection < 0 ? tcp : connection,
					  .events = POLLIN } };

		(void)poll(fds, 2, -1);
		if (fds[0].revents != 0)
			serve_udp(udp);
		if (fds[1].revents == 0)
			continue;
		if (connection < 0) {
			connection = accept(tcp, NULL, NULL);
		} else if (!serve_tcp(connection)) {
			close(connection);
			connection = -1;
		}
	}
}

static int times_asked(const char *name)
{
	int n = 0;

	for (int i = 0; i < atomic_load(&asked->len); i++)
		n += strcasecmp(asked->rows[i].name, name) == 0;
	return n;
}

/* The look-ups */

static bool put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

struct want {
	struct lookup lookup;
	int calls;
	int error;
	size_t len;
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	int64_t took_ms;
	int64_t start_ms;
};

static int pending;

static void on_done(struct lookup *lookup, int error, const struct address *addresses, size_t len)
{
	struct want *w = (struct want *)lookup;

	w->calls++;
	w->error = error;
	w->len = len;
	if (len > 0)
		memcpy(w->addresses, addresses, len * sizeof *addresses);
	w->took_ms = now_ms() - w->start_ms;
	memset(&w->lookup, 0, sizeof w->lookup); /* it may be freed here */
	if (--pending == 0)
		loop_stop();
}

static void want(struct want *w, const char *name)
{
	memset(w, 0xa5, sizeof *w);
	w->calls = 0;
	w->lookup.done = on_done;
	w->start_ms = now_ms();
	pending++;
	resolver_start(&w->lookup, name);
}

/* loop_stop() is kept when all were answered within resolver_start(). */
static void finish(void)
{
	assert_int_equal(loop_run(), 0);
	assert_int_equal(pending, 0);
}

static void look_up(struct want *w, const char *name)
{
	want(w, name);
	finish();
	assert_int_equal(w->calls, 1);
}

static bool has(const struct want *w, const char *text)
{
	struct address a = address_of(text);

	for (size_t i = 0; i < w->len; i++) {
		if (memcmp(&w->addresses[i], &a, sizeof a) == 0)
			return true;
	}
	return false;
}

static void expect_one(const struct want *w, const char *text)
{
	assert_int_equal(w->error, 0);
	assert_int_equal(w->len, 1);
	assert_true(has(w, text));
}

static void expect_error(const struct want *w, int error)
{
	assert_int_equal(w->error, error);
	assert_int_equal(w->len, 0);
}

static size_t find(const char *text, const char *name, struct want *w)
{
	w->len = hosts_file_find(text, strlen(text), name, w->addresses, RESOLVER_ADDRESSES_MAX);
	return w->len;
}

static void test_hosts_text(void **state)
{
	static const char text[] =
		"# comment 1.1.1.1 commented\n"
		"10.0.0.1 one Two.Example. # three\n"
		"\t10.0.0.2\tone\r\n"
		"10.0.0.1 one one\n"
		"::2 one\n"
		"fe80::1%eth0 one\n"
		"999.0.0.1 one\n"
		"11111111111111111111111111111111111111111111111111111111111 one\n"
		"10.0.0.3\n"
		"one 10.0.0.4\n"
		"\n#\n10.0.0.5 last";
	struct want w;

	(void)state;
	assert_int_equal(find(text, "one", &w), 3);
	assert_true(has(&w, "10.0.0.1") && has(&w, "10.0.0.2") && has(&w, "::2"));
	assert_int_equal(find(text, "two.example", &w), 1);
	assert_int_equal(find(text, "TWO.example", &w), 1);
	assert_int_equal(find(text, "last", &w), 1);
	assert_true(has(&w, "10.0.0.5"));
	assert_int_equal(find(text, "three", &w), 0);
	assert_int_equal(find(text, "commented", &w), 0);
	assert_int_equal(find(text, "10.0.0.3", &w), 0);
	assert_int_equal(find(text, "on", &w), 0);
	assert_int_equal(find("", "one", &w), 0);
	assert_int_equal(find("10.0.0.9 localhost", "localhost", &w), 3);
	assert_int_equal(find("", "a.LocalHost", &w), 2);
	assert_true(has(&w, "127.0.0.1") && has(&w, "::1"));
	assert_int_equal(find("", "notlocalhost", &w), 0);
	assert_int_equal(find("", ".localhost", &w), 0);
	assert_int_equal(hosts_file_find(NULL, 0, "one", w.addresses, 1), 0);
	assert_int_equal(hosts_file_find(text, sizeof text - 1, "one", w.addresses, 2), 2);
}

static void test_hosts_file(void **state)
{
	struct want w;
	int before = atomic_load(&asked->len);

	(void)state;
	look_up(&w, "printer.lan");
	expect_one(&w, "10.9.8.7");
	look_up(&w, "both-families");
	assert_int_equal(w.len, 2);
	look_up(&w, "localhost");
	assert_true(has(&w, "127.0.0.1") && has(&w, "::1"));
	/* Read when it was opened, not later. */
	look_up(&w, "late.test");
	expect_one(&w, "203.0.113.5");
	assert_int_equal(atomic_load(&asked->len), before + 2);
}

static void test_answers(void **state)
{
	struct want w;

	(void)state;
	look_up(&w, "both.test");
	assert_int_equal(w.error, 0);
	assert_int_equal(w.len, 2);
	assert_true(has(&w, "203.0.113.5") && has(&w, "2001:db8::5"));
	look_up(&w, "four.test");
	expect_one(&w, "203.0.113.5");
	look_up(&w, "twice.test");
	expect_one(&w, "203.0.113.5");
	look_up(&w, "mapped.test");
	expect_one(&w, "::ffff:10.1.2.3");
	look_up(&w, "alias.test");
	assert_int_equal(w.len, 2);
	assert_true(has(&w, "203.0.113.7") && has(&w, "2001:db8::7"));
}

static void test_errors(void **state)
{
	char label[64 + 8];
	struct want w;

	(void)state;
	look_up(&w, "nx.test");
	expect_error(&w, -ENOENT);
	look_up(&w, "nodata.test");
	expect_error(&w, -ENODATA);
	look_up(&w, "fail.test");
	expect_error(&w, -EHOSTUNREACH);
	/* Within resolver_start(): not a name of DNS. */
	memset(label, 'a', sizeof label);
	memcpy(label + 64, ".test", 6);
	look_up(&w, label);
	expect_error(&w, -ENOENT);
}

static void test_big_answer_over_tcp(void **state)
{
	struct want w;
	int by_tcp = 0;

	(void)state;
	look_up(&w, "big.test");
	assert_int_equal(w.error, 0);
	assert_int_equal(w.len, RESOLVER_ADDRESSES_MAX);
	for (int i = 0; i < atomic_load(&asked->len); i++)
		by_tcp += asked->rows[i].tcp;
	assert_int_equal(by_tcp, 2);
}

static void test_search_domains(void **state)
{
	struct want w;

	(void)state;
	look_up(&w, "single");
	expect_one(&w, "203.0.113.5");
	assert_true(times_asked("single.lan.test") > 0);
	look_up(&w, "a.nx.test");
	expect_error(&w, -ENOENT);
	assert_true(times_asked("a.nx.test") > 0);
	assert_int_equal(times_asked("a.nx.test.lan.test"), 0);
}

static void test_kept_by_ttl(void **state)
{
	struct want w;

	(void)state;
	look_up(&w, "kept.test");
	look_up(&w, "zero.test"); /* TTL 0: for a second */
	look_up(&w, "kept.nx.test");
	look_up(&w, "kept.alias.test"); /* a CNAME of it has 2 s */
	assert_int_equal(times_asked("kept.alias.test"), 2);
	for (int i = 0; i < 10; i++) {
		look_up(&w, "kept.test");
		expect_one(&w, "203.0.113.5");
		look_up(&w, "kept.nx.test");
		expect_error(&w, -ENOENT);
		look_up(&w, "zero.test");
	}
	assert_int_equal(times_asked("kept.test"), 2);
	assert_int_equal(times_asked("zero.test"), 2);
	assert_int_equal(times_asked("kept.nx.test"), 2);
	run_for(2100);
	look_up(&w, "kept.test");
	look_up(&w, "zero.test");
	look_up(&w, "kept.nx.test");
	look_up(&w, "kept.alias.test");
	assert_int_equal(times_asked("kept.test"), 2);
	assert_int_equal(times_asked("zero.test"), 4);
	assert_int_equal(times_asked("kept.nx.test"), 4);
	assert_int_equal(times_asked("kept.alias.test"), 4);
}

static void test_joined(void **state)
{
	struct want w[5];

	(void)state;
	for (int i = 0; i < 5; i++)
		want(&w[i], "joined.test");
	resolver_cancel(&w[0].lookup);
	resolver_cancel(&w[3].lookup);
	resolver_cancel(&w[3].lookup);
	pending -= 2;
	finish();
	for (int i = 0; i < 5; i++)
		assert_int_equal(w[i].calls, i != 0 && i != 3);
	expect_one(&w[1], "203.0.113.5");
	expect_one(&w[4], "203.0.113.5");
	assert_int_equal(times_asked("joined.test"), 2);
	resolver_cancel(&w[1].lookup); /* done was called: nothing */
}

static struct want nested[2];

static void cancel_and_start(struct lookup *lookup, int error, const struct address *addresses,
			     size_t len)
{
	resolver_cancel(&nested[1].lookup); /* waits for the same name */
	pending--;
	on_done(lookup, error, addresses, len);
	want(&nested[1], "again.test"); /* answered within */
}

static void test_cancel_and_start_in_done(void **state)
{
	(void)state;
	want(&nested[0], "again.test");
	nested[0].lookup.done = cancel_and_start;
	want(&nested[1], "again.test");
	finish();
	assert_int_equal(nested[0].calls, 1);
	assert_int_equal(nested[1].calls, 1);
	expect_one(&nested[1], "203.0.113.5");
	assert_int_equal(times_asked("again.test"), 2);
}

/* No answer is an error in time; an answer for one family is one. */
static void test_silent_server(void **state)
{
	struct want silent, half, cancelled, later;

	(void)state;
	want(&silent, "silent.test");
	want(&half, "half.test");
	want(&cancelled, "b.silent.test");
	resolver_cancel(&cancelled.lookup);
	pending--;
	finish();
	expect_error(&silent, -EHOSTUNREACH);
	assert_in_range(silent.took_ms, 2000, LOOKUP_TIMEOUT_MS + SLACK_MS);
	expect_one(&half, "203.0.113.5");
	assert_in_range(half.took_ms, 0, LOOKUP_TIMEOUT_MS - 1);
	assert_int_equal(cancelled.calls, 0);
	/* The server is not given up. */
	look_up(&later, "later.test");
	expect_one(&later, "203.0.113.5");
	assert_in_range(later.took_ms, 0, SLACK_MS);
}

static void test_names_are_bounded(void **state)
{
	struct want w;
	char name[64];

	(void)state;
	for (int i = 0; i < RESOLVER_NAMES_MAX + 10; i++) {
		(void)snprintf(name, sizeof name, "n%d.many.test", i);
		look_up(&w, name);
		expect_one(&w, "203.0.113.5");
	}
	look_up(&w, name);
	assert_int_equal(times_asked(name), 2);
	look_up(&w, "n0.many.test"); /* made room */
	assert_int_equal(times_asked("n0.many.test"), 4);
}

/* One server is dead, one silent: the third has its turn in time. */
static void test_three_servers(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(53),
				  .sin_addr = { htonl(0x7f000008) } };
	int silent = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), status;
	pid_t pid;

	(void)state;
	assert_int_equal(bind(silent, (struct sockaddr *)&in, sizeof in), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = { 0 };
		struct want four, half;

		alarm(30);
		if (!put_file(
			    "/etc/resolv.conf",
			    "nameserver 127.0.0.9\nnameserver 127.0.0.8\nnameserver 127.0.0.1\n") ||
		    loop_init() < 0 || resolver_open(&err) < 0)
			_exit(2);
		want(&four, "b.four.test");
		want(&half, "b.half.test");
		(void)loop_run();
		_exit(four.len == 1 && four.took_ms < 2000 && half.len == 1 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(silent);
}

/* After set-up: no file is opened. */
static void test_no_files(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		static const int calls[] = { SCMP_SYS(openat),	   SCMP_SYS(open),
					     SCMP_SYS(openat2),	   SCMP_SYS(execve),
					     SCMP_SYS(newfstatat), SCMP_SYS(bind) };
		scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
		struct want w[3];

		alarm(30);
		for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
			(void)seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, calls[i], 0);
		if (filter == NULL || seccomp_load(filter) < 0)
			_exit(2);
		setenv("HOSTALIASES", "/etc/hosts", 1);
		want(&w[0], "sealed.test");
		want(&w[1], "sealed");
		want(&w[2], "big.sealed.test");
		(void)loop_run();
		_exit(w[0].len == 1 && w[0].error == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Last: it leaves the resolver busy. */
static void test_questions_are_bounded(void **state)
{
	static struct want w[RESOLVER_NAMES_MAX + 5];
	int calls = 0;

	(void)state;
	for (int i = 0; i < RESOLVER_NAMES_MAX + 5; i++) {
		char name[64];

		(void)snprintf(name, sizeof name, "m%d.silent.test", i);
		want(&w[i], name);
		calls += w[i].calls;
	}
	assert_int_equal(calls, 5);
	expect_error(&w[RESOLVER_NAMES_MAX + 4], -EHOSTUNREACH);
	for (int i = 0; i < RESOLVER_NAMES_MAX; i++)
		resolver_cancel(&w[i].lookup);
	/* All have ended, though nobody waited. */
	run_for(LOOKUP_TIMEOUT_MS);
	pending = 0;
	look_up(&w[0], "room.test");
	expect_one(&w[0], "203.0.113.5");
}

/* Set-up */

static pid_t server_pid;

static const char *make_namespaces(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char map[64];
	int fd;

	if (unshare((uid == 0 ? 0 : CLONE_NEWUSER) | CLONE_NEWNET | CLONE_NEWNS) < 0)
		return "namespaces are refused";
	if (uid != 0) {
		(void)snprintf(map, sizeof map, "0 %u 1", uid);
		if (!put_file("/proc/self/uid_map", map) ||
		    !put_file("/proc/self/setgroups", "deny"))
			return "no map of users";
		(void)snprintf(map, sizeof map, "0 %u 1", gid);
		if (!put_file("/proc/self/gid_map", map))
			return "no map of groups";
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		return "the loopback device stays down";
	close(fd);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/etc", "tmpfs", 0, NULL) < 0)
		return "mounts are refused";
	return NULL;
}

static bool start_server(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(53),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t parent = getpid();

	if (bind(udp, (struct sockaddr *)&in, sizeof in) < 0 ||
	    bind(tcp, (struct sockaddr *)&in, sizeof in) < 0 || listen(tcp, 8) < 0)
		return false;
	asked = mmap(NULL, sizeof *asked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (asked == MAP_FAILED)
		return false;
	server_pid = fork();
	if (server_pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		server(udp, tcp);
	}
	close(udp);
	close(tcp);
	return server_pid > 0;
}

static int set_up(void **state)
{
	struct err err = { 0 };

	(void)state;
	if (!start_server() ||
	    !put_file("/etc/resolv.conf", "nameserver 127.0.0.1\nsearch lan.test\n") ||
	    !put_file("/etc/hosts", "10.9.8.7 Printer.LAN printer\n10.1.1.1 both-families\n"
				    "2001:db8::1 both-families\n"))
		return -1;
	if (loop_init() < 0 || resolver_open(&err) < 0)
		return -1;
	return put_file("/etc/hosts", "10.0.0.1 late.test\n") ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	if (server_pid > 0) {
		(void)kill(server_pid, SIGKILL);
		(void)waitpid(server_pid, NULL, 0);
	}
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts_text),
		cmocka_unit_test(test_hosts_file),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_big_answer_over_tcp),
		cmocka_unit_test(test_search_domains),
		cmocka_unit_test(test_kept_by_ttl),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_cancel_and_start_in_done),
		cmocka_unit_test(test_silent_server),
		cmocka_unit_test(test_names_are_bounded),
		cmocka_unit_test(test_three_servers),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_questions_are_bounded),
	};
	const char *missing;

	alarm(ALARM_S);
	missing = make_namespaces();
	if (missing != NULL) {
		bool must = getenv("AISBX_TEST_MUST_RUN") != NULL;

		printf("1..1\n%s 1 - resolver # %s%s\n", must ? "not ok" : "ok",
		       must ? "" : "SKIP ", missing);
		return must;
	}
	return cmocka_run_group_tests_name("resolver", tests, set_up, tear_down);
}
