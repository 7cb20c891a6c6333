/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names and their listeners. init is a child that answers requests for sockets;
 * it makes them so that they can be bound to addresses that this host has not
 * (IP_FREEBIND): what is bound where is then read from the test's own descriptors.
 */
#include "broker/names.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"

#include "box/sockets.h"

enum {
	ALARM_S = 60,
	FDS_MAX = 4096,
};

static struct arena arena;
static struct host_grant items[16];
static struct host_grants grants = { .items = items };

/*** init ***/

struct init {
	int fd; /* the broker's end */
	pid_t pid;
};

static void answer(int fd, const struct socket_request *request, int error)
{
	static const int yes = 1;
	struct socket_reply reply = { .error = error, .count = error ? 0 : request->count };
	int fds[SOCKETS_AT_ONCE];
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof fds)];
	} control;
	struct iovec data = { &reply, sizeof reply };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	size_t size = (size_t)reply.count * sizeof *fds;

	for (int i = 0; i < reply.count; i++) {
		fds[i] = socket(request->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fds[i] < 0)
			_exit(2);
		(void)setsockopt(fds[i], IPPROTO_IP, IP_FREEBIND, &yes, sizeof yes);
	}
	if (reply.count > 0) {
		message.msg_control = control.space;
		message.msg_controllen = CMSG_SPACE(size);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(&control.header), fds, size);
	}
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		_exit(3);
	for (int i = 0; i < reply.count; i++)
		(void)close(fds[i]);
}

/* error: the answer to every request after the first good ones. */
static struct init start_init(int good, int error)
{
	struct socket_request request;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0) {
		(void)close(fds[1]);
		return (struct init){ fds[0], pid };
	}
	(void)close(fds[0]);
	while (recv(fds[1], &request, sizeof request, 0) == (ssize_t)sizeof request) {
		if (request.count < 1 || request.count > SOCKETS_AT_ONCE ||
		    (request.family != AF_INET && request.family != AF_INET6))
			_exit(1);
		answer(fds[1], &request, good-- > 0 ? 0 : error);
	}
	_exit(0);
}

/* Every request was in order. */
static void stop_init(const struct init *init)
{
	int status;

	(void)close(init->fd);
	assert_int_equal(waitpid(init->pid, &status, 0), init->pid);
	assert_int_equal(status, 0);
}

/*** Help ***/

static void on_accept(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
}

static void grant(const char *text, bool is_private)
{
	const char *why = NULL;

	if (host_grant_parse(&arena, text, is_private, &items[grants.len], &why) != 0)
		fail_msg("'%s': %s", text, why);
	grants.len++;
}

/* Where a descriptor listens. */
static bool listens(int fd, struct address *ret_address, uint16_t *ret_port)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof name, size = sizeof(int);
	int yes = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) < 0 || !yes ||
	    getsockname(fd, (struct sockaddr *)&name, &len) < 0)
		return false;
	*ret_port = ntohs(((struct sockaddr_in *)&name)->sin_port); /* IPv6 has it there too */
	return address_from_sockaddr((struct sockaddr *)&name, ret_address);
}

/* Listeners at an address: of one port, or 0 for any. */
static int listeners_at(const struct address *address, unsigned port)
{
	struct address at;
	uint16_t at_port;
	int n = 0;

	for (int fd = 3; fd < FDS_MAX; fd++) {
		if (listens(fd, &at, &at_port) && memcmp(&at, address, sizeof at) == 0)
			n += port == 0 || at_port == port;
	}
	return n;
}

static int listeners_now(void)
{
	struct address at;
	uint16_t port;
	int n = 0;

	for (int fd = 3; fd < FDS_MAX; fd++)
		n += listens(fd, &at, &port);
	return n;
}

static int fds_now(void)
{
	int n = 0;

	for (int fd = 3; fd < FDS_MAX; fd++) {
		char byte;

		n += recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EBADF;
	}
	return n;
}

/* Listeners of a test end with it; the names stay. */
static int close_listeners(void **state)
{
	struct address at;
	uint16_t port;

	(void)state;
	for (int fd = 3; fd < FDS_MAX; fd++) {
		if (listens(fd, &at, &port))
			(void)close(fd);
	}
	grants.len = 0;
	arena_free(&arena);
	return 0;
}

