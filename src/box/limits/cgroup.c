/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cgroup v2 for a box: see cgroup.h. */
#include "box/limits/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/init.h"
#include "box/limits/scope.h"
#include "box/phase.h"

#define CGROUPS "/sys/fs/cgroup"

enum {
	PATH_BYTES = 4096,
	GUARD_STACK_BYTES = 8192,
	GUARD_TRIES = 10000,   /* a millisecond each */
	SCOPE_WAIT_MS = 25000, /* as D-Bus does */
	SCOPE_TRIES = 1000,    /* a millisecond each */
};

/*** Files of a cgroup ***/

/* Terminated. False when there is none, or it does not fit. */
static bool read_file(int dir_fd, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size);

	if (n < 0 || (size_t)n >= size)
		return false;
	buf[n] = '\0';
	return true;
}

static bool write_file(int dir_fd, const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool write_number(int dir_fd, const char *name, uint64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	return write_file(dir_fd, name, text);
}

/* The value on the line of that key, 0 when there is none. */
static uint64_t read_value(int dir_fd, const char *name, const char *key)
{
	char text[1024];
	size_t len = strlen(key);

	if (dir_fd < 0 || !read_file(dir_fd, name, text, sizeof text))
		return 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0)
			return strtoull(line + len, NULL, 10);
	}
	return 0;
}

/*** Where one can be made ***/

/* "0::/a/b" of such a file of /proc, as a path below CGROUPS. */
static bool read_path(const char *file, char path[PATH_BYTES])
{
	char text[PATH_BYTES];

	if (!read_file(AT_FDCWD, file, text, sizeof text))
		return false;
	char *line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
	if (!line)
		return false;
	line = strchr(line, '/');
	line[strcspn(line, "\n")] = '\0';
	/* Above the root of our cgroup namespace: not to be seen here. */
	if (strncmp(line, "/..", 3) == 0)
		return false;
	return snprintf(path, PATH_BYTES, CGROUPS "%s", line) < PATH_BYTES;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; *text; text += strcspn(text, " \n"), text += strspn(text, " \n")) {
		if (strncmp(text, word, len) == 0 && strchr(" \n", text[len]))
			return true;
	}
	return false;
}

/* What only a cgroup holds, or holds best; false: it is there and cannot be set. */
static bool set_shares(const struct plan *plan, const char *controllers, struct cgroup *cgroup)
{
	enum {
		PERIOD_US = 100000 /* the kernel's default */
	};
	const struct limits *limits = &plan->limits;
	char text[64];

	if (limits->cpus != LIMIT_NONE && has_word(controllers, "cpu")) {
		(void)snprintf(text, sizeof text, "%llu %d",
			       (unsigned long long)(limits->cpus * PERIOD_US / SHARE_WHOLE),
			       PERIOD_US);
		cgroup->holds_cpus = write_file(cgroup->fd, "cpu.max", text);
		if (!cgroup->holds_cpus)
			return false;
	}
	if (limits->io_weight != LIMIT_NONE && has_word(controllers, "io")) {
		/* There only with a scheduler or controller of block devices that weighs. */
		cgroup->holds_io = write_number(cgroup->fd, "io.weight", limits->io_weight);
	}
	return true;
}

static bool set_limits(const struct plan *plan, const char *controllers, struct cgroup *cgroup)
{
	const struct limits *limits = &plan->limits;
	int fd = cgroup->fd;

	if (limits->memory != LIMIT_NONE && (!write_number(fd, "memory.max", limits->memory) ||
					     !write_file(fd, "memory.oom.group", "1")))
		return false;
	/* Without swap there is no such file, and nothing to forbid. */
	if (limits->memory != LIMIT_NONE && !write_file(fd, "memory.swap.max", "0") &&
	    errno != ENOENT)
		return false;
	/* init is one more. For a single one an rlimit does: the box's builder is there first. */
	cgroup->holds_processes = limits->processes > 1 && limits->processes < LIMIT_NONE &&
				  has_word(controllers, "pids");
	return !cgroup->holds_processes || write_number(fd, "pids.max", limits->processes + 1);
}

/*** The guard ***/

static const struct timespec millisecond = { .tv_nsec = 1000000 };

