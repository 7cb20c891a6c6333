/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what a learning run left behind to findings: see learn.h. Everything
 * that has to be looked up on the host, or in a plan, is looked up here.
 */
#include "cli/learn.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/lists.h"
#include "policy/paths.h"
#include "policy/steps.h"

#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*** Programs ***/

/* Where the command was found: argv[0] is not noted, see observe.c. */
static void add_command(struct learn *learn)
{
	struct arena *arena = &learn->arena;
	const char *name = learn->options.command[0];
	const char *path = learn->watched.plan.path;
	struct strv executed = { 0 };
	char *found = NULL;

	if (strchr(name, '/'))
		found = path_absolute(arena, learn->facts.cwd, name);
	while (!found && *path) {
		size_t len = strcspn(path, ":");
		char *candidate = arena_printf(arena, "%.*s/%s", (int)len, path, name);

		if (len && access(candidate, X_OK) == 0)
			found = path_absolute(arena, "/", candidate);
		path += len + (path[len] == ':');
	}
	if (found) {
		strv_push(arena, &executed, found);
		seen_add(arena, &learn->gathered.seen, found, false, SEEN_EXECUTE | SEEN_READ);
	}
	for (size_t i = 0; i < learn->gathered.executed.len; i++)
		strv_push_new(arena, &executed, learn->gathered.executed.items[i]);
	gather_interpreters(arena, &executed);
	learn->gathered.executed = executed;
}

static bool is_system_program(const char *path)
{
	static const char *const dirs[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64" };

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		if (path_is_below(path, dirs[i]))
			return true;
	}
	return false;
}

/* NAME where the box's PATH finds the same, else the path. */
static char *program_text(struct arena *arena, const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	for (const char *at = SYSTEM_PATH; *at;) {
		size_t len = strcspn(at, ":");
		char *candidate = arena_printf(arena, "%.*s/%s", (int)len, at, name);
		struct stat there, meant;

		if (stat(candidate, &there) == 0) {
			bool is_same = stat(path, &meant) == 0 && there.st_dev == meant.st_dev &&
				       there.st_ino == meant.st_ino;
			return arena_strdup(arena, is_same ? name : path);
		}
		at += len + (at[len] == ':');
	}
	return arena_strdup(arena, path);
}

