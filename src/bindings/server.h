/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bindings' server: a process of its own outside the box, there only when a profile has
 * bindings. It answers the box's calls with the output of the caller's programs.
 *
 * One SOCK_SEQPACKET pair with init:
 *
 *   init -> server   a listening socket a packet: of each binding NAME.sock, then NAME.call
 *   server -> init   one byte: it serves, the command may start
 *
 * EOF on init's end: the command does not start. The supervisor has the end of records.h; EOF
 * there tells the server to end.
 */
#ifndef AISBX_BINDINGS_SERVER_H
#define AISBX_BINDINGS_SERVER_H

#include <sys/types.h>

#include "base/err.h"
#include "policy/plan.h"

/* Seen from the supervisor. */
struct bindings_server {
	pid_t pid;     /* -1: none */
	int events_fd; /* see records.h */
	int init_fd;   /* init's end; -1 once init has it */
	int own_fd;    /* the server's, until it is forked */
};

#define BINDINGS_SERVER_NONE                                                                       \
	{                                                                                          \
		.pid = -1, .events_fd = -1, .init_fd = -1, .own_fd = -1                            \
	}

/* What can fail before there is a box. */
int bindings_server_prepare(struct bindings_server *server, struct err *reterr);
/* Starts it, once init was cloned: see broker_start(). each: see records_init(). */
int bindings_server_start(struct bindings_server *server, const struct plan *plan, bool each,
			  struct err *reterr);
/* Ends it at once and reaps it: its wait status, 0 for one that was not started. */
int bindings_server_kill(struct bindings_server *server);

/*
 * init's builder, whose working directory it changes: listens in dir_fd as name and hands the
 * socket over. 0 or -errno. No heap.
 */
int bindings_server_offer(int server_fd, int dir_fd, const char *name);
/* init: waits until the server serves. No heap. */
int bindings_server_await(int server_fd, struct err *reterr);

#endif
