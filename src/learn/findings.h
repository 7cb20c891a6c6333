/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a learning run showed: the input of propose.h. */
#ifndef AISBX_LEARN_FINDINGS_H
#define AISBX_LEARN_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "learn/places.h"
#include "policy/profile.h"

enum seen_how {
	SEEN_EXECUTE = 1 << 0,
	SEEN_READ = 1 << 1,   /* opened, or looked at */
	SEEN_LIST = 1 << 2,   /* its names were read */
	SEEN_CHANGE = 1 << 3, /* its content changed */
	SEEN_MAKE = 1 << 4,   /* it was made, removed or replaced: its directory changed */
};

/* A path of the host, absolute and normal. */
struct seen {
	const char *path;
	bool is_dir;
	unsigned how; /* enum seen_how, or-ed */
};

struct seen_list {
	struct seen *items;
	size_t len;
	size_t cap;
};

struct seen_host {
	const char *host; /* a name, or an address without brackets */
	uint16_t port;
	uint64_t count;
};

/* What was asked for and cannot be proposed, or not be known. */
struct lack {
	const char *what; /* as a profile or a command line has it */
	const char *why;
};

struct lack_list {
	struct lack *items;
	size_t len;
	size_t cap;
};

/* 0: not known. */
struct peaks {
	uint64_t memory;
	uint64_t cpu_ms;
	uint64_t wall_ms;
	uint64_t processes;
	uint64_t written; /* bytes in all */
	uint64_t largest; /* file that was written */
	uint64_t output;
};

struct findings {
	struct learn_places places;
	const char *command; /* for people */
	const char *extends;
	const char *extends_why;
	struct limits limits;	    /* of the profile that is extended */
	struct seen_list seen;	    /* any order, paths may come more than once */
	struct strv names;	    /* of what lies in directories that are new */
	bool is_update;		    /* of a profile of the user's: its limits only grow */
	const struct strv *secrets; /* paths that are there and sensitive: hidden below a grant */
	bool ran_python;	    /* which lists directories to import from them */
	struct strv programs;	    /* in the order of first use: names or paths */
	const char *programs_why;   /* why there can be no list of them, or NULL */
	struct seen_host *hosts;
	size_t hosts_len;
	struct host_list private_hosts; /* that were given on the command line, and reached */
	struct strv variables;		/* NAME, or NAME=VALUE to set */
	struct strv variables_why;	/* one each */
	struct peaks peaks;
	struct lack_list refused; /* besides what propose() finds itself */
};

/*
 * What the extended profile grants already. Both false: nothing. The path may be one that
 * the host does not have yet.
 */
struct granted {
	bool read;
	bool write;
};
typedef struct granted (*granted_fn)(void *context, const char *path);

/* Adds how to the entry of path, or a new one. */
void seen_add(struct arena *arena, struct seen_list *list, const char *path, bool is_dir,
	      unsigned how);
/* Sorts by path; what is there more than once becomes one. */
void seen_settle(struct seen_list *list);
void lack_add(struct arena *arena, struct lack_list *list, const char *what, const char *why);

#endif