static bool is_library(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	size_t len = strlen(name);

	return strstr(name, ".so.") || (len > 3 && strcmp(name + len - 3, ".so") == 0) ||
	       (len > 5 && strcmp(name + len - 5, ".node") == 0);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* With a list of programs only system directories hold programs and libraries to load. */
static void find_programs(struct learn *learn)
{
	struct arena *arena = &learn->arena;
	const struct gathered *gathered = &learn->gathered;
	struct findings *findings = &learn->findings;

	for (size_t i = 0; i < gathered->executed.len; i++) {
		const char *path = gathered->executed.items[i];

		if (!is_system_program(path))
			findings->programs_why =
				arena_printf(arena, "%s is none of the system's",
					     place_text(arena, &findings->places, path));
		if (strncmp(strrchr(path, '/') + 1, "python", strlen("python")) == 0)
			findings->ran_python = true;
		strv_push_new(arena, &findings->programs, program_text(arena, path));
	}
	for (size_t i = 0; i < gathered->seen.len; i++) {
		const char *path = gathered->seen.items[i].path;

		if (!gathered->seen.items[i].is_dir && is_library(path) && !is_system_program(path))
			findings->programs_why =
				arena_printf(arena, "%s is a library, and none of the system's",
					     place_text(arena, &findings->places, path));
	}
	/* They start in any order. */
	if (findings->programs.len > 2)
		qsort(findings->programs.items + 1, findings->programs.len - 1,
		      sizeof *findings->programs.items, compare_texts);
	if (gathered->made_program)
		findings->programs_why =
			arena_printf(arena, "%s is executed, and made by the run",
				     place_text(arena, &findings->places, gathered->made_program));
	if (gathered->used_memfd)
		findings->programs_why = "files without a name are made, which may be programs";
	if (gathered->is_cut)
		findings->programs_why = "there was too much to note";
}

/*** Variables ***/

static bool was_given(const struct learn *learn, const char *name)
{
	const struct strv *given = &learn->options.grants.env_pass;

	for (size_t i = 0; i < given->len; i++) {
		if (fnmatch(given->items[i], name, 0) == 0)
			return true;
	}
	return false;
}

/* The argument or file that names the variable, as text for a comment; NULL: none. */
static const char *mention_of(struct learn *learn, const char *name)
{
	struct arena *arena = &learn->arena;

	for (size_t i = 0; i < learn->options.command_len; i++) {
		const char *word = learn->options.command[i];

		if (text_names_variable(word, strlen(word), name))
			return "the command names it";
	}
	const char *file = gather_mention(arena, &learn->gathered.seen, name);
	return file ? arena_printf(arena, "%s names it",
				   place_text(arena, &learn->findings.places, file))
		    : NULL;
}

static void add_variable(struct learn *learn, const char *text, const char *why)
{
	strv_push(&learn->arena, &learn->findings.variables, arena_strdup(&learn->arena, text));
	strv_push(&learn->arena, &learn->findings.variables_why, arena_strdup(&learn->arena, why));
}

static bool needs_path(const struct learn *learn)
{
	for (size_t i = 0; i < learn->findings.programs.len; i++) {
		const char *program = learn->findings.programs.items[i];

		if (program[0] == '/' && !is_system_program(program) &&
		    !path_is_within(program, learn->facts.cwd))
			return true;
	}
	return false;
}

/* That a variable is read shows nowhere; that something used names it is taken for it. */
static void find_variables(struct learn *learn)
{
	const struct profile *grants = &learn->options.grants;
	struct arena *arena = &learn->arena;

	for (size_t i = 0; i < grants->env_pass.len; i++)
		add_variable(learn, grants->env_pass.items[i],
			     "given on the command line of learn");
	for (size_t i = 0; i < learn->view.variables.len; i++) {
		const char *name = learn->view.variables.items[i];
		const char *why = was_given(learn, name) ? NULL : mention_of(learn, name);

		if (strcmp(name, "PATH") == 0)
			why = needs_path(learn) ? "programs are found by it" : NULL;
		if (why)
			add_variable(learn, name, why);
	}
	for (size_t i = 0; i < learn->view.kept_back.len; i++) {
		const char *name = learn->view.kept_back.items[i];

		if (!was_given(learn, name) && mention_of(learn, name))
			lack_add(arena, &learn->findings.refused,
				 arena_printf(arena, "env.pass: %s", name),
				 sensitive_variable_why(name));
	}
	for (size_t i = 0; i < grants->env_set.len; i++) {
		const char *item = grants->env_set.items[i];
		char *name = arena_strndup(arena, item, strcspn(item, "="));
		const char *why = sensitive_variable_why(name);

		if (why)
			lack_add(arena, &learn->findings.refused,
				 arena_printf(arena, "env.set: %s=...", name), why);
		else
			add_variable(learn, item, "given on the command line of learn");
	}
}

/*** Hosts, figures ***/

static const struct host_grant *find_grant(const struct host_grants *grants, const char *host,
					   uint16_t port)
{
	struct address address;

	return address_parse(host, strlen(host), &address)
		       ? hosts_find_address(grants, &address, port)
		       : hosts_find_name(grants, host, port);
}

/* The option that let a connection to a private address through. */
static void add_private(struct learn *learn, const char *host, uint16_t port)
{
	const struct host_list *given = &learn->options.grants.private_hosts;

	for (size_t i = 0; i < given->len; i++) {
		struct host_grant grant;
		const struct host_grants one = { &grant, 1 };
		const char *why;

		if (host_grant_parse(&learn->arena, given->items[i].text, true, &grant, &why) ==
			    0 &&
		    find_grant(&one, host, port))
			host_list_push_new(&learn->arena, &learn->findings.private_hosts,
					   &given->items[i]);
	}
}

static void find_hosts(struct learn *learn)
{
	const struct network_log *log = learn->watched.end.network;
	struct findings *findings = &learn->findings;
	struct arena *arena = &learn->arena;

	if (!log)
		return;
	findings->hosts = arena_alloc(arena, (log->connections_len + 1) * sizeof *findings->hosts);
	for (size_t i = 0; i < log->connections_len; i++) {
		const struct connection_entry *entry = &log->connections[i];
		const struct host_grant *grant =
			find_grant(&learn->watched.plan.network.grants, entry->host, entry->port);

		if (grant && grant->is_private)
			add_private(learn, entry->host, entry->port);
		else if (!find_grant(&learn->extended_plan.network.grants, entry->host,
				     entry->port))
			findings->hosts[findings->hosts_len++] =
				(struct seen_host){ arena_strdup(arena, entry->host), entry->port,
						    entry->count };
	}
}

static void find_refusals(struct learn *learn)
{
	const struct refusal_log *log = learn->watched.end.refusals;
	struct arena *arena = &learn->arena;

	for (size_t i = 0; log && i < log->len; i++) {
		const struct refusal *refusal = &log->entries[i];

		lack_add(arena, &learn->findings.refused,
			 arena_printf(arena, "%s: %s", refusal_names[refusal->kind], refusal->what),
			 refusal->grant[0]
				 ? arena_printf(arena, "if it is meant, add %s", refusal->grant)
				 : "no grant allows it");
	}
}

static int compare_hosts(const void *a, const void *b)
{
	const struct seen_host *x = a, *y = b;
	int order = strcmp(x->host, y->host);

	return order ? order : (x->port > y->port) - (x->port < y->port);
}

static void find_peaks(struct learn *learn)
{
	const struct box_end *end = &learn->watched.end;

	learn->findings.peaks = (struct peaks){
		.memory = end->peak_memory_bytes,
		.cpu_ms = end->cpu_ms,
		.wall_ms = end->wall_ms,
		.processes = end->peak_processes,
		.written = learn->gathered.written,
		.largest = learn->gathered.largest,
		.output = end->output_counted ? end->stdout_bytes + end->stderr_bytes : 0,
	};
}

static void find_notes(struct learn *learn)
{
	const struct box_end *end = &learn->watched.end;
	bool is_bad = end->outcome != OUTCOME_EXITED || end->exit_code != 0;

	if (learn->gathered.is_cut)
		lack_add(&learn->arena, &learn->findings.refused, "files",
			 "there was too much to note: paths are missing");
	/* Programs that ask a name service cache try one, and go on. */
	if (learn->gathered.wanted_unix && is_bad)
		lack_add(&learn->arena, &learn->findings.refused, "sockets of AF_UNIX",
			 "a learning run has none: they would lead to servers of the host");
}

/*** The profile to extend ***/

struct granted learn_granted(void *context, const char *path)
{
	struct learn *learn = context;
	const struct plan *plan = &learn->extended_plan;
	const struct step *in = steps_holder(plan, path);
	const char *shown = steps_host_path(&learn->arena, plan, path);
	struct granted granted = { 0 };

	if (in && in->kind == STEP_BIND && shown && strcmp(shown, path) == 0) {
		granted.read = true;
		granted.write = in->flags & STEP_WRITABLE;
	}
	return granted;
}

static int plan_extended(struct learn *learn, const char *name, struct err *reterr)
{
	const struct request request = { .command = learn->options.command, .stdin_fd = -1 };

	memset(&learn->extended_plan, 0, sizeof learn->extended_plan);
	int r = profile_load(&learn->arena, name, &learn->extended, NULL, reterr);
	if (r == 0)
		r = plan_build(&learn->arena, &learn->extended, &learn->facts, &request,
			       &learn->extended_plan, reterr);
	return r;
}

static bool reaches_registry(const struct learn *learn)
{
	const struct network_log *log = learn->watched.end.network;

	for (size_t i = 0; log && i < log->connections_len; i++) {
		if (find_grant(&learn->extended_plan.network.grants, log->connections[i].host,
			       log->connections[i].port))
			return true;
	}
	return false;
}

/* For work on the directory itself. False: none of them fits. */
static bool extend_work(struct learn *learn)
{
	static const struct {
		const char *name, *why;
	} nearest[] = { { "build", "work in the directory, and registries that you configured" },
			{ "agent", "work in the directory; what later tools trust is protected" } };
	struct err err;

	for (size_t i = 0; i < sizeof nearest / sizeof *nearest; i++) {
		if (plan_extended(learn, nearest[i].name, &err) < 0)
			continue;
		if (findings_touch(&learn->arena, &learn->findings, &learn->extended.protect)) {
			learn->findings.extends_why =
				"agent would protect names that this run makes";
			return false;
		}
		if (strcmp(nearest[i].name, "build") == 0 && !reaches_registry(learn))
			continue;
		learn->findings.extends = nearest[i].name;
		learn->findings.extends_why = nearest[i].why;
		return true;
	}
	return false;
}

static const char *program_profile(const struct learn *learn)
{
	static const struct {
		const char *program, *profile;
	} known[] = { { "python*", "python" }, { "node", "node" },  { "nodejs", "node" },
		      { "sh", "shell" },       { "bash", "shell" }, { "dash", "shell" } };
	const char *name = learn->options.command[0];
	const char *slash = strrchr(name, '/');

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (fnmatch(known[i].program, slash ? slash + 1 : name, 0) == 0)
			return known[i].profile;
	}
	return NULL;
}

