/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the plan shows a path, or keeps it away: see why.h. */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/mounts.h"
#include "box/protect/protect_rules.h"
#include "cli/why.h"
#include "policy/paths.h"
#include "policy/resolve.h"
#include "policy/steps.h"
#include "policy/words.h"

enum {
	MAX_LINKS = 40, /* as the kernel's own, path_resolution(7) */
};

/* A path as it is written in grants and questions; ~ stands for home. Keeps "..". */
static const char *expand(const struct why *why, const char *text, const char *home)
{
	if (text[0] == '~' && (text[1] == '/' || !text[1]))
		return arena_printf(why->arena, "%s%s", home, text + 1);
	return text[0] == '/' ? text
			      : arena_printf(why->arena, "%s/%s", why->plan->facts->cwd, text);
}

/*** Finding what the box has there ***/

struct spot {
	const struct step *step; /* that made it, or shows it; NULL: nothing does */
	const char *box_path;	 /* no link in it */
	const char *host_path;	 /* of what a bind shows, whether it is there or not */
	bool exists;
	bool is_exact;	      /* step made this very path */
	bool may_pass;	      /* the modes of the directories above let the box's user through */
	bool is_no_directory; /* and was to lead further */
	struct stat st;
};

/* Whether the box's user may: 4, 2 and 1 or-ed, as in modes. */
static bool modes_allow(const struct plan *plan, const struct step *step, const char *host_path,
			const struct stat *st, unsigned wanted)
{
	bool is_mapped = step->flags & STEP_IDMAP;
	mode_t mode = st->st_mode;

	/* Who is no root is the same user in the box. */
	if (!plan->facts->host_root)
		return faccessat(AT_FDCWD, host_path, (int)wanted, AT_EACCESS) == 0;
	if (is_mapped && st->st_uid == step->owner)
		mode >>= 6;
	else if (is_mapped && st->st_gid == step->group)
		mode >>= 3;
	return (mode & wanted) == wanted;
}

static const struct step *last_at(const struct plan *plan, const char *box_path)
{
	const struct step *found = NULL;

	for (size_t i = 0; i < plan->steps_len; i++) {
		if (strcmp(plan->steps[i].box_path, box_path) == 0)
			found = &plan->steps[i];
	}
	return found;
}

/* What is at box_path, above which there are no links. */
static void look(const struct why *why, const char *box_path, struct spot *place)
{
	const struct step *exact = last_at(why->plan, box_path);

	place->box_path = box_path;
	place->host_path = NULL;
	place->is_exact = exact != NULL;
	place->step = exact ? exact : steps_holder(why->plan, box_path);
	place->exists = exact != NULL;
	if (!place->step)
		return;
	if (place->step->kind == STEP_PROC || place->step->kind == STEP_DEVPTS)
		place->exists = true;
	if (place->step->kind != STEP_BIND)
		return;
	place->host_path = path_join(why->arena, place->step->host_path,
				     path_rest(box_path, place->step->box_path));
	place->exists = lstat(place->host_path, &place->st) == 0;
}

/* Where the link at place leads, NULL when it is none. */
static const char *link_target(const struct why *why, const struct spot *place)
{
	char target[PATH_MAX];

	if (place->step && place->is_exact && place->step->kind == STEP_SYMLINK)
		return place->step->text;
	if (!place->host_path || !place->exists || !S_ISLNK(place->st.st_mode))
		return NULL;
	ssize_t n = readlink(place->host_path, target, sizeof target - 1);
	return n > 0 ? arena_strndup(why->arena, target, (size_t)n) : NULL;
}

/* Whether place is a directory that leads further. */
static bool enter(const struct why *why, struct spot *place)
{
	const struct step *step = place->step;

	if (!place->exists || (step->kind == STEP_MASK && !(step->flags & STEP_OPENED)))
		return false;
	if (step->kind != STEP_BIND)
		return true;
	place->may_pass =
		place->may_pass && modes_allow(why->plan, step, place->host_path, &place->st, 1);
	return S_ISDIR(place->st.st_mode);
}

