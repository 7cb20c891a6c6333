/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aisbx show: the plan, for a person who approves it or a program that compares it. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/load.h"
#include "policy/bindings.h"
#include "policy/plan.h"
#include "policy/schema.h"
#include "policy/units.h"
#include "policy/words.h"
#include "report/plan_json.h"

enum {
	LABEL_COLUMNS = 11,
	WIDTH = 79,
};

/*** Text ***/

static void label(const char *text)
{
	printf("%-*s", LABEL_COLUMNS, text);
}

/* A path or word can hold what would look like another line of ours, or move the cursor. */
static void put(const char *text)
{
	print_printable(stdout, text);
}

/* One path of the box, with its source where that differs and where it was written. */
static void print_step(const char *name, const struct step *step)
{
	label(name);
	put(step->box_path);
	if (step->host_path && strcmp(step->host_path, step->box_path) != 0) {
		printf("  <- ");
		put(step->host_path);
	}
	if (step->kind == STEP_SYMLINK) {
		printf(" -> ");
		put(step->text);
	}
	printf("  (");
	put(step->why);
	printf(")\n");
}

static bool is_grant(const struct step *step)
{
	return (step->kind == STEP_BIND || (step->flags & STEP_OPENED)) &&
	       !(step->flags & (STEP_PIN | STEP_PART));
}

static bool is_from_base(const struct step *step)
{
	static const char base[] = "<built-in>/base.yaml:";

	return strncmp(step->why, base, sizeof base - 1) == 0 || strcmp(step->why, "aisbx") == 0;
}

/* The system directories of `base` on one line; everything else on a line of its own. */
static void print_reads(const struct plan *plan)
{
	bool any = false;

	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];
		bool shown =
			(is_grant(step) && !(step->flags & STEP_WRITABLE)) ||
			(step->kind == STEP_SYMLINK && strncmp(step->box_path, "/dev/", 5) != 0);

		if (!shown || !is_from_base(step))
			continue;
		if (!any)
			label("reads");
		printf("%s%s", any ? "  " : "", step->box_path);
		any = true;
	}
	if (any)
		printf("  (system)\n");
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (is_grant(step) && !(step->flags & STEP_WRITABLE) && !is_from_base(step))
			print_step("reads", step);
	}
}

static void print_hidden(const struct plan *plan)
{
	const struct path_list *hide = &plan->profile->hide;

	for (size_t i = 0; i < hide->len; i++) {
		label("hides");
		put(hide->items[i].source);
		printf("  (");
		put(hide->items[i].at.file);
		printf(")\n");
	}
}

static void print_files(const struct plan *plan)
{
	print_reads(plan);
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (is_grant(step) && (step->flags & STEP_WRITABLE))
			print_step("WRITES", step);
	}
	print_hidden(plan);
	label("private");
	for (size_t i = 0, n = 0; i < plan->steps_len; i++) {
		if (plan->steps[i].kind == STEP_PRIVATE) {
			printf("%s", n++ ? "  " : "");
			put(plan->steps[i].box_path);
		}
	}
	char size[32];
	units_format_size(plan->limits.tmp, size, sizeof size);
	printf("  (in memory, %s together)\n", size);
}

/* Words after a label, wrapped. */
static void print_words(const char *name, char *const *words, size_t len, const char *when_empty)
{
	size_t column = LABEL_COLUMNS;

	label(name);
	for (size_t i = 0; i < len; i++) {
		size_t width = strlen(words[i]);

		if (column > LABEL_COLUMNS && column + 1 + width > WIDTH) {
			printf("\n%*s", LABEL_COLUMNS, "");
			column = LABEL_COLUMNS;
		} else if (column > LABEL_COLUMNS) {
			putchar(' ');
			column++;
		}
		put(words[i]);
		column += width;
	}
	printf("%s\n", len ? "" : when_empty);
}

