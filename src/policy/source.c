/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a profile's text comes from: see source.h. */
#include "policy/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/profile.h"
#include "policy/schema.h"
#include "policy/values.h"
#include "policy/words.h"

enum {
	DIR_BYTES = 512, /* longest path that source_is_shadowed() looks at */
};

static const char system_dir[] = "/etc/aisbx/profiles";

/*** Built in ***/

const char *profile_builtin(const char *name)
{
	for (size_t i = 0; i < builtin_profiles_len; i++) {
		if (strcmp(builtin_profiles[i].name, name) == 0)
			return builtin_profiles[i].text;
	}
	return NULL;
}

const char *profile_builtin_name(size_t i)
{
	return i < builtin_profiles_len ? builtin_profiles[i].name : NULL;
}

static bool find_builtin(struct arena *arena, const char *name, struct source *ret_source)
{
	for (size_t i = 0; i < builtin_profiles_len; i++) {
		const struct builtin_profile *builtin = &builtin_profiles[i];

		if (strcmp(builtin->name, name) != 0)
			continue;
		*ret_source = (struct source){
			.name = builtin->name,
			.label = arena_printf(arena, "<built-in>/%s.yaml", name),
			.text = builtin->text,
			.len = builtin->len,
		};
		return true;
	}
	return false;
}

int source_find_builtin(struct arena *arena, const char *name, struct source *ret_source,
			const char **ret_why)
{
	if (find_builtin(arena, name, ret_source))
		return 0;
	*ret_why = arena_printf(arena, "no built-in profile %s", word_quote(arena, name));
	return -EINVAL;
}

/*** Files ***/

/* Reads fd to its end; guess is its likely size. NULL and a reason when it cannot be. */
static char *read_all(struct arena *arena, int fd, size_t guess, size_t *ret_len,
		      const char **ret_why)
{
	char *text;
	ssize_t len = arena_read(arena, fd, guess, SOURCE_BYTES, &text);

	if (len < 0)
		*ret_why = arena_printf(arena, "cannot be read: %s", strerror((int)-len));
	else if (len > SOURCE_BYTES)
		*ret_why = "larger than 1 MiB; a profile is a short text";
	else
		*ret_len = (size_t)len;
	return len < 0 || len > SOURCE_BYTES ? NULL : text;
}

/* What stands at a path that is no regular file. */
static const char *odd_file_reason(struct arena *arena, mode_t mode)
{
	const char *what = S_ISDIR(mode)    ? "a directory"
			   : S_ISFIFO(mode) ? "a fifo"
			   : S_ISSOCK(mode) ? "a socket"
					    : "a device";

	return arena_printf(arena, "%s, not a file; write the path of a YAML file, or - for stdin",
			    what);
}

