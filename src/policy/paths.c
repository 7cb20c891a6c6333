/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Absolute paths as text: see paths.h. */
#include "policy/paths.h"

#include <string.h>

char *path_absolute(struct arena *arena, const char *base, const char *path)
{
	char *text = path[0] == '/' ? arena_strdup(arena, path)
				    : arena_printf(arena, "%s/%s", base, path);
	char *out = text;

	/* Components move left in place: the result is never longer. */
	for (char *at = text; *at;) {
		while (*at == '/')
			at++;
		size_t len = strcspn(at, "/");
		if (len == 0 || (len == 1 && at[0] == '.')) {
			at += len;
		} else if (len == 2 && at[0] == '.' && at[1] == '.') {
			while (out > text && *--out != '/')
				;
			at += len;
		} else {
			char *next = at + len;
			*out++ = '/';
			memmove(out, at, len);
			out += len;
			at = next;
		}
	}
	if (out == text)
		*out++ = '/';
	*out = '\0';
	return text;
}

bool path_is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1) /* "/" */
		return true;
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool path_is_below(const char *path, const char *dir)
{
	return path_is_within(path, dir) && strcmp(path, dir) != 0;
}

const char *path_rest(const char *path, const char *dir)
{
	const char *rest = path + (dir[1] == '\0' ? 0 : strlen(dir));

	return *rest == '/' ? rest + 1 : rest;
}

char *path_join(struct arena *arena, const char *dir, const char *rest)
{
	if (!*rest)
		return arena_strdup(arena, dir);
	return arena_printf(arena, "%s/%s", dir[1] == '\0' ? "" : dir, rest);
}

bool path_has_dotdot(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += len;
		path += *path == '/';
	}
	return false;
}

const char *path_why_no_source(const char *path)
{
	if (strcmp(path, "/") == 0)
		return "that is the whole machine; grant the directories that are needed";
	if (path_is_within(path, "/proc") || path_is_within(path, "/sys") ||
	    path_is_within(path, "/dev"))
		return "it is an interface to the kernel; the box has its own /proc and /dev";
	return NULL;
}

const char *path_why_no_place(const char *path)
{
	static const char *const reserved[] = { "/proc", "/dev", "/sys", "/run/aisbx" };
	bool is_reserved = strcmp(path, "/") == 0 || strcmp(path, "/run") == 0;

	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		is_reserved |= path_is_within(path, reserved[i]);
	return is_reserved ? "the box has its own there; choose another place" : NULL;
}

const char *path_why_not_hidden(const char *path)
{
	if (strcmp(path, "/") == 0)
		return "that is the whole box; name what is to be left out";
	if (path_is_within(path, "/proc") || path_is_within(path, "/dev"))
		return "the box has its own there, and nothing of the host's";
	return NULL;
}