static struct {
	int read_fd, parent_fd; /* parent_fd -1: it is for systemd to remove it */
	char name[sizeof((struct cgroup *)NULL)->name];
	char kill_path[64];
	char stack[GUARD_STACK_BYTES] __attribute__((aligned(16)));
} guard;

/*
 * systemd takes note of the end of processes that are in the scope, not of ones that die on
 * their way in there: asked to move those, it would keep an empty scope for ever. So who was
 * to be moved waits for it, for a while.
 */
static void await_scope(void)
{
	char text[2048];

	for (int i = 0; i < SCOPE_TRIES; i++) {
		int fd = sys_open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC, 0);
		long n = fd < 0 ? -1 : sys_read(fd, text, sizeof text - 1);

		(void)sys_close(fd);
		text[n > 0 ? n : 0] = '\0';
		if (strstr(text, guard.name))
			return;
		(void)sys_call2(SYS_nanosleep, &millisecond, NULL);
	}
}

/*
 * Shares memory with the supervisor, which may be in the middle of anything: sys_* only. Its
 * descriptors are its own, and none of the caller's: a pipe of theirs must see its end.
 */
static int guard_main(void *unused)
{
	enum {
		SUPERVISOR,
		PARENT,
		FIRST_UNUSED
	};
	char byte;

	(void)unused;
	(void)sys_call0(SYS_setsid); /* a signal to the caller's process group is not for us */
	(void)sys_call3(SYS_dup3, guard.read_fd, SUPERVISOR, 0);
	(void)sys_call3(SYS_dup3, guard.parent_fd, PARENT, 0);
	(void)sys_call3(SYS_close_range, guard.parent_fd < 0 ? PARENT : FIRST_UNUSED, ~0U, 0);
	while (sys_read(SUPERVISOR, &byte, 1) == -EINTR)
		;
	if (guard.parent_fd < 0) {
		await_scope();
		sys_exit_group(0);
	}
	/* The supervisor is gone; what it did not get to is what is left to do. */
	int kill_fd = sys_openat2(PARENT, guard.kill_path, O_WRONLY | O_CLOEXEC, 0, 0);
	if (kill_fd >= 0) /* since Linux 5.14; init's own end does the same */
		(void)sys_write(kill_fd, "1", 1);
	(void)sys_close(kill_fd);
	for (int i = 0; i < GUARD_TRIES; i++) {
		long r = sys_call3(SYS_unlinkat, PARENT, guard.name, AT_REMOVEDIR);

		if (r == 0 || r == -ENOENT)
			break;
		(void)sys_call2(SYS_nanosleep, &millisecond, NULL);
	}
	sys_exit_group(0);
}

static bool start_guard(struct cgroup *cgroup, int parent_fd)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	guard.read_fd = ends[0];
	guard.parent_fd = parent_fd;
	memcpy(guard.name, cgroup->name, sizeof guard.name);
	(void)snprintf(guard.kill_path, sizeof guard.kill_path, "%s/cgroup.kill", cgroup->name);
	/* No signal at its end: SIGCHLD stands for the box. */
	cgroup->guard = clone(guard_main, guard.stack + sizeof guard.stack, CLONE_VM, NULL);
	(void)close(ends[0]);
	cgroup->guard_fd = ends[1];
	return cgroup->guard >= 0;
}

/* It ends as it would without us. */
static void let_guard_go(struct cgroup *cgroup)
{
	close_keeping_errno(cgroup->guard_fd);
	cgroup->guard_fd = -1;
	while (cgroup->guard > 0 && waitpid(cgroup->guard, NULL, __WALL) < 0 && errno == EINTR)
		;
	cgroup->guard = -1;
}

static void stop_guard(struct cgroup *cgroup)
{
	if (cgroup->guard > 0)
		(void)kill(cgroup->guard, SIGKILL); /* our child, not reaped: cannot miss */
	let_guard_go(cgroup);
}

/*** Making and removing ***/

/* Its children are systemd's, which passes cpu and io on while one of its units has a use for them. */
static bool is_slice(const char *path)
{
	size_t len = strlen(path), suffix_len = strlen(".slice");

	return len > suffix_len && strcmp(path + len - suffix_len, ".slice") == 0;
}

