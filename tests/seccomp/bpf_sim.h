/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Evaluates classic BPF as the kernel's seccomp does, for any architecture's data. */
#ifndef AISBX_TESTS_BPF_SIM_H
#define AISBX_TESTS_BPF_SIM_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* 0, or -EINVAL for a program the kernel would not load, naming why in *ret_why. */
int bpf_check(const struct sock_filter *insns, size_t len, const char **ret_why);

/* The program's answer; *ret_steps (may be NULL) is the instructions executed. */
uint32_t bpf_run(const struct sock_filter *insns, const struct seccomp_data *data,
		 unsigned *ret_steps);

#endif
