/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mediated calls that change what is known of a file: see protect_work.h. */
#include "box/protect/protect_work.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define SYS_FCHMODAT2 452 /* 6.6 */

enum {
	SET_ID_BITS = 06000
};
enum times {
	TIMES_SPEC,
	TIMES_VAL,
	TIMES_BUF
}; /* timespec, timeval, struct utimbuf */

/* Through a descriptor: truncate(2) itself waits for whoever holds a lease. */
struct answer do_truncate(const struct work *work)
{
	struct answer answer;
	struct stat st;

	if (work_find_object(work, CHANGE_WRITE, &answer))
		return answer;
	if (!S_ISREG(work->spot->mode) || (int64_t)work->value < 0)
		return answer_native();
	_cleanup_close_ int fd =
		(int)sys_call4(SYS_openat, work->spot->dir_fd, work->spot->name,
			       O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0)
		return answer_result(fd);
	long r = sys_call2(SYS_fstat, fd, &st);
	if (r < 0 || !S_ISREG(st.st_mode))
		return answer_result(r < 0 ? r : -EINVAL);
	/* The limit on files is the payload's, not init's. */
	if (work->value > work->guard->file_size && (int64_t)work->value > st.st_size)
		return answer_result(-EFBIG);
	return answer_result(sys_call2(SYS_ftruncate, fd, work->value));
}

/* Kernels before 6.6 cannot change a mode without following a link: by descriptor then. */
static long change_mode(const struct work *work, mode_t mode)
{
	const struct spot *spot = work->spot;
	long r = sys_call4(SYS_FCHMODAT2, spot->dir_fd, spot->name, mode, AT_SYMLINK_NOFOLLOW);
	char path[48];

	if (r != -ENOSYS)
		return r;
	_cleanup_close_ int fd = (int)sys_call4(SYS_openat, spot->dir_fd, spot->name,
						O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	guard_proc_path(path, 1, "/fd/", fd);
	return sys_call3(SYS_fchmodat, work->guard->proc_fd, path, mode);
}

struct answer do_chmod(const struct work *work)
{
	struct answer answer;

	if (work->value & SET_ID_BITS)
		return answer_result(-EPERM); /* as the filter */
	if (work_find_object(work, CHANGE_ATTRIBUTES, &answer))
		return answer;
	if (S_ISLNK(work->spot->mode))
		return answer_result(-EOPNOTSUPP);
	return answer_result(change_mode(work, (mode_t)work->value & 01777));
}

struct answer do_chown(const struct work *work)
{
	struct answer answer;
	int8_t owner = work->call->value;

	if (work_find_object(work, CHANGE_ATTRIBUTES, &answer))
		return answer;
	return answer_result(sys_call5(SYS_fchownat, work->spot->dir_fd, work->spot->name,
				       (uid_t)work_argument(work, owner),
				       (gid_t)work_argument(work, (int8_t)(owner + 1)),
				       AT_SYMLINK_NOFOLLOW));
}

static enum times times_kind(int nr)
{
	switch (nr) {
#ifdef SYS_open
	case SYS_utime:
		return TIMES_BUF;
	case SYS_utimes:
	case SYS_futimesat:
		return TIMES_VAL;
#endif
	default:
		return TIMES_SPEC;
	}
}

/* 1: times set; 0: the kernel may say what is wrong. All three layouts are 64-bit numbers. */
static int copy_times(const struct work *work, struct timespec times[2])
{
	enum times kind = times_kind(work->call->nr);
	int64_t raw[4];
	size_t size = kind == TIMES_BUF ? 2 * sizeof *raw : sizeof raw;

	if (work_copy(work, work->value, raw, size) != (long)size)
		return 0;
	for (int i = 0; i < 2; i++) {
		times[i].tv_sec = kind == TIMES_BUF ? raw[i] : raw[2 * i];
		times[i].tv_nsec = kind == TIMES_BUF ? 0 : raw[2 * i + 1];
		if (kind != TIMES_VAL)
			continue;
		if (times[i].tv_nsec < 0 || times[i].tv_nsec >= 1000000)
			return 0;
		times[i].tv_nsec *= 1000;
	}
	return 1;
}

struct answer do_utime(const struct work *work)
{
	struct timespec times[2];
	struct answer answer;

	if (work->value && !copy_times(work, times))
		return answer_native();
	if (work_find_object(work, CHANGE_ATTRIBUTES, &answer))
		return answer;
	return answer_result(sys_call4(SYS_utimensat, work->spot->dir_fd, work->spot->name,
				       work->value ? times : NULL, AT_SYMLINK_NOFOLLOW));
}

struct answer do_access(const struct work *work)
{
	struct answer answer;

	if (work_find_object(work, CHANGE_ACCESS, &answer))
		return answer;
	if (work->value & ~7UL)
		return answer_result(-EINVAL);
	return answer_result(sys_call4(SYS_faccessat2, work->spot->dir_fd, work->spot->name,
				       work->value,
				       AT_SYMLINK_NOFOLLOW | (work->flags & AT_EACCESS)));
}

/*** Extended attributes ***/

enum {
	XATTR_NAME_BYTES = 256,
	XATTR_VALUE_BYTES = 64 * 1024
}; /* linux/limits.h */

/* The calls know no directory descriptor: "/proc/self/fd/N" stands for the file. */
struct answer do_xattr(const struct work *work)
{
	static char value[XATTR_VALUE_BYTES];
	char name[XATTR_NAME_BYTES], path[64] = "/proc/";
	bool sets = work->call->op == OP_SETXATTR;
	uint64_t size = sets ? work->request->data.args[3] : 0;
	struct answer answer;

	long n = work_copy(work, work->value, name, sizeof name);
	if (n <= 0 || !memchr(name, '\0', (size_t)n) || size > sizeof value)
		return answer_native();
	if (size && work_copy(work, work->request->data.args[2], value, size) != (long)size)
		return answer_native();
	if (work_find_object(work, CHANGE_ATTRIBUTES, &answer))
		return answer;
	if (S_ISLNK(work->spot->mode))
		return answer_native();
	_cleanup_close_ int fd = (int)sys_call4(SYS_openat, work->spot->dir_fd, work->spot->name,
						O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return answer_result(fd);
	guard_proc_path(path + strlen(path), 1, "/fd/", fd);
	if (!sets)
		return answer_result(sys_call2(SYS_removexattr, path, name));
	return answer_result(
		sys_call5(SYS_setxattr, path, name, value, size, work->request->data.args[4]));
}
