/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See bpf_sim.h. What our compiler and libseccomp emit. */
#include "bpf_sim.h"

#include <errno.h>
#include <stdbool.h>

static bool is_conditional(uint16_t code)
{
	return code == (BPF_JMP | BPF_JEQ | BPF_K) || code == (BPF_JMP | BPF_JGT | BPF_K) ||
	       code == (BPF_JMP | BPF_JGE | BPF_K) || code == (BPF_JMP | BPF_JSET | BPF_K);
}

int bpf_check(const struct sock_filter *insns, size_t len, const char **ret_why)
{
	*ret_why = "length";
	if (len == 0 || len > BPF_MAXINSNS)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		const struct sock_filter *insn = &insns[i];
		size_t left = len - i - 1;

		*ret_why = "a jump out of the program";
		if (is_conditional(insn->code)) {
			if (insn->jt >= left || insn->jf >= left)
				return -EINVAL;
			continue;
		}
		switch (insn->code) {
		case BPF_JMP | BPF_JA:
			if (insn->k >= left)
				return -EINVAL;
			break;
		case BPF_LD | BPF_W | BPF_ABS:
			*ret_why = "a load outside of struct seccomp_data";
			if (insn->k % 4 || insn->k >= sizeof(struct seccomp_data))
				return -EINVAL;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
		case BPF_RET | BPF_K:
			break;
		default:
			*ret_why = "an unknown instruction";
			return -EINVAL;
		}
	}
	*ret_why = "the last instruction is no return";
	return insns[len - 1].code == (BPF_RET | BPF_K) ? 0 : -EINVAL;
}