static void print_limits(const struct plan *plan)
{
	const struct limits *limits = &plan->limits;
	const struct {
		const char *name;
		uint64_t value;
		void (*format)(uint64_t value, char *buf, size_t size);
	} table[] = {
		{ "memory", limits->memory, units_format_size },
		{ "cpu", limits->cpu_ms, units_format_time },
		{ "cpus", limits->cpus, units_format_share },
		{ "wall", limits->wall_ms, units_format_time },
		{ "processes", limits->processes, NULL },
		{ "file", limits->file_size, units_format_size },
		{ "disk", limits->disk, units_format_size },
		{ "output", limits->output, units_format_size },
		{ "open files", limits->open_files, NULL },
		{ "io weight", limits->io_weight, NULL },
	};

	label("limits");
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char text[32];

		if (table[i].value >= LIMIT_NONE)
			(void)snprintf(text, sizeof text, "none");
		else if (table[i].format)
			table[i].format(table[i].value, text, sizeof text);
		else
			(void)snprintf(text, sizeof text, "%llu",
				       (unsigned long long)table[i].value);
		printf("%s%s %s", i ? ", " : "", table[i].name, text);
		if (strcmp(table[i].name, "output") == 0 && limits->keep & KEEP_TAIL)
			printf(" (%s kept)", keep_names[limits->keep]);
	}
	putchar('\n');
}

static void print_environment(const struct plan *plan)
{
	struct arena arena = { 0 };
	struct strv names = { 0 };

	/* Names only: values may be secrets, and --json has them for who needs them. */
	for (size_t i = 0; i < plan->env.len; i++)
		strv_push(&arena, &names,
			  arena_strndup(&arena, plan->env.items[i],
					strcspn(plan->env.items[i], "=")));
	print_words("variables", names.items, names.len, "none");
	arena_free(&arena);
}

static void print_syscalls(const struct plan *plan)
{
	const struct profile *profile = plan->profile;

	if (profile->syscalls_allow.len == 0 && profile->syscalls_deny.len == 0) {
		label("syscalls");
		printf("default allowlist\n");
	}
	if (profile->syscalls_allow.len)
		print_words("syscalls +", profile->syscalls_allow.items,
			    profile->syscalls_allow.len, "");
	if (profile->syscalls_deny.len)
		print_words("syscalls -", profile->syscalls_deny.items, profile->syscalls_deny.len,
			    "");
}

static void print_grant(struct arena *arena, const struct host_grant *grant)
{
	printf("%s:", host_grant_host(arena, grant));
	for (size_t i = 0; i < grant->ports_len; i++)
		printf("%s%s", i ? "," : "", host_grant_ports(arena, grant, i));
	printf("%s%s  (%s)\n", grant->is_private ? "  PRIVATE ADDRESSES" : "",
	       grant->tls_any ? "  TLS NOT CHECKED" : "", grant->why);
}

static void print_publish(const struct publish *publish)
{
	char address[INET6_ADDRSTRLEN];
	bool is_v4 = address_is_v4(&publish->address);

	printf("%s%s%s:", is_v4 ? "" : "[", address_format(&publish->address, address),
	       is_v4 ? "" : "]");
	if (publish->port)
		printf("%d", publish->port);
	else
		printf("(a free port)");
	printf(" -> %d  (%s)\n", publish->box_port, publish->why);
}

static void print_network(const struct plan *plan)
{
	const struct plan_network *network = &plan->network;
	struct arena arena = { 0 };

	if (network->grants.len == 0)
		print_words("network", NULL, 0, "none");
	for (size_t i = 0; i < network->grants.len; i++) {
		label(i ? "" : "network");
		print_grant(&arena, &network->grants.items[i]);
	}
	for (size_t i = 0; i < network->publish_len; i++) {
		label(i ? "" : "publishes");
		print_publish(&network->publish[i]);
	}
	arena_free(&arena);
	for (size_t i = 0; i < network->registry_notes.len; i++) {
		label(i ? "" : "note");
		printf("%s\n", network->registry_notes.items[i]);
	}
}

