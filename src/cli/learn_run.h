/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two runs of learn: one that is watched, and one under the proposal. */
#ifndef AISBX_CLI_LEARN_RUN_H
#define AISBX_CLI_LEARN_RUN_H

#include "box/box.h"
#include "policy/plan.h"

/* What both runs have in common. */
struct learn_case {
	struct arena *arena;
	struct hostfacts *facts;
	char *const *command;
	pid_t copier;	/* fills stdin_file; 0: none */
	int stdin_file; /* what the first run read from a pipe, for the second; -1: none */
	off_t stdin_at; /* where a file as stdin stood; -1: it is none */
};

struct watched {
	struct plan plan;
	struct box_end end;
	char *notes; /* observe.h */
	size_t notes_len;
	int layers_fd; /* layers.h; the caller closes it; -1: none */
};

/* Before the first run: how stdin is had twice. */
int learn_keep_stdin(struct learn_case *learn, struct err *reterr);

/*
 * Runs the command observed, with the profile of a view. Fails only where
 * nothing ran: ret->end says how it ended.
 */
int learn_watch(struct learn_case *learn, const struct profile *profile, struct watched *ret,
		struct err *reterr);

/*
 * Runs it under profile. What it writes to grants is thrown away once more; its stdout is not
 * passed on, its stderr is kept in *ret_messages. As learn_watch() for failures.
 */
int learn_verify(struct learn_case *learn, const struct profile *profile, struct box_end *ret_end,
		 const char **ret_messages, struct err *reterr);

#endif
