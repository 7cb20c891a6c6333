/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mediated system calls: see protect_calls.h.
 *
 * A call is a row of a table: which argument is the directory, the path, the
 * flags. Every string is copied from the payload once; from then on only the
 * copy and init's own descriptors are used. ANSWER_NATIVE is given freely: the
 * payload's own call reaches protected grants through read-only mounts, so
 * whatever it turns its pointers into meanwhile gains it EROFS.
 *
 * A file is opened without following links and without waiting, and handed
 * over only when it is a regular file: an open directory of the writable
 * mount would be a way round everything here.
 */
#include "box/protect/protect_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/protect/protect_work.h"

#define SYS_FCHMODAT2 452 /* 6.6 */

/* clang-format off */
static const struct call calls[] = {
	/*                                 dir   path flags value dir2  path2 */
	{ SYS_openat,     OP_OPEN,            0,    1,    2,    3, NONE, NONE, 0 },
	{ SYS_mkdirat,    OP_MKDIR,           0,    1, NONE,    2, NONE, NONE, 0 },
	{ SYS_unlinkat,   OP_REMOVE,          0,    1,    2, NONE, NONE, NONE, 0 },
	{ SYS_renameat,   OP_RENAME,          0,    1, NONE, NONE,    2,    3, 0 },
	{ SYS_renameat2,  OP_RENAME,          0,    1,    4, NONE,    2,    3, 0 },
	{ SYS_linkat,     OP_LINK,            0,    1,    4, NONE,    2,    3, 0 },
	{ SYS_symlinkat,  OP_SYMLINK,         1,    2, NONE,    0, NONE, NONE, 0 },
	{ SYS_mknodat,    OP_MKNOD,           0,    1, NONE,    2, NONE, NONE, 0 },
	{ SYS_truncate,   OP_TRUNCATE,     NONE,    0, NONE,    1, NONE, NONE, 0 },
	{ SYS_fchmod,     OP_CHMOD,           0, NONE, NONE,    1, NONE, NONE, 0 },
	{ SYS_fchmodat,   OP_CHMOD,           0,    1, NONE,    2, NONE, NONE, 0 },
	{ SYS_FCHMODAT2,  OP_CHMOD,           0,    1,    3,    2, NONE, NONE, 0 },
	{ SYS_fchown,     OP_CHOWN,           0, NONE, NONE,    1, NONE, NONE, 0 },
	{ SYS_fchownat,   OP_CHOWN,           0,    1,    4,    2, NONE, NONE, 0 },
	{ SYS_utimensat,  OP_UTIME,           0,    1,    3,    2, NONE, NONE, 0 },
	{ SYS_faccessat,  OP_ACCESS,          0,    1, NONE,    2, NONE, NONE, 0 },
	{ SYS_faccessat2, OP_ACCESS,          0,    1,    3,    2, NONE, NONE, 0 },
	{ SYS_setxattr,     OP_SETXATTR,   NONE,    0, NONE,    1, NONE, NONE, 0 },
	{ SYS_lsetxattr,    OP_SETXATTR,   NONE,    0, NONE,    1, NONE, NONE, AT_SYMLINK_NOFOLLOW },
	{ SYS_fsetxattr,    OP_SETXATTR,      0, NONE, NONE,    1, NONE, NONE, 0 },
	{ SYS_removexattr,  OP_REMOVEXATTR, NONE,   0, NONE,    1, NONE, NONE, 0 },
	{ SYS_lremovexattr, OP_REMOVEXATTR, NONE,   0, NONE,    1, NONE, NONE, AT_SYMLINK_NOFOLLOW },
	{ SYS_fremovexattr, OP_REMOVEXATTR,   0, NONE, NONE,    1, NONE, NONE, 0 },
#ifdef SYS_open /* arm64 has only the calls above */
	{ SYS_open,       OP_OPEN,         NONE,    0,    1,    2, NONE, NONE, 0 },
	{ SYS_creat,      OP_OPEN,         NONE,    0, NONE,    1, NONE, NONE, O_CREAT | O_WRONLY | O_TRUNC },
	{ SYS_mkdir,      OP_MKDIR,        NONE,    0, NONE,    1, NONE, NONE, 0 },
	{ SYS_rmdir,      OP_REMOVE,       NONE,    0, NONE, NONE, NONE, NONE, AT_REMOVEDIR },
	{ SYS_unlink,     OP_REMOVE,       NONE,    0, NONE, NONE, NONE, NONE, 0 },
	{ SYS_rename,     OP_RENAME,       NONE,    0, NONE, NONE, NONE,    1, 0 },
	{ SYS_link,       OP_LINK,         NONE,    0, NONE, NONE, NONE,    1, 0 },
	{ SYS_symlink,    OP_SYMLINK,      NONE,    1, NONE,    0, NONE, NONE, 0 },
	{ SYS_mknod,      OP_MKNOD,        NONE,    0, NONE,    1, NONE, NONE, 0 },
	{ SYS_chmod,      OP_CHMOD,        NONE,    0, NONE,    1, NONE, NONE, 0 },
	{ SYS_chown,      OP_CHOWN,        NONE,    0, NONE,    1, NONE, NONE, 0 },
	{ SYS_lchown,     OP_CHOWN,        NONE,    0, NONE,    1, NONE, NONE, AT_SYMLINK_NOFOLLOW },
	{ SYS_utime,      OP_UTIME,        NONE,    0, NONE,    1, NONE, NONE, 0 },
	{ SYS_utimes,     OP_UTIME,        NONE,    0, NONE,    1, NONE, NONE, 0 },
	{ SYS_futimesat,  OP_UTIME,           0,    1, NONE,    2, NONE, NONE, 0 },
	{ SYS_access,     OP_ACCESS,       NONE,    0, NONE,    1, NONE, NONE, 0 },
#endif
};
/* clang-format on */