/* What is asked for lies below what is not there, if ".." does not lead out of it. */
static void stop_at(const struct why *why, const char *missing, const char *rest, struct spot *ret)
{
	const char *asked = path_absolute(why->arena, missing, rest);

	ret->is_no_directory = ret->exists && ret->step->kind == STEP_BIND;
	look(why, path_is_within(asked, missing) ? asked : missing, ret);
}

/* As the kernel would in the box. 0, or -ELOOP. Ends at the first thing that is not there. */
static int walk(const struct why *why, const char *path, struct spot *ret)
{
	char *now = arena_strdup(why->arena, "/");
	const char *todo = path;
	size_t links = 0;

	*ret = (struct spot){ .may_pass = true };
	look(why, now, ret);
	while (*(todo += strspn(todo, "/"))) {
		size_t len = strcspn(todo, "/");
		const char *rest = todo + len, *target;

		if (strncmp(todo, "..", len) == 0 && len == 2)
			now = path_absolute(why->arena, now, "..");
		else if (len != 1 || *todo != '.') {
			char *name = arena_strndup(why->arena, todo, len);
			char *next = path_join(why->arena, now, name);

			look(why, next, ret);
			target = link_target(why, ret);
			if (target && ++links > MAX_LINKS)
				return -ELOOP;
			if (target) {
				todo = arena_printf(why->arena, "%s%s", target, rest);
				if (*target == '/')
					now = arena_strdup(why->arena, "/");
				continue;
			}
			now = next;
			if (rest[strspn(rest, "/")] && !enter(why, ret)) {
				stop_at(why, now, rest + 1, ret);
				return 0;
			}
		}
		todo = rest;
	}
	look(why, now, ret);
	ret->is_no_directory =
		todo[-1] == '/' && ret->host_path && ret->exists && !S_ISDIR(ret->st.st_mode);
	return 0;
}

/*** The answer ***/

/* Whether files.hide has it: a path of the host's, or one that a grant made. */
static bool is_hidden(const struct why *why, const struct spot *place, struct origin *ret_at,
		      bool *ret_itself)
{
	const struct path_list *list = &why->profile->hide;
	const char *host_path = place->host_path ? place->host_path : place->box_path;

	for (size_t i = 0; i < list->len; i++) {
		const char *path =
			path_absolute(why->arena, "/",
				      expand(why, list->items[i].source, why->plan->facts->home));
		struct resolved hidden;

		*ret_at = list->items[i].at;
		*ret_itself = strcmp(place->box_path, path) == 0;
		if (path_is_within(place->box_path, path))
			return true;
		if (resolve_host_path(why->arena, path, &hidden) < 0)
			continue;
		*ret_itself = strcmp(host_path, hidden.path) == 0;
		if (path_is_within(host_path, hidden.path))
			return true;
	}
	return false;
}

/* The option for path; to write what is not there, for the directory that it would be in. */
static void offer_path(struct why *why, const char *box_path, bool write)
{
	const char *path = box_path;
	struct stat st;

	while (write && lstat(path, &st) < 0 && strcmp(path, "/") != 0)
		path = path_absolute(why->arena, path, "..");
	if (path_why_no_source(path) || path_why_no_place(path) || lstat(path, &st) < 0)
		return;
	why_offer(why, write ? "--rw" : "--ro",
		  write ? "files: {write: [%s]}" : "files: {read: [%s]}", path);
}

static int answer_hidden(struct why *why, const struct spot *place, bool write, const char *by,
			 bool itself)
{
	if (itself)
		return why_decide(why, false, by,
				  "it is hidden, and nothing wins over that at the same path");
	offer_path(why, place->box_path, write);
	return why_decide(why, false, by, "what it lies in is hidden");
}

