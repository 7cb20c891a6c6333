/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan's bindings: see bindings.h.
 *
 * What a binding runs is outside every wall, with the caller's rights. So the box must have no
 * hand in it: no word of a command may name a file in a writable grant, nor does a command
 * start in a directory that the box can write.
 */
#include "policy/bindings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bindings/client_program.h"
#include "policy/paths.h"
#include "policy/resolve.h"
#include "policy/steps.h"
#include "policy/words.h"

enum {
	TIMEOUT_MS = 30 * 1000,
	INPUT_BYTES = 1 << 20,
	OUTPUT_BYTES = 1 << 20,
	LOG_BYTES = 4096, /* of one message: LOG_TEXT of bindings/records.h less its end */
	SCHEMA_BYTES = 1 << 20,
};

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct builder {
	struct arena *arena;
	struct plan *plan;
	const struct binding_spec *spec;
	struct err *reterr;
};

static int refuse(const struct builder *builder, const char *why)
{
	return err_msg(builder->reterr, E_GRANT, "%s: binding '%s' %s",
		       origin_text(builder->arena, &builder->spec->at), builder->spec->name, why);
}

static const char *path_of(const struct builder *builder, const char *path)
{
	const struct hostfacts *facts = builder->plan->facts;

	if (path[0] == '~' && (path[1] == '/' || !path[1]))
		return path_absolute(builder->arena, facts->home, path[1] ? path + 2 : ".");
	return path_absolute(builder->arena, facts->cwd, path);
}

/*** What the box can change ***/

/* The writable grant that host_path, canonical, lies in, or NULL. */
static const struct step *writable_grant(struct arena *arena, const struct plan *plan,
					 const char *host_path)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind != STEP_BIND || !(step->flags & STEP_WRITABLE) ||
		    !path_is_within(host_path, step->host_path))
			continue;
		/* Something deeper may be in front of it. */
		char *box_path =
			path_join(arena, step->box_path, path_rest(host_path, step->host_path));
		const struct step *holder = steps_holder(plan, box_path);
		if (holder && holder->kind == STEP_BIND && (holder->flags & STEP_WRITABLE))
			return holder;
	}
	return NULL;
}

static int check_path(const struct builder *builder, const char *path)
{
	const struct step *grant = writable_grant(builder->arena, builder->plan, path);

	if (!grant)
		return 0;
	return refuse(builder,
		      arena_printf(builder->arena,
				   "uses '%s', which the box could change: it lies in the writable "
				   "grant '%s'; put it elsewhere, or grant less",
				   path, grant->host_path));
}

static int check_host(const struct builder *builder, const struct resolved *host)
{
	int r = check_path(builder, host->path);

	for (size_t i = 0; r == 0 && i < host->links.len; i++)
		r = check_path(builder, host->links.items[i]);
	return r;
}

