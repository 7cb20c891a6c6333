/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the supervisor share: supervise.c is its loop. */
#ifndef AISBX_BOX_SUPERVISOR_H
#define AISBX_BOX_SUPERVISOR_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "bindings/server.h"
#include "box/box.h"
#include "box/gateway.h"
#include "box/launch.h"
#include "box/phase.h"
#include "box/supervise/relay.h"
#include "box/tty.h"
#include "broker/broker.h"

/* Why the supervisor ends the box. */
enum reason {
	REASON_NONE,
	REASON_WALL,
	REASON_OUTPUT,
	REASON_MEMORY,
	REASON_CPU,
	REASON_DISK,
	REASON_CALLER,
	REASON_UNWATCHED,
};

#define NEVER INT64_MAX

struct supervisor {
	const struct plan *plan;
	const struct observer *observer; /* NULL: none */
	struct launched box;
	struct broker broker;
	struct bindings_server bindings;
	struct gateway gateway;
	struct box_end *end;
	int signal_fd;
	enum reason reason;
	int64_t begin_ms;
	int64_t wall_at_ms; /* deadlines, CLOCK_MONOTONIC */
	int64_t kill_at_ms;
	bool is_killing;	/* init was told to kill all others */
	int64_t grace_until_ms; /* once there is a reason */
	int64_t meter_at_ms;	/* when limits are looked at */
	bool is_metering;	/* init was asked for what it takes */
	/* Bit n: signal n came before the command ran, for whom the index says. */
	uint64_t waiting_signals[SIGNAL_GROUP + 1];
	bool closed; /* init's end of the socket is gone */
	bool ended;  /* init said PH_EXITED */
	bool failed; /* init said PH_FAILED */
	bool reaped;
	bool init_exited; /* was not killed */
	struct ending ending;
	struct rusage usage;   /* of init and all it reaped */
	uint64_t budget_bytes; /* what is left of limits.output */
	uint64_t *budget;
	uint64_t head_bytes; /* of each stream, when tails are kept */
	bool has_tty;
	bool is_relaying; /* the relays have their descriptors */
};

/* CLOCK_MONOTONIC. */
int64_t supervisor_now_ms(void);
void supervisor_kill_box(struct supervisor *sup);
/* The observer can take no more. */
void supervisor_end_unwatched(struct supervisor *sup);
/* Fails closed: what cannot be supervised does not run on. */
void supervisor_give_up(struct supervisor *sup, int error, const char *op, const char *subject);
/* Into the log, and to the observer. */
void supervisor_add_refusal(struct supervisor *sup, const struct refusal *refusal);
/* What the audit log has had already, for the result. */
void supervisor_note_refusal(const struct refusal *refusal);
void supervisor_send_signal(struct supervisor *sup, int signal, enum signal_to to);

/*** supervise_output.c ***/

enum {
	OUTPUT_POLL_FDS = 2 * RELAY_POLL_FDS + TTY_POLL_FDS,
};

/* Before launch(): what has to be had for the plan's output and terminal. 0 or -errno. */
int supervisor_prepare_output(struct supervisor *sup);
void supervisor_start_output(struct supervisor *sup);
/* After PH_TERMINAL; what fails ends the box. */
void supervisor_attach_terminal(struct supervisor *sup);
/* Nothing without a terminal. The last puts the caller's back as it was. */
void supervisor_stop_terminal(struct supervisor *sup);
void supervisor_continue_terminal(struct supervisor *sup);
void supervisor_resize_terminal(struct supervisor *sup);
void supervisor_close_terminal(struct supervisor *sup);
/* Milliseconds that poll(2) may take, -1 for any. */
int supervisor_poll_output(struct supervisor *sup, struct pollfd fds[OUTPUT_POLL_FDS]);
/* Whether there was more than limits.output lets through. */
bool supervisor_step_output(struct supervisor *sup, const struct pollfd fds[OUTPUT_POLL_FDS]);
/* The box is gone: what is left goes out, until it is done. */
void supervisor_end_output(struct supervisor *sup);
bool supervisor_output_done(const struct supervisor *sup);
void supervisor_count_output(struct supervisor *sup);
void supervisor_close_output(struct supervisor *sup);

/*** supervise_broker.c ***/

/*
 * Before and after launch(), see broker.h; nothing where the plan needs none. 0 or -errno:
 * what was prepared until then is the caller's to end.
 */
int supervisor_prepare_broker(struct supervisor *sup, struct arena *arena);
int supervisor_start_broker(struct supervisor *sup, struct arena *arena);
/* False when there is no more to read. A broker that died takes the network away, not the run. */
bool supervisor_read_event(struct supervisor *sup);
/* The box is gone, so the broker ends by itself; one that does not is ended. */
void supervisor_finish_broker(struct supervisor *sup);

/*** supervise_bindings.c ***/

/* As those of the broker. */
int supervisor_prepare_bindings(struct supervisor *sup);
int supervisor_start_bindings(struct supervisor *sup);
bool supervisor_read_call(struct supervisor *sup);
void supervisor_finish_bindings(struct supervisor *sup);

/*** supervise_limits.c ***/

/* When the box is launched: what holds its limits. */
void supervisor_choose_limits(struct supervisor *sup);
/* When the command runs: the limits that are held for the whole box are from now on. */
void supervisor_watch_limits(struct supervisor *sup);
/* At meter_at_ms: looks, or asks init for what it takes to look. */
void supervisor_look_at_limits(struct supervisor *sup);
/* After PH_METERED. */
void supervisor_start_meter(struct supervisor *sup, pid_t command);
/* Before a box ends in which so many run that their end takes the processors. */
void supervisor_give_way(void);
/* Readable when a limit is reached, or -1; then supervisor_read_limits() ends the box. */
int supervisor_limits_fd(void);
void supervisor_read_limits(struct supervisor *sup);
/* When nothing of the box is left: fills the figures in. */
void supervisor_finish_limits(struct supervisor *sup);

/*** conclude.c ***/

/* How the run ended, from what init, the clock and the broker said. */
void supervisor_classify(struct supervisor *sup);

#endif
