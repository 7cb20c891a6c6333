/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file or descriptor of an audit log: see sink.h.
 *
 * Theory of operation: the box must neither reach its log nor choose where the
 * rest of it goes. So the place is resolved and held against the writable
 * grants before anything is made, and kept as the open directory and a name
 * in it: whatever is renamed or linked later, a rotated log is opened again
 * in that directory and through no symbolic link.
 */
#include "report/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "policy/paths.h"
#include "policy/resolve.h"
#include "report/result.h"

enum {
	WAIT_MS = 1000, /* for a reader that does not read: then nothing is recorded any more */
};

/* Without O_NONBLOCK a fifo that nobody reads would hold us for ever. */
static const int open_flags =
	O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;

/*** Where it may be ***/

static const struct step *writable_grant(const struct plan *plan, const char *host_path)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind == STEP_BIND && (step->flags & STEP_WRITABLE) &&
		    (!host_path || path_is_within(host_path, step->host_path)))
			return step;
	}
	return NULL;
}

static int check_place(const struct plan *plan, const char *path, struct err *reterr)
{
	const struct step *grant = path[0] == '/' ? writable_grant(plan, path) : NULL;

	return !grant ? 0
		      : err_msg(reterr, E_GRANT,
				"the audit log '%s' lies in the writable grant '%s'; put it where "
				"the box cannot write",
				path, grant->host_path);
}

int sink_check_links(const struct plan *plan, const struct strv *links, const char *file,
		     struct err *reterr)
{
	for (size_t i = 0; i < links->len; i++) {
		const struct step *grant = writable_grant(plan, links->items[i]);

		if (grant)
			return err_msg(reterr, E_GRANT,
				       "the link '%s' on the way to '%s' lies in the writable "
				       "grant '%s'; name the file by its own path",
				       links->items[i], file, grant->host_path);
	}
	return 0;
}

/* A second name of it may lie in a grant, made by an earlier box. */
static int check_opened(const struct plan *plan, struct sink *sink, struct err *reterr)
{
	struct stat st;

	if (fstat(sink->fd, &st) < 0)
		return err_set(reterr, E_SYSTEM, errno, "look at the audit log", sink->path);
	sink->is_regular = S_ISREG(st.st_mode);
	if (!sink->is_regular || st.st_nlink <= 1 || !writable_grant(plan, NULL))
		return 0;
	return err_msg(reterr, E_GRANT,
		       "the audit log '%s' has further hard links, and something is granted "
		       "writable; make a copy and name that",
		       sink->path);
}

/*** Opening ***/

static int open_descriptor(struct arena *arena, const struct plan *plan, int fd, struct sink *sink,
			   struct err *reterr)
{
	char link[64], path[PATH_MAX];

	sink->fd = fd;
	sink->path = arena_printf(arena, "fd:%d", fd);
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0'; /* no /proc outside: the caller knows what it opened */
	int r = check_place(plan, path, reterr);
	return r < 0 ? r : check_opened(plan, sink, reterr);
}

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

/* Resolves as much of path as there is; what follows is to be made. */
static int resolve_place(struct arena *arena, const char *path, struct resolved *ret_there,
			 const char **ret_rest)
{
	size_t end = strlen(path);
	int r = resolve_host_path(arena, path, ret_there);

	while (r == -ENOENT && end > 1) {
		while (path[--end] != '/')
			;
		r = resolve_host_path(arena, end ? arena_strndup(arena, path, end) : "/",
				      ret_there);
	}
	*ret_rest = path + end + (path[end] == '/');
	return r;
}

/* The file at sink->path, which is canonical. 0 or -errno. */
static int open_place(struct arena *arena, struct sink *sink)
{
	char *path = arena_strdup(arena, sink->path);
	char *slash = strrchr(path, '/');
	int r = make_directories(path);

	if (r < 0)
		return r;
	sink->name = slash + 1;
	*slash = '\0';
	sink->dir_fd = sys_openat2(AT_FDCWD, slash == path ? "/" : path,
				   O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS);
	if (sink->dir_fd < 0)
		return sink->dir_fd;
	sink->fd = openat(sink->dir_fd, sink->name, open_flags, 0600);
	return sink->fd < 0 ? -errno : 0;
}

char *sink_place(struct arena *arena, const struct hostfacts *facts, const char *file)
{
	const char *base = facts->cwd;

	if (file[0] == '~' && (file[1] == '/' || !file[1])) {
		base = facts->home;
		file += file[1] ? 2 : 1;
	}
	return path_absolute(arena, base, file);
}