/*** Tests ***/

static void test_numbers(void **state)
{
	struct address v4 = address_of("198.18.0.1"), v6 = address_of("2001:2::1");
	struct address other_v4 = address_of("198.19.0.1"), other_v6 = address_of("2001:3::1");

	(void)state;
	names_init(&grants, -1, true, on_accept);
	assert_true(names_have_v6());
	assert_null(name_by_address(&v4));
	struct name *name = name_get("first.example");
	assert_non_null(name);
	assert_string_equal(name->text, "first.example");
	assert_memory_equal(&name->v4, &v4, sizeof v4);
	assert_memory_equal(&name->v6, &v6, sizeof v6);
	assert_ptr_equal(name_get("first.example"), name);
	assert_ptr_not_equal(name_get("second.example"), name);
	assert_ptr_equal(name_by_address(&v4), name);
	assert_ptr_equal(name_by_address(&v6), name);
	assert_null(name_by_address(&other_v4)); /* the same number in another range */
	assert_null(name_by_address(&other_v6));
	v4.in6.s6_addr[15] = 0;
	assert_null(name_by_address(&v4));
	v4.in6.s6_addr[15] = 3;
	assert_null(name_by_address(&v4));
}

static void test_listens_where_granted(void **state)
{
	struct init init = start_init(100, 0);

	(void)state;
	grant("a.listen.example:20080,20443-20445", false);
	grant("*.listen.example:20445,28080", false);
	grant("b.listen.example:29999", false);
	names_init(&grants, init.fd, true, on_accept);
	struct name *name = name_get("a.listen.example");
	assert_int_equal(name_listen(name), 0);
	static const uint16_t ports[] = { 20080, 20443, 20444, 20445, 28080 };
	for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
		assert_int_equal(listeners_at(&name->v4, ports[i]), 1);
		assert_int_equal(listeners_at(&name->v6, ports[i]), 1);
	}
	assert_int_equal(listeners_now(), 10);
	assert_int_equal(name_listen(name), 0); /* once */
	assert_int_equal(listeners_now(), 10);
	/* Another name below the wildcard has its own address, and the wildcard's ports only. */
	struct name *below = name_get("c.listen.example");
	names_init(&grants, init.fd, false, on_accept);
	assert_int_equal(name_listen(below), 0);
	assert_int_equal(listeners_at(&below->v4, 0), 2);
	assert_int_equal(listeners_at(&below->v4, 28080), 1);
	assert_int_equal(listeners_at(&below->v6, 0), 0);
	stop_init(&init);
}

/* More ports than one request takes. */
static void test_many_ports(void **state)
{
	struct init init = start_init(100, 0);

	(void)state;
	grant("many.example:21000-21063", false);
	grant("many.example:21064-21127", false);
	grant("many.example:21128-21191", false);
	names_init(&grants, init.fd, false, on_accept);
	struct name *name = name_get("many.example");
	assert_int_equal(name_listen(name), 0);
	assert_int_equal(listeners_at(&name->v4, 0), 192);
	assert_int_equal(listeners_at(&name->v4, 21191), 1);
	stop_init(&init);
}

/* A server of the box's own that was there before keeps its port; the others are served. */
static void test_port_is_taken(void **state)
{
	struct init init = start_init(100, 0);
	static const int yes = 1;
	struct sockaddr_in taken = { .sin_family = AF_INET, .sin_port = htons(22001) };
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	grant("taken.example:22000-22002", false);
	names_init(&grants, init.fd, false, on_accept);
	struct name *name = name_get("taken.example");
	memcpy(&taken.sin_addr, &name->v4.in6.s6_addr[12], 4);
	assert_int_equal(setsockopt(server, IPPROTO_IP, IP_FREEBIND, &yes, sizeof yes), 0);
	assert_int_equal(bind(server, (struct sockaddr *)&taken, sizeof taken), 0);
	assert_int_equal(listen(server, 1), 0);
	int before = fds_now();
	assert_int_equal(name_listen(name), 0);
	assert_int_equal(listeners_at(&name->v4, 0), 3); /* the server's is one */
	assert_int_equal(fds_now(), before + 2);
	stop_init(&init);
}

