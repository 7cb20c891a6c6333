/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mediated calls that make, move and remove entries: see protect_work.h. What
 * concerns two entries is done only when both are in the same grant; the
 * kernel says EXDEV of all others, and so does the payload's own call.
 */
#include "box/protect/protect_work.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sys.h"

struct answer do_mkdir(const struct work *work)
{
	struct answer answer;

	if (work_find_entry(work, CHANGE_MKDIR, &answer)) {
		/* mkdir -p asks for what is there: that is no change. */
		bool is_there = answer.kind == ANSWER_RESULT && answer.error == -EPERM &&
				work->spot->exists;
		return is_there ? answer_native() : answer;
	}
	int r = work_take_umask(work);
	if (r < 0)
		return answer_result(r);
	return answer_result(
		sys_call3(SYS_mkdirat, work->spot->dir_fd, work->spot->name, work->value & 01777));
}

struct answer do_mknod(const struct work *work)
{
	mode_t type = (mode_t)work->value & S_IFMT;
	struct answer answer;

	if (type && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
		return answer_result(-EPERM); /* as the filter */
	if (work_find_entry(work, CHANGE_WRITE, &answer))
		return answer;
	int r = work->spot->has_slash ? -ENOENT : work_take_umask(work);
	if (r < 0)
		return answer_result(r);
	return answer_result(sys_call4(SYS_mknodat, work->spot->dir_fd, work->spot->name,
				       type | (work->value & 0777), 0));
}

/*
 * What a directory holds, or a link leads to, is not seen in its name: info
 * may bring attributes. In .git the zones see to that; here a HEAD above does.
 */
static bool is_in_bare(const struct work *work, const struct spot *spot)
{
	const struct rules_path path = spot_path(spot);

	return work->guard->rules.has_git &&
	       rules_place(&work->guard->rules, &path) == PLACE_TREE && spot_is_below_head(spot);
}

struct answer do_symlink(const struct work *work)
{
	static char target[GUARD_PATH_BYTES];
	struct answer answer;

	if (!work_copy_path(work, work->value, target) || !target[0])
		return answer_native();
	if (work_find_entry(work, CHANGE_SYMLINK, &answer))
		return answer;
	if (work->spot->has_slash)
		return answer_native();
	if (is_in_bare(work, work->spot))
		return answer_refused(work->spot);
	return answer_result(
		sys_call3(SYS_symlinkat, target, work->spot->dir_fd, work->spot->name));
}

struct answer do_remove(const struct work *work)
{
	struct answer answer;
	const struct spot *spot = work->spot;

