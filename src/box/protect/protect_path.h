/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a payload's path to the place in init's writable copy of a protected grant. */
#ifndef AISBX_BOX_PROTECT_PATH_H
#define AISBX_BOX_PROTECT_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "box/protect/protect_rules.h"

enum {
	GUARD_PATH_BYTES = 4096,
	GUARD_GRANTS_MAX = 32,
};

struct guarded {
	const char *box_path;
	size_t box_path_len;
	const char *host_path;
	uint64_t mount_id; /* of the payload's read-only view */
	uint64_t copy_id;  /* of the writable copy */
	bool folds;	   /* struct rules_path */
	int writable_fd;   /* init's own copy of the mount: never leaves this process */
};

struct guard {
	struct guarded grants[GUARD_GRANTS_MAX];
	size_t grants_len;
	struct rules rules;
	int proc_fd;
	uint64_t proc_mount_id;
	uint64_t file_size; /* limits.file_size, for truncate(2) */
};

/* struct linux_dirent64, which linux/ does not export. */
struct directory_entry {
	uint64_t ino;
	int64_t next; /* position of the entry behind, for lseek(2) */
	uint16_t len;
	uint8_t type;
	char name[];
};

enum {
	ENTRY_UNKNOWN = 0, /* DT_UNKNOWN, DT_DIR, DT_LNK of dirent.h */
	ENTRY_DIRECTORY = 4,
	ENTRY_LINK = 10,
	SCAN_BYTES = 32 * 1024,
};

/* One entry of a grant, there or not yet. */
struct spot {
	const struct guarded *grant;
	int dir_fd;	 /* the directory it is in, in the writable copy; closed by spot_clear() */
	char *name;	 /* in that directory: the end of box_path, or "." for the grant itself */
	const char *rel; /* below the grant: part of box_path, or "" */
	bool exists;
	bool is_dot;	/* the path ended in "." or "..": no entry to create, remove or move */
	bool has_slash; /* it ended in a slash: a directory is meant */
	mode_t mode;
	char box_path[GUARD_PATH_BYTES];
};

#define SPOT_INIT(s) ((s)->dir_fd = -1)

/* Whether a symbolic link at a path's end stands for itself. */
enum follow {
	FOLLOW_NEVER,	   /* making, moving, removing an entry */
	FOLLOW_WITH_SLASH, /* AT_SYMLINK_NOFOLLOW and the like */
	FOLLOW_ALWAYS,
};

/*
 * Finds what path (a buffer of GUARD_PATH_BYTES, overwritten) names, relative
 * to base_fd. 1 with *ret_spot filled;
 * 0: nothing of a protected grant, or nothing at all: the payload's own call
 * gives the same answer; -errno.
 */
int spot_find(const struct guard *guard, int base_fd, char *path, enum follow follow,
	      struct spot *ret_spot);
/* The same for an open descriptor (O_PATH suffices) of the payload's read-only view. */
int spot_find_object(const struct guard *guard, int fd, struct spot *ret_spot);
/* The same, for files too that init has handed to the payload. */
int spot_find_reopened(const struct guard *guard, int fd, struct spot *ret_spot);
void spot_clear(struct spot *spot);
struct rules_path spot_path(const struct spot *spot);

/* Whether a component of the spot's path belongs to a bare repository that git would obey. */
bool spot_is_in_repository(const struct guard *guard, const struct spot *spot);
/* Whether a directory above the spot holds a HEAD: a bare repository, or the like. */
bool spot_is_below_head(const struct spot *spot);
/*
 * Whether nothing in the directory keeps it where it is: every entry below it
 * is looked at. False also when there are too many to look at.
 */
bool spot_may_travel(const struct guard *guard, const struct spot *spot);

/* "NUMBER" + tail into buf, no stdio. buf holds 48 bytes, tail is short. */
void guard_proc_path(char *buf, uint64_t pid, const char *tail, int64_t fd);

#endif
