/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run of a plan: the only door to src/box for the rest of aisbx. */
#ifndef AISBX_BOX_BOX_H
#define AISBX_BOX_BOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "box/bindings_log.h"
#include "box/network_log.h"
#include "box/refusals/missing.h"
#include "box/refusals/observe.h"
#include "box/refusals/refusal_log.h"
#include "box/supervise/relay.h"
#include "policy/plan.h"

enum outcome {
	OUTCOME_EXITED,
	OUTCOME_SIGNALED,
	OUTCOME_WALL_LIMIT,
	OUTCOME_CPU_LIMIT,
	OUTCOME_MEMORY_LIMIT,
	OUTCOME_OUTPUT_LIMIT,
	OUTCOME_DISK_LIMIT,
	OUTCOME_INPUT_REJECTED,
	OUTCOME_SETUP_FAILED,
	OUTCOME__N
};

/* As written in results. */
extern const char *const outcome_names[OUTCOME__N];

/* What holds limits.memory and limits.cpu, best first. */
enum limits_backend {
	LIMITS_CGROUP,	   /* the kernel, for the whole box */
	LIMITS_SYSTEMD,	   /* the same, in a scope that systemd made */
	LIMITS_SUPERVISOR, /* looking, for the whole box */
	LIMITS_RLIMIT,	   /* the kernel, for each process: a box without /proc */
};

struct box_end {
	enum outcome outcome;
	int exit_code;	  /* EXITED: the command's; else -1 */
	int signal;	  /* that ended the command; 0: none */
	struct err err;	  /* SETUP_FAILED, INPUT_REJECTED */
	bool started;	  /* the command was executed */
	uint64_t wall_ms; /* from box_run() to the end of the box */
	uint64_t cpu_ms;
	uint64_t peak_memory_bytes; /* of the box, or of its largest process; 0: not known */
	uint64_t peak_processes;    /* and threads */
	bool met_processes;	    /* limits.processes was reached */
	uint64_t refused_processes; /* how many more were wanted; 0: not known */
	bool disk_counted;	    /* disk_bytes is known */
	uint64_t disk_bytes;	    /* written to grants */
	enum limits_backend limits_backend;
	bool cpus_in_cgroup;	  /* what holds limits.cpus; else an affinity */
	bool processes_in_cgroup; /* the same of limits.processes; else an rlimit */
	bool output_counted;	  /* stdout_bytes and stderr_bytes are known */
	uint64_t stdout_bytes;
	uint64_t stderr_bytes;
	struct cut stdout_cut; /* what of them was not passed on */
	struct cut stderr_cut;
	bool truncated;
	bool is_unseen;	   /* ended because what it uses could not be looked at */
	bool is_stuck;	   /* killed, and not gone yet: what they wait for is the host's */
	int output_errnum; /* why standard output or error took no more, 0: it did, or was closed */
	int landlock_abi;
	bool tells_calls;		     /* refused system calls are told; else refused only */
	unsigned degraded;		     /* bit n: enum wall n was not built */
	const struct refusal_log *refusals;  /* NULL: nothing ran. For ever, as the next */
	const struct missing *missing;	     /* NULL: a run without audit.explain_missing */
	const struct network_log *network;   /* NULL: a run without a broker */
	const struct bindings_log *bindings; /* NULL: a run without bindings */
	const uint16_t *ports; /* of the host, as many as the plan publishes; in the plan's arena */
};

/* Who wants to know what happens while it happens. Each function may be NULL. */
struct observer {
	void *context;
	bool each_event;	   /* single connections, questions and calls too */
	const struct trace *trace; /* of an observed plan; NULL: none */
	/* -errno of these ends the run: with reterr as its error before it is one. */
	int (*published)(void *context, const uint16_t *ports, struct err *reterr);
	int (*event)(void *context, const struct broker_event *event);
	int (*call)(void *context, const struct call_record *record);
	/* count more than told before */
	int (*refused)(void *context, const struct refusal *refusal);
};

/*
 * Builds the box, runs the command, waits until nothing of the box is left.
 * arena is what plan lives in; init drops it. stdin_fd is what the command
 * reads instead of the caller's stdin, or -1. observer may be NULL. Always fills *ret_end.
 */
void box_run(const struct plan *plan, struct arena *arena, int stdin_fd,
	     const struct observer *observer, struct box_end *ret_end);

/* Exit status of aisbx for this end: DESIGN section 3. */
int box_exit_status(const struct box_end *end);

#endif
