/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Path grants as entries: resolved on the host, each with its place in the box. */
#ifndef AISBX_POLICY_ENTRIES_H
#define AISBX_POLICY_ENTRIES_H

#include "policy/plan.h"
#include "policy/resolve.h"

/* Later kinds win over earlier ones at the same path. */
enum entry_kind {
	ENTRY_GONE, /* hidden: nothing is made */
	ENTRY_OPENED, /* a directory in memory that shows what a read grant shows, less what is hidden */
	ENTRY_IMPLICIT, /* a private directory that every box has */
	ENTRY_TMPFS,
	ENTRY_READ,
	ENTRY_WRITE,
	ENTRY_HIDE,
};

struct entry {
	enum entry_kind kind;
	bool from_command_line;
	bool has_children;
	bool is_part; /* of an opened read grant */
	const char *box_path;
	const char *source;   /* as written */
	struct resolved host; /* READ, WRITE; HIDE: what is hidden */
	const char *link;     /* target when the entry is only a symbolic link */
	const char *why;
};

struct entries {
	struct arena *arena;
	const struct plan *plan;
	struct err *reterr;
	struct entry *items;
	size_t len;
	size_t cap;
};

/*
 * Fills entries from entries->plan's profile and facts, sorted by component,
 * so that a parent precedes what lies below it. Refuses what may not be
 * granted (E_GRANT). Reads the host, never writes.
 */
int entries_build(struct entries *entries);

/* Whether the entry is a mount of something of the host's. */
bool entry_is_bind(const struct entry *entry);

/* Fails with "WHERE: cannot grant 'PATH': REASON". */
int entry_refuse(const struct entries *entries, const struct entry *entry, const char *path,
		 const char *reason);

#endif
