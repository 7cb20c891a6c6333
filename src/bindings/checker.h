/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checking a request's JSON in a process that can do nothing else. */
#ifndef AISBX_BINDINGS_CHECKER_H
#define AISBX_BINDINGS_CHECKER_H

#include <stddef.h>

#include "policy/json_schema.h"

enum {
	CHECK_WHY_BYTES = 200,
};

struct checker {
	const struct json_schema *schema;
	size_t len; /* of the request, which is standard input */
};

/* Before the first check, in the process that the others are forked from. */
void checker_prepare(void);
/*
 * A function for keeper.h, of a struct checker: 0 when the request is what its schema wants; else
 * standard output gets the reason.
 */
int checker_main(const void *argument);

#endif