static int open_file(const char *path)
{
	/* O_NONBLOCK: a fifo must not hold us; O_NOCTTY: nor a terminal adopt us */
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

/* 0, -EINVAL with a reason, or -ENOENT and -EACCES with a reason: errno of open. */
static int read_path(struct arena *arena, const char *path, struct source *ret_source,
		     const char **ret_why)
{
	_cleanup_close_ int fd = open_file(path);
	struct stat status;
	struct source source = { .path = path };

	if (fd < 0) {
		int saved = errno;

		if (saved == ENXIO)
			*ret_why = odd_file_reason(arena, S_IFSOCK);
		else if (saved == ENOENT)
			*ret_why = "no such file; a path starts at the working directory";
		else
			*ret_why = arena_printf(arena, "cannot be opened: %s", strerror(saved));
		return saved == ENOENT || saved == ENOTDIR || saved == EACCES ? -saved : -EINVAL;
	}
	if (fstat(fd, &status) < 0) {
		*ret_why = arena_printf(arena, "cannot be looked at: %s", strerror(errno));
		return -EINVAL;
	}
	if (!S_ISREG(status.st_mode)) {
		*ret_why = odd_file_reason(arena, status.st_mode);
		return -EINVAL;
	}
	source.text = read_all(arena, fd, (size_t)status.st_size, &source.len, ret_why);
	if (!source.text)
		return -EINVAL;
	source.dev = status.st_dev;
	source.ino = status.st_ino;
	*ret_source = source;
	return 0;
}

int source_read_file(struct arena *arena, const char *path, struct source *ret_source,
		     const char **ret_why)
{
	const char *host_path = path, *home = secure_getenv("HOME");

	if (path[0] == '~' && path[1] == '/' && home)
		host_path = arena_printf(arena, "%s%s", home, path + 1);
	if (read_path(arena, host_path, ret_source, ret_why) < 0)
		return -EINVAL;
	ret_source->name = path;
	ret_source->label = word_printable(arena, path);
	return 0;
}

int source_read_stdin(struct arena *arena, struct source *ret_source, const char **ret_why)
{
	struct source source = { .name = "-", .label = "<stdin>" };

	source.text = read_all(arena, STDIN_FILENO, 16384, &source.len, ret_why);
	if (!source.text)
		return -EINVAL;
	*ret_source = source;
	return 0;
}

/*** Names ***/

/* The directory of the user's own profiles, in two parts; false when the environment names none. */
static bool user_dir_parts(const char **ret_parent, const char **ret_below)
{
	const char *config = secure_getenv("XDG_CONFIG_HOME");
	const char *home = secure_getenv("HOME");

	/* the XDG specification: relative paths are to be ignored */
	if (config && config[0] == '/') {
		*ret_parent = config;
		*ret_below = "/aisbx/profiles";
		return true;
	}
	if (home && home[0] == '/') {
		*ret_parent = home;
		*ret_below = "/.config/aisbx/profiles";
		return true;
	}
	return false;
}

static const char *user_dir(struct arena *arena)
{
	const char *parent, *below;

	if (!user_dir_parts(&parent, &below))
		return NULL;
	return arena_printf(arena, "%s%s", parent, below);
}

/*
 * Whether no profile stands at a path that open failed for. A directory that the
 * caller may not search (HOME of another user) has no profiles of the caller;
 * a profile that exists and cannot be read is an error, never skipped.
 */
static bool is_absent(const char *path, int open_errno)
{
	struct stat status;

	return open_errno == ENOENT || open_errno == ENOTDIR || open_errno == ENAMETOOLONG ||
	       (open_errno == EACCES && stat(path, &status) < 0);
}

/* 1: found, 0: not there, -EINVAL: there but of no use. */
static int find_in_dir(struct arena *arena, const char *dir, const char *name,
		       struct source *ret_source, const char **ret_why)
{
	const char *path;
	int r;

	if (!dir)
		return 0;
	path = arena_printf(arena, "%s/%s.yaml", dir, name);
	r = read_path(arena, path, ret_source, ret_why);
	if (r < 0 && is_absent(path, -r))
		return 0;
	if (r < 0) {
		*ret_why = arena_printf(arena, "%s: %s", word_quote(arena, path), *ret_why);
		return -EINVAL;
	}
	ret_source->label = word_printable(arena, path);
	return 1;
}

/* Whether find_in_dir() would not say 0 for name; path[dir_len] ends the directory. */
static bool is_in_dir(char *path, size_t dir_len, const char *name)
{
	size_t size = DIR_BYTES - dir_len;
	int len = snprintf(path + dir_len, size, "/%s.yaml", name);

	if (len < 0 || (size_t)len >= size)
		return true;
	_cleanup_close_ int fd = open_file(path);

	return fd >= 0 || !is_absent(path, errno);
}

/* source_is_shadowed() by the files of the directory parent followed by below. */
static bool is_any_in_dir(const char *parent, const char *below, const char *name,
			  const struct strv *more)
{
	char path[DIR_BYTES];
	struct stat status;
	int len = snprintf(path, sizeof path, "%s%s", parent, below);

	if (len < 0 || (size_t)len >= sizeof path)
		return true;
	/* nearly always the directory is not there: one call, not one a name */
	if (stat(path, &status) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return false;
	if (is_in_dir(path, (size_t)len, name))
		return true;
	for (size_t i = 0; i < more->len; i++) {
		if (is_in_dir(path, (size_t)len, more->items[i]))
			return true;
	}
	return false;
}

bool source_is_shadowed(const char *name, const struct strv *more)
{
	const char *parent, *below;

	return (user_dir_parts(&parent, &below) && is_any_in_dir(parent, below, name, more)) ||
	       is_any_in_dir(system_dir, "", name, more);
}

static void list_dir(struct arena *arena, const char *dir, struct strv *names)
{
	DIR *stream = dir ? opendir(dir) : NULL;
	const struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		size_t len = strlen(entry->d_name);
		char *name;

		if (len <= 5 || strcmp(entry->d_name + len - 5, ".yaml") != 0)
			continue;
		name = arena_strndup(arena, entry->d_name, len - 5);
		if (profile_is_name(name))
			strv_push(arena, names, name);
	}
	if (stream)
		(void)closedir(stream); /* was only read */
}

/* Names by nearness to word, then by the alphabet; the same name twice stays once. */
static void sort_by_nearness(struct strv *names, const char *word)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->len; i++) {
		char *name = names->items[i];
		size_t edits = word_distance(word, name), at = kept;

		while (at > 0) {
			size_t other = word_distance(word, names->items[at - 1]);

			if (other < edits ||
			    (other == edits && strcmp(names->items[at - 1], name) <= 0))
				break;
			at--;
		}
		if (at > 0 && strcmp(names->items[at - 1], name) == 0)
			continue;
		memmove(names->items + at + 1, names->items + at,
			(kept - at) * sizeof *names->items);
		names->items[at] = name;
		kept++;
	}
	names->items[kept] = NULL;
	names->len = kept;
}