	if (work->flags & ~(unsigned)AT_REMOVEDIR)
		return answer_native();
	if (work_find_entry(work, CHANGE_REMOVE, &answer)) {
		bool is_missing =
			answer.kind == ANSWER_RESULT && answer.error == -EPERM && !spot->exists;
		return is_missing ? answer_result(-ENOENT) : answer;
	}
	if (spot->has_slash && spot->exists && !S_ISDIR(spot->mode))
		return answer_result(-ENOTDIR);
	const struct rules_path path = spot_path(spot);
	if (spot->exists && !S_ISDIR(spot->mode) &&
	    rules_makes_repository(&work->guard->rules, &path))
		return answer_refused(spot);
	return answer_result(sys_call3(SYS_unlinkat, spot->dir_fd, spot->name, work->flags));
}

/* Both ends of a link or rename. 1: both in the same grant. */
static int find_pair(const struct work *work, enum follow follow)
{
	const struct call *call = work->call;
	int r = work_find(work, call->dir, call->path, follow, work->spot);

	if (r <= 0)
		return r;
	r = work_find(work, call->dir2, call->path2, FOLLOW_NEVER, work->spot2);
	if (r <= 0)
		return r;
	if (work->spot->is_dot || work->spot2->is_dot)
		return 0;
	/* EXDEV is what the kernel says of two mounts, before it looks at anything else. */
	return work->spot->grant == work->spot2->grant ? 1 : -EXDEV;
}

struct answer do_link(const struct work *work)
{
	if (work->flags & ~(unsigned)AT_SYMLINK_FOLLOW)
		return answer_native();
	int r = find_pair(work, work->flags & AT_SYMLINK_FOLLOW ? FOLLOW_ALWAYS : FOLLOW_NEVER);
	if (r <= 0)
		return r < 0 ? answer_result(r) : answer_native();
	struct spot *from = work->spot, *to = work->spot2;
	const struct rules_path from_path = spot_path(from), to_path = spot_path(to);
	if (!from->exists)
		return answer_result(-ENOENT);
	if (from->has_slash || to->has_slash)
		return answer_native();
	if (!rules_allow_link(&work->guard->rules, &from_path, &to_path) ||
	    spot_is_in_repository(work->guard, from) || spot_is_in_repository(work->guard, to))
		return answer_refused(to);
	return answer_result(
		sys_call5(SYS_linkat, from->dir_fd, from->name, to->dir_fd, to->name, 0));
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
	       !((is_dir || S_ISLNK(from->mode)) && is_in_bare(work, to)) &&
	       (!is_dir || spot_may_travel(work->guard, from));
}

/* A file that only init can write: the payload may make nothing named config.*. */
static int replace_vetted(const struct spot *to, const char *text, size_t len)
{
	static const char temporary[] = "config.aisbx";

	(void)sys_call3(SYS_unlinkat, to->dir_fd, temporary, 0); /* left by a killed box */
	_cleanup_close_ int fd =
		(int)sys_call4(SYS_openat, to->dir_fd, temporary,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return fd;
	int r = sys_write_all(fd, text, len);
	if (r == 0)
		r = (int)sys_call4(SYS_renameat, to->dir_fd, temporary, to->dir_fd, to->name);
	if (r < 0)
		(void)sys_call3(SYS_unlinkat, to->dir_fd, temporary, 0);
	return r;
}

/*
 * git writes its todo list beside the old one and renames it, and so the
 * options of a cherry-pick. The payload could still write to a file that it
 * has made, so what takes the name is a copy, made after the text was found
 * harmless.
 */
static struct answer move_vetted(const struct work *work)
{
	static char text[256 * 1024];
	const struct spot *from = work->spot, *to = work->spot2;
	const struct rules_path to_path = spot_path(to);
	size_t len = 0;

	if (work->flags || !S_ISREG(from->mode) || !work_is_allowed(work, from, CHANGE_WRITE))
		return answer_refused(from);
	_cleanup_close_ int fd =
		(int)sys_call4(SYS_openat, from->dir_fd, from->name,
			       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0)
		return answer_result(fd);
	while (len < sizeof text) {
		long n = sys_read(fd, text + len, sizeof text - len);

		if (n < 0)
			return answer_result(n);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len == sizeof text || !rules_text_is_harmless(&to_path, text, len))
		return answer_refused(to);
	int r = work_take_umask(work);
	if (r == 0)
		r = replace_vetted(to, text, len);
	if (r == 0)
		r = (int)sys_call3(SYS_unlinkat, from->dir_fd, from->name, 0);
	return answer_result(r);
}

struct answer do_rename(const struct work *work)
{
	enum {
		NOREPLACE = 1,
		EXCHANGE = 2
	}; /* linux/fs.h */

	if (work->flags & ~(unsigned)(NOREPLACE | EXCHANGE))
		return answer_native();
	int r = find_pair(work, FOLLOW_NEVER);
	if (r <= 0)
		return r < 0 ? answer_result(r) : answer_native();
	const struct spot *from = work->spot, *to = work->spot2;
	if (!from->exists)
		return answer_result(-ENOENT);
	if ((from->has_slash || to->has_slash) && !S_ISDIR(from->mode))
		return answer_result(-ENOTDIR);
	if ((work->flags & EXCHANGE) && !to->exists)
		return answer_result(-ENOENT);
	const struct rules_path to_path = spot_path(to);
	if (rules_is_vetted(&work->guard->rules, &to_path))
		return move_vetted(work);
	if (!may_move(work, from, to) || ((work->flags & EXCHANGE) && !may_move(work, to, from)))
		return answer_refused(work_is_allowed(work, from, CHANGE_WRITE) ? to : from);
	return answer_result(sys_call5(SYS_renameat2, from->dir_fd, from->name, to->dir_fd,
				       to->name, work->flags));
}
