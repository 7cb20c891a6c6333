/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Carrying out one mediated system call. */
#ifndef AISBX_BOX_PROTECT_CALLS_H
#define AISBX_BOX_PROTECT_CALLS_H

#include <linux/seccomp.h>

#include "box/protect/protect_path.h"

enum answer_kind {
	ANSWER_NATIVE, /* the payload's own call goes on: its view is read-only */
	ANSWER_RESULT, /* done, or refused: error */
	ANSWER_FD,     /* fd becomes the payload's */
};

struct answer {
	enum answer_kind kind;
	int error; /* 0 or -errno */
	int fd;
	bool cloexec;
	bool is_refused;  /* by a rule */
	const char *path; /* that is; the box's, in static memory */
};

/* Never blocks. listener: to see whether the asking process is still the one that asked. */
struct answer call_carry_out(const struct guard *guard, int listener,
			     const struct seccomp_notif *request);

#endif
