/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor: the aisbx process outside.
 *
 * Theory of operation: one poll(2) loop over the handshake socket, the
 * caller's signals, the relays and the terminal, with the box's deadlines as
 * its time-out. It never blocks on anything the caller or the payload
 * controls, so the clock always runs. It enters no namespace of the box and
 * reads no memory or path of the payload's; records from init are checked
 * (phase_check), for after PH_STARTED init shares a kernel with hostile code.
 * The end of the box is the end of init, which this process waits for: when
 * box_run() returns, no process of the box exists.
 */
#include "box/box.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/program.h"
#include "box/launch.h"
#include "box/phase.h"
#include "box/refusals/missing.h"
#include "box/remedies.h"
#include "box/supervise/relay.h"
#include "box/supervise/supervisor.h"
#include "box/timing.h"
#include "box/tty.h"

enum {
	POLL_SOCKET,
	POLL_SIGNALS,
	POLL_BROKER,
	POLL_BINDINGS,
	POLL_LIMITS,
	POLL_OUTPUT,
	POLL__N = POLL_OUTPUT + OUTPUT_POLL_FDS,
};

enum {
	/* From SIGKILL to the end of all, before it is not waited for: past the wall limit the
	 * caller counts on the time, else on nothing being left. */
	END_WALL_MS = 50,
	END_MS = 2000,
	COUNT_WALL_MS = 25, /* for init to wait for what it killed */
	COUNT_MS = 500,
	DRAIN_MS = 20, /* for output at the least, when the time for it is over */
};

int64_t supervisor_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*** Ending the box ***/

void supervisor_kill_box(struct supervisor *sup)
{
	supervisor_give_way();
	/* Where what is written is counted, init first kills the others and waits for them. */
	if (sup->box.reaped_blocks && sup->end->started && !sup->is_killing) {
		sup->is_killing = true;
		supervisor_send_signal(sup, SIGKILL, SIGNAL_EVERYONE);
		sup->kill_at_ms = supervisor_now_ms() +
				  (sup->reason == REASON_WALL ? COUNT_WALL_MS : COUNT_MS);
		return;
	}
	if (!sup->reaped)
		(void)kill(sup->box.init_pid, SIGKILL); /* our child, not reaped: cannot miss */
	cgroup_let_end(&sup->box.cgroup);
	sup->kill_at_ms = NEVER;
}

void supervisor_give_up(struct supervisor *sup, int error, const char *op, const char *subject)
{
	if (!sup->end->started && !sup->failed) {
		(void)err_set(&sup->end->err, E_SYSTEM, error, op, subject);
		sup->failed = true;
	}
	supervisor_kill_box(sup);
}

void supervisor_send_signal(struct supervisor *sup, int signal, enum signal_to to)
{
	struct record record = { .phase = PH_SIGNAL, .size = sizeof record };

	record.signal.signal = signal;
	record.signal.to = to;
	(void)phase_send(sup->box.socket_fd, &record); /* init gone: its end is noticed anyway */
}

/* Before the command runs init listens to nothing: what comes then waits for PH_STARTED. */
static void pass_signal(struct supervisor *sup, int signal, enum signal_to to)
{
	if (sup->end->started)
		supervisor_send_signal(sup, signal, to);
	else
		sup->waiting_signals[to] |= 1ULL << signal;
}

static void pass_waiting_signals(struct supervisor *sup)
{
	for (int to = 0; to <= SIGNAL_GROUP; to++) {
		for (int signal = 1; signal < 64; signal++) {
			if (sup->waiting_signals[to] & (1ULL << signal))
				supervisor_send_signal(sup, signal, (enum signal_to)to);
		}
		sup->waiting_signals[to] = 0;
	}
}

/*
 * Stops or continues the box. Until its terminal is attached init waits for
 * nothing but that, and there is no command yet.
 */
static void signal_everyone(struct supervisor *sup, int signal)
{
	if (sup->plan->stdio[0] != STDIO_TTY || sup->has_tty)
		supervisor_send_signal(sup, signal, SIGNAL_EVERYONE);
}

