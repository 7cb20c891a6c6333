/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The payload's way to the command.
 *
 * Theory of operation: init clones it with CLONE_VM | CLONE_VFORK, which
 * copies no page tables; it runs on a stack of its own in init's memory until
 * execve gives it memory of its own (where init answers calls before that, it is
 * CLONE_VM alone: listener.c). It therefore writes nothing but its own
 * stack and *payload, uses raw system calls only, and leaves by exit_group.
 * Capabilities and no_new_privs come from init, which has given everything up
 * before. The order below is the order of the walls; each line says why it
 * stands where it stands.
 */
#include "box/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/sys.h"
#include "box/build.h"
#include "box/landlock.h"
#include "box/limits/rlimits.h"
#include "box/refusals/listener.h"
#include "box/refusals/refused.h"
#include "box/refusals/watched.h"
#include "box/seccomp/syscalls.h"
#include "box/slices.h"
#include "box/supervise/truncation.h"
#include "box/timing.h"
#include "box/tty.h"

enum {
	STACK_BYTES = 128 * 1024,
	PATH_BYTES = 4096,
	SIGNALS = 64,
	UMASK = 022,
	STATUS_NOT_EXECUTED = 125,
};

/* Touched only in a box's init: it costs the supervisor address space, no memory. */
static char payload_stack[STACK_BYTES] __attribute__((aligned(16)));

static int fail(struct payload *payload, long error, const char *op, const char *subject)
{
	return err_set(&payload->err, E_SYSTEM, (int)-error, op, subject);
}

/* struct kernel_sigaction, sigaction(2) notes: not libc's. */
static int reset_signals(struct payload *payload)
{
	const struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} defaults = { 0 };
	const uint64_t none = 0;

	for (int signal = 1; signal <= SIGNALS; signal++) {
		if (signal == SIGKILL || signal == SIGSTOP)
			continue;
		long r = sys_call4(SYS_rt_sigaction, signal, &defaults, NULL, sizeof none);
		if (r < 0)
			return fail(payload, r, "reset", "a signal's action");
	}
	long r = sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
	return r < 0 ? fail(payload, r, "reset", "the signal mask") : 0;
}

static int set_umask(struct payload *payload)
{
	long r = sys_call1(SYS_umask, UMASK);

	return r < 0 ? fail(payload, r, "set", "the umask")
		     : 0; /* a filter outside may refuse it */
}

static int set_stdio(struct payload *payload)
{
	unsigned terminals = 0;

	for (int fd = 0; fd <= 2; fd++) {
		if (payload->plan->stdio[fd] == STDIO_TTY)
			terminals |= 1U << fd;
		if (payload->stdio[fd] < 0)
			continue;
		/* dup3 refuses equal descriptors; such a one already is in place. */
		if (payload->stdio[fd] == fd)
			continue;
		long r = sys_call3(SYS_dup3, payload->stdio[fd], fd, 0);
		if (r < 0)
			return fail(payload, r, "set up", "a standard descriptor");
	}
	return payload->terminal < 0 ? 0 : tty_attach(payload->terminal, terminals, &payload->err);
}

static int enter_directory(struct payload *payload)
{
	const char *cwd = payload->plan->cwd;
	char now[PATH_BYTES];
	long r = sys_call1(SYS_chdir, cwd);

	if (r < 0)
		return fail(payload, r, "start in", cwd);
	/* A directory outside the root reads "(unreachable)": CVE-2024-21626. */
	r = sys_call2(SYS_getcwd, now, sizeof now);
	if (r < 0 || now[0] != '/')
		return fail(payload, r < 0 ? r : -ENOENT, "start in", cwd);
	return 0;
}

/*
 * What is left open is the listener's socket, as 3, until execve closes it: a
 * small limits.open_files leaves room for the listener.
 */
static int close_the_rest(struct payload *payload, int *ret_listener_send)
{
	unsigned from = 3;
	long r = 0;

	*ret_listener_send = payload->listener_send;
	if (payload->listener_send >= 0) {
		if (payload->listener_send != (int)from)
			r = sys_call3(SYS_dup3, payload->listener_send, from, O_CLOEXEC);
		*ret_listener_send = (int)from++;
	}
	if (r >= 0)
		r = sys_call3(SYS_close_range, from, ~0U, 0);
	return r < 0 ? fail(payload, r, "close", "inherited descriptors") : 0;
}

