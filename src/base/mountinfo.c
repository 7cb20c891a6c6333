/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mounts that are seen here: see mountinfo.h. */
#include "base/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"

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

bool mountinfo_parse(char *line, struct mountinfo *ret_mount)
{
	enum {
		POINT = 4,
		OPTIONS = 5,
	};
	struct mountinfo mount = { 0 };
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

int mountinfo_read(struct arena *arena, struct mountinfos *ret_mounts)
{
	enum {
		GUESS_BYTES = 16 * 1024,
		MOST_BYTES = 16 * 1024 * 1024,
	};
	_cleanup_close_ int fd = open(MOUNTINFO_FILE, O_RDONLY | O_CLOEXEC);
	struct mountinfos mounts = { 0 };
	char *text, *line;

	if (fd < 0)
		return -errno;
	ssize_t n = arena_read(arena, fd, GUESS_BYTES, MOST_BYTES, &text);
	if (n < 0)
		return (int)n;
	while ((line = strsep(&text, "\n"))) {
		mounts.items = arena_grow(arena, mounts.items, mounts.len, &mounts.cap,
					  sizeof *mounts.items);
		mounts.len += mountinfo_parse(line, &mounts.items[mounts.len]);
	}
	*ret_mounts = mounts;
	return 0;
}
