/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Path grants as entries: see entries.h.
 *
 * Every path the user wrote is resolved on the host here, with the links on
 * its way; what is granted twice, hidden, or a profile of the run's own is
 * settled here, so that layout.c only has to turn entries into steps.
 */
#include "policy/entries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "policy/paths.h"
#include "policy/words.h"

/*** Words of an entry ***/

bool entry_is_bind(const struct entry *entry)
{
	return (entry->kind == ENTRY_READ || entry->kind == ENTRY_WRITE) && !entry->link;
}

int entry_refuse(const struct entries *entries, const struct entry *entry, const char *path,
		 const char *reason)
{
	return err_msg(entries->reterr, E_GRANT, "%s: cannot grant '%s': %s", entry->why, path,
		       reason);
}

static int rank(const struct entry *entry)
{
	return (int)entry->kind + (entry->from_command_line ? ENTRY_HIDE + 1 : 0);
}

/*** Collecting ***/

static struct entry *add_entry(struct entries *entries, const struct entry *entry)
{
	for (size_t i = 0; i < entries->len; i++) {
		struct entry *there = &entries->items[i];

		if (strcmp(there->box_path, entry->box_path) != 0)
			continue;
		if (rank(entry) >= rank(there))
			*there = *entry;
		return there;
	}
	(void)LIST_GROW(entries->arena, entries);
	entries->items[entries->len] = *entry;
	return &entries->items[entries->len++];
}

/* "~" and "~/x" stand below home; anything else below cwd. */
static char *expand(struct entries *entries, const char *text, const char *home)
{
	if (text[0] == '~' && (text[1] == '/' || text[1] == '\0'))
		return path_absolute(entries->arena, home, text[1] ? text + 2 : ".");
	return path_absolute(entries->arena, entries->plan->facts->cwd, text);
}

/* File systems that are interfaces to the kernel, wherever they are mounted. */
static bool is_kernel_interface(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return false;
	switch ((unsigned long)fs.f_type) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
	case SELINUX_MAGIC:
	case DEVPTS_SUPER_MAGIC:
	case BPF_FS_MAGIC:
	case NSFS_MAGIC:
		return true;
	default:
		return false;
	}
}

static int refuse_errno(struct entries *entries, const struct entry *entry, int error)
{
	static const char action[] = "; make it accessible to yourself first";

	return entry_refuse(entries, entry, entry->source,
			    arena_printf(entries->arena, "%s%s", strerror(error),
					 error == EACCES ? action : ""));
}

static int check_source(struct entries *entries, const struct entry *entry)
{
	const char *path = entry->host.path;
	const char *typed = entry->source;
	/* An observed run is shown more than its caller may change. */
	int mode = entry->kind == ENTRY_WRITE && !entries->plan->observed ? W_OK : 0;

	const char *why = path_why_no_source(path);

	if (!why && is_kernel_interface(path))
		why = path_why_no_source("/sys");
	if (why)
		return entry_refuse(entries, entry, typed, why);
	if (S_ISBLK(entry->host.mode) || S_ISCHR(entry->host.mode))
		return entry_refuse(entries, entry, typed,
				    "it is a device; grant a file or a directory");
	if (S_ISDIR(entry->host.mode))
		mode |= R_OK | X_OK;
	else if (S_ISREG(entry->host.mode))
		mode |= R_OK;
	if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0)
		return refuse_errno(entries, entry, errno);
	return 0;
}

static int add_path_grant(struct entries *entries, const struct path_spec *spec,
			  enum entry_kind kind)
{
	struct entry entry = {
		.kind = kind,
		.from_command_line = spec->at.line == 0,
		.source = spec->source,
		.why = origin_text(entries->arena, &spec->at),
	};
	char *source = expand(entries, spec->source, entries->plan->facts->home);

	entry.box_path = spec->dest ? expand(entries, spec->dest, entries->plan->home) : source;
	int r = resolve_host_path(entries->arena, source, &entry.host);
	bool is_missing = r == -ENOENT || r == -ENOTDIR;
	if (is_missing && spec->optional)
		return 0;
	if (is_missing)
		return entry_refuse(
			entries, &entry, spec->source,
			!spec->dest && strchr(spec->source, ':')
				? "it does not exist; if it is SRC:DEST, begin DEST with / or ~"
				: "it does not exist; create it, or write -PATH to skip it when "
				  "missing");
	if (r < 0)
		/* No fault of the grant's: openat2(2) itself is refused, or is not there. */
		return r == -ENOSYS || r == -EPERM
			       ? err_wall(entries->reterr, "mount", -r, "find", spec->source)
			       : refuse_errno(entries, &entry, -r);
	r = check_source(entries, &entry);
	if (r < 0)
		return r;
	const char *why = path_why_no_place(entry.box_path);
	if (why)
		return entry_refuse(entries, &entry, entry.box_path, why);
	(void)add_entry(entries, &entry);
	return 0;
}

