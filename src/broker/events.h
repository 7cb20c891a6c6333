/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the broker tells the supervisor: one record a packet, for result and
 * audit log. A refusal that comes again and again is told once and counted,
 * and connections are added up by host and port; the sums come when the broker
 * ends. Single connections and questions are told only where a log wants them,
 * and no more than EVENT_EACH_MAX connections of a host and port.
 */
#ifndef AISBX_BROKER_EVENTS_H
#define AISBX_BROKER_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "box/refusals/refusal_log.h"

enum broker_event_kind {
	EVENT_FAILED,	 /* err; the broker is gone */
	EVENT_DNS,	 /* questions for a granted name: what, count more than told before */
	EVENT_REFUSED,	 /* refusal, what, grant, why; count more of them than told before */
	EVENT_CONNECTED, /* what, port */
	EVENT_CLOSED,	 /* what, port, bytes, duration_ms */
	EVENT_SECRET,	 /* what: its name, grant: the host and port that it first went to */
	EVENT_MORE,	 /* what, port, count of connections not told singly, bytes of them all */
	EVENT_TOTAL,	 /* what, port, count of connections, bytes of them all */
	EVENT__N,
};

enum {
	EVENT_TEXT = REFUSAL_TEXT,
	EVENT_EACH_MAX = 256, /* a box that connects and connects must not fill a log */
};

struct broker_event {
	uint32_t kind;	  /* enum broker_event_kind */
	uint32_t refusal; /* enum refusal_kind */
	uint32_t count;
	uint32_t port;
	uint64_t up_bytes;   /* from the box to the host */
	uint64_t down_bytes; /* and back */
	uint64_t duration_ms;
	union {
		struct {
			char what[EVENT_TEXT];
			char grant[EVENT_TEXT]; /* the option that would allow it; "": none would */
			char why[EVENT_TEXT];	/* of a refusal, for people */
		};
		struct err err;
	};
};

/*** In the broker ***/

/*
 * events_fd: the broker's end of a SOCK_SEQPACKET pair. each: single connections and questions
 * are told too.
 */
void events_init(int events_fd, bool each);
void event_failed(const struct err *err);
/* count questions for a granted name, that were not told before. */
void event_dns(const char *name, uint32_t count);
/* grant and why may be NULL. */
void event_refused(enum refusal_kind kind, const char *what, const char *grant, const char *why);
void event_secret(const char *name, const char *where);
void event_connected(const char *host, uint16_t port);
void event_closed(const char *host, uint16_t port, uint64_t up_bytes, uint64_t down_bytes,
		  int64_t duration_ms);
/* False once the supervisor wants the sums at once: what is left to send is dropped. */
bool events_may_wait(void);
/* Tells the sums. */
void events_finish(void);

/*** In the supervisor ***/

/*
 * Receives one record without waiting: 1, 0 on EOF, -EAGAIN when there is none, else -errno.
 * What comes is safe to read: known kinds, texts terminated.
 */
int event_receive(int events_fd, struct broker_event *ret_event);

#endif
