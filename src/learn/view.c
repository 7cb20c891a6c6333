/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a learning run is shown: see view.h.
 *
 * An overlay covers one file system and nothing mounted in it, and a user
 * namespace may not uncover what lies under a mount. So a directory with
 * mounts below it is shown by its entries, each on its own. The home and the
 * working directory are shown by grants of their own: a box has a private
 * home unless one is granted.
 */
#include "learn/view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mountinfo.h"
#include "learn/places.h"
#include "policy/lists.h"
#include "policy/paths.h"

enum {
	ENTRIES_MAX = 500,   /* of a directory with mounts below */
	SCANNED_MAX = 20000, /* entries looked at for secrets */
	SCAN_DEPTH = 6,
};

struct builder {
	struct arena *arena;
	const struct hostfacts *facts;
	struct learn_places places;
	struct view *view;
	struct strv mounts; /* mount points, but "/" */
};

/*** The host's mounts ***/

static int read_mounts(struct builder *builder, struct err *reterr)
{
	struct mountinfos mounts;
	int r = mountinfo_read(builder->arena, &mounts);

	if (r < 0)
		return err_set(reterr, E_SYSTEM, -r, "read", MOUNTINFO_FILE);
	for (size_t i = 0; i < mounts.len; i++) {
		const char *path = mounts.items[i].point;

		if (path[0] == '/' && path[1])
			strv_push_new(builder->arena, &builder->mounts,
				      arena_strdup(builder->arena, path));
	}
	return 0;
}

static bool has_mount_below(const struct builder *builder, const char *path)
{
	for (size_t i = 0; i < builder->mounts.len; i++) {
		if (path_is_below(builder->mounts.items[i], path))
			return true;
	}
	return false;
}

static bool is_mount(const struct builder *builder, const char *path)
{
	for (size_t i = 0; i < builder->mounts.len; i++) {
		if (strcmp(builder->mounts.items[i], path) == 0)
			return true;
	}
	return false;
}

/*** What is shown ***/

static void grant(struct arena *arena, struct path_list *list, const char *path)
{
	struct path_spec spec = { .source = path, .optional = true, .at = { "learn", 1, 1 } };

	path_list_push_new(arena, list, &spec);
}

static bool holds_work(const struct builder *builder, const char *path)
{
	return path_is_within(builder->places.cwd, path) ||
	       path_is_within(builder->places.home, path);
}

static void show(struct builder *builder, const char *path);

static void show_entries(struct builder *builder, const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	size_t count = 0;

	while (dir && (entry = readdir(dir)) && count++ < ENTRIES_MAX) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			show(builder, path_join(builder->arena, path, entry->d_name));
	}
	if (dir)
		(void)closedir(dir); /* only read */
}

static void show(struct builder *builder, const char *path)
{
	struct arena *arena = builder->arena;
	struct profile *profile = &builder->view->profile;
	struct stat st;

	if (lstat(path, &st) < 0 || (is_mount(builder, path) && !holds_work(builder, path)) ||
	    faccessat(AT_FDCWD, path, R_OK | (S_ISDIR(st.st_mode) ? X_OK : 0), AT_EACCESS) < 0)
		return;
	if (S_ISREG(st.st_mode))
		grant(arena, &profile->read, path);
	else if (S_ISDIR(st.st_mode) && has_mount_below(builder, path))
		show_entries(builder, path);
	else if (S_ISDIR(st.st_mode))
		grant(arena, &profile->write, path);
}

/*
 * A directory of an owner that the box does not know cannot be copied into a layer, which a
 * change below it takes. So where the owner changes on the way to path, a layer begins.
 */
static void show_way(struct builder *builder, const char *path)
{
	const char *at = path;
	uid_t owner = 0;
	struct stat st;

	while (*at) {
		at += 1 + strcspn(at + 1, "/");
		char *part = arena_strndup(builder->arena, path, (size_t)(at - path));

		if (lstat(part, &st) < 0)
			return;
		if (strchr(part + 1, '/') && st.st_uid != owner && !has_mount_below(builder, part))
			show(builder, part);
		owner = st.st_uid;
	}
}

static int show_host(struct builder *builder, struct err *reterr)
{
	/* Of base, or of no use but to who looks for a way out. */
	static const char *const left_out[] = { "bin",	 "boot",  "dev",    "etc", "lib",
						"lib32", "lib64", "libx32", "nix", "proc",
						"run",	 "sbin",  "sys",    "usr", "lost+found" };
	DIR *dir = opendir("/");
	const struct dirent *entry;

	if (!dir)
		return err_set(reterr, E_SYSTEM, errno, "read", "/");
	while ((entry = readdir(dir))) {
		bool is_left_out = entry->d_name[0] == '.';

		for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
			is_left_out |= strcmp(entry->d_name, left_out[i]) == 0;
		if (!is_left_out)
			show(builder, path_join(builder->arena, "/", entry->d_name));
	}
	(void)closedir(dir); /* only read */
	show_way(builder, builder->places.cwd);
	show_way(builder, builder->places.home);
	if (!has_mount_below(builder, builder->places.home) && builder->places.home[1])
		show(builder, builder->places.home);
	return 0;
}

/*** What is hidden ***/

