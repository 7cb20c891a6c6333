/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the broker told of a run, but for refusals: for result and messages. */
#ifndef AISBX_BOX_NETWORK_LOG_H
#define AISBX_BOX_NETWORK_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/events.h"

enum {
	LOG_CONNECTIONS_MAX = 257, /* the broker's own bound, and one for all others */
};

/* All connections to one port of one host. */
struct connection_entry {
	char host[EVENT_TEXT];
	uint16_t port;
	uint32_t count;
	uint64_t up_bytes;
	uint64_t down_bytes;
};

struct network_log {
	struct connection_entry connections[LOG_CONNECTIONS_MAX];
	size_t connections_len;
	bool failed; /* the broker could not start */
	struct err err;
	/* It ended before the box did: the box had no network any more. */
	bool ended_early;
	bool gateway_ended_early; /* the same: but no hosts with secrets or HTTP rules */
};

/* Adds one event. What would not fit is left out: the broker keeps the same bounds. */
void network_log_add(struct network_log *log, const struct broker_event *event);

#endif
