/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Code given with -c, --script or on stdin. */
#ifndef AISBX_CLI_CODE_H
#define AISBX_CLI_CODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli/options.h"

struct code {
	const char *text; /* len bytes, any of them may be NUL */
	size_t len;
	const char *name;  /* of the file in the box */
	const char *label; /* in messages */
	bool from_stdin;
};

/* Reads at most max_bytes + 1 bytes: input_check() refuses what is longer. */
int code_read(struct arena *arena, const struct options *options, uint64_t max_bytes,
	      struct code *ret_code, struct err *reterr);

/* Name in the box of the script at path: its last component. */
const char *code_name(const char *path);

#endif
