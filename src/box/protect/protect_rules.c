/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of files.protect: see protect_rules.h.
 *
 * Names are compared without regard to case, because the grant may lie on a
 * file system that has none, where .GIT and .git are one.
 *
 * .git is not closed as a whole: a commit writes objects, references, logs and
 * the index. Closed is what names a command or leads to other configuration.
 * Below modules/ and worktrees/, whose directories have free names, those
 * names are closed at every depth: text does not tell where such a repository
 * begins.
 *
 * Names are free below refs, logs, objects and rr-cache, config among them. A
 * directory there would be a bare repository, which a link in the tree leads
 * into, if it had HEAD, and objects or commondir. So HEAD is closed there, but
 * where git itself keeps one: in those directories the other two are.
 */
#include "box/protect/protect_rules.h"

#include <string.h>

/*** Text ***/

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_name(const char *text, size_t len, const char *name)
{
	size_t i = 0;

	while (i < len && name[i] && fold(text[i]) == fold(name[i]))
		i++;
	return i == len && !name[i];
}

static bool has_prefix(const char *text, size_t len, const char *prefix)
{
	size_t prefix_len = strlen(prefix);

	return len >= prefix_len && is_name(text, prefix_len, prefix);
}

/* '*' stands for any bytes. Linear but for the last star: no input makes it explode. */
static bool matches(const char *text, size_t len, const char *pattern)
{
	const char *star = NULL;
	size_t i = 0, retry = 0;

	while (i < len) {
		if (*pattern == '*') {
			star = pattern++;
			retry = i;
		} else if (*pattern && fold(*pattern) == fold(text[i])) {
			pattern++;
			i++;
		} else if (star) {
			pattern = star + 1;
			i = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* The component of path at *at (slashes skipped), or NULL; *at moves behind it. */
static const char *next_component(const char *path, size_t *at, size_t *ret_len)
{
	const char *begin = path + *at + strspn(path + *at, "/");
	size_t len = strcspn(begin, "/");

	*at = (size_t)(begin - path) + len;
	*ret_len = len;
	return len ? begin : NULL;
}

static bool is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (!path[len] || path[len] == '/');
}

/*** Names ***/

/* git~1 is .git where a file system keeps short names. */
static bool is_dotgit(const char *name, size_t len)
{
	if (is_name(name, len, ".git"))
		return true;
	return len == 5 && has_prefix(name, len, "git~") && name[4] >= '0' && name[4] <= '9';
}

static bool is_protected(const struct rules *rules, const char *name, size_t len)
{
	for (size_t i = 0; i < rules->names_len; i++) {
		const char *pattern = rules->names[i];

		if (*pattern != '*' && fold(*pattern) != fold(*name))
			continue;
		if (matches(name, len, pattern))
			return true;
	}
	return rules->has_git && is_dotgit(name, len);
}

/*
 * Names in a repository that git takes commands or further configuration from:
 * config*, hooks; attributes (of info/) chooses filters; commondir, gitdir,
 * remotes and branches lead elsewhere; exec lines of a todo list are run by
 * git rebase --continue; alternates makes another directory's objects ours.
 */
static bool is_git_command(const char *name, size_t len)
{
	static const char *const names[] = { "config",	       "hooks",	   "attributes",
					     "commondir",      "gitdir",   "git-rebase-todo",
					     "remotes",	       "branches", "alternates",
					     "http-alternates" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (is_name(name, len, names[i]))
			return true;
	}
	return has_prefix(name, len, "config.");
}

static enum place zone_of(const char *name, size_t len)
{
	static const struct {
		const char *name;
		enum place place;
	} zones[] = { { "refs", PLACE_REFS },
		      { "logs", PLACE_HEADS },
		      { "objects", PLACE_OBJECTS },
		      { "rr-cache", PLACE_RERERE } };

	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		if (is_name(name, len, zones[i].name))
			return zones[i].place;
	}
	return PLACE_GIT;
}

static bool is_operation(const char *name, size_t len)
{
	return is_name(name, len, "rebase-merge") || is_name(name, len, "rebase-apply") ||
	       is_name(name, len, "sequencer");
}

/* git runs git-merge-STRATEGY, which with a slash in it is any file; opts may name one too. */
static bool is_operation_command(const char *name, size_t len)
{
	return is_name(name, len, "strategy") || is_name(name, len, "opts");
}

/*** Places ***/

/* One component further down. */
static enum place descend(const struct rules *rules, enum place place, const char *name, size_t len)
{
	switch (place) {
	case PLACE_TREE:
		if (rules->has_git && is_dotgit(name, len))
			return PLACE_GIT_ITSELF;
		return is_protected(rules, name, len) ? PLACE_PROTECTED : PLACE_TREE;
	case PLACE_GIT_ITSELF:
		if (zone_of(name, len) != PLACE_GIT)
			return zone_of(name, len);
		__attribute__((fallthrough));
	case PLACE_GIT:
		if (is_git_command(name, len) || is_protected(rules, name, len))
			return PLACE_PROTECTED;
		return is_operation(name, len) ? PLACE_OPERATION : PLACE_GIT;
	case PLACE_OPERATION:
		return is_operation_command(name, len) || is_git_command(name, len) ||
				       is_protected(rules, name, len)
			       ? PLACE_PROTECTED
			       : PLACE_OPERATION;
	case PLACE_OBJECTS:
		if (is_name(name, len, "alternates") || is_name(name, len, "http-alternates"))
			return PLACE_PROTECTED;
		__attribute__((fallthrough));
	case PLACE_RERERE:
		return is_dotgit(name, len) ? PLACE_PROTECTED : place;
	case PLACE_REMOTES:
		return is_dotgit(name, len) ? PLACE_PROTECTED : PLACE_HEADS;
	case PLACE_HEADS:
		if (is_name(name, len, "objects") || is_name(name, len, "commondir"))
			return PLACE_PROTECTED;
		__attribute__((fallthrough));
	case PLACE_REFS:
		/* Branches may be called hooks, but none .git. */
		if (is_dotgit(name, len))
			return PLACE_PROTECTED;
		return is_name(name, len, "remotes") ? PLACE_REMOTES : PLACE_REFS;
	case PLACE_PROTECTED:
		break;
	}
	return PLACE_PROTECTED;
}

/* Directories that a HEAD would make a repository whose config is free. */
static bool is_without_head(enum place place)
{
	return place == PLACE_TREE || place == PLACE_REFS || place == PLACE_REMOTES ||
	       place == PLACE_OBJECTS || place == PLACE_RERERE;
}

static bool is_in_git(enum place place)
{
	return place != PLACE_TREE && place != PLACE_PROTECTED;
}

static enum place place_of_grant(const struct rules *rules, const struct rules_path *path)
{
	enum place place = PLACE_TREE;
	const char *name;
	size_t at = 0, len;

	/* Above the grant only .git counts: ~/.cache/x may be granted as a whole. */
	while ((name = next_component(path->above, &at, &len))) {
		bool is_git = rules->has_git && is_dotgit(name, len);

		if (place != PLACE_TREE || is_git)
			place = is_git ? PLACE_GIT_ITSELF : descend(rules, place, name, len);
	}
	return place;
}

/* The place of the path, or of the directory it is in. */
static enum place walk(const struct rules *rules, const struct rules_path *path, bool without_last)
{
	enum place place = place_of_grant(rules, path);
	const char *name;
	size_t at = 0, len;

	while ((name = next_component(path->rel, &at, &len))) {
		if (without_last && !path->rel[at])
			break;
		place = descend(rules, place, name, len);
	}
	return place;
}

enum place rules_place(const struct rules *rules, const struct rules_path *path)
{
	return walk(rules, path, false);
}

static bool is_pinned(const struct rules *rules, const struct rules_path *path, bool with_ancestors)
{
	const char *box_path = path->box_path;
	size_t grant_len = strlen(box_path) - strlen(path->rel) - (*path->rel != '\0');

	for (size_t i = 0; i < rules->pinned_len; i++) {
		const char *pinned = rules->pinned[i];

		/* What lies in a deeper grant is not behind that mount point but in front of it. */
		if (i < rules->mounts_len && strlen(pinned) <= grant_len)
			continue;
		if (is_within(box_path, pinned) || (with_ancestors && is_within(pinned, box_path)))
			return true;
	}
	return false;
}

static const char *last_name(const char *rel)
{
	const char *slash = strrchr(rel, '/');

	return slash ? slash + 1 : rel;
}

/*
 * HEAD is what makes a directory a repository; its config is obeyed from then
 * on. Programs are called head, so case counts where the file system says so.
 */
bool rules_makes_repository(const struct rules *rules, const struct rules_path *path)
{
	const char *name = last_name(path->rel);

	if (!rules->has_git || !is_name(name, strlen(name), "HEAD"))
		return false;
	return (path->folds || strcmp(name, "HEAD") == 0) &&
	       is_without_head(walk(rules, path, true));
}

/* What git removes when the operation has ended. */
static bool is_leftover(const struct rules *rules, const struct rules_path *path)
{
	const char *name = last_name(path->rel);

	return rules_is_vetted(rules, path) || (walk(rules, path, true) == PLACE_OPERATION &&
						is_operation_command(name, strlen(name)));
}

/*** Verdicts ***/

bool rules_allow(const struct rules *rules, const struct rules_path *path, enum change change)
{
	enum place place = rules_place(rules, path);

	if (is_pinned(rules, path, change == CHANGE_REMOVE))
		return false;
	if (place == PLACE_PROTECTED)
		return change == CHANGE_REMOVE && is_leftover(rules, path);
	switch (change) {
	case CHANGE_ACCESS:
		return true;
	case CHANGE_WRITE:
		return place != PLACE_GIT_ITSELF && !rules_makes_repository(rules, path);
	case CHANGE_SYMLINK:
		return place == PLACE_TREE && !rules_makes_repository(rules, path);
	case CHANGE_MKDIR:
	case CHANGE_REMOVE:
	case CHANGE_ATTRIBUTES:
		return place != PLACE_GIT_ITSELF;
	}
	return false;
}

bool rules_allow_move(const struct rules *rules, const struct rules_path *from,
		      const struct rules_path *to, bool is_dir, bool is_link)
{
	enum place a = rules_place(rules, from), b = rules_place(rules, to);

	if (!rules_allow(rules, from, CHANGE_REMOVE) || !rules_allow(rules, to, CHANGE_REMOVE) ||
	    !rules_allow(rules, to, CHANGE_WRITE))
		return false;
	if (is_link && is_in_git(b))
		return false;
	return is_dir ? a == b : !rules_makes_repository(rules, from);
}

bool rules_allow_link(const struct rules *rules, const struct rules_path *from,
		      const struct rules_path *to)
{
	return rules_allow(rules, from, CHANGE_WRITE) && rules_allow(rules, to, CHANGE_WRITE) &&
	       rules_place(rules, from) == rules_place(rules, to);
}

bool rules_may_travel(const struct rules *rules, enum place place, const char *name)
{
	enum place inside = descend(rules, place, name, strlen(name));

	return inside != PLACE_PROTECTED && inside != PLACE_GIT_ITSELF;
}

/* info/attributes, objects/info/alternates. */
static int levels_below_git(const char *name, size_t len)
{
	if (is_name(name, len, "attributes"))
		return 1;
	return is_name(name, len, "alternates") || is_name(name, len, "http-alternates") ? 2 : 0;
}

/* Length of rel's beginning with that many components fewer. */
static size_t up(const char *rel, size_t len, int levels)
{
	while (levels-- > 0) {
		while (len && rel[len - 1] == '/')
			len--;
		while (len && rel[len - 1] != '/')
			len--;
	}
	return len;
}

bool rules_git_name(const struct rules *rules, const struct rules_path *path, size_t *at,
		    size_t *ret_dir_len)
{
	enum place place = place_of_grant(rules, path);
	const char *name;
	size_t next = 0, len;

	if (!rules->has_git)
		return false;
	while ((name = next_component(path->rel, &next, &len))) {
		size_t dir_len = (size_t)(name - path->rel);

		if (dir_len >= *at && is_without_head(place) && is_git_command(name, len)) {
			*ret_dir_len = up(path->rel, dir_len, levels_below_git(name, len));
			*at = next;
			return true;
		}
		place = descend(rules, place, name, len);
	}
	*at = next;
	return false;
}

/*** Texts ***/

static bool is_todo(const struct rules_path *path)
{
	const char *name = last_name(path->rel);

	return is_name(name, strlen(name), "git-rebase-todo");
}

bool rules_is_vetted(const struct rules *rules, const struct rules_path *path)
{
	const char *name = last_name(path->rel);
	enum place place = walk(rules, path, true);

	if (is_todo(path))
		return place == PLACE_GIT || place == PLACE_OPERATION;
	return is_name(name, strlen(name), "opts") && place == PLACE_OPERATION;
}

/*
 * All of git's but exec, which is what makes a todo list dangerous; a command
 * of a later git that is not listed here is refused too. git takes newline as
 * the end of a line and blanks before a word as nothing, sequencer.c.
 */
static bool is_harmless_line(const char *line, size_t len)
{
	static const char *const words[] = { "pick",   "p", "reword", "r",	    "edit",  "e",
					     "squash", "s", "fixup",  "f",	    "drop",  "d",
					     "label",  "l", "reset",  "t",	    "merge", "m",
					     "break",  "b", "noop",   "update-ref", "u" };
	size_t word_len = 0;

	while (len && (*line == ' ' || *line == '\t'))
		line++, len--;
	if (!len || *line == '#')
		return true;
	while (word_len < len && line[word_len] != ' ' && line[word_len] != '\t')
		word_len++;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strlen(words[i]) == word_len && memcmp(line, words[i], word_len) == 0)
			return true;
	}
	return false;
}

static bool todo_is_harmless(const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line_len = end ? (size_t)(end - text) : len;

		if (!is_harmless_line(text, line_len))
			return false;
		text += line_len + (end != NULL);
		len -= line_len + (end != NULL);
	}
	return true;
}

/* A key of git's configuration cannot be written otherwise than as it is, but for case. */
static bool options_are_harmless(const char *text, size_t len)
{
	for (; len; text++, len--) {
		if (has_prefix(text, len, "strategy"))
			return false;
	}
	return true;
}

bool rules_text_is_harmless(const struct rules_path *path, const char *text, size_t len)
{
	if (memchr(text, '\0', len))
		return false;
	return is_todo(path) ? todo_is_harmless(text, len) : options_are_harmless(text, len);
}
