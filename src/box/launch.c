/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From plan to a running init: see launch.h, box.h and clone3(2). */
#include "box/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/cpu.h"
#include "base/sys.h"
#include "box/box.h"
#include "box/handover.h"
#include "box/init.h"
#include "box/phase.h"
#include "box/userns.h"

/* The network namespace is made by init itself, beside the mounts: see init.c. */
static const uint64_t NAMESPACES =
	CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

static void explain_clone(struct err *reterr, int error)
{
	err_wall(reterr, "user", error, "make", "the box's namespaces");
	switch (error) {
	case EPERM:
	case EACCES:
		err_hint(reterr, "this host or container refuses user namespaces: see HOST "
				 "REQUIREMENTS in aisbx(1)");
		break;
	case ENOSPC:
	case EUSERS:
		err_hint(reterr, "raise user.max_user_namespaces, or end other boxes");
		break;
	case EINVAL:
		err_hint(reterr, "the kernel lacks a namespace that aisbx needs; Linux 5.15 or "
				 "newer has them all");
		break;
	case EAGAIN:
	case ENOMEM:
		err_hint(reterr, "the host is out of processes or memory");
		break;
	default:
		break;
	}
}

static long clone_init(bool may_lack_cgroup, unsigned *ret_degraded)
{
	struct clone_args args = { .flags = NAMESPACES, .exit_signal = SIGCHLD };
	long pid = sys_call2(SYS_clone3, &args, sizeof args);

	if (pid == -EINVAL && may_lack_cgroup) {
		args.flags &= ~(uint64_t)CLONE_NEWCGROUP;
		*ret_degraded |= 1U << WALL_CGROUP;
		pid = sys_call2(SYS_clone3, &args, sizeof args);
	}
	return pid;
}

static int open_output(const struct plan *plan, int stdio[3], struct launched *box,
		       struct err *reterr)
{
	for (int fd = 1; fd <= 2; fd++) {
		int pipe_fds[2];

		if (plan->stdio[fd] != STDIO_RELAY)
			continue;
		if (fd == 2 && plan->shared_output) {
			stdio[2] = stdio[1];
			continue;
		}
		if (pipe2(pipe_fds, O_CLOEXEC) < 0)
			return err_set(reterr, E_SYSTEM, errno, "make", "a pipe");
		box->output[fd] = pipe_fds[0];
		stdio[fd] = pipe_fds[1];
		/* So that the payload may open it again by /dev/stdout. */
		if (plan->facts->host_root && fchown(pipe_fds[1], plan->outside_uid, (gid_t)-1) < 0)
			return err_set(reterr, E_SYSTEM, errno, "hand over", "a pipe");
	}
	return 0;
}

/*** init, with or before its plan ***/

/* A clone that waits for its plan; init_pid 0: none. */
struct ahead {
	const struct arena *arena;
	struct handover *handover;
	pid_t init_pid;
	int socket_fd;
};

static struct ahead ahead;

/*
 * Clones init, with its end of a new handshake. It inherits the signal mask.
 */
static int start_init(struct handover *handover, bool may_lack_cgroup, struct ahead *ret,
		      unsigned *ret_degraded, struct err *reterr)
{
	struct init init = { .handover = handover };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a socket pair");
	init.socket_fd = pair[1];
	long pid = clone_init(may_lack_cgroup, ret_degraded);
	if (pid == 0) {
		(void)sys_close(pair[0]); /* or its EOF would never come */
		init_main(&init);
	}
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		explain_clone(reterr, (int)-pid);
		return (int)pid;
	}
	*ret = (struct ahead){ .handover = handover, .init_pid = (pid_t)pid, .socket_fd = pair[0] };
	return 0;
}

