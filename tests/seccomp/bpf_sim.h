/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks classic BPF as the kernel does before it loads a program, and what is told of its answers. */
#ifndef AISBX_TESTS_BPF_SIM_H
#define AISBX_TESTS_BPF_SIM_H

#include <stddef.h>
#include <stdint.h>

#include "box/seccomp/bpf.h"

/* 0, or -EINVAL for a program the kernel would not load, naming why in *ret_why. */
int bpf_check(const struct sock_filter *insns, size_t len, const char **ret_why);

/* What the asking program gets: a refusal that is told is one as if it were not. */
static inline uint32_t bpf_answer(uint32_t action)
{
	uint32_t data = action & SECCOMP_RET_DATA;

	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF && data
		       ? SECCOMP_RET_ERRNO | data
		       : action;
}

#endif
