/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run's bindings as JSON, for plan, result and audit log. */
#ifndef AISBX_REPORT_BINDINGS_JSON_H
#define AISBX_REPORT_BINDINGS_JSON_H

#include <jansson.h>

#include "box/bindings_log.h"
#include "policy/plan.h"

/* Arrays: what the plan has; and what was called, log is NULL for a run without bindings. */
json_t *json_plan_bindings(const struct plan *plan);
json_t *json_bindings(const struct plan *plan, const struct bindings_log *log);
/* The fields of an audit line "binding". *ret_denied: nothing was run. */
json_t *json_call(const struct plan *plan, const struct call_record *record, bool *ret_denied);

#endif
