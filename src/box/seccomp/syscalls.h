/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seccomp wall: choosing, making and loading the filter. */
#ifndef AISBX_BOX_SYSCALLS_H
#define AISBX_BOX_SYSCALLS_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum filter_kind {
	FILTER_DEFAULT,
	FILTER_MEDIATED, /* changes of files by name ask the listener */
	FILTER_BROKER,	 /* the broker's own, not of a payload */
	FILTER_GATEWAY,	 /* the same of the gateway */
	FILTER__N,
};

/* What a filter asks the listener about, besides telling it refusals. */
enum filter_asks {
	ASKS_CHANGES = 1 << 0, /* of files by name, as FILTER_MEDIATED */
	ASKS_PROGRAMS = 1 << 1,
	ASKS_PATHS = 1 << 2, /* all calls that look for one */
};

struct filter {
	const struct sock_filter *insns;
	uint16_t len;
	const char *sha256; /* of insns, hex, for the result */
};

/* For the architecture aisbx is built for; written by gen_filters.c at build time. */
extern const struct filter builtin_filters[FILTER__N];

/* The filter of that kind without a profile's changes. Always 0. */
int syscalls_builtin(enum filter_kind kind, struct filter *ret);

/*
 * The filter of a profile with syscalls.allow and .deny: names and @sets (the
 * sets are in syscall_sets.c). Deny wins over allow. A call that is allowed
 * already keeps its argument checks when it is in allow. asks: of enum
 * filter_asks. counted: room in files comes by
 * writing only, so that the kernel's count of what is written has all of it.
 *
 * Fails with E_PROFILE for a name that is not known, for an allow that would
 * break a wall, and for a deny that would keep the command from starting.
 * Must: run before clone (allocates).
 */
int syscalls_compile(struct arena *arena, const struct strv *allow, const struct strv *deny,
		     unsigned asks, bool counted, struct filter *ret, struct err *reterr);

/*
 * The filter of an observed run: what names a file, and what makes a socket, is notified
 * where it would be allowed (observe.h). deny: as in a profile.
 */
int syscalls_compile_observed(struct arena *arena, const struct strv *deny, struct filter *ret,
			      struct err *reterr);

/*
 * Loads filter into the calling thread; from here on it holds for the thread,
 * what it starts, and what that executes.
 *
 * Must: no_new_privs set. Only system calls the filter allows come after it.
 * Must not: be called before the last step that needs a refused call.
 * After: with want_listener, *ret_listener_fd is the notification descriptor,
 *   close-on-exec; without, it is -1 (ret_listener_fd may be NULL), nothing is
 *   told, and what a mediated filter asks about fails with ENOSYS.
 * Runs between clone and exec, also in shared memory: no heap, stdio, errno.
 */
int syscalls_load(const struct filter *filter, bool want_listener, int *ret_listener_fd,
		  struct err *reterr);

/* Whether filter allows the call of that number, with arguments of 0, without a listener. */
bool syscalls_allows(const struct filter *filter, int nr);

#endif