/*** Opening ***/

static struct answer open_temporary(const struct work *work)
{
	int r = work_find(work, work->call->dir, work->call->path, FOLLOW_ALWAYS, work->spot);

	/* An unnamed file could be given any name later, by linkat(2). */
	return r > 0 ? answer_result(-EOPNOTSUPP) : answer_native();
}

static int open_file(const struct work *work, unsigned flags)
{
	const unsigned kept = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC |
			      O_DIRECT | O_DIRECTORY | O_NOATIME;
	const unsigned settable = O_APPEND | O_DIRECT | O_NOATIME | O_NONBLOCK;
	struct stat st;
	_cleanup_close_ int fd =
		(int)sys_call4(SYS_openat, work->spot->dir_fd, work->spot->name,
			       (flags & kept) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			       work->value & 0777);

	if (fd < 0)
		return fd;
	long r = sys_call2(SYS_fstat, fd, &st);
	if (r < 0 || !S_ISREG(st.st_mode))
		return r < 0 ? (int)r : -EISDIR;
	r = sys_call3(SYS_fcntl, fd, F_SETFL, flags & settable);
	return r < 0 ? (int)r : steal_fd(&fd);
}

static struct answer do_open(const struct work *work)
{
	const unsigned flags = work->flags;
	bool excl = (flags & O_CREAT) && (flags & O_EXCL);
	bool nofollow = excl || (flags & O_NOFOLLOW);
	struct spot *spot = work->spot;

	if (flags & O_PATH)
		return answer_native();
	if (flags & (O_TMPFILE & ~O_DIRECTORY))
		return open_temporary(work);
	int r = work_find(work, work->call->dir, work->call->path,
			  nofollow ? FOLLOW_NEVER : FOLLOW_ALWAYS, spot);
	if (r <= 0 || spot->is_dot || spot->has_slash)
		return r < 0 ? answer_result(r) : answer_native();
	/* A directory, a link, a fifo: the read-only view refuses or waits as it should. */
	if (spot->exists && !S_ISREG(spot->mode))
		return answer_native();
	if (!spot->exists && !(flags & O_CREAT))
		return answer_native();
	if (!work_is_allowed(work, spot, CHANGE_WRITE)) {
		bool only_reads = (flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC) && !excl;
		return spot->exists && only_reads ? answer_native() : answer_refused(spot);
	}
	if (!spot->exists)
		r = work_take_umask(work);
	if (r < 0)
		return answer_result(r);
	struct answer answer = { .kind = ANSWER_FD, .cloexec = flags & O_CLOEXEC };
	answer.fd = open_file(work, flags);
	return answer.fd < 0 ? answer_result(answer.fd) : answer;
}

/*** The door ***/

static struct answer dispatch(const struct work *work)
{
	switch (work->call->op) {
	case OP_OPEN:
		return do_open(work);
	case OP_MKDIR:
		return do_mkdir(work);
	case OP_REMOVE:
		return do_remove(work);
	case OP_RENAME:
		return do_rename(work);
	case OP_LINK:
		return do_link(work);
	case OP_SYMLINK:
		return do_symlink(work);
	case OP_MKNOD:
		return do_mknod(work);
	case OP_TRUNCATE:
		return do_truncate(work);
	case OP_CHMOD:
		return do_chmod(work);
	case OP_CHOWN:
		return do_chown(work);
	case OP_UTIME:
		return do_utime(work);
	case OP_ACCESS:
		return do_access(work);
	case OP_SETXATTR:
	case OP_REMOVEXATTR:
		return do_xattr(work);
	}
	return answer_native();
}

struct answer call_carry_out(const struct guard *guard, int listener,
			     const struct seccomp_notif *request)
{
	static struct spot spots[2];
	struct work work = { .guard = guard,
			     .request = request,
			     .listener = listener,
			     .spot = &spots[0],
			     .spot2 = &spots[1] };

	for (size_t i = 0; i < sizeof calls / sizeof *calls && !work.call; i++) {
		if (calls[i].nr == request->data.nr)
			work.call = &calls[i];
	}
	if (!work.call)
		return answer_native();
	work.flags = work.call->fixed;
	if (work.call->flags != NONE)
		work.flags |= (unsigned)work_argument(&work, work.call->flags);
	if (work.call->value != NONE)
		work.value = work_argument(&work, work.call->value);
	for (int i = 0; i < 2; i++) {
		spots[i].dir_fd = -1;
		spots[i].is_dot = spots[i].has_slash = spots[i].exists = false;
	}
	const struct answer answer = dispatch(&work);
	spot_clear(&spots[0]);
	spot_clear(&spots[1]);
	return answer;
}