static int choose_extended(struct learn *learn, struct err *reterr)
{
	struct findings *findings = &learn->findings;
	const char *given = learn->options.update ? learn->options.update : learn->options.profile;
	const char *program = program_profile(learn);

	findings->is_update = learn->options.update;
	if (given) {
		findings->extends = given;
		findings->extends_why = "given with -p";
	} else if (findings_change_work(&learn->arena, findings) && extend_work(learn)) {
		findings->limits = learn->extended.limits;
		return 0;
	} else {
		findings->extends = program ? program : "base";
		if (!findings->extends_why)
			findings->extends_why = program ? "the nearest for this program"
							: "system directories, /tmp and a home";
	}
	int r = plan_extended(learn, findings->extends, reterr);
	findings->limits = learn->extended.limits;
	return r;
}

/* What the list has already, and that a profile without a list needs none. */
static void drop_programs(struct learn *learn)
{
	struct findings *findings = &learn->findings;
	struct strv missing = { 0 };

	if (learn->extended.exec_set) {
		for (size_t i = 0; i < findings->programs.len; i++) {
			if (!strv_has(&learn->extended.exec, findings->programs.items[i]))
				strv_push(&learn->arena, &missing, findings->programs.items[i]);
		}
		findings->programs = missing;
	} else if (findings->is_update) {
		findings->programs.len = 0;
	}
}

