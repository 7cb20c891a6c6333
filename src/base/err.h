/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors as values.
 *
 * A function that can fail returns 0 or -errno and fills a struct err. The
 * struct has a fixed size and no pointers, so the box's init sends it through
 * a socket unchanged and the supervisor reports it as if it had failed itself.
 * Only src/cli and main.c print.
 */
#ifndef AISBX_BASE_ERR_H
#define AISBX_BASE_ERR_H

#include <stddef.h>
#include <stdint.h>

/* Exit statuses of aisbx's own, as timeout(1), env(1) and docker-run(1) use them. */
enum {
	EXIT_WALL_LIMIT = 124,
	EXIT_AISBX = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL_BASE = 128,
};

enum err_code {
	E_NONE,
	E_USAGE,	  /* an option or argument */
	E_PROFILE,	  /* a profile's text */
	E_GRANT,	  /* a grant that cannot be given */
	E_INPUT,	  /* code that the input rules reject */
	E_SYSTEM,	  /* a system call outside a wall */
	E_WALL,		  /* a wall that this host cannot build; err.wall names it */
	E_NOT_FOUND,	  /* the command does not exist in the box */
	E_NOT_EXECUTABLE, /* it exists but cannot be executed */
	E_ENDED,	  /* the box ended before the command was executed */
	E__N
};

struct err {
	int32_t code;	/* enum err_code */
	int32_t errnum; /* errno, 0 when none applies */
	int32_t phase;	/* enum phase the sender was in, 0 outside a box */
	char wall[16];	/* wall that failed, "" when none */
	char op[32];	/* verb phrase after "cannot": "mount"; "": subject is the message */
	char subject[520];
	char hint[240]; /* what to do, "" when the code's table entry says it */
};

/* "cannot OP 'SUBJECT': strerror(errnum)". Returns -errnum (or -EINVAL for 0). */
int err_set(struct err *reterr, enum err_code code, int errnum, const char *op,
	    const char *subject);
/* As err_set for a wall: code E_WALL. */
int err_wall(struct err *reterr, const char *wall, int errnum, const char *op, const char *subject);
/* A message of its own; errnum is 0. Returns -EINVAL. Not for use after clone (formats). */
int err_msg(struct err *reterr, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Sets what the user can do about it. */
void err_hint(struct err *reterr, const char *hint);
/* One line without a newline; always terminated, cut when too long. */
void err_format(const struct err *err, char *buf, size_t size);
/* Exit status that the code stands for. */
int err_exit_status(const struct err *err);

#endif
