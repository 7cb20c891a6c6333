/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a call runs, and what that writes: see call.h. */
#include "bindings/call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bindings/calls.h"

enum {
	OUTPUT_MS = 5000, /* for what was written until time was up to go out */
};

static struct {
	const struct plan_bindings *bindings;
	uint64_t open_files;
	size_t len; /* commands, with checks */
	struct timer room;
} running;

static void on_room(struct timer *timer);

/*** What a command writes ***/

/* Into the empty buffer. False when there is nothing (more) at present. */
static bool take_output(struct call *call, int i)
{
	bool is_wanted = call->state == STATE_RUNNING && !call_is_refused(call) &&
			 (i == 0 || call->is_framed);
	uint64_t *count = i == 0 ? &call->record.output_bytes : &call->record.error_bytes;
	uint64_t left =
		call->binding->max_output - call->record.output_bytes - call->record.error_bytes;
	size_t head = call->is_framed ? WIRE_FRAME_BYTES : 0;
	ssize_t n = read(call->outputs[i].fd, call->buffer + head, CALL_BUFFER_BYTES - head);

	if (n < 0 && errno == EINTR)
		return true;
	/* With the keeper gone, who still holds the pipe is not the command's any more. */
	if (n == 0 || (n < 0 && (errno != EAGAIN || call->keeper.pid < 0)))
		call_drop(&call->outputs[i]);
	if (n <= 0)
		return false;
	if (call->state == STATE_CHECKING) {
		size_t why = strnlen(call->why, sizeof call->why);
		size_t room = sizeof call->why - 1 - why;
		size_t part = (size_t)n < room ? (size_t)n : room;

		/* Only our own checker is heard: a command's output is not for the box. */
		if (call->binding->schema && i == 0)
			memcpy(call->why + why, call->buffer + head, part);
		return true;
	}
	if (call->binding->max_output != LIMIT_NONE && (uint64_t)n > left) {
		n = (ssize_t)left;
		call_decide(call, CALL_OUTPUT_LIMIT);
		keeper_end(&call->keeper);
	}
	*count += (uint64_t)n;
	if (!is_wanted || n == 0)
		return true;
	if (call->is_framed)
		wire_write_head(call->buffer, i == 0 ? WIRE_STDOUT : WIRE_STDERR, (size_t)n);
	call->buffer_len = head + (size_t)n;
	return true;
}

/* Moves what can be moved. May release call. */
void call_pump(struct call *call)
{
	for (bool more = true; more;) {
		more = false;
		if (!call_flush(call))
			return;
		if (call->buffer_len)
			return; /* on_socket() goes on */
		for (int i = 0; i < 2 && !call->buffer_len; i++) {
			while (call->outputs[i].fd >= 0 && !call->buffer_len &&
			       take_output(call, i))
				more = true;
		}
	}
	(void)loop_change(&call->socket, 0);
	if (call->keeper.pid < 0 && call->outputs[0].fd < 0 && call->outputs[1].fd < 0)
		call_advance(call);
}

static void on_stdout(struct watch *watch, uint32_t events)
{
	(void)events;
	call_pump(CONTAINER_OF(watch, struct call, outputs[0]));
}

static void on_stderr(struct watch *watch, uint32_t events)
{
	(void)events;
	call_pump(CONTAINER_OF(watch, struct call, outputs[1]));
}

/*** Running ***/

/* A keeper that was killed leaves us what had left its command. */
static void end_strays(void)
{
	enum {
		TRIES = 100,
		PAUSE_US = 500
	};

	for (int i = 0; i < TRIES && keeper_kill_children(calls_has_keeper); i++)
		(void)usleep(PAUSE_US);
}

static void note_status(struct call *call, const struct keeper_record *record)
{
	if (record->errnum) {
		call_decide(call, CALL_FAILED);
		(void)snprintf(call->why, sizeof call->why, "%s", strerror(record->errnum));
		return;
	}
	bool is_signal = WIFSIGNALED(record->status);
	call->record.status = is_signal ? WTERMSIG(record->status) : WEXITSTATUS(record->status);
	call_decide(call, is_signal ? CALL_SIGNALED : CALL_EXITED);
}

static void on_keeper(struct watch *watch, uint32_t events)
{
	struct call *call = CONTAINER_OF(watch, struct call, control);
	struct keeper_record record;

	(void)events;
	loop_unwatch(watch);
	running.len--;
	if (!keeper_finish(&call->keeper, &record)) {
		record = (struct keeper_record){ .status = SIGKILL };
		end_strays();
	}
	running_make_room();
	if (call->state == STATE_DEAD) {
		calls_release(call);
		return;
	}
	if (call->state == STATE_CHECKING && (record.errnum || record.status != 0))
		call_decide(call, CALL_SCHEMA);
	else if (call->state == STATE_RUNNING)
		note_status(call, &record);
	call_pump(call);
}

static void on_running_late(struct timer *timer)
{
	struct call *call = CONTAINER_OF(timer, struct call, timer);

	call_decide(call, call->state == STATE_CHECKING ? CALL_SCHEMA : CALL_TIMEOUT);
	/* What it wrote before still goes out, but nobody waits for a box that does not read. */
	timer_set(&call->timer, OUTPUT_MS, call_answer_late);
	keeper_end(&call->keeper);
}

