/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profile, command line and host facts to the plan: see plan.h. */
#include "policy/plan.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "box/seccomp/syscalls.h"
#include "policy/bindings.h"
#include "policy/layout.h"
#include "policy/network.h"
#include "policy/paths.h"
#include "policy/programs.h"
#include "policy/steps.h"
#include "policy/trust.h"
#include "policy/units.h"

/* Host uids from here on belong to nobody: above the ranges that login and container tools
 * hand out (shadow's subuids end below 0x70000000, systemd's containers at 0x6fffffff;
 * https://systemd.io/UIDS-GIDS). The low bits differ from run to run, so that two boxes of
 * one root caller do not share resource counts. */
static const uid_t UNOWNED_UID_BASE = 0x7a000000;
static const uid_t UNOWNED_UID_MASK = 0x00ffffff;

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/*** Identity ***/

/* ULID: 48 bits of milliseconds and 80 random ones, Crockford base 32. */
static int make_run_id(char ret_run[27], struct err *reterr)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned char bytes[16];
	struct timespec now;

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return err_set(reterr, E_SYSTEM, errno, "get random bytes", "getrandom");
	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
	uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	for (int i = 0; i < 10; i++)
		ret_run[i] = digits[(ms >> (45 - 5 * i)) & 31];
	for (int i = 0; i < 16; i++)
		ret_run[10 + i] = digits[bytes[i] & 31];
	ret_run[26] = '\0';
	return 0;
}

static void set_ids(struct plan *plan)
{
	const struct hostfacts *facts = plan->facts;

	plan->inside_uid = facts->uid ? facts->uid : 1000;
	plan->inside_gid = facts->gid ? facts->gid : 1000;
	plan->outside_uid = facts->uid;
	plan->outside_gid = facts->gid;
	if (facts->host_root) {
		uid_t unowned = UNOWNED_UID_BASE | ((uid_t)getpid() & UNOWNED_UID_MASK);
		plan->outside_uid = unowned;
		plan->outside_gid = unowned;
		plan->inside_uid = 1000;
		plan->inside_gid = 1000;
	}
}

static bool has_long_name(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len > NAME_MAX)
			return true;
		path += len + (path[len] == '/');
	}
	return false;
}

/* The caller's home path, where the box can have a private one. */
static const char *box_home(const struct hostfacts *facts)
{
	static const char *const system[] = { "/usr",	"/etc",	 "/bin", "/sbin", "/lib",
					      "/lib64", "/proc", "/dev", "/sys",  "/run" };

	/* It becomes a field of /etc/passwd, and a directory. */
	if (strpbrk(facts->home, ":\n") || has_long_name(facts->home) ||
	    strcmp(facts->home, "/") == 0 || strcmp(facts->home, "/tmp") == 0)
		return "/home/user";
	for (size_t i = 0; i < sizeof system / sizeof *system; i++) {
		if (path_is_within(facts->home, system[i]))
			return "/home/user";
	}
	return facts->home;
}

/*** Environment ***/

static void env_set(struct arena *arena, struct strv *env, char *assignment)
{
	size_t len = strcspn(assignment, "=");

	for (size_t i = 0; i < env->len; i++) {
		if (strncmp(env->items[i], assignment, len + 1) == 0) {
			env->items[i] = assignment;
			return;
		}
	}
	strv_push(arena, env, assignment);
}

static void env_pass(struct arena *arena, const struct plan *plan, struct strv *env)
{
	const struct strv *patterns = &plan->profile->env_pass;

	for (char *const *item = plan->facts->environ; *item; item++) {
		size_t len = strcspn(*item, "=");
		char *name = arena_strndup(arena, *item, len);

		if ((*item)[len] != '=' || secrets_take_variable(plan, name))
			continue;
		for (size_t i = 0; i < patterns->len; i++) {
			if (fnmatch(patterns->items[i], name, 0) == 0) {
				env_set(arena, env, arena_strdup(arena, *item));
				break;
			}
		}
	}
}

