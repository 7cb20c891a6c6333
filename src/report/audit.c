/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log: see audit.h. */
#include "report/audit.h"

#include <errno.h>
#include <jansson.h>
#include <sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "policy/bindings.h"
#include "report/bindings_json.h"
#include "report/json.h"
#include "report/network_json.h"
#include "report/refusal_json.h"

bool audit_is_on(const struct audit *audit)
{
	return audit->sink.fd >= 0 || audit->journal.fd >= 0;
}

int audit_open(struct arena *arena, const struct plan *plan, struct audit *ret_audit,
	       struct err *reterr)
{
	struct audit audit = AUDIT_NONE;
	const char *file = plan->profile->audit_file;
	int r = 0;

	audit.plan = plan;
	if (file)
		r = sink_open(arena, plan, file, &audit.sink, reterr);
	if (r == 0 && plan->profile->audit_journal == FLIP_ON)
		r = journal_open(&audit.journal, reterr);
	if (r < 0) {
		audit_close(&audit);
		return r;
	}
	*ret_audit = audit;
	return 0;
}

void audit_close(struct audit *audit)
{
	sink_close(&audit->sink);
	journal_close(&audit->journal);
}

/*** Lines ***/

/* As it stands in the line. Both are words of ours. */
static const char *text_of(const json_t *line, const char *name)
{
	return json_string_value(json_object_get(line, name));
}

static int to_journal(const struct audit *audit, const json_t *line, const char *text, size_t len)
{
	const char *verdict = text_of(line, "verdict");
	char fields[160];

	(void)snprintf(fields, sizeof fields, "AISBX_RUN=%s\nAISBX_EVENT=%s\nAISBX_VERDICT=%s\n",
		       audit->plan->run, text_of(line, "event"), verdict);
	return journal_write(&audit->journal,
			     strcmp(verdict, "denied") == 0 ? LOG_NOTICE : LOG_INFO, fields, text,
			     len);
}

/* To both, also when the first fails. Takes line. */
static int write_line(struct audit *audit, json_t *line, struct err *reterr)
{
	char *text = json_dumps(line, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	int r = text ? 0 : err_set(reterr, E_SYSTEM, ENOMEM, "write", "the audit log"), error = 0;

	if (text && audit->journal.fd >= 0)
		error = to_journal(audit, line, text, len);
	if (error < 0)
		r = err_set(reterr, E_SYSTEM, -error, "write the audit log to", "the journal");
	if (text && audit->sink.fd >= 0) {
		text[len] = '\n'; /* in place of the terminator */
		error = sink_write(&audit->sink, text, len + 1);
		if (error < 0)
			r = err_set(reterr, E_SYSTEM, -error, "write the audit log",
				    audit->sink.path);
	}
	json_decref(line);
	free(text);
	return r;
}

static json_t *make_line(const char *event, const struct plan *plan)
{
	struct timespec now;
	struct tm utc;
	char stamp[40], full[64];

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
	(void)gmtime_r(&now.tv_sec, &utc);
	(void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(full, sizeof full, "%s.%03ldZ", stamp, now.tv_nsec / 1000000);
	return json_pack("{s:s, s:s, s:s, s:s}", "ts", full, "run", plan->run, "event", event,
			 "verdict", "allowed");
}

/*** What the box gets ***/

static void add_paths(json_t *grants, const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind != STEP_BIND || (step->flags & STEP_PIN))
			continue;
		json_array_append_new(
			grants,
			json_pack("{s:o, s:o}", (step->flags & STEP_WRITABLE) ? "write" : "read",
				  json_text(step->host_path), "at", json_text(step->box_path)));
	}
}

static void add_network(json_t *grants, const struct plan_network *network)
{
	for (size_t i = 0; i < network->grants.len; i++) {
		json_t *object = json_host_grant(&network->grants.items[i]);

		json_object_set_new(object, "private",
				    json_boolean(network->grants.items[i].is_private));
		json_array_append_new(grants, object);
	}
	for (size_t i = 0; i < network->publish_len; i++) {
		const struct publish *publish = &network->publish[i];
		char text[INET6_ADDRSTRLEN];

		json_array_append_new(grants,
				      json_pack("{s:i, s:s, s:i}", "publish", publish->port,
						"address", address_format(&publish->address, text),
						"box_port", publish->box_port));
	}
}

static void add_bindings(json_t *grants, const struct plan_bindings *bindings)
{
	for (size_t i = 0; i < bindings->len; i++)
		json_array_append_new(grants, json_pack("{s:s, s:o}", "binding",
							bindings->items[i].name, "command",
							json_words(bindings->items[i].argv.items)));
}