/* Below the directory path, if that passes on what it takes. */
static bool make_below(const struct plan *plan, const char *path, struct cgroup *cgroup)
{
	char controllers[256];
	_cleanup_close_ int parent_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (parent_fd < 0 ||
	    !read_file(parent_fd, "cgroup.subtree_control", controllers, sizeof controllers) ||
	    (plan->limits.memory != LIMIT_NONE && !has_word(controllers, "memory")) ||
	    faccessat(parent_fd, ".", W_OK, AT_EACCESS) < 0)
		return false;
	/* The guard first: between it and us nothing can be left behind. */
	if (!start_guard(cgroup, parent_fd) || mkdirat(parent_fd, cgroup->name, 0755) < 0) {
		stop_guard(cgroup);
		return false;
	}
	cgroup->parent_fd = steal_fd(&parent_fd);
	cgroup->fd = openat(cgroup->parent_fd, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup->fd >= 0 && set_limits(plan, controllers, cgroup) &&
	    set_shares(plan, is_slice(path) ? "" : controllers, cgroup))
		return true;
	cgroup_remove(cgroup);
	return false;
}

void cgroup_create(const struct plan *plan, struct cgroup *cgroup)
{
	struct cgroup none = CGROUP_NONE;
	char path[PATH_BYTES];
	struct statfs fs;

	*cgroup = none;
	/* Where it is not mounted, or beside v1, which then has the controllers: one call. */
	if (statfs(CGROUPS, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC ||
	    !read_path("/proc/self/cgroup", path))
		return;
	(void)snprintf(cgroup->name, sizeof cgroup->name, "aisbx-%s", plan->run);
	if (strcmp(path, CGROUPS "/") != 0) {
		char *slash = strrchr(path, '/');

		*slash = '\0';
		if (make_below(plan, path, cgroup))
			return;
		*slash = '/';
	}
	/* A root, of the host or of a namespace, may have both processes and cgroups in it. */
	(void)make_below(plan, path, cgroup);
}

/*** In a scope ***/

bool cgroup_lacks(const struct plan *plan, const struct cgroup *cgroup)
{
	const struct limits *limits = &plan->limits;
	bool wants_watching = limits->memory != LIMIT_NONE || limits->cpu_ms != LIMIT_NONE;

	return (limits->cpus != LIMIT_NONE && limits->cpus % SHARE_WHOLE != 0 &&
		!cgroup->holds_cpus) ||
	       (limits->io_weight != LIMIT_NONE && !cgroup->holds_io) ||
	       /* A box without /proc cannot be looked at. */
	       (wants_watching && cgroup->fd < 0 && plan->degradable[WALL_PROC]);
}

/* That of the scope: another process was moved if init is not there. */
static bool find_scope(const struct plan *plan, pid_t init, char path[PATH_BYTES])
{
	char file[32], scope[64];

	(void)snprintf(file, sizeof file, "/proc/%d/cgroup", init);
	(void)snprintf(scope, sizeof scope, "/aisbx-%s.scope", plan->run);
	if (!read_path(file, path))
		return false;
	size_t path_len = strlen(path), len = strlen(scope);
	return path_len > len && strcmp(path + path_len - len, scope) == 0;
}

/* Controllers are passed on once no process is left in the scope itself. */
static bool fill_scope(const struct plan *plan, pid_t init, struct cgroup *cgroup)
{
	static const char *const names[] = { "+memory", "+pids", "+cpu", "+io" };
	char controllers[256];

	if (mkdirat(cgroup->parent_fd, cgroup->name, 0755) < 0 ||
	    mkdirat(cgroup->parent_fd, "guard", 0755) < 0)
		return false;
	cgroup->fd = openat(cgroup->parent_fd, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup->fd < 0 || !write_number(cgroup->fd, "cgroup.procs", (uint64_t)init) ||
	    !write_number(cgroup->parent_fd, "guard/cgroup.procs", (uint64_t)cgroup->guard))
		return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)write_file(cgroup->parent_fd, "cgroup.subtree_control", names[i]);
	return read_file(cgroup->parent_fd, "cgroup.subtree_control", controllers,
			 sizeof controllers) &&
	       (plan->limits.memory == LIMIT_NONE || has_word(controllers, "memory")) &&
	       set_limits(plan, controllers, cgroup) && set_shares(plan, controllers, cgroup);
}

