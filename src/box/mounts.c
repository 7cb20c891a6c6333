/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mount wall.
 *
 * Theory of operation: one tmpfs holds everything that is not the host's, in
 * two directories: root/ (what becomes "/", read-only in the end) and
 * private/ (one numbered entry for each private directory, generated file and
 * mask).  The box sees private/ only through the mounts made of its entries,
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
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "base/text.h"
#include "bindings/server.h"
#include "box/gateway.h"
#include "box/layers.h"
#include "box/timing.h"
#include "policy/paths.h"

enum {
	PATH_BYTES = 4096
};

struct builder {
	const struct plan *plan;
	struct err *reterr;
	struct sources *sources;
	unsigned *degraded;
	int base_fd;	     /* the tmpfs */
	int root_fd;	     /* root/ as its own mount */
	int private_fd;	     /* private/, writable */
	int sealed_fd;	     /* private/ once more, as a read-only mount */
	unsigned privates;   /* entries of private/ so far */
	int parent_fd;	     /* see open_parent() */
	int *look_fd;	     /* see mounts_apply() */
	atomic_int *entered; /* see mounts_apply() */
	char parent[PATH_BYTES];
};

/* Unless what failed has told of it. */
static int fail(struct builder *builder, int error, const char *op, const char *subject)
{
	if (builder->reterr->code != E_NONE)
		return error;
	return err_wall(builder->reterr, "mount", -error, op, subject);
}

/*** Targets below the new root ***/

