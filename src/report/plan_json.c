/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as JSON: see plan_json.h. */
#include "report/plan_json.h"

#include <errno.h>
#include <string.h>

#include "box/seccomp/syscalls.h"
#include "policy/schema.h"
#include "report/bindings_json.h"
#include "report/json.h"
#include "report/network_json.h"

static const char *step_kind(const struct step *step)
{
	switch (step->kind) {
	case STEP_SYMLINK:
		return "link";
	case STEP_FILE:
	case STEP_COVER:
		return "generated";
	case STEP_PRIVATE:
		return "private";
	case STEP_BIND:
		return (step->flags & STEP_WRITABLE) ? "write" : "read";
	case STEP_MASK:
	case STEP_ABSENT:
		return "hide";
	case STEP_DEVICE:
		return "device";
	case STEP_PROC:
		return "proc";
	case STEP_DEVPTS:
		return "devpts";
	case STEP_SOCKET:
		return "socket";
	case STEP_DIR:
		break;
	}
	return NULL; /* a directory on the way to something else */
}

static json_t *files_array(const struct plan *plan)
{
	json_t *files = json_array();

	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];
		const char *kind = step_kind(step);

		if (!kind || (step->flags & STEP_PIN))
			continue;
		json_t *file = json_object();
		json_object_set_new(file, "path", json_text(step->box_path));
		json_object_set_new(file, "kind", json_string(kind));
		if (step->kind == STEP_BIND)
			json_object_set_new(file, "source", json_text(step->host_path));
		if (step->kind == STEP_SYMLINK)
			json_object_set_new(file, "target", json_text(step->text));
		if (step->flags & STEP_PROTECTED)
			json_object_set_new(file, "protected", json_true());
		if (step->flags & STEP_NOEXEC)
			json_object_set_new(file, "noexec", json_true());
		if (step->flags & STEP_IDMAP)
			json_object_set_new(file, "idmapped", json_true());
		json_object_set_new(file, "from", json_text(step->why));
		json_array_append_new(files, file);
	}
	return files;
}

static json_t *limit(uint64_t value)
{
	return value >= LIMIT_NONE ? json_null() : json_integer((json_int_t)value);
}

static json_t *limits_object(const struct limits *limits)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}",
			 "memory_bytes", limit(limits->memory), "cpu_ms", limit(limits->cpu_ms),
			 "wall_ms", limit(limits->wall_ms), "grace_ms", limit(limits->grace_ms),
			 "processes", limit(limits->processes), "tmp_bytes", limit(limits->tmp),
			 "file_size_bytes", limit(limits->file_size), "disk_bytes",
			 limit(limits->disk), "output_bytes", limit(limits->output), "keep",
			 keep_names[limits->keep], "open_files", limit(limits->open_files),
			 "cpus_thousandths", limit(limits->cpus), "io_weight",
			 limit(limits->io_weight));
}

static json_t *input_object(const struct profile *profile)
{
	return json_pack("{s:o, s:s, s:o}", "max_size_bytes", limit(profile->input_max_size),
			 "encoding", profile->input_encoding == ENCODING_ANY ? "any" : "utf-8",
			 "check", json_words(profile->input_check.items));
}

/* The grants of network.hosts, or of network.private. */
static json_t *grants_array(const struct host_grants *grants, bool is_private)
{
	json_t *array = json_array();

	for (size_t i = 0; i < grants->len; i++) {
		const struct host_grant *grant = &grants->items[i];

		if (grant->is_private != is_private)
			continue;
		json_t *object = json_host_grant(grant);
		json_object_set_new(object, "from", json_text(grant->why));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *network_object(const struct plan_network *network)
{
	json_t *publish = json_array();

	for (size_t i = 0; i < network->publish_len; i++) {
		const struct publish *item = &network->publish[i];
		char address[INET6_ADDRSTRLEN];

		json_array_append_new(publish,
				      json_pack("{s:s, s:i, s:i, s:o}", "address",
						address_format(&item->address, address), "port",
						(int)item->port, "box_port", (int)item->box_port,
						"from", json_text(item->why)));
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "hosts", grants_array(&network->grants, false),
			 "private", grants_array(&network->grants, true), "publish", publish,
			 "notes", json_words(network->registry_notes.items));
}

/* Never a value: there is none. */
static json_t *secrets_array(const struct plan_gateway *gateway)
{
	json_t *array = json_array();

	for (size_t i = 0; i < gateway->secrets_len; i++) {
		const struct secret *secret = &gateway->secrets[i];
		json_t *also = json_array();

		if (secret->places & SECRET_IN_URL)
			json_array_append_new(also, json_string("url"));
		if (secret->places & SECRET_IN_BODY)
			json_array_append_new(also, json_string("body"));
		json_array_append_new(
			array,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
				  json_text(secret->name), "source", json_text(secret->shown),
				  "hosts", json_hosts(&secret->hosts), "header",
				  secret->header ? json_text(secret->header) : json_null(),
				  "methods", json_words(secret->methods.items), "paths",
				  json_words(secret->paths.items), "prefix",
				  json_text(secret->prefix), "also", also, "from",
				  json_text(secret->why)));
	}
	return array;
}

static json_t *http_array(const struct http_list *rules)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rules->len; i++)
		json_array_append_new(array, json_text(rules->items[i].text));
	return array;
}

int plan_print_json(const struct plan *plan, FILE *out)
{
	const struct profile *profile = plan->profile;
	json_t *object = json_object();

	json_object_set_new(object, "version", json_integer(1));
	json_object_set_new(object, "profile", json_text(profile->name));
	json_object_set_new(object, "description",
			    profile->description ? json_text(profile->description) : json_null());
	json_object_set_new(object, "profile_sha256", json_text(profile->sha256));
	json_object_set_new(object, "interpreter", json_words(profile->interpreter.items));
	json_object_set_new(object, "command", json_words(plan->argv.items));
	json_object_set_new(object, "cwd", json_text(plan->cwd));
	json_object_set_new(object, "home", json_text(plan->home));
	json_object_set_new(object, "uid", json_integer(plan->inside_uid));
	json_object_set_new(object, "gid", json_integer(plan->inside_gid));
	json_object_set_new(object, "files", files_array(plan));
	json_object_set_new(object, "protect",
			    json_words(plan->protect ? plan->protect->items : NULL));
	json_object_set_new(object, "exec",
			    plan->has_exec_list ? json_words(plan->exec.items) : json_null());
	json_object_set_new(object, "env", json_words(plan->env.items));
	json_object_set_new(object, "network", network_object(&plan->network));
	json_object_set_new(object, "bindings", json_plan_bindings(plan));
	json_object_set_new(object, "http", http_array(&profile->http));
	json_object_set_new(object, "secrets", secrets_array(&plan->gateway));
	json_object_set_new(object, "limits", limits_object(&plan->limits));
	json_object_set_new(object, "syscalls",
			    json_pack("{s:o, s:o, s:s}", "allow",
				      json_words(profile->syscalls_allow.items), "deny",
				      json_words(profile->syscalls_deny.items), "seccomp_sha256",
				      plan->filter->sha256));
	json_object_set_new(object, "input", input_object(profile));
	json_object_set_new(object, "audit",
			    profile->audit_file ? json_text(profile->audit_file) : json_null());
	if (profile->audit_journal == FLIP_ON)
		json_object_set_new(object, "audit_journal", json_true());
	json_object_set_new(object, "allow_degraded", json_words(profile->allow_degraded.items));
	int r = json_dumpf(object, out, JSON_INDENT(2));
	json_decref(object);
	return r < 0 || fputc('\n', out) == EOF ? -EIO : 0;
}