static int answer_absent(struct why *why, const struct spot *place, bool write)
{
	const char *path = place->box_path, *never = path_why_no_source(path);
	const struct step *step = place->step;
	struct resolved host;
	struct origin at;
	bool itself;

	if (is_hidden(why, place, &at, &itself))
		return answer_hidden(why, place, write, origin_text(why->arena, &at), itself);
	if (never)
		return why_decide(why, false, NULL, never);
	if (step && (step->kind == STEP_BIND || step->kind == STEP_MASK))
		return why_decide(why, false, step->why,
				  arena_printf(why->arena, "'%s' is granted, and this is not in it",
					       step->box_path));
	int r = resolve_host_path(why->arena, path, &host);
	const char *shown = r == 0 ? steps_box_path(why->arena, why->plan, host.path) : NULL;
	if (r == 0 || write)
		offer_path(why, path, write);
	if (shown)
		return why_decide(why, false, NULL,
				  arena_printf(why->arena,
					       "nothing grants it there; the box has it at '%s'",
					       shown));
	if (step && step->kind == STEP_PRIVATE)
		return why_decide(why, false, step->why,
				  arena_printf(why->arena,
					       "'%s' is the box's own and begins empty: nothing of "
					       "the host's is in it",
					       step->box_path));
	return why_decide(why, false, NULL,
			  r == -ENOENT ? "nothing grants it, and the host does not have it either"
				       : "nothing grants it");
}

/* The name of files.protect that keeps place as it is, or NULL. */
static const char *protecting(const struct why *why, const struct spot *place)
{
	const struct plan *plan = why->plan;
	struct rules rules = { .names = (const char *const *)plan->protect->items,
			       .names_len = plan->protect->len,
			       .pinned = (const char *const *)plan->pinned.items,
			       .pinned_len = plan->pinned.len,
			       .mounts_len = plan->pinned.len };
	/* To write in a directory is to make something in it. */
	const char *box_path = place->exists && S_ISDIR(place->st.st_mode)
				       ? path_join(why->arena, place->box_path, "new")
				       : place->box_path;
	const struct rules_path path = { .above = place->step->host_path,
					 .rel = path_rest(box_path, place->step->box_path),
					 .box_path = box_path };

	for (size_t i = 0; i < rules.names_len; i++)
		rules.has_git |= strcmp(rules.names[i], ".git") == 0;
	if (rules_allow(&rules, &path, CHANGE_WRITE))
		return NULL;
	for (size_t i = 0; i < rules.names_len; i++) {
		for (const char *at = path.rel; *at; at += strspn(at, "/")) {
			size_t len = strcspn(at, "/");

			if (fnmatch(rules.names[i], arena_strndup(why->arena, at, len),
				    FNM_CASEFOLD) == 0)
				return rules.names[i];
			at += len;
		}
	}
	return rules.has_git ? ".git" : "";
}

static int answer_host_write(struct why *why, const struct spot *place)
{
	const struct step *step = place->step;
	const char *grant = step->box_path;

	if (!(step->flags & STEP_WRITABLE)) {
		offer_path(why, place->box_path, true);
		return why_decide(why, false, step->why,
				  arena_printf(why->arena, "'%s' is granted to be read", grant));
	}
	const char *name = step->flags & STEP_PROTECTED ? protecting(why, place) : NULL;
	if (name)
		return why_decide(why, false, why_origin(why, "files.protect", name),
				  arena_printf(why->arena, "files.protect keeps '%s' as it is",
					       *name ? name : place->box_path));
	struct spot above = *place;
	if (!place->exists)
		look(why, path_absolute(why->arena, place->box_path, ".."), &above);
	if (!above.exists || !above.host_path)
		return why_decide(
			why, false, step->why,
			arena_printf(why->arena,
				     "'%s' is granted, and the directory for it is not in it",
				     grant));
	if (!place->may_pass || !modes_allow(why->plan, step, above.host_path, &above.st,
					     S_ISDIR(above.st.st_mode) ? 3 : 2))
		return why_decide(
			why, false, step->why,
			arena_printf(why->arena,
				     "'%s' is granted, and its permissions on the host keep "
				     "the box's user out",
				     grant));
	return why_decide(why, true, step->why,
			  arena_printf(why->arena, "'%s' is granted to be written", grant));
}

static int answer_host_read(struct why *why, const struct spot *place)
{
	const struct step *step = place->step;
	unsigned wanted = S_ISDIR(place->st.st_mode) ? 5 : 4;

	if (!place->may_pass || !modes_allow(why->plan, step, place->host_path, &place->st, wanted))
		return why_decide(
			why, false, step->why,
			arena_printf(why->arena,
				     "'%s' is granted, and its permissions on the host keep "
				     "the box's user out",
				     step->box_path));
	return why_decide(why, true, step->why,
			  arena_printf(why->arena, "'%s' is granted to be %s", step->box_path,
				       step->flags & STEP_WRITABLE ? "written" : "read"));
}

