/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The result: see result.h. */
#include "report/result.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "box/syscalls.h"

enum { RESULT_VERSION = 1 };

/*** Building ***/

/* Command lines need not be UTF-8; JSON must: other bytes become U+FFFD. */
static json_t *text(const char *bytes)
{
	json_t *value = json_string(bytes);

	if (value)
		return value;
	size_t len = strlen(bytes);
	char *fixed = calloc(len * 3 + 1, 1);
	size_t out = 0;
	if (!fixed)
		return json_null();
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)bytes[i] < 0x80) {
			fixed[out++] = bytes[i];
		} else {
			memcpy(fixed + out, "\xef\xbf\xbd", 3);
			out += 3;
		}
	}
	value = json_string(fixed);
	free(fixed);
	return value;
}

static json_t *text_or_null(const char *bytes)
{
	return bytes && *bytes ? text(bytes) : json_null();
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *words(char *const *list)
{
	json_t *array = json_array();

	for (; list && *list; list++)
		json_array_append_new(array, text(*list));
	return array;
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

static json_t *error_object(const struct box_end *end)
{
	const struct err *err = &end->err;
	char message[1024];

	if (end->outcome != OUTCOME_SETUP_FAILED && end->outcome != OUTCOME_INPUT_REJECTED)
		return json_null();
	err_format(err, message, sizeof message);
	return json_pack("{s:o, s:o, s:o, s:o}", "message", text(message), "wall",
			 text_or_null(err->wall), "step", text_or_null(err->op), "cause",
			 err->errnum ? text(strerrorname_np(err->errnum)) : json_null());
}

static json_t *limits_object(const struct plan *plan)
{
	const struct limits *limits = &plan->limits;
	const struct {
		const char *name;
		uint64_t value;
		const char *backend;
	} table[] = {
		{ "memory", limits->memory, "rlimit" },	      { "cpu", limits->cpu_ms, "rlimit" },
		{ "wall", limits->wall_ms, "supervisor" },    { "processes", limits->processes, "rlimit" },
		{ "tmp", limits->tmp, "tmpfs" },	      { "file_size", limits->file_size, "rlimit" },
		{ "output", limits->output, "supervisor" },   { "open_files", limits->open_files, "rlimit" },
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i].value < LIMIT_NONE)
			json_object_set_new(object, table[i].name, json_string(table[i].backend));
	}
	return object;
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
	return json_pack("{s:o, s:s, s:i, s:o, s:o}", "namespaces", names, "seccomp_sha256",
			 plan->filter->sha256, "landlock_abi", end->landlock_abi, "limits",
			 limits_object(plan), "degraded", degraded);
}

static void add_figures(json_t *result, const struct box_end *end)
{
	bool ran = end->started;

	json_object_set_new(result, "wall_ms", number(end->wall_ms));
	json_object_set_new(result, "cpu_ms", ran ? number(end->cpu_ms) : json_null());
	json_object_set_new(result, "peak_memory_bytes",
			    end->peak_memory_bytes ? number(end->peak_memory_bytes) : json_null());
	json_object_set_new(result, "peak_processes", json_null());
	json_object_set_new(result, "stdout_bytes",
			    end->output_counted ? number(end->stdout_bytes) : json_null());
	json_object_set_new(result, "stderr_bytes",
			    end->output_counted ? number(end->stderr_bytes) : json_null());
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
	json_object_set_new(result, "error", error_object(end));
	json_object_set_new(result, "profile", text_or_null(facts->profile_name));
	json_object_set_new(result, "profile_sha256",
			    profile ? text_or_null(profile->sha256) : json_null());
	json_object_set_new(result, "command",
			    words(plan && plan->argv.len ? plan->argv.items : facts->command));
	add_figures(result, end);
	json_object_set_new(result, "refused", json_array());
	json_object_set_new(result, "connections", json_array());
	json_object_set_new(result, "walls", plan && plan->filter ? walls_object(plan, end)
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

int result_open(const char *target_text, struct result_target *ret_target, struct err *reterr)
{
	struct stat st;

	ret_target->fd = -1;
	ret_target->path = NULL;
	if (strncmp(target_text, "fd:", 3) == 0) {
		int flags = parse_fd(target_text + 3, &ret_target->fd) == 0
				    ? fcntl(ret_target->fd, F_GETFL)
				    : -1;
		if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
			return err_msg(reterr, E_USAGE,
				       "--result %s: not an open descriptor to write to; open it "
				       "first, as in %d>result.json",
				       target_text, ret_target->fd < 3 ? 3 : ret_target->fd);
		(void)fcntl(ret_target->fd, F_SETFD, FD_CLOEXEC); /* open: cannot fail */
		return 0;
	}
	if (stat(target_text, &st) == 0 && S_ISDIR(st.st_mode))
		return err_msg(reterr, E_USAGE, "--result '%s' is a directory; name a file",
			       target_text);
	char *dir = strdup(target_text);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	if (slash)
		slash[slash == dir] = '\0';
	int r = access(slash ? dir : ".", W_OK);
	int error = errno;
	free(dir);
	if (r < 0)
		return err_msg(reterr, E_USAGE,
			       "--result '%s': %s; name a file in a directory you can write to",
			       target_text, strerror(error));
	ret_target->path = target_text;
	return 0;
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

/* Readers see the old file or the whole new one, also when we are killed here. */
static int write_file(const char *path, const char *bytes, size_t len)
{
	char temporary[PATH_MAX];
	struct stat st;

	/* /dev/stdout, a fifo: nothing to rename over. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return fd < 0 ? -errno : write_all(fd, bytes, len);
	}
	int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof temporary)
		return -ENAMETOOLONG;
	_cleanup_close_ int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	mode_t mask = umask(0);
	(void)umask(mask);
	int r = write_all(fd, bytes, len);
	if (r == 0 && fchmod(fd, 0666 & ~mask) < 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temporary);
	return r;
}

int result_write(const struct result_target *target, const struct run_facts *facts,
		 struct err *reterr)
{
	json_t *result = result_build(facts);
	char *line = json_dumps(result, JSON_COMPACT);
	size_t len = line ? strlen(line) : 0;
	int r;

	json_decref(result);
	if (!line)
		return err_set(reterr, E_SYSTEM, ENOMEM, "write", "the result");
	line[len] = '\n'; /* in place of the terminator: one write, one line */
	r = target->path ? write_file(target->path, line, len + 1)
			 : write_all(target->fd, line, len + 1);
	free(line);
	if (r < 0)
		return err_set(reterr, E_SYSTEM, -r, "write the result to",
			       target->path ? target->path : "its descriptor");
	return 0;
}
