/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a learning run takes place: see places.h. (What is sensitive there: sensitive.c) */
#include "learn/places.h"

#include <string.h>

#include "policy/paths.h"

char *place_parent(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? arena_strdup(arena, "/")
			     : arena_strndup(arena, path, (size_t)(slash - path));
}

static char *escape_colons(struct arena *arena, const char *text)
{
	char *escaped = arena_alloc(arena, 2 * strlen(text) + 1);
	size_t len = 0;

	for (; *text; text++) {
		if (*text == ':')
			escaped[len++] = '\\';
		escaped[len++] = *text;
	}
	return escaped;
}

const char *place_text(struct arena *arena, const struct learn_places *places, const char *path)
{
	path = escape_colons(arena, path);
	const char *cwd = escape_colons(arena, places->cwd);
	const char *home = escape_colons(arena, places->home);

	if (strcmp(path, cwd) == 0)
		return ".";
	if (path_is_below(path, cwd))
		return arena_printf(arena, "./%s", path_rest(path, cwd));
	if (path_is_below(path, home))
		return arena_printf(arena, "~/%s", path_rest(path, home));
	return path;
}

static unsigned depth(const char *path)
{
	unsigned slashes = 0;

	for (const char *at = path; *at; at++)
		slashes += *at == '/';
	return path[1] ? slashes : 0;
}

bool place_is_broad(const struct learn_places *places, const char *directory)
{
	static const char *const in_home[] = { "", ".config", ".local", ".local/share", ".cache" };

	if (depth(directory) <= 1 || path_is_below(places->cwd, directory))
		return true;
	if (depth(directory) == 2 && path_is_below(directory, "/var"))
		return true;
	if (!path_is_within(directory, places->home))
		return path_is_below(places->home, directory);
	for (size_t i = 0; i < sizeof in_home / sizeof *in_home; i++) {
		if (strcmp(path_rest(directory, places->home), in_home[i]) == 0)
			return true;
	}
	return false;
}

static bool is_in_work(const struct learn_places *places, const char *path)
{
	return path_is_within(path, places->cwd) && !place_is_broad(places, places->cwd);
}

bool place_is_private(const struct learn_places *places, const char *path, bool is_made)
{
	if (is_in_work(places, path))
		return false;
	if (path_is_below(path, places->home)) {
		const char *rest = path_rest(path, places->home);

		/* What programs keep for themselves, and new files beside the projects. */
		return rest[0] == '.' || (is_made && !strchr(rest, '/'));
	}
	if (path_is_below(path, "/tmp"))
		return is_made && !strchr(path_rest(path, "/tmp"), '/');
	return path_is_within(path, "/dev/shm");
}

bool place_is_byproduct(const char *path)
{
	static const char *const names[] = { "__pycache__", ".pytest_cache" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t len = strlen(names[i]);
		const char *at = path;

		while ((at = strstr(at, names[i]))) {
			if (at[-1] == '/' && (at[len] == '/' || !at[len]))
				return true;
			at += len;
		}
	}
	return false;
}