/* What the gateway chooses when the box is run is written over what stands there until then. */
static void add_placeholders(struct arena *arena, struct plan *plan)
{
	static const char until_then[] = "(a placeholder)";

	for (size_t i = 0; i < plan->gateway.secrets_len; i++) {
		struct secret *secret = &plan->gateway.secrets[i];
		size_t name_len = strlen(secret->name);
		char *item = arena_alloc(arena, name_len + 1 + PLACEHOLDER_MAX + 1);

		memcpy(item, secret->name, name_len);
		item[name_len] = '=';
		secret->placeholder = item + name_len + 1;
		memcpy(secret->placeholder, until_then, sizeof until_then);
		env_set(arena, &plan->env, item);
	}
}

static void build_env(struct arena *arena, struct plan *plan)
{
	struct strv *env = &plan->env;
	const struct strv *set = &plan->profile->env_set;

	strv_push(arena, env, arena_printf(arena, "PATH=%s", default_path));
	strv_push(arena, env, arena_printf(arena, "HOME=%s", plan->home));
	strv_push(arena, env, arena_strdup(arena, "TMPDIR=/tmp"));
	strv_push(arena, env, arena_strdup(arena, "USER=user"));
	strv_push(arena, env, arena_strdup(arena, "LANG=C.UTF-8"));
	for (size_t i = 0; i < plan->network.registry_env.len; i++)
		env_set(arena, env, plan->network.registry_env.items[i]);
	env_pass(arena, plan, env);
	trust_build_env(arena, plan);
	for (size_t i = 0; i < set->len; i++)
		env_set(arena, env, set->items[i]);
	env_set(arena, env, arena_strdup(arena, "AISBX=1"));
	if (plan->bindings.len)
		bindings_set_env(arena, env);
	add_placeholders(arena, plan);
	for (size_t i = 0; i < env->len; i++) {
		if (strncmp(env->items[i], "PATH=", 5) == 0)
			plan->path = env->items[i] + 5;
	}
}

/*** Command ***/

static int build_argv(struct arena *arena, struct plan *plan, const struct request *request,
		      struct err *reterr)
{
	const struct strv *interpreter = &plan->profile->interpreter;

	if (request->code) {
		if (interpreter->len == 0)
			return err_msg(reterr, E_USAGE,
				       "profile '%s' names no interpreter for the code; add "
				       "'interpreter: [python3]' or use -p python, node or shell",
				       plan->profile->name);
		for (size_t i = 0; i < interpreter->len; i++)
			strv_push(arena, &plan->argv, interpreter->items[i]);
		strv_push(arena, &plan->argv,
			  arena_printf(arena, "/run/aisbx/%s", request->code_name));
	}
	for (char *const *word = request->command; word && *word; word++)
		strv_push(arena, &plan->argv, *word);
	if (plan->argv.len == 0 && request->may_lack_command)
		return 0;
	if (plan->argv.len == 0)
		return err_msg(reterr, E_USAGE, "no command; write one after --, or use -c TEXT");
	if (!plan->argv.items[0][0])
		return err_msg(reterr, E_USAGE, "the command is an empty word; name a program");
	plan->shell_argv = arena_alloc(arena, (plan->argv.len + 2) * sizeof(char *));
	plan->shell_argv[0] = arena_strdup(arena, "/bin/sh");
	memcpy(plan->shell_argv + 2, plan->argv.items + 1, plan->argv.len * sizeof(char *));
	return 0;
}

/* A process of the host's, which is none of the box's, whatever its number. */
static bool names_process(const char *path)
{
	return path_is_below(path, "/proc") && path[6] >= '0' && path[6] <= '9';
}

static int choose_cwd(struct arena *arena, struct plan *plan, struct err *reterr)
{
	const char *wanted = plan->profile->chdir;

	if (!wanted) {
		bool is_shown = steps_is_directory(arena, plan, plan->facts->cwd) &&
				!names_process(plan->facts->cwd);

		plan->cwd = is_shown ? plan->facts->cwd : plan->home;
		return 0;
	}
	if (wanted[0] == '~' && (wanted[1] == '/' || !wanted[1]))
		plan->cwd = path_absolute(arena, plan->home, wanted[1] ? wanted + 2 : ".");
	else
		plan->cwd = path_absolute(arena, plan->facts->cwd, wanted);
	if (!steps_is_directory(arena, plan, plan->cwd))
		return err_msg(reterr, E_GRANT,
			       "cannot start in '%s': it is not a directory of the box; grant it "
			       "with --ro or --rw",
			       plan->cwd);
	return 0;
}

