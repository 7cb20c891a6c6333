/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plan needs to know of the caller and the host, read once. */
#ifndef AISBX_POLICY_HOSTFACTS_H
#define AISBX_POLICY_HOSTFACTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct hostfacts {
	const char *cwd;  /* absolute, physical; below a file when it was removed */
	const char *home; /* absolute; the caller's */
	uid_t uid;
	gid_t gid;
	bool host_root;	      /* uid 0 of the initial user namespace: grants need idmaps */
	unsigned terminals;   /* bit n: descriptor n (0 to 2) is a terminal */
	unsigned closed;      /* bit n: it was closed; /dev/null holds its place */
	mode_t stdio_mode[3]; /* file type of descriptors 0 to 2 */
	bool one_output;      /* 1 and 2 are the same file */
	uint64_t open_files;  /* the caller's soft limit; ours is raised to the hard one */
	char *const *environ;
};

/*
 * Must be called before anything is opened: it fills closed standard descriptors.
 * Fails when aisbx runs with another effective than real uid (set-user-ID).
 */
int hostfacts_read(struct arena *arena, char *const *env, struct hostfacts *ret_facts,
		   struct err *reterr);

#endif
