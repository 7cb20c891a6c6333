/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call, for the parts that it passes through: calls.c has them all, request.c takes what is
 * asked, running.c what runs, call.c what goes back.
 */
#ifndef AISBX_BINDINGS_CALL_H
#define AISBX_BINDINGS_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bindings/checker.h"
#include "bindings/keeper.h"
#include "bindings/records.h"
#include "bindings/wire.h"
#include "broker/loop.h"
#include "policy/bindings.h"

enum {
	CALL_BUFFER_BYTES = 64 * 1024,
};

enum call_state {
	STATE_ASKING,	/* its request arrives */
	STATE_DRAINING, /* it is refused; what a plain client still sends goes nowhere */
	STATE_QUEUED,	/* other commands run */
	STATE_CHECKING, /* its request is checked */
	STATE_RUNNING,
	STATE_ENDING, /* the rest of its answer goes out */
	STATE_DEAD,   /* the connection is gone, the keeper not yet */
};

struct call {
	struct call *next; /* in the order in which they came */
	const struct plan_binding *binding;
	struct call_record record;
	enum call_state state;
	bool is_framed;
	bool is_decided; /* record.end is final */
	struct watch socket;
	struct watch outputs[2]; /* stdout and stderr of what runs */
	struct watch control;	 /* of the keeper */
	struct keeper keeper;
	struct timer timer;
	int64_t begin_ms;
	int input_fd;
	struct wire_request request;
	bool has_args; /* the request's arguments are whole */
	char why[CHECK_WHY_BYTES + 64];
	size_t buffer_at, buffer_len;
	uint8_t buffer[CALL_BUFFER_BYTES];
};

/*
 * Functions marked "may release" may end in calls_release(): call is gone when they return, and
 * so are they the last that is done with it.
 */

/*** calls.c ***/

void calls_release(struct call *call);
bool calls_has_keeper(pid_t pid);
/* The first that waits for its turn, or NULL. */
struct call *calls_first_queued(void);

/*** call.c ***/

/* How it ended: the first time decides. */
void call_decide(struct call *call, enum call_end end);
bool call_is_refused(const struct call *call);
/* Lets go of a descriptor. */
void call_drop(struct watch *watch);
/* After binding.timeout, if there is one. */
void call_set_timer(struct call *call, void (*due)(struct timer *timer));
/* The connection is over, in one way or another. May release. */
void call_hang_up(struct call *call);
/* Sends what is in the buffer, as far as it goes. False when call is gone. */
bool call_flush(struct call *call);
/* A box that does not take its answer is hung up on. For timers. */
void call_answer_late(struct timer *timer);
/* Nothing more comes from what ran: the end of the answer. May release. */
void call_end_answer(struct call *call);
/* May release. */
void call_refuse(struct call *call, enum call_end end);

/*** request.c ***/

/* Reads what the box sends. May release. */
void call_hear(struct call *call);
/* The request has not come in time. For timers. */
void call_ask_late(struct timer *timer);

/*** running.c ***/

/* bindings stay where they are. */
void running_init(const struct plan_bindings *bindings, uint64_t open_files);
/* A command has ended, or a call that waited for one: soon, the next one starts. */
void running_make_room(void);
/* A keeper that does not end is left alone. */
void running_give_up(struct call *call);
/* The request is whole: checks it and runs the command, when it is its turn. May release. */
void running_queue(struct call *call);
/* Goes on to the next state, where there is one. May release. */
void call_advance(struct call *call);
/* Moves what can be moved of what a command writes. May release. */
void call_pump(struct call *call);

#endif
