/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mount wall.
 *
 * Theory of operation: one tmpfs holds everything that is not the host's, in
 * two directories: root/ (what becomes "/", read-only in the end) and
 * private/ (one numbered entry for each private directory, generated file and
 * mask). The box sees private/ only through the mounts made of its entries,
 * so limits.tmp bounds them all together. Sources are opened refusing
 * symbolic links and compared with the inode the plan saw; mount points are
 * opened below the new root refusing links too, so nothing here follows a
 * path that a payload could have planted (runc and bubblewrap advisories in
 * aisbx-security(7)). Attributes are set on a tree before it is attached: at
 * no moment is it reachable with more rights than planned.
 */
#include "box/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/sys.h"

enum { PATH_BYTES = 4096 };

struct builder {
	const struct plan *plan;
	struct err *reterr;
	struct sources *sources;
	unsigned degraded;
	int base_fd; /* the tmpfs */
	int root_fd; /* root/ as its own mount */
	int private_fd;
	unsigned privates; /* entries of private/ so far */
};

/*** Text without libc's heap and stdio ***/

/* Decimal digits of value into buf (at least 21 bytes), terminated. */
static char *decimal(uint64_t value, char *buf)
{
	char digits[21];
	int n = 0, at = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n)
		buf[at++] = digits[--n];
	buf[at] = '\0';
	return buf;
}

static int fail(struct builder *builder, int error, const char *op, const char *subject)
{
	return err_wall(builder->reterr, "mount", -error, op, subject);
}

/*** Sources ***/

static bool is_expected_device(const char *path, dev_t rdev)
{
	static const struct {
		const char *path;
		unsigned major, minor;
	} known[] = { { "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },	 { "/dev/full", 1, 7 },
		      { "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 } };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(path, known[i].path) == 0)
			return major(rdev) == known[i].major && minor(rdev) == known[i].minor;
	}
	return false;
}

static int check_identity(const struct step *step, int fd, struct err *reterr)
{
	struct stat st;
	long r = sys_call4(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH);

	if (r < 0)
		return err_wall(reterr, "mount", (int)-r, "inspect", step->host_path);
	if (step->kind == STEP_DEVICE) {
		if (S_ISCHR(st.st_mode) && is_expected_device(step->host_path, st.st_rdev))
			return 0;
		err_wall(reterr, "mount", ENODEV, "use", step->host_path);
		err_hint(reterr, "it is not the device of that name on this host");
		return -ENODEV;
	}
	if (st.st_dev != step->dev || st.st_ino != step->ino) {
		err_wall(reterr, "mount", ESTALE, "grant", step->host_path);
		err_hint(reterr, "it was replaced while the box was starting; run again");
		return -ESTALE;
	}
	return 0;
}

static int set_attributes(int fd, const struct step *step, int idmap_fd)
{
	bool recursive = step->kind == STEP_BIND && (step->flags & STEP_IS_DIR);
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID, .propagation = MS_PRIVATE };

	if (!(step->flags & STEP_WRITABLE) || (step->flags & STEP_PROTECTED))
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	if (step->kind != STEP_DEVICE)
		attr.attr_set |= MOUNT_ATTR_NODEV;
	if ((step->flags & STEP_NOEXEC) || step->kind == STEP_DEVICE)
		attr.attr_set |= MOUNT_ATTR_NOEXEC;
	if ((step->flags & STEP_IDMAP) && idmap_fd >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)idmap_fd;
	}
	return sys_mount_setattr(fd, AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr);
}

/*
 * Opens a detached copy of a step's source after checking that it is still the
 * object the plan saw, and sets its attributes. idmap_fd is a user namespace
 * for STEP_IDMAP, or -1.
 */