static int add_tmpfs(struct entries *entries, const char *path, enum entry_kind kind,
		     const struct origin *at)
{
	struct entry entry = {
		.kind = kind,
		.from_command_line = at && at->line == 0,
		.box_path = expand(entries, path, entries->plan->home),
		.why = at ? origin_text(entries->arena, at) : "aisbx",
	};

	const char *why = path_why_no_place(entry.box_path);

	if (why)
		return entry_refuse(entries, &entry, entry.box_path, why);
	(void)add_entry(entries, &entry);
	return 0;
}

static int add_grants(struct entries *entries)
{
	const struct profile *profile = entries->plan->profile;
	const struct {
		const struct path_list *list;
		enum entry_kind kind;
	} lists[] = { { &profile->read, ENTRY_READ }, { &profile->write, ENTRY_WRITE } };
	int r = add_tmpfs(entries, "/tmp", ENTRY_IMPLICIT, NULL);

	if (r == 0)
		r = add_tmpfs(entries, "~", ENTRY_IMPLICIT, NULL);
	for (size_t i = 0; r == 0 && i < profile->tmpfs.len; i++)
		r = add_tmpfs(entries, profile->tmpfs.items[i].source, ENTRY_TMPFS,
			      &profile->tmpfs.items[i].at);
	for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
		for (size_t i = 0; r == 0 && i < lists[l].list->len; i++)
			r = add_path_grant(entries, &lists[l].list->items[i], lists[l].kind);
	}
	return r;
}

/*** Symbolic links and what is hidden ***/

/* A link lying in a writable tree may have been planted by what ran there before. */
static int check_planted_links(struct entries *entries, const struct entry *entry)
{
	for (size_t i = 0; i < entry->host.links.len; i++) {
		const char *link = entry->host.links.items[i];

		for (size_t j = 0; j < entries->len; j++) {
			const struct entry *tree = &entries->items[j];

			if (tree->kind != ENTRY_WRITE || !path_is_below(link, tree->host.path) ||
			    path_is_within(entry->host.path, tree->host.path))
				continue;
			return entry_refuse(
				entries, entry, link,
				arena_printf(entries->arena,
					     "it is a symbolic link in the writable '%s' that "
					     "leads outside; grant '%s' by its own path",
					     tree->host.path, entry->host.path));
		}
	}
	return 0;
}

/* /bin -> usr/bin needs no mount where /usr is granted: the link itself does. */
static void keep_link(struct entries *entries, struct entry *entry)
{
	char target[256];

	if (entry->kind != ENTRY_READ || entry->host.links.len != 1 ||
	    strcmp(entry->host.links.items[0], entry->box_path) != 0)
		return;
	for (size_t i = 0; i < entries->len; i++) {
		const struct entry *other = &entries->items[i];

		if (other == entry || !entry_is_bind(other) ||
		    strcmp(other->host.path, other->box_path) != 0 ||
		    !path_is_within(entry->host.path, other->box_path))
			continue;
		ssize_t n = readlink(entry->box_path, target, sizeof target);
		if (n > 0 && (size_t)n < sizeof target)
			entry->link = arena_strndup(entries->arena, target, (size_t)n);
		return;
	}
}

/* The names in directory path. -E2BIG when there are too many to mount one by one. */
static int list_names(struct arena *arena, const char *path, struct strv *ret_names)
{
	enum {
		MOST_ENTRIES = 500
	};
	DIR *dir = opendir(path);
	struct dirent *found;

	if (!dir)
		return -errno;
	while ((found = readdir(dir)) && ret_names->len <= MOST_ENTRIES) {
		if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
			strv_push(arena, ret_names, arena_strdup(arena, found->d_name));
	}
	(void)closedir(dir); /* only read */
	return ret_names->len > MOST_ENTRIES ? -E2BIG : 0;
}

/* A read grant that must lack something becomes a directory that holds its other entries. */
static int open_up(struct entries *entries, size_t index)
{
	struct entry opened = entries->items[index];
	struct strv names = { 0 };
	int r = list_names(entries->arena, opened.host.path, &names);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.len; i++) {
		struct entry child = opened;
		char target[PATH_MAX];
		char *path = path_join(entries->arena, opened.host.path, names.items[i]);

		child.box_path = path_join(entries->arena, opened.box_path, names.items[i]);
		child.is_part = true;
		child.from_command_line = false; /* a grant of its own wins */
		ssize_t n = readlink(path, target, sizeof target);
		if (n > 0 && (size_t)n < sizeof target)
			child.link = arena_strndup(entries->arena, target, (size_t)n);
		else if (resolve_host_path(entries->arena, path, &child.host) < 0)
			continue; /* gone meanwhile */
		(void)add_entry(entries, &child);
	}
	entries->items[index].kind = ENTRY_OPENED;
	return 0;
}