static void hide(struct builder *builder, const char *path)
{
	struct stat st;

	/* A link is hidden by hiding what it leads to; that of nowhere is nothing. */
	if (stat(path, &st) < 0)
		return;
	grant(builder->arena, &builder->view->profile.hide, path);
	strv_push_new(builder->arena, &builder->view->secrets, arena_strdup(builder->arena, path));
}

struct scan {
	struct arena *arena;
	const struct learn_places *places;
	struct strv *found;
	size_t looked_at;
};

static void scan(struct scan *state, const char *path, unsigned depth)
{
	DIR *dir = depth > SCAN_DEPTH ? NULL : opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) && state->looked_at++ < SCANNED_MAX) {
		char *below = path_join(state->arena, path, entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (sensitive_why(state->places, below))
			strv_push_new(state->arena, state->found, below);
		else if (entry->d_type == DT_DIR)
			scan(state, below, depth + 1);
	}
	if (dir)
		(void)closedir(dir); /* only read */
}

void view_find_secrets(struct arena *arena, const struct learn_places *places,
		       const char *directory, struct strv *list)
{
	struct scan state = { arena, places, list, 0 };

	scan(&state, directory, 0);
}

/* depth: SCAN_DEPTH for what lies in path itself. */
static void hide_names(struct builder *builder, const char *path, unsigned depth)
{
	struct strv found = { 0 };
	struct scan state = { builder->arena, &builder->places, &found, 0 };

	scan(&state, path, depth);
	for (size_t i = 0; i < found.len; i++)
		hide(builder, found.items[i]);
}

static void hide_other_homes(struct builder *builder)
{
	DIR *dir = opendir("/home");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char *path = path_join(builder->arena, "/home", entry->d_name);

		if (entry->d_name[0] != '.' && sensitive_why(&builder->places, path))
			hide(builder, path);
	}
	if (dir)
		(void)closedir(dir); /* only read */
	if (sensitive_why(&builder->places, "/root"))
		hide(builder, "/root");
}

static void hide_secrets(struct builder *builder)
{
	static const char *const of_system[] = {
		"/var/lib/docker", "/var/lib/containers", "/var/lib/kubelet", "/var/lib/sss",
		"/var/spool",	   "/var/mail",		  "/var/backups",
	};
	const char *place;

	for (size_t i = 0; (place = sensitive_in_home(i)); i++)
		hide(builder, path_join(builder->arena, builder->places.home, place));
	for (size_t i = 0; i < sizeof of_system / sizeof *of_system; i++)
		hide(builder, of_system[i]);
	hide_other_homes(builder);
	if (builder->places.cwd[1])
		hide_names(builder, builder->places.cwd, 0);
	if (strcmp(builder->places.cwd, builder->places.home) != 0)
		hide_names(builder, builder->places.home, SCAN_DEPTH);
}

/*** The environment ***/

static bool matches(const struct strv *patterns, const char *name)
{
	for (size_t i = 0; i < patterns->len; i++) {
		if (fnmatch(patterns->items[i], name, 0) == 0)
			return true;
	}
	return false;
}

/* What the box sets itself, a shell counts with, or leads to servers of the host. */
static bool is_own(const char *name)
{
	static const char *const names[] = {
		"AISBX*",	 "HOME",	   "USER",	    "LOGNAME",	 "TMPDIR",
		"PWD",		 "OLDPWD",	   "SHLVL",	    "_",	 "SHELL",
		"HOSTNAME",	 "MAIL",	   "DISPLAY",	    "WAYLAND_*", "XDG_*",
		"DBUS_*",	 "SSH_*",	   "GPG_*",	    "DOCKER_*",	 "KUBE*",
		"INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "LD_*",	 "TMUX*",
		"WINDOWID",	 "SUDO_*",	   "XAUTHORITY",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (fnmatch(names[i], name, 0) == 0)
			return true;
	}
	return false;
}

static void pass_variables(struct builder *builder)
{
	struct view *view = builder->view;

	for (char *const *item = builder->facts->environ; *item; item++) {
		char *name = arena_strndup(builder->arena, *item, strcspn(*item, "="));

		if (matches(&view->profile.env_pass, name) || is_own(name) ||
		    strpbrk(name, "*?[\\"))
			continue;
		if (sensitive_variable_why(name))
			strv_push(builder->arena, &view->kept_back, name);
		else
			strv_push(builder->arena, &view->variables, name);
	}
	for (size_t i = 0; i < view->variables.len; i++)
		strv_push_new(builder->arena, &view->profile.env_pass, view->variables.items[i]);
}

int view_build(struct arena *arena, const struct hostfacts *facts, const struct profile *grants,
	       struct view *ret, struct err *reterr)
{
	struct builder builder = {
		.arena = arena, .facts = facts, .places = { facts->cwd, facts->home }, .view = ret
	};
	const char *text = profile_builtin("base");

	memset(ret, 0, sizeof *ret);
	int r = profile_parse(arena, "base", text, strlen(text), &ret->profile, NULL, reterr);
	if (r < 0)
		return r;
	ret->profile.name = "learn";
	ret->profile.tmpfs.len = 0; /* the host's own are shown */
	profile_merge(arena, &ret->profile, grants);
	r = read_mounts(&builder, reterr);
	if (r == 0)
		r = show_host(&builder, reterr);
	if (r < 0)
		return r;
	hide_secrets(&builder);
	pass_variables(&builder);
	return 0;
}
