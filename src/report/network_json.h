/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run's network as JSON, for result and audit log: DESIGN section 8. */
#ifndef AISBX_REPORT_NETWORK_JSON_H
#define AISBX_REPORT_NETWORK_JSON_H

#include <jansson.h>

#include "box/network_log.h"
#include "policy/plan.h"

/* As written in results. */
extern const char *const refusal_names[REFUSAL__N];

/* Arrays; log is NULL for a run without a broker. */
json_t *json_refused(const struct network_log *log);
json_t *json_connections(const struct network_log *log);
/* ports: of the host, one for each port that plan publishes; NULL: nothing was opened. */
json_t *json_published(const struct plan *plan, const uint16_t *ports);
/* What an event is in an audit line, besides its verdict: ret_event names it. NULL: no line. */
json_t *json_event(const struct broker_event *event, const char **ret_event, bool *ret_allowed);

#endif
