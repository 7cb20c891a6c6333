/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a box's mounts come from: see sources.h.
 *
 * A source is copied by its canonical path and the copy is compared with the
 * inode the plan saw. Whatever was swapped on the way there, a different
 * object is never granted (runc: 14 advisories of that kind).
 */
#include "box/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/userns.h"

enum {
	PATH_BYTES = 4096
};

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

/* name: below fd; "": fd itself. */
static int check_identity(const struct step *step, int fd, const char *name, struct err *reterr)
{
	struct stat st;
	long r = sys_call4(SYS_newfstatat, fd, name, &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);

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

int source_restrict(int fd, const struct step *step, int idmap_fd)
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
 * A layer lies over a directory: for a file over the one that it is in. It takes no mounts
 * below with it, and changes nothing there.
 */
static struct step lower_of(const struct step *step, char *directory, size_t size,
			    const char **ret_name)
{
	const char *slash = strrchr(step->host_path, '/');
	struct step lower = *step;

	*ret_name = "";
	lower.flags &= ~(unsigned)(STEP_WRITABLE | STEP_PROTECTED | STEP_IS_DIR);
	if (!(step->flags & STEP_IS_DIR) && (size_t)(slash - step->host_path) < size) {
		size_t len = slash == step->host_path ? 1 : (size_t)(slash - step->host_path);

		memcpy(directory, step->host_path, len);
		directory[len] = '\0';
		lower.host_path = directory;
		*ret_name = slash + 1;
	}
	return lower;
}

/*
 * Opens a detached copy of a step's source after checking that it is still the
 * object the plan saw, and sets its attributes. idmap_fd is a user namespace
 * for STEP_IDMAP, or -1.
 */
static int open_source(const struct plan *plan, const struct step *step, int idmap_fd, int *ret_fd,
		       unsigned *ret_degraded, struct err *reterr)
{
	char directory[PATH_BYTES];
	const char *name = "";
	struct step lower;

	if (step->flags & STEP_LAYERED) {
		lower = lower_of(step, directory, sizeof directory, &name);
		step = &lower;
	}
	unsigned recursive = (step->flags & STEP_IS_DIR) ? AT_RECURSIVE : 0;
	_cleanup_close_ int tree = sys_open_tree(AT_FDCWD, step->host_path,
						 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
							 AT_SYMLINK_NOFOLLOW | recursive);

	if (tree < 0)
		return err_wall(reterr, "mount", -tree, "copy the mount of", step->host_path);
	int r = check_identity(step, tree, name, reterr);
	if (r < 0)
		return r;
	r = source_restrict(tree, step, idmap_fd);
	if (r < 0 && (step->flags & STEP_IDMAP) && plan->degradable[WALL_IDMAP]) {
		r = source_restrict(tree, step, -1);
		*ret_degraded |= 1U << WALL_IDMAP;
	}
	if (r < 0 && (step->flags & STEP_IDMAP))
		return err_wall(reterr, "idmap", -r, "map the owner of", step->host_path);
	if (r < 0)
		return err_wall(reterr, "mount", -r, "restrict the mount of", step->host_path);
	*ret_fd = steal_fd(&tree);
	return 0;
}

int source_open(const struct plan *plan, size_t step_index, int idmap_fd, struct sources *sources,
		struct err *reterr)
{
	const struct step *step = &plan->steps[step_index];

	if (step->kind != STEP_BIND && step->kind != STEP_DEVICE)
		return 0;
	int r = open_source(plan, step, idmap_fd, &sources->tree[step_index], &sources->degraded,
			    reterr);
	/* A layer's two views come from the layer. */
	if (r < 0 || !(step->flags & STEP_PROTECTED) || (step->flags & STEP_LAYERED))
		return r;
	struct step writable = *step;
	writable.flags &= ~(unsigned)STEP_PROTECTED;
	return open_source(plan, &writable, idmap_fd, &sources->writable[step_index],
			   &sources->degraded, reterr);
}

void sources_init(struct arena *arena, const struct plan *plan, struct sources *ret_sources)
{
	ret_sources->degraded = 0;
	ret_sources->layers_fd = -1;
	ret_sources->bindings_fd = -1;
	ret_sources->gateway_fd = -1;
	ret_sources->tree = arena_alloc(arena, plan->steps_len * sizeof(int));
	ret_sources->writable = arena_alloc(arena, plan->steps_len * sizeof(int));
	for (size_t i = 0; i < plan->steps_len; i++) {
		ret_sources->tree[i] = -1;
		ret_sources->writable[i] = -1;
	}
}

/* Most grants have one owner: the last one's map is kept. */
struct idmap {
	uid_t owner;
	gid_t group;
	int fd;
};

static int find_idmap(const struct plan *plan, const struct step *step, struct idmap *idmap,
		      struct err *reterr)
{
	if (!(step->flags & STEP_IDMAP) ||
	    (idmap->fd >= 0 && idmap->owner == step->owner && idmap->group == step->group))
		return 0;
	close_keeping_errno(idmap->fd);
	*idmap = (struct idmap){ step->owner, step->group, -1 };
	return userns_open_idmap(plan, step, &idmap->fd, reterr);
}

int sources_open(const struct plan *plan, struct sources *sources, struct err *reterr)
{
	struct idmap idmap = { .fd = -1 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->steps_len; i++) {
		r = find_idmap(plan, &plan->steps[i], &idmap, reterr);
		if (r == 0)
			r = source_open(plan, i, idmap.fd, sources, reterr);
	}
	close_keeping_errno(idmap.fd);
	return r;
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