static void test_init_refuses(void **state)
{
	struct init init = start_init(1, -EMFILE);

	(void)state;
	grant("poor.example:23000-23063", false);
	grant("poor.example:23064-23127", false);
	grant("poor.example:23128-23191", false);
	names_init(&grants, init.fd, false, on_accept);
	struct name *name = name_get("poor.example");
	int before = fds_now();
	assert_int_equal(name_listen(name), -EMFILE);
	assert_false(name->is_listening);
	assert_int_equal(fds_now(), before); /* those of the first request are closed */
	stop_init(&init);
}

static void test_init_is_gone(void **state)
{
	int fds[2];

	(void)state;
	grant("gone.example:24000", false);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	(void)close(fds[1]);
	names_init(&grants, fds[0], false, on_accept);
	int before = fds_now();
	assert_int_equal(name_listen(name_get("gone.example")), -EPIPE);
	assert_int_equal(fds_now(), before);
	(void)close(fds[0]);
}

static void test_literals(void **state)
{
	struct init init = start_init(100, 0);
	struct address one = address_of("203.0.113.5"), all = address_of("0.0.0.0");
	struct address one6 = address_of("2001:db8::5"), localhost = address_of("127.0.0.1");

	(void)state;
	grant("203.0.113.5:25001", true);
	grant("10.0.0.0/8:25002", true);
	grant("[2001:db8::5]:25003", true);
	grant("localhost:25004", true);
	grant("named.example:25005", false);
	names_init(&grants, init.fd, false, on_accept);
	assert_int_equal(names_listen_literals(), 0);
	assert_int_equal(listeners_at(&one, 25001), 1);
	assert_int_equal(listeners_at(&all, 25002), 1);
	assert_int_equal(listeners_at(&localhost, 25004), 1);
	assert_int_equal(listeners_now(), 3); /* no IPv6 here, and names wait for a question */
	(void)close_listeners(NULL);
	grant("[2001:db8::5]:25003", true);
	names_init(&grants, init.fd, true, on_accept);
	assert_int_equal(names_listen_literals(), 0);
	assert_int_equal(listeners_at(&one6, 25003), 1);
	assert_int_equal(listeners_now(), 1);
	stop_init(&init);
}

/* A wildcard covers any number of names; the table does not. */
static void test_table_is_bounded(void **state)
{
	char text[32];
	size_t made = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * NAMES_MAX; i++) {
		(void)snprintf(text, sizeof text, "n%u.example", i);
		struct name *name = name_get(text);

		if (!name)
			break;
		made++;
		assert_ptr_equal(name_by_address(&name->v4), name);
		assert_ptr_equal(name_by_address(&name->v6), name);
	}
	assert_true(made > NAMES_MAX / 2 && made < NAMES_MAX);
	assert_null(name_get("one-more.example"));
	assert_string_equal(name_get("n1.example")->text, "n1.example");
	assert_string_equal(name_get("first.example")->text, "first.example");
}

/* Listeners last as long as the process, and only the kernel's epoll(7) knows where they are. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static int open_loop(void **state)
{
	struct rlimit files = { FDS_MAX, FDS_MAX };

	(void)state;
	/* Where that is possible: two tests at once would take each other's ports. */
	(void)unshare(CLONE_NEWUSER | CLONE_NEWNET);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	return loop_init();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_numbers, close_listeners),
		cmocka_unit_test_teardown(test_listens_where_granted, close_listeners),
		cmocka_unit_test_teardown(test_many_ports, close_listeners),
		cmocka_unit_test_teardown(test_port_is_taken, close_listeners),
		cmocka_unit_test_teardown(test_init_refuses, close_listeners),
		cmocka_unit_test_teardown(test_init_is_gone, close_listeners),
		cmocka_unit_test_teardown(test_literals, close_listeners),
		cmocka_unit_test_teardown(test_table_is_bounded, close_listeners),
	};

	(void)alarm(ALARM_S);
	return cmocka_run_group_tests_name("names", tests, open_loop, NULL);
}
