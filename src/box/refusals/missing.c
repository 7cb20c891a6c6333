/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a grant would have brought into the box: see missing.h.
 *
 * Theory of operation: init, which does not see the host, tells paths that are not in the
 * box (watched.c); they are the payload's choice. When the box is gone a child looks
 * which of them the caller can see. A path may lead to a server that never answers, so
 * the supervisor does not look itself, and waits for the child for a bounded time only.
 * Nothing is opened and no file system is mounted for it; what is found is named to
 * the caller alone.
 */
#include "box/refusals/missing.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "box/supervise/supervisor.h"
#include "policy/paths.h"
#include "policy/plan.h"
#include "policy/resolve.h"
#include "policy/steps.h"
#include "policy/words.h"

enum {
	LOOK_MS = 1000,
};

/* Untouched, and so without memory, in runs without explain_missing. */
static char looked_for[MISSING_LOOKED_MAX][MISSING_BYTES];
static size_t looked_for_len;
static struct missing missing;
static struct arena arena;

void missing_add(const char *path)
{
	if (looked_for_len < MISSING_LOOKED_MAX && path[0] == '/')
		(void)memcpy(looked_for[looked_for_len++], path, strlen(path) + 1);
}

/* What would be granted for it: the same path, or the one below the caller's home. */
static const char *host_path(const struct plan *plan, const char *path)
{
	if (!path_is_below(path, plan->home))
		return path;
	return path_join(&arena, plan->facts->home, path_rest(path, plan->home));
}

/* What the run made in a grant after it had looked, and what files.hide leaves out itself. */
static bool is_granted_or_hidden(const struct plan *plan, const char *path)
{
	struct resolved there;

	if (resolve_host_path(&arena, path, &there) < 0)
		return false;
	const struct step *in = steps_holder(plan, there.path);
	const char *shown = steps_host_path(&arena, plan, there.path);
	return (shown && strcmp(shown, there.path) == 0) ||
	       (in && in->kind == STEP_MASK && !strchr(path_rest(there.path, in->box_path), '/'));
}

static bool is_there(const struct plan *plan, const char *path)
{
	const char *host = host_path(plan, path);
	struct statx st;

	return !path_why_no_source(host) && !path_why_no_place(path) &&
	       statx(AT_FDCWD, host, AT_NO_AUTOMOUNT, STATX_TYPE, &st) == 0 &&
	       !is_granted_or_hidden(plan, host);
}

static _Noreturn void look(const struct plan *plan, int result_fd)
{
	for (uint16_t i = 0; i < looked_for_len; i++) {
		if (is_there(plan, path_absolute(&arena, "/", looked_for[i])) &&
		    write(result_fd, &i, sizeof i) != (ssize_t)sizeof i)
			break; /* nobody waits any more */
	}
	_exit(0);
}

static void add(const struct plan *plan, const char *path)
{
	const char *host = host_path(plan, path);

	for (size_t i = 0; i < missing.len; i++) {
		if (strcmp(missing.entries[i].path, path) == 0)
			return;
	}
	if (missing.len == MISSING_MAX)
		return;
	if (strcmp(host, path) != 0)
		host = arena_printf(&arena, "%s:%s", host, path);
	missing.entries[missing.len].path = path;
	missing.entries[missing.len++].grant =
		arena_printf(&arena, "--ro %s", word_shell(&arena, host));
}

static void collect(const struct plan *plan, int fd)
{
	int64_t until_ms = supervisor_now_ms() + LOOK_MS, left_ms;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	uint16_t i;

	while ((left_ms = until_ms - supervisor_now_ms()) > 0) {
		int r = poll(&ready, 1, (int)left_ms);

		if (r > 0 && read(fd, &i, sizeof i) != (ssize_t)sizeof i)
			return;
		if (r > 0 && i < looked_for_len)
			add(plan, path_absolute(&arena, "/", looked_for[i]));
	}
}

const struct missing *missing_find(const struct plan *plan)
{
	int pipe_fds[2];

	if (looked_for_len == 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return &missing;
	_cleanup_close_ int fd = pipe_fds[0];
	pid_t pid = fork();
	if (pid == 0)
		look(plan, pipe_fds[1]);
	(void)close(pipe_fds[1]);
	if (pid < 0)
		return &missing;
	collect(plan, fd);
	(void)kill(pid, SIGKILL); /* our child, not reaped: cannot miss */
	/* One that hangs in the kernel is left behind: it holds nothing of the run's. */
	(void)waitpid(pid, NULL, WNOHANG);
	return &missing;
}