static void add_gateway(json_t *grants, const struct plan *plan)
{
	const struct plan_gateway *gateway = &plan->gateway;

	for (size_t i = 0; i < gateway->secrets_len; i++)
		json_array_append_new(grants,
				      json_pack("{s:o, s:o, s:o}", "secret",
						json_text(gateway->secrets[i].name), "source",
						json_text(gateway->secrets[i].shown), "hosts",
						json_hosts(&gateway->secrets[i].hosts)));
	for (size_t i = 0; i < plan->profile->http.len; i++)
		json_array_append_new(
			grants,
			json_pack("{s:o}", "http", json_text(plan->profile->http.items[i].text)));
}

/* Names only: values may be secrets. */
static void add_variables(json_t *grants, const struct strv *env)
{
	struct arena arena = { 0 };

	for (size_t i = 0; i < env->len; i++) {
		const char *item = env->items[i];

		json_array_append_new(
			grants,
			json_pack("{s:o}", "env",
				  json_text(arena_strndup(&arena, item, strcspn(item, "=")))));
	}
	arena_free(&arena);
}

static void add_words(json_t *grants, const char *kind, const struct strv *words)
{
	for (size_t i = 0; i < words->len; i++)
		json_array_append_new(grants, json_pack("{s:o}", kind, json_text(words->items[i])));
}

static json_t *code_sha256(const struct plan *plan)
{
	char hex[SHA256_DIGEST_STRING_LENGTH];

	if (!plan->code)
		return json_null();
	return json_string(SHA256Data((const uint8_t *)plan->code, plan->code_len, hex));
}

int audit_start(struct audit *audit, struct err *reterr)
{
	const struct plan *plan = audit->plan;

	if (!audit_is_on(audit))
		return 0;
	json_t *line = make_line("start", plan);
	json_t *grants = json_array();

	add_paths(grants, plan);
	add_network(grants, &plan->network);
	add_bindings(grants, &plan->bindings);
	add_gateway(grants, plan);
	add_variables(grants, &plan->env);
	add_words(grants, "syscall", &plan->profile->syscalls_allow);
	add_words(grants, "degraded", &plan->profile->allow_degraded);
	json_object_set_new(line, "profile", json_text(plan->profile->name));
	json_object_set_new(line, "profile_sha256", json_string(plan->profile->sha256));
	json_object_set_new(line, "code_sha256", code_sha256(plan));
	json_object_set_new(line, "command", json_words(plan->argv.items));
	json_object_set_new(line, "grants", grants);
	return write_line(audit, line, reterr);
}

int audit_published(struct audit *audit, const uint16_t *ports, struct err *reterr)
{
	if (!audit_is_on(audit))
		return 0;
	json_t *line = make_line("publish", audit->plan);

	json_object_set_new(line, "published", json_published(audit->plan, ports));
	return write_line(audit, line, reterr);
}

static int write_event(struct audit *audit, const char *event, const char *verdict, json_t *fields,
		       struct err *reterr)
{
	json_t *line = make_line(event, audit->plan);

	json_object_set_new(line, "verdict", json_string(verdict));
	(void)json_object_update(line, fields);
	json_decref(fields);
	return write_line(audit, line, reterr);
}

int audit_event(struct audit *audit, const struct broker_event *event, struct err *reterr)
{
	json_t *fields;
	const char *name = audit_is_on(audit) ? json_event(event, &fields) : NULL;

	return name ? write_event(audit, name, "allowed", fields, reterr) : 0;
}

int audit_call(struct audit *audit, const struct call_record *record, struct err *reterr)
{
	bool is_denied;

	if (!audit_is_on(audit))
		return 0;
	json_t *fields = json_call(audit->plan, record, &is_denied);
	return write_event(audit, "binding", is_denied ? "denied" : "allowed", fields, reterr);
}

int audit_refused(struct audit *audit, const struct refusal *refusal, struct err *reterr)
{
	return !audit_is_on(audit) ? 0
				   : write_event(audit, refusal_event(refusal), "denied",
						 json_refusal_event(refusal), reterr);
}

int audit_end(struct audit *audit, const struct run_facts *facts, struct err *reterr)
{
	enum outcome outcome = facts->end->outcome;

	if (!audit_is_on(audit))
		return 0;
	if (outcome == OUTCOME_WALL_LIMIT || outcome == OUTCOME_CPU_LIMIT ||
	    outcome == OUTCOME_MEMORY_LIMIT || outcome == OUTCOME_OUTPUT_LIMIT ||
	    outcome == OUTCOME_DISK_LIMIT) {
		json_t *limit = make_line("limit", facts->plan);

		json_object_set_new(limit, "verdict", json_string("denied"));
		json_object_set_new(limit, "limit", json_string(outcome_names[outcome]));
		int r = write_line(audit, limit, reterr);
		if (r < 0)
			return r;
	}
	json_t *line = make_line("end", facts->plan);
	json_object_set_new(line, "result", result_build(facts));
	return write_line(audit, line, reterr);
}
