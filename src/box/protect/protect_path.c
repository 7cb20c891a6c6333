/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths of protected grants: see protect_path.h.
 *
 * Theory of operation: a path is resolved in the tree the payload sees, where
 * every link leads where it leads for the payload, to a directory and a last
 * name. Whether that directory is in a protected grant is told by its mount,
 * not by text. Its own path then comes from the kernel (/proc/self/fd), is
 * opened a second time in the writable copy following no link at all, and
 * must be the same inode. So the path that the rules judge is the very path
 * that is acted on, and no text of the payload's is resolved twice.
 */
#include "box/protect/protect_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sys.h"

enum {
	LINKS_MAX = 40, /* as the kernel's MAXSYMLINKS */
	NAME_BYTES = 255,
	RETRIES = 8,
};

/*** Helpers ***/

void guard_proc_path(char *buf, uint64_t pid, const char *tail, int64_t fd)
{
	int64_t numbers[] = { (int64_t)pid, fd };

	for (int i = 0; i < 2 && numbers[i] >= 0; i++) {
		char digits[20];
		int n = 0;

		do {
			digits[n++] = (char)('0' + numbers[i] % 10);
			numbers[i] /= 10;
		} while (numbers[i]);
		while (n)
			*buf++ = digits[--n];
		if (i == 0) {
			memcpy(buf, tail, strlen(tail));
			buf += strlen(tail);
		}
	}
	*buf = '\0';
}

/* name "": fd itself. */
static long look(int fd, const char *name, struct statx *ret)
{
	unsigned flags = AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);

	return sys_call5(SYS_statx, fd, name, flags, STATX_TYPE | STATX_INO | STATX_MNT_ID, ret);
}

