/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a list of system calls and what happens to each, to a classic BPF program.
 *
 * Pure: architecture and numbers are arguments, so either architecture's
 * program can be made and tested anywhere.
 */
#ifndef AISBX_BOX_BPF_H
#define AISBX_BOX_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BPF_CALLS_MAX = 640, /* system calls in one policy */
	BPF_INSNS_MAX = 1024,
	ARG_VALUES_MAX = 5,
	ARG_TESTS_MAX = 4,
};

/*
 * In the data of SECCOMP_RET_USER_NOTIF, which the kernel ignores, stands what the
 * listener is to do: an errno means refuse with it and tell, BPF_WATCHED means look and
 * let go on, 0 is a mediated call. Who holds the listener runs the program once more on the
 * notification's copy of the registers: one program says it to the kernel and to us.
 */
#define BPF_TELL(e) (SECCOMP_RET_USER_NOTIF | (e))
#define BPF_WATCHED (SECCOMP_RET_USER_NOTIF | 0xffffu)

/* One question about an argument: is (half & mask) one of values, or none of them? */
struct arg_test {
	uint8_t arg;   /* 0 to 5 */
	bool high;     /* bits 32 to 63 instead of 0 to 31 */
	bool none_of;  /* true when no value equals */
	uint8_t len;   /* values used, at least 1 */
	uint32_t mask; /* 0 ends a clause's tests */
	uint32_t values[ARG_VALUES_MAX];
};

/* All tests true: action. */
struct arg_clause {
	struct arg_test tests[ARG_TESTS_MAX];
	uint32_t action;
};

/* The first clause that holds decides. */
struct arg_rule {
	const struct arg_clause *clauses;
	size_t len;
	uint32_t otherwise;
};

/* Actions are SECCOMP_RET_* values, errno included. */
struct bpf_call {
	uint32_t nr;
	uint32_t action;	     /* without a rule */
	const struct arg_rule *rule; /* NULL: action whatever the arguments are */
	bool watched; /* what would be allowed is BPF_WATCHED; not for half a rule's calls */
};

struct bpf_policy {
	uint32_t audit_arch;
	uint32_t foreign_action; /* other architectures, and numbers in the foreign range */
	uint32_t unknown_action; /* numbers that calls does not hold */
	uint32_t foreign_from;	 /* first number of another ABI under the same arch; 0: none */
	bool mediated; /* false: SECCOMP_RET_USER_NOTIF | 0 stands for SECCOMP_RET_ALLOW */
	bool counted;  /* false: SECCOMP_RET_ERRNO | EOPNOTSUPP stands for SECCOMP_RET_ALLOW */
	const struct bpf_call *calls; /* in ascending order of nr, each number once */
	size_t len;
};

/*
 * Compiles policy into buf and returns its length in instructions.
 *
 * -1 as a number (what a tracer writes to skip a call, and what programs use
 * for "not on this architecture") is unknown, not foreign.
 *
 * Must: policy->calls sorted, unique, at most BPF_CALLS_MAX (-EINVAL).
 * After: every jump of the program is forward and within the program.
 * Fails with -E2BIG when size instructions are not enough.
 */
int bpf_compile(const struct bpf_policy *policy, struct sock_filter *buf, size_t size);

/* Makes a program one that needs no listener: what it tells is refused without. */
void bpf_silence(struct sock_filter *insns, size_t len);

/*
 * What the kernel would answer, for a program that bpf_compile() made. *ret_steps
 * (may be NULL) is the instructions executed.
 */
uint32_t bpf_run(const struct sock_filter *insns, const struct seccomp_data *data,
		 unsigned *ret_steps);

#endif
