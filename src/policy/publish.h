/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports of the host that lead to a server in the box: network.publish. Pure. */
#ifndef AISBX_POLICY_PUBLISH_H
#define AISBX_POLICY_PUBLISH_H

#include <stdint.h>

#include "base/arena.h"
#include "policy/addresses.h"

struct publish {
	struct address address; /* of the host, to listen on */
	uint16_t port;		/* of the host; 0: a free one is picked */
	uint16_t box_port;	/* never 0 */
	const char *why;	/* "profile.yaml:4" or "command line", for show and messages */
};

/*
 * Parses [ADDR:]PORT[:BOXPORT]: ADDR is IPv4, or IPv6 in brackets, 127.0.0.1
 * without one; BOXPORT is PORT without one. On failure -EINVAL and *ret_why
 * says what is wrong and what to write. Leaves why alone.
 */
int publish_parse(struct arena *arena, const char *text, struct publish *ret_publish,
		  const char **ret_why);

#endif
