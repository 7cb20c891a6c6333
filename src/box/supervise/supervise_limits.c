/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The limits that hold for a whole box: see supervisor.h and meter.h. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/fds.h"
#include "box/limits/meter.h"
#include "box/supervise/supervisor.h"

/* Its tables are untouched, and so without memory, in runs that end before the first look. */
static struct meter meter = METER_NONE;

static bool has_limit(void)
{
	return meter.memory_limit != LIMIT_NONE || meter.cpu_limit_us != LIMIT_NONE ||
	       meter.disk_limit != LIMIT_NONE;
}

/* Of now: once the box was told by SIGXCPU, it has a little more to end by itself. */
static uint64_t cpu_limit_us(const struct supervisor *sup)
{
	uint64_t limit_ms = sup->plan->limits.cpu_ms;

	if (limit_ms == LIMIT_NONE)
		return LIMIT_NONE;
	return limit_ms * 1000 +
	       (sup->reason == REASON_CPU ? meter_cpu_grace_us(limit_ms * 1000) : 0);
}

/* A cgroup holds the memory; its processor time is looked at when it could be used up. */
static int64_t next_look_ms(const struct supervisor *sup)
{
	enum {
		LEAST_MS = 1
	};
	uint64_t limit_us = cpu_limit_us(sup);

	if (limit_us == LIMIT_NONE)
		return NEVER;
	uint64_t used_us = cgroup_cpu_us(&sup->box.cgroup);
	uint64_t left_ms = used_us < limit_us ? (limit_us - used_us) / 1000 : 0;
	left_ms /= processors_usable();
	return supervisor_now_ms() + (left_ms > LEAST_MS ? (int64_t)left_ms : LEAST_MS);
}

static bool has_used_cpu(const struct supervisor *sup)
{
	uint64_t limit_us = cpu_limit_us(sup);

	return limit_us != LIMIT_NONE && cgroup_cpu_us(&sup->box.cgroup) >= limit_us;
}

void supervisor_choose_limits(struct supervisor *sup)
{
	const struct cgroup *cgroup = &sup->box.cgroup;

	sup->end->limits_backend = cgroup->fd < 0     ? LIMITS_SUPERVISOR
				   : cgroup->in_scope ? LIMITS_SYSTEMD
						      : LIMITS_CGROUP;
	sup->end->cpus_in_cgroup = cgroup->holds_cpus;
	sup->end->processes_in_cgroup = cgroup->holds_processes;
	sup->meter_at_ms = NEVER;
}

static bool holds_disk(const struct supervisor *sup)
{
	return sup->plan->limits.disk != LIMIT_NONE &&
	       !((sup->box.degraded | sup->ending.degraded) & 1U << WALL_DISK);
}

/* What no cgroup holds. */
static void set_meter(const struct supervisor *sup)
{
	const struct limits *limits = &sup->plan->limits;
	bool has_cpu = limits->cpu_ms != LIMIT_NONE;

	meter.has_cgroup = sup->box.cgroup.fd >= 0;
	meter.memory_limit = meter.has_cgroup ? LIMIT_NONE : limits->memory;
	meter.cpu_limit_us = meter.has_cgroup || !has_cpu ? LIMIT_NONE : limits->cpu_ms * 1000;
	meter.socket_fd = sup->box.socket_fd;
	meter.disk_limit = holds_disk(sup) ? limits->disk : LIMIT_NONE;
	meter.reader.reaped_blocks = holds_disk(sup) ? sup->box.reaped_blocks : NULL;
}

void supervisor_watch_limits(struct supervisor *sup)
{
	bool in_cgroup = sup->box.cgroup.fd >= 0;

	if (in_cgroup)
		sup->meter_at_ms = next_look_ms(sup);
	if (!in_cgroup && sup->ending.degraded & 1U << WALL_PROC)
		sup->end->limits_backend = LIMITS_RLIMIT;
	set_meter(sup);
	if (sup->ending.degraded & 1U << WALL_PROC || !has_limit())
		return;
	meter_reset(&meter);
	if (!in_cgroup)
		(void)usage_shmem_growth(&meter.reader);
	int64_t at = supervisor_now_ms() + meter_first_ms(&meter);
	sup->meter_at_ms = at < sup->meter_at_ms ? at : sup->meter_at_ms;
}

/* Memory is not given back by who is asked to: the box ends at once. */
static void end_at(struct supervisor *sup, enum reason reason)
{
	enum {
		CPU_GRACE_MS = 50 /* from SIGXCPU to SIGKILL, at the most */
	};

	/* The command may be gone by the meter's own kill. */
	bool was_killed = WIFSIGNALED(sup->ending.wait_status) &&
			  WTERMSIG(sup->ending.wait_status) == SIGKILL;
	if (sup->ended && !was_killed)
		return;
	if (sup->reason != REASON_NONE) {
		if (!sup->is_killing) /* what is to end by itself may not pass a limit meanwhile */
			supervisor_kill_box(sup);
		return;
	}
	sup->reason = reason;
	sup->grace_until_ms = supervisor_now_ms() + (int64_t)sup->plan->limits.grace_ms;
	if (reason == REASON_CPU) {
		supervisor_send_signal(sup, SIGXCPU, SIGNAL_EVERYONE);
		sup->kill_at_ms = supervisor_now_ms() + CPU_GRACE_MS;
	} else {
		supervisor_kill_box(sup);
	}
}

