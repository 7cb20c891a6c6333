/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp policy as data: every system call by name, in named sets, with
 * what happens to it and why; and the calls whose arguments decide.
 */
#ifndef AISBX_BOX_SYSCALL_SETS_H
#define AISBX_BOX_SYSCALL_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "box/seccomp/bpf.h"
#include "box/seccomp/syscall_numbers.h"

/* What a profile may do with the calls of a set. */
enum syscall_freedom {
	FREEDOM_DENY,	 /* allowed already; may be denied */
	FREEDOM_NONE,	 /* aisbx itself needs them to start the command: cannot be denied */
	FREEDOM_SET,	 /* refused; may be allowed, by name or as the set */
	FREEDOM_NAME,	 /* refused; may be allowed, each by its own name */
	FREEDOM_REFUSED, /* refused; allowing them would break a wall */
};

/* Several rows may have one name: they are one set for a profile. */
struct syscall_set {
	const char *name;
	enum syscall_freedom freedom;
	uint32_t action;   /* SECCOMP_RET_*; syscall_rule() goes before it */
	const char *calls; /* names with a space between */
	const char *why;   /* for messages: why it is refused, or what it is for */
};

extern const struct syscall_set syscall_sets[];
extern const size_t syscall_sets_len;

/* The next word of *cursor's list, not terminated; NULL at the end. */
const char *syscall_next(const char **cursor, size_t *ret_len);
/* The set that the call of this name is in, or NULL: not known. */
const struct syscall_set *syscall_set_of(const char *call);
/* The rule for the arguments of the call of this name, or NULL. */
const struct arg_rule *syscall_rule(const char *call);
/* Why the rule refuses what it does, for messages; NULL without one. */
const char *syscall_rule_why(const char *call);

/*
 * The policy for cpu without a profile's changes: fills calls (room for
 * BPF_CALLS_MAX), in order of number, and ret_policy, which refers to it.
 * A caller may change actions and rules in calls before it compiles.
 */
void syscall_policy(enum cpu cpu, bool mediated, struct bpf_call *calls,
		    struct bpf_policy *ret_policy);

/* The same for the broker: what moving bytes takes, everything else EPERM. */
void syscall_broker_policy(enum cpu cpu, bool is_gateway, struct bpf_call *calls,
			   struct bpf_policy *ret_policy);

#endif