/* A word may be the script that an interpreter is to run. */
static int check_words(const struct builder *builder, const struct strv *argv)
{
	for (size_t i = 1; i < argv->len; i++) {
		struct resolved host;

		if (!argv->items[i][0] || argv->items[i][0] == '-' ||
		    resolve_host_path(builder->arena, path_of(builder, argv->items[i]), &host) < 0)
			continue;
		int r = S_ISREG(host.mode) ? check_host(builder, &host) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/*** Commands ***/

static const char *variable(const struct strv *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->len; i++) {
		if (strncmp(env->items[i], name, len) == 0 && env->items[i][len] == '=')
			return env->items[i] + len + 1;
	}
	return NULL;
}

static bool is_program(struct arena *arena, const char *path, struct resolved *ret_host)
{
	return resolve_host_path(arena, path, ret_host) == 0 && S_ISREG(ret_host->mode) &&
	       access(ret_host->path, X_OK) == 0;
}

/* With its links: some programs are many, by the name that they are called. */
static const char *find_program(const struct builder *builder, const char *name, const char *path,
				struct resolved *ret_host)
{
	const char *found = path_of(builder, name);

	if (strchr(name, '/'))
		return is_program(builder->arena, found, ret_host) ? found : NULL;
	while (*path) {
		size_t len = strcspn(path, ":");

		found = arena_printf(builder->arena, "%.*s/%s", (int)len, path, name);
		/* A relative directory would be one of the working directory's. */
		if (path[0] == '/' && is_program(builder->arena, found, ret_host))
			return found;
		path += len + (path[len] == ':');
	}
	return NULL;
}

static int set_command(const struct builder *builder, const struct strv *argv,
		       const struct strv *env, const char **ret_program)
{
	const char *path = variable(env, "PATH");
	struct resolved host;

	*ret_program = find_program(builder, argv->items[0], path ? path : default_path, &host);
	if (!*ret_program)
		return refuse(builder, arena_printf(builder->arena,
						    "runs '%s', and this machine has no such "
						    "program; write the path of an executable file",
						    argv->items[0]));
	int r = check_host(builder, &host);
	return r < 0 ? r : check_words(builder, argv);
}

/* What it does not name, its programs do not get: nor the caller's, nor the box's. */
static void set_env(const struct builder *builder, struct strv *env)
{
	const struct strv *wanted = &builder->spec->env;
	const struct hostfacts *facts = builder->plan->facts;
	struct arena *arena = builder->arena;

	for (size_t i = 0; i < wanted->len; i++) {
		size_t len = strlen(wanted->items[i]);

		if (strchr(wanted->items[i], '='))
			strv_push(arena, env, wanted->items[i]);
		for (char *const *item = facts->environ; *item && !strchr(wanted->items[i], '=');
		     item++) {
			if (strncmp(*item, wanted->items[i], len) == 0 && (*item)[len] == '=')
				strv_push(arena, env, arena_strdup(arena, *item));
		}
	}
	if (!variable(env, "PATH"))
		strv_push(arena, env, arena_printf(arena, "PATH=%s", default_path));
	if (!variable(env, "HOME"))
		strv_push(arena, env, arena_printf(arena, "HOME=%s", facts->home));
	if (!variable(env, "LANG"))
		strv_push(arena, env, arena_strdup(arena, "LANG=C.UTF-8"));
}

/*** Schemas ***/

static int read_schema_file(const struct builder *builder, const struct json_schema **ret_schema)
{
	struct arena *arena = builder->arena;
	const char *file = builder->spec->schema_file, *why;
	const struct node *where = NULL;
	struct resolved host;
	struct yaml_tree tree;
	char *text;

	int r = resolve_host_path(arena, path_of(builder, file), &host);
	_cleanup_close_ int fd =
		r < 0 ? -1 : open(host.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : arena_read(arena, fd, 4096, SCHEMA_BYTES, &text);
	if (n < 0 || n > SCHEMA_BYTES)
		return refuse(builder, arena_printf(arena,
						    "has a schema '%s' that cannot be read; name a "
						    "file of at most 1M",
						    file));
	r = check_path(builder, host.path);
	if (r < 0)
		return r;
	yaml_tree_read(arena, text, (size_t)n, &tree);
	why = tree.problem ? tree.problem : tree.root ? node_problem(tree.root) : "it is empty";
	if (!why)
		why = json_schema_compile(arena, tree.root, ret_schema, &where);
	if (!why)
		return 0;
	return refuse(builder, arena_printf(arena, "has a schema that cannot be used: %s:%d:%d: %s",
					    file, where ? where->line : tree.line,
					    where ? where->column : tree.column, why));
}

static int set_check(const struct builder *builder, struct plan_binding *binding)
{
	const struct binding_spec *spec = builder->spec;

	binding->schema = spec->schema;
	binding->check_argv = spec->schema_command;
	if (spec->schema_file)
		return read_schema_file(builder, &binding->schema);
	if (spec->schema_command.len)
		return set_command(builder, &spec->schema_command, &binding->env,
				   &binding->check_program);
	return 0;
}

/*** Bindings ***/

static uint64_t number(uint64_t value, uint64_t otherwise)
{
	return value == LIMIT_UNSET ? otherwise : value;
}

static bool has_log(const struct profile *profile)
{
	return profile->audit_file || profile->audit_journal == FLIP_ON;
}

static int build_one(const struct builder *builder, struct plan_binding *binding)
{
	const struct binding_spec *spec = builder->spec;
	bool is_log = spec->command.len == 0;

	*binding = (struct plan_binding){
		.name = spec->name,
		.argv = spec->command,
		.args = is_log ? BINDING_ARGS_APPEND : spec->args,
		.timeout_ms = number(spec->timeout_ms, TIMEOUT_MS),
		.max_input = number(spec->max_input, is_log ? LOG_BYTES : INPUT_BYTES),
		.max_output = number(spec->max_output, OUTPUT_BYTES),
		.max_calls = number(spec->max_calls, LIMIT_NONE),
		.why = origin_text(builder->arena, &spec->at),
	};
	if (is_log && (binding->max_input > LOG_BYTES || binding->max_input == 0))
		binding->max_input = LOG_BYTES;
	if (is_log && !has_log(builder->plan->profile))
		return refuse(builder, "has no audit log to write to; add --audit FILE, or audit: "
				       "{file: FILE}");
	if (is_log)
		return 0;
	set_env(builder, &binding->env);
	int r = set_command(builder, &binding->argv, &binding->env, &binding->program);
	return r < 0 ? r : set_check(builder, binding);
}

/*** The box's side ***/

static void add_directories(struct arena *arena, struct plan *plan)
{
	static const char *const dirs[] = { "/run", "/run/aisbx", BINDINGS_BIN, BINDINGS_DIR };

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		if (!steps_find(plan, dirs[i]))
			(void)steps_add(arena, plan, STEP_DIR, dirs[i], 0755);
	}
}

/* The sockets in the order in which the bindings' server gets them: server.h. */
static void add_steps(struct arena *arena, struct plan *plan, const struct plan_binding *binding)
{
	static const char *const suffixes[] = { "sock", "call" };
	char *path = arena_printf(arena, BINDINGS_BIN "/%s", binding->name);
	struct step *program = steps_add(arena, plan, STEP_FILE, path, 0555);

	program->text = (const char *)bindings_client;
	program->text_len = bindings_client_len;
	program->why = binding->why;
	if (plan->has_exec_list)
		strv_push(arena, &plan->exec, path);
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		path = arena_printf(arena, BINDINGS_DIR "/%s.%s", binding->name, suffixes[i]);
		steps_add(arena, plan, STEP_SOCKET, path, 0777)->why = binding->why;
	}
}

