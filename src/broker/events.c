/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records from the broker to the supervisor: see events.h. */
#include "broker/events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
	REFUSALS_MAX = 256, /* different ones; more are counted as one */
	TOTALS_MAX = 256,   /* the same */
	WAIT_S = 1,	    /* for a supervisor that is busy */
};

struct counted_refusal {
	enum refusal_kind kind;
	char what[EVENT_TEXT];
	char grant[EVENT_TEXT];
	uint32_t untold;
};

struct sum {
	uint32_t count;
	uint64_t up_bytes;
	uint64_t down_bytes;
};

struct total {
	char host[EVENT_TEXT];
	uint16_t port;
	uint32_t connects_told;
	struct sum all;
	struct sum untold; /* of all: those whose end was to be told singly and was not */
};

static struct {
	int fd;
	bool each;
	struct counted_refusal refusals[REFUSALS_MAX + 1]; /* the last: all others */
	size_t refusals_len;
	struct total totals[TOTALS_MAX + 1];
	size_t totals_len;
} events = { .fd = -1 };

static void set_text(char text[EVENT_TEXT], const char *from)
{
	(void)snprintf(text, EVENT_TEXT, "%s", from ? from : "");
}

/* A supervisor that does not listen for a while holds the network up, not for ever. */
static bool tell(const struct broker_event *event)
{
	return send(events.fd, event, sizeof *event, MSG_NOSIGNAL) == (ssize_t)sizeof *event;
}

void events_init(int fd, bool each)
{
	const struct timeval limit = { .tv_sec = WAIT_S };

	events.fd = fd;
	events.each = each;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/* Its end is shut for writing, where it never writes: EOF, unix(7). */
bool events_may_wait(void)
{
	char byte;

	return recv(events.fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) != 0;
}

void event_failed(const struct err *err)
{
	struct broker_event event = { .kind = EVENT_FAILED };

	event.err = *err;
	(void)tell(&event); /* a supervisor that is gone has ended the box already */
}

void event_dns(const char *name, uint32_t count)
{
	struct broker_event event = { .kind = EVENT_DNS, .count = count };

	set_text(event.what, name);
	if (events.each)
		(void)tell(&event);
}

/*** Refusals ***/

static struct counted_refusal *find_refusal(enum refusal_kind kind, const char *what,
					    const char *grant)
{
	struct counted_refusal *refusal = events.refusals;

	for (size_t i = 0; i < events.refusals_len; i++, refusal++) {
		if (refusal->kind == kind && strcmp(refusal->what, what) == 0)
			return refusal;
	}
	if (events.refusals_len == REFUSALS_MAX) {
		what = "(others)";
		grant = NULL;
	} else {
		events.refusals_len++;
	}
	if (!refusal->what[0]) {
		refusal->kind = kind;
		set_text(refusal->what, what);
		set_text(refusal->grant, grant);
	}
	return refusal;
}

static void tell_refusal(struct counted_refusal *refusal, const char *why)
{
	struct broker_event event = { .kind = EVENT_REFUSED,
				      .refusal = refusal->kind,
				      .count = refusal->untold };

	set_text(event.what, refusal->what);
	set_text(event.grant, refusal->grant);
	set_text(event.why, why);
	if (tell(&event))
		refusal->untold = 0;
}

void event_refused(enum refusal_kind kind, const char *what, const char *grant, const char *why)
{
	size_t before = events.refusals_len;
	struct counted_refusal *refusal = find_refusal(kind, what, grant);

	refusal->untold++;
	if (events.refusals_len > before)
		tell_refusal(refusal, why);
}

/*** Secrets ***/

void event_secret(const char *name, const char *where)
{
	struct broker_event event = { .kind = EVENT_SECRET, .count = 1 };

	set_text(event.what, name);
	set_text(event.grant, where);
	if (events.each)
		(void)tell(&event);
}

/*** Connections ***/

static struct total *find_total(const char *host, uint16_t port)
{
	struct total *total = events.totals;

	for (size_t i = 0; i < events.totals_len; i++, total++) {
		if (total->port == port && strcmp(total->host, host) == 0)
			return total;
	}
	if (events.totals_len < TOTALS_MAX) {
		events.totals_len++;
	} else {
		host = "(others)";
		port = 0;
	}
	if (!total->host[0]) {
		set_text(total->host, host);
		total->port = port;
	}
	return total;
}

void event_connected(const char *host, uint16_t port)
{
	struct broker_event event = { .kind = EVENT_CONNECTED, .port = port };

	set_text(event.what, host);
	if (events.each && find_total(host, port)->connects_told++ < EVENT_EACH_MAX)
		(void)tell(&event);
}

static void add(struct sum *sum, uint64_t up_bytes, uint64_t down_bytes)
{
	sum->count++;
	sum->up_bytes += up_bytes;
	sum->down_bytes += down_bytes;
}

void event_closed(const char *host, uint16_t port, uint64_t up_bytes, uint64_t down_bytes,
		  int64_t duration_ms)
{
	struct broker_event event = { .kind = EVENT_CLOSED,
				      .port = port,
				      .up_bytes = up_bytes,
				      .down_bytes = down_bytes,
				      .duration_ms = (uint64_t)duration_ms };
	struct total *total = find_total(host, port);

	add(&total->all, up_bytes, down_bytes);
	set_text(event.what, host);
	if (events.each && (total->all.count > EVENT_EACH_MAX || !tell(&event)))
		add(&total->untold, up_bytes, down_bytes);
}

static void tell_sum(enum broker_event_kind kind, const struct total *total, const struct sum *sum)
{
	struct broker_event event = { .kind = kind,
				      .port = total->port,
				      .count = sum->count,
				      .up_bytes = sum->up_bytes,
				      .down_bytes = sum->down_bytes };

	set_text(event.what, total->host);
	if (sum->count)
		(void)tell(&event);
}

void events_finish(void)
{
	for (size_t i = 0; i <= events.refusals_len; i++) {
		if (events.refusals[i].untold)
			tell_refusal(&events.refusals[i], NULL);
	}
	for (size_t i = 0; i <= events.totals_len; i++) {
		const struct total *total = &events.totals[i];

		tell_sum(EVENT_MORE, total, &total->untold);
		tell_sum(EVENT_TOTAL, total, &total->all);
	}
}

/*** The other end ***/

static void terminate(struct broker_event *event)
{
	struct err *err = &event->err;

	if (event->kind == EVENT_FAILED) {
		err->wall[sizeof err->wall - 1] = '\0';
		err->op[sizeof err->op - 1] = '\0';
		err->subject[sizeof err->subject - 1] = '\0';
		err->hint[sizeof err->hint - 1] = '\0';
		return;
	}
	event->what[EVENT_TEXT - 1] = '\0';
	event->grant[EVENT_TEXT - 1] = '\0';
	event->why[EVENT_TEXT - 1] = '\0';
}

int event_receive(int events_fd, struct broker_event *ret_event)
{
	ssize_t n = recv(events_fd, ret_event, sizeof *ret_event, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 ? -errno : 0;
	if (n != (ssize_t)sizeof *ret_event || ret_event->kind >= EVENT__N ||
	    ret_event->refusal >= REFUSAL__N)
		return -EPROTO;
	terminate(ret_event);
	return 1;
}