static int open_source(const struct plan *plan, const struct step *step, int idmap_fd,
		       int *ret_fd, struct err *reterr)
{
	unsigned recursive = (step->flags & STEP_IS_DIR) ? AT_RECURSIVE : 0;
	_cleanup_close_ int found = sys_openat2(AT_FDCWD, step->host_path, O_PATH | O_CLOEXEC, 0,
						RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

	if (found < 0)
		return err_wall(reterr, "mount", -found, "open", step->host_path);
	int r = check_identity(step, found, reterr);
	if (r < 0)
		return r;
	_cleanup_close_ int tree = sys_open_tree(
		found, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive);
	if (tree < 0)
		return err_wall(reterr, "mount", -tree, "copy the mount of", step->host_path);
	r = set_attributes(tree, step, idmap_fd);
	if (r < 0 && (step->flags & STEP_IDMAP) && plan->degradable[WALL_IDMAP])
		r = set_attributes(tree, step, -1);
	if (r < 0 && (step->flags & STEP_IDMAP)) {
		err_wall(reterr, "idmap", -r, "map the owner of", step->host_path);
		err_hint(reterr, "its file system cannot be idmapped: run aisbx as the user who "
				 "owns the files, copy them to ext4, xfs or btrfs, or add "
				 "--allow-degraded idmap");
		return r;
	}
	if (r < 0)
		return err_wall(reterr, "mount", -r, "restrict the mount of", step->host_path);
	*ret_fd = steal_fd(&tree);
	return 0;
}

static bool has_source(const struct step *step)
{
	return step->kind == STEP_BIND || step->kind == STEP_DEVICE;
}

static int open_step(const struct plan *plan, size_t i, int idmap_fd, struct sources *sources,
		     struct err *reterr)
{
	const struct step *step = &plan->steps[i];
	int r = open_source(plan, step, idmap_fd, &sources->tree[i], reterr);

	if (r < 0 || !(step->flags & STEP_PROTECTED))
		return r;
	struct step writable = *step;
	writable.flags &= ~(unsigned)STEP_PROTECTED;
	return open_source(plan, &writable, idmap_fd, &sources->writable[i], reterr);
}

void sources_init(struct arena *arena, const struct plan *plan, struct sources *ret_sources)
{
	ret_sources->tree = arena_alloc(arena, plan->steps_len * sizeof(int));
	ret_sources->writable = arena_alloc(arena, plan->steps_len * sizeof(int));
	for (size_t i = 0; i < plan->steps_len; i++) {
		ret_sources->tree[i] = -1;
		ret_sources->writable[i] = -1;
	}
}

int sources_open(const struct plan *plan, int idmap_fd, struct sources *sources,
		 struct err *reterr)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		int r = has_source(&plan->steps[i])
				? open_step(plan, i, idmap_fd, sources, reterr)
				: 0;
		if (r < 0)
			return r;
	}
	return 0;
}

void sources_close(const struct plan *plan, struct sources *sources)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		close_keeping_errno(sources->tree[i]);
		close_keeping_errno(sources->writable[i]);
		sources->tree[i] = -1;
		sources->writable[i] = -1;
	}
}

/*** Targets below the new root ***/