/*** Limits, descriptors, walls ***/

static void set_limits(struct plan *plan)
{
	uint64_t *limits[] = { &plan->limits.memory,  &plan->limits.cpu_ms,
			       &plan->limits.wall_ms, &plan->limits.processes,
			       &plan->limits.tmp,     &plan->limits.file_size,
			       &plan->limits.output,  &plan->limits.open_files,
			       &plan->limits.cpus,    &plan->limits.io_weight,
			       &plan->limits.disk };

	plan->limits = plan->profile->limits;
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		if (*limits[i] == LIMIT_UNSET)
			*limits[i] = LIMIT_NONE;
	}
	if (plan->limits.grace_ms == LIMIT_UNSET || plan->limits.grace_ms == LIMIT_NONE)
		plan->limits.grace_ms = 2000;
	if (plan->limits.tmp == LIMIT_NONE)
		plan->limits.tmp = (uint64_t)1 << 30; /* memory is never unbounded */
	if (plan->throw_away)
		plan->limits.disk = LIMIT_NONE; /* nothing gets there */
	if (plan->limits.keep == KEEP_UNSET)
		plan->limits.keep = KEEP_HEAD;
}

/* A tail is held in the supervisor's memory, which no limit of the box bounds. */
static int check_keep(const struct plan *plan, struct err *reterr)
{
	static const uint64_t most = (uint64_t)256 << 20;
	const struct limits *limits = &plan->limits;
	char size[32];

	if (!(limits->keep & KEEP_TAIL))
		return 0;
	if (plan->profile->limits.output == LIMIT_UNSET)
		return err_msg(reterr, E_USAGE,
			       "no output limit to keep a tail within; set limits.output "
			       "(--max-output), as in 64K");
	if (limits->output != LIMIT_NONE && limits->output > most) {
		units_format_size(limits->output, size, sizeof size);
		return err_msg(
			reterr, E_USAGE,
			"cannot keep the tail of %s of output, which is held in memory; set "
			"limits.output (--max-output) to 256M or less, or keep the head only",
			size);
	}
	return 0;
}

/*
 * A root caller's payload is nobody on the host: it could not open its own
 * output again by /dev/stdout, so it gets a pipe that it owns.
 */
static bool needs_relay(const struct plan *plan, int fd)
{
	mode_t type = plan->facts->stdio_mode[fd];

	if (plan->limits.output != LIMIT_NONE)
		return true;
	return plan->facts->host_root && (S_ISFIFO(type) || S_ISREG(type));
}

static void choose_stdio(struct plan *plan, const struct request *request)
{
	unsigned terminals = plan->facts->terminals;
	bool own_terminal = (terminals & 1) && request->stdin_fd < 0 && !request->stdin_is_code;

	for (int fd = 0; fd <= 2; fd++) {
		if (plan->facts->closed & (1U << fd))
			plan->stdio[fd] = STDIO_NULL;
		else if (terminals & (1U << fd))
			plan->stdio[fd] = own_terminal ? STDIO_TTY : fd ? STDIO_RELAY : STDIO_NULL;
		else if (fd > 0 && needs_relay(plan, fd))
			plan->stdio[fd] = STDIO_RELAY;
		else
			plan->stdio[fd] = STDIO_PASS;
	}
	if (request->stdin_is_code)
		plan->stdio[0] = STDIO_NULL;
	if (request->stdin_fd >= 0)
		plan->stdio[0] = STDIO_PASS;
	if (request->is_input_check)
		plan->stdio[1] = STDIO_NULL;
	plan->shared_output = plan->facts->one_output && plan->stdio[1] == STDIO_RELAY &&
			      plan->stdio[2] == STDIO_RELAY;
}

