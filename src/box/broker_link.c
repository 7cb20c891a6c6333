/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's side of the broker: see broker_link.h. */
#include "box/broker_link.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	BROKER_END_MS = 2000, /* for the broker's last sums */
};

int broker_link_start(struct broker_link *link, const struct plan *plan, struct arena *arena,
		      struct box_end *end)
{
	const struct observer *observer = link->observer;
	uint16_t *ports;

	if (!plan_needs_broker(plan))
		return 0;
	ports = arena_alloc(arena, (plan->network.publish_len + 1) * sizeof *ports);
	int r = broker_start(plan, arena, observer && observer->each_event, ports, &link->broker,
			     &end->err);
	if (r < 0)
		return r;
	end->ports = ports;
	if (observer && plan->network.publish_len)
		observer->published(observer->context, ports);
	return 0;
}

bool broker_link_read(struct broker_link *link, bool box_is_over)
{
	struct broker_event event;
	int r = event_receive(link->broker.events_fd, &event);

	if (r == -EAGAIN || r == -EINTR)
		return false;
	if (r <= 0) {
		/* A broker that died takes the network away, not the run. */
		link->log->ended_early = !box_is_over;
		(void)close(link->broker.events_fd);
		link->broker.events_fd = -1;
		return false;
	}
	network_log_add(link->log, &event);
	if (!link->log->failed && link->observer)
		link->observer->event(link->observer->context, &event);
	return true;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void broker_link_finish(struct broker_link *link, struct box_end *end)
{
	struct pollfd events = { .fd = link->broker.events_fd, .events = POLLIN };
	int64_t until_ms = now_ms() + BROKER_END_MS;
	int64_t left_ms = BROKER_END_MS;

	if (link->broker.pid < 0)
		return;
	while (link->broker.events_fd >= 0 && left_ms > 0) {
		if (poll(&events, 1, (int)left_ms) < 0 && errno != EINTR)
			break;
		while (broker_link_read(link, true))
			;
		left_ms = until_ms - now_ms();
	}
	bool is_over = link->broker.events_fd < 0;
	if (!is_over)
		(void)close(link->broker.events_fd);
	int status = broker_kill(&link->broker);
	/* Killed, and not by us, though the end of the box may have been noticed first. */
	if (is_over && WIFSIGNALED(status))
		link->log->ended_early = true;
	end->network = link->log;
}