/* Opens a path of the box without following links. O_PATH. */
static int open_in_root(const struct builder *builder, const char *box_path)
{
	return sys_openat2(builder->root_fd, box_path[1] ? box_path + 1 : ".",
			   O_PATH | O_CLOEXEC | O_NOFOLLOW, 0,
			   RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/*
 * The open directory above box_path, and the name within it. Steps come sorted,
 * so the last one is kept: most have the same parent. Borrowed from builder.
 */
static int open_parent(struct builder *builder, const char *box_path, const char **ret_name)
{
	const char *slash = strrchr(box_path, '/');
	size_t len = slash == box_path ? 1 : (size_t)(slash - box_path);

	if (len >= sizeof builder->parent)
		return -ENAMETOOLONG;
	*ret_name = slash + 1;
	if (builder->parent_fd >= 0 && strncmp(builder->parent, box_path, len) == 0 &&
	    builder->parent[len] == '\0')
		return builder->parent_fd;
	close_keeping_errno(builder->parent_fd);
	memcpy(builder->parent, box_path, len);
	builder->parent[len] = '\0';
	builder->parent_fd = open_in_root(builder, builder->parent);
	return builder->parent_fd;
}

static int make_directory_at(int dir, const char *name, mode_t mode)
{
	int r = (int)sys_call3(SYS_mkdirat, dir, name, mode);

	return r == -EEXIST ? 0 : r;
}

static int make_directory(struct builder *builder, const char *box_path, mode_t mode)
{
	const char *name;
	int dir = open_parent(builder, box_path, &name);

	return dir < 0 ? dir : make_directory_at(dir, name, mode);
}

/* The first text that is late is waited for: then the others are there, too. */
static int await_text(struct builder *builder)
{
	int *fd = &builder->sources->gateway_fd;
	int r = *fd < 0 ? 0 : gateway_await(*fd, builder->plan, builder->reterr);

	close_keeping_errno(*fd);
	*fd = -1;
	return r;
}

/* Makes a file with the step's text. */
static int make_file(struct builder *builder, int dir, const char *name, const struct step *step)
{
	int access = step->text_len ? O_WRONLY : O_RDONLY;
	size_t early_len = step->text_len - step->late_len;
	_cleanup_close_ int fd = sys_openat2(dir, name, access | O_CREAT | O_EXCL | O_CLOEXEC,
					     step->mode, RESOLVE_NO_SYMLINKS);
	int r = fd < 0 ? fd : sys_write_all(fd, step->text, early_len);

	if (r == 0 && step->late_len)
		r = await_text(builder);
	return r < 0 ? r : sys_write_all(fd, step->text + early_len, step->late_len);
}

static int make_plain_file(struct builder *builder, const struct step *step)
{
	const char *name;
	int dir = open_parent(builder, step->box_path, &name);

	return dir < 0 ? dir : make_file(builder, dir, name, step);
}

static int make_symlink_or_socket(struct builder *builder, const struct step *step)
{
	const char *name;
	int dir = open_parent(builder, step->box_path, &name);

	if (dir >= 0 && step->kind == STEP_SOCKET)
		return bindings_server_offer(builder->sources->bindings_fd, dir, name);
	return dir < 0 ? dir : (int)sys_call3(SYS_symlinkat, step->text, dir, name);
}

/* The mount point in memory; on a bind it is there already. */
static int make_mount_point(const struct step *step, int dir, const char *name)
{
	if (step->flags & STEP_ON_BIND)
		return 0;
	if (!(step->flags & STEP_IS_DIR))
		return (int)sys_call4(SYS_mknodat, dir, name, S_IFREG | 0444, 0);
	return make_directory_at(dir, name, 0755);
}

/* A symbolic link at the mount point is not followed: move_mount(2). */
static int attach(struct builder *builder, const struct step *step, int tree)
{
	const char *name;
	int dir = open_parent(builder, step->box_path, &name);
	int r = dir < 0 ? dir : make_mount_point(step, dir, name);

	return r < 0 ? r : sys_move_mount_to(tree, dir, name);
}

/*** Steps ***/

static int attach_bind(struct builder *builder, const struct step *step)
{
	size_t i = (size_t)(step - builder->plan->steps);
	int *tree = &builder->sources->tree[i];

	if (*tree < 0) {
		int r = source_open(builder->plan, i, -1, builder->sources, builder->reterr);
		if (r < 0)
			return r;
	}
	if (step->flags & STEP_LAYERED) {
		int r = layer_interpose(builder->plan, i, builder->base_fd, builder->sources,
					builder->reterr);
		if (r < 0)
			return r;
	}
	int r = attach(builder, step, *tree);
	close_keeping_errno(*tree);
	*tree = -1;
	return r < 0 ? fail(builder, r, "mount", step->box_path) : 0;
}

/* Makes a numbered entry of private/; name has at least 21 bytes. */
static int make_private(struct builder *builder, const struct step *step, char *ret_name)
{
	(void)text_decimal(builder->privates++, ret_name);
	if (step->flags & STEP_IS_DIR)
		return (int)sys_call3(SYS_mkdirat, builder->private_fd, ret_name, step->mode);
	return make_file(builder, builder->private_fd, ret_name, step);
}

/*
 * The entry as a detached mount. What the payload may not write comes from the
 * read-only mount of private/, whose attributes the copy has. A mask with
 * something mounted below it is closed later: finish_masks().
 */
static int open_private(const struct builder *builder, const struct step *step, const char *name)
{
	bool sealed = step->kind != STEP_PRIVATE && !(step->kind == STEP_MASK && step->mode);
	_cleanup_close_ int tree = sys_open_tree(sealed ? builder->sealed_fd : builder->private_fd,
						 name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree >= 0 && (step->flags & STEP_NOEXEC)) {
		int r = source_restrict(tree, step, -1);
		if (r < 0)
			return r;
	}
	return steal_fd(&tree);
}

static int attach_private(struct builder *builder, const struct step *step)
{
	char name[21];
	int r = make_private(builder, step, name);
	_cleanup_close_ int tree = r < 0 ? r : open_private(builder, step, name);

	return tree < 0 ? tree : attach(builder, step, tree);
}

static int finish_masks(struct builder *builder)
{
	const struct plan *plan = builder->plan;

	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind != STEP_MASK || step->mode == 0)
			continue;
		_cleanup_close_ int fd = open_in_root(builder, step->box_path);
		int r = fd < 0 ? fd : source_restrict(fd, step, -1);
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
	/* max: of the host's, which all boxes share. */
	static const char *const options[][2] = {
		{ "ptmxmode", "0666" }, { "mode", "0620" }, { "max", "256" }, { NULL, NULL }
	};
	_cleanup_close_ int fd = -1;
	int r = mount_filesystem("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &fd);

	return r < 0 ? r : attach(builder, step, fd);
}

/*
 * Files of proc(5) that tell of the host rather than of the box and that
 * everybody may read. What only root may open (kcore, kmsg, sysrq-trigger,
 * timer_list) needs no mask: the box has no root, and the mount is read-only.
 */
static const struct {
	const char *path;
	bool is_dir;
} proc_masks[] = {
	{ "/proc/acpi", true },		{ "/proc/asound", true },
	{ "/proc/cmdline", false },	{ "/proc/interrupts", false },
	{ "/proc/kallsyms", false },	{ "/proc/key-users", false },
	{ "/proc/keys", false },	{ "/proc/latency_stats", false },
	{ "/proc/sched_debug", false }, { "/proc/scsi", true },
};

bool mounts_hides(const char *proc_path)
{
	for (size_t i = 0; i < sizeof proc_masks / sizeof *proc_masks; i++) {
		if (path_is_within(proc_path, proc_masks[i].path))
			return true;
	}
	return false;
}

/*
 * Each mask is a copy of one of two entries. They are copied where they are
 * attached: the close of a detached mount that went nowhere costs an RCU grace
 * period.
 */
static int mask_proc(struct builder *builder)
{
	static const struct step masks[] = {
		{ .kind = STEP_MASK, .text = "" },
		{ .kind = STEP_MASK, .flags = STEP_IS_DIR },
	};
	char names[2][21];

	for (int i = 0; i < 2; i++) {
		int r = make_private(builder, &masks[i], names[i]);
		if (r < 0)
			return fail(builder, r, "make the masks of", "/proc");
	}
	for (size_t i = 0; i < sizeof proc_masks / sizeof *proc_masks; i++) {
		bool is_dir = proc_masks[i].is_dir;
		_cleanup_close_ int target = open_in_root(builder, proc_masks[i].path);

		if (target == -ENOENT)
			continue;
		_cleanup_close_ int tree =
			target < 0 ? target : open_private(builder, &masks[is_dir], names[is_dir]);
		int r = tree < 0 ? tree : sys_move_mount(tree, target);
		if (r < 0)
			return fail(builder, r, "hide", proc_masks[i].path);
	}
	return 0;
}

static int mount_proc(const char *const options[][2], unsigned attrs, int *ret_fd)
{
	attrs |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	return mount_filesystem("proc", options, attrs, ret_fd);
}

/*
 * It lies on top of what goes away with the old root, and that takes it along; a mount that
 * was never attached costs an RCU grace period when it is closed.
 */
static int open_look(const struct builder *builder)
{
	static const char *const options[][2] = { { NULL, NULL } };
	int r = mount_proc(options, 0, builder->look_fd); /* crowd.h writes */

	return r < 0 ? r : sys_move_mount(*builder->look_fd, builder->base_fd);
}

static int attach_proc(struct builder *builder, const struct step *step)
{
	/*
	 * hidepid=ptraceable: init, which is not dumpable, does not exist for the payload. Nor
	 * would what ends, or a program that can only be executed, for an ordinary caller.
	 */
	static const char *const options[][2] = { { "hidepid", "ptraceable" }, { NULL, NULL } };
	_cleanup_close_ int fd = -1;
	int r = mount_proc(options, MOUNT_ATTR_RDONLY, &fd);

	if (r == 0 && builder->look_fd)
		r = open_look(builder);
	if (r < 0 && builder->plan->degradable[WALL_PROC]) {
		*builder->degraded |= 1U << WALL_PROC;
		return 0;
	}
	if (r < 0)
		return err_wall(builder->reterr, "proc", -r, "mount", "/proc");
	r = attach(builder, step, fd);
	if (r < 0)
		return fail(builder, r, "mount", "/proc");
	return mask_proc(builder);
}

static int apply_mount(struct builder *builder, const struct step *step)
{
	int r;

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
	case STEP_SOCKET:
		r = make_symlink_or_socket(builder, step);
		break;
	case STEP_ABSENT: /* the layer over its grant lacks it */
		break;
	case STEP_FILE:
		r = make_plain_file(builder, step);
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

/* tmpfs counts whole pages. What aisbx itself puts there is on top of the limit. */
static uint64_t own_bytes(const struct plan *plan)
{
	enum {
		PAGE_BYTES = 4096,
		SPARE_BYTES = 4 * PAGE_BYTES
	};
	uint64_t bytes = SPARE_BYTES;

	for (size_t i = 0; i < plan->steps_len; i++) {
		if (plan->steps[i].kind == STEP_FILE || plan->steps[i].kind == STEP_COVER)
			bytes += (plan->steps[i].text_len + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1UL);
	}
	return bytes;
}

static int open_memory(struct builder *builder)
{
	enum {
		BYTES_PER_INODE = 4096,
		SPARE_INODES = 1024
	};
	const struct plan *plan = builder->plan;
	uint64_t bytes = plan->limits.tmp + own_bytes(plan);
	char size[21], inodes[21];
	const char *const options[][2] = {
		{ "mode", "0755" },
		{ "size", text_decimal(bytes, size) },
		{ "nr_inodes",
		  text_decimal(plan->limits.tmp / BYTES_PER_INODE + SPARE_INODES, inodes) },
		{ NULL, NULL }
	};
	int r = mount_filesystem("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
				 &builder->base_fd);

	return r < 0 ? fail(builder, r, "mount", "tmpfs") : 0;
}

/* A directory of the tmpfs as a mount of its own, attached to itself. */
static int open_mounted(const struct builder *builder, const char *name, uint64_t attributes,
			int *ret_fd)
{
	struct mount_attr attr = { .attr_set = attributes };
	_cleanup_close_ int target =
		sys_openat2(builder->base_fd, name, O_PATH | O_CLOEXEC | O_DIRECTORY, 0, 0);
	_cleanup_close_ int tree = target < 0 ? target
					      : sys_open_tree(builder->base_fd, name,
							      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int r = tree < 0 ? tree : 0;

	if (r == 0 && attributes)
		r = sys_mount_setattr(tree, AT_EMPTY_PATH, &attr);
	if (r == 0)
		r = sys_move_mount(tree, target);
	if (r == 0)
		*ret_fd = steal_fd(&tree);
	return r;
}

/*
 * The tmpfs needs a place in the tree that is about to go away, and /proc is
 * always there: ids are mapped by now, nobody reads it any more.
 */
static int open_root(struct builder *builder)
{
	_cleanup_close_ int place = sys_openat2(AT_FDCWD, "/proc", O_PATH | O_CLOEXEC, 0, 0);
	int r = place < 0 ? place : sys_move_mount(builder->base_fd, place);

	if (r == 0)
		r = (int)sys_call3(SYS_mkdirat, builder->base_fd, "root", 0755);
	if (r == 0)
		r = (int)sys_call3(SYS_mkdirat, builder->base_fd, "private", 0700);
	if (r == 0) {
		builder->private_fd =
			sys_openat2(builder->base_fd, "private", O_PATH | O_CLOEXEC, 0, 0);
		r = builder->private_fd < 0 ? builder->private_fd : 0;
	}
	if (r == 0)
		r = open_mounted(builder, "root", 0, &builder->root_fd);
	if (r == 0)
		r = open_mounted(builder, "private", MOUNT_ATTR_RDONLY, &builder->sealed_fd);
	return r < 0 ? fail(builder, r, "mount", "the new root") : 0;
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
	_cleanup_close_ int old =
		sys_openat2(AT_FDCWD, "/", O_PATH | O_CLOEXEC | O_DIRECTORY, 0, 0);
	int r = old < 0 ? old : sys_mount_setattr(builder->root_fd, AT_EMPTY_PATH, &read_only);

	if (r == 0)
		r = (int)sys_call1(SYS_fchdir, builder->root_fd);
	/* pivot_root(".", "."): the old root is stacked on the new one, see pivot_root(2). */
	if (r == 0)
		r = (int)sys_call2(SYS_pivot_root, ".", ".");
	timing_mark(MARK_MOUNTED);
	atomic_store_explicit(builder->entered, r == 0, memory_order_release);
	(void)sys_call3(SYS_futex, builder->entered, FUTEX_WAKE, 1);
	if (r == 0)
		r = (int)sys_call1(SYS_fchdir, old);
	if (r == 0)
		r = (int)sys_call2(SYS_umount2, ".", MNT_DETACH);
	if (r == 0)
		r = (int)sys_call1(SYS_chdir, "/");
	if (r == 0)
		r = check_root(builder);
	return r < 0 ? fail(builder, r, "enter", "/") : 0;
}

int mounts_apply(const struct plan *plan, struct sources *sources, int *ret_look_fd,
		 unsigned *ret_degraded, atomic_int *ret_entered, struct err *reterr)
{
	struct builder builder = { .plan = plan,
				   .reterr = reterr,
				   .sources = sources,
				   .degraded = ret_degraded,
				   .look_fd = ret_look_fd,
				   .entered = ret_entered,
				   .base_fd = -1,
				   .root_fd = -1,
				   .private_fd = -1,
				   .sealed_fd = -1,
				   .parent_fd = -1 };
	int r;

	(void)sys_call1(SYS_umask, 0); /* modes below are exact; payload.c sets the box's */
	r = open_memory(&builder);
	if (r == 0)
		r = open_root(&builder);
	if (r == 0)
		r = apply_steps(&builder);
	if (r == 0)
		r = enter_root(&builder);
	close_keeping_errno(builder.parent_fd);
	close_keeping_errno(builder.sealed_fd);
	close_keeping_errno(builder.private_fd);
	close_keeping_errno(builder.base_fd);
	close_keeping_errno(builder.root_fd);
	return r;
}