static int open_file(struct arena *arena, const struct plan *plan, const char *file,
		     struct sink *sink, struct err *reterr)
{
	char *path = sink_place(arena, plan->facts, file);
	const char *rest;
	struct resolved there;

	int r = resolve_place(arena, path, &there, &rest);
	if (r < 0)
		return err_set(reterr, E_SYSTEM, -r, "open the audit log", path);
	sink->path = path_join(arena, there.path, rest);
	r = sink_check_links(plan, &there.links, sink->path, reterr);
	if (r == 0)
		r = check_place(plan, sink->path, reterr);
	if (r < 0)
		return r;
	r = open_place(arena, sink);
	if (r == -ELOOP)
		return err_msg(reterr, E_SYSTEM,
			       "the audit log '%s' is a symbolic link that leads nowhere; make "
			       "the file that it names",
			       sink->path);
	if (r < 0)
		return err_set(reterr, E_SYSTEM, -r, "open the audit log", path);
	return check_opened(plan, sink, reterr);
}

int sink_open(struct arena *arena, const struct plan *plan, const char *text, struct sink *ret_sink,
	      struct err *reterr)
{
	struct sink sink = SINK_NONE;
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int fd, r;

	/* What cannot be written is an error, not the end. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGXFSZ, &ignore, NULL);
	r = result_open_descriptor(text, &fd, reterr);
	if (r > 0)
		r = open_descriptor(arena, plan, fd, &sink, reterr);
	else if (r == 0)
		r = open_file(arena, plan, text, &sink, reterr);
	if (r < 0) {
		sink_close(&sink);
		return r;
	}
	*ret_sink = sink;
	return 0;
}

void sink_close(struct sink *sink)
{
	if (sink->dir_fd >= 0)
		close_keeping_errno(sink->fd);
	close_keeping_errno(sink->dir_fd);
	sink->fd = sink->dir_fd = -1;
}

/*** Writing ***/

/* Where the file was renamed or removed, the lines go on in a new one of its name. */
static int follow_rotation(struct sink *sink)
{
	struct stat ours, named;

	if (sink->dir_fd < 0)
		return 0;
	if (fstat(sink->fd, &ours) < 0)
		return -errno;
	if (fstatat(sink->dir_fd, sink->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    named.st_dev == ours.st_dev && named.st_ino == ours.st_ino)
		return 0;
	int fd = openat(sink->dir_fd, sink->name, open_flags, 0600);
	if (fd < 0)
		return -errno;
	close_keeping_errno(sink->fd);
	sink->fd = fd;
	return fstat(fd, &named) == 0 && S_ISREG(named.st_mode) ? 0 : -EEXIST;
}

/*
 * O_APPEND holds the file for one write(2), so lines never mix. Where the disk is full in the
 * middle of one, its beginning goes again, unless somebody wrote behind it; for that there would
 * have to be room again meanwhile.
 */
static int append(int fd, const char *line, size_t len)
{
	struct stat st;
	ssize_t n;

	do {
		n = write(fd, line, len);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		return 0;
	if (n < 0)
		return -errno;
	off_t end = lseek(fd, 0, SEEK_CUR);
	if (n > 0 && fstat(fd, &st) == 0 && st.st_size == end && ftruncate(fd, end - n) < 0)
		return -errno; /* half a line stays */
	return -ENOSPC;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A descriptor of the caller's may block: poll(2) promises room for PIPE_BUF. */
static int push(int fd, const char *line, size_t len)
{
	int64_t until = now_ms() + WAIT_MS;

	while (len) {
		struct pollfd room = { .fd = fd, .events = POLLOUT };
		int64_t left = until - now_ms();

		if (left <= 0)
			return -EAGAIN;
		if (poll(&room, 1, (int)left) <= 0)
			continue;
		ssize_t n = write(fd, line, len < PIPE_BUF ? len : PIPE_BUF);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			line += n;
			len -= (size_t)n;
			until = now_ms() + WAIT_MS;
		}
	}
	return 0;
}

int sink_write_to(int fd, const char *line, size_t len)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? append(fd, line, len) : push(fd, line, len);
}

int sink_write(struct sink *sink, const char *line, size_t len)
{
	if (!sink->is_regular)
		return push(sink->fd, line, len);
	int r = follow_rotation(sink);
	return r < 0 ? r : append(sink->fd, line, len);
}
