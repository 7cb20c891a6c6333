/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The result: see result.h. */
#include "report/result.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/seccomp/syscalls.h"
#include "policy/paths.h"
#include "policy/resolve.h"
#include "report/bindings_json.h"
#include "report/json.h"
#include "report/network_json.h"
#include "report/refusal_json.h"
#include "report/sink.h"

enum {
	RESULT_VERSION = 1
};

/*** Building ***/

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *signal_name(int signal)
{
	char name[32];
	const char *abbreviation = sigabbrev_np(signal);

	if (signal == 0)
		return json_null();
	(void)snprintf(name, sizeof name, "SIG%s", abbreviation ? abbreviation : "UNKNOWN");
	return json_string(name);
}

static json_t *error_object(const struct run_facts *facts)
{
	const struct box_end *end = facts->end;
	const struct err *err = &end->err;
	char message[1024];

	if (facts->audit_err)
		err = facts->audit_err;
	else if (end->outcome != OUTCOME_SETUP_FAILED && end->outcome != OUTCOME_INPUT_REJECTED)
		return json_null();
	err_format(err, message, sizeof message);
	return json_pack("{s:o, s:o, s:o, s:o}", "message", json_text(message), "wall",
			 json_text_or_null(err->wall), "step", json_text_or_null(err->op), "cause",
			 err->errnum ? json_text(strerrorname_np(err->errnum)) : json_null());
}

/* limits.NAME as a wall that the caller did without. */
static bool is_left_out(const struct box_end *end, const char *name)
{
	return (end->degraded & 1U << WALL_CPUS && strcmp(name, "cpus") == 0) ||
	       (end->degraded & 1U << WALL_IO_WEIGHT && strcmp(name, "io_weight") == 0) ||
	       (end->degraded & 1U << WALL_DISK && strcmp(name, "disk") == 0);
}

static json_t *limits_object(const struct plan *plan, const struct box_end *end)
{
	static const char *const backends[] = { [LIMITS_CGROUP] = "cgroup2",
						[LIMITS_SYSTEMD] = "systemd",
						[LIMITS_SUPERVISOR] = "supervisor",
						[LIMITS_RLIMIT] = "rlimit" };
	const struct limits *limits = &plan->limits;
	const char *backend = backends[end->limits_backend];
	const struct {
		const char *name;
		uint64_t value;
		const char *backend;
	} table[] = {
		{ "memory", limits->memory, backend },
		{ "cpu", limits->cpu_ms, backend },
		{ "cpus", limits->cpus, end->cpus_in_cgroup ? backend : "affinity" },
		{ "wall", limits->wall_ms, "supervisor" },
		{ "processes", limits->processes, end->processes_in_cgroup ? backend : "rlimit" },
		{ "tmp", limits->tmp, "tmpfs" },
		{ "file_size", limits->file_size, "rlimit" },
		{ "disk", limits->disk, "supervisor" },
		{ "output", limits->output, "supervisor" },
		{ "open_files", limits->open_files, "rlimit" },
		{ "io_weight", limits->io_weight, backend },
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (end->started && table[i].value < LIMIT_NONE && !is_left_out(end, table[i].name))
			json_object_set_new(object, table[i].name, json_string(table[i].backend));
	}
	return object;
}

/* Those that end no run: the program sees an error. */
static json_t *limits_met(const struct box_end *end)
{
	json_t *met = json_array();

	if (end->met_processes)
		json_array_append_new(met, json_pack("{s:s, s:o}", "limit", "processes", "count",
						     end->refused_processes
							     ? number(end->refused_processes)
							     : json_null()));
	return met;
}

static json_t *walls_object(const struct plan *plan, const struct box_end *end)
{
	static const enum wall namespaces[] = { WALL_USER, WALL_MOUNT, WALL_PID,   WALL_NET,
						WALL_IPC,  WALL_UTS,   WALL_CGROUP };
	json_t *names = json_array();
	json_t *degraded = json_array();

	for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
		if (!(end->degraded & (1U << namespaces[i])))
			json_array_append_new(names, json_string(walls[namespaces[i]].name));
	}
	for (int wall = 0; wall < WALL__N; wall++) {
		if (end->degraded & (1U << wall))
			json_array_append_new(degraded, json_string(walls[wall].name));
	}
	return json_pack("{s:o, s:s, s:b, s:i, s:o, s:o}", "namespaces", names, "seccomp_sha256",
			 plan->filter->sha256, "seccomp_recorded", end->tells_calls, "landlock_abi",
			 end->landlock_abi, "limits", limits_object(plan, end), "degraded",
			 degraded);
}