/* Opens a path of the box without following links. O_PATH. */
static int open_in_root(const struct builder *builder, const char *box_path)
{
	return sys_openat2(builder->root_fd, box_path + 1, O_PATH | O_CLOEXEC | O_NOFOLLOW, 0,
			   RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* Splits box_path: the open parent and the last component within box_path. */
static int open_parent(const struct builder *builder, const char *box_path, const char **ret_name)
{
	char parent[PATH_BYTES];
	const char *slash = strrchr(box_path, '/');
	size_t len = (size_t)(slash - box_path);

	if (len >= sizeof parent)
		return -ENAMETOOLONG;
	*ret_name = slash + 1;
	if (len == 0)
		return sys_openat2(builder->root_fd, ".", O_PATH | O_CLOEXEC | O_DIRECTORY, 0, 0);
	memcpy(parent, box_path, len);
	parent[len] = '\0';
	return open_in_root(builder, parent);
}

static int make_directory(struct builder *builder, const char *box_path, mode_t mode)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(builder, box_path, &name);

	if (dir < 0)
		return dir;
	int r = (int)sys_call3(SYS_mkdirat, dir, name, mode);
	return r == -EEXIST ? 0 : r;
}

static int write_file(int dir, const char *name, const char *text, size_t len, mode_t mode)
{
	_cleanup_close_ int fd = sys_openat2(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
					     mode, RESOLVE_NO_SYMLINKS);

	if (fd < 0)
		return fd;
	while (len) {
		long n = sys_write(fd, text, len);
		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int make_file(struct builder *builder, const struct step *step)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(builder, step->box_path, &name);

	if (dir < 0)
		return dir;
	return write_file(dir, name, step->text, step->text_len, step->mode);
}

static int make_symlink(struct builder *builder, const struct step *step)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(builder, step->box_path, &name);

	if (dir < 0)
		return dir;
	return (int)sys_call3(SYS_symlinkat, step->text, dir, name);
}

/* The mount point: made in memory, or already there on a bind. */
static int make_mount_point(struct builder *builder, const struct step *step)
{
	const char *name;

	if (step->flags & STEP_ON_BIND)
		return 0;
	if (step->flags & STEP_IS_DIR)
		return make_directory(builder, step->box_path, 0755);
	_cleanup_close_ int dir = open_parent(builder, step->box_path, &name);
	if (dir < 0)
		return dir;
	return write_file(dir, name, "", 0, 0444);
}

static int attach(struct builder *builder, const struct step *step, int tree)
{
	_cleanup_close_ int target = open_in_root(builder, step->box_path);

	if (target < 0)
		return target;
	return sys_move_mount(tree, target);
}

/*** Steps ***/

static int attach_bind(struct builder *builder, const struct step *step)
{
	size_t i = (size_t)(step - builder->plan->steps);
	int *tree = &builder->sources->tree[i];

	if (*tree < 0) {
		int r = open_step(builder->plan, i, -1, builder->sources, builder->reterr);
		if (r < 0)
			return r;
	}
	int r = attach(builder, step, *tree);
	close_keeping_errno(*tree);
	*tree = -1;
	return r < 0 ? fail(builder, r, "mount", step->box_path) : 0;
}

/* A numbered entry of private/ as a detached mount. */
static int open_private(struct builder *builder, const struct step *step, int *ret_tree)
{
	char name[21];
	int r;

	(void)decimal(builder->privates++, name);
	if (step->flags & STEP_IS_DIR)
		r = (int)sys_call3(SYS_mkdirat, builder->private_fd, name, step->mode);
	else
		r = write_file(builder->private_fd, name, step->text, step->text_len, step->mode);
	if (r < 0)
		return r;
	_cleanup_close_ int tree = sys_open_tree(builder->private_fd, name,
						 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return tree;
	/* A mask with something mounted below it is closed at the end: finish_masks(). */
	if (!(step->kind == STEP_MASK && step->mode != 0)) {
		r = set_attributes(tree, step, -1);
		if (r < 0)
			return r;
	}
	*ret_tree = steal_fd(&tree);
	return 0;
}

static int attach_private(struct builder *builder, const struct step *step)
{
	_cleanup_close_ int tree = -1;
	int r = open_private(builder, step, &tree);

	if (r < 0)
		return r;
	return attach(builder, step, tree);
}

static int finish_masks(struct builder *builder)
{
	const struct plan *plan = builder->plan;

	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind != STEP_MASK || step->mode == 0)
			continue;
		_cleanup_close_ int fd = open_in_root(builder, step->box_path);
		int r = fd < 0 ? fd : set_attributes(fd, step, -1);
		if (r < 0)
			return fail(builder, r, "hide", step->box_path);
	}
	return 0;
}

static int mount_filesystem(const char *type, const char *const options[][2], unsigned attrs,
			    int *ret_fd)
{
	_cleanup_close_ int context = sys_fsopen(type);
	int r;

	if (context < 0)
		return context;
	for (size_t i = 0; options[i][0]; i++) {
		r = sys_fsconfig(context, FSCONFIG_SET_STRING, options[i][0], options[i][1]);
		if (r < 0)
			return r;
	}
	r = sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (r < 0)
		return r;
	r = sys_fsmount(context, attrs);
	if (r < 0)
		return r;
	*ret_fd = r;
	return 0;
}

