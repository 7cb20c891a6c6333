/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Throw-away layers: see layers.h.
 *
 * Theory of operation: overlayfs, mounted in the box's own user namespace
 * (Linux 5.11). Below lies a read-only copy of the grant's mount, above it a
 * directory of the box's tmpfs, which limits.tmp bounds and which is gone with
 * the box. Names that are hidden (STEP_ABSENT) are whiteouts in the upper
 * directory, made before it is mounted: the box sees no such name, and what it
 * makes in the name's place does not uncover the one below.
 *
 * A directory of the upper layer stands for the one below it, with its own
 * owner and mode. It belongs to the box's user, so where the other does not, it
 * has the rights that the box's user had there.
 */
#include "box/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "base/text.h"
#include "policy/paths.h"

/* What an overlay takes for the absence of a name: a device 0:0, which every user may make. */
#define WHITEOUT_MODE S_IFCHR
#define WHITEOUT_DEV  0

enum {
	PATH_BYTES = 4096,
};

struct layer {
	const struct plan *plan;
	const struct step *step;
	int dir_fd;   /* of this step, in layers/ */
	int lower_fd; /* the grant */
	int upper_fd;
};

/* The rights of the box's user in a directory of the host's, as its owner's. */
static mode_t mode_like(const struct plan *plan, const struct stat *st)
{
	mode_t others = st->st_mode & 07;

	if (st->st_uid == plan->inside_uid)
		return st->st_mode & 01777;
	return (st->st_mode & S_ISVTX) | others << 6 | others << 3 | others;
}

static int make_directory(int dir, const char *name, mode_t mode)
{
	int r = (int)sys_call3(SYS_mkdirat, dir, name, mode);

	return r == -EEXIST ? 0 : r;
}

static int open_directory(int dir, const char *name, int flags)
{
	return sys_openat2(dir, name, (uint64_t)(flags | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), 0,
			   RESOLVE_NO_SYMLINKS);
}

/*** What is hidden ***/

/* Makes path, relative to the grant, absent. */
static int make_whiteout(const struct layer *layer, const char *path)
{
	char part[PATH_BYTES];

	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
		size_t len = (size_t)(at - path);
		struct stat st;

		if (len >= sizeof part)
			return -ENAMETOOLONG;
		memcpy(part, path, len);
		part[len] = '\0';
		long r = sys_call4(SYS_newfstatat, layer->lower_fd, part, &st, AT_SYMLINK_NOFOLLOW);
		if (r == 0 && !S_ISDIR(st.st_mode))
			r = -ENOTDIR;
		if (r == 0)
			r = make_directory(layer->upper_fd, part, mode_like(layer->plan, &st));
		if (r < 0)
			return (int)r;
	}
	int r = (int)sys_call4(SYS_mknodat, layer->upper_fd, path, WHITEOUT_MODE, WHITEOUT_DEV);
	return r == -EEXIST ? 0 : r;
}

static int hide_names(const struct layer *layer, struct err *reterr)
{
	const struct plan *plan = layer->plan;

	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *absent = &plan->steps[i];

		if (absent->kind != STEP_ABSENT ||
		    !path_is_below(absent->box_path, layer->step->box_path))
			continue;
		int r = make_whiteout(layer, path_rest(absent->box_path, layer->step->box_path));
		if (r < 0)
			return err_wall(reterr, "mount", -r, "hide", absent->box_path);
	}
	return 0;
}

/*** The layer ***/

static int open_layers(int base_fd, struct sources *sources)
{
	if (sources->layers_fd >= 0)
		return 0;
	int r = make_directory(base_fd, "layers", 0700);
	if (r == 0)
		r = open_directory(base_fd, "layers", O_RDONLY);
	if (r < 0)
		return r;
	sources->layers_fd = r;
	return 0;
}

static int make_parts(struct layer *layer, int layers_fd, const char *number)
{
	struct stat st;
	long r = sys_call4(SYS_newfstatat, layer->lower_fd, "", &st, AT_EMPTY_PATH);

	if (r == 0)
		r = make_directory(layers_fd, number, 0700);
	if (r < 0)
		return (int)r;
	layer->dir_fd = open_directory(layers_fd, number, O_PATH);
	if (layer->dir_fd < 0)
		return layer->dir_fd;
	r = make_directory(layer->dir_fd, "upper", mode_like(layer->plan, &st));
	if (r == 0)
		r = make_directory(layer->dir_fd, "work", 0700);
	if (r == 0)
		r = make_directory(layer->dir_fd, "lower", 0700);
	if (r == 0)
		r = make_directory(layer->dir_fd, "merged", 0700);
	if (r < 0)
		return (int)r;
	layer->upper_fd = open_directory(layer->dir_fd, "upper", O_PATH);
	return layer->upper_fd < 0 ? layer->upper_fd : 0;
}

