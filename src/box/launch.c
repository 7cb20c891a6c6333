/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From plan to a running init: see launch.h and clone3(2). */
#include "box/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/init.h"
#include "box/limits/disk.h"
#include "box/limits/scope.h"
#include "box/mounts.h"
#include "box/phase.h"
#include "box/slices.h"
#include "box/userns.h"

/* The network namespace is made by init itself, beside the mounts: see init.c. */
static const uint64_t NAMESPACES =
	CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

/* EACCES, EBUSY, EOPNOTSUPP...: the cgroup cannot take us after all, and the limits have another way. */
static long clone_into(struct clone_args *args, struct init *init, struct launched *box)
{
	if (box->cgroup.fd >= 0) {
		args->flags |= CLONE_INTO_CGROUP;
		args->cgroup = (uint64_t)box->cgroup.fd;
		init->in_cgroup = true;
		long pid = sys_call2(SYS_clone3, args, sizeof *args);
		if (pid >= 0)
			return pid;
		args->flags &= ~(uint64_t)CLONE_INTO_CGROUP;
		init->in_cgroup = init->holds_cpus = init->holds_processes = false;
		cgroup_remove(&box->cgroup);
		if (cgroup_lacks(init->plan, &box->cgroup))
			return pid;
	}
	return sys_call2(SYS_clone3, args, sizeof *args);
}

static long clone_init(struct init *init, struct launched *box)
{
	struct clone_args args = { .flags = NAMESPACES, .exit_signal = SIGCHLD };
	long pid = clone_into(&args, init, box);

	if (pid == -EINVAL && init->plan->degradable[WALL_CGROUP]) {
		args.flags &= ~(uint64_t)CLONE_NEWCGROUP;
		box->degraded |= 1U << WALL_CGROUP;
		pid = clone_into(&args, init, box);
	}
	return pid;
}

static int open_output(const struct plan *plan, struct init *init, struct launched *box,
		       struct err *reterr)
{
	for (int fd = 1; fd <= 2; fd++) {
		int pipe_fds[2];

		if (plan->stdio[fd] != STDIO_RELAY)
			continue;
		if (fd == 2 && plan->shared_output) {
			init->stdio[2] = init->stdio[1];
			continue;
		}
		if (pipe2(pipe_fds, O_CLOEXEC) < 0)
			return err_set(reterr, E_SYSTEM, errno, "make", "a pipe");
		box->output[fd] = pipe_fds[0];
		init->stdio[fd] = pipe_fds[1];
		/* So that the payload may open it again by /dev/stdout. */
		if (plan->facts->host_root && fchown(pipe_fds[1], plan->outside_uid, (gid_t)-1) < 0)
			return err_set(reterr, E_SYSTEM, errno, "hand over", "a pipe");
	}
	return 0;
}

static int map_ids(const struct plan *plan, const struct launched *box, struct err *reterr)
{
	struct record record = { .phase = PH_IDMAPPED, .size = sizeof record };
	int r = userns_map_child(plan, box->init_pid, reterr);

	if (r < 0)
		return r;
	r = phase_send(box->socket_fd, &record);
	if (r < 0)
		return err_set(reterr, E_ENDED, -r, "reach", "the box's init");
	return 0;
}

static int check_disk(struct arena *arena, const struct plan *plan, struct launched *box,
		      struct err *reterr)
{
	int r = plan->limits.disk == LIMIT_NONE ? 0 : disk_check(arena, plan, reterr);

	if (r == 0 || !plan->degradable[WALL_DISK])
		return r;
	box->degraded |= 1U << WALL_DISK;
	return 0;
}

/* What nothing else holds is an error, unless it may be left out. why: systemd did not, or "". */
static int check_shares(const struct plan *plan, struct launched *box, const char *why,
			struct err *reterr)
{
	static const struct {
		enum wall wall;
		const char *hint;
	} shares[] = {
		{ WALL_CPUS, "only a cgroup with the cpu controller holds a part of a processor: "
			     "write a whole number, or add --allow-degraded limits.cpus" },
		{ WALL_IO_WEIGHT, "only a cgroup with the io controller holds it: see "
				  "aisbx-profile(5), or add --allow-degraded limits.io_weight" },
	};
	char hint[sizeof reterr->hint];
	const struct limits *limits = &plan->limits;
	bool is_missing[] = { limits->cpus != LIMIT_NONE && !box->cgroup.holds_cpus &&
				      limits->cpus % SHARE_WHOLE != 0,
			      limits->io_weight != LIMIT_NONE && !box->cgroup.holds_io };

	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		if (!is_missing[i])
			continue;
		if (!plan->degradable[shares[i].wall]) {
			err_wall(reterr, "limits", EOPNOTSUPP, "hold", walls[shares[i].wall].name);
			(void)snprintf(hint, sizeof hint, *why ? "%s (systemd: %s)" : "%s",
				       shares[i].hint, why);
			err_hint(reterr, hint);
			return -EOPNOTSUPP;
		}
		box->degraded |= 1U << shares[i].wall;
	}
	return 0;
}

