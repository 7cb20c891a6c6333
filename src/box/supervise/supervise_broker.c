/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's side of a running broker: see supervisor.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "box/supervise/supervisor.h"

enum {
	BROKER_END_MS = 6000, /* for what the command left to send, and the last sums */
	BROKER_WALL_MS = 75,  /* for the sums alone: the caller counts on the time */
};

/* Untouched, and so without memory, in runs without a broker. */
static struct network_log network;

int supervisor_prepare_broker(struct supervisor *sup, struct arena *arena)
{
	const struct plan *plan = sup->plan;
	uint16_t *ports;

	if (!plan_needs_broker(plan))
		return 0;
	int r = gateway_start(arena, plan, &sup->gateway, &sup->end->err);
	if (r < 0)
		return r;
	ports = arena_alloc(arena, (plan->network.publish_len + 1) * sizeof *ports);
	r = broker_prepare(plan, sup->observer && sup->observer->each_event,
			   steal_fd(&sup->gateway.control_fd), ports, &sup->broker, &sup->end->err);
	if (r < 0)
		return r;
	sup->end->ports = ports;
	if (sup->observer && sup->observer->published && plan->network.publish_len)
		r = sup->observer->published(sup->observer->context, ports, &sup->end->err);
	return r;
}

int supervisor_start_broker(struct supervisor *sup, struct arena *arena)
{
	struct start *start = sup->box.start;

	if (!sup->broker.config)
		return 0;
	/* It shares no memory with anybody, nor with init by what fork(2) copies. */
	if (madvise(start, sizeof *start, MADV_DONTFORK) < 0)
		return err_set(&sup->end->err, E_SYSTEM, errno, "keep memory from", "the broker");
	return broker_start(&sup->broker, arena, &sup->end->err);
}

static void add_refusal(struct supervisor *sup, const struct broker_event *event)
{
	struct refusal refusal = { .kind = (enum refusal_kind)event->refusal,
				   .count = event->count };

	memcpy(refusal.what, event->what, sizeof refusal.what);
	memcpy(refusal.grant, event->grant, sizeof refusal.grant);
	memcpy(refusal.why, event->why, sizeof refusal.why);
	supervisor_add_refusal(sup, &refusal);
}

bool supervisor_read_event(struct supervisor *sup)
{
	struct broker_event event;
	int r = event_receive(sup->broker.events_fd, &event);

	if (r == -EAGAIN || r == -EINTR)
		return false;
	if (r <= 0) {
		(void)close(sup->broker.events_fd);
		sup->broker.events_fd = -1;
		return false;
	}
	if (event.kind == EVENT_REFUSED) {
		add_refusal(sup, &event);
		return true;
	}
	network_log_add(&network, &event);
	if (network.failed)
		supervisor_kill_box(sup); /* it waits for the broker */
	else if (sup->observer && sup->observer->event &&
		 sup->observer->event(sup->observer->context, &event) < 0)
		supervisor_end_unwatched(sup);
	return true;
}

void supervisor_finish_broker(struct supervisor *sup)
{
	struct pollfd events = { .fd = sup->broker.events_fd, .events = POLLIN };
	int64_t left_ms = sup->reason == REASON_WALL ? BROKER_WALL_MS : BROKER_END_MS;
	int64_t until_ms = supervisor_now_ms() + left_ms;

	if (sup->broker.pid < 0)
		return;
	if (sup->reason != REASON_NONE) /* nobody waits for what it left to send */
		(void)shutdown(sup->broker.events_fd, SHUT_WR);
	while (sup->broker.events_fd >= 0 && left_ms > 0) {
		if (poll(&events, 1, (int)left_ms) < 0 && errno != EINTR)
			break;
		while (supervisor_read_event(sup))
			;
		left_ms = until_ms - supervisor_now_ms();
	}
	bool is_over = sup->broker.events_fd < 0;
	if (!is_over)
		(void)close(sup->broker.events_fd);
	int status = broker_kill(&sup->broker);
	/*
	 * It ends well only when init has gone. Which of the two ends is read first says nothing:
	 * both may wait for us.
	 */
	network.ended_early = is_over && (!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	/* It has closed its end of the events, so it was ending when it was killed here. */
	status = gateway_kill(&sup->gateway);
	network.gateway_ended_early = is_over && status != 0;
	sup->end->network = &network;
	if (network.failed && !sup->end->started) {
		sup->end->err = network.err;
		sup->failed = true;
	}
}
