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
};

/* Owned by the caller. NULL when memory is short. */
json_t *result_build(const struct run_facts *facts);

/*
 * Where results go: a file is made beside its final name and renamed, so a
 * reader sees all of it or nothing; "fd:N" is written with one write(2).
 */
struct result_target {
	int fd;		 /* of fd:N, or -1 */
	const char *path; /* of FILE, or NULL */
};

/* Checks text ("FILE" or "fd:N") before anything runs. */
int result_open(const char *text, struct result_target *ret_target, struct err *reterr);
int result_write(const struct result_target *target, const struct run_facts *facts,
		 struct err *reterr);

#endif
