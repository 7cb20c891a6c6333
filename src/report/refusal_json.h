/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run was refused as JSON, for result and audit log: DESIGN section 8. */
#ifndef AISBX_REPORT_REFUSAL_JSON_H
#define AISBX_REPORT_REFUSAL_JSON_H

#include <jansson.h>

#include "box/refusals/missing.h"
#include "box/refusals/refusal_log.h"

/* An array; log is NULL when nothing ran. */
json_t *json_refused(const struct refusal_log *log);
/* The same of what was looked for; NULL is an empty array. */
json_t *json_missing(const struct missing *missing);
/* What it is in an audit line: the event's name, and its fields. */
const char *refusal_event(const struct refusal *refusal);
json_t *json_refusal_event(const struct refusal *refusal);

#endif
