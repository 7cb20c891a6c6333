/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log: JSON lines about a run, appended where the box cannot reach. */
#ifndef AISBX_REPORT_AUDIT_H
#define AISBX_REPORT_AUDIT_H

#include "base/err.h"
#include "policy/plan.h"
#include "report/journal.h"
#include "report/result.h"
#include "report/sink.h"

struct audit {
	const struct plan *plan;
	struct sink sink;
	struct journal journal;
};

#define AUDIT_NONE                                                                                 \
	{                                                                                          \
		.sink = SINK_NONE, .journal = JOURNAL_NONE                                         \
	}

/* Opens what audit.file and audit.journal of the plan's profile name. */
int audit_open(struct arena *arena, const struct plan *plan, struct audit *ret_audit,
	       struct err *reterr);
void audit_close(struct audit *audit);
bool audit_is_on(const struct audit *audit);

/* A line, nothing where no log is on. A line that cannot be written is an error. */
int audit_start(struct audit *audit, struct err *reterr);
int audit_published(struct audit *audit, const uint16_t *ports, struct err *reterr);
int audit_event(struct audit *audit, const struct broker_event *event, struct err *reterr);
int audit_call(struct audit *audit, const struct call_record *record, struct err *reterr);
int audit_refused(struct audit *audit, const struct refusal *refusal, struct err *reterr);
int audit_end(struct audit *audit, const struct run_facts *facts, struct err *reterr);

#endif
