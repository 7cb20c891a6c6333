/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bindings' server.
 *
 * Theory of operation: the supervisor forks it when init has been cloned. init's builder makes
 * the listening sockets in the box's directory tree and hands them over; the server never sees
 * a path of the box. It serves in one loop (broker/loop.h) until the supervisor's end of its
 * pair is closed, be it that the box has ended or that the supervisor was killed: then it ends
 * what runs, tells the sums and is gone.
 *
 * Unlike the broker it keeps the caller's rights, since it starts the caller's programs. So it
 * looks at no byte of the box but those of wire.c, hands the rest on unread (what has to be
 * parsed, checker.c parses), and holds no descriptor of the caller's: standard
 * ones are /dev/null, so that no pipe of the caller's stays open with it. It is in a session of
 * its own, as who kills aisbx's process group shall find it alive: see keeper.c.
 */
#include "bindings/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/program.h"
#include "base/sys.h"
#include "bindings/calls.h"
#include "bindings/keeper.h"
#include "bindings/records.h"
#include "broker/loop.h"

enum {
	EVENTS_FD = 3, /* in the server */
	INIT_FD,
	FIRST_FREE_FD,
	AWAIT_S = 20,
	BACKLOG = 512,
};

struct door {
	struct watch watch;
	size_t binding;
	bool is_framed;
};

static struct {
	struct door doors[2 * BINDINGS_MAX];
	size_t len;
	bool is_full;
	bool is_ending;
	struct watch events;
} server;

/*** The supervisor's side ***/

int bindings_server_prepare(struct bindings_server *ret_server, struct err *reterr)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a socket pair");
	ret_server->init_fd = pair[0];
	ret_server->own_fd = pair[1];
	return 0;
}

static _Noreturn void server_main(const struct plan *plan, bool each, int events_fd, int init_fd);

int bindings_server_start(struct bindings_server *started, const struct plan *plan, bool each,
			  struct err *reterr)
{
	int events[2], r = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, events) < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a socket pair");
	started->pid = fork();
	if (started->pid == 0) {
		(void)close(events[0]); /* or its EOF would never come */
		server_main(plan, each, events[1], started->own_fd);
	}
	if (started->pid < 0)
		r = err_set(reterr, E_SYSTEM, errno, "start", "the bindings' server");
	(void)close(events[1]);
	close_keeping_errno(started->own_fd);
	started->own_fd = -1;
	if (r < 0)
		(void)close(events[0]);
	else
		started->events_fd = events[0];
	return r;
}

int bindings_server_kill(struct bindings_server *started)
{
	close_keeping_errno(started->own_fd);
	started->own_fd = -1;
	return kill_child(&started->pid);
}

int bindings_server_offer(int server_fd, int dir_fd, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd =
		(int)sys_call3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	long r = fd;

	memcpy(sa.sun_path, name, strnlen(name, sizeof sa.sun_path - 1));
	/* A name of its own directory, which fits where a path might not. */
	if (r >= 0)
		r = sys_call1(SYS_fchdir, dir_fd);
	if (r == 0)
		r = sys_call3(SYS_bind, fd, &sa, sizeof sa);
	if (r == 0)
		r = sys_call2(SYS_listen, fd, BACKLOG);
	if (r == 0)
		r = fds_send(server_fd, &fd, 1);
	return (int)r;
}

int bindings_server_await(int server_fd, struct err *reterr)
{
	struct pollfd wait = { .fd = server_fd, .events = POLLIN };
	struct timespec limit = { .tv_sec = AWAIT_S };
	char byte;
	long r;

	do {
		r = sys_call5(SYS_ppoll, &wait, 1, &limit, NULL, 0);
	} while (r == -EINTR);
	if (r > 0)
		r = sys_read(server_fd, &byte, 1);
	return r == 1 ? 0
		      : err_set(reterr, E_SYSTEM, r < 0 ? (int)-r : EPIPE, "start",
				"the bindings' server");
}

/*** Doors ***/

/* Without room, connections wait in their sockets' queues. */
static void open_doors(void)
{
	bool is_full = calls_count() >= CALLS_MAX;

	if (is_full == server.is_full || server.is_ending)
		return;
	server.is_full = is_full;
	for (size_t i = 0; i < server.len; i++)
		(void)loop_change(&server.doors[i].watch, is_full ? 0 : EPOLLIN);
}

