/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run's network as JSON: see network_json.h. */
#include "report/network_json.h"

#include "report/json.h"

const char *const refusal_names[REFUSAL__N] = {
	[REFUSED_HOST] = "host",
	[REFUSED_DNS] = "dns",
};

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

json_t *json_refused(const struct network_log *log)
{
	json_t *array = json_array();

	for (size_t i = 0; log && i < log->refusals_len; i++) {
		const struct refusal_entry *entry = &log->refusals[i];

		json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:o}", "kind",
						       refusal_names[entry->kind], "what",
						       json_text(entry->what), "count",
						       number(entry->count), "grant",
						       json_text_or_null(entry->grant)));
	}
	return array;
}

json_t *json_connections(const struct network_log *log)
{
	json_t *array = json_array();

	for (size_t i = 0; log && i < log->connections_len; i++) {
		const struct connection_entry *entry = &log->connections[i];

		json_array_append_new(array, json_pack("{s:o, s:i, s:o, s:o, s:o}", "host",
						       json_text(entry->host), "port", entry->port,
						       "count", number(entry->count), "up_bytes",
						       number(entry->up_bytes), "down_bytes",
						       number(entry->down_bytes)));
	}
	return array;
}

json_t *json_published(const struct plan *plan, const uint16_t *ports)
{
	json_t *array = json_array();

	for (size_t i = 0; ports && i < plan->network.publish_len; i++) {
		const struct publish *publish = &plan->network.publish[i];
		char text[INET6_ADDRSTRLEN];

		json_array_append_new(array,
				      json_pack("{s:s, s:i, s:i}", "address",
						address_format(&publish->address, text), "port",
						ports[i], "box_port", publish->box_port));
	}
	return array;
}

json_t *json_event(const struct broker_event *event, const char **ret_event, bool *ret_allowed)
{
	*ret_allowed = true;
	switch ((enum broker_event_kind)event->kind) {
	case EVENT_DNS:
		*ret_event = "dns";
		return json_pack("{s:o}", "name", json_text(event->what));
	case EVENT_REFUSED:
		*ret_allowed = false;
		*ret_event = event->refusal == REFUSED_DNS ? "dns" : "connect";
		return json_pack(
			"{s:o, s:o, s:o, s:o}", event->refusal == REFUSED_DNS ? "name" : "host",
			json_text(event->what), "count", number(event->count), "grant",
			json_text_or_null(event->grant), "reason", json_text_or_null(event->why));
	case EVENT_CONNECTED:
		*ret_event = "connect";
		return json_pack("{s:o, s:i}", "host", json_text(event->what), "port",
				 (int)event->port);
	case EVENT_CLOSED:
		*ret_event = "connect";
		return json_pack("{s:o, s:i, s:o, s:o, s:o}", "host", json_text(event->what),
				 "port", (int)event->port, "up_bytes", number(event->up_bytes),
				 "down_bytes", number(event->down_bytes), "duration_ms",
				 number(event->duration_ms));
	case EVENT_MORE:
		*ret_event = "connect";
		return json_pack("{s:o, s:i, s:o, s:o, s:o}", "host", json_text(event->what),
				 "port", (int)event->port, "count", number(event->count),
				 "up_bytes", number(event->up_bytes), "down_bytes",
				 number(event->down_bytes));
	case EVENT_FAILED:
	case EVENT_TOTAL:
	case EVENT__N:
		break;
	}
	return NULL;
}
