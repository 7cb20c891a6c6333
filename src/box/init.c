/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pid 1 of the box.
 *
 * Theory of operation: the supervisor clones init into fresh user, mount, pid,
 * ipc, uts and cgroup namespaces. init builds the box (build.c), starts the
 * command (payload.c) and waits: for children to reap, for signals to deliver,
 * for the supervisor to go away.
 *
 * Invariants: armed to die with the supervisor before anything else; not
 * dumpable from the moment its ids are mapped, so that no process of the box
 * can read its memory, descriptors or environment (bubblewrap's pid 1 gives
 * all three away); once the command runs it holds its end of the handshake
 * and nothing of the caller's: strings overwritten, heap and plan dropped,
 * other descriptors closed. Its end is the end of every process in the box.
 * It runs nothing that the payload chooses and has no capability to lend.
 */
#include "box/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/program.h"
#include "base/sys.h"
#include "bindings/server.h"
#include "box/build.h"
#include "box/limits/cgroup.h"
#include "box/limits/headcount.h"
#include "box/limits/rlimits.h"
#include "box/limits/usage.h"
#include "box/payload.h"
#include "box/phase.h"
#include "box/protect/protect.h"
#include "box/refusals/listener.h"
#include "box/refusals/observe.h"
#include "box/refusals/refused.h"
#include "box/refusals/watched.h"
#include "box/seccomp/syscalls.h"
#include "box/sockets.h"
#include "box/timing.h"
#include "box/tty.h"
#include "box/userns.h"

enum {
	STATUS_FAILED = 125,
};

static _Noreturn void give_up(const struct init *init, const struct err *err)
{
	struct record record = { .phase = PH_FAILED, .size = sizeof record };

	record.err = *err;
	(void)phase_send(init->socket_fd,
			 &record); /* without a supervisor nobody is left to tell */
	sys_exit_group(STATUS_FAILED);
}

/*** Before the walls ***/

/*
 * The signal is tied to the supervisor's main thread and is lost when that
 * died before the call, so the socket is looked at afterwards: its other end
 * is the supervisor's alone.
 */
static void die_with_supervisor(const struct init *init)
{
	struct pollfd peer = { .fd = init->socket_fd, .events = POLLIN };

	int r = sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

	if (r < 0) {
		struct err err;

		(void)err_set(&err, E_SYSTEM, -r, "tie the box to", "the supervisor");
		give_up(init, &err);
	}
	if (poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP))
		sys_exit_group(STATUS_FAILED);
}

/* The box goes first when the host runs out of memory. Best effort: some hosts forbid it. */
static void volunteer_for_oom(void)
{
	_cleanup_close_ int fd = sys_open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);

	if (fd >= 0)
		(void)sys_write(fd, "300", 3);
}

static int take_identity(const struct init *init, struct err *reterr)
{
	const struct plan *plan = init->plan;
	struct record record;
	int r = phase_receive(init->socket_fd, TO_INIT, &record);

	if (r == 0)
		sys_exit_group(STATUS_FAILED); /* the supervisor is gone */
	if (r < 0 || record.phase != PH_IDMAPPED)
		return err_wall(reterr, "user", r < 0 ? -r : EPROTO, "await", "the uid map");
	if (!plan->facts->host_root)
		return 0;
	r = userns_become(plan, reterr);
	die_with_supervisor(init); /* a change of ids clears PDEATHSIG, prctl(2) */
	return r;
}

/*** Terminal ***/

static int open_terminal(const struct init *init, struct payload *payload, struct err *reterr)
{
	struct record record = { .phase = PH_TERMINAL, .size = sizeof record };
	_cleanup_close_ int master = -1;
	int r = tty_open(&master, &payload->terminal, reterr);

	if (r < 0)
		return r;
	r = phase_send(init->socket_fd, &record);
	if (r < 0)
		return err_wall(reterr, "terminal", -r, "announce", "the terminal");
	r = tty_send_master(init->socket_fd, master, reterr);
	if (r < 0)
		return r;
	r = phase_receive(init->socket_fd, TO_INIT, &record);
	if (r <= 0 || record.phase != PH_ATTACHED)
		sys_exit_group(STATUS_FAILED);
	return 0;
}

static bool wants_terminal(const struct plan *plan)
{
	return plan->stdio[0] == STDIO_TTY;
}

