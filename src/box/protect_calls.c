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
#include "box/protect_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/sys.h"

#define SYS_FCHMODAT2 452 /* 6.6 */

enum op {
	OP_OPEN,
	OP_MKDIR,
	OP_REMOVE,
	OP_RENAME,
	OP_LINK,
	OP_SYMLINK,
	OP_MKNOD,
	OP_TRUNCATE,
	OP_CHMOD,
	OP_CHOWN,
	OP_UTIME,
	OP_ACCESS,
};

enum times { TIMES_SPEC, TIMES_VAL, TIMES_BUF }; /* timespec, timeval, struct utimbuf */

enum { NONE = -1, PAGE_BYTES = 4096, SET_ID_BITS = 06000 };

/* Which argument is what; NONE: it has none. */
struct call {
	int nr;
	enum op op;
	int8_t dir, path; /* no dir: the working directory; no path: dir itself is meant */
	int8_t flags;
	int8_t value; /* mode, length, owner, times, target of a symbolic link, see each op */
	int8_t dir2, path2;
	unsigned fixed; /* flags that the call implies */
};

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

struct work {
	const struct guard *guard;
	const struct seccomp_notif *request;
	const struct call *call;
	int listener;
	unsigned flags;
	uint64_t value;
	struct spot *spot, *spot2;
};

static struct answer native(void)
{
	const struct answer answer = { .kind = ANSWER_NATIVE, .fd = -1 };

	return answer;
}

static struct answer result(long r)
{
	const struct answer answer = { .kind = ANSWER_RESULT, .error = r < 0 ? (int)r : 0, .fd = -1 };

	return answer;
}

/* What a rule forbids. EROFS would say that nothing can be written here. */
static struct answer refused(void)
{
	return result(-EPERM);
}

/*** What the payload says ***/

/* size bytes or less, ending at the first unreadable page. */
static long copy_from(const struct work *work, uint64_t address, void *buf, size_t size)
{
	size_t first = PAGE_BYTES - address % PAGE_BYTES;
	struct iovec local = { buf, size };
	struct iovec remote[] = { { (void *)(uintptr_t)address, first < size ? first : size },
				  { (void *)(uintptr_t)(address + first),
				    first < size ? size - first : 0 } };

	return sys_call6(SYS_process_vm_readv, work->request->pid, (long)&local, 1, (long)remote,
			 first < size ? 2 : 1, 0);
}

/* A path into buf (GUARD_PATH_BYTES). False: the kernel may say what is wrong with it. */
static bool copy_path(const struct work *work, uint64_t address, char *buf)
{
	long n = copy_from(work, address, buf, GUARD_PATH_BYTES);

	return n > 0 && memchr(buf, '\0', (size_t)n);
}

