/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Landlock wall, landlock(7).
 *
 * A second layer behind the mounts. It also holds what mounts cannot: which
 * files may be executed, that a descriptor handed in read-only is not opened
 * again for writing through /proc/self/fd, and that neither signals nor
 * abstract sockets leave the box's domain. Rights that the running kernel
 * does not know are left out; the result tells the version.
 */
#include "box/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sys.h"

/* include/uapi/linux/landlock.h; Debian 12's copy ends at version 2. */
#define ACCESS_EXECUTE	    (1ULL << 0)
#define ACCESS_WRITE_FILE   (1ULL << 1)
#define ACCESS_READ_FILE    (1ULL << 2)
#define ACCESS_READ_DIR	    (1ULL << 3)
#define ACCESS_REFER	    (1ULL << 13) /* version 2 */
#define ACCESS_TRUNCATE	    (1ULL << 14) /* version 3 */
#define ACCESS_IOCTL_DEV    (1ULL << 15) /* version 5 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)	 /* version 6 */
#define SCOPE_SIGNAL	    (1ULL << 1)	 /* version 6 */

#define ACCESS_FILE                                                                                \
	(ACCESS_EXECUTE | ACCESS_WRITE_FILE | ACCESS_READ_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)
#define ACCESS_ALL ((1ULL << 16) - 1)
#define ACCESS_DEVICES                                                                             \
	(ACCESS_READ_FILE | ACCESS_WRITE_FILE | ACCESS_READ_DIR | ACCESS_TRUNCATE |                \
	 ACCESS_IOCTL_DEV)
#define ACCESS_READ (ACCESS_EXECUTE | ACCESS_READ_FILE | ACCESS_READ_DIR)

enum {
	RULE_PATH_BENEATH = 1,
	CREATE_RULESET_VERSION = 1,
};

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* version 4; unused: the net namespace has no way out */
	uint64_t scoped;	     /* version 6 */
};

struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

struct ruleset {
	int fd;
	uint64_t handled;
	struct err *reterr;
};

static uint64_t known_accesses(int abi)
{
	uint64_t known = ACCESS_ALL;

	if (abi < 5)
		known &= ~ACCESS_IOCTL_DEV;
	if (abi < 3)
		known &= ~ACCESS_TRUNCATE;
	if (abi < 2)
		known &= ~ACCESS_REFER;
	return known;
}

static long add_rule(const struct ruleset *rules, int fd, uint64_t access, bool is_dir)
{
	struct path_beneath_attr rule = { .parent_fd = fd };

	rule.allowed_access = access & rules->handled & (is_dir ? ACCESS_ALL : ACCESS_FILE);
	if (!rule.allowed_access)
		return 0;
	return sys_call4(SYS_landlock_add_rule, rules->fd, RULE_PATH_BENEATH, &rule, 0);
}

static int allow_path(const struct ruleset *rules, const char *path, uint64_t access, bool is_dir)
{
	_cleanup_close_ int fd = sys_open(path, O_PATH | O_CLOEXEC, 0);

	if (fd < 0)
		return err_wall(rules->reterr, "landlock", -fd, "open", path);
	long r = add_rule(rules, fd, access, is_dir);
	return r < 0 ? err_wall(rules->reterr, "landlock", (int)-r, "allow", path) : 0;
}

static uint64_t step_access(const struct plan *plan, const struct step *step)
{
	uint64_t access = 0;

	switch (step->kind) {
	case STEP_BIND:
		if (step->flags & STEP_PIN)
			break; /* covered by the bind it pins */
		access = (step->flags & STEP_WRITABLE) && !(step->flags & STEP_PROTECTED)
				 ? ACCESS_ALL
				 : ACCESS_READ;
		break;
	case STEP_PRIVATE:
		access = ACCESS_ALL;
		break;
	case STEP_FILE:
		access = ACCESS_READ_FILE | ACCESS_EXECUTE;
		break;
	case STEP_PROC:
		access = ACCESS_DEVICES;
		break;
	case STEP_SOCKET: /* connecting to one is no access to a file */
	case STEP_DEVICE: /* stand below /dev: one rule, see allow_steps() */
	case STEP_DEVPTS:
	case STEP_DIR:
	case STEP_SYMLINK:
	case STEP_COVER: /* stands below a bind */
	case STEP_MASK:
	case STEP_ABSENT:
		break;
	}
	return plan->has_exec_list ? access & ~ACCESS_EXECUTE : access;
}