/* reterr becomes what init said, if it said why it ended by itself; may be NULL. */
static void end_init(struct ahead *init, struct err *reterr)
{
	struct record record;

	(void)kill(init->init_pid, SIGKILL); /* ours and not reaped: cannot miss */
	while (waitpid(init->init_pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (reterr && phase_receive(init->socket_fd, TO_SUPERVISOR, &record) == 1 &&
	    record.phase == PH_FAILED)
		*reterr = record.err;
	(void)close(init->socket_fd);
	init->init_pid = 0;
}

void box_abandon(void)
{
	if (ahead.init_pid)
		end_init(&ahead, NULL);
}

/* Beside us rather than in front of us or behind: the plan is not to wait for it. */
static int start_beside(const struct ahead *init)
{
	struct cpu_mask before;

	cpu_send_away(init->init_pid, &before);
	handover_release(init->handover);
	/* The payload would inherit it. */
	return cpu_let_back(init->init_pid, &before);
}

void box_begin(struct arena *arena)
{
	struct err err;
	unsigned degraded;
	sigset_t all, before;

	if (!arena_is_shared(arena))
		return;
	struct handover *handover = arena_alloc(arena, sizeof *handover);
	/* The caller's SIG_IGN for SIGCHLD would reap it behind our back. */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	/* What fails is tried again with the plan, which says what may be left out. */
	handover->parked = 1;
	if (start_init(handover, false, &ahead, &degraded, &err) == 0) {
		ahead.arena = arena;
		if (start_beside(&ahead) < 0)
			box_abandon();
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Fills in the handover and finds the init that gets it. */
static int find_init(const struct plan *plan, struct arena *arena, const struct sources *sources,
		     const int given[GIVEN_LEN], struct ahead *ret, unsigned *ret_degraded,
		     struct err *reterr)
{
	bool waits = ahead.init_pid && ahead.arena == arena;
	struct handover *handover = waits ? ahead.handover : arena_alloc(arena, sizeof *handover);

	handover_fill(handover, plan, arena, sources, given);
	if (waits && arena_is_shared(arena)) {
		*ret = ahead;
		ahead.init_pid = 0;
		return 0;
	}
	if (waits)
		box_abandon(); /* the plan outgrew what it can see */
	return start_init(handover, plan->degradable[WALL_CGROUP], ret, ret_degraded, reterr);
}

/* A root caller's ids are mapped from outside, then init gets all it needs. */
static int hand_over(const struct plan *plan, const struct ahead *init,
		     const struct sources *sources, const int given[GIVEN_LEN], struct err *reterr)
{
	int r = plan->facts->host_root ? userns_map_child(plan, init->init_pid, reterr) : 0;

	if (r < 0)
		return r;
	r = handover_send(init->socket_fd, plan, sources, given);
	return r < 0 ? err_set(reterr, E_ENDED, -r, "reach", "the box's init") : 0;
}

/* Two of them may be the same descriptor. */
static void close_all(int fds[3])
{
	if (fds[2] == fds[1])
		fds[2] = -1;
	for (int i = 0; i < 3; i++) {
		close_keeping_errno(fds[i]);
		fds[i] = -1;
	}
}

/*
 * A root caller's payload is nobody on the host. So that it may open its stdin
 * again by /dev/stdin, it owns the pipe while it runs; a pipe with a name is
 * left as it is.
 */
static int lend_stdin(const struct plan *plan, struct launched *box, struct err *reterr)
{
	struct statfs fs;
	struct stat st;

	box->stdin_owner = LAUNCH_NOT_LENT;
	if (!plan->facts->host_root || plan->stdio[0] != STDIO_PASS ||
	    !S_ISFIFO(plan->facts->stdio_mode[0]))
		return 0;
	if (fstatfs(0, &fs) < 0 || fstat(0, &st) < 0)
		return err_set(reterr, E_SYSTEM, errno, "inspect", "stdin");
	if (fs.f_type != PIPEFS_MAGIC)
		return 0;
	if (fchown(0, plan->outside_uid, (gid_t)-1) < 0)
		return err_set(reterr, E_SYSTEM, errno, "lend", "stdin");
	box->stdin_owner = st.st_uid;
	return 0;
}

void launch_return_stdin(const struct launched *box)
{
	/* Root still: what worked one way works the other. */
	if (box->stdin_owner != LAUNCH_NOT_LENT && fchown(0, box->stdin_owner, (gid_t)-1) < 0)
		return;
}

static int launch_with(const struct plan *plan, struct arena *arena, const int given[GIVEN_LEN],
		       const struct sources *sources, struct launched *box, struct err *reterr)
{
	struct ahead init;
	int r = find_init(plan, arena, sources, given, &init, &box->degraded, reterr);

	if (r < 0)
		return r;
	r = hand_over(plan, &init, sources, given, reterr);
	if (r < 0) {
		end_init(&init, reterr);
		return r;
	}
	box->init_pid = init.init_pid;
	box->socket_fd = init.socket_fd;
	return 0;
}

int launch(const struct plan *plan, struct arena *arena, int stdin_fd, int broker_fd,
	   struct launched *ret_box, struct err *reterr)
{
	struct sources sources;
	struct launched box = { .stdin_owner = LAUNCH_NOT_LENT,
				.socket_fd = -1,
				.output = { -1, -1, -1 } };
	int given[GIVEN_LEN] = { stdin_fd, -1, -1, broker_fd };

	sources_init(arena, plan, &sources);
	/* Only host root may open and idmap them outside; other boxes open their own. */
	int r = plan->facts->host_root ? sources_open(plan, &sources, reterr) : 0;
	if (r == 0)
		r = open_output(plan, given, &box, reterr);
	if (r == 0 && stdin_fd < 0)
		r = lend_stdin(plan, &box, reterr);
	if (r == 0)
		r = launch_with(plan, arena, given, &sources, &box, reterr);
	given[0] = -1; /* the caller's of launch() */
	close_all(given);
	sources_close(plan, &sources);
	if (r < 0) {
		launch_return_stdin(&box);
		close_all(box.output);
		return r;
	}
	box.degraded |= sources.degraded;
	*ret_box = box;
	return 0;
}