/* Last: from here on the payload's own rules apply to us. */
static int load_filter(struct payload *payload, int listener_send)
{
	const struct filter *filter = payload->plan->filter;
	int listener = -1;
	int r = syscalls_load(filter, listener_send >= 0, &listener, &payload->err);

	/* Another sandbox around this one has the listener: what is refused is not told. */
	if (r < 0 && listener_send >= 0 && !payload->needs_listener)
		r = syscalls_load(filter, false, &listener, &payload->err);
	if (r < 0 || listener < 0)
		return r;
	payload->tells = true;
	return listener_hand_over(listener_send, listener, payload->waits, &payload->err);
}

static int close_the_walls(struct payload *payload)
{
	const struct plan *plan = payload->plan;
	int listener_send;
	int r = landlock_apply(plan, &payload->landlock_abi, &payload->err);

	if (r == 0)
		r = truncation_apply(payload->landlock_abi, &payload->err);
	if (r < 0)
		return r;
	if (payload->landlock_abi == 0)
		payload->degraded |= 1U << WALL_LANDLOCK;
	timing_mark(MARK_LANDLOCKED);
	slices_restore();
	r = close_the_rest(payload, &listener_send);
	if (r == 0)
		r = build_await_end(&payload->err);
	/*
	 * Whoever hands a descriptor over may have no more on their way than its own limit, and
	 * those of all boxes of the caller's count: the low limit comes after the listener.
	 */
	bool limits_late = syscalls_allows(plan->filter, SYS_prlimit64);
	if (r == 0 && !limits_late)
		r = rlimits_apply_files(plan, &payload->degraded, &payload->err);
	if (r == 0)
		r = load_filter(payload, listener_send);
	if (r == 0 && limits_late)
		r = rlimits_apply_files(plan, &payload->degraded, &payload->err);
	timing_mark(MARK_FILTERED);
	return r;
}

/*** Executing ***/

static long execute(const struct plan *plan, const char *path)
{
	long r = sys_call3(SYS_execve, path, plan->argv.items, plan->env.items);

	if (r != -ENOEXEC)
		return r;
	/* A script without #! goes to sh, as execvp(3) does. */
	plan->shell_argv[1] = (char *)path;
	return sys_call3(SYS_execve, plan->shell_argv[0], plan->shell_argv, plan->env.items);
}

/* The next place in PATH that name may be at; false when there is none. */
static bool next_in_path(const char **at, const char *name, char path[PATH_BYTES])
{
	size_t name_len = strlen(name);

	while (**at) {
		size_t len = strcspn(*at, ":");
		const char *dir = *at;

		*at += len + (dir[len] == ':');
		if (!len || len + name_len + 2 > PATH_BYTES)
			continue;
		memcpy(path, dir, len);
		path[len] = '/';
		memcpy(path + len + 1, name, name_len + 1);
		return true;
	}
	return false;
}

static long execute_in_path(const struct plan *plan, const char *name)
{
	const char *at = plan->path;
	long result = -ENOENT;
	char path[PATH_BYTES];

	while (next_in_path(&at, name, path)) {
		long r = execute(plan, path);

		if (r == -EACCES)
			result = r;
		else if (r != -ENOENT && r != -ENOTDIR)
			return r;
	}
	return result;
}

static unsigned mode_at(const char *path)
{
	struct stat st;

	return sys_call4(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0 ? st.st_mode : 0;
}

/* The mode of the program that name is; 0: there is none, or this cannot be asked any more. */
static unsigned mode_of(const struct plan *plan, const char *name)
{
	const char *at = plan->path;
	char path[PATH_BYTES];
	unsigned mode = 0;

	if (!syscalls_allows(plan->filter, SYS_newfstatat))
		return 0;
	if (strchr(name, '/'))
		return mode_at(name);
	while (!mode && next_in_path(&at, name, path))
		mode = mode_at(path);
	return mode;
}

static const char *exec_hint(const struct plan *plan, long error, unsigned mode)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
		return mode ? "it is there, but not what runs it: grant the interpreter that its "
			      "first line names, or its loader, with --ro"
			    : "the box has no such program: check the name, or grant its "
			      "directory with --ro";
	case EACCES:
		if (S_ISDIR(mode))
			return "it is a directory; name a program in it";
		if (plan->has_exec_list && (!mode || mode & 0111))
			return "it, or the interpreter that its first line names, is not in the "
			       "profile's exec list; allow it with --exec";
		return mode & 0111 ? "its file system is mounted noexec, or the interpreter that "
				     "its first line names may not be executed"
				   : "it is not executable; chmod +x it";
	case E2BIG:
		return "the arguments and environment are too long";
	default:
		return NULL;
	}
}

