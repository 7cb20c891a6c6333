/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single things that walls are made of: see tries.h. */
#include "box/tries.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/landlock.h"
#include "box/limits/cgroup.h"
#include "box/network.h"
#include "box/seccomp/syscalls.h"
#include "box/sources.h"
#include "box/userns.h"

/*** In a user namespace ***/

/* Runs in the namespace, as the box's user would, with every capability there. */
typedef int inside_fn(const struct plan *plan, struct err *reterr);

static int take_identity(const struct plan *plan, int socket_fd, struct err *reterr)
{
	char byte;

	if (read(socket_fd, &byte, 1) != 1)
		sys_exit_group(1); /* the maps could not be written, which the parent tells */
	return plan->facts->host_root ? userns_become(plan, reterr) : 0;
}

static _Noreturn void run_inside(const struct plan *plan, inside_fn *inside, int socket_fd)
{
	struct err err = { .code = E_NONE };
	int r = take_identity(plan, socket_fd, &err);

	if (r == 0 && inside)
		r = inside(plan, &err);
	if (r == 0)
		err.code = E_NONE;
	(void)sys_write(socket_fd, &err, sizeof err); /* without it the parent knows as much */
	sys_exit_group(0);
}

static int hear(int socket_fd, struct err *reterr)
{
	struct err err;

	if (read(socket_fd, &err, sizeof err) != sizeof err)
		return err_wall(reterr, "user", EPROTO, "make", "a user namespace");
	if (err.code == E_NONE)
		return 0;
	*reterr = err;
	return err.errnum ? -err.errnum : -EINVAL;
}

/* As launch.c and init.c do it. */
static int try_inside(const struct plan *plan, inside_fn *inside, struct err *reterr)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a socket pair");
	long pid = sys_call2(SYS_clone3, &args, sizeof args);
	if (pid == 0) {
		(void)close(pair[0]);
		run_inside(plan, inside, pair[1]);
	}
	(void)close(pair[1]);
	_cleanup_close_ int own = pair[0];
	if (pid < 0)
		return err_wall(reterr, "user", (int)-pid, "make", "a user namespace");
	int r = userns_map_child(plan, (pid_t)pid, reterr);
	if (r == 0 && write(own, "", 1) < 0)
		r = err_set(reterr, E_SYSTEM, errno, "reach", "a child");
	if (r == 0)
		r = hear(own, reterr);
	(void)close(steal_fd(&own));
	while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

int try_user(const struct plan *plan, struct err *reterr)
{
	return try_inside(plan, NULL, reterr);
}

static int make_namespaces(const struct plan *plan, struct err *reterr)
{
	static const struct {
		const char *wall, *what;
		int flag;
	} kinds[] = {
		{ "mount", "a mount namespace", CLONE_NEWNS },
		{ "pid", "a pid namespace", CLONE_NEWPID },
		{ "ipc", "an ipc namespace", CLONE_NEWIPC },
		{ "uts", "a uts namespace", CLONE_NEWUTS },
		{ "cgroup", "a cgroup namespace", CLONE_NEWCGROUP },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (unshare(kinds[i].flag) < 0)
			return err_wall(reterr, kinds[i].wall, errno, "make", kinds[i].what);
	}
	_cleanup_close_ int fd = -1;
	int r = network_name_host(plan->hostname, reterr);
	if (r == 0)
		r = network_make(&fd, reterr);
	return r < 0 ? r : network_raise_lo(fd, reterr);
}

int try_namespaces(const struct plan *plan, struct err *reterr)
{
	return try_inside(plan, make_namespaces, reterr);
}

/*** In this process ***/

/* What both ask for of who is not root. */
static int forgo_privileges(struct err *reterr)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
		       ? err_wall(reterr, "capabilities", errno, "set", "no_new_privs")
		       : 0;
}

int try_landlock(struct err *reterr)
{
	int r = forgo_privileges(reterr);

	return r < 0 ? r : landlock_deny_files(false, reterr);
}

int try_filter(bool want_listener, struct err *reterr)
{
	struct filter filter;
	int listener = -1;
	int r = forgo_privileges(reterr);

	(void)syscalls_builtin(want_listener ? FILTER_MEDIATED : FILTER_DEFAULT, &filter);
	return r < 0 ? r : syscalls_load(&filter, want_listener, &listener, reterr);
}

int try_idmap(struct arena *arena, const struct plan *plan, const char *path, struct err *reterr)
{
	struct step step = { .kind = STEP_BIND,
			     .flags = STEP_IDMAP | STEP_IS_DIR,
			     .host_path = path };
	struct plan one = *plan;
	struct sources sources;
	struct stat st;

	if (lstat(path, &st) < 0)
		return err_wall(reterr, "mount", errno, "inspect", path);
	step.dev = st.st_dev;
	step.ino = st.st_ino;
	step.owner = st.st_uid;
	step.group = st.st_gid;
	one.steps = &step;
	one.steps_len = 1;
	memset(one.degradable, 0, sizeof one.degradable);
	sources_init(arena, &one, &sources);
	int r = sources_open(&one, &sources, reterr);
	sources_close(&one, &sources);
	return r;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static const char *held_by(const struct cgroup *cgroup)
{
	if (cgroup->fd < 0)
		return NULL;
	if (cgroup->holds_cpus)
		return cgroup->holds_io ? "memory, processes, cpus, io_weight"
					: "memory, processes, cpus";
	return cgroup->holds_io ? "memory, processes, io_weight" : "memory, processes";
}

const char *try_cgroup(const struct plan *plan, uint64_t *ret_ns)
{
	struct plan wanted = *plan;
	struct cgroup cgroup;
	uint64_t begin = now_ns();

	wanted.limits.cpus = SHARE_WHOLE;
	wanted.limits.io_weight = 100;
	cgroup_create(&wanted, &cgroup);
	const char *held = held_by(&cgroup);
	cgroup_remove(&cgroup);
	*ret_ns = now_ns() - begin;
	return held;
}