/* What the caller closed, or what was read as code, reads as an empty file. */
static int open_null(const struct plan *plan, struct payload *payload, struct err *reterr)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (plan->stdio[fd] != STDIO_NULL || payload->stdio[fd] >= 0)
			continue;
		int null = sys_open("/dev/null", O_RDWR | O_CLOEXEC, 0);
		if (null < 0)
			return err_set(reterr, E_SYSTEM, -null, "open", "/dev/null");
		payload->stdio[fd] = null;
	}
	return 0;
}

/*** Running ***/

static void sort(int *fds, unsigned len)
{
	for (unsigned i = 1; i < len; i++) {
		for (unsigned j = i; j > 0 && fds[j] < fds[j - 1]; j--) {
			int fd = fds[j];
			fds[j] = fds[j - 1];
			fds[j - 1] = fd;
		}
	}
}

/*
 * Every descriptor but the handshake's, the signals', the broker's, the listener, and what is
 * looked into or protect.c and observe.c work with.
 */
static void close_descriptors(const struct init *init, int signal_fd)
{
	int kept[PROTECT_FDS_MAX + OBSERVE_FDS_MAX + 5];
	unsigned len = protect_descriptors(kept), from = 0;

	len += observe_descriptors(kept + len);
	kept[len++] = init->socket_fd;
	kept[len++] = signal_fd;
	if (init->broker_fd >= 0)
		kept[len++] = init->broker_fd;
	if (listener_fd() >= 0)
		kept[len++] = listener_fd();
	if (init->look_fd >= 0)
		kept[len++] = init->look_fd;
	sort(kept, len);
	for (unsigned i = 0; i < len; i++) {
		unsigned fd = (unsigned)kept[i];

		if (fd > from)
			(void)sys_call3(SYS_close_range, from, fd - 1, 0);
		from = fd + 1;
	}
	(void)sys_call3(SYS_close_range, from, ~0U, 0);
}

/* What is left of the caller in this process: see the invariants above. */
static void forget_caller(struct init *init, int signal_fd)
{
	program_forget_strings();
	program_forget_heap();
	close_descriptors(init, signal_fd);
	arena_free(init->arena);
	(void)munmap(init->start, sizeof *init->start);
	program_release_pages();
}

/* What the kernel ends with us nobody waits for, and what they wrote would not be counted. */
static void end_the_rest(void)
{
	long r;

	(void)sys_call2(SYS_kill, -1, SIGKILL);
	do {
		r = sys_call4(SYS_wait4, -1, NULL, __WALL, NULL);
	} while (r > 0 || r == -EINTR);
}