static void print_bindings(const struct plan *plan)
{
	for (size_t i = 0; i < plan->bindings.len; i++) {
		const struct plan_binding *binding = &plan->bindings.items[i];
		char timeout[32] = "none", input[32], output[32] = "none";

		if (binding->timeout_ms != LIMIT_NONE)
			units_format_time(binding->timeout_ms, timeout, sizeof timeout);
		if (binding->max_output != LIMIT_NONE)
			units_format_size(binding->max_output, output, sizeof output);
		units_format_size(binding->max_input, input, sizeof input);
		label(i ? "" : "CALLS");
		put(binding->name);
		printf(binding->program ? " ->" : " -> the audit log");
		for (size_t j = 0; j < binding->argv.len; j++) {
			putchar(' ');
			put(j ? binding->argv.items[j] : binding->program);
		}
		printf("%s%s  (", binding->args == BINDING_ARGS_APPEND ? " -- ARG..." : "",
		       binding->schema || binding->check_program ? ", checked" : "");
		printf("%s, in %s, out %s", timeout, input, output);
		if (binding->max_calls != LIMIT_NONE)
			printf(", %llu calls", (unsigned long long)binding->max_calls);
		printf("; %s)\n", binding->why);
	}
}

static void print_gateway(const struct plan *plan)
{
	const struct plan_gateway *gateway = &plan->gateway;
	const struct http_list *rules = &plan->profile->http;
	struct arena arena = { 0 };

	for (size_t i = 0; i < rules->len; i++) {
		label(i ? "" : "http");
		put(rules->items[i].text);
		printf("  (%s)\n", origin_text(&arena, &rules->items[i].at));
	}
	for (size_t i = 0; i < gateway->secrets_len; i++) {
		const struct secret *secret = &gateway->secrets[i];

		label(i ? "" : "SECRETS");
		printf("%s <- ", secret->name);
		put(secret->shown);
		for (size_t j = 0; j < secret->hosts.len; j++)
			printf("%s%s", j ? ", " : "  for ",
			       host_grant_host(&arena, &secret->hosts.items[j]));
		if (secret->header) {
			printf(", as '");
			put(secret->header);
			putchar('\'');
		}
		printf("%s%s  (%s)\n", secret->places & SECRET_IN_URL ? ", in URLs" : "",
		       secret->places & SECRET_IN_BODY ? ", in bodies" : "", secret->why);
		if (secret->methods.len)
			print_words("", secret->methods.items, secret->methods.len, "");
		if (secret->paths.len)
			print_words("", secret->paths.items, secret->paths.len, "");
	}
	arena_free(&arena);
}

static void print_plan(const struct plan *plan)
{
	const struct profile *profile = plan->profile;
	const struct strv *degraded = &profile->allow_degraded;

	label("profile");
	put(profile->name);
	if (profile->description) {
		printf(": ");
		put(profile->description);
	}
	putchar('\n');
	print_words("runs", plan->argv.items, plan->argv.len, "(a command given to run)");
	label("in");
	put(plan->cwd);
	putchar('\n');
	print_files(plan);
	if (plan->protect)
		print_words("protects", plan->protect->items, plan->protect->len, "");
	if (plan->has_exec_list)
		print_words("executes", plan->exec.items, plan->exec.len, "nothing");
	else
		print_words("executes", NULL, 0, "any visible program");
	print_network(plan);
	print_bindings(plan);
	print_gateway(plan);
	print_environment(plan);
	print_limits(plan);
	print_syscalls(plan);
	if (degraded->len)
		print_words("WITHOUT", degraded->items, degraded->len, "");
}

/*** Command ***/

int cmd_show(int argc, char **argv)
{
	struct arena arena = { 0 };
	struct options options;
	struct hostfacts facts;
	struct profile profile;
	struct plan plan;
	struct err err;

	if (hostfacts_read(&arena, environ, &facts, &err) < 0 ||
	    options_parse(&arena, argc, argv, FOR_SHOW, &options, &err) < 0 ||
	    load_plan(&arena, &options, &facts, &profile, &plan, &err) < 0)
		return print_failure(&err);
	int status = 0;
	if (options.json)
		status = plan_print_json(&plan, stdout) < 0 ? EXIT_AISBX : 0;
	else
		print_plan(&plan);
	arena_free(&arena);
	return status;
}
