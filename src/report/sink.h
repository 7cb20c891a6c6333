/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file or descriptor that the lines of an audit log go to. */
#ifndef AISBX_REPORT_SINK_H
#define AISBX_REPORT_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "policy/plan.h"

struct sink {
	int fd;		  /* -1: none */
	int dir_fd;	  /* O_PATH directory of a file that we opened, or -1 */
	const char *name; /* in dir_fd */
	const char *path; /* for messages */
	bool is_regular;
};

#define SINK_NONE                                                                                  \
	{                                                                                          \
		.fd = -1, .dir_fd = -1                                                             \
	}

/* Refuses a file that one of links led to which a box can make. */
int sink_check_links(const struct plan *plan, const struct strv *links, const char *file,
		     struct err *reterr);
/* The absolute path that a log's FILE means: "~" is the caller's home. */
char *sink_place(struct arena *arena, const struct hostfacts *facts, const char *file);
/*
 * Opens text ("FILE" or "fd:N") for appending. Makes a file and its directories when they are
 * missing, and nothing when it refuses: a place that a writable grant of the plan shows.
 */
int sink_open(struct arena *arena, const struct plan *plan, const char *text, struct sink *ret_sink,
	      struct err *reterr);

/*
 * Appends one line, newline included: with one write(2), also beside other writers, where it
 * is a file; at most PIPE_BUF bytes at a time, and until nobody has read for a second, where it
 * is anything else. A file that was renamed or removed is opened anew by its name. 0 or -errno;
 * then of the line there is nothing in a file.
 */
int sink_write(struct sink *sink, const char *line, size_t len);
/* The same for a descriptor that is no sink. */
int sink_write_to(int fd, const char *line, size_t len);

void sink_close(struct sink *sink);

#endif