static void report_exec_failure(struct payload *payload, long error)
{
	const char *name = payload->plan->argv.items[0];
	bool is_missing = error == -ENOENT || error == -ENOTDIR;
	const char *hint = exec_hint(payload->plan, error, mode_of(payload->plan, name));

	err_set(&payload->err, is_missing ? E_NOT_FOUND : E_NOT_EXECUTABLE, (int)-error, "execute",
		name);
	if (hint)
		err_hint(&payload->err, hint);
}

static int payload_main(void *argument)
{
	struct payload *payload = argument;
	const struct plan *plan = payload->plan;
	int r;

	/* A session of its own first: a controlling terminal needs its leader. */
	long session = sys_call0(SYS_setsid);
	r = session < 0 ? fail(payload, session, "start", "a session") : set_stdio(payload);
	if (r == 0)
		r = rlimits_apply(plan, payload->limits_held, payload->processes_held,
				  &payload->degraded, &payload->err);
	if (r == 0 && plan->limits.cpus != LIMIT_NONE && !payload->cpus_held &&
	    plan->limits.cpus % SHARE_WHOLE == 0)
		r = rlimits_apply_cpus(plan, &payload->err);
	if (r == 0)
		r = enter_directory(payload);
	if (r == 0)
		r = set_umask(payload);
	if (r == 0)
		r = reset_signals(payload);
	if (r == 0)
		r = close_the_walls(payload);
	if (r < 0)
		sys_exit_group(STATUS_NOT_EXECUTED);
	payload->start->ending.landlock_abi = payload->landlock_abi;
	payload->start->ending.degraded |= payload->degraded;
	payload->start->ending.tells = payload->tells;
	payload->start->executed = true;
	long error = strchr(plan->argv.items[0], '/') ? execute(plan, plan->argv.items[0])
						      : execute_in_path(plan, plan->argv.items[0]);
	payload->start->executed = false;
	report_exec_failure(payload, error);
	sys_exit_group(STATUS_NOT_EXECUTED);
}

/*
 * Where the listener is needed the payload waits with it until init has it. The two
 * run at once then, in shared memory: what the payload reads of *payload does
 * not change meanwhile.
 */
static int hand_over(struct payload *payload, pid_t pid, struct err *reterr)
{
	int listener_send = payload->listener_send;

	if (listener_send < 0)
		return 0;
	int r = listener_receive(&listener_send, payload->waits, reterr);
	if (!payload->waits || (r < 0 && !payload->needs_listener)) {
		/* It runs, or it says itself why not. Without us the kernel refuses, and nothing
		 * is told. */
		payload->start->ending.tells = r == 0;
		return 0;
	}
	if (payload->landlock_abi == 0)
		watched_forget_programs();
	if (r == 0)
		r = listener_release(refused_answer, reterr);
	if (r < 0)
		(void)sys_call2(SYS_kill, pid, SIGKILL); /* our child, not reaped: cannot miss */
	return r;
}

int payload_start(struct payload *payload, pid_t *ret_pid, struct err *reterr)
{
	memset(&payload->err, 0, sizeof payload->err);
	int pid = clone(payload_main, payload_stack + sizeof payload_stack,
			CLONE_VM | SIGCHLD | (payload->waits ? 0 : CLONE_VFORK), payload);
	if (pid < 0) {
		err_set(reterr, E_SYSTEM, errno, "start", "the command");
		if (errno == EAGAIN)
			err_hint(reterr, "the host's limit on processes is reached");
		return -errno;
	}
	int r = hand_over(payload, pid, reterr);
	if (r == 0 && payload->start->executed) {
		*ret_pid = pid;
		return 0;
	}
	(void)sys_call4(SYS_wait4, pid, NULL, 0, NULL); /* only so that no zombie is left */
	if (payload->err.code == E_NONE && r < 0)
		return r;
	if (payload->err.code == E_NONE)
		return err_set(reterr, E_ENDED, EINTR, "execute", payload->plan->argv.items[0]);
	*reterr = payload->err;
	return payload->err.errnum ? -payload->err.errnum : -EINVAL;
}