static int attach_devpts(struct builder *builder, const struct step *step)
{
	static const char *const options[][2] = { { "ptmxmode", "0666" },
						  { "mode", "0620" },
						  { NULL, NULL } };
	_cleanup_close_ int fd = -1;
	int r = mount_filesystem("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &fd);

	if (r < 0)
		return r;
	return attach(builder, step, fd);
}

/*
 * World-readable files of proc(5) that tell of the host rather than of the
 * box. Files that only root may touch need no mask: the box has no root, and
 * the whole mount is read-only.
 */
static const char *const proc_masks[] = {
	"/proc/acpi",	    "/proc/asound",	   "/proc/cmdline",   "/proc/interrupts",
	"/proc/kallsyms",   "/proc/kcore",	   "/proc/key-users", "/proc/keys",
	"/proc/kmsg",	    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
	"/proc/sysrq-trigger", "/proc/timer_list", NULL
};

static int mask_proc(struct builder *builder, int file_fd, int dir_fd)
{
	for (size_t i = 0; proc_masks[i]; i++) {
		struct stat st;
		_cleanup_close_ int target = open_in_root(builder, proc_masks[i]);

		if (target == -ENOENT)
			continue;
		if (target < 0)
			return fail(builder, target, "hide", proc_masks[i]);
		long r = sys_call4(SYS_newfstatat, target, "", &st, AT_EMPTY_PATH);
		_cleanup_close_ int tree = -1;
		if (r == 0) {
			tree = sys_open_tree(S_ISDIR(st.st_mode) ? dir_fd : file_fd, "",
					     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
			r = tree < 0 ? tree : sys_move_mount(tree, target);
		}
		if (r < 0)
			return fail(builder, (int)r, "hide", proc_masks[i]);
	}
	return 0;
}

static int open_mask(struct builder *builder, unsigned flags, int *ret_fd)
{
	const struct step mask = { .kind = STEP_MASK, .flags = flags, .text = "" };
	_cleanup_close_ int tree = -1;
	int r = open_private(builder, &mask, &tree);

	if (r < 0)
		return fail(builder, r, "make the mask of", "/proc");
	*ret_fd = steal_fd(&tree);
	return 0;
}

static int attach_proc(struct builder *builder, const struct step *step)
{
	/* hidepid=ptraceable: init, which is not dumpable, does not exist for the payload. */
	static const char *const options[][2] = { { "hidepid", "ptraceable" }, { NULL, NULL } };
	_cleanup_close_ int fd = -1, file_fd = -1, dir_fd = -1;
	int r = mount_filesystem("proc", options,
				 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					 MOUNT_ATTR_NOEXEC,
				 &fd);

	if (r < 0 && builder->plan->degradable[WALL_PROC]) {
		builder->degraded |= 1U << WALL_PROC;
		return 0;
	}
	if (r < 0) {
		err_wall(builder->reterr, "proc", -r, "mount", "/proc");
		err_hint(builder->reterr,
			 "in a container that masks parts of /proc, start it with "
			 "--security-opt systempaths=unconfined, or add --allow-degraded proc");
		return r;
	}
	r = attach(builder, step, fd);
	if (r < 0)
		return fail(builder, r, "mount", "/proc");
	r = open_mask(builder, 0, &file_fd);
	if (r == 0)
		r = open_mask(builder, STEP_IS_DIR, &dir_fd);
	return r < 0 ? r : mask_proc(builder, file_fd, dir_fd);
}

static int apply_mount(struct builder *builder, const struct step *step)
{
	int r = make_mount_point(builder, step);

	if (r < 0)
		return fail(builder, r, "make the mount point", step->box_path);
	if (step->kind == STEP_BIND || step->kind == STEP_DEVICE)
		return attach_bind(builder, step);
	if (step->kind == STEP_PROC)
		return attach_proc(builder, step);
	r = step->kind == STEP_DEVPTS ? attach_devpts(builder, step)
				      : attach_private(builder, step);
	return r < 0 ? fail(builder, r, "mount", step->box_path) : 0;
}

static int apply_step(struct builder *builder, const struct step *step)
{
	int r = 0;

	switch (step->kind) {
	case STEP_DIR:
		r = make_directory(builder, step->box_path, step->mode);
		break;
	case STEP_SYMLINK:
		r = make_symlink(builder, step);
		break;
	case STEP_FILE:
		r = make_file(builder, step);
		break;
	case STEP_BIND:
	case STEP_DEVICE:
	case STEP_PROC:
	case STEP_PRIVATE:
	case STEP_MASK:
	case STEP_COVER:
	case STEP_DEVPTS:
		return apply_mount(builder, step);
	}
	return r < 0 ? fail(builder, r, "make", step->box_path) : 0;
}

static int apply_steps(struct builder *builder)
{
	const struct plan *plan = builder->plan;

	for (size_t i = 0; i < plan->steps_len; i++) {
		int r = apply_step(builder, &plan->steps[i]);
		if (r < 0)
			return r;
	}
	return finish_masks(builder);
}

/*** The root ***/

/* tmpfs counts whole pages; what aisbx itself puts there is on top of the limit. */
static int open_memory(struct builder *builder)
{
	enum { OVERHEAD_BYTES = 1 << 20, BYTES_PER_INODE = 4096, SPARE_INODES = 1024 };
	const struct plan *plan = builder->plan;
	uint64_t bytes = plan->limits.tmp + plan->code_len + OVERHEAD_BYTES;
	char size[21], inodes[21];
	const char *const options[][2] = {
		{ "mode", "0755" },
		{ "size", decimal(bytes, size) },
		{ "nr_inodes", decimal(plan->limits.tmp / BYTES_PER_INODE + SPARE_INODES, inodes) },
		{ NULL, NULL }
	};
	int r = mount_filesystem("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
				 &builder->base_fd);

	return r < 0 ? fail(builder, r, "mount", "tmpfs") : 0;
}

/*
 * The tmpfs goes on top of "/" without being entered: absolute paths of the
 * host keep their meaning, because lookups start at the process's root, which
 * stays the mount below.
 */
static int open_root(struct builder *builder)
{
	_cleanup_close_ int slash = sys_openat2(AT_FDCWD, "/", O_PATH | O_CLOEXEC, 0, 0);
	int r = slash < 0 ? slash : sys_move_mount(builder->base_fd, slash);

	if (r < 0)
		return fail(builder, r, "mount", "/");
	r = (int)sys_call3(SYS_mkdirat, builder->base_fd, "root", 0755);
	if (r == 0)
		r = (int)sys_call3(SYS_mkdirat, builder->base_fd, "private", 0700);
	if (r < 0)
		return fail(builder, r, "make", "/root");
	builder->private_fd = sys_openat2(builder->base_fd, "private", O_PATH | O_CLOEXEC, 0, 0);
	builder->root_fd = sys_open_tree(builder->base_fd, "root",
					 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (builder->private_fd < 0 || builder->root_fd < 0)
		return fail(builder, builder->root_fd < 0 ? builder->root_fd : builder->private_fd,
			    "open", "/");
	_cleanup_close_ int target = sys_openat2(builder->base_fd, "root", O_PATH | O_CLOEXEC, 0, 0);
	r = target < 0 ? target : sys_move_mount(builder->root_fd, target);
	return r < 0 ? fail(builder, r, "mount", "/") : 0;
}

/* What lies on top of the current directory's mount, then that mount itself. */
static int detach_old_root(int old)
{
	int r = (int)sys_call1(SYS_fchdir, old);

	/* umount2(2) takes the topmost mount of a place: first the tmpfs, then the old root. */
	for (int i = 0; r == 0 && i < 2; i++)
		r = (int)sys_call2(SYS_umount2, ".", MNT_DETACH);
	return r == 0 ? (int)sys_call1(SYS_chdir, "/") : r;
}

/* Reads back that nothing but the new root is left: "/.." is where an old one would show. */
static int check_root(const struct builder *builder)
{
	struct statx root, above;
	long r = sys_call5(SYS_statx, builder->root_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &root);

	if (r == 0)
		r = sys_call5(SYS_statx, AT_FDCWD, "/..", 0, STATX_MNT_ID, &above);
	if (r == 0 && root.stx_mnt_id != above.stx_mnt_id)
		r = -EXDEV;
	return (int)r;
}

/* After this, no path leads to the host. */
static int enter_root(struct builder *builder)
{
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	_cleanup_close_ int old = sys_openat2(AT_FDCWD, "/", O_PATH | O_CLOEXEC | O_DIRECTORY, 0, 0);
	int r = old < 0 ? old : sys_mount_setattr(builder->root_fd, AT_EMPTY_PATH, &read_only);

	if (r == 0)
		r = (int)sys_call1(SYS_fchdir, builder->root_fd);
	/* pivot_root(".", "."): the old root is stacked on the new one, see pivot_root(2). */
	if (r == 0)
		r = (int)sys_call2(SYS_pivot_root, ".", ".");
	if (r == 0)
		r = detach_old_root(old);
	if (r == 0)
		r = check_root(builder);
	return r < 0 ? fail(builder, r, "enter", "/") : 0;
}

int mounts_apply(const struct plan *plan, struct sources *sources, unsigned *ret_degraded,
		 struct err *reterr)
{
	struct builder builder = { .plan = plan, .reterr = reterr, .sources = sources,
				   .base_fd = -1, .root_fd = -1, .private_fd = -1 };
	int r;

	(void)sys_call1(SYS_umask, 0); /* modes below are exact; payload.c sets the box's */
	r = open_memory(&builder);
	if (r == 0)
		r = open_root(&builder);
	if (r == 0)
		r = apply_steps(&builder);
	if (r == 0)
		r = enter_root(&builder);
	close_keeping_errno(builder.private_fd);
	close_keeping_errno(builder.base_fd);
	close_keeping_errno(builder.root_fd);
	if (r == 0)
		*ret_degraded |= builder.degraded;
	return r;
}