static bool passes(const struct profile *profile, const char *variable)
{
	for (size_t i = 0; i < profile->env_pass.len; i++) {
		if (fnmatch(profile->env_pass.items[i], variable, 0) == 0)
			return true;
	}
	return strv_has(&profile->env_set, variable);
}

static void drop_variables(struct learn *learn)
{
	struct findings *findings = &learn->findings;
	struct strv variables = { 0 }, why = { 0 };

	for (size_t i = 0; i < findings->variables.len; i++) {
		if (passes(&learn->extended, findings->variables.items[i]))
			continue;
		strv_push(&learn->arena, &variables, findings->variables.items[i]);
		strv_push(&learn->arena, &why, findings->variables_why.items[i]);
	}
	findings->variables = variables;
	findings->variables_why = why;
}

/*** The whole ***/

int learn_find(struct learn *learn, struct err *reterr)
{
	struct arena *arena = &learn->arena;
	struct findings *findings = &learn->findings;
	char *command = arena_strdup(arena, learn->options.command[0]);

	for (size_t i = 1; i < learn->options.command_len; i++)
		command = arena_printf(arena, "%s %s", command, learn->options.command[i]);
	findings->command = command;
	findings->places = (struct learn_places){ learn->facts.cwd, learn->facts.home };
	findings->secrets = &learn->view.secrets;
	gather_notes(arena, &findings->places, learn->watched.notes, learn->watched.notes_len,
		     &learn->gathered);
	int r = gather_layers(arena, &learn->watched.plan, learn->watched.layers_fd,
			      &learn->gathered);
	if (r < 0)
		return err_set(reterr, E_SYSTEM, -r, "look at", "what the command wrote");
	add_command(learn);
	seen_settle(&learn->gathered.seen);
	findings->seen = learn->gathered.seen;
	findings->names = learn->gathered.names;
	find_programs(learn);
	find_variables(learn);
	find_peaks(learn);
	find_refusals(learn);
	find_notes(learn);
	r = choose_extended(learn, reterr);
	if (r < 0)
		return r;
	find_hosts(learn);
	if (findings->hosts_len)
		qsort(findings->hosts, findings->hosts_len, sizeof *findings->hosts, compare_hosts);
	drop_programs(learn);
	drop_variables(learn);
	return 0;
}
