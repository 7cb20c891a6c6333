/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the payload looked for, is not in the box, and is on the host: explain_missing. */
#ifndef AISBX_BOX_MISSING_H
#define AISBX_BOX_MISSING_H

#include <stddef.h>

struct plan;

enum {
	MISSING_BYTES = 512, /* of one path; longer ones are left out */
	MISSING_LOOKED_MAX = 4096,
	MISSING_MAX = 256,
};

struct missing {
	size_t len;
	struct {
		const char *path;  /* in the box */
		const char *grant; /* the option that brings it there */
	} entries[MISSING_MAX];
};

/* One absolute path that is not in the box, as init told it. */
void missing_add(const char *path);
/* When the box is gone: those of them that are on the host, in the order of their first time. */
const struct missing *missing_find(const struct plan *plan);

#endif
