/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the supervisor tells the gateway: a file in memory, whose layout only these two
 * functions of one build know. There is no value of a secret in it.
 */
#ifndef AISBX_GATEWAY_CONFIG_H
#define AISBX_GATEWAY_CONFIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "policy/plan.h"

struct gateway_config {
	bool from_root; /* then uid and gid are what it becomes */
	uid_t uid;
	gid_t gid;
	bool lacks_landlock_allowed;
	struct plan_gateway plan; /* without texts of the box */
};

/* A descriptor, closed on exec, or -errno. */
int gateway_config_write(struct arena *arena, const struct plan *plan);
/* 0 or -errno. */
int gateway_config_read(struct arena *arena, int fd, struct gateway_config *ret_config);

#endif
