/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a mediated call says, and what it is about: see protect_work.h. */
#include "box/protect/protect_work.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/refusals/listener.h"

struct answer answer_native(void)
{
	const struct answer answer = { .kind = ANSWER_NATIVE, .fd = -1 };

	return answer;
}

struct answer answer_result(long r)
{
	const struct answer answer = { .kind = ANSWER_RESULT,
				       .error = r < 0 ? (int)r : 0,
				       .fd = -1 };

	return answer;
}

struct answer answer_refused(const struct spot *spot)
{
	struct answer answer = answer_result(-EPERM);

	answer.is_refused = true;
	answer.path = spot->box_path;
	return answer;
}

/*** What the payload says ***/

long work_copy(const struct work *work, uint64_t address, void *buf, size_t size)
{
	return listener_copy(work->request, address, buf, size);
}

bool work_copy_path(const struct work *work, uint64_t address, char *buf)
{
	return listener_copy_path(work->request, address, buf, GUARD_PATH_BYTES);
}

static bool is_still_asking(const struct work *work)
{
	uint64_t id = work->request->id;

	return sys_call3(SYS_ioctl, work->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

uint64_t work_argument(const struct work *work, int8_t i)
{
	return work->request->data.args[i];
}

/* The payload's descriptor, or its working directory. O_PATH. */
static int open_descriptor(const struct work *work, int fd)
{
	char path[48];

	if (fd != AT_FDCWD && fd < 0)
		return -EBADF;
	guard_proc_path(path, work->request->pid, fd == AT_FDCWD ? "/cwd" : "/fd/",
			fd == AT_FDCWD ? -1 : fd);
	return (int)sys_call4(SYS_openat, work->guard->proc_fd, path, O_PATH | O_CLOEXEC, 0);
}

/* The directory that a path starts at. */
static int open_base(const struct work *work, int8_t dir)
{
	return open_descriptor(work, dir == NONE ? AT_FDCWD : (int)work_argument(work, dir));
}

/*
 * The descriptor that a path opens again, or -1: scripts write to /dev/stdout.
 * Elsewhere links of /proc are left to the kernel; here they would lead to
 * init's own.
 */
static int descriptor_in(const char *path)
{
	static const char *const streams[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	static const char *const prefixes[] = { "/dev/fd/", "/proc/self/fd/" };
	int number = 0;

	for (int i = 0; i < 3; i++) {
		if (strcmp(path, streams[i]) == 0)
			return i;
	}
	for (int i = 0; i < 2; i++) {
		size_t len = strlen(prefixes[i]);

		if (strncmp(path, prefixes[i], len) != 0)
			continue;
		path += len;
		for (; *path >= '0' && *path <= '9' && number < 1000000; path++)
			number = number * 10 + (*path - '0');
		return *path ? -1 : number;
	}
	return -1;
}

/* The umask is no argument: it is the second line of status. */
int work_take_umask(const struct work *work)
{
	char path[48], text[256];
	unsigned mask = 0;

	guard_proc_path(path, work->request->pid, "/status", -1);
	_cleanup_close_ int fd =
		(int)sys_call4(SYS_openat, work->guard->proc_fd, path, O_RDONLY | O_CLOEXEC, 0);
	long n = fd < 0 ? fd : sys_read(fd, text, sizeof text - 1);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	const char *line = strstr(text, "\nUmask:\t");
	if (!line)
		return -EPERM;
	for (line += strlen("\nUmask:\t"); *line >= '0' && *line <= '7'; line++)
		mask = mask * 8 + (unsigned)(*line - '0');
	(void)sys_call1(SYS_umask, mask & 0777);
	return 0;
}

/*** Finding ***/

int work_find(const struct work *work, int8_t dir, int8_t path_argument, enum follow follow,
	      struct spot *spot)
{
	static char path[GUARD_PATH_BYTES];
	bool is_object = path_argument == NONE;
	uint64_t address = is_object ? 0 : work_argument(work, path_argument);

	if (!is_object && address == 0)
		is_object = work->call->op == OP_UTIME && dir != NONE;
	if (is_object && (int)work_argument(work, dir) == AT_FDCWD)
		return 0; /* only an empty path may mean the working directory */
	path[0] = '\0';
	if (!is_object && !work_copy_path(work, address, path))
		return 0;
	if (!is_object && !path[0]) {
		is_object = work->call->op != OP_OPEN && work->call->op != OP_RENAME &&
			    (work->flags & AT_EMPTY_PATH);
		if (!is_object)
			return 0;
	}
	int number = work->call->op == OP_OPEN ? descriptor_in(path) : -1;
	bool is_reopened = number >= 0, is_absolute = path[0] == '/' && !is_reopened;
	_cleanup_close_ int base = is_absolute	 ? -EBADF
				   : is_reopened ? open_descriptor(work, number)
						 : open_base(work, dir);
	if (!is_absolute && base < 0)
		return 0;
	if (!is_still_asking(work))
		return 0;
	if (is_reopened)
		return spot_find_reopened(work->guard, base, spot);
	if (is_object)
		return spot_find_object(work->guard, base, spot);
	return spot_find(work->guard, base, path, follow, spot);
}

bool work_is_allowed(const struct work *work, const struct spot *spot, enum change change)
{
	const struct rules_path path = spot_path(spot);

	return rules_allow(&work->guard->rules, &path, change) &&
	       (change == CHANGE_ACCESS || !spot_is_in_repository(work->guard, spot));
}

bool work_find_entry(const struct work *work, enum change change, struct answer *ret)
{
	int r = work_find(work, work->call->dir, work->call->path, FOLLOW_NEVER, work->spot);

	if (r <= 0 || work->spot->is_dot)
		*ret = r < 0 ? answer_result(r) : answer_native();
	else if (!work_is_allowed(work, work->spot, change))
		*ret = answer_refused(work->spot);
	else
		return false;
	return true;
}

bool work_find_object(const struct work *work, enum change change, struct answer *ret)
{
	int r = work_find(work, work->call->dir, work->call->path,
			  work->flags & AT_SYMLINK_NOFOLLOW ? FOLLOW_WITH_SLASH : FOLLOW_ALWAYS,
			  work->spot);

	if (r <= 0)
		*ret = r < 0 ? answer_result(r) : answer_native();
	else if (!work->spot->exists)
		*ret = answer_result(-ENOENT);
	else if (work->spot->has_slash && !S_ISDIR(work->spot->mode))
		*ret = answer_result(-ENOTDIR);
	else if (!work_is_allowed(work, work->spot, change))
		*ret = change == CHANGE_ACCESS ? answer_result(-EPERM) /* only asked */
					       : answer_refused(work->spot);
	else
		return false;
	return true;
}