static void on_changed(void)
{
	if (server.is_ending && calls_count() == 0)
		loop_stop();
	open_doors();
}

static void on_door(struct watch *watch, uint32_t events)
{
	struct door *door = CONTAINER_OF(watch, struct door, watch);

	(void)events;
	if (calls_count() >= CALLS_MAX)
		return;
	int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		calls_add(door->binding, door->is_framed, fd);
	open_doors();
}

/* The supervisor sends nothing: it is EOF. */
static void on_supervisor(struct watch *watch, uint32_t events)
{
	(void)events;
	loop_unwatch(watch);
	server.is_ending = true;
	for (size_t i = 0; i < server.len; i++)
		loop_unwatch(&server.doors[i].watch);
	if (calls_count() == 0)
		loop_stop();
	calls_end_all();
}

/*** The process ***/

static int keep_descriptors(int events_fd, int init_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* Above all that they go to, so that none is hit that is still wanted. */
	int events = fcntl(events_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	int init = fcntl(init_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);

	if (null < 0 || events < 0 || init < 0)
		return -errno;
	for (int fd = 0; fd < EVENTS_FD; fd++) {
		if (fd != null && dup3(null, fd, O_CLOEXEC) < 0)
			return -errno;
	}
	if (dup3(events, EVENTS_FD, O_CLOEXEC) < 0 || dup3(init, INIT_FD, O_CLOEXEC) < 0)
		return -errno;
	return (int)sys_call3(SYS_close_range, FIRST_FREE_FD, ~0U, 0);
}

static int prepare(struct err *reterr)
{
	(void)setsid(); /* forked: it leads no group */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_set(reterr, E_SYSTEM, errno, "keep hold of", "the bindings' commands");
	if (!keeper_can_keep()) {
		err_set(reterr, E_SYSTEM, ENOENT, "keep hold of", "the bindings' commands");
		err_hint(reterr, "bindings need /proc, of a kernel with CONFIG_PROC_CHILDREN");
		return -ENOENT;
	}
	int r = loop_init();
	return r < 0 ? err_set(reterr, E_SYSTEM, -r, "make", "the bindings' loop") : 0;
}

static int receive_doors(size_t bindings, struct err *reterr)
{
	for (size_t i = 0; i < 2 * bindings; i++) {
		struct door *door = &server.doors[i];
		int fd;
		int r = fds_receive(INIT_FD, &fd, 1);

		/* EOF: init failed before, and its error is the one to show. */
		if (r == -EPIPE)
			_exit(EXIT_AISBX);
		*door = (struct door){ .watch = { .fd = -1, .ready = on_door },
				       .binding = i / 2,
				       .is_framed = i % 2 };
		if (r == 0)
			r = loop_watch(&door->watch, fd, EPOLLIN);
		if (r < 0)
			return err_set(reterr, E_SYSTEM, -r, "receive", "the bindings' sockets");
		server.len++;
	}
	return 0;
}

static int start_serving(const struct plan *plan, bool each, struct err *reterr)
{
	int r = prepare(reterr);

	if (r == 0)
		r = receive_doors(plan->bindings.len, reterr);
	if (r < 0)
		return r;
	calls_init(&plan->bindings, plan->facts->open_files, on_changed);
	records_init(EVENTS_FD, each);
	server.events.ready = on_supervisor;
	r = loop_watch(&server.events, EVENTS_FD, EPOLLIN);
	if (r == 0 && send(INIT_FD, "", 1, MSG_NOSIGNAL) < 0)
		r = -errno;
	(void)close(INIT_FD);
	return r < 0 ? err_set(reterr, E_SYSTEM, -r, "serve", "the box's bindings") : 0;
}

static void server_main(const struct plan *plan, bool each, int events_fd, int init_fd)
{
	struct err err;
	int r = keep_descriptors(events_fd, init_fd);

	if (r < 0)
		_exit(EXIT_AISBX);
	records_init(EVENTS_FD, each);
	program_forget_strings();
	r = start_serving(plan, each, &err);
	if (r < 0) {
		record_failed(&err);
		_exit(EXIT_AISBX);
	}
	program_release_pages();
	if (loop_run() < 0)
		_exit(EXIT_AISBX);
	records_finish((uint32_t)plan->bindings.len);
	_exit(0);
}