int bindings_build(struct arena *arena, struct plan *plan, struct err *reterr)
{
	const struct binding_list *specs = &plan->profile->bindings;
	struct plan_bindings *bindings = &plan->bindings;
	struct builder builder = { .arena = arena, .plan = plan, .reterr = reterr };

	if (specs->len == 0)
		return 0;
	if (specs->len > BINDINGS_MAX)
		return err_msg(reterr, E_GRANT, "%zu bindings; grant at most %d", specs->len,
			       BINDINGS_MAX);
	bindings->items = arena_alloc(arena, specs->len * sizeof *bindings->items);
	for (size_t i = 0; i < specs->len; i++) {
		builder.spec = &specs->items[i];
		int r = build_one(&builder, &bindings->items[i]);
		if (r < 0)
			return r;
	}
	bindings->len = specs->len;
	bindings->cwd = writable_grant(arena, plan, plan->facts->cwd) ? "/" : plan->facts->cwd;
	add_directories(arena, plan);
	for (size_t i = 0; i < bindings->len; i++)
		add_steps(arena, plan, &bindings->items[i]);
	return 0;
}

void bindings_set_env(struct arena *arena, struct strv *env)
{
	for (size_t i = 0; i < env->len; i++) {
		if (strncmp(env->items[i], "PATH=", 5) == 0)
			env->items[i] =
				arena_printf(arena, "PATH=" BINDINGS_BIN ":%s", env->items[i] + 5);
	}
	strv_push(arena, env, arena_strdup(arena, "AISBX_BINDINGS=" BINDINGS_DIR));
}