void supervisor_look_at_limits(struct supervisor *sup)
{
	struct record record = { .phase = PH_METER, .size = sizeof record };

	sup->meter_at_ms = NEVER;
	if (!sup->is_metering && has_limit()) {
		sup->is_metering = true;
		(void)phase_send(sup->box.socket_fd, &record); /* init gone: its end is noticed */
	}
	if (sup->box.cgroup.fd < 0)
		return;
	bool is_over = has_used_cpu(sup), is_first = sup->reason == REASON_NONE;
	if (is_over)
		end_at(sup, REASON_CPU);
	if (!is_over || is_first)
		sup->meter_at_ms = next_look_ms(sup);
}

void supervisor_start_meter(struct supervisor *sup, pid_t command)
{
	int fds[USAGE__N];
	int r = fds_receive(sup->box.socket_fd, fds, USAGE__N);

	if (r == 0 && meter.verdict_fd >= 0)
		r = -EPROTO; /* nobody asked for a second one */
	if (r == 0)
		r = meter_start(&meter, command, fds);
	if (r < 0) {
		sup->end->is_unseen = sup->reason == REASON_NONE;
		supervisor_give_up(sup, -r, "measure", "the box");
	}
}

void supervisor_give_way(void)
{
	meter_give_way(&meter);
}

int supervisor_limits_fd(void)
{
	return meter.verdict_fd;
}

void supervisor_read_limits(struct supervisor *sup)
{
	switch (meter_verdict(&meter)) {
	case METER_MEMORY:
		end_at(sup, REASON_MEMORY);
		break;
	case METER_CPU:
		end_at(sup, REASON_CPU);
		break;
	case METER_DISK:
		end_at(sup, REASON_DISK);
		break;
	case METER_BLIND:
		if (sup->ended || sup->closed)
			break; /* there is no box to see any more */
		sup->end->is_unseen = sup->reason == REASON_NONE;
		supervisor_give_up(sup, ESRCH, "measure", "the box");
		break;
	case METER_FINE:
		break;
	}
}

/* The kernel takes the rest away with an init that is killed, and does not count it. */
static void fill_disk(struct supervisor *sup)
{
	uint64_t bytes = (uint64_t)sup->usage.ru_oublock * 512;

	sup->end->disk_counted = sup->end->started && sup->init_exited && holds_disk(sup);
	if (sup->is_metering && meter.disk_bytes > bytes)
		bytes = meter.disk_bytes;
	sup->end->disk_bytes = bytes;
	/* Written since the last look, or where no look sees it. */
	if (sup->end->disk_counted && bytes > sup->plan->limits.disk && sup->reason == REASON_NONE)
		sup->reason = REASON_DISK;
}

static void fill_figures(struct box_end *end, uint64_t memory, uint64_t cpu_us, uint64_t tasks)
{
	if (memory > end->peak_memory_bytes)
		end->peak_memory_bytes = memory;
	if (cpu_us / 1000 > end->cpu_ms)
		end->cpu_ms = cpu_us / 1000;
	if (tasks > end->peak_processes)
		end->peak_processes = tasks;
}

/* An rlimit does not count what it refuses: it is only known that there were as many as may be. */
static void find_met(struct supervisor *sup)
{
	uint64_t limit = sup->plan->limits.processes;
	struct box_end *end = sup->end;
	struct rlimit own;

	if (sup->box.cgroup.holds_processes) {
		end->refused_processes = cgroup_refused_tasks(&sup->box.cgroup, limit);
		end->met_processes = end->refused_processes > 0;
		return;
	}
	/* init is one of them. */
	if (getrlimit(RLIMIT_NPROC, &own) == 0 && own.rlim_max <= limit)
		limit = own.rlim_max - 1;
	end->met_processes = end->peak_processes >= limit;
}

void supervisor_finish_limits(struct supervisor *sup)
{
	struct cgroup *cgroup = &sup->box.cgroup;

	if (sup->reaped) /* else it may wait for the same as they do: what it has seen counts */
		meter_stop(&meter);
	else
		meter_leave(&meter);
	fill_disk(sup);
	if (cgroup->fd < 0) {
		fill_figures(sup->end, meter.peak_memory, meter.cpu_us, meter.peak_tasks);
		find_met(sup);
		return;
	}
	fill_figures(sup->end, cgroup_peak_memory(cgroup), cgroup_cpu_us(cgroup),
		     cgroup_peak_tasks(cgroup));
	find_met(sup);
	/* The kernel killed init with the others, so init could not say how the command ended. */
	if (!sup->ended && sup->reason == REASON_NONE && cgroup_was_full(cgroup))
		sup->reason = REASON_MEMORY;
	if (sup->reaped) /* else the guard waits for them */
		cgroup_remove(cgroup);
}
