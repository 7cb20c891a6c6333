/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this host can and cannot enforce.
 *
 * Theory of operation: a table of checks. Each is tried in a child of its own, with the
 * functions that a run uses, and most of them in a real box; what it finds goes into memory
 * that the two share. Nothing is concluded from a version or a setting: those are only read
 * to say why something failed (box/remedies.h), in the words in which `run` says it.
 */
#ifndef AISBX_DOCTOR_DOCTOR_H
#define AISBX_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum state {
	STATE_OK,
	STATE_LIMITED, /* there, and less than aisbx would use */
	STATE_MISSING,
	STATE__N
};

/* As `doctor --json` writes them. */
extern const char *const state_names[STATE__N];

/* One answer. Of a fixed size: it crosses processes. */
struct finding {
	enum state state;
	bool untried; /* for want of what the check needs */
	char found[400];
	char fix[sizeof((struct err *)NULL)->hint]; /* "": nothing to fix, or see another check */
	char details[3000];			    /* lines */
};

struct visit;

struct check {
	const char *name;
	void (*try)(struct visit *visit); /* in a child: see visit.h */
	const char *needs; /* the check without which this one cannot be tried; NULL */
	const char *means[STATE__N];
};

extern const struct check checks[];
extern const size_t checks_len;

/*
 * Tries every check in its order. *ret_findings has checks_len of them, for ever; *ret_works
 * says whether a default run works.
 */
int doctor_examine(const struct finding **ret_findings, bool *ret_works, struct err *reterr);

#endif
