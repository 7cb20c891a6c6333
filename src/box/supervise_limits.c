/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The limits that hold for a whole box: see supervisor.h and meter.h. */
#include <errno.h>

#include "base/fds.h"
#include "box/meter.h"
#include "box/supervisor.h"

/* Its tables are untouched, and so without memory, in runs that end before the first look. */
static struct meter meter = METER_NONE;

static bool has_limit(const struct limits *limits)
{
	return limits->memory != LIMIT_NONE || limits->cpu_ms != LIMIT_NONE;
}

void supervisor_watch_limits(struct supervisor *sup)
{
	const struct limits *limits = &sup->plan->limits;

	sup->end->limits_backend = LIMITS_RLIMIT;
	if (sup->ending.degraded & 1U << WALL_PROC)
		return;
	sup->end->limits_backend = LIMITS_SUPERVISOR;
	if (!has_limit(limits))
		return;
	meter.memory_limit = limits->memory;
	meter.cpu_limit_us = limits->cpu_ms == LIMIT_NONE ? LIMIT_NONE : limits->cpu_ms * 1000;
	(void)usage_shmem_growth(&meter.reader);
	sup->meter_at_ms = supervisor_now_ms() + meter_first_ms(&meter);
}

void supervisor_request_meter(struct supervisor *sup)
{
	struct record record = { .phase = PH_METER, .size = sizeof record };

	sup->meter_at_ms = NEVER;
	(void)phase_send(sup->box.socket_fd, &record); /* init gone: its end is noticed anyway */
}

int supervisor_start_meter(struct supervisor *sup)
{
	int fds[USAGE__N];
	int r = fds_receive(sup->box.socket_fd, fds, USAGE__N);

	if (r == 0 && meter.verdict_fd >= 0)
		r = -EPROTO; /* nobody asked for a second one */
	return r < 0 ? r : meter_start(&meter, fds);
}

int supervisor_limits_fd(void)
{
	return meter.verdict_fd;
}

enum reason supervisor_read_limits(void)
{
	switch (meter_verdict(&meter)) {
	case METER_MEMORY:
		return REASON_MEMORY;
	case METER_CPU:
		return REASON_CPU;
	case METER_FINE:
	case METER_BLIND:
		break;
	}
	return REASON_NONE;
}

void supervisor_finish_limits(struct supervisor *sup)
{
	struct box_end *end = sup->end;

	meter_stop(&meter);
	if (meter.peak_memory > end->peak_memory_bytes)
		end->peak_memory_bytes = meter.peak_memory;
	if (meter.cpu_us / 1000 > end->cpu_ms)
		end->cpu_ms = meter.cpu_us / 1000;
	end->peak_processes = meter.peak_tasks;
}