/* SIGTERM or what the caller sent, then SIGKILL after the grace period. */
static void end_box(struct supervisor *sup, enum reason reason, int signal, enum signal_to to)
{
	int64_t kill_at = supervisor_now_ms() + (int64_t)sup->plan->limits.grace_ms;

	if (sup->reason == REASON_NONE) {
		sup->reason = reason;
		sup->grace_until_ms = kill_at;
	}
	supervisor_give_way();
	pass_signal(sup, signal, to);
	if (kill_at < sup->kill_at_ms)
		sup->kill_at_ms = kill_at;
}

void supervisor_end_unwatched(struct supervisor *sup)
{
	if (sup->reason == REASON_NONE) {
		sup->reason = REASON_UNWATCHED;
		sup->grace_until_ms = supervisor_now_ms();
	}
	supervisor_kill_box(sup);
}

/*** Refusals ***/

/* Untouched, and so without memory, in runs that are refused nothing. */
static struct refusal_log refusals;

void supervisor_note_refusal(const struct refusal *refusal)
{
	refusal_log_add(&refusals, refusal);
}

void supervisor_add_refusal(struct supervisor *sup, const struct refusal *refusal)
{
	supervisor_note_refusal(refusal);
	if (sup->observer && sup->observer->refused &&
	    sup->observer->refused(sup->observer->context, refusal) < 0)
		supervisor_end_unwatched(sup);
}

static void add_refused_call(struct supervisor *sup, const struct refused_call *call)
{
	struct refusal refusal;

	refused_call_describe(call, sup->plan, &refusal);
	supervisor_add_refusal(sup, &refusal);
}

/*** Signals ***/

static void stop_with_caller(struct supervisor *sup)
{
	signal_everyone(sup, SIGSTOP);
	supervisor_stop_terminal(sup);
	(void)raise(SIGSTOP);
}

static void handle_signal(struct supervisor *sup, const struct signalfd_siginfo *info)
{
	int signal = (int)info->ssi_signo;
	/* What is typed goes to everybody in front of the terminal, and the box stands for its own. */
	enum signal_to to = info->ssi_code == SI_KERNEL ? SIGNAL_GROUP : SIGNAL_COMMAND;

	switch (signal) {
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
		end_box(sup, REASON_CALLER, signal, to);
		break;
	case SIGTSTP:
		stop_with_caller(sup);
		break;
	case SIGCONT:
		supervisor_continue_terminal(sup);
		signal_everyone(sup, SIGCONT);
		break;
	case SIGWINCH:
		supervisor_resize_terminal(sup);
		break;
	case SIGCHLD:
		break; /* only to wake poll: reap() looks */
	default:
		pass_signal(sup, signal, to);
	}
}

