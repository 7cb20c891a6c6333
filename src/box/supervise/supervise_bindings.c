/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's side of a running bindings' server: see supervisor.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/supervise/supervisor.h"

enum {
	SERVER_END_MS = 5000, /* for what runs to be ended, and the sums */
	SERVER_WALL_MS = 75,  /* past the wall limit: the caller counts on the time */
};

/* Untouched, and so without memory, in runs without bindings. */
static struct bindings_log calls_log;

int supervisor_prepare_bindings(struct supervisor *sup)
{
	if (sup->plan->bindings.len == 0)
		return 0;
	return bindings_server_prepare(&sup->bindings, &sup->end->err);
}

int supervisor_start_bindings(struct supervisor *sup)
{
	if (sup->plan->bindings.len == 0)
		return 0;
	int r = bindings_server_start(&sup->bindings, sup->plan,
				      sup->observer && sup->observer->each_event, &sup->end->err);
	/* A handler may have a secret's source too: the server alone does from here on. */
	for (size_t i = 0; i < sup->plan->bindings.len; i++)
		secrets_forget(sup->plan, sup->plan->bindings.items[i].env.items);
	return r;
}

static void note_refusals(const struct plan_binding *binding, const struct call_record *total)
{
	for (int end = CALL_REFUSED_FROM; end < CALL_END__N; end++) {
		struct refusal refusal = { .kind = REFUSED_BINDING, .count = total->ends[end] };
		const struct call_end_info *info = &call_ends[end];

		/* Who goes away before the end of its request asked for nothing. */
		if (!refusal.count || end == CALL_UNFINISHED)
			continue;
		(void)snprintf(refusal.what, sizeof refusal.what, "%s", binding->name);
		(void)snprintf(refusal.arguments, sizeof refusal.arguments, "%s", info->name);
		(void)snprintf(refusal.why, sizeof refusal.why, "%s", info->why);
		if (info->grant)
			(void)snprintf(refusal.grant, sizeof refusal.grant, "bindings: %s of %s",
				       info->grant, binding->name);
		supervisor_note_refusal(&refusal);
	}
}

bool supervisor_read_call(struct supervisor *sup)
{
	uint32_t bindings = (uint32_t)sup->plan->bindings.len;
	struct call_record record;
	int r = record_receive(sup->bindings.events_fd, bindings, &record);

	if (r == -EAGAIN || r == -EINTR)
		return false;
	if (r <= 0) {
		(void)close(sup->bindings.events_fd);
		sup->bindings.events_fd = -1;
		return false;
	}
	if (record.kind == RECORD_FAILED) {
		calls_log.failed = true;
		calls_log.err = record.err;
		supervisor_kill_box(sup); /* it waits for the server */
	} else if (record.kind == RECORD_TOTAL) {
		calls_log.totals[record.binding] = record;
		note_refusals(&sup->plan->bindings.items[record.binding], &record);
	} else if (sup->observer && sup->observer->call &&
		   sup->observer->call(sup->observer->context, &record) < 0) {
		supervisor_end_unwatched(sup);
	}
	return true;
}

void supervisor_finish_bindings(struct supervisor *sup)
{
	struct pollfd events = { .fd = sup->bindings.events_fd, .events = POLLIN };
	int64_t left_ms = sup->reason == REASON_WALL ? SERVER_WALL_MS : SERVER_END_MS;
	int64_t until_ms = supervisor_now_ms() + left_ms;

	if (sup->bindings.pid < 0)
		return;
	calls_log.ended_early = events.fd < 0;
	if (events.fd >= 0)
		(void)shutdown(events.fd, SHUT_WR); /* it ends what runs, and itself */
	while (sup->bindings.events_fd >= 0 && left_ms > 0) {
		if (poll(&events, 1, (int)left_ms) < 0 && errno != EINTR)
			break;
		while (supervisor_read_call(sup))
			;
		left_ms = until_ms - supervisor_now_ms();
	}
	if (sup->bindings.events_fd >= 0)
		(void)close(sup->bindings.events_fd); /* its keepers see to the rest */
	(void)bindings_server_kill(&sup->bindings);
	sup->end->bindings = &calls_log;
	if (calls_log.failed && !sup->end->started) {
		sup->end->err = calls_log.err;
		sup->failed = true;
	}
}
