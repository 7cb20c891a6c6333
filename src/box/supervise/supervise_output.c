/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's side of what the command writes, and of its terminal: see supervisor.h. */
#include <errno.h>
#include <poll.h>

#include "base/cleanup.h"
#include "box/supervise/relay.h"
#include "box/supervise/supervisor.h"
#include "box/supervise/tails.h"
#include "box/tty.h"

enum {
	POLL_RELAYS,
	POLL_TTY = POLL_RELAYS + 2 * RELAY_POLL_FDS,
};

_Static_assert(POLL_TTY + TTY_POLL_FDS == OUTPUT_POLL_FDS, "as many as the loop has room for");

/* Untouched, and so without memory, where nothing is relayed. */
static struct relay relays[2];
static struct tty terminal;
static struct tails tails; /* in use only when a tail of the output is kept */

static bool is_relayed(const struct supervisor *sup, int fd)
{
	return sup->plan->stdio[fd] == STDIO_RELAY && !(fd == 2 && sup->plan->shared_output);
}

/*
 * Each stream has an equal share of the limit, half of it for its head when both ends are
 * kept; what one does not use is in the budget, for whichever needs it. A terminal shows
 * what comes when it comes: its share is all head.
 */
static int prepare_tails(struct supervisor *sup)
{
	const struct plan *plan = sup->plan;
	unsigned relayed = is_relayed(sup, 1) + is_relayed(sup, 2);
	uint64_t share;
	int r;

	if (!sup->budget || !(plan->limits.keep & KEEP_TAIL) || !relayed)
		return 0;
	share = plan->limits.output / (relayed + (plan->stdio[0] == STDIO_TTY));
	sup->head_bytes = plan->limits.keep & KEEP_HEAD ? share / 2 : 0;
	r = tails_init(&tails, sup->budget, plan->limits.output, share - sup->head_bytes);
	return r < 0 ? err_set(&sup->end->err, E_SYSTEM, -r, "get memory for",
			       "the tail of the output")
		     : 0;
}

int supervisor_prepare_output(struct supervisor *sup)
{
	const struct plan *plan = sup->plan;

	if (plan->limits.output != LIMIT_NONE) {
		sup->budget_bytes = plan->limits.output;
		sup->budget = &sup->budget_bytes;
	}
	int r = prepare_tails(sup);
	if (r == 0 && plan->stdio[0] == STDIO_TTY)
		r = tty_init(&terminal, 0, &sup->end->err);
	return r;
}

void supervisor_start_output(struct supervisor *sup)
{
	sup->is_relaying = true;
	for (int fd = 1; fd <= 2; fd++) {
		if (is_relayed(sup, fd))
			relay_init(&relays[fd - 1], sup->box.output[fd], fd, sup->budget,
				   RELAY_OWN_SOURCE | RELAY_CLOSE_SOURCE);
		if (is_relayed(sup, fd) && tails.chunks)
			relay_keep(&relays[fd - 1], &tails, (unsigned)fd - 1, sup->head_bytes);
	}
}

/*** The terminal ***/

void supervisor_attach_terminal(struct supervisor *sup)
{
	struct record attached = { .phase = PH_ATTACHED, .size = sizeof attached };
	int master;
	int r = tty_receive_master(sup->box.socket_fd, &master, &sup->end->err);

	if (r == 0) {
		r = tty_start(&terminal, master, sup->budget, &sup->end->err);
		if (r < 0)
			close_keeping_errno(master);
	}
	if (r < 0) {
		sup->failed = true;
		supervisor_kill_box(sup);
		return;
	}
	sup->has_tty = true;
	if (tails.chunks)
		relay_keep(&terminal.output, &tails, NO_TAIL, UINT64_MAX);
	(void)phase_send(sup->box.socket_fd, &attached); /* init gone: its end is noticed anyway */
}

void supervisor_stop_terminal(struct supervisor *sup)
{
	if (sup->has_tty)
		tty_stop(&terminal);
}

void supervisor_continue_terminal(struct supervisor *sup)
{
	if (sup->has_tty)
		tty_continue(&terminal);
}

void supervisor_resize_terminal(struct supervisor *sup)
{
	if (sup->has_tty)
		tty_resize(&terminal);
}

void supervisor_close_terminal(struct supervisor *sup)
{
	if (sup->has_tty)
		tty_close(&terminal);
}

/*** While it runs ***/

int supervisor_poll_output(struct supervisor *sup, struct pollfd fds[OUTPUT_POLL_FDS])
{
	for (int i = 0; i < 2; i++) {
		if (is_relayed(sup, i + 1))
			relay_prepare(&relays[i], &fds[POLL_RELAYS + i * RELAY_POLL_FDS]);
	}
	return sup->has_tty ? tty_prepare(&terminal, &fds[POLL_TTY]) : -1;
}

bool supervisor_step_output(struct supervisor *sup, const struct pollfd fds[OUTPUT_POLL_FDS])
{
	bool over = false;

	for (int i = 0; i < 2; i++) {
		if (!is_relayed(sup, i + 1))
			continue;
		relay_step(&relays[i], &fds[POLL_RELAYS + i * RELAY_POLL_FDS]);
		over |= relays[i].over;
	}
	if (sup->has_tty) {
		tty_step(&terminal, &fds[POLL_TTY]);
		over |= terminal.output.over;
	}
	return over;
}

/*** When the box is gone ***/

void supervisor_end_output(struct supervisor *sup)
{
	for (int i = 0; i < 2; i++) {
		if (is_relayed(sup, i + 1))
			relay_finish(&relays[i]);
	}
	if (sup->has_tty)
		tty_finish(&terminal);
}

bool supervisor_output_done(const struct supervisor *sup)
{
	for (int i = 0; i < 2; i++) {
		if (is_relayed(sup, i + 1) && !relay_is_done(&relays[i]))
			return false;
	}
	return !sup->has_tty || tty_is_done(&terminal);
}

void supervisor_count_output(struct supervisor *sup)
{
	struct box_end *end = sup->end;

	end->output_counted = true;
	for (int fd = 1; fd <= 2; fd++) {
		if (sup->plan->stdio[fd] == STDIO_PASS)
			end->output_counted = false;
	}
	end->stdout_bytes = is_relayed(sup, 1) ? relays[0].passed_bytes : 0;
	end->stderr_bytes = is_relayed(sup, 2) ? relays[1].passed_bytes : 0;
	if (sup->has_tty)
		end->stdout_bytes += terminal.output.passed_bytes;
	if (is_relayed(sup, 1))
		end->stdout_cut = relay_cut(&relays[0]);
	if (is_relayed(sup, 2))
		end->stderr_cut = relay_cut(&relays[1]);
	if (sup->has_tty) {
		struct cut cut = relay_cut(&terminal.output);

		if (!end->stdout_cut.bytes)
			end->stdout_cut.at = cut.at;
		end->stdout_cut.bytes += cut.bytes;
	}
	end->output_errnum =
		relay_lost(&relays[0]) ? relay_lost(&relays[0]) : relay_lost(&relays[1]);
	end->truncated = relays[0].over || relays[1].over || terminal.output.over ||
			 end->output_errnum || end->stdout_cut.bytes || end->stderr_cut.bytes;
}

void supervisor_close_output(struct supervisor *sup)
{
	for (int i = 0; sup->is_relaying && i < 2; i++) {
		if (is_relayed(sup, i + 1))
			relay_close(&relays[i]);
	}
	tails_close(&tails);
}
