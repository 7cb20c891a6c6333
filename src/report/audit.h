/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log: JSON lines about a run, appended where the box cannot reach. */
#ifndef AISBX_REPORT_AUDIT_H
#define AISBX_REPORT_AUDIT_H

#include "base/err.h"
#include "policy/plan.h"
#include "report/result.h"

/*
 * Opens the profile's audit file ("FILE" or "fd:N") for appending and makes
 * its directories. *ret_fd is the caller's, -1 when the profile has none.
 */
int audit_open(struct arena *arena, const struct profile *profile, const struct hostfacts *facts,
	       int *ret_fd, struct err *reterr);

/* Refuses an audit file that lies in a writable grant of the plan. */
int audit_check(struct arena *arena, const struct plan *plan, int fd, struct err *reterr);

/* One line each, one write(2) a line. A full disk loses the line, not the run. 0 or -errno. */
int audit_start(int fd, const struct plan *plan);
int audit_published(int fd, const struct plan *plan, const uint16_t *ports);
int audit_event(int fd, const struct plan *plan, const struct broker_event *event);
int audit_refused(int fd, const struct plan *plan, const struct refusal *refusal);
int audit_end(int fd, const struct run_facts *facts);

#endif
