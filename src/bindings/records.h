/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the bindings' server tells the supervisor: one record a packet, for result and audit log.
 * Calls are told singly where a log wants them, and of each binding no more than
 * RECORD_EACH_MAX; the sums come when the server ends.
 */
#ifndef AISBX_BINDINGS_RECORDS_H
#define AISBX_BINDINGS_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
	RECORD_EACH_MAX = 1000, /* a box that calls and calls must not fill a log */
	RECORD_TEXT = 4097,	/* of the built-in log, with its end */
};

/* How a call ended. */
enum call_end {
	/* The command ran. */
	CALL_EXITED,
	CALL_SIGNALED,
	CALL_TIMEOUT,	   /* ended after binding.timeout */
	CALL_OUTPUT_LIMIT, /* ended after binding.max_output */
	CALL_ABANDONED,	   /* ended because its caller went away */
	CALL_FAILED,	   /* could not be executed */
	CALL_LOGGED,	   /* the built-in log */
	/* It was refused, and nothing ran: CALL_REFUSED_FROM. */
	CALL_OVERSIZE,
	CALL_LATE,
	CALL_MALFORMED,
	CALL_ARGUMENTS,
	CALL_SCHEMA,
	CALL_TOO_MANY,
	CALL_BUSY,
	CALL_RATE,
	CALL_UNFINISHED, /* its caller went away before the request was whole */
	CALL_END__N
};

#define CALL_REFUSED_FROM CALL_OVERSIZE

struct call_end_info {
	const char *name;  /* in logs and results */
	const char *why;   /* for people, of what was refused or ended early */
	const char *grant; /* the key that would allow it, or NULL */
};

extern const struct call_end_info call_ends[CALL_END__N];

enum record_kind {
	RECORD_FAILED, /* err; the server is gone */
	RECORD_CALL,   /* binding, end, status, bytes, duration_ms; text of CALL_LOGGED */
	RECORD_MORE,   /* binding: ends of calls that were not told singly, bytes of them all */
	RECORD_TOTAL,  /* the same of all calls */
	RECORD__N
};

struct call_record {
	uint32_t kind;	       /* enum record_kind */
	uint32_t binding;      /* its number in the plan */
	uint32_t end;	       /* enum call_end */
	int32_t status;	       /* exit status or signal of CALL_EXITED, CALL_SIGNALED */
	uint64_t input_bytes;  /* arguments and input */
	uint64_t output_bytes; /* stdout */
	uint64_t error_bytes;  /* stderr */
	uint64_t duration_ms;
	uint32_t ends[CALL_END__N]; /* MORE, TOTAL: how many calls ended so */
	union {
		char text[RECORD_TEXT];
		struct err err;
	};
};

/*** In the server ***/

/* Of the supervisor's SOCK_SEQPACKET pair. each: calls are told singly too. */
void records_init(int events_fd, bool each);
void record_failed(const struct err *err);
/* Adds *record to the sums and tells it. */
void record_call(struct call_record *record);
/* Tells the sums of that many bindings. */
void records_finish(uint32_t bindings);

/*** In the supervisor ***/

/*
 * Receives one record without waiting: 1, 0 on EOF, -EAGAIN when there is none, else -errno.
 * What comes is safe to read: known kinds, one of so many bindings, texts terminated.
 */
int record_receive(int events_fd, uint32_t bindings, struct call_record *ret_record);

#endif
