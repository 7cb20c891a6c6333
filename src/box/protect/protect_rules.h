/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What may change in a protected grant: files.protect as decisions.
 *
 * Pure: paths and names in, a verdict out. The only thing that the text of a
 * path cannot tell, whether a directory is a bare repository, is handed back
 * as a question (rules_git_name).
 */
#ifndef AISBX_BOX_PROTECT_RULES_H
#define AISBX_BOX_PROTECT_RULES_H

#include <stdbool.h>
#include <stddef.h>

struct rules {
	const char *const *names; /* of files.protect; '*' is the only wildcard */
	size_t names_len;
	const char *const *pinned; /* box paths that stay where and as they are */
	size_t pinned_len;
	size_t mounts_len; /* the first of them are mount points: they hold for grants above them */
	bool has_git;	   /* .git is among names: it has rules of its own */
};

/* Where something lies in a grant. */
struct rules_path {
	const char *above;    /* absolute path of the grant itself: a .git in it counts */
	const char *rel;      /* below the grant, "" for the grant itself: "src/a.c" */
	const char *box_path; /* the same in the box, absolute, for pinned */
	bool folds;	      /* the file system may take head for HEAD */
};

enum change {
	CHANGE_ACCESS, /* a question only: access(2) for writing */
	CHANGE_WRITE,  /* an existing file's content, or a new entry of another kind than these */
	CHANGE_MKDIR,
	CHANGE_SYMLINK, /* a new symbolic link */
	CHANGE_REMOVE,
	CHANGE_ATTRIBUTES, /* mode, owner, times */
};

/* The zones of a repository; names are free where git keeps other people's names. */
enum place {
	PLACE_TREE,	 /* outside any .git */
	PLACE_GIT,	 /* below .git, outside the zones that follow */
	PLACE_OPERATION, /* how git goes on with a rebase, am, cherry-pick or revert */
	PLACE_REFS,	 /* refs, and what is below logs */
	PLACE_REMOTES,	 /* a directory remotes in there */
	PLACE_HEADS,	 /* logs itself, and each remote: git keeps a HEAD in it */
	PLACE_OBJECTS,
	PLACE_RERERE,
	PLACE_GIT_ITSELF,
	PLACE_PROTECTED, /* a protected name, or below one */
};

enum place rules_place(const struct rules *rules, const struct rules_path *path);
/* Whether a change of this one entry is allowed. */
bool rules_allow(const struct rules *rules, const struct rules_path *path, enum change change);
/*
 * Whether a file of that name would make its directory a repository, whose config is obeyed from
 * then on. One that is there stays: while it was away the config would be free.
 */
bool rules_makes_repository(const struct rules *rules, const struct rules_path *path);
/* Whether from may become to (and the other way round where exchange). */
bool rules_allow_move(const struct rules *rules, const struct rules_path *from,
		      const struct rules_path *to, bool is_dir, bool is_link);
bool rules_allow_link(const struct rules *rules, const struct rules_path *from,
		      const struct rules_path *to);
/*
 * Whether a directory that holds an entry of that name may be moved or
 * removed. place is where the directory lies.
 */
bool rules_may_travel(const struct rules *rules, enum place place, const char *name);
/*
 * Finds the next component of rel that would be trusted if the directory it is
 * in were a repository. *at starts at 0; on true, rel[0, *ret_dir_len) is that
 * directory. Only where no HEAD may be made, and has_git.
 */
bool rules_git_name(const struct rules *rules, const struct rules_path *path, size_t *at,
		    size_t *ret_dir_len);

/*
 * Whether path is a file of git's that may hold a command, in text that git
 * itself writes often without one: the todo list of a rebase, the options of a
 * cherry-pick. It may be removed, and written by init alone, with a text that
 * rules_text_is_harmless().
 */
bool rules_is_vetted(const struct rules *rules, const struct rules_path *path);
bool rules_text_is_harmless(const struct rules_path *path, const char *text, size_t len);

#endif
