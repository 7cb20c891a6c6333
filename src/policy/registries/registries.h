/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hosts that the caller's own configuration of package tools names:
 * network.registries. Read on the host when the plan is made.
 *
 * What the working directory holds is never read, for an earlier box may have
 * written it; nor is any host known here that a file or variable does not name.
 */
#ifndef AISBX_POLICY_REGISTRIES_H
#define AISBX_POLICY_REGISTRIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* One host that a tool's configuration names. */
struct registry {
	const char *tool;
	const char *host; /* as host_grant_parse() takes it: "name:port" or "[v6]:port" */
	const char *why;  /* "~/.npmrc:3" or "PIP_INDEX_URL" */
	bool is_private;  /* localhost, or a private or loopback address: grant it as private */
};

struct registries {
	struct registry *items; /* a host of a tool once, in the order found */
	size_t len;
	struct strv env;    /* NAME=VALUE for the box, without user:password@ */
	struct strv silent; /* a line for each tool that nothing is granted for: what to write */
	struct strv notes;  /* a line for each thing found that is not granted or not passed on */
	struct strv files;  /* absolute paths of what was read */
	struct strv absent; /* absolute paths of what would have been read, had it been there */
};

/* Where configuration is looked for. */
struct registry_places {
	const char *root; /* "", or what stands for / in a test */
	const char *home;
	char *const *environment;
};

/* names: of registry_tools (values.h). Opens files of these tools only. */
int registries_read(struct arena *arena, const struct strv *names,
		    const struct registry_places *places, struct registries *ret,
		    struct err *reterr);

#endif
