/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wall around files.protect.
 *
 * Theory of operation: a writable grant of a profile with files.protect is
 * mounted read-only for the payload. Its calls that change files by name
 * arrive here as seccomp notifications (seccomp_unotify(2)). What concerns no
 * protected grant goes on as it is. What does is carried out by init, through
 * a second, writable copy of the mount that is attached nowhere: when the
 * rules (protect_rules.c) allow it, and never otherwise. Nothing has to exist
 * in the caller's tree for that, and nothing is created before it is allowed,
 * so however and whenever aisbx is killed, no protected name is left behind.
 *
 * The walls are the read-only mount and the path that init itself resolves
 * (protect_path.c). The notification is not one: its pointers may change after
 * they were read. Therefore every road that ends in the payload's own call
 * ends at the read-only mount: a lost race, a process that cannot be read, a
 * call that is unknown here, init's end.
 *
 * init holds the listener, /proc and one writable mount a grant. The payload
 * gets open regular files of it, never a directory, and no path leads there.
 * All memory is static: the plan is gone when the payload runs.
 *
 * Not covered: what a process of the box has forbidden itself with Landlock:
 * init, in no domain, still does it for it (its own seccomp filters do hold);
 * a process that made itself undumpable cannot be read, so it writes nothing
 * in a protected grant; a file system mounted below a grant on the host is
 * read-only; what has no mediated call is refused by the mount with EROFS
 * (extended attributes by path, bind(2) of a socket, opening a fifo for
 * writing is refused by Landlock); a hard link that the host made between a
 * protected and a free name; what a protected name leads to as a symbolic
 * link, other than at the top of a grant and in its .git (pin_links).
 */
#include "box/protect/protect.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/protect/protect_calls.h"
#include "box/refusals/listener.h"
#include "box/refusals/refused.h"

enum {
	LIST_MAX = 1024,
	TEXT_BYTES = 64 * 1024,
};

static struct guard guard = { .proc_fd = -1 };

/* Names, patterns and paths; pages that are not needed are never touched. */
static const char *names[LIST_MAX], *pinned[LIST_MAX];
static char text[TEXT_BYTES];
static size_t text_len;

/*** Preparing ***/

static const char *keep(const char *string)
{
	size_t size = strlen(string) + 1;

	if (size > sizeof text - text_len)
		return NULL;
	char *copy = text + text_len;
	memcpy(copy, string, size);
	text_len += size;
	return copy;
}

static int too_much(struct err *reterr, const char *what)
{
	err_wall(reterr, "protect", E2BIG, "remember", what);
	err_hint(reterr, "files.protect has room for 1024 names and 32 writable grants");
	return -E2BIG;
}

static int keep_list(const struct strv *list, const char **kept, size_t *ret_len)
{
	if (list->len > LIST_MAX)
		return -E2BIG;
	for (size_t i = 0; i < list->len; i++) {
		kept[i] = keep(list->items[i]);
		if (!kept[i])
			return -E2BIG;
	}
	*ret_len = list->len;
	return 0;
}

static int mount_id_of(int dir, const char *path, uint64_t *ret)
{
	struct statx st;
	long r = sys_call5(SYS_statx, dir, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_MNT_ID,
			   &st);

	if (r < 0)
		return (int)r;
	if (!(st.stx_mask & STATX_MNT_ID))
		return -ENOSYS;
	*ret = st.stx_mnt_id;
	return 0;
}

/*
 * Whether names may differ in case only. Not asked of the directory: ext4's
 * and f2fs's case folding is chosen when such a file system is made, and rare.
 */
static bool may_fold(int fd)
{
	struct statfs fs;

	if (sys_call2(SYS_fstatfs, fd, &fs) < 0)
		return true;
	switch ((unsigned long)fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
		return false;
	default:
		return true;
	}
}

static int add_grant(const struct step *step, int writable_fd, struct err *reterr)
{
	struct guarded *grant = &guard.grants[guard.grants_len];

	if (guard.grants_len == GUARD_GRANTS_MAX)
		return too_much(reterr, "all writable grants");
	grant->box_path = keep(step->box_path);
	grant->host_path = keep(step->host_path);
	if (!grant->box_path || !grant->host_path)
		return too_much(reterr, "all writable grants");
	grant->box_path_len = strlen(grant->box_path);
	grant->writable_fd = writable_fd;
	int r = writable_fd < 0 ? -EBADF : mount_id_of(writable_fd, "", &grant->copy_id);
	if (r == 0)
		r = mount_id_of(AT_FDCWD, step->box_path, &grant->mount_id);
	if (r < 0)
		return err_wall(reterr, "protect", -r, "find", step->box_path);
	grant->folds = may_fold(writable_fd);
	guard.grants_len++;
	return 0;
}

static int open_proc(struct err *reterr)
{
	int r = mount_id_of(AT_FDCWD, "/proc/self/fd", &guard.proc_mount_id);

	if (r == 0)
		r = guard.proc_fd = sys_open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (r >= 0)
		return 0;
	err_wall(reterr, "protect", -r, "use", "/proc");
	err_hint(reterr, "files.protect needs the box's own /proc: leave out --allow-degraded "
			 "proc, or files.protect");
	return r;
}

