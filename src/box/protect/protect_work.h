/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the carrying out of the mediated calls has in common; for protect_*.c only. */
#ifndef AISBX_BOX_PROTECT_WORK_H
#define AISBX_BOX_PROTECT_WORK_H

#include <stddef.h>

#include "box/protect/protect_calls.h"

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
	OP_SETXATTR,
	OP_REMOVEXATTR,
};

enum {
	NONE = -1
};

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

/* One call that is being carried out. */
struct work {
	const struct guard *guard;
	const struct seccomp_notif *request;
	const struct call *call;
	int listener;
	unsigned flags;
	uint64_t value;
	struct spot *spot, *spot2;
};

struct answer answer_native(void);
/* 0 or -errno. */
struct answer answer_result(long r);
/* What a rule forbids at spot: EPERM. EROFS would say that nothing can be written here. */
struct answer answer_refused(const struct spot *spot);

uint64_t work_argument(const struct work *work, int8_t i);
/* size bytes of the payload's memory or less, ending at the first unreadable page; -errno. */
long work_copy(const struct work *work, uint64_t address, void *buf, size_t size);
/* A path into buf (GUARD_PATH_BYTES). False: the kernel may say what is wrong with it. */
bool work_copy_path(const struct work *work, uint64_t address, char *buf);
/* Makes the payload's umask init's, for the call that follows. 0 or -errno. */
int work_take_umask(const struct work *work);

/* As spot_find(), for the call's first or second path. */
int work_find(const struct work *work, int8_t dir, int8_t path, enum follow follow,
	      struct spot *spot);
/* For calls that make an entry or remove one. True: *ret is the answer already. */
bool work_find_entry(const struct work *work, enum change change, struct answer *ret);
/* For calls about something that is there. True: *ret is the answer already. */
bool work_find_object(const struct work *work, enum change change, struct answer *ret);
bool work_is_allowed(const struct work *work, const struct spot *spot, enum change change);

/* protect_entries.c */
struct answer do_mkdir(const struct work *work);
struct answer do_mknod(const struct work *work);
struct answer do_symlink(const struct work *work);
struct answer do_remove(const struct work *work);
struct answer do_link(const struct work *work);
struct answer do_rename(const struct work *work);

/* protect_attributes.c */
struct answer do_truncate(const struct work *work);
struct answer do_chmod(const struct work *work);
struct answer do_chown(const struct work *work);
struct answer do_utime(const struct work *work);
struct answer do_access(const struct work *work);
struct answer do_xattr(const struct work *work);

#endif
