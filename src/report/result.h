/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The result: one JSON object about how a run ended. See aisbx(1), RESULT. */
#ifndef AISBX_REPORT_RESULT_H
#define AISBX_REPORT_RESULT_H

#include <jansson.h>

#include "base/err.h"
#include "box/box.h"
#include "policy/plan.h"

/* What is known when a result is written; plan is NULL when none was made. */
struct run_facts {
	const struct plan *plan;
	const struct profile *profile; /* NULL when it could not be loaded */
	const char *profile_name;
	char *const *command; /* as given; the plan's argv is preferred */
	const struct box_end *end;
	const struct err *audit_err; /* why its log could not be written, or NULL */
};

/* Owned by the caller. NULL when memory is short. */
json_t *result_build(const struct run_facts *facts);

/*
 * Where a result goes, settled before anything runs: the payload may own the
 * place by then and swap names for links, fifos or devices. A file is made
 * anew in its directory and named last, so a reader sees all of it or nothing.
 * What is there already and is no regular file (/dev/stdout, a fifo) is opened
 * at once; "fd:N" is the caller's.
 */
struct result_target {
	int fd;		   /* to write to, or -1 */
	int dir_fd;	   /* O_PATH directory of the file to make, or -1 */
	const char *name;  /* in dir_fd; part of path */
	char *path;	   /* ours */
	struct strv links; /* symbolic links on the way, by their canonical paths */
};

#define RESULT_TARGET_NONE                                                                         \
	{                                                                                          \
		.fd = -1, .dir_fd = -1                                                             \
	}

/*
 * The open descriptor that text names ("fd:N", /dev/stdout): 1, or 0 when it names none,
 * or -errno. It will not be inherited.
 */
int result_open_descriptor(const char *text, int *ret_fd, struct err *reterr);
/* Settles text ("FILE" or "fd:N"), which must live on, as must the arena. */
int result_open(struct arena *arena, const char *cwd, const char *text,
		struct result_target *ret_target, struct err *reterr);
/*
 * When the profile is known: log, its audit.file or NULL, must not be what is replaced; and when
 * the plan is: no link that a box can make chooses that. A target that is refused is closed.
 */
int result_check_log(struct arena *arena, const struct hostfacts *facts, const char *log,
		     struct result_target *target, struct err *reterr);
int result_check(const struct plan *plan, struct result_target *target, struct err *reterr);
/* Writes the result if there is a target, and closes what result_open() opened. */
int result_write(struct result_target *target, const struct run_facts *facts, struct err *reterr);

/*
 * The same for the ports that a run publishes, as soon as they are open:
 * {"run":..., "published":[{"address":...,"port":...,"box_port":...}]}.
 */
int result_write_published(struct result_target *target, const struct plan *plan,
			   const uint16_t *ports, struct err *reterr);

#endif
