/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the broker told: see network_log.h. */
#include "box/network_log.h"

#include <string.h>

static void add_connections(struct network_log *log, const struct broker_event *event)
{
	struct connection_entry *entry = &log->connections[log->connections_len];

	if (log->connections_len == LOG_CONNECTIONS_MAX)
		return;
	log->connections_len++;
	memcpy(entry->host, event->what, sizeof entry->host);
	entry->port = (uint16_t)event->port;
	entry->count = event->count;
	entry->up_bytes = event->up_bytes;
	entry->down_bytes = event->down_bytes;
}

void network_log_add(struct network_log *log, const struct broker_event *event)
{
	switch ((enum broker_event_kind)event->kind) {
	case EVENT_FAILED:
		log->failed = true;
		log->err = event->err;
		break;
	case EVENT_TOTAL:
		add_connections(log, event);
		break;
	case EVENT_DNS:
	case EVENT_REFUSED:
	case EVENT_CONNECTED:
	case EVENT_CLOSED:
	case EVENT_SECRET:
	case EVENT_MORE:
	case EVENT__N:
		break;
	}
}
