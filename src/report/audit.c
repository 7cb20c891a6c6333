/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit log: see audit.h. */
#include "report/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/paths.h"
#include "report/json.h"
#include "report/network_json.h"
#include "report/refusal_json.h"

static int make_directories(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		int r = mkdir(path, 0700);
		*at = '/';
		if (r < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

int audit_open(struct arena *arena, const struct profile *profile, const struct hostfacts *facts,
	       int *ret_fd, struct err *reterr)
{
	const char *file = profile->audit_file;
	struct result_target target;

	*ret_fd = -1;
	if (!file)
		return 0;
	if (strncmp(file, "fd:", 3) == 0) {
		int r = result_open(file, &target, reterr);
		if (r == 0)
			*ret_fd = target.fd;
		return r;
	}
	const char *base = facts->cwd;
	if (file[0] == '~' && (file[1] == '/' || !file[1])) {
		base = facts->home;
		file += file[1] ? 2 : 1;
	}
	char *path = path_absolute(arena, base, file);
	int r = make_directories(path);
	/* Without O_NONBLOCK a fifo that nobody reads would hold us for ever. */
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = r < 0 ? r : open(path, flags, 0600);
	if (fd < 0)
		return err_set(reterr, E_SYSTEM, r < 0 ? -r : errno, "open the audit log", path);
	*ret_fd = fd;
	return 0;
}

int audit_check(struct arena *arena, const struct plan *plan, int fd, struct err *reterr)
{
	char link[64], path[4096];

	if (fd < 0)
		return 0;
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0)
		return 0; /* no /proc outside: only the mounts of the plan could tell */
	path[n] = '\0';
	(void)arena;
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind == STEP_BIND && (step->flags & STEP_WRITABLE) && path[0] == '/' &&
		    path_is_within(path, step->host_path))
			return err_msg(reterr, E_GRANT,
				       "the audit log '%s' lies in the writable grant '%s'; put it "
				       "where the box cannot write",
				       path, step->host_path);
	}
	return 0;
}

static int write_line(int fd, json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	int r = 0;

	json_decref(line);
	if (!text)
		return -ENOMEM;
	text[len] = '\n'; /* in place of the terminator */
	if (write(fd, text, len + 1) != (ssize_t)len + 1)
		r = errno ? -errno : -EIO;
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
	struct arena arena = { 0 };

	for (size_t i = 0; i < network->grants.len; i++) {
		const struct host_grant *grant = &network->grants.items[i];
		json_t *ports = json_array();

		for (size_t j = 0; j < grant->ports_len; j++)
			json_array_append_new(ports,
					      json_string(host_grant_ports(&arena, grant, j)));
		json_array_append_new(grants,
				      json_pack("{s:o, s:o, s:s, s:b}", "host",
						json_text(host_grant_host(&arena, grant)), "ports",
						ports, "tls", grant->tls_any ? "any" : "required",
						"private", (int)grant->is_private));
	}
	for (size_t i = 0; i < network->publish_len; i++) {
		const struct publish *publish = &network->publish[i];
		char text[INET6_ADDRSTRLEN];

		json_array_append_new(grants,
				      json_pack("{s:i, s:s, s:i}", "publish", publish->port,
						"address", address_format(&publish->address, text),
						"box_port", publish->box_port));
	}
	arena_free(&arena);
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

int audit_start(int fd, const struct plan *plan)
{
	if (fd < 0)
		return 0;
	json_t *line = make_line("start", plan);
	json_t *grants = json_array();

	add_paths(grants, plan);
	add_network(grants, &plan->network);
	add_variables(grants, &plan->env);
	add_words(grants, "syscall", &plan->profile->syscalls_allow);
	add_words(grants, "degraded", &plan->profile->allow_degraded);
	json_object_set_new(line, "profile", json_text(plan->profile->name));
	json_object_set_new(line, "profile_sha256", json_string(plan->profile->sha256));
	json_object_set_new(line, "code_sha256", code_sha256(plan));
	json_object_set_new(line, "command", json_words(plan->argv.items));
	json_object_set_new(line, "grants", grants);
	return write_line(fd, line);
}

int audit_published(int fd, const struct plan *plan, const uint16_t *ports)
{
	if (fd < 0)
		return 0;
	json_t *line = make_line("publish", plan);

	json_object_set_new(line, "published", json_published(plan, ports));
	return write_line(fd, line);
}

static int write_event(int fd, const struct plan *plan, const char *event, const char *verdict,
		       json_t *fields)
{
	json_t *line = make_line(event, plan);

	json_object_set_new(line, "verdict", json_string(verdict));
	(void)json_object_update(line, fields);
	json_decref(fields);
	return write_line(fd, line);
}

int audit_event(int fd, const struct plan *plan, const struct broker_event *event)
{
	json_t *fields;
	const char *name = fd < 0 ? NULL : json_event(event, &fields);

	return name ? write_event(fd, plan, name, "allowed", fields) : 0;
}

int audit_refused(int fd, const struct plan *plan, const struct refusal *refusal)
{
	return fd < 0 ? 0
		      : write_event(fd, plan, refusal_event(refusal), "denied",
				    json_refusal_event(refusal));
}

int audit_end(int fd, const struct run_facts *facts)
{
	enum outcome outcome = facts->end->outcome;

	if (fd < 0 || !facts->plan)
		return 0;
	if (outcome == OUTCOME_WALL_LIMIT || outcome == OUTCOME_CPU_LIMIT ||
	    outcome == OUTCOME_MEMORY_LIMIT || outcome == OUTCOME_OUTPUT_LIMIT) {
		json_t *limit = make_line("limit", facts->plan);

		json_object_set_new(limit, "verdict", json_string("denied"));
		json_object_set_new(limit, "limit", json_string(outcome_names[outcome]));
		int r = write_line(fd, limit);
		if (r < 0)
			return r;
	}
	json_t *line = make_line("end", facts->plan);
	json_object_set_new(line, "result", result_build(facts));
	return write_line(fd, line);
}