/*
 * Leaves box_path out of the read grant that shows it. False where that cannot
 * be done: below a writable grant, whose directories must stay the host's, and
 * in directories with very many entries. There a mask hides it.
 */
static bool leave_out(struct entries *entries, const char *box_path)
{
	for (;;) {
		struct entry *in = NULL;

		for (size_t i = 0; i < entries->len; i++) {
			struct entry *entry = &entries->items[i];

			if (entry->kind != ENTRY_GONE &&
			    path_is_within(box_path, entry->box_path) &&
			    (!in || strlen(entry->box_path) > strlen(in->box_path)))
				in = entry;
		}
		/* Private memory shows nothing of the host's. */
		if (!in || in->kind == ENTRY_OPENED || in->kind == ENTRY_TMPFS ||
		    in->kind == ENTRY_IMPLICIT || in->link)
			return true;
		if (entry_is_bind(in) && strcmp(in->box_path, box_path) == 0) {
			in->kind = ENTRY_GONE; /* and below what shows its parent */
			continue;
		}
		if (in->kind != ENTRY_READ)
			return false;
		if (!S_ISDIR(in->host.mode) || open_up(entries, (size_t)(in - entries->items)) < 0)
			return false;
	}
}

/* Hides the host object wherever a grant shows it. */
static void hide_object(struct entries *entries, const struct entry *hide)
{
	size_t len = entries->len;

	for (size_t i = 0; i < len; i++) {
		const struct entry *grant = &entries->items[i];

		if (!entry_is_bind(grant) || !path_is_within(hide->host.path, grant->host.path))
			continue;
		struct entry entry = *hide;
		entry.box_path = path_join(entries->arena, grant->box_path,
					   path_rest(hide->host.path, grant->host.path));
		if (!leave_out(entries, entry.box_path))
			(void)add_entry(entries, &entry);
	}
}

/* What is not there needs no hiding; what cannot be looked at cannot be hidden. */
static int hide_path(struct entries *entries, struct entry *hide, const char *path)
{
	int r = resolve_host_path(entries->arena, path, &hide->host);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_msg(entries->reterr, E_GRANT, "%s: cannot hide '%s': %s", hide->why,
			       path, strerror(-r));
	hide_object(entries, hide);
	return 0;
}