static void read_signals(struct supervisor *sup)
{
	struct signalfd_siginfo info;

	while (read(sup->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		handle_signal(sup, &info);
}

/* What the caller ignores (nohup, background jobs of sh) stays ignored. */
static int open_signals(struct err *reterr)
{
	static const int wanted[] = { SIGINT,  SIGTERM, SIGHUP,	 SIGQUIT,  SIGUSR1,
				      SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH, SIGCHLD };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		struct sigaction action;

		if (sigaction(wanted[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN &&
		    wanted[i] != SIGCHLD)
			continue;
		(void)sigaddset(&set, wanted[i]);
	}
	/* An inherited SIG_IGN for SIGCHLD would reap init behind our back. */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGXFSZ, &ignore, NULL); /* a result that is too large is an error */
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_set(reterr, E_SYSTEM, errno, "block", "signals");
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_set(reterr, E_SYSTEM, errno, "open", "a signal descriptor") : fd;
}

/*** Records from init ***/

static void read_record(struct supervisor *sup)
{
	struct record record;
	int r = phase_receive(sup->box.socket_fd, TO_SUPERVISOR, &record);

	if (r == 0) {
		sup->closed = true;
		return;
	}
	if (r < 0 && r != -EPROTO) {
		supervisor_give_up(sup, -r, "hear from", "the box");
		sup->closed = true;
		return;
	}
	if (r < 0 || sup->ended || sup->failed) {
		supervisor_kill_box(sup); /* init speaks out of turn: it is not itself any more */
		return;
	}
	switch ((enum phase)record.phase) {
	case PH_TERMINAL:
		supervisor_attach_terminal(sup);
		break;
	case PH_STARTED:
		launch_forget_start(&sup->box);
		sup->end->started = true;
		sup->ending = record.ending;
		pass_waiting_signals(sup);
		supervisor_watch_limits(sup);
		program_release_pages(); /* from here on it waits */
		break;
	case PH_METERED:
		supervisor_start_meter(sup, record.metered.command);
		break;
	case PH_REFUSED:
		add_refused_call(sup, &record.refused);
		break;
	case PH_MISSED:
		missing_add(record.missed.path);
		break;
	case PH_EXITED:
		sup->ending = record.ending;
		sup->ended = true;
		sup->end->started = true;
		break;
	case PH_FAILED:
		sup->failed = !sup->end->started;
		sup->end->err = record.err;
		break;
	case PH_NONE:
	case PH_PLACED:
	case PH_IDMAPPED:
	case PH_ATTACHED:
	case PH_SIGNAL:
	case PH_METER:
	case PH__N:
		break; /* phase_check() lets none of these through */
	}
}

static void reap(struct supervisor *sup)
{
	int status = 0;
	pid_t pid;

	do {
		pid = wait4(sup->box.init_pid, &status, WNOHANG, &sup->usage);
	} while (pid < 0 && errno == EINTR);
	if (pid != 0) { /* what cannot be waited for is not */
		sup->reaped = true;
		sup->init_exited = pid > 0 && WIFEXITED(status);
		timing_mark(MARK_GONE);
	}
}

/*** The loop ***/

static int prepare(struct supervisor *sup, struct pollfd fds[POLL__N])
{
	int64_t now = supervisor_now_ms();
	int64_t next = sup->wall_at_ms < sup->kill_at_ms ? sup->wall_at_ms : sup->kill_at_ms;
	next = sup->meter_at_ms < next ? sup->meter_at_ms : next;
	int64_t timeout = next == NEVER ? -1 : next <= now ? 0 : next - now;

	for (int i = 0; i < POLL__N; i++)
		fds[i] = (struct pollfd){ .fd = -1 };
	if (!sup->closed)
		fds[POLL_SOCKET] = (struct pollfd){ .fd = sup->box.socket_fd, .events = POLLIN };
	fds[POLL_SIGNALS] = (struct pollfd){ .fd = sup->signal_fd, .events = POLLIN };
	fds[POLL_BROKER] = (struct pollfd){ .fd = sup->broker.events_fd, .events = POLLIN };
	fds[POLL_BINDINGS] = (struct pollfd){ .fd = sup->bindings.events_fd, .events = POLLIN };
	fds[POLL_LIMITS] = (struct pollfd){ .fd = supervisor_limits_fd(), .events = POLLIN };
	int wait_ms = supervisor_poll_output(sup, &fds[POLL_OUTPUT]);
	if (wait_ms >= 0 && (timeout < 0 || wait_ms < timeout))
		timeout = wait_ms;
	return timeout > INT32_MAX ? INT32_MAX : (int)timeout;
}

static void step_output(struct supervisor *sup, const struct pollfd fds[POLL__N])
{
	bool over = supervisor_step_output(sup, &fds[POLL_OUTPUT]);

	/* The command may write before init can say that it runs; then it waits for us. */
	if (over && sup->reason == REASON_NONE && (sup->end->started || sup->closed)) {
		sup->reason = REASON_OUTPUT;
		sup->grace_until_ms = supervisor_now_ms() + (int64_t)sup->plan->limits.grace_ms;
		supervisor_kill_box(sup);
	}
}

static void check_deadlines(struct supervisor *sup)
{
	int64_t now = supervisor_now_ms();

	if (now >= sup->meter_at_ms)
		supervisor_look_at_limits(sup);
	if (now >= sup->kill_at_ms)
		supervisor_kill_box(sup);
	if (now >= sup->wall_at_ms) {
		sup->wall_at_ms = NEVER;
		end_box(sup, REASON_WALL, SIGTERM, SIGNAL_COMMAND);
		pass_signal(sup, SIGCONT,
			    SIGNAL_COMMAND); /* one that is stopped ends when it goes on */
	}
}

static int64_t end_ms(const struct supervisor *sup)
{
	return sup->reason == REASON_WALL ? END_WALL_MS : END_MS;
}

/*
 * init has exited or is about to, and the kernel ends the rest with it. That takes as long as
 * the slowest process takes: one that waits for a file system's server ends when that
 * answers, also when it was killed. Past a limit the caller does not wait with it.
 */
static void await_end(struct supervisor *sup)
{
	struct pollfd signals = { .fd = sup->signal_fd, .events = POLLIN };
	int64_t until = supervisor_now_ms() + end_ms(sup);

	cgroup_let_end(&sup->box.cgroup);
	for (;;) {
		int64_t left = until - supervisor_now_ms();

		reap(sup);
		if (sup->reaped || (left <= 0 && sup->reason != REASON_NONE))
			return;
		if (sup->reason == REASON_NONE) {
			left = sup->wall_at_ms == NEVER ? INT32_MAX
							: sup->wall_at_ms - supervisor_now_ms();
			until = supervisor_now_ms() + end_ms(sup);
		}
		if (left > 0 && poll(&signals, 1, (int)(left < INT32_MAX ? left : INT32_MAX)) > 0)
			read_signals(sup);
		check_deadlines(sup);
	}
}

static void turn(struct supervisor *sup)
{
	struct pollfd fds[POLL__N];
	int timeout = prepare(sup, fds);

	if (poll(fds, POLL__N, timeout) < 0) {
		if (errno == EINTR)
			return;
		/* EINVAL is poll's word for more entries than RLIMIT_NOFILE. */
		supervisor_give_up(sup, errno == EINVAL ? EMFILE : errno, "wait for", "the box");
		sup->closed = true; /* there is no loop without poll(2) */
		return;
	}
	if (fds[POLL_SOCKET].revents)
		read_record(sup);
	if (fds[POLL_SIGNALS].revents)
		read_signals(sup);
	if (fds[POLL_BROKER].revents)
		(void)supervisor_read_event(sup); /* one a turn: output and clock come first */
	if (fds[POLL_BINDINGS].revents)
		(void)supervisor_read_call(sup);
	if (fds[POLL_LIMITS].revents)
		supervisor_read_limits(sup);
	step_output(sup, fds);
	check_deadlines(sup);
}

/* A caller that does not read gets the grace period too, counted from the same moment. */
static int64_t output_until_ms(const struct supervisor *sup)
{
	int64_t least = supervisor_now_ms() + DRAIN_MS;

	return sup->grace_until_ms > least ? sup->grace_until_ms : least;
}

/* An init that was killed from outside may have had no time to say that the command ran. */
static void recall_start(struct supervisor *sup)
{
	const struct start *start = sup->box.start;

	if (start && !sup->failed && start->executed) {
		sup->end->started = true;
		sup->ending = start->ending;
	}
	launch_forget_start(&sup->box);
}

/* What the payload wrote before its end still goes out, unless the caller has had enough. */
static void finish_output(struct supervisor *sup)
{
	supervisor_end_output(sup);
	sup->kill_at_ms = NEVER;
	if (sup->reason != REASON_NONE)
		sup->wall_at_ms = output_until_ms(sup);
	while (!supervisor_output_done(sup)) {
		enum reason before = sup->reason;
		int64_t deadline = sup->wall_at_ms;

		turn(sup);
		if (sup->kill_at_ms != NEVER ||
		    (deadline != NEVER && supervisor_now_ms() >= deadline) || sup->reason != before)
			return;
	}
}

static void run_loop(struct supervisor *sup)
{
	struct pollfd socket = { .fd = sup->box.socket_fd, .events = POLLIN };

	while (!sup->closed && !sup->ended)
		turn(sup);
	if (supervisor_limits_fd() >= 0)
		supervisor_read_limits(sup); /* said while poll(2) looked at the others */
	sup->meter_at_ms = NEVER;
	await_end(sup);
	/* What was sent before the end. */
	while (!sup->closed && poll(&socket, 1, 0) > 0)
		read_record(sup);
	recall_start(sup);
	finish_output(sup);
}

/*** The result ***/

static void fill_figures(struct supervisor *sup)
{
	struct box_end *end = sup->end;
	const struct rusage *usage = &sup->usage;
	uint64_t cpu_us = (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000U +
			  (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);

	end->is_stuck = !sup->reaped;
	end->peak_processes = end->started; /* the command, at least */
	end->wall_ms = (uint64_t)(supervisor_now_ms() - sup->begin_ms);
	end->degraded = sup->box.degraded | sup->ending.degraded;
	end->landlock_abi = sup->ending.landlock_abi;
	end->tells_calls = sup->ending.tells;
	if (sup->ended) {
		cpu_us = sup->ending.cpu_us;
		end->peak_memory_bytes = sup->ending.peak_rss_bytes;
		end->peak_processes = sup->ending.peak_tasks;
	}
	end->cpu_ms = cpu_us / 1000;
}

static void supervise(struct supervisor *sup)
{
	const struct limits *limits = &sup->plan->limits;

	sup->wall_at_ms =
		limits->wall_ms == LIMIT_NONE ? NEVER : sup->begin_ms + (int64_t)limits->wall_ms;
	sup->kill_at_ms = NEVER;
	supervisor_choose_limits(sup);
	supervisor_start_output(sup);
	run_loop(sup);
	supervisor_close_terminal(sup);
	(void)close(sup->box.socket_fd);
	supervisor_finish_bindings(sup);
	supervisor_finish_broker(sup);
	fill_figures(sup);
	supervisor_count_output(sup);
	supervisor_finish_limits(sup);
	supervisor_close_output(sup);
	supervisor_classify(sup);
	if (sup->plan->explains_missing)
		sup->end->missing = missing_find(sup->plan);
	launch_return_stdin(&sup->box);
}

static void run(const struct plan *plan, struct arena *arena, int stdin_fd,
		const struct observer *observer, struct box_end *ret_end)
{
	struct supervisor sup = { .plan = plan,
				  .observer = observer,
				  .broker = BROKER_NONE,
				  .bindings = BINDINGS_SERVER_NONE,
				  .gateway = GATEWAY_NONE,
				  .end = ret_end,
				  .begin_ms = supervisor_now_ms() };

	memset(ret_end, 0, sizeof *ret_end);
	refusal_log_clear(&refusals); /* input.check may have run before */
	ret_end->refusals = &refusals;
	ret_end->outcome = OUTCOME_SETUP_FAILED;
	ret_end->exit_code = -1;
	_cleanup_close_ int signal_fd = open_signals(&ret_end->err);
	if (signal_fd < 0)
		return;
	sup.signal_fd = signal_fd;
	int r = supervisor_prepare_output(&sup);
	if (r == 0)
		r = supervisor_prepare_broker(&sup, arena);
	if (r == 0)
		r = supervisor_prepare_bindings(&sup);
	if (r == 0)
		r = launch(plan, arena, stdin_fd, &sup.broker, &sup.bindings, &sup.gateway,
			   observer ? observer->trace : NULL, &sup.box, &ret_end->err);
	close_keeping_errno(sup.broker.init_fd);
	close_keeping_errno(sup.bindings.init_fd);
	close_keeping_errno(sup.gateway.init_fd);
	if (r < 0) {
		supervisor_close_output(&sup);
		(void)broker_kill(&sup.broker);
		(void)bindings_server_kill(&sup.bindings);
		(void)gateway_kill(&sup.gateway);
		return;
	}
	if (supervisor_start_bindings(&sup) < 0 || supervisor_start_broker(&sup, arena) < 0) {
		sup.failed = true;
		supervisor_kill_box(&sup);
	}
	supervise(&sup);
}

void box_run(const struct plan *plan, struct arena *arena, int stdin_fd,
	     const struct observer *observer, struct box_end *ret_end)
{
	run(plan, arena, stdin_fd, observer, ret_end);
	if (ret_end->outcome == OUTCOME_SETUP_FAILED)
		remedy_add(&ret_end->err);
}
