/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How init builds the box.
 *
 * Theory of operation: a helper process that shares init's memory builds the root, while init
 * makes the network namespace and gives up every capability: these are the most expensive
 * steps, and independent of each other. init goes on as soon as "/" is the box's. That the
 * host's mounts are gone takes the kernel about as long as all that the payload does before
 * its filter (an RCU grace period, much longer where others keep the processors busy), so
 * only the payload waits for it, before it executes anything: the helper's end says so. For
 * the same reason the helper, which still has its capabilities, brings up lo.
 */
#include "box/build.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/caps.h"
#include "box/mounts.h"
#include "box/network.h"
#include "box/sockets.h"
#include "box/timing.h"
#include "policy/trust.h"

enum {
	STACK_BYTES = 128 * 1024,
	NO_FD = -1,
};

static char builder_stack[STACK_BYTES] __attribute__((aligned(16)));

static struct build {
	unsigned degraded;  /* final when the root is entered */
	atomic_int entered; /* the root */
	int result;	    /* final when the builder has ended, as is err */
	struct err err;
	atomic_int runs;  /* the builder: cleared by the kernel at its end, clone(2) */
	atomic_int lo_fd; /* what it brings lo up with, when init has it */
} build;

/* Keyrings follow the uid and are no namespace's: a fresh one hides the caller's. */
static int join_keyring(const struct plan *plan, unsigned *degraded, struct err *reterr)
{
	long r = sys_call2(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);

	if (r >= 0 || r == -ENOSYS) /* no keyrings in this kernel: nothing to hide */
		return 0;
	if (plan->degradable[WALL_KEYRING]) {
		*degraded |= 1U << WALL_KEYRING;
		return 0;
	}
	return err_wall(reterr, "keyring", (int)-r, "join", "a fresh session keyring");
}

/* What no cgroup holds is held by looking: meter.h. */
static bool is_looked_at(const struct init *init)
{
	const struct limits *limits = &init->plan->limits;

	return limits->disk != LIMIT_NONE ||
	       (!init->in_cgroup && (limits->memory != LIMIT_NONE || limits->cpu_ms != LIMIT_NONE));
}

/*
 * Waits until *word changes, or for *earlier. In a virtual machine sleeping
 * and being woken costs more than what is left by now, so this first looks for
 * a while; the yield lets the other one run where there is only one processor.
 * What it waits for wakes it then, *earlier where there is one; for the rest it looks again.
 */
static void await(const atomic_int *word, int now, const atomic_int *earlier)
{
	enum {
		LOOKS = 1000,
		WAIT_NS = 1000000,
	};
	const struct timespec wait = { .tv_nsec = WAIT_NS };

	for (int i = 0; atomic_load_explicit(word, memory_order_acquire) == now; i++) {
		if (earlier && atomic_load_explicit(earlier, memory_order_acquire))
			return;
		if (i < LOOKS)
			(void)sys_call0(SYS_sched_yield);
		else
			(void)sys_call4(SYS_futex, earlier ? earlier : word, FUTEX_WAIT,
					earlier ? false : now, &wait);
	}
}

static int raise_lo(struct err *reterr)
{
	await(&build.lo_fd, NO_FD, NULL);
	_cleanup_close_ int fd = build.lo_fd;
	return network_raise_lo(fd, reterr);
}

/* A broker's routes need lo at once; without one init leaves it to the builder. */
static int build_root(void *argument)
{
	struct init *init = argument;
	int r = mounts_apply(init->plan, init->sources, is_looked_at(init) ? &init->look_fd : NULL,
			     &build.degraded, &build.entered, &build.err);

	if (r == 0 && init->broker_fd < 0)
		r = raise_lo(&build.err);
	build.result = r;
	sys_exit_group(0);
}

/* What the broker needs of the namespace while there are capabilities in it. */
static int open_network(const struct init *init, int fd, int proc_sys_fd, struct err *reterr)
{
	int r = network_raise_lo(fd, reterr);

	if (r == 0)
		r = network_route_all(reterr);
	if (r == 0)
		r = network_configure(proc_sys_fd, reterr);
	return r < 0 ? r : sockets_send_first(init->broker_fd, reterr);
}

static int build_network(const struct init *init, int proc_sys_fd, unsigned *degraded,
			 struct err *reterr)
{
	_cleanup_close_ int fd = -1;
	int r = network_make(&fd, reterr);

	if (r == 0 && init->broker_fd >= 0)
		r = open_network(init, fd, proc_sys_fd, reterr);
	else if (r == 0)
		atomic_store_explicit(&build.lo_fd, steal_fd(&fd), memory_order_release);
	if (r == 0)
		r = network_name_host(init->plan->hostname, reterr);
	if (r == 0)
		r = join_keyring(init->plan, degraded, reterr);
	timing_mark(MARK_NET);
	return r;
}

int build_await_end(struct err *reterr)
{
	await(&build.runs, true, NULL); /* it is reaped with everything else's */
	if (build.result == -EINTR)
		return err_set(reterr, E_SYSTEM, EINTR, "finish", "the root");
	if (build.result < 0)
		*reterr = build.err;
	return build.result;
}

/* The mount namespace is shared with the helper, whose pivot_root(2) moves our root too. */
int build_box(struct init *init, unsigned *degraded, struct err *reterr)
{
	struct err network_err;
	/* The builder takes the host's /proc away. A failure shows where it is used. */
	_cleanup_close_ int proc_sys_fd =
		init->broker_fd < 0 ? -1
				    : sys_open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

	build.result = -EINTR;
	build.runs = true;
	build.lo_fd = NO_FD;
	int pid = clone(build_root, builder_stack + sizeof builder_stack,
			CLONE_VM | CLONE_FILES | CLONE_CHILD_CLEARTID | SIGCHLD, init, NULL, NULL,
			&build.runs);
	if (pid < 0) {
		int error = errno;

		err_set(reterr, E_SYSTEM, error, "start", "the builder");
		if (error == EAGAIN)
			err_hint(reterr, "the host is out of processes, or the caller's limit of "
					 "them is reached: ulimit -u");
		return -error;
	}
	int r = build_network(init, proc_sys_fd, degraded, &network_err);
	/* The helper has its own credentials: while it mounts, we give up ours. */
	if (r == 0)
		r = caps_apply(&network_err);
	timing_mark(MARK_DROPPED);
	if (r == 0 && init->plan->gateway.trust)
		trust_begin(init->plan->gateway.trust, false); /* the helper has more to do */
	await(&build.runs, true, &build.entered);
	if (r < 0) {
		*reterr = network_err;
		return r;
	}
	if (!build.entered)
		return build_await_end(reterr);
	*degraded |= build.degraded;
	/* pivot_root(2) moved our root; our directory is still the caller's. */
	r = (int)sys_call1(SYS_chdir, "/");
	return r < 0 ? err_set(reterr, E_SYSTEM, -r, "enter", "/") : 0;
}