static _Noreturn void report_end(const struct init *init, const struct ending *ending,
				 uint64_t peak_tasks)
{
	struct record record = { .phase = PH_EXITED, .size = sizeof record };
	struct rusage usage;

	memset(&usage, 0, sizeof usage);
	(void)sys_call2(SYS_getrusage, RUSAGE_CHILDREN, &usage); /* cannot fail */
	record.ending = *ending;
	record.ending.cpu_us =
		(uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000U +
		(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	record.ending.peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
	record.ending.peak_tasks = peak_tasks;
	timing_mark(MARK_EXITED);
	refused_tell(true);
	(void)phase_send(init->socket_fd, &record);
	if (init->broker_fd >= 0)
		(void)sys_close(init->broker_fd); /* it ends beside us */
	if (init->reaped_blocks)
		end_the_rest();
	sys_exit_group(0); /* the kernel kills whatever else runs in the box */
}

/* It is there until it is reaped. */
static bool has_ended(pid_t command)
{
	siginfo_t info = { 0 };

	(void)sys_call5(SYS_waitid, P_PID, command, &info, WEXITED | WNOHANG | WNOWAIT, NULL);
	return info.si_pid == command;
}

/*
 * Returns whether the command has ended. One that was killed between its last
 * report and execve counts as started: nothing in the box can send a signal
 * yet, so it came from the host, and the result names it.
 */
static bool reap(pid_t command, struct ending *ret_ending)
{
	for (;;) {
		int status;
		long pid = sys_call4(SYS_wait4, -1, &status, WNOHANG, NULL);

		if (pid == -EINTR)
			continue;
		if (pid <= 0)
			return false;
		if (pid == command) {
			ret_ending->wait_status = status;
			return true;
		}
	}
}

/* Nobody but init can see what the ones that it reaped have written. */
static void count_blocks(const struct init *init)
{
	struct rusage usage;

	if (init->reaped_blocks && sys_call2(SYS_getrusage, RUSAGE_CHILDREN, &usage) == 0)
		*init->reaped_blocks = (uint64_t)usage.ru_oublock;
}

/* Without them, as when the host is out of memory, the supervisor ends the box. */
static void send_usage(const struct init *init, pid_t command)
{
	struct record record = { .phase = PH_METERED,
				 .size = sizeof record,
				 .metered.command = command };
	int fds[USAGE__N];
	int r = usage_open(init->look_fd, fds);

	(void)phase_send(init->socket_fd, &record);
	(void)fds_send(init->socket_fd, fds, r < 0 ? 0 : USAGE__N);
	for (int i = 0; r == 0 && i < USAGE__N; i++)
		(void)sys_close(fds[i]);
	program_release_pages(); /* as in forget_caller(): what this used is not used again */
}

/* As kill(2) has them. The command leads a session of its own, and so a group. */
static long receivers(int32_t to, pid_t command)
{
	if (to == SIGNAL_EVERYONE)
		return -1; /* of the namespace, but init itself */
	return to == SIGNAL_GROUP ? -command : command;
}

static void deliver(const struct init *init, pid_t command)
{
	struct record record;
	int r = phase_receive(init->socket_fd, TO_INIT, &record);

	if (r > 0 && record.phase == PH_METER) {
		send_usage(init, command);
		return;
	}
	if (r <= 0 || record.phase != PH_SIGNAL)
		sys_exit_group(STATUS_FAILED); /* the supervisor is gone */
	(void)sys_call2(SYS_kill, receivers(record.signal.to, command), record.signal.signal);
}

/* limits.disk is held by looking: into a /proc. */
static int check_disk(const struct plan *plan, unsigned *degraded, struct err *reterr)
{
	if (plan->limits.disk == LIMIT_NONE || !(*degraded & 1U << WALL_PROC))
		return 0;
	*degraded |= 1U << WALL_DISK;
	if (plan->degradable[WALL_DISK])
		return 0;
	err_wall(reterr, "limits", ENOENT, "hold", "limits.disk");
	err_hint(reterr, "the box has no /proc to look into: add --allow-degraded limits.disk");
	return -ENOENT;
}

static int open_signals(struct err *reterr)
{
	const uint64_t child = 1ULL << (SIGCHLD - 1);
	long fd = sys_call4(SYS_signalfd4, -1, &child, sizeof child, SFD_CLOEXEC | SFD_NONBLOCK);

	if (fd < 0)
		return err_set(reterr, E_SYSTEM, (int)-fd, "open", "a signal descriptor");
	return (int)fd;
}

/* ending: what is known already; the rest comes with the command's end. */
static _Noreturn void watch(const struct init *init, int signal_fd, pid_t command,
			    struct ending *ending)
{
	struct pollfd fds[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = init->socket_fd, .events = POLLIN },
		{ .fd = listener_fd() },
		{ .fd = init->broker_fd, .events = POLLIN },
	};
	struct headcount headcount;

	headcount_begin(init->look_fd, command, &headcount);
	for (;;) {
		struct signalfd_siginfo info;
		struct timespec buf, until_count = { headcount.wait_ms / 1000,
						     headcount.wait_ms % 1000 * 1000000 };
		const struct timespec *timeout = refused_timeout(&buf);
		bool is_to_count = !timeout; /* what is to be told comes first */

		if (is_to_count)
			timeout = &until_count;
		fds[2].events = refused_is_ready() ? POLLIN : 0;
		long r = sys_call5(SYS_ppoll, fds, sizeof fds / sizeof *fds, timeout, NULL, 0);

		if (r < 0 && r != -EINTR)
			sys_exit_group(STATUS_FAILED);
		if (fds[0].revents)
			(void)sys_read(signal_fd, &info, sizeof info);
		if (has_ended(command)) {
			headcount_look(&headcount);
		} else if (is_to_count && r == 0) {
			headcount_look(&headcount);
			program_release_pages(); /* as in send_usage() */
		}
		if (reap(command, ending))
			report_end(init, ending, headcount.most);
		count_blocks(init);
		if (fds[1].revents)
			deliver(init, command);
		/* One a turn: a flood of them holds up neither reaping nor signals. */
		if (fds[2].revents & POLLIN)
			refused_answer();
		else if (fds[2].revents)
			fds[2].fd = -1; /* POLLHUP: no process is left that could ask */
		if (fds[3].revents && sockets_answer(init->broker_fd) < 0)
			fds[3].fd = -1; /* without a broker nothing leads out */
		refused_tell(false);
	}
}

/* So that what the box wrote can be looked at when it is gone. */
static int send_layers(const struct init *init, struct err *reterr)
{
	int fd = init->sources->layers_fd;
	int r = fd < 0 ? 0 : fds_send(init->trace->layers_fd, &fd, 1);

	return r < 0 ? err_set(reterr, E_SYSTEM, -r, "hand over", "the box's layers") : 0;
}

/* Where it only tells what is refused, a run goes on without. */
static int prepare_listener(const struct plan *plan, struct payload *payload, struct err *reterr)
{
	bool decides = plan->protect || plan->observed;
	bool waits = decides || plan->has_exec_list || plan->explains_missing;
	/* What comes between the filter and execve has to get through it. */
	bool may_send = syscalls_allows(plan->filter, SYS_sendmsg) &&
			(!waits || syscalls_allows(plan->filter, SYS_read));
	int r = -EPERM;

	if (may_send) {
		r = listener_prepare(&payload->listener_send, reterr);
	} else if (decides) {
		err_wall(reterr, "seccomp", EPERM, "hand over", "the listener");
		err_hint(reterr, "files.protect needs sendmsg and read: take them out of "
				 "syscalls.deny");
	}
	payload->needs_listener = decides;
	payload->waits = waits && r == 0;
	return decides ? r : 0;
}

static int start(struct init *init, struct payload *payload, pid_t *ret_command, struct err *reterr)
{
	const struct plan *plan = init->plan;
	int r = 0;

	if (wants_terminal(plan))
		r = open_terminal(init, payload, reterr);
	if (r == 0)
		r = open_null(plan, payload, reterr);
	if (r == 0)
		r = protect_prepare(plan, init->sources, reterr);
	if (plan->observed)
		observe_prepare(init->trace);
	if (r == 0 && plan->observed)
		r = send_layers(init, reterr);
	if (r == 0)
		r = prepare_listener(plan, payload, reterr);
	refused_prepare(plan, init->socket_fd);
	watched_prepare(plan, init->socket_fd);
	if (r == 0 && init->broker_fd >= 0)
		r = sockets_await_broker(init->broker_fd, reterr);
	if (r == 0 && init->sources->bindings_fd >= 0)
		r = bindings_server_await(init->sources->bindings_fd, reterr);
	if (r < 0)
		return r;
	r = payload_start(payload, ret_command, reterr);
	timing_mark(MARK_EXECUTED);
	return r;
}

_Noreturn void init_main(struct init *init)
{
	struct record started = { .phase = PH_STARTED, .size = sizeof started };
	struct payload payload = { .plan = init->plan, .terminal = -1, .listener_send = -1 };
	unsigned degraded = 0;
	pid_t command = -1;
	struct err err;

	memcpy(payload.stdio, init->stdio, sizeof payload.stdio);
	die_with_supervisor(init);
	timing_mark(MARK_CLONED);
	volunteer_for_oom();
	int r = init->awaits_cgroup ? cgroup_await(init, &err) : 0;
	if (r == 0)
		r = take_identity(init, &err);
	if (r == 0 && sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = err_set(&err, E_SYSTEM, EPERM, "hide", "init's memory");
	timing_mark(MARK_MAPPED);
	if (r == 0)
		r = build_box(init, &degraded, &err);
	if (r == 0)
		r = check_disk(init->plan, &degraded, &err);
	int signal_fd = r == 0 ? open_signals(&err) : -1;
	if (r == 0 && signal_fd < 0)
		r = signal_fd;
	payload.cpus_held = init->holds_cpus;
	payload.processes_held = init->holds_processes;
	payload.start = init->start;
	payload.start->ending.degraded = degraded;
	payload.limits_held = init->in_cgroup || !(degraded & 1U << WALL_PROC);
	if (r == 0 && !init->in_cgroup)
		rlimits_apply_pages(init->plan);
	if (r == 0)
		r = start(init, &payload, &command, &err);
	if (r < 0)
		give_up(init, &err);
	started.ending = init->start->ending;
	(void)phase_send(init->socket_fd, &started); /* without a supervisor, watch() ends */
	forget_caller(init, signal_fd);
	watch(init, signal_fd, command, &started.ending);
}
