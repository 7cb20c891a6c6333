/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether limits.disk can be held: see disk.h. */
#include "box/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/paths.h"

enum {
	MOUNTS_GUESS = 8 * 1024,
	MOUNTS_MAX = 16 * 1024 * 1024,
};

/* "\040" and the like, in place. */
static char *unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
		    from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				       (from[3] - '0'));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return text;
}

/* The value of upperdir=, or NULL. */
static char *find_upper(char *options)
{
	static const char key[] = "upperdir=";
	char *option;

	while ((option = strsep(&options, ","))) {
		if (strncmp(option, key, sizeof key - 1) == 0)
			return unescape(option + sizeof key - 1);
	}
	return NULL;
}

bool disk_parse_mount(char *line, struct disk_mount *ret_mount)
{
	enum {
		POINT = 4,
		OPTIONS = 5,
	};
	struct disk_mount mount = { 0 };
	char *field = NULL;

	/* id parent major:minor root point options [tag...] - type source options */
	for (int i = 0; i <= OPTIONS && (field = strsep(&line, " ")); i++) {
		if (i == POINT)
			mount.point = unescape(field);
	}
	mount.is_read_only = field && (strcmp(field, "ro") == 0 || strncmp(field, "ro,", 3) == 0);
	while (field && strcmp(field, "-") != 0)
		field = strsep(&line, " ");
	mount.type = strsep(&line, " ");
	(void)strsep(&line, " ");
	if (!line)
		return false;
	mount.upper = find_upper(line);
	*ret_mount = mount;
	return true;
}

/* Those whose writes make pages dirty, or are counted by themselves. */
static bool is_counted(const struct disk_mount *mount)
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

struct mounts {
	struct disk_mount *items;
	size_t len;
	size_t cap;
};

static int read_mounts(struct arena *arena, struct mounts *ret_mounts)
{
	_cleanup_close_ int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct mounts mounts = { 0 };
	char *text, *line;

	if (fd < 0)
		return -errno;
	ssize_t n = arena_read(arena, fd, MOUNTS_GUESS, MOUNTS_MAX, &text);
	if (n < 0)
		return (int)n;
	while ((line = strsep(&text, "\n"))) {
		(void)LIST_GROW(arena, &mounts);
		mounts.len += disk_parse_mount(line, &mounts.items[mounts.len]);
	}
	*ret_mounts = mounts;
	return 0;
}

/* What of a grant is not counted, of the mounts below it too, or NULL. */
static const struct disk_mount *find_uncounted(const struct mounts *mounts, const char *path)
{
	static const struct disk_mount unknown = { .point = "/", .type = "unknown" };
	const struct disk_mount *own = &unknown;

	for (size_t i = 0; i < mounts->len; i++) {
		const struct disk_mount *mount = &mounts->items[i];

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
	struct mounts mounts = { 0 };

	if (access("/proc/self/io", F_OK) < 0)
		return refuse(reterr, "there is no /proc/self/io: this kernel does not count what "
				      "a process writes; add --allow-degraded limits.disk");
	int r = read_mounts(arena, &mounts);
	if (r < 0)
		return err_wall(reterr, "limits", -r, "read", "/proc/self/mountinfo");
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind != STEP_BIND || !(step->flags & STEP_WRITABLE))
			continue;
		const struct disk_mount *mount = find_uncounted(&mounts, step->host_path);
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