static void add_cut(json_t *result, const char *bytes, const char *at, const struct box_end *end,
		    const struct cut *cut)
{
	json_object_set_new(result, bytes, end->output_counted ? number(cut->bytes) : json_null());
	json_object_set_new(result, at, cut->bytes ? number(cut->at) : json_null());
}

static void add_figures(json_t *result, const struct box_end *end)
{
	bool ran = end->started;

	json_object_set_new(result, "wall_ms", number(end->wall_ms));
	json_object_set_new(result, "cpu_ms", ran ? number(end->cpu_ms) : json_null());
	json_object_set_new(result, "peak_memory_bytes",
			    end->peak_memory_bytes ? number(end->peak_memory_bytes) : json_null());
	json_object_set_new(result, "peak_processes",
			    end->peak_processes ? number(end->peak_processes) : json_null());
	json_object_set_new(result, "limits_met", limits_met(end));
	json_object_set_new(result, "disk_bytes",
			    end->disk_counted ? number(end->disk_bytes) : json_null());
	json_object_set_new(result, "stdout_bytes",
			    end->output_counted ? number(end->stdout_bytes) : json_null());
	json_object_set_new(result, "stderr_bytes",
			    end->output_counted ? number(end->stderr_bytes) : json_null());
	add_cut(result, "stdout_cut_bytes", "stdout_cut_at", end, &end->stdout_cut);
	add_cut(result, "stderr_cut_bytes", "stderr_cut_at", end, &end->stderr_cut);
	json_object_set_new(result, "truncated", json_boolean(end->truncated));
}

json_t *result_build(const struct run_facts *facts)
{
	const struct box_end *end = facts->end;
	const struct plan *plan = facts->plan;
	const struct profile *profile = facts->profile;
	json_t *result = json_object();

	json_object_set_new(result, "version", json_integer(RESULT_VERSION));
	json_object_set_new(result, "run", plan ? json_string(plan->run) : json_null());
	json_object_set_new(result, "outcome", json_string(outcome_names[end->outcome]));
	json_object_set_new(result, "exit_code",
			    end->exit_code >= 0 ? json_integer(end->exit_code) : json_null());
	json_object_set_new(result, "signal", signal_name(end->signal));
	json_object_set_new(result, "error", error_object(facts));
	json_object_set_new(result, "profile", json_text_or_null(facts->profile_name));
	json_object_set_new(result, "profile_sha256",
			    profile ? json_text_or_null(profile->sha256) : json_null());
	json_object_set_new(result, "command",
			    json_words(plan && plan->argv.len ? plan->argv.items : facts->command));
	add_figures(result, end);
	json_object_set_new(result, "refused", json_refused(end->refusals));
	if (end->missing)
		json_object_set_new(result, "missing", json_missing(end->missing));
	json_object_set_new(result, "connections", json_connections(end->network));
	json_object_set_new(result, "published",
			    plan ? json_published(plan, end->ports) : json_array());
	json_object_set_new(result, "bindings",
			    plan ? json_bindings(plan, end->bindings) : json_array());
	json_object_set_new(result, "walls",
			    plan && plan->filter && end->outcome != OUTCOME_INPUT_REJECTED
				    ? walls_object(plan, end)
				    : json_null());
	return result;
}

/*** Writing ***/

static int parse_fd(const char *digits, int *ret_fd)
{
	int fd = 0;

	if (!*digits)
		return -EINVAL;
	for (; *digits; digits++) {
		if (*digits < '0' || *digits > '9' || fd > INT_MAX / 10 - 1)
			return -EINVAL;
		fd = fd * 10 + (*digits - '0');
	}
	*ret_fd = fd;
	return 0;
}

/* The directory part of path, opened. */
static int open_directory(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd = !dir ? -ENOMEM
		      : sys_openat2(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
				    RESOLVE_NO_SYMLINKS);

	free(dir);
	*ret_name = slash ? slash + 1 : path;
	return fd;
}

/* "/dev/stdout" and its kin are names of descriptors: the number, or -1. */
static int named_descriptor(const char *path)
{
	static const char *const prefixes[] = { "/dev/fd/", "/proc/self/fd/" };
	int fd;

	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		size_t len = strlen(prefixes[i]);

		if (strncmp(path, prefixes[i], len) == 0 && parse_fd(path + len, &fd) == 0)
			return fd;
	}
	return -1;
}