static const char *unknown_name_reason(struct arena *arena, const char *name)
{
	struct strv names = { 0 };
	const char *nearest;

	list_dir(arena, user_dir(arena), &names);
	list_dir(arena, system_dir, &names);
	for (size_t i = 0; i < builtin_profiles_len; i++)
		strv_push(arena, &names, arena_strdup(arena, builtin_profiles[i].name));
	sort_by_nearness(&names, name);
	nearest = nearest_name(name, (const char *const *)names.items);
	return arena_printf(arena, "unknown profile %s; %s%s%sknown are %s",
			    word_quote(arena, name), nearest ? "did you mean '" : "",
			    nearest ? nearest : "", nearest ? "'? " : "",
			    words_join(arena, (const char *const *)names.items, "and"));
}

static void add_known(struct arena *arena, struct known_profile **known, size_t *len, size_t *cap,
		      const char *name, const char *path)
{
	struct known_profile one = { .name = name, .path = path };

	for (size_t i = 0; i < *len; i++)
		one.is_shadowed = one.is_shadowed || strcmp((*known)[i].name, name) == 0;
	*known = arena_grow(arena, *known, *len, cap, sizeof **known);
	(*known)[(*len)++] = one;
}

size_t source_list(struct arena *arena, struct known_profile **ret_known)
{
	const char *const dirs[] = { user_dir(arena), system_dir };
	struct known_profile *known = NULL;
	size_t len = 0, cap = 0;

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		struct strv names = { 0 };

		list_dir(arena, dirs[i], &names);
		for (size_t j = 0; j < names.len; j++)
			add_known(arena, &known, &len, &cap, names.items[j],
				  arena_printf(arena, "%s/%s.yaml", dirs[i], names.items[j]));
	}
	for (size_t i = 0; i < builtin_profiles_len; i++)
		add_known(arena, &known, &len, &cap, builtin_profiles[i].name, NULL);
	*ret_known = known;
	return len;
}

int source_find(struct arena *arena, const char *name, struct source *ret_source,
		const char **ret_why)
{
	int r;

	if (strcmp(name, "-") == 0) {
		r = source_read_stdin(arena, ret_source, ret_why);
		if (r < 0)
			*ret_why = arena_printf(arena, "<stdin>: %s", *ret_why);
		return r;
	}
	*ret_why = value_check_profile(arena, name);
	if (*ret_why)
		return -EINVAL;
	if (profile_is_file(name)) {
		r = source_read_file(arena, name, ret_source, ret_why);
		if (r < 0)
			*ret_why = arena_printf(arena, "%s: %s", word_quote(arena, name), *ret_why);
		return r;
	}
	r = find_in_dir(arena, user_dir(arena), name, ret_source, ret_why);
	if (r == 0)
		r = find_in_dir(arena, system_dir, name, ret_source, ret_why);
	if (r == 0)
		r = find_builtin(arena, name, ret_source);
	if (r == 0) {
		*ret_why = unknown_name_reason(arena, name);
		return -EINVAL;
	}
	if (r > 0)
		ret_source->name = name;
	return r < 0 ? r : 0;
}

bool source_is_same(const struct source *a, const struct source *b)
{
	if (a->path && b->path)
		return a->dev == b->dev && a->ino == b->ino;
	return !a->path && !b->path && a->text == b->text;
}