static int allow_steps(const struct ruleset *rules, const struct plan *plan, unsigned skipped_proc)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];
		uint64_t access = step_access(plan, step);

		if (!access || (step->kind == STEP_PROC && skipped_proc))
			continue;
		int r = allow_path(rules, step->box_path, access, step->flags & STEP_IS_DIR);
		if (r < 0)
			return r;
	}
	int r = allow_path(rules, "/dev", ACCESS_DEVICES, true);
	return r < 0 ? r : allow_path(rules, "/", ACCESS_READ_DIR, true);
}

/* The dynamic loader is opened for execution with every dynamic program. */
static int allow_programs(const struct ruleset *rules, const struct plan *plan)
{
	static const char *const loaders[] = { "/lib64/ld-linux-x86-64.so.2",
					       "/lib/ld-linux-aarch64.so.1",
					       "/lib/ld-musl-x86_64.so.1",
					       "/lib/ld-musl-aarch64.so.1" };

	for (size_t i = 0; i < plan->exec.len; i++) {
		int r = allow_path(rules, plan->exec.items[i], ACCESS_EXECUTE | ACCESS_READ_FILE,
				   false);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++) {
		int r = allow_path(rules, loaders[i], ACCESS_EXECUTE | ACCESS_READ_FILE, false);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

/*
 * Files the caller handed over as descriptors lie outside the box's tree.
 * /dev/stdout and the like open them again: with the rights they came with,
 * never more.
 */
static int allow_stdio(const struct ruleset *rules)
{
	for (int fd = 0; fd <= 2; fd++) {
		struct stat st;
		long flags = sys_call3(SYS_fcntl, fd, F_GETFL, 0);
		uint64_t access = 0;

		if (flags < 0 || sys_call2(SYS_fstat, fd, &st) < 0)
			continue;
		if ((flags & O_ACCMODE) != O_WRONLY)
			access |= ACCESS_READ_FILE;
		if ((flags & O_ACCMODE) != O_RDONLY)
			access |= ACCESS_WRITE_FILE | ACCESS_TRUNCATE;
		if ((flags & O_PATH) || S_ISDIR(st.st_mode))
			continue;
		long r = add_rule(rules, fd, access, false);
		/* Pipes and sockets have no place in a tree: EBADFD, and no rule is needed. */
		if (r < 0 && r != -EBADFD)
			return err_wall(rules->reterr, "landlock", (int)-r, "allow",
					"a standard descriptor");
	}
	return 0;
}

static int fail_lack(int abi, struct err *reterr)
{
	return err_wall(reterr, "landlock", abi < 0 ? -abi : ENOSYS, "use", "Landlock");
}

/* A ruleset that handles all file accesses of this version, and scopes. fd or -errno. */
static int make_ruleset(int abi, uint64_t handled)
{
	struct ruleset_attr attr = { .handled_access_fs = handled };
	size_t size = sizeof attr.handled_access_fs;

	if (abi >= 6) {
		attr.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
		size = sizeof attr;
	}
	return (int)sys_call3(SYS_landlock_create_ruleset, &attr, size, 0);
}

int landlock_abi(void)
{
	return (int)sys_call3(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
}

int landlock_apply(const struct plan *plan, int *ret_abi, struct err *reterr)
{
	int abi = landlock_abi();

	if (abi < 1 && plan->degradable[WALL_LANDLOCK]) {
		*ret_abi = 0;
		return 0;
	}
	if (abi < 1)
		return fail_lack(abi, reterr);
	struct ruleset rules = { .handled = known_accesses(abi), .reterr = reterr };
	_cleanup_close_ int fd = make_ruleset(abi, rules.handled);
	if (fd < 0)
		return err_wall(reterr, "landlock", -fd, "make", "a ruleset");
	rules.fd = fd;
	int r = allow_steps(&rules, plan, plan->degradable[WALL_PROC]);
	if (r == 0 && plan->has_exec_list)
		r = allow_programs(&rules, plan);
	if (r == 0)
		r = allow_stdio(&rules);
	if (r < 0)
		return r;
	r = (int)sys_call2(SYS_landlock_restrict_self, fd, 0);
	if (r < 0)
		return err_wall(reterr, "landlock", -r, "apply", "the ruleset");
	*ret_abi = abi;
	return 0;
}

int landlock_deny_files(bool may_lack, struct err *reterr)
{
	int abi = landlock_abi();

	if (abi < 1)
		return may_lack ? 0 : fail_lack(abi, reterr);
	_cleanup_close_ int fd = make_ruleset(abi, known_accesses(abi));
	int r = fd < 0 ? fd : (int)sys_call2(SYS_landlock_restrict_self, fd, 0);
	return r < 0 ? err_wall(reterr, "landlock", -r, "confine", "the broker") : 0;
}