static bool is_still_asking(const struct work *work)
{
	uint64_t id = work->request->id;

	return sys_call3(SYS_ioctl, work->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static uint64_t argument(const struct work *work, int8_t i)
{
	return work->request->data.args[i];
}

/* The directory that a path starts at. O_PATH. */
static int open_base(const struct work *work, int8_t dir)
{
	int fd = dir == NONE ? AT_FDCWD : (int)argument(work, dir);
	char path[48];

	if (fd != AT_FDCWD && fd < 0)
		return -EBADF;
	guard_proc_path(path, work->request->pid, fd == AT_FDCWD ? "/cwd" : "/fd/",
			fd == AT_FDCWD ? -1 : fd);
	return (int)sys_call4(SYS_openat, work->guard->proc_fd, path, O_PATH | O_CLOEXEC, 0);
}

/* The umask is no argument: it is the second line of status. */
static int take_umask(const struct work *work)
{
	char path[48], text[256];
	unsigned mask = 0;

	guard_proc_path(path, work->request->pid, "/status", -1);
	_cleanup_close_ int fd = (int)sys_call4(SYS_openat, work->guard->proc_fd, path,
						O_RDONLY | O_CLOEXEC, 0);
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

/* As spot_find(), for the call's first or second path. */
static int find(const struct work *work, int8_t dir, int8_t path_argument, bool follow,
		struct spot *spot)
{
	static char path[GUARD_PATH_BYTES];
	bool is_object = path_argument == NONE;
	uint64_t address = is_object ? 0 : argument(work, path_argument);

	if (!is_object && address == 0)
		is_object = work->call->op == OP_UTIME && dir != NONE;
	if (is_object && (int)argument(work, dir) == AT_FDCWD)
		return 0; /* only an empty path may mean the working directory */
	path[0] = '\0';
	if (!is_object && !copy_path(work, address, path))
		return 0;
	if (!is_object && !path[0]) {
		is_object = work->call->op != OP_OPEN && work->call->op != OP_RENAME &&
			    (work->flags & AT_EMPTY_PATH);
		if (!is_object)
			return 0;
	}
	_cleanup_close_ int base = path[0] == '/' ? -EBADF : open_base(work, dir);
	if (path[0] != '/' && base < 0)
		return 0;
	if (!is_still_asking(work))
		return 0;
	if (is_object)
		return spot_find_object(work->guard, base, spot);
	return spot_find(work->guard, base, path, follow, spot);
}

static bool is_allowed(const struct work *work, const struct spot *spot, enum change change)
{
	const struct rules_path path = spot_path(spot);

	return rules_allow(&work->guard->rules, &path, change) &&
	       (change == CHANGE_ACCESS || !spot_is_in_repository(work->guard, spot));
}

/* For calls that make an entry or remove one. True: *ret is the answer already. */
static bool find_entry(const struct work *work, bool follow, enum change change,
		       struct answer *ret)
{
	int r = find(work, work->call->dir, work->call->path, follow, work->spot);

	if (r <= 0 || work->spot->is_dot)
		*ret = r < 0 ? result(r) : native();
	else if (!is_allowed(work, work->spot, change))
		*ret = refused();
	else
		return false;
	return true;
}

/*** Opening ***/

static struct answer open_temporary(const struct work *work)
{
	int r = find(work, work->call->dir, work->call->path, true, work->spot);

	/* An unnamed file could be given any name later, by linkat(2). */
	return r > 0 ? result(-EOPNOTSUPP) : native();
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
	struct spot *spot = work->spot;

	if (flags & O_PATH)
		return native();
	if (flags & (O_TMPFILE & ~O_DIRECTORY))
		return open_temporary(work);
	int r = find(work, work->call->dir, work->call->path, !(flags & O_NOFOLLOW) && !excl, spot);
	if (r <= 0 || spot->is_dot || spot->has_slash)
		return r < 0 ? result(r) : native();
	/* A directory, a link, a fifo: the read-only view refuses or waits as it should. */
	if (spot->exists && !S_ISREG(spot->mode))
		return native();
	if (!spot->exists && !(flags & O_CREAT))
		return native();
	if (!is_allowed(work, spot, CHANGE_WRITE)) {
		bool only_reads = (flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC) && !excl;
		return spot->exists && only_reads ? native() : refused();
	}
	if (!spot->exists)
		r = take_umask(work);
	if (r < 0)
		return result(r);
	struct answer answer = { .kind = ANSWER_FD, .cloexec = flags & O_CLOEXEC };
	answer.fd = open_file(work, flags);
	return answer.fd < 0 ? result(answer.fd) : answer;
}

/*** Entries ***/

static struct answer do_mkdir(const struct work *work)
{
	struct answer answer;

	if (find_entry(work, false, CHANGE_WRITE, &answer)) {
		/* mkdir -p asks for what is there: that is no change. */
		bool is_there = answer.kind == ANSWER_RESULT && answer.error == -EPERM &&
				work->spot->exists;
		return is_there ? native() : answer;
	}
	int r = take_umask(work);
	if (r < 0)
		return result(r);
	return result(sys_call3(SYS_mkdirat, work->spot->dir_fd, work->spot->name,
				work->value & 01777));
}

static struct answer do_mknod(const struct work *work)
{
	mode_t type = (mode_t)work->value & S_IFMT;
	struct answer answer;

	if (type && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
		return refused();
	if (find_entry(work, false, CHANGE_WRITE, &answer))
		return answer;
	int r = work->spot->has_slash ? -ENOENT : take_umask(work);
	if (r < 0)
		return result(r);
	return result(sys_call4(SYS_mknodat, work->spot->dir_fd, work->spot->name,
				type | (work->value & 0777), 0));
}

static struct answer do_symlink(const struct work *work)
{
	static char target[GUARD_PATH_BYTES];
	struct answer answer;

	if (!copy_path(work, work->value, target) || !target[0])
		return native();
	if (find_entry(work, false, CHANGE_SYMLINK, &answer))
		return answer;
	if (work->spot->has_slash)
		return native();
	return result(sys_call3(SYS_symlinkat, target, work->spot->dir_fd, work->spot->name));
}

static struct answer do_remove(const struct work *work)
{
	struct answer answer;
	const struct spot *spot = work->spot;

	if (work->flags & ~(unsigned)AT_REMOVEDIR)
		return native();
	if (find_entry(work, false, CHANGE_REMOVE, &answer)) {
		bool is_missing = answer.kind == ANSWER_RESULT && answer.error == -EPERM &&
				  !spot->exists;
		return is_missing ? result(-ENOENT) : answer;
	}
	if (spot->has_slash && spot->exists && !S_ISDIR(spot->mode))
		return result(-ENOTDIR);
	return result(sys_call3(SYS_unlinkat, spot->dir_fd, spot->name, work->flags));
}

/* Both ends of a link or rename. 1: both in the same grant. */
static int find_pair(const struct work *work, bool follow)
{
	const struct call *call = work->call;
	int r = find(work, call->dir, call->path, follow, work->spot);

	if (r <= 0)
		return r;
	r = find(work, call->dir2, call->path2, false, work->spot2);
	if (r <= 0)
		return r;
	if (work->spot->is_dot || work->spot2->is_dot)
		return 0;
	/* EXDEV is what the kernel says of two mounts, before it looks at anything else. */
	return work->spot->grant == work->spot2->grant ? 1 : -EXDEV;
}

static struct answer do_link(const struct work *work)
{
	if (work->flags & ~(unsigned)AT_SYMLINK_FOLLOW)
		return native();
	int r = find_pair(work, work->flags & AT_SYMLINK_FOLLOW);
	if (r <= 0)
		return r < 0 ? result(r) : native();
	struct spot *from = work->spot, *to = work->spot2;
	const struct rules_path from_path = spot_path(from), to_path = spot_path(to);
	if (!from->exists)
		return result(-ENOENT);
	if (from->has_slash || to->has_slash)
		return native();
	if (!rules_allow_link(&work->guard->rules, &from_path, &to_path) ||
	    spot_is_in_repository(work->guard, from) || spot_is_in_repository(work->guard, to))
		return refused();
	return result(sys_call5(SYS_linkat, from->dir_fd, from->name, to->dir_fd, to->name, 0));
}

/* One direction: from goes to where to is. */
static bool may_move(const struct work *work, const struct spot *from, const struct spot *to)
{
	const struct rules_path from_path = spot_path(from), to_path = spot_path(to);
	bool is_dir = S_ISDIR(from->mode);

	return rules_allow_move(&work->guard->rules, &from_path, &to_path, is_dir,
				S_ISLNK(from->mode)) &&
	       !spot_is_in_repository(work->guard, from) &&
	       !spot_is_in_repository(work->guard, to) &&
	       (!is_dir || spot_may_travel(work->guard, from));
}

static struct answer do_rename(const struct work *work)
{
	enum { NOREPLACE = 1, EXCHANGE = 2 }; /* linux/fs.h */

	if (work->flags & ~(unsigned)(NOREPLACE | EXCHANGE))
		return native();
	int r = find_pair(work, false);
	if (r <= 0)
		return r < 0 ? result(r) : native();
	const struct spot *from = work->spot, *to = work->spot2;
	if (!from->exists)
		return result(-ENOENT);
	if ((from->has_slash || to->has_slash) && !S_ISDIR(from->mode))
		return result(-ENOTDIR);
	if ((work->flags & EXCHANGE) && !to->exists)
		return result(-ENOENT);
	if (!may_move(work, from, to) || ((work->flags & EXCHANGE) && !may_move(work, to, from)))
		return refused();
	return result(sys_call5(SYS_renameat2, from->dir_fd, from->name, to->dir_fd, to->name,
				work->flags));
}

/*** Attributes ***/

/* For calls about something that is there. True: *ret is the answer already. */
static bool find_object(const struct work *work, enum change change, struct answer *ret)
{
	int r = find(work, work->call->dir, work->call->path, !(work->flags & AT_SYMLINK_NOFOLLOW),
		     work->spot);

	if (r <= 0)
		*ret = r < 0 ? result(r) : native();
	else if (!work->spot->exists)
		*ret = result(-ENOENT);
	else if (work->spot->has_slash && !S_ISDIR(work->spot->mode))
		*ret = result(-ENOTDIR);
	else if (!is_allowed(work, work->spot, change))
		*ret = refused();
	else
		return false;
	return true;
}

/* Through a descriptor: truncate(2) itself waits for whoever holds a lease. */
static struct answer do_truncate(const struct work *work)
{
	struct answer answer;
	struct stat st;

	if (find_object(work, CHANGE_WRITE, &answer))
		return answer;
	if (!S_ISREG(work->spot->mode) || (int64_t)work->value < 0)
		return native();
	_cleanup_close_ int fd =
		(int)sys_call4(SYS_openat, work->spot->dir_fd, work->spot->name,
			       O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0)
		return result(fd);
	long r = sys_call2(SYS_fstat, fd, &st);
	if (r < 0 || !S_ISREG(st.st_mode))
		return result(r < 0 ? r : -EINVAL);
	/* The limit on files is the payload's, not init's. */
	if (work->value > work->guard->file_size && (int64_t)work->value > st.st_size)
		return result(-EFBIG);
	return result(sys_call2(SYS_ftruncate, fd, work->value));
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

static struct answer do_chmod(const struct work *work)
{
	struct answer answer;

	if (work->value & SET_ID_BITS)
		return refused();
	if (find_object(work, CHANGE_ATTRIBUTES, &answer))
		return answer;
	if (S_ISLNK(work->spot->mode))
		return result(-EOPNOTSUPP);
	return result(change_mode(work, (mode_t)work->value & 01777));
}

static struct answer do_chown(const struct work *work)
{
	struct answer answer;
	int8_t owner = work->call->value;

	if (find_object(work, CHANGE_ATTRIBUTES, &answer))
		return answer;
	return result(sys_call5(SYS_fchownat, work->spot->dir_fd, work->spot->name,
				(uid_t)argument(work, owner),
				(gid_t)argument(work, (int8_t)(owner + 1)), AT_SYMLINK_NOFOLLOW));
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

	if (copy_from(work, work->value, raw, size) != (long)size)
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

static struct answer do_utime(const struct work *work)
{
	struct timespec times[2];
	struct answer answer;

	if (work->value && !copy_times(work, times))
		return native();
	if (find_object(work, CHANGE_ATTRIBUTES, &answer))
		return answer;
	return result(sys_call4(SYS_utimensat, work->spot->dir_fd, work->spot->name,
				work->value ? times : NULL, AT_SYMLINK_NOFOLLOW));
}

static struct answer do_access(const struct work *work)
{
	struct answer answer;

	if (find_object(work, CHANGE_ACCESS, &answer))
		return answer;
	if (work->value & ~7UL)
		return result(-EINVAL);
	return result(sys_call4(SYS_faccessat2, work->spot->dir_fd, work->spot->name, work->value,
				AT_SYMLINK_NOFOLLOW | (work->flags & AT_EACCESS)));
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
	}
	return native();
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
		return native();
	work.flags = work.call->fixed;
	if (work.call->flags != NONE)
		work.flags |= (unsigned)argument(&work, work.call->flags);
	if (work.call->value != NONE)
		work.value = argument(&work, work.call->value);
	for (int i = 0; i < 2; i++) {
		spots[i].dir_fd = -1;
		spots[i].is_dot = spots[i].has_slash = spots[i].exists = false;
	}
	const struct answer answer = dispatch(&work);
	spot_clear(&spots[0]);
	spot_clear(&spots[1]);
	return answer;
}