static int copy_rules(const struct plan *plan, struct err *reterr)
{
	struct rules *rules = &guard.rules;

	if (keep_list(plan->protect, names, &rules->names_len) < 0)
		return too_much(reterr, "all names of files.protect");
	if (keep_list(&plan->pinned, pinned, &rules->pinned_len) < 0)
		return too_much(reterr, "all paths below writable grants");
	rules->names = names;
	rules->pinned = pinned;
	rules->mounts_len = rules->pinned_len;
	for (size_t i = 0; i < rules->names_len; i++)
		rules->has_git |= strcmp(names[i], ".git") == 0;
	guard.file_size = plan->limits.file_size;
	return 0;
}

/*** Protected names that are links ***/

static int pin(const char *path)
{
	if (guard.rules.pinned_len == LIST_MAX)
		return -E2BIG;
	const char *kept = keep(path);
	if (!kept)
		return -E2BIG;
	pinned[guard.rules.pinned_len++] = kept;
	return 0;
}

/* What grant/name leads to stays as it is, when that is elsewhere in a protected grant. */
static int pin_target(const struct guarded *grant, const char *name)
{
	static struct spot spot;
	static char path[GUARD_PATH_BYTES], before[GUARD_PATH_BYTES];
	size_t len = grant->box_path_len, name_len = strlen(name);

	if (len + 1 + name_len >= sizeof path)
		return 0;
	memcpy(before, grant->box_path, len);
	before[len] = '/';
	memcpy(before + len + 1, name, name_len + 1);
	memcpy(path, before, len + name_len + 2);
	SPOT_INIT(&spot);
	int r = spot_find(&guard, -1, path, FOLLOW_ALWAYS, &spot);
	spot_clear(&spot);
	return r == 1 && strcmp(spot.box_path, before) != 0 ? pin(spot.box_path) : 0;
}

/*
 * .envrc -> config/envrc: a later tool reads what the link leads to. Looked at
 * where such links are usual, at the top of a grant and in its .git.
 */
static int pin_links(const struct guarded *grant)
{
	static const char *const in_git[] = { ".git/hooks", ".git/config", ".git/info/attributes" };
	static char entries[SCAN_BYTES] __attribute__((aligned(8)));
	_cleanup_close_ int fd =
		sys_openat2(grant->writable_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
	long n = fd;
	int r = 0;

	for (size_t i = 0; r == 0 && guard.rules.has_git && i < sizeof in_git / sizeof *in_git; i++)
		r = pin_target(grant, in_git[i]);
	while (r == 0 && n >= 0) {
		n = sys_call3(SYS_getdents64, fd, entries, sizeof entries);
		if (n == 0)
			break;
		for (long at = 0; r == 0 && at < n;) {
			const struct directory_entry *entry = (const void *)(entries + at);

			at += entry->len;
			if ((entry->type == ENTRY_LINK || entry->type == ENTRY_UNKNOWN) &&
			    !rules_may_travel(&guard.rules, PLACE_TREE, entry->name))
				r = pin_target(grant, entry->name);
		}
	}
	return n < 0 ? (int)n : r;
}

int protect_prepare(const struct plan *plan, const struct sources *sources, struct err *reterr)
{
	if (!plan->protect)
		return 0;
	int r = open_proc(reterr);
	if (r == 0)
		r = copy_rules(plan, reterr);
	for (size_t i = 0; r == 0 && i < plan->steps_len; i++) {
		if (plan->steps[i].flags & STEP_PROTECTED)
			r = add_grant(&plan->steps[i], sources->writable[i], reterr);
	}
	for (size_t i = 0; r == 0 && i < guard.grants_len; i++) {
		r = pin_links(&guard.grants[i]);
		if (r == -E2BIG)
			(void)too_much(reterr, "all links that have a protected name");
		else if (r < 0)
			err_wall(reterr, "protect", -r, "look into", guard.grants[i].box_path);
	}
	return r;
}

/*** Running ***/

unsigned protect_descriptors(int fds[PROTECT_FDS_MAX])
{
	unsigned n = 0;

	if (guard.proc_fd < 0)
		return 0;
	fds[n++] = guard.proc_fd;
	for (size_t i = 0; i < guard.grants_len; i++)
		fds[n++] = guard.grants[i].writable_fd;
	return n;
}

void protect_answer(const struct seccomp_notif *request)
{
	const struct answer answer = call_carry_out(&guard, listener_fd(), request);

	if (answer.is_refused) /* while it waits it is who it is */
		refused_add(REFUSED_FILE, request, answer.path);
	switch (answer.kind) {
	case ANSWER_NATIVE:
		listener_reply(request, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		break;
	case ANSWER_RESULT:
		listener_reply(request, answer.error, 0);
		break;
	case ANSWER_FD:
		listener_reply_fd(request, answer.fd, answer.cloexec);
		break;
	}
}
