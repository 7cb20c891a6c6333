/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether limits.disk can be held: see disk.h. */
#include "box/limits/disk.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mountinfo.h"
#include "policy/paths.h"

/* Those whose writes make pages dirty, or are counted by themselves. */
static bool is_counted(const struct mountinfo *mount)
{
	static const char *const types[] = {
		"ext2", "ext3",	    "ext4", "xfs",   "btrfs",	"f2fs",
		"zfs",	"bcachefs", "vfat", "exfat", "overlay", "ntfs3"
	};
	struct statfs fs;

	/* Where the upper directory cannot be seen, as in a container, it is taken for one of these. */
	if (mount->upper && statfs(mount->upper, &fs) == 0 &&
	    (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC))
		return false;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (strcmp(mount->type, types[i]) == 0)
			return true;
	}
	return false;
}

/* What of a grant is not counted, of the mounts below it too, or NULL. */
static const struct mountinfo *find_uncounted(const struct mountinfos *mounts, const char *path)
{
	static const struct mountinfo unknown = { .point = "/", .type = "unknown" };
	const struct mountinfo *own = &unknown;

	for (size_t i = 0; i < mounts->len; i++) {
		const struct mountinfo *mount = &mounts->items[i];

		if (path_is_below(mount->point, path) && !mount->is_read_only && !is_counted(mount))
			return mount;
		/* The later one is on top. */
		if (path_is_within(path, mount->point) &&
		    strlen(mount->point) >= strlen(own->point))
			own = mount;
	}
	return is_counted(own) ? NULL : own;
}

static int refuse(struct err *reterr, const char *hint)
{
	err_wall(reterr, "limits", EOPNOTSUPP, "hold", "limits.disk");
	err_hint(reterr, hint);
	return -EOPNOTSUPP;
}

int disk_check(struct arena *arena, const struct plan *plan, struct err *reterr)
{
	struct mountinfos mounts;

	if (access("/proc/self/io", F_OK) < 0)
		return refuse(reterr, "there is no /proc/self/io: this kernel does not count what "
				      "a process writes; add --allow-degraded limits.disk");
	int r = mountinfo_read(arena, &mounts);
	if (r < 0)
		return err_wall(reterr, "limits", -r, "read", "/proc/self/mountinfo");
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind != STEP_BIND || !(step->flags & STEP_WRITABLE))
			continue;
		const struct mountinfo *mount = find_uncounted(&mounts, step->host_path);
		if (mount)
			return refuse(reterr,
				      arena_printf(arena,
						   "writes to '%s' (%s) are not counted by the "
						   "kernel; grant a directory on a disk, or add "
						   "--allow-degraded limits.disk",
						   path_is_below(mount->point, step->host_path)
							   ? mount->point
							   : step->host_path,
						   mount->type));
	}
	return 0;
}