/* A waiting init has systemd's cgroup from here on, or is told that there is none. */
static int place(struct init *init, struct launched *box, struct err *reterr)
{
	struct record record = { .phase = PH_PLACED, .size = sizeof record };
	char why[CGROUP_WHY_BYTES];

	if (!init->awaits_cgroup)
		return 0;
	cgroup_create_in_scope(init->plan, box->init_pid, &box->cgroup, why);
	int r = check_shares(init->plan, box, why, reterr);
	if (r < 0)
		return r;
	record.placed.in_cgroup = box->cgroup.fd >= 0;
	record.placed.holds_cpus = box->cgroup.holds_cpus;
	record.placed.holds_processes = box->cgroup.holds_processes;
	r = phase_send(box->socket_fd, &record);
	return r < 0 ? err_set(reterr, E_ENDED, -r, "reach", "the box's init") : 0;
}

static int start_init(struct init *init, int supervisor_fd, struct launched *box,
		      struct err *reterr)
{
	long pid = clone_init(init, box);
	if (pid == 0) {
		(void)sys_close(supervisor_fd); /* or its EOF would never come */
		(void)sys_close(init->broker_peer_fd);
		(void)sys_close(init->bindings_peer_fd);
		init_main(init);
	}
	if (pid < 0)
		return err_wall(reterr, "user", (int)-pid, "make", "the box's namespaces");
	box->init_pid = (pid_t)pid;
	int r = place(init, box, reterr);
	if (r == 0)
		r = map_ids(init->plan, box, reterr);
	if (r < 0) {
		(void)kill(box->init_pid, SIGKILL); /* ours and not reaped: cannot miss */
		(void)waitpid(box->init_pid, NULL, 0);
	}
	return r;
}

static int choose_cgroup(struct init *init, struct launched *box, struct err *reterr)
{
	const struct plan *plan = init->plan;

	cgroup_create(plan, &box->cgroup);
	init->awaits_cgroup = cgroup_lacks(plan, &box->cgroup) && scope_is_possible();
	if (init->awaits_cgroup) {
		cgroup_remove(&box->cgroup);
		return 0;
	}
	init->holds_cpus = box->cgroup.holds_cpus;
	init->holds_processes = box->cgroup.holds_processes;
	return check_shares(plan, box, "", reterr);
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

static void *share(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static int share_memory(struct init *init, struct launched *box, struct err *reterr)
{
	void *start = share(sizeof *init->start), *written = NULL;

	if (start != MAP_FAILED && init->plan->limits.disk != LIMIT_NONE)
		written = share(sizeof *init->reaped_blocks);
	if (start == MAP_FAILED || written == MAP_FAILED)
		return err_set(reterr, E_SYSTEM, errno, "share memory with", "the box's init");
	init->start = box->start = start;
	init->reaped_blocks = written;
	box->reaped_blocks = written;
	return 0;
}

void launch_forget_start(struct launched *box)
{
	if (box->start)
		(void)munmap(box->start, sizeof *box->start);
	box->start = NULL;
}

int launch(const struct plan *plan, struct arena *arena, int stdin_fd, const struct broker *broker,
	   const struct bindings_server *bindings, const struct gateway *gateway,
	   const struct trace *trace, struct launched *ret_box, struct err *reterr)
{
	struct sources sources;
	struct init init = { .plan = plan,
			     .arena = arena,
			     .sources = &sources,
			     .trace = trace,
			     .broker_fd = broker->init_fd,
			     .broker_peer_fd = broker->own_fd,
			     .look_fd = -1,
			     .bindings_peer_fd = bindings->own_fd,
			     .stdio = { -1, -1, -1 } };
	struct launched box = { .stdin_owner = LAUNCH_NOT_LENT,
				.socket_fd = -1,
				.cgroup = CGROUP_NONE,
				.output = { -1, -1, -1 } };
	int pair[2];

	slices_shorten(); /* init's too, and so of all who build */
	sources_init(arena, plan, &sources);
	sources.bindings_fd = bindings->init_fd;
	sources.gateway_fd = gateway->init_fd;
	int r = share_memory(&init, &box, reterr);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		launch_forget_start(&box);
		return err_set(reterr, E_SYSTEM, errno, "make", "a socket pair");
	}
	box.socket_fd = pair[0];
	init.socket_fd = pair[1];
	/* Only host root may open and idmap them outside; other boxes open their own. */
	r = plan->facts->host_root ? sources_open(plan, &sources, reterr) : 0;
	if (r == 0)
		r = open_output(plan, &init, &box, reterr);
	if (r == 0 && stdin_fd < 0)
		r = lend_stdin(plan, &box, reterr);
	if (r == 0) {
		int stdio[3] = { stdin_fd, init.stdio[1], init.stdio[2] };

		memcpy(init.stdio, stdio, sizeof stdio);
		r = choose_cgroup(&init, &box, reterr);
		if (r == 0)
			r = check_disk(arena, plan, &box, reterr);
		if (r == 0)
			r = start_init(&init, pair[0], &box, reterr);
		init.stdio[0] = -1; /* the caller's of launch() */
	}
	(void)close(pair[1]);
	close_all(init.stdio);
	sources_close(plan, &sources);
	if (r < 0) {
		launch_return_stdin(&box);
		launch_forget_start(&box);
		cgroup_remove(&box.cgroup);
		(void)close(pair[0]);
		close_all(box.output);
		return r;
	}
	box.degraded |= sources.degraded;
	*ret_box = box;
	return 0;
}