static bool is_same(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

static const struct guarded *grant_of(const struct guard *guard, uint64_t mount_id)
{
	for (size_t i = 0; i < guard->grants_len; i++) {
		if (guard->grants[i].mount_id == mount_id)
			return &guard->grants[i];
	}
	return NULL;
}

void spot_clear(struct spot *spot)
{
	close_keeping_errno(spot->dir_fd);
	spot->dir_fd = -1;
}

struct rules_path spot_path(const struct spot *spot)
{
	const struct rules_path path = { spot->grant->host_path, spot->rel, spot->box_path,
					 spot->grant->folds };

	return path;
}

/*** From the payload's view to the writable copy ***/

static long read_link_of_fd(const struct guard *guard, int fd, char *buf, size_t size)
{
	char link[48];

	guard_proc_path(link, 1, "/fd/", fd); /* init is pid 1 of its own /proc */
	long n = sys_call4(SYS_readlinkat, guard->proc_fd, link, buf, size - 1);
	if (n >= 0 && (size_t)n >= size - 1)
		n = -ENAMETOOLONG;
	buf[n < 0 ? 0 : n] = '\0';
	return n;
}

/* The path of an open file of the grant, into spot->box_path. */
static int read_path(const struct guard *guard, const struct guarded *grant, int fd,
		     struct spot *spot)
{
	long n = read_link_of_fd(guard, fd, spot->box_path, sizeof spot->box_path);

	if (n < 0)
		return (int)n;
	if (strncmp(spot->box_path, grant->box_path, grant->box_path_len) != 0 ||
	    (spot->box_path[grant->box_path_len] && spot->box_path[grant->box_path_len] != '/'))
		return -ENOENT; /* outside: moved away by the host */
	return 0;
}

/* The copy is attached nowhere: its paths begin at the grant itself. */
static int read_copy_path(const struct guard *guard, const struct guarded *grant, int fd,
			  struct spot *spot)
{
	size_t len = grant->box_path_len;

	memcpy(spot->box_path, grant->box_path, len);
	long n = read_link_of_fd(guard, fd, spot->box_path + len, sizeof spot->box_path - len);
	return n < 0 ? (int)n : spot->box_path[len] == '/' ? 0 : -ENOENT;
}

/* A path below the grant in the writable copy, no link followed. "" is the grant. */
static int open_copy(const struct guarded *grant, const char *rel)
{
	return sys_openat2(
		grant->writable_fd, *rel ? rel : ".", O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW,
		0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

/*
 * Directories can move while this runs, but only by another process of the
 * host: then the two openings differ and the path is read again.
 */
static int open_same(const struct guard *guard, const struct guarded *grant, int dir_fd,
		     const struct statx *dir, struct spot *spot)
{
	for (int i = 0; i < RETRIES; i++) {
		struct statx copy;
		int r = read_path(guard, grant, dir_fd, spot);

		if (r < 0)
			return r;
		const char *rel = spot->box_path + grant->box_path_len;
		_cleanup_close_ int fd = open_copy(grant, rel + (*rel == '/'));
		if (fd >= 0 && look(fd, "", &copy) == 0 && is_same(&copy, dir)) {
			spot->dir_fd = steal_fd(&fd);
			return 0;
		}
	}
	return -ENOENT; /* removed, most likely */
}

static int append_name(struct spot *spot, const char *name)
{
	size_t len = strlen(spot->box_path), name_len = strlen(name);

	if (len + 1 + name_len >= sizeof spot->box_path)
		return -ENAMETOOLONG;
	spot->box_path[len] = '/';
	memcpy(spot->box_path + len + 1, name, name_len + 1);
	spot->name = spot->box_path + len + 1;
	spot->rel = spot->box_path + spot->grant->box_path_len + 1;
	return 0;
}

/* name in dir_fd, an open directory of the payload's view. */
static int settle(const struct guard *guard, int dir_fd, const struct statx *dir, const char *name,
		  struct spot *spot)
{
	struct statx st;

	spot->grant = grant_of(guard, dir->stx_mnt_id);
	if (!spot->grant)
		return 0;
	long r = look(dir_fd, name, &st);
	if (r < 0 && r != -ENOENT)
		return 0;
	/* Something is mounted on it: a deeper grant, or what hides it. */
	if (r == 0 && st.stx_mnt_id != dir->stx_mnt_id)
		return 0;
	spot->exists = r == 0;
	spot->mode = r == 0 ? st.stx_mode : 0;
	r = open_same(guard, spot->grant, dir_fd, dir, spot);
	if (r == 0)
		r = append_name(spot, name);
	return r < 0 ? (int)r : 1;
}

/* spot->box_path names the open file st: its directory in the writable copy. */
static int settle_object(const struct statx *st, struct spot *spot)
{
	static char dot[] = ".";
	char *rel = spot->box_path + spot->grant->box_path_len;
	char *slash = strrchr(rel, '/');
	struct statx copy;

	spot->exists = true;
	spot->mode = st->stx_mode;
	spot->rel = rel + (*rel == '/');
	if (slash)
		*slash = '\0'; /* for a moment the path of the directory */
	spot->dir_fd = open_copy(spot->grant, *rel == '/' ? rel + 1 : rel);
	if (slash)
		*slash = '/';
	spot->name = slash ? slash + 1 : dot;
	if (spot->dir_fd < 0)
		return -ENOENT;
	long r = look(spot->dir_fd, spot->name, &copy);
	return r == 0 && is_same(st, &copy) ? 1 : -ENOENT;
}

int spot_find_object(const struct guard *guard, int fd, struct spot *spot)
{
	struct statx st;
	long r = look(fd, "", &st);

	spot->grant = r == 0 ? grant_of(guard, st.stx_mnt_id) : NULL;
	if (!spot->grant)
		return 0;
	r = read_path(guard, spot->grant, fd, spot);
	return r < 0 ? (int)r : settle_object(&st, spot);
}

int spot_find_reopened(const struct guard *guard, int fd, struct spot *spot)
{
	struct statx st;
	long r = look(fd, "", &st);

	for (size_t i = 0; r == 0 && i < guard->grants_len; i++) {
		spot->grant = &guard->grants[i];
		if (spot->grant->copy_id != st.stx_mnt_id)
			continue;
		r = read_copy_path(guard, spot->grant, fd, spot);
		return r < 0 ? (int)r : settle_object(&st, spot);
	}
	return spot_find_object(guard, fd, spot);
}

/*** From text to a place ***/

struct split {
	const char *dir; /* "." or the text up to the last name */
	const char *name;
	bool has_slash;
};

/* Cuts path in place. False: no name at its end. */
static bool split(char *path, struct split *ret)
{
	size_t len = strlen(path);

	ret->has_slash = len && path[len - 1] == '/';
	while (len && path[len - 1] == '/')
		path[--len] = '\0';
	if (!len)
		return false;
	char *slash = strrchr(path, '/');
	ret->name = slash ? slash + 1 : path;
	ret->dir = !slash ? "." : slash == path ? "/" : path;
	if (strcmp(ret->name, ".") == 0 || strcmp(ret->name, "..") == 0)
		return false;
	if (slash)
		*slash = '\0';
	return true;
}

static int open_view(int base_fd, const char *path, int flags)
{
	return sys_openat2(base_fd, path, (uint64_t)(O_PATH | O_CLOEXEC | flags), 0,
			   RESOLVE_NO_MAGICLINKS);
}

static int find_dot(const struct guard *guard, int base_fd, const char *path, struct spot *spot)
{
	_cleanup_close_ int fd = *path ? open_view(base_fd, path, O_DIRECTORY) : -ENOENT;

	spot->is_dot = true;
	return fd < 0 ? 0 : spot_find_object(guard, fd, spot);
}

/*
 * Replaces path by the target of the link name in dir_fd. False: not a link,
 * or one of /proc's, whose text is not where it leads. name may lie in path.
 */
static bool read_link(const struct guard *guard, int dir_fd, const char *name, bool has_slash,
		      char *path)
{
	static char target[GUARD_PATH_BYTES];
	struct statx st;

	if (look(dir_fd, name, &st) < 0 || !S_ISLNK(st.stx_mode) ||
	    st.stx_mnt_id == guard->proc_mount_id)
		return false;
	long n = sys_call4(SYS_readlinkat, dir_fd, name, target, sizeof target - 2);
	if (n <= 0 || (size_t)n >= sizeof target - 2)
		return false;
	if (has_slash)
		target[n++] = '/';
	memcpy(path, target, (size_t)n);
	path[n] = '\0';
	return true;
}

int spot_find(const struct guard *guard, int base_fd, char *path, enum follow follow,
	      struct spot *spot)
{
	_cleanup_close_ int dir_fd = -1;

	for (int links = 0; links <= LINKS_MAX; links++) {
		int from = dir_fd >= 0 ? dir_fd : base_fd;
		struct statx dir;
		struct split at;

		if (!split(path, &at))
			return find_dot(guard, from, path, spot);
		int fd = open_view(from, at.dir, O_DIRECTORY);
		close_keeping_errno(dir_fd);
		dir_fd = fd;
		if (fd < 0 || look(fd, "", &dir) < 0)
			return 0;
		spot->has_slash = at.has_slash;
		if (strlen(at.name) > NAME_BYTES)
			return grant_of(guard, dir.stx_mnt_id) ? -ENAMETOOLONG : 0;
		if (follow == FOLLOW_NEVER || (follow == FOLLOW_WITH_SLASH && !at.has_slash) ||
		    !read_link(guard, fd, at.name, at.has_slash, path))
			return settle(guard, fd, &dir, at.name, spot);
	}
	return 0; /* ELOOP */
}

/*** Repositories and directories that must stay ***/

/* What cannot be looked into cannot be ruled out, but what does not exist can. */
static bool holds_head(const struct guarded *grant, const char *rel, size_t len)
{
	static char dir[GUARD_PATH_BYTES];
	struct statx st;

	while (len && rel[len - 1] == '/')
		len--;
	memcpy(dir, rel, len);
	dir[len] = '\0';
	_cleanup_close_ int fd = open_copy(grant, dir);
	long r = fd < 0 ? fd : look(fd, "HEAD", &st);
	return r != -ENOENT && r != -ENOTDIR;
}

bool spot_is_in_repository(const struct guard *guard, const struct spot *spot)
{
	const struct rules_path path = spot_path(spot);
	size_t at = 0, dir_len;

	while (rules_git_name(&guard->rules, &path, &at, &dir_len)) {
		if (holds_head(spot->grant, spot->rel, dir_len))
			return true;
	}
	return false;
}

bool spot_is_below_head(const struct spot *spot)
{
	for (size_t len = strlen(spot->rel); len > 0;) {
		while (len > 0 && spot->rel[len - 1] != '/')
			len--;
		if (holds_head(spot->grant, spot->rel, len))
			return true;
		if (len > 0)
			len--;
	}
	return false;
}

enum {
	SCAN_DEPTH = 64,
	SCAN_ENTRIES = 100000,
};

struct scan {
	const struct guard *guard;
	enum place place;
	int fds[SCAN_DEPTH];
	int64_t resume[SCAN_DEPTH]; /* where to go on reading; the buffer is shared */
	int depth;
	unsigned seen;
};

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Opens a subdirectory as the next level. False: it must not be assumed harmless. */
static bool scan_enter(struct scan *scan, const struct directory_entry *entry)
{
	int fd = sys_openat2(scan->fds[scan->depth - 1], entry->name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
			     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);

	/* A file after all, where the file system tells no types; or gone. */
	if (fd == -ENOTDIR || fd == -ELOOP || fd == -ENOENT)
		return true;
	if (fd < 0 || scan->depth == SCAN_DEPTH) {
		close_keeping_errno(fd);
		return false;
	}
	scan->resume[scan->depth - 1] = entry->next;
	scan->resume[scan->depth] = 0;
	scan->fds[scan->depth++] = fd;
	return true;
}

/* Reads on at the deepest level. 1: more to do; 0: all seen; -1: something must stay. */
static int scan_step(struct scan *scan)
{
	static char buf[SCAN_BYTES] __attribute__((aligned(8)));
	int level = scan->depth - 1, fd = scan->fds[level];
	long n = sys_call3(SYS_lseek, fd, scan->resume[level], 0 /* SEEK_SET */);

	if (n >= 0)
		n = sys_call3(SYS_getdents64, fd, buf, sizeof buf);
	if (n < 0)
		return -1;
	if (n == 0) {
		(void)sys_close(fd);
		scan->depth--;
		return scan->depth > 0;
	}
	for (long at = 0; at < n;) {
		const struct directory_entry *entry =
			(const struct directory_entry *)(const void *)(buf + at);

		at += entry->len;
		scan->resume[level] = entry->next;
		if (is_dots(entry->name))
			continue;
		if (++scan->seen > SCAN_ENTRIES ||
		    !rules_may_travel(&scan->guard->rules, scan->place, entry->name))
			return -1;
		if (entry->type != ENTRY_DIRECTORY && entry->type != ENTRY_UNKNOWN)
			continue;
		if (!scan_enter(scan, entry))
			return -1;
		if (scan->depth - 1 != level)
			return 1;
	}
	return 1;
}

bool spot_may_travel(const struct guard *guard, const struct spot *spot)
{
	const struct rules_path path = spot_path(spot);
	struct scan scan = { .guard = guard, .place = rules_place(&guard->rules, &path) };
	int r = sys_openat2(spot->dir_fd, spot->name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
			    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);

	if (r < 0)
		return false;
	scan.fds[0] = r;
	scan.depth = 1;
	do {
		r = scan_step(&scan);
	} while (r > 0);
	while (scan.depth > 0)
		(void)sys_close(scan.fds[--scan.depth]);
	return r == 0;
}
