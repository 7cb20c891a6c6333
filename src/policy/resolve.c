/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Host paths to objects: see resolve.h.
 *
 * The plan keeps the canonical path with the object's device and inode; the
 * box opens that path refusing symbolic links and compares both. A link that
 * is swapped in between makes the run fail, it never redirects a grant
 * (runc: 14 advisories of that kind).
 */
#include "policy/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "policy/paths.h"

enum {
	MAX_LINKS = 40
}; /* as the kernel's own limit, path_resolution(7) */

static int describe(int fd, struct resolved *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	ret->mode = st.st_mode;
	ret->uid = st.st_uid;
	ret->gid = st.st_gid;
	return 0;
}

static int open_plain(const char *path)
{
	return sys_openat2(AT_FDCWD, path, O_PATH | O_CLOEXEC | O_NOFOLLOW, 0,
			   RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* Finds the first component of path that is a link: length of the path up to and with it. */
static size_t first_link(struct arena *arena, const char *path, struct stat *ret_st, int *ret_error)
{
	char *part = arena_strdup(arena, path);
	size_t at = 0;

	*ret_error = 0;
	while (path[at]) {
		at++;
		at += strcspn(path + at, "/");
		part[at] = '\0';
		if (lstat(part, ret_st) < 0) {
			*ret_error = -errno;
			return 0;
		}
		if (S_ISLNK(ret_st->st_mode))
			return at;
		part[at] = path[at];
	}
	return 0;
}

static int follow(struct arena *arena, char **path, size_t link_end, struct resolved *ret)
{
	char *link = arena_strndup(arena, *path, link_end);
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof target - 1);

	if (n < 0)
		return -errno;
	if (n == 0 || (size_t)n >= sizeof target - 1)
		return -ENAMETOOLONG;
	target[n] = '\0';
	strv_push(arena, &ret->links, link);
	char *dir = arena_strndup(arena, link, (size_t)(strrchr(link, '/') - link));
	char *joined = arena_printf(arena, "%s%s", target, *path + link_end);
	/* ".." is taken lexically here: the directory part holds no links any more. */
	if (path_has_dotdot(target) && target[0] != '/') {
		size_t lead = 0;
		while (strncmp(joined + lead, "../", 3) == 0 || strcmp(joined + lead, "..") == 0)
			lead += 2 + (joined[lead + 2] == '/');
		if (path_has_dotdot(joined + lead)) {
			char real[PATH_MAX];
			char *from = arena_printf(arena, "%s/%s", dir, target);

			/* "x/../y" through a link: only the kernel knows; take its answer. */
			if (!realpath(from, real))
				return -errno;
			*path = arena_printf(arena, "%s%s", real, *path + link_end);
			return 0;
		}
	}
	*path = path_absolute(arena, *dir ? dir : "/", joined);
	return 0;
}

int resolve_host_path(struct arena *arena, const char *path, struct resolved *ret)
{
	char *now = arena_strdup(arena, path);

	memset(ret, 0, sizeof *ret);
	for (int i = 0; i <= MAX_LINKS; i++) {
		_cleanup_close_ int fd = open_plain(now);
		struct stat st;
		int error;

		if (fd >= 0) {
			int r = describe(fd, ret);
			if (r < 0)
				return r;
			if (!S_ISLNK(ret->mode)) {
				ret->path = now;
				return 0;
			}
		} else if (fd != -ELOOP) {
			return fd;
		}
		size_t end = first_link(arena, now, &st, &error);
		if (error < 0)
			return error;
		if (end == 0)
			continue; /* a link was replaced meanwhile: look again */
		int r = follow(arena, &now, end, ret);
		if (r < 0)
			return r;
	}
	return -ELOOP;
}