/* value_check_wall() let no other names through. */
static void set_degradable(struct plan *plan)
{
	const struct strv *names = &plan->profile->allow_degraded;

	for (size_t i = 0; i < names->len; i++) {
		enum wall wall = wall_by_name(names->items[i]);

		if (wall != WALL__N && walls[wall].may_degrade)
			plan->degradable[wall] = true;
	}
}

static int set_filter(struct arena *arena, struct plan *plan, struct err *reterr)
{
	const struct profile *profile = plan->profile;
	bool mediated = plan->protect != NULL;
	unsigned asks = (mediated ? ASKS_CHANGES : 0U) |
			(plan->has_exec_list ? ASKS_PROGRAMS : 0U) |
			(plan->explains_missing ? ASKS_PATHS : 0U);

	plan->filter = arena_alloc(arena, sizeof *plan->filter);
	if (!plan->observed && profile->syscalls_allow.len == 0 &&
	    profile->syscalls_deny.len == 0 && !(asks & ~(unsigned)ASKS_CHANGES) &&
	    plan->limits.cpus == LIMIT_NONE && plan->limits.disk == LIMIT_NONE) {
		syscalls_builtin(mediated ? FILTER_MEDIATED : FILTER_DEFAULT, plan->filter);
		return 0;
	}
	/* A program in a memfd has no path that the exec list could refuse. */
	struct strv deny = { 0 };
	for (size_t i = 0; i < profile->syscalls_deny.len; i++)
		strv_push(arena, &deny, profile->syscalls_deny.items[i]);
	if (plan->has_exec_list)
		strv_push(arena, &deny, arena_strdup(arena, "memfd_create"));
	/* Whole processors may be held by an affinity, which must stay. */
	if (plan->limits.cpus != LIMIT_NONE)
		strv_push(arena, &deny, arena_strdup(arena, "sched_setaffinity"));
	if (plan->observed)
		return syscalls_compile_observed(arena, &deny, plan->filter, reterr);
	return syscalls_compile(arena, &profile->syscalls_allow, &deny, asks,
				plan->limits.disk != LIMIT_NONE, plan->filter, reterr);
}

static bool has_protected_grant(const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		if (plan->steps[i].flags & STEP_PROTECTED)
			return true;
	}
	return false;
}

int plan_build(struct arena *arena, const struct profile *profile, const struct hostfacts *facts,
	       const struct request *request, struct plan *ret_plan, struct err *reterr)
{
	struct plan *plan = ret_plan;
	int r;

	memset(plan, 0, sizeof *plan);
	plan->profile = profile;
	plan->facts = facts;
	plan->hostname = "aisbx";
	plan->home = box_home(facts);
	plan->has_exec_list = profile->exec_set;
	plan->explains_missing = profile->explain_missing == FLIP_ON;
	plan->protect = profile->protect.len ? &profile->protect : NULL;
	plan->code = request->code;
	plan->code_len = request->code_len;
	plan->is_input_check = request->is_input_check;
	plan->throw_away = request->throw_away;
	plan->observed = request->observed;
	set_ids(plan);
	set_limits(plan);
	choose_stdio(plan, request);
	set_degradable(plan);
	plan->network.any_public = request->any_public_host;
	r = check_keep(plan, reterr);
	if (r == 0)
		r = make_run_id(plan->run, reterr);
	if (r == 0)
		r = build_argv(arena, plan, request, reterr);
	if (r == 0)
		r = network_build(arena, plan, reterr);
	if (r == 0)
		r = layout_build(arena, plan, request->code ? request->code_name : NULL, reterr);
	if (r < 0)
		return r;
	if (!has_protected_grant(plan))
		plan->protect = NULL;
	r = bindings_build(arena, plan, reterr);
	if (r < 0)
		return r;
	build_env(arena, plan);
	r = choose_cwd(arena, plan, reterr);
	if (r == 0)
		r = programs_build(arena, plan, reterr);
	if (r == 0)
		r = set_filter(arena, plan, reterr);
	return r;
}
