/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that a run asked for and did not get, whoever refused it: the broker, the
 * system call filter, Landlock. Result, audit log and messages read it here.
 */
#ifndef AISBX_BOX_REFUSAL_LOG_H
#define AISBX_BOX_REFUSAL_LOG_H

#include <stddef.h>
#include <stdint.h>

enum refusal_kind {
	REFUSED_HOST,
	REFUSED_DNS,
	REFUSED_SYSCALL,
	REFUSED_EXEC,
	REFUSED_FILE,
	REFUSED_BINDING,
	REFUSED_SECRET,
	REFUSED_HTTP,
	REFUSAL__N,
};

/* As written in results. */
extern const char *const refusal_names[REFUSAL__N];

enum {
	REFUSAL_TEXT = 304, /* a name, a port and a few words; a path */
	REFUSALS_A_KIND = 256,
};

/* Texts are "" where nothing is known. What the payload chose of them may hold any byte. */
struct refusal {
	enum refusal_kind kind;
	uint64_t count;
	char what[REFUSAL_TEXT];
	char arguments[REFUSAL_TEXT]; /* of a system call: those that matter */
	char program[REFUSAL_TEXT];   /* that asked: its file in the box */
	char grant[REFUSAL_TEXT];     /* the option that would allow it; "": none would */
	char why[REFUSAL_TEXT];	      /* for people */
};

/* In the order of their first time. */
struct refusal_log {
	size_t len;
	size_t kind_len[REFUSAL__N];
	struct refusal entries[REFUSAL__N * (REFUSALS_A_KIND + 1)];
};

/* Not by memset: pages that are not needed are never touched. */
void refusal_log_clear(struct refusal_log *log);

/*
 * Adds refusal's count to those of the same kind, what, arguments and program. Those
 * that differ are kept apart up to REFUSALS_A_KIND a kind; more are one, "(others)".
 */
void refusal_log_add(struct refusal_log *log, const struct refusal *refusal);

#endif