static int watch_run(struct call *call, const int pipes[2][2])
{
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		call->outputs[i].ready = i == 0 ? on_stdout : on_stderr;
		r = loop_watch(&call->outputs[i], pipes[i][0], EPOLLIN | EPOLLET);
	}
	call->control.ready = on_keeper;
	return r < 0 ? r : loop_watch(&call->control, call->keeper.control_fd, EPOLLIN);
}

static int start_job(struct call *call, const struct job *job)
{
	int pipes[2][2] = { { -1, -1 }, { -1, -1 } };
	int r = 0;

	/* The command may not move our place in the request, nor we its. */
	char path[32];
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", call->input_fd);
	_cleanup_close_ int input = open(path, O_RDONLY | O_CLOEXEC);
	if (input < 0)
		r = -errno;
	for (int i = 0; i < 2 && r == 0; i++) {
		r = pipe2(pipes[i], O_CLOEXEC) < 0 ? -errno : 0;
		if (r == 0 && fcntl(pipes[i][0], F_SETFL, O_NONBLOCK) < 0)
			r = -errno;
	}
	const int fds[3] = { input, pipes[0][1], pipes[1][1] };
	if (r == 0)
		r = keeper_start(job, fds, &call->keeper);
	close_keeping_errno(pipes[0][1]);
	close_keeping_errno(pipes[1][1]);
	if (r < 0) {
		close_keeping_errno(pipes[0][0]);
		close_keeping_errno(pipes[1][0]);
		return r;
	}
	running.len++;
	call_set_timer(call, on_running_late);
	r = watch_run(call, (const int(*)[2])pipes);
	return r;
}

/* Room for a program's words, those of the call and what stands between them. */
static char **make_argv(const struct call *call, const struct strv *words)
{
	size_t args =
		call->binding->args == BINDING_ARGS_APPEND ? wire_args_count(&call->request) : 0;
	char **argv = calloc(words->len + args + 2, sizeof *argv);
	size_t len = 0;

	if (!argv)
		return NULL;
	while (len < words->len) {
		argv[len] = words->items[len];
		len++;
	}
	if (args)
		argv[len++] = (char *)"--"; /* what follows is no option of the program's */
	for (const char *arg = args ? wire_next_arg(&call->request, NULL) : NULL; arg;
	     arg = wire_next_arg(&call->request, arg))
		argv[len++] = (char *)(uintptr_t)arg;
	return argv;
}

/* Starts the check, or what it checks for. May release call. */
static void start(struct call *call, enum call_state state)
{
	const struct plan_binding *binding = call->binding;
	bool is_check = state == STATE_CHECKING;
	struct checker checker = { .schema = binding->schema, .len = 0 };
	struct job job = { .program = is_check ? binding->check_program : binding->program,
			   .env = binding->env.items,
			   .cwd = running.bindings->cwd,
			   .open_files = running.open_files,
			   .function = is_check && binding->schema ? checker_main : NULL,
			   .argument = &checker };
	char **argv = make_argv(call, is_check ? &binding->check_argv : &binding->argv);
	off_t size = lseek(call->input_fd, 0, SEEK_END);

	checker.len = size < 0 ? 0 : (size_t)size;
	job.argv = argv;
	call->state = state;
	int r = argv && size >= 0 ? start_job(call, &job) : -ENOMEM;
	free(argv);
	if (r == 0)
		return;
	call_decide(call, CALL_FAILED);
	(void)snprintf(call->why, sizeof call->why, "%s", strerror(-r));
	if (call->keeper.pid < 0)
		call_end_answer(call);
	else
		call_hang_up(call); /* it runs, and we cannot listen */
}

static void on_queued_late(struct timer *timer)
{
	call_refuse(CONTAINER_OF(timer, struct call, timer), CALL_BUSY);
}

static bool has_check(const struct call *call)
{
	return call->binding->schema || call->binding->check_program;
}

/* Goes on to the next state, where there is one. May release call. */
void call_advance(struct call *call)
{
	if (call->state == STATE_ENDING) {
		if (!call->buffer_len)
			call_hang_up(call);
	} else if (call->is_decided) {
		call_end_answer(call);
	} else if (call->state == STATE_CHECKING) {
		start(call, STATE_RUNNING);
	} else if (call->state == STATE_QUEUED && running.len < CALLS_RUNNING_MAX) {
		start(call, has_check(call) ? STATE_CHECKING : STATE_RUNNING);
	}
}

static void on_room(struct timer *timer)
{
	struct call *call;

	(void)timer;
	/* One that is advanced is not queued any more, or gone. */
	while (running.len < CALLS_RUNNING_MAX && (call = calls_first_queued()))
		call_advance(call);
}

/*** For the other parts ***/

void running_init(const struct plan_bindings *bindings, uint64_t open_files)
{
	running.bindings = bindings;
	running.open_files = open_files;
	checker_prepare();
}

void running_make_room(void)
{
	timer_set(&running.room, 0, on_room);
}

void running_give_up(struct call *call)
{
	call_drop(&call->control);
	call->keeper.pid = -1;
	running.len--;
}

void running_queue(struct call *call)
{
	call->state = STATE_QUEUED;
	call_set_timer(call, on_queued_late);
	call_advance(call);
}
