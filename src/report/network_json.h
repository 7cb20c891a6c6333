/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run's network as JSON, for result and audit log: DESIGN section 8. */
#ifndef AISBX_REPORT_NETWORK_JSON_H
#define AISBX_REPORT_NETWORK_JSON_H

#include <jansson.h>

#include "box/network_log.h"
#include "policy/plan.h"

/* An array; log is NULL for a run without a broker. */
json_t *json_connections(const struct network_log *log);
/* ports: of the host, one for each port that plan publishes; NULL: nothing was opened. */
json_t *json_published(const struct plan *plan, const uint16_t *ports);
/* Its host, ports and tls. */
json_t *json_host_grant(const struct host_grant *grant);
/* "HOST:PORTS" of each. */
json_t *json_hosts(const struct host_grants *hosts);
/* The name of an event in an audit line, and its fields. NULL: no line. */
const char *json_event(const struct broker_event *event, json_t **ret_fields);

#endif