static int attach(const struct layer *layer, int mount_fd, const char *name)
{
	_cleanup_close_ int place = open_directory(layer->dir_fd, name, O_PATH);

	return place < 0 ? place : sys_move_mount(mount_fd, place);
}

/* The builder's directory is its own, and left behind with the old root. */
static int mount_overlay(const struct layer *layer)
{
	static const struct {
		unsigned command;
		const char *option, *value; /* relative to this layer's directory */
	} steps[] = {
		{ FSCONFIG_SET_STRING, "lowerdir", "lower" },
		{ FSCONFIG_SET_STRING, "upperdir", "upper" },
		{ FSCONFIG_SET_STRING, "workdir", "work" },
		{ FSCONFIG_SET_FLAG, "userxattr", NULL },
		{ FSCONFIG_CMD_CREATE, NULL, NULL },
	};
	_cleanup_close_ int context = sys_fsopen("overlay");
	int r = context < 0 ? context : (int)sys_call1(SYS_fchdir, layer->dir_fd);

	for (size_t i = 0; r == 0 && i < sizeof steps / sizeof *steps; i++)
		r = sys_fsconfig(context, steps[i].command, steps[i].option, steps[i].value);
	if (r < 0)
		return r;
	_cleanup_close_ int mount = sys_fsmount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return mount < 0 ? mount : attach(layer, mount, "merged");
}

/* The merged tree, or the file of it that is granted, as a mount with those flags. */
static int open_merged(const struct layer *layer, const char *name, unsigned flags, int *ret_fd)
{
	struct step view = *layer->step;
	char path[PATH_BYTES] = "merged/";

	if (strlen(name) >= sizeof path - strlen(path))
		return -ENAMETOOLONG;
	memcpy(path + strlen(path), name, strlen(name) + 1);
	if (!*name)
		path[strlen("merged")] = '\0';
	_cleanup_close_ int fd = sys_open_tree(
		layer->dir_fd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (fd < 0)
		return fd;
	view.flags = flags & ~(unsigned)STEP_IDMAP; /* the grant below has it */
	int r = source_restrict(fd, &view, -1);
	if (r == 0)
		*ret_fd = steal_fd(&fd);
	return r;
}

/* Takes sources->tree[] for the lower directory and puts the merged one in its place. */
static int build(struct layer *layer, size_t step, struct sources *sources, struct err *reterr)
{
	const unsigned flags = layer->step->flags;
	const char *name = (flags & STEP_IS_DIR) ? "" : strrchr(layer->step->host_path, '/') + 1;
	char number[21];
	int r = make_parts(layer, sources->layers_fd, text_decimal(step, number));

	if (r < 0)
		return r;
	r = hide_names(layer, reterr);
	if (r < 0)
		return r;
	r = attach(layer, layer->lower_fd, "lower");
	if (r == 0)
		r = mount_overlay(layer);
	(void)sys_close(sources->tree[step]);
	sources->tree[step] = -1;
	if (r == 0)
		r = open_merged(layer, name, flags, &sources->tree[step]);
	if (r == 0 && (flags & STEP_PROTECTED))
		r = open_merged(layer, name, flags & ~(unsigned)STEP_PROTECTED,
				&sources->writable[step]);
	return r;
}

int layer_interpose(const struct plan *plan, size_t step, int base_fd, struct sources *sources,
		    struct err *reterr)
{
	struct layer layer = { .plan = plan,
			       .step = &plan->steps[step],
			       .dir_fd = -1,
			       .lower_fd = sources->tree[step],
			       .upper_fd = -1 };
	int r = open_layers(base_fd, sources);

	reterr->code = E_NONE;
	if (r == 0)
		r = build(&layer, step, sources, reterr);
	close_keeping_errno(layer.dir_fd);
	close_keeping_errno(layer.upper_fd);
	if (r == 0 || reterr->code != E_NONE)
		return r;
	return err_wall(reterr, "mount", -r, "lay a throw-away layer over", layer.step->host_path);
}
