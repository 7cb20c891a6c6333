/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of the system, in its native protocol
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL), or syslog's socket where there is none.
 */
#ifndef AISBX_REPORT_JOURNAL_H
#define AISBX_REPORT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct journal {
	int fd; /* -1: none */
	bool is_syslog;
};

#define JOURNAL_NONE                                                                               \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Fails where nobody listens. */
int journal_open(struct journal *ret_journal, struct err *reterr);

/*
 * Sends one entry: line, without newlines, as MESSAGE; fields are complete, "NAME=VALUE\n" each,
 * and syslog does not get them. Waits for a second at most. 0 or -errno.
 */
int journal_write(const struct journal *journal, int priority, const char *fields, const char *line,
		  size_t len);

void journal_close(struct journal *journal);

#endif