int result_open_descriptor(const char *text, int *ret_fd, struct err *reterr)
{
	int fd = named_descriptor(text), flags = -1;

	if (fd < 0 && strncmp(text, "fd:", 3) != 0)
		return 0;
	if (fd >= 0 || parse_fd(text + 3, &fd) == 0)
		flags = fcntl(fd, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH))
		return err_msg(reterr, E_USAGE,
			       "'%s' is not an open descriptor to write to; open it first, as in "
			       "3>result.json",
			       text);
	if (fd > 2)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* it is open: cannot fail */
	*ret_fd = fd;
	return 1;
}

/* -ELOOP: there is a symbolic link on the way. What is open in target is its caller's to close. */
static int open_file(const char *path, struct result_target *target)
{
	struct stat st = { .st_mode = S_IFREG };

	target->dir_fd = open_directory(path, &target->name);
	if (target->dir_fd < 0)
		return target->dir_fd;
	if (fstatat(target->dir_fd, target->name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		return -errno;
	if (S_ISDIR(st.st_mode) || !*target->name)
		return -EISDIR;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (!S_ISREG(st.st_mode)) {
		/* Without O_NONBLOCK a fifo that nobody reads would hold us for ever. */
		target->fd = openat(target->dir_fd, target->name,
				    O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
		close_keeping_errno(steal_fd(&target->dir_fd));
		return target->fd < 0 ? -errno : 0;
	}
	return faccessat(target->dir_fd, ".", W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/*
 * The path without links that text leads to; what is there no more than a name is kept. A link
 * stands for what it leads to; renaming would replace the link itself.
 */
static char *follow_links(struct arena *arena, const char *cwd, const char *text,
			  struct strv *ret_links)
{
	char *path = text[0] == '/' ? arena_strdup(arena, text)
				    : arena_printf(arena, "%s/%s", cwd, text);
	char *slash = strrchr(path, '/');
	struct resolved there;
	struct stat st;
	int r = resolve_host_path(arena, path, &there);

	if (r == -ENOENT && lstat(path, &st) < 0) {
		*slash = '\0';
		r = resolve_host_path(arena, *path ? path : "/", &there);
		there.path = r == 0 ? path_join(arena, there.path, slash + 1) : NULL;
	}
	errno = -r;
	*ret_links = there.links;
	return r < 0 ? NULL : strdup(there.path);
}

int result_open(struct arena *arena, const char *cwd, const char *text,
		struct result_target *ret_target, struct err *reterr)
{
	struct result_target target = RESULT_TARGET_NONE;
	int r = result_open_descriptor(text, &target.fd, reterr);

	if (r != 0) {
		*ret_target = target;
		return r < 0 ? r : 0;
	}
	char *path = strdup(text);
	r = path ? open_file(path, &target) : -ENOMEM;
	if (r == -ELOOP) {
		close_keeping_errno(steal_fd(&target.dir_fd));
		free(path);
		path = follow_links(arena, cwd, text, &target.links);
		r = path ? open_file(path, &target) : -errno;
	}
	if (r < 0) {
		close_keeping_errno(target.dir_fd);
		free(path);
		*ret_target = (struct result_target)RESULT_TARGET_NONE;
		return err_msg(reterr, E_USAGE,
			       "cannot write to '%s': %s; name a file in a directory that you can "
			       "write to",
			       text, strerror(-r));
	}
	target.path = path; /* holds target.name */
	*ret_target = target;
	return 0;
}

/* A target that is refused is closed. */
static int keep_if(int r, struct result_target *target)
{
	if (r == 0)
		return 0;
	close_keeping_errno(target->fd);
	close_keeping_errno(target->dir_fd);
	free(target->path);
	*target = (struct result_target)RESULT_TARGET_NONE;
	return r;
}

/* Whether two names are one in a directory, whatever links lead there, or lead to one file. */
static bool is_log(const struct result_target *target, char *log)
{
	struct stat ours, its;
	char *slash = strrchr(log, '/'); /* absolute */

	if (stat(log, &its) == 0 &&
	    fstatat(target->dir_fd, target->name, &ours, AT_SYMLINK_NOFOLLOW) == 0)
		return ours.st_dev == its.st_dev && ours.st_ino == its.st_ino;
	*slash = '\0';
	return strcmp(slash + 1, target->name) == 0 && stat(*log ? log : "/", &its) == 0 &&
	       fstat(target->dir_fd, &ours) == 0 && ours.st_dev == its.st_dev &&
	       ours.st_ino == its.st_ino;
}

int result_check_log(struct arena *arena, const struct hostfacts *facts, const char *log,
		     struct result_target *target, struct err *reterr)
{
	if (!log || target->dir_fd < 0 || !is_log(target, sink_place(arena, facts, log)))
		return 0;
	return keep_if(err_msg(reterr, E_USAGE,
			       "'%s' is the audit log, which a result would replace; name another "
			       "file for one of them",
			       target->path),
		       target);
}

int result_check(const struct plan *plan, struct result_target *target, struct err *reterr)
{
	return keep_if(sink_check_links(plan, &target->links, target->path, reterr), target);
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Gives an unnamed file its name. 0 or -errno. */
static int name_file(int fd, int dir_fd, const char *name)
{
	char path[32];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/*
 * No more open to others than the file that it replaces, which mktemp(1) may have made for it.
 * That the box may have changed it takes nothing from the caller.
 */
static mode_t mode_of_new(const struct result_target *target)
{
	struct stat st;
	bool replaces = fstatat(target->dir_fd, target->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode);

	return 0600 | (replaces ? st.st_mode & 0066 : 0066);
}

/* A new file, whole, whose first name is the result's or, where that one is taken, temporary. */
static int write_new(const struct result_target *target, const char *temporary, const char *bytes,
		     size_t len, bool *ret_is_temporary)
{
	mode_t mode = mode_of_new(target);
	_cleanup_close_ int fd =
		openat(target->dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
	bool is_unnamed = fd >= 0; /* not every file system can; nor can we without /proc */

	if (is_unnamed) {
		int r = write_all(fd, bytes, len);

		*ret_is_temporary = false;
		if (r == 0)
			r = name_file(fd, target->dir_fd, target->name);
		if (r == -EEXIST) {
			*ret_is_temporary = true;
			r = name_file(fd, target->dir_fd, temporary);
		}
		if (r != -ENOENT && r != -EOPNOTSUPP)
			return r;
		close_keeping_errno(steal_fd(&fd));
	}
	*ret_is_temporary = true;
	fd = openat(target->dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    mode);
	return fd < 0 ? -errno : write_all(fd, bytes, len);
}

/*
 * Readers see the old file or the whole new one, also when we are killed here. Then nothing
 * else is left either, but for the moment between two calls where an old one is replaced.
 */
static int write_file(const struct result_target *target, const char *bytes, size_t len)
{
	char temporary[64];
	uint64_t random;
	bool is_temporary;

	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return -errno;
	(void)snprintf(temporary, sizeof temporary, ".aisbx-result.%016llx",
		       (unsigned long long)random);
	int r = write_new(target, temporary, bytes, len, &is_temporary);
	if (!is_temporary)
		return r;
	if (r == 0 && renameat(target->dir_fd, temporary, target->dir_fd, target->name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(target->dir_fd, temporary, 0);
	return r;
}

static int write_json(struct result_target *target, json_t *value)
{
	char *line = json_dumps(value, JSON_COMPACT);
	size_t len = line ? strlen(line) : 0;
	int r = -ENOMEM;

	json_decref(value);
	if (line) {
		line[len] = '\n'; /* in place of the terminator: one write, one line */
		r = target->dir_fd >= 0 ? write_file(target, line, len + 1)
					: sink_write_to(target->fd, line, len + 1);
	}
	free(line);
	close_keeping_errno(target->dir_fd);
	target->dir_fd = -1;
	return r;
}

static int write_value(struct result_target *target, json_t *value, const char *op,
		       struct err *reterr)
{
	int r = write_json(target, value);

	if (r < 0)
		err_set(reterr, E_SYSTEM, -r, op, target->path ? target->path : "its descriptor");
	free(target->path);
	target->path = NULL;
	return r;
}

int result_write(struct result_target *target, const struct run_facts *facts, struct err *reterr)
{
	if (target->fd < 0 && target->dir_fd < 0)
		return 0;
	return write_value(target, result_build(facts), "write the result to", reterr);
}

int result_write_published(struct result_target *target, const struct plan *plan,
			   const uint16_t *ports, struct err *reterr)
{
	if (target->fd < 0 && target->dir_fd < 0)
		return 0;
	return write_value(
		target,
		json_pack("{s:s, s:o}", "run", plan->run, "published", json_published(plan, ports)),
		"write the published ports to", reterr);
}
