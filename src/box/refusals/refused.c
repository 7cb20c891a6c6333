/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Refused system calls, as init sees them.
 *
 * Theory of operation: the filter sends here what is to be told, and what init
 * decides about. The filter's program, run once more on the registers that came
 * with the notification, says which (bpf.h). So the answer to a refused
 * call is known before anything of the payload's is looked at, and needs none of its
 * memory. The registers are the kernel's copy; what a path or a program is called
 * is read from /proc or the payload's memory, may change meanwhile, and is only ever a
 * description.
 *
 * A refusal of a new kind is told the supervisor at once. Repeats are counted
 * here and told together, four times a second at most: however much the payload
 * asks for, the supervisor reads a bounded number of records. Past a burst the
 * calls are slowed to some a millisecond; who asks waits, and nobody else but
 * those whose calls wait behind. A supervisor that is stopped makes nobody wait:
 * what its socket does not take is told later.
 *
 * All memory is static: the plan is gone when the payload runs.
 */
#include "box/refusals/refused.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/sys.h"
#include "box/phase.h"
#include "box/protect/protect.h"
#include "box/refusals/listener.h"
#include "box/refusals/observe.h"
#include "box/refusals/refused_call.h"
#include "box/refusals/watched.h"
#include "box/seccomp/bpf.h"
#include "box/seccomp/syscalls.h"

enum {
	KINDS_MAX = 128, /* that are kept apart; more are one of their kind */
	TELL_MS = 250,
	BURST = 10000, /* refused calls at full speed, and again after as many milliseconds */
	NEVER_MS = -1,
};

struct counted {
	struct refused_call call;
	uint64_t untold;
};

/* Pages that are not needed are never touched. */
static struct counted counted[KINDS_MAX + REFUSAL__N];
static size_t counted_len;
static struct sock_filter program_copy[BPF_INSNS_MAX];
static struct filter program;
static bool is_observed;
static int told_to = -1;
static int64_t tell_at_ms = NEVER_MS;
static int64_t spare = 1; /* calls that are answered at once */
static int64_t spare_ms;  /* when it was reckoned */

void refused_prepare(const struct plan *plan, int socket_fd)
{
	told_to = socket_fd;
	is_observed = plan->observed;
	program = *plan->filter;
	for (int kind = 0; kind < FILTER__N; kind++) {
		if (program.insns == builtin_filters[kind].insns)
			return;
	}
	memcpy(program_copy, program.insns, program.len * sizeof *program.insns);
	program.insns = program_copy;
}

static int64_t now_ms(void)
{
	struct timespec now = { 0 };

	(void)sys_call2(SYS_clock_gettime, CLOCK_MONOTONIC, &now); /* cannot fail */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*** Telling ***/

/* What cannot be sent now stays untold. */
static void tell(struct counted *entry)
{
	struct record record = { .phase = PH_REFUSED, .size = sizeof record };

	record.refused = entry->call;
	record.refused.count = entry->untold;
	if (phase_send_now(told_to, &record) == 0)
		entry->untold = 0;
}

void refused_tell(bool all)
{
	bool is_left = false;

	if (tell_at_ms == NEVER_MS || (!all && now_ms() < tell_at_ms))
		return;
	for (size_t i = 0; i < counted_len; i++) {
		if (counted[i].untold)
			tell(&counted[i]);
		is_left |= counted[i].untold != 0;
	}
	tell_at_ms = is_left ? now_ms() + TELL_MS : NEVER_MS;
}

/*** Counting ***/

static struct counted *find(const struct refused_call *call)
{
	for (size_t i = 0; i < counted_len; i++) {
		const struct refused_call *known = &counted[i].call;

		if (known->kind == call->kind && known->nr == call->nr &&
		    memcmp(known->arguments, call->arguments, sizeof call->arguments) == 0 &&
		    strcmp(known->program, call->program) == 0 &&
		    strcmp(known->path, call->path) == 0)
			return &counted[i];
	}
	return NULL;
}

static void count(const struct refused_call *call)
{
	const struct refused_call others = { .kind = call->kind, .nr = REFUSED_OTHERS };
	struct counted *entry = find(call);

	if (!entry && counted_len >= KINDS_MAX) {
		call = &others;
		entry = find(call);
	}
	bool is_new = !entry;
	if (is_new) {
		entry = &counted[counted_len++];
		entry->call = *call;
	}
	entry->untold++;
	if (is_new)
		tell(entry);
	if (entry->untold && tell_at_ms == NEVER_MS)
		tell_at_ms = now_ms() + TELL_MS;
}

/*
 * As the kernel has it. Who made itself undumpable is not in /proc for init, which has no
 * capabilities either, and stays without a name.
 */
static void read_program(const struct seccomp_notif *request, char program_name[REFUSAL_TEXT])
{
	char path[LISTENER_BASE_BYTES];

	listener_proc_path(path, request, "/exe");
	long n = sys_call4(SYS_readlinkat, AT_FDCWD, path, program_name, REFUSAL_TEXT - 1);
	program_name[n < 0 ? 0 : n] = '\0';
}

void refused_add(enum refusal_kind kind, const struct seccomp_notif *request, const char *path)
{
	struct refused_call call = { .kind = kind, .nr = request->data.nr };
	const uint64_t *arguments = (const void *)request->data.args;

	if (kind == REFUSED_SYSCALL)
		refused_call_arguments(call.nr, arguments, call.arguments);
	if (path)
		memcpy(call.path, path, strnlen(path, sizeof call.path - 1));
	read_program(request, call.program);
	count(&call);
	spare--;
}

/*** Answering ***/

void refused_answer(void)
{
	const struct seccomp_notif *request = listener_next();

	if (!request)
		return;
	uint32_t action = bpf_run(program.insns, &request->data, NULL);
	int error = (int)(action & SECCOMP_RET_DATA);
	if (action == SECCOMP_RET_USER_NOTIF || action == BPF_WATCHED)
		watched_look(request);
	if (action == SECCOMP_RET_USER_NOTIF) {
		protect_answer(request);
		return;
	}
	if (action == BPF_WATCHED) {
		error = is_observed ? observe_call(request) : 0;
		listener_reply(request, error, error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		return;
	}
	/* An action that sends nothing here cannot be; it is refused, and told, all the same. */
	if ((action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_USER_NOTIF)
		error = EPERM;
	refused_add(REFUSED_SYSCALL, request, NULL); /* while it waits it is who it is */
	listener_reply(request, -error, 0);
}

bool refused_is_ready(void)
{
	if (spare > 0)
		return true;
	int64_t now = now_ms();
	spare += now - spare_ms;
	spare = spare < BURST ? spare : BURST;
	spare_ms = now;
	return spare > 0;
}

const struct timespec *refused_timeout(struct timespec *buf)
{
	int64_t wait_ms = tell_at_ms == NEVER_MS ? NEVER_MS : tell_at_ms - now_ms();

	if (spare <= 0)
		wait_ms = 1;
	if (tell_at_ms == NEVER_MS && spare > 0)
		return NULL;
	wait_ms = wait_ms > 0 ? wait_ms : 0;
	*buf = (struct timespec){ .tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000 };
	return buf;
}
