/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run's network as JSON: see network_json.h. */
#include "report/network_json.h"

#include "report/json.h"

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
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

json_t *json_host_grant(const struct host_grant *grant)
{
	struct arena arena = { 0 };
	json_t *ports = json_array();

	for (size_t i = 0; i < grant->ports_len; i++)
		json_array_append_new(ports, json_string(host_grant_ports(&arena, grant, i)));
	json_t *object =
		json_pack("{s:o, s:o, s:s}", "host", json_text(host_grant_host(&arena, grant)),
			  "ports", ports, "tls", grant->tls_any ? "any" : "required");
	arena_free(&arena);
	return object;
}

json_t *json_hosts(const struct host_grants *hosts)
{
	struct arena arena = { 0 };
	json_t *array = json_array();

	for (size_t i = 0; i < hosts->len; i++) {
		const struct host_grant *host = &hosts->items[i];
		const char *text = host_grant_host(&arena, host);

		for (size_t j = 0; j < host->ports_len; j++)
			text = arena_printf(&arena, "%s%c%s", text, j ? ',' : ':',
					    host_grant_ports(&arena, host, j));
		json_array_append_new(array, json_text(text));
	}
	arena_free(&arena);
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

const char *json_event(const struct broker_event *event, json_t **ret_fields)
{
	switch ((enum broker_event_kind)event->kind) {
	case EVENT_DNS:
		*ret_fields = json_pack("{s:o, s:o}", "name", json_text(event->what), "count",
					number(event->count));
		return "dns";
	case EVENT_CONNECTED:
		*ret_fields = json_pack("{s:o, s:i}", "host", json_text(event->what), "port",
					(int)event->port);
		return "connect";
	case EVENT_CLOSED:
		*ret_fields = json_pack(
			"{s:o, s:i, s:o, s:o, s:o}", "host", json_text(event->what), "port",
			(int)event->port, "up_bytes", number(event->up_bytes), "down_bytes",
			number(event->down_bytes), "duration_ms", number(event->duration_ms));
		return "connect";
	case EVENT_SECRET:
		*ret_fields = json_pack("{s:o, s:o}", "secret", json_text(event->what), "host",
					json_text(event->grant));
		return "secret";
	case EVENT_MORE:
		*ret_fields = json_pack("{s:o, s:i, s:o, s:o, s:o}", "host", json_text(event->what),
					"port", (int)event->port, "count", number(event->count),
					"up_bytes", number(event->up_bytes), "down_bytes",
					number(event->down_bytes));
		return "connect";
	case EVENT_FAILED:
	case EVENT_REFUSED:
	case EVENT_TOTAL:
	case EVENT__N:
		break;
	}
	return NULL;
}