static int answer_private(struct why *why, const struct spot *place, bool write)
{
	const char *own = place->step->box_path;
	const char *parent = path_absolute(why->arena, place->box_path, "..");

	if (!place->is_exact && !write)
		return answer_absent(why, place, write);
	if (!place->is_exact && !last_at(why->plan, parent)) {
		offer_path(why, place->box_path, write);
		return why_decide(why, false, place->step->why,
				  arena_printf(why->arena,
					       "'%s' is the box's own and begins empty: the "
					       "directory for it is not in it",
					       own));
	}
	return why_decide(why, true, place->step->why,
			  arena_printf(why->arena,
				       "'%s' is the box's own, in memory, and goes with it", own));
}

static const char holds_grants[] = "it holds what is granted below it, and nothing else";

static int answer_place(struct why *why, struct spot *place, bool write)
{
	const struct step *step = place->step, *in = steps_holder(why->plan, place->box_path);

	if (!place->box_path[1])
		return why_decide(why, !write, NULL, holds_grants);
	if (!step)
		return answer_absent(why, place, write);
	switch (step->kind) {
	case STEP_BIND:
		if (write)
			return answer_host_write(why, place);
		return place->exists ? answer_host_read(why, place)
				     : answer_absent(why, place, write);
	case STEP_PRIVATE:
		return answer_private(why, place, write);
	case STEP_MASK:
		if (!(step->flags & STEP_OPENED))
			return answer_hidden(why, place, write, step->why, place->is_exact);
		if (!place->is_exact)
			return answer_absent(why, place, write);
		break; /* a directory that shows what is granted */
	case STEP_DEVICE:
	case STEP_DEVPTS:
		return why_decide(why, true, step->why, "every box has it");
	case STEP_SOCKET:
		return why_decide(why, true, step->why, "a binding answers there");
	case STEP_PROC:
		if (path_is_below(place->box_path, "/proc/self/fd"))
			return why_decide(why, true, NULL, "it is what the program has open");
		if (mounts_hides(place->box_path))
			return why_decide(why, false, NULL, "it tells of the host");
		if (path_is_below(place->box_path, "/proc") &&
		    strspn(path_rest(place->box_path, "/proc"), "0123456789"))
			return why_decide(why, false, NULL,
					  "numbers there are of the box's own processes, and "
					  "init's is hidden");
		break;
	case STEP_DIR: /* on the way to a grant */
		if (!in || in->kind != STEP_PRIVATE)
			break;
		place->step = in;
		return answer_private(why, place, write);
	case STEP_SYMLINK:
	case STEP_FILE:
	case STEP_COVER:
	case STEP_ABSENT: /* of learn's runs only */
		break;
	}
	if (!place->exists)
		return answer_absent(why, place, write);
	return why_decide(why, !write, step->why,
			  step->kind == STEP_PROC  ? "the box has its own, which cannot be written"
			  : step->kind == STEP_DIR ? holds_grants
			  : step->kind == STEP_MASK
				  ? "it holds what is granted of it, without what is hidden"
				  : "aisbx makes it, and it cannot be written");
}

int why_path(struct why *why, const char *text)
{
	struct spot place;
	bool write = why->options->write;
	const char *path = expand(why, text, why->plan->home);

	why->answer->access = write ? "write" : "read";
	why->answer->what = path_absolute(why->arena, "/", path);
	if (walk(why, path, &place) < 0)
		return why_decide(why, false, NULL, "its symbolic links lead to no end");
	if (place.is_no_directory)
		return why_decide(why, false, NULL, "what is to lead further is no directory");
	answer_place(why, &place, write);
	if (strcmp(place.box_path, why->answer->what) != 0)
		why->answer->reason = arena_printf(why->arena, "it leads to '%s': %s",
						   place.box_path, why->answer->reason);
	return 0;
}
