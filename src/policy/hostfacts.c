/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plan needs to know of the caller and the host: see hostfacts.h. */
#include "policy/hostfacts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/paths.h"

static const char *environment_get(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	}
	return NULL;
}

/* fgetpwent reads the file itself: getpwuid would load NSS modules, even in a static program. */
static const char *home_of(struct arena *arena, uid_t uid)
{
	FILE *passwd = fopen("/etc/passwd", "re");
	const char *home = NULL;

	if (!passwd)
		return NULL;
	for (struct passwd *entry; !home && (entry = fgetpwent(passwd));) {
		if (entry->pw_uid == uid)
			home = arena_strdup(arena, entry->pw_dir);
	}
	(void)fclose(passwd); /* only read */
	return home;
}

/* The initial user namespace maps everything; any other is confined by its creator already. */
static int find_host_root(uid_t uid, bool *ret_host_root, struct err *reterr)
{
	static const char path[] = "/proc/self/uid_map";
	unsigned inside, outside, count;
	char map[64];

	*ret_host_root = false;
	if (uid != 0)
		return 0;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, map, sizeof map - 1);
	if (n < 0) /* no box can be made without it either */
		return err_wall(reterr, "user", errno, "read", path);
	map[n] = '\0';
	/* What cannot be understood is taken for the stricter case. */
	*ret_host_root = sscanf(map, "%u %u %u", &inside, &outside, &count) != 3 ||
			 (inside == 0 && outside == 0 && count == UINT_MAX);
	return 0;
}

static unsigned find_terminals(void)
{
	unsigned found = 0;

	for (int fd = 0; fd <= 2; fd++) {
		struct termios settings;

		if (tcgetattr(fd, &settings) == 0)
			found |= 1U << fd;
	}
	return found;
}

/* A later open() must never become somebody's stdin. */
static int fill_closed(unsigned *ret_closed, struct err *reterr)
{
	unsigned closed = 0;

	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		closed |= 1U << fd;
		if (open("/dev/null", O_RDWR) != fd)
			return err_set(reterr, E_SYSTEM, errno, "open", "/dev/null");
	}
	*ret_closed = closed;
	return 0;
}

/*
 * A directory among them would be a way out of the box: openat(2) from it, or
 * fchdir(2), reaches everything below. So would an O_PATH descriptor.
 */
static int check_stdio(struct hostfacts *facts, struct err *reterr)
{
	struct stat st[3];

	for (int fd = 0; fd <= 2; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0 || fstat(fd, &st[fd]) < 0)
			return err_set(reterr, E_SYSTEM, errno, "inspect", "a standard descriptor");
		if (S_ISDIR(st[fd].st_mode) || (flags & O_PATH))
			return err_msg(
				reterr, E_USAGE,
				"descriptor %d is a directory or an O_PATH descriptor, which "
				"would lead out of the box; redirect it to a file or close it",
				fd);
		facts->stdio_mode[fd] = st[fd].st_mode & S_IFMT;
	}
	facts->one_output = st[1].st_dev == st[2].st_dev && st[1].st_ino == st[2].st_ino;
	return 0;
}

/* A root caller's box opens a mount for every grant at once. */
static int raise_open_files(struct hostfacts *facts, struct err *reterr)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_set(reterr, E_SYSTEM, errno, "read", "the limit on open files");
	facts->open_files = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_set(reterr, E_SYSTEM, errno, "raise", "the limit on open files");
	return 0;
}

int hostfacts_read(struct arena *arena, char *const *env, struct hostfacts *ret_facts,
		   struct err *reterr)
{
	char cwd[PATH_MAX];

	if (geteuid() != getuid() || getegid() != getgid())
		return err_msg(reterr, E_USAGE,
			       "aisbx must not be installed set-user-ID or set-group-ID; "
			       "remove the bit with chmod u-s,g-s");
	memset(ret_facts, 0, sizeof *ret_facts);
	int r = fill_closed(&ret_facts->closed, reterr);
	if (r == 0)
		r = check_stdio(ret_facts, reterr);
	if (r == 0)
		r = raise_open_files(ret_facts, reterr);
	if (r < 0)
		return r;
	if (!getcwd(cwd, sizeof cwd)) {
		if (errno == ERANGE)
			return err_msg(
				reterr, E_USAGE,
				"the current directory's path is longer than %d bytes; start in "
				"another",
				PATH_MAX - 1);
		if (errno != ENOENT)
			return err_set(reterr, E_SYSTEM, errno, "find the current directory", ".");
		cwd[0] = '\0';
	}
	/* Removed, or out of sight: the box starts elsewhere, and no relative path is found. */
	ret_facts->cwd = arena_strdup(arena, cwd[0] == '/' ? cwd : "/dev/null/removed");
	ret_facts->uid = getuid();
	ret_facts->gid = getgid();
	r = find_host_root(ret_facts->uid, &ret_facts->host_root, reterr);
	if (r < 0)
		return r;
	ret_facts->terminals = find_terminals();
	ret_facts->environ = env;

	const char *home = environment_get(env, "HOME");
	if (!home || home[0] != '/')
		home = home_of(arena, ret_facts->uid);
	if (!home || home[0] != '/')
		home = "/home/user";
	ret_facts->home = path_absolute(arena, "/", home);
	return 0;
}