void cgroup_create_in_scope(const struct plan *plan, pid_t init, struct cgroup *cgroup,
			    char why[CGROUP_WHY_BYTES])
{
	const struct limits *limits = &plan->limits;
	int wait_ms = limits->wall_ms < SCOPE_WAIT_MS ? (int)limits->wall_ms : SCOPE_WAIT_MS;
	struct cgroup none = CGROUP_NONE;
	char path[PATH_BYTES];

	*cgroup = none;
	cgroup->in_scope = true;
	(void)snprintf(cgroup->name, sizeof cgroup->name, "aisbx-%s", plan->run);
	(void)snprintf(why, CGROUP_WHY_BYTES, "out of processes");
	/* In the scope too: without it systemd may remove the cgroup before it is read. */
	if (!start_guard(cgroup, -1))
		return;
	const pid_t pids[] = { init, cgroup->guard };
	int r = scope_enter(cgroup->name, pids, wait_ms, why, CGROUP_WHY_BYTES);
	if (r == -EINTR)
		let_guard_go(cgroup);
	if (r < 0) {
		cgroup_remove(cgroup);
		return;
	}
	if (find_scope(plan, init, path))
		cgroup->parent_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(why, CGROUP_WHY_BYTES, "%s",
		       cgroup->parent_fd < 0
			       ? "the box is not in its scope"
			       : "its scope lacks the controller: see Delegate= in user@.service");
	if (cgroup->parent_fd < 0 || !fill_scope(plan, init, cgroup))
		cgroup_remove(cgroup);
}

int cgroup_await(struct init *init, struct err *reterr)
{
	struct record record;
	int r = phase_receive(init->socket_fd, TO_INIT, &record);

	if (r <= 0 || record.phase != PH_PLACED) /* 0: nobody is left to hear of it */
		return err_wall(reterr, "limits", r < 0 ? -r : EPROTO, "await", "the cgroup");
	init->in_cgroup = record.placed.in_cgroup;
	init->holds_cpus = record.placed.holds_cpus;
	init->holds_processes = record.placed.holds_processes;
	/* The namespace of clone3(2) begins at the caller's own. */
	r = (int)sys_call1(SYS_unshare, CLONE_NEWCGROUP);
	return r < 0 && !init->plan->degradable[WALL_CGROUP]
		       ? err_wall(reterr, "cgroup", -r, "make", "a cgroup namespace")
		       : 0;
}

void cgroup_let_end(const struct cgroup *cgroup)
{
	if (cgroup->holds_cpus)
		(void)write_file(cgroup->fd, "cpu.max", "max");
}

void cgroup_remove(struct cgroup *cgroup)
{
	if (cgroup->parent_fd >= 0)
		(void)unlinkat(cgroup->parent_fd, cgroup->name, AT_REMOVEDIR);
	stop_guard(cgroup);
	close_keeping_errno(cgroup->fd);
	close_keeping_errno(cgroup->parent_fd);
	cgroup->fd = cgroup->parent_fd = -1;
	cgroup->holds_cpus = cgroup->holds_io = cgroup->holds_processes = false;
}

/*** Figures ***/

uint64_t cgroup_cpu_us(const struct cgroup *cgroup)
{
	return read_value(cgroup->fd, "cpu.stat", "usage_usec ");
}

uint64_t cgroup_peak_memory(const struct cgroup *cgroup)
{
	return read_value(cgroup->fd, "memory.peak", "");
}

uint64_t cgroup_peak_tasks(const struct cgroup *cgroup)
{
	enum {
		SET_UP = 3 /* init, the command before it is executed, and the builder: build.c */
	};
	uint64_t peak = read_value(cgroup->fd, "pids.peak", "");

	return peak > SET_UP ? peak - 1 : 0;
}

/*
 * Before Linux 6.11 what a cgroup around it refused is counted here, too: then it never had as
 * many as it may.
 */
uint64_t cgroup_refused_tasks(const struct cgroup *cgroup, uint64_t limit)
{
	uint64_t peak = cgroup_peak_tasks(cgroup);

	if (peak > 0 && peak < limit)
		return 0;
	return read_value(cgroup->fd, "pids.events", "max ");
}

bool cgroup_was_full(const struct cgroup *cgroup)
{
	return read_value(cgroup->fd, "memory.events", "oom ") > 0 &&
	       read_value(cgroup->fd, "memory.events", "oom_kill ") > 0;
}