static int add_hides(struct entries *entries)
{
	const struct path_list *list = &entries->plan->profile->hide;

	for (size_t i = 0; i < list->len; i++) {
		struct entry hide = {
			.kind = ENTRY_HIDE,
			.from_command_line = true, /* nothing overrides it at its own path */
			.why = origin_text(entries->arena, &list->items[i].at),
		};
		char *path = expand(entries, list->items[i].source, entries->plan->facts->home);
		const char *why_not = path_why_not_hidden(path);

		if (why_not)
			return err_msg(entries->reterr, E_GRANT, "%s: cannot hide '%s': %s",
				       hide.why, path, why_not);
		int r = hide_path(entries, &hide, path);
		if (r < 0)
			return r;
		/* The same words may mean a path in the box that a SRC:DEST grant made. */
		char *shown = NULL;
		for (size_t j = 0; j < entries->len; j++) {
			const struct entry *grant = &entries->items[j];

			if (entry_is_bind(grant) && path_is_within(path, grant->box_path))
				shown = path_join(entries->arena, grant->host.path,
						  path_rest(path, grant->box_path));
		}
		r = shown ? hide_path(entries, &hide, shown) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* What a secret is read from is none of the box's, whatever grant shows it. */
static int hide_secrets(struct entries *entries)
{
	const struct plan_gateway *gateway = &entries->plan->gateway;
	int r = 0;

	for (size_t i = 0; r == 0 && i < gateway->secrets_len; i++) {
		const struct secret *secret = &gateway->secrets[i];
		struct entry hide = { .kind = ENTRY_HIDE,
				      .from_command_line = true,
				      .why = secret->why };

		if (secret->source == SECRET_FILE)
			r = hide_path(entries, &hide, secret->words.items[0]);
	}
	return r;
}

static int refuse_own(struct entries *entries, const struct entry *own, const struct entry *grant,
		      const char *reason)
{
	return err_msg(entries->reterr, E_GRANT,
		       "%s '%s' lies in the writable grant '%s' and %s, so the box could change "
		       "what governs the next run; move it elsewhere",
		       own->why, own->source, grant->host.path, reason);
}

/* One file that governs runs against one writable grant: read-only there, or refused. */
static int protect_own_in(struct entries *entries, const struct entry *own,
			  const struct entry *grant)
{
	struct entry sealed = *own;
	struct stat st;

	for (size_t i = 0; i < own->host.links.len; i++) {
		if (path_is_within(own->host.links.items[i], grant->host.path))
			return refuse_own(entries, own, grant, "is reached by a link there");
	}
	if (!path_is_within(own->host.path, grant->host.path))
		return 0;
	if (strcmp(own->host.path, grant->host.path) == 0)
		return refuse_own(entries, own, grant, "is that grant");
	if (lstat(own->host.path, &st) < 0 || st.st_nlink > 1)
		return refuse_own(entries, own, grant, "has further hard links");
	sealed.box_path = path_join(entries->arena, grant->box_path,
				    path_rest(own->host.path, grant->host.path));
	(void)add_entry(entries, &sealed);
	return 0;
}

static int protect_own(struct entries *entries, const struct entry *own)
{
	size_t len = entries->len;

	for (size_t i = 0; i < len; i++) {
		if (entries->items[i].kind != ENTRY_WRITE)
			continue;
		struct entry grant = entries->items[i]; /* add_entry() moves the array */
		int r = protect_own_in(entries, own, &grant);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A profile that the box could rewrite would govern the next run. */
static int protect_profile(struct entries *entries)
{
	const struct strv *files = &entries->plan->profile->files;

	for (size_t f = 0; f < files->len; f++) {
		struct entry own = { .kind = ENTRY_READ,
				     .from_command_line = true,
				     .source = files->items[f],
				     .why = "profile" };
		char *path =
			path_absolute(entries->arena, entries->plan->facts->cwd, files->items[f]);

		int r = resolve_host_path(entries->arena, path, &own.host);
		if (r < 0)
			return err_set(entries->reterr, E_GRANT, -r, "find the profile", path);
		r = protect_own(entries, &own);
		if (r < 0)
			return r;
	}
	return 0;
}

static int refuse_planting(struct entries *entries, const char *path)
{
	for (size_t i = 0; i < entries->len; i++) {
		const struct entry *grant = &entries->items[i];

		if (grant->kind == ENTRY_WRITE && path_is_within(path, grant->host.path))
			return err_msg(entries->reterr, E_GRANT,
				       "in the writable grant '%s' the box could make '%s' and "
				       "name hosts there for the next run; make an empty one, or "
				       "grant less",
				       grant->host.path, path);
	}
	return 0;
}

/*
 * So would a tool's configuration that names registries. A file that is not there yet could
 * be made by the box, and cannot be kept from it without making it.
 */
static int protect_configuration(struct entries *entries)
{
	const struct strv *files = &entries->plan->network.registry_files;

	for (size_t f = 0; f < files->len; f++) {
		const char *path = files->items[f];
		struct entry own = { .kind = ENTRY_READ,
				     .from_command_line = true,
				     .source = path,
				     .why = "configuration" };
		int r = resolve_host_path(entries->arena, path, &own.host);

		if (r == 0)
			r = protect_own(entries, &own);
		else if (r == -ENOENT || r == -ENOTDIR)
			r = refuse_planting(entries, path);
		else
			r = 0; /* what we cannot reach, the box cannot either */
		if (r < 0)
			return r;
	}
	return 0;
}

/*** Order ***/

static int compare_paths(const void *a, const void *b)
{
	const unsigned char *x = (const unsigned char *)((const struct entry *)a)->box_path;
	const unsigned char *y = (const unsigned char *)((const struct entry *)b)->box_path;

	while (*x && *x == *y)
		x++, y++;
	/* '/' sorts before every other byte, so that what lies below follows directly. */
	int cx = *x == '/' ? 1 : *x ? *x + 1 : 0;
	int cy = *y == '/' ? 1 : *y ? *y + 1 : 0;
	return cx - cy;
}

static void mark_parents(struct entries *entries)
{
	for (size_t i = 0; i + 1 < entries->len; i++)
		entries->items[i].has_children =
			path_is_below(entries->items[i + 1].box_path, entries->items[i].box_path);
}

int entries_build(struct entries *entries)
{
	int r = add_grants(entries);

	if (r < 0)
		return r;
	for (size_t i = 0; i < entries->len; i++) {
		r = check_planted_links(entries, &entries->items[i]);
		if (r < 0)
			return r;
		keep_link(entries, &entries->items[i]);
	}
	r = add_hides(entries);
	if (r == 0)
		r = hide_secrets(entries);
	if (r == 0)
		r = protect_profile(entries);
	if (r == 0)
		r = protect_configuration(entries);
	if (r < 0)
		return r;
	qsort(entries->items, entries->len, sizeof *entries->items, compare_paths);
	mark_parents(entries);
	return 0;
}
