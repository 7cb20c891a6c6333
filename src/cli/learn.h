/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of `aisbx learn` share: learn.c is the command. */
#ifndef AISBX_CLI_LEARN_H
#define AISBX_CLI_LEARN_H

#include "cli/learn_run.h"
#include "cli/options.h"
#include "learn/gather.h"
#include "learn/propose.h"
#include "learn/view.h"

struct learn {
	struct arena arena;
	struct options options;
	struct hostfacts facts;
	struct learn_case runs;
	struct view view;
	struct watched watched;
	struct gathered gathered;
	struct findings findings;
	struct profile extended; /* what the proposal extends, or what is updated */
	struct plan extended_plan;
	struct proposal proposal;
	const char *before; /* the text of what is updated */
	const char *text;   /* the proposal, or what is updated with it */
	int stdout_fd;	    /* the caller's; -1: it is where it was */
};

/*
 * After the first run: fills gathered and findings, chooses the profile to extend and plans
 * it. 0 or -errno.
 */
int learn_find(struct learn *learn, struct err *reterr);
/* What the extended profile grants of path; context is a struct learn. For propose(). */
struct granted learn_granted(void *context, const char *path);

#endif
