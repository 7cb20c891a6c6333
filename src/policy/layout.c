/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The box's file tree.
 *
 * Theory of operation: every grant becomes an entry with a path in the box.
 * Entries are sorted by component, so that a parent precedes what lies below
 * it and the deeper path wins by being mounted later. Then each entry turns
 * into steps. Its mount point either lies in memory (the root, or a private
 * directory), where it is created, or in a bind, where it must exist on the
 * host already: nothing is ever created in the caller's tree. Below a writable
 * bind the directories between the bind and a deeper mount are pinned (bound
 * onto themselves), because rename(2) refuses to move a mount point but not a
 * directory that contains one.
 */
#include "policy/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "policy/paths.h"
#include "policy/resolve.h"
#include "policy/steps.h"

/* Later kinds win over earlier ones at the same path. */
enum entry_kind {
	ENTRY_GONE, /* hidden: nothing is made */
	ENTRY_OPENED, /* a directory in memory that shows what a read grant shows, less what is hidden */
	ENTRY_IMPLICIT, /* a private directory that every box has */
	ENTRY_TMPFS,
	ENTRY_READ,
	ENTRY_WRITE,
	ENTRY_HIDE,
};

struct entry {
	enum entry_kind kind;
	bool from_command_line;
	bool has_children;
	bool is_part; /* of an opened read grant */
	const char *box_path;
	const char *source;   /* as written */
	struct resolved host; /* READ, WRITE; HIDE: what is hidden */
	const char *link;     /* target when the entry is only a symbolic link */
	const char *why;
};

struct layout {
	struct arena *arena;
	struct plan *plan;
	struct err *reterr;
	struct entry *entries;
	size_t len;
	size_t cap;
};

/*** Words of an entry ***/

static const char *describe_origin(struct arena *arena, const struct origin *at)
{
	if (!at->file)
		return "aisbx";
	if (at->line == 0)
		return at->file;
	return arena_printf(arena, "%s:%d", at->file, at->line);
}

static bool is_bind(const struct entry *entry)
{
	return (entry->kind == ENTRY_READ || entry->kind == ENTRY_WRITE) && !entry->link;
}

static int refuse(struct layout *layout, const struct entry *entry, const char *path,
		  const char *reason)
{
	return err_msg(layout->reterr, E_GRANT, "%s: cannot grant '%s': %s", entry->why, path,
		       reason);
}

static int rank(const struct entry *entry)
{
	return (int)entry->kind + (entry->from_command_line ? ENTRY_HIDE + 1 : 0);
}

/*** Collecting ***/

static struct entry *add_entry(struct layout *layout, const struct entry *entry)
{
	for (size_t i = 0; i < layout->len; i++) {
		struct entry *there = &layout->entries[i];

		if (strcmp(there->box_path, entry->box_path) != 0)
			continue;
		if (rank(entry) >= rank(there))
			*there = *entry;
		return there;
	}
	if (layout->len == layout->cap) {
		size_t cap = layout->cap ? layout->cap * 2 : 32;
		struct entry *grown = arena_alloc(layout->arena, cap * sizeof *grown);

		if (layout->len)
			memcpy(grown, layout->entries, layout->len * sizeof *grown);
		layout->entries = grown;
		layout->cap = cap;
	}
	layout->entries[layout->len] = *entry;
	return &layout->entries[layout->len++];
}

/* "~" and "~/x" stand below home; anything else below cwd. */
static char *expand(struct layout *layout, const char *text, const char *home)
{
	if (text[0] == '~' && (text[1] == '/' || text[1] == '\0'))
		return path_absolute(layout->arena, home, text[1] ? text + 2 : ".");
	return path_absolute(layout->arena, layout->plan->facts->cwd, text);
}

static bool is_reserved(const char *box_path)
{
	static const char *const reserved[] = { "/proc", "/dev", "/sys", "/run/aisbx" };

	if (strcmp(box_path, "/") == 0 || strcmp(box_path, "/run") == 0)
		return true;
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
		if (path_is_within(box_path, reserved[i]))
			return true;
	}
	return false;
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

static int check_source(struct layout *layout, const struct entry *entry)
{
	const char *path = entry->host.path;
	const char *typed = entry->source;
	int mode = entry->kind == ENTRY_WRITE ? W_OK : 0;

	if (strcmp(path, "/") == 0)
		return refuse(layout, entry, typed,
			      "that is the whole machine; grant the directories that are needed");
	if (path_is_within(path, "/proc") || path_is_within(path, "/sys") ||
	    path_is_within(path, "/dev") || is_kernel_interface(path))
		return refuse(
			layout, entry, typed,
			"it is an interface to the kernel; the box has its own /proc and /dev");
	if (S_ISBLK(entry->host.mode) || S_ISCHR(entry->host.mode))
		return refuse(layout, entry, typed, "it is a device; grant a file or a directory");
	if (S_ISDIR(entry->host.mode))
		mode |= R_OK | X_OK;
	else if (S_ISREG(entry->host.mode))
		mode |= R_OK;
	if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0)
		return refuse(layout, entry, typed,
			      arena_printf(layout->arena,
					   "%s; make it accessible to yourself first",
					   strerror(errno)));
	return 0;
}

static int add_path_grant(struct layout *layout, const struct path_spec *spec, enum entry_kind kind)
{
	struct entry entry = {
		.kind = kind,
		.from_command_line = spec->at.line == 0,
		.source = spec->source,
		.why = describe_origin(layout->arena, &spec->at),
	};
	char *source = expand(layout, spec->source, layout->plan->facts->home);

	entry.box_path = spec->dest ? expand(layout, spec->dest, layout->plan->home) : source;
	int r = resolve_host_path(layout->arena, source, &entry.host);
	if (r == -ENOENT && spec->optional)
		return 0;
	if (r == -ENOENT)
		return refuse(
			layout, &entry, spec->source,
			"it does not exist; create it, or write -PATH to skip it when missing");
	if (r < 0)
		return refuse(layout, &entry, spec->source, strerror(-r));
	r = check_source(layout, &entry);
	if (r < 0)
		return r;
	if (is_reserved(entry.box_path))
		return refuse(layout, &entry, entry.box_path,
			      "the box has its own there; grant it at another place with SRC:DEST");
	(void)add_entry(layout, &entry);
	return 0;
}

static int add_tmpfs(struct layout *layout, const char *path, enum entry_kind kind,
		     const struct origin *at)
{
	struct entry entry = {
		.kind = kind,
		.from_command_line = at && at->line == 0,
		.box_path = expand(layout, path, layout->plan->home),
		.why = at ? describe_origin(layout->arena, at) : "aisbx",
	};

	if (is_reserved(entry.box_path))
		return refuse(layout, &entry, entry.box_path, "the box has its own there");
	(void)add_entry(layout, &entry);
	return 0;
}

static int add_grants(struct layout *layout)
{
	const struct profile *profile = layout->plan->profile;
	const struct {
		const struct path_list *list;
		enum entry_kind kind;
	} lists[] = { { &profile->read, ENTRY_READ }, { &profile->write, ENTRY_WRITE } };
	int r = add_tmpfs(layout, "/tmp", ENTRY_IMPLICIT, NULL);

	if (r == 0)
		r = add_tmpfs(layout, "~", ENTRY_IMPLICIT, NULL);
	for (size_t i = 0; r == 0 && i < profile->tmpfs.len; i++)
		r = add_tmpfs(layout, profile->tmpfs.items[i].source, ENTRY_TMPFS,
			      &profile->tmpfs.items[i].at);
	for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
		for (size_t i = 0; r == 0 && i < lists[l].list->len; i++)
			r = add_path_grant(layout, &lists[l].list->items[i], lists[l].kind);
	}
	return r;
}

/*** Symbolic links and what is hidden ***/

/* A link lying in a writable tree may have been planted by what ran there before. */
static int check_planted_links(struct layout *layout, const struct entry *entry)
{
	for (size_t i = 0; i < entry->host.links.len; i++) {
		const char *link = entry->host.links.items[i];

		for (size_t j = 0; j < layout->len; j++) {
			const struct entry *tree = &layout->entries[j];

			if (tree->kind != ENTRY_WRITE || !path_is_below(link, tree->host.path) ||
			    path_is_within(entry->host.path, tree->host.path))
				continue;
			return refuse(
				layout, entry, link,
				arena_printf(layout->arena,
					     "it is a symbolic link in the writable '%s' that "
					     "leads outside; grant '%s' by its own path",
					     tree->host.path, entry->host.path));
		}
	}
	return 0;
}

/* /bin -> usr/bin needs no mount where /usr is granted: the link itself does. */
static void keep_link(struct layout *layout, struct entry *entry)
{
	char target[256];

	if (entry->kind != ENTRY_READ || entry->host.links.len != 1 ||
	    strcmp(entry->host.links.items[0], entry->box_path) != 0)
		return;
	for (size_t i = 0; i < layout->len; i++) {
		const struct entry *other = &layout->entries[i];

		if (other == entry || !is_bind(other) ||
		    strcmp(other->host.path, other->box_path) != 0 ||
		    !path_is_within(entry->host.path, other->box_path))
			continue;
		ssize_t n = readlink(entry->box_path, target, sizeof target);
		if (n > 0 && (size_t)n < sizeof target)
			entry->link = arena_strndup(layout->arena, target, (size_t)n);
		return;
	}
}

/* A read grant that must lack something becomes a directory that holds its other entries. */
static int open_up(struct layout *layout, size_t index)
{
	enum {
		MOST_ENTRIES = 500
	};
	struct entry opened = layout->entries[index];
	DIR *dir = opendir(opened.host.path);
	size_t before = layout->len;
	struct dirent *found;

	if (!dir)
		return -errno;
	while ((found = readdir(dir)) && layout->len - before < MOST_ENTRIES) {
		struct entry child = opened;
		char target[PATH_MAX];

		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
			continue;
		char *path = path_join(layout->arena, opened.host.path, found->d_name);
		child.box_path = path_join(layout->arena, opened.box_path, found->d_name);
		child.is_part = true;
		child.from_command_line = false; /* a grant of its own wins */
		ssize_t n = readlink(path, target, sizeof target);
		if (n > 0 && (size_t)n < sizeof target)
			child.link = arena_strndup(layout->arena, target, (size_t)n);
		else if (resolve_host_path(layout->arena, path, &child.host) < 0)
			continue; /* gone meanwhile */
		(void)add_entry(layout, &child);
	}
	(void)closedir(dir);
	if (found)
		return -E2BIG;
	layout->entries[index].kind = ENTRY_OPENED;
	return 0;
}

/*
 * Leaves box_path out of the read grant that shows it. False where that cannot
 * be done: below a writable grant, whose directories must stay the host's, and
 * in directories with very many entries. There a mask hides it.
 */
static bool leave_out(struct layout *layout, const char *box_path)
{
	for (;;) {
		struct entry *in = NULL;

		for (size_t i = 0; i < layout->len; i++) {
			struct entry *entry = &layout->entries[i];

			if (path_is_within(box_path, entry->box_path) &&
			    (!in || strlen(entry->box_path) > strlen(in->box_path)))
				in = entry;
		}
		if (!in || in->kind == ENTRY_OPENED || in->kind == ENTRY_GONE || in->link)
			return true;
		if (in->kind != ENTRY_READ)
			return false;
		if (strcmp(in->box_path, box_path) == 0) {
			in->kind = ENTRY_GONE;
			return true;
		}
		if (!S_ISDIR(in->host.mode) || open_up(layout, (size_t)(in - layout->entries)) < 0)
			return false;
	}
}

/* Hides the host object wherever a grant shows it. */
static void hide_object(struct layout *layout, const struct entry *hide)
{
	size_t len = layout->len;

	for (size_t i = 0; i < len; i++) {
		const struct entry *grant = &layout->entries[i];

		if (!is_bind(grant) || !path_is_within(hide->host.path, grant->host.path))
			continue;
		struct entry entry = *hide;
		entry.box_path = path_join(layout->arena, grant->box_path,
					   path_rest(hide->host.path, grant->host.path));
		if (!leave_out(layout, entry.box_path))
			(void)add_entry(layout, &entry);
	}
}

static void add_hides(struct layout *layout)
{
	const struct path_list *list = &layout->plan->profile->hide;

	for (size_t i = 0; i < list->len; i++) {
		struct entry hide = {
			.kind = ENTRY_HIDE,
			.from_command_line = true, /* nothing overrides it at its own path */
			.why = describe_origin(layout->arena, &list->items[i].at),
		};
		char *path = expand(layout, list->items[i].source, layout->plan->facts->home);

		if (resolve_host_path(layout->arena, path, &hide.host) == 0)
			hide_object(layout, &hide);
		/* The same words may mean a path in the box that a SRC:DEST grant made. */
		char *shown = NULL;
		for (size_t j = 0; j < layout->len; j++) {
			const struct entry *grant = &layout->entries[j];

			if (is_bind(grant) && path_is_within(path, grant->box_path))
				shown = path_join(layout->arena, grant->host.path,
						  path_rest(path, grant->box_path));
		}
		if (shown && resolve_host_path(layout->arena, shown, &hide.host) == 0)
			hide_object(layout, &hide);
	}
}

static int refuse_profile(struct layout *layout, const char *file, const struct entry *grant,
			  const char *reason)
{
	return err_msg(
		layout->reterr, E_GRANT,
		"profile '%s' lies in the writable grant '%s' and %s, so the box could change "
		"what governs the next run; move it elsewhere",
		file, grant->host.path, reason);
}

/* One file of the profile against one writable grant: read-only there, or refused. */
static int protect_profile_in(struct layout *layout, const char *file, const struct entry *own,
			      const struct entry *grant)
{
	struct entry sealed = *own;
	struct stat st;

	for (size_t i = 0; i < own->host.links.len; i++) {
		if (path_is_within(own->host.links.items[i], grant->host.path))
			return refuse_profile(layout, file, grant, "is reached by a link there");
	}
	if (!path_is_within(own->host.path, grant->host.path))
		return 0;
	if (strcmp(own->host.path, grant->host.path) == 0)
		return refuse_profile(layout, file, grant, "is that grant");
	if (lstat(own->host.path, &st) < 0 || st.st_nlink > 1)
		return refuse_profile(layout, file, grant, "has further hard links");
	sealed.box_path = path_join(layout->arena, grant->box_path,
				    path_rest(own->host.path, grant->host.path));
	(void)add_entry(layout, &sealed);
	return 0;
}

/* A profile that the box could rewrite would govern the next run. */
static int protect_profile(struct layout *layout)
{
	const struct strv *files = &layout->plan->profile->files;
	size_t len = layout->len;

	for (size_t f = 0; f < files->len; f++) {
		struct entry own = { .kind = ENTRY_READ,
				     .from_command_line = true,
				     .why = "the profile itself" };
		char *path =
			path_absolute(layout->arena, layout->plan->facts->cwd, files->items[f]);

		if (resolve_host_path(layout->arena, path, &own.host) < 0)
			continue;
		own.source = files->items[f];
		for (size_t i = 0; i < len; i++) {
			if (layout->entries[i].kind != ENTRY_WRITE)
				continue;
			struct entry grant = layout->entries[i]; /* add_entry() moves the array */
			int r = protect_profile_in(layout, files->items[f], &own, &grant);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/*** Steps ***/

/* Directories in memory above box_path. */
static void add_parents(struct layout *layout, const char *box_path)
{
	for (const char *at = strchr(box_path + 1, '/'); at; at = strchr(at + 1, '/')) {
		char *dir = arena_strndup(layout->arena, box_path, (size_t)(at - box_path));

		if (!steps_find(layout->plan, dir))
			(void)steps_add(layout->arena, layout->plan, STEP_DIR, dir, 0755);
	}
}

static void add_pin(struct layout *layout, const struct step *bind, const char *box_path,
		    const struct resolved *host)
{
	unsigned flags = bind->flags & (STEP_WRITABLE | STEP_IDMAP | STEP_NOEXEC);
	const char *why = bind->why;

	if (steps_find(layout->plan, box_path))
		return;
	struct step *pin = steps_add(layout->arena, layout->plan, STEP_BIND, box_path, 0);
	pin->flags = flags | STEP_IS_DIR | STEP_PIN | STEP_ON_BIND;
	pin->host_path = host->path;
	pin->dev = host->dev;
	pin->ino = host->ino;
	pin->why = why;
}

/* The mount point of entry inside bind: must be there, and stay there. */
static int prepare_on_bind(struct layout *layout, const struct entry *entry,
			   const struct step *bind)
{
	struct step holding = *bind; /* add_step() moves the array */
	const char *rest = path_rest(entry->box_path, holding.box_path);

	for (const char *at = rest; at; at = strchr(at, '/')) {
		at += *at == '/';
		const char *end = strchr(at, '/');
		size_t len = end ? (size_t)(end - rest) : strlen(rest);
		char *part = arena_strndup(layout->arena, rest, len);
		char *host_path = path_join(layout->arena, holding.host_path, part);
		struct resolved host;
		int r = resolve_host_path(layout->arena, host_path, &host);

		if (r < 0 || host.links.len)
			return refuse(
				layout, entry, entry->box_path,
				arena_printf(layout->arena,
					     "'%s' on the host %s, and nothing is created in "
					     "granted trees; create it first",
					     host_path,
					     r < 0 ? "does not exist" : "is a symbolic link"));
		if (!end) {
			bool want_dir = entry->kind == ENTRY_TMPFS ||
					entry->kind == ENTRY_IMPLICIT || S_ISDIR(entry->host.mode);
			if (want_dir != !!S_ISDIR(host.mode))
				return refuse(
					layout, entry, entry->box_path,
					"it is a file where a directory goes, or the reverse");
			return 0;
		}
		if ((holding.flags & STEP_WRITABLE) && !(holding.flags & STEP_PROTECTED))
			add_pin(layout, &holding, path_join(layout->arena, holding.box_path, part),
				&host);
	}
	return 0;
}

static bool is_system_directory(const char *path)
{
	static const char *const system[] = { "/usr",	"/etc",	  "/bin",    "/sbin", "/lib",
					      "/lib32", "/lib64", "/libx32", "/boot", "/opt" };

	for (size_t i = 0; i < sizeof system / sizeof *system; i++) {
		if (path_is_within(path, system[i]))
			return true;
	}
	return false;
}

static void add_bind(struct layout *layout, const struct entry *entry)
{
	const struct plan *plan = layout->plan;
	struct step *step = steps_add(layout->arena, layout->plan, STEP_BIND, entry->box_path, 0);

	step->host_path = entry->host.path;
	step->dev = entry->host.dev;
	step->ino = entry->host.ino;
	step->why = entry->why;
	if (S_ISDIR(entry->host.mode))
		step->flags |= STEP_IS_DIR;
	if (entry->kind == ENTRY_WRITE) {
		step->flags |= STEP_WRITABLE;
		if (plan->protect && S_ISDIR(entry->host.mode))
			step->flags |= STEP_PROTECTED;
	}
	/* With an exec list only system directories hold programs, and libraries, to load. */
	if (plan->has_exec_list && !is_system_directory(entry->host.path))
		step->flags |= STEP_NOEXEC;
	/* What only host root may read in a system directory stays unreadable. */
	if (plan->facts->host_root &&
	    (entry->kind == ENTRY_WRITE || !is_system_directory(entry->host.path)))
		step->flags |= STEP_IDMAP;
}

static void add_memory(struct layout *layout, const struct entry *entry)
{
	const char *box_path = entry->box_path;
	struct step *step;

	if (entry->kind == ENTRY_HIDE || entry->kind == ENTRY_OPENED) {
		bool shows = entry->has_children || entry->kind == ENTRY_OPENED;

		step = steps_add(layout->arena, layout->plan, STEP_MASK, box_path,
				 shows ? 0555 : 0);
		if (S_ISDIR(entry->host.mode))
			step->flags |= STEP_IS_DIR;
	} else {
		bool is_tmp = strcmp(box_path, "/tmp") == 0;

		step = steps_add(layout->arena, layout->plan, STEP_PRIVATE, box_path,
				 is_tmp ? 01777 : 0700);
		step->flags |= STEP_IS_DIR | STEP_WRITABLE;
		if (layout->plan->has_exec_list)
			step->flags |= STEP_NOEXEC;
	}
	step->why = entry->why;
}

static int emit_entry(struct layout *layout, struct entry *entry)
{
	if (entry->kind == ENTRY_GONE)
		return 0;
	const struct step *in = steps_holder(layout->plan, entry->box_path);
	bool on_bind = in && (in->kind == STEP_BIND || in->kind == STEP_MASK);
	size_t made;

	if (on_bind && in->kind == STEP_BIND) {
		bool pinned = in->flags & STEP_PROTECTED;
		int r = prepare_on_bind(layout, entry, in);

		if (r < 0)
			return r;
		if (pinned)
			strv_push(layout->arena, &layout->plan->pinned,
				  arena_strdup(layout->arena, entry->box_path));
	} else {
		on_bind = false;
		add_parents(layout, entry->box_path);
	}
	made = layout->plan->steps_len;
	if (entry->link) {
		struct step *step =
			steps_add(layout->arena, layout->plan, STEP_SYMLINK, entry->box_path, 0);
		step->text = entry->link;
		step->why = entry->why;
	} else if (is_bind(entry)) {
		add_bind(layout, entry);
	} else {
		add_memory(layout, entry);
	}
	if (on_bind)
		layout->plan->steps[made].flags |= STEP_ON_BIND;
	if (entry->is_part)
		layout->plan->steps[made].flags |= STEP_PART;
	if (entry->kind == ENTRY_OPENED)
		layout->plan->steps[made].flags |= STEP_OPENED;
	return 0;
}

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

static void mark_parents(struct layout *layout)
{
	for (size_t i = 0; i + 1 < layout->len; i++)
		layout->entries[i].has_children =
			path_is_below(layout->entries[i + 1].box_path, layout->entries[i].box_path);
}

/*** What every box has ***/

static void add_device_steps(struct layout *layout)
{
	static const char *const nodes[] = { "/dev/null",   "/dev/zero",    "/dev/full",
					     "/dev/random", "/dev/urandom", "/dev/tty" };
	static const struct {
		const char *path, *target;
	} links[] = { { "/dev/ptmx", "pts/ptmx" },
		      { "/dev/fd", "/proc/self/fd" },
		      { "/dev/stdin", "/proc/self/fd/0" },
		      { "/dev/stdout", "/proc/self/fd/1" },
		      { "/dev/stderr", "/proc/self/fd/2" } };

	(void)steps_add(layout->arena, layout->plan, STEP_DIR, "/proc", 0555);
	(void)steps_add(layout->arena, layout->plan, STEP_DIR, "/dev", 0755);
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		struct step *step =
			steps_add(layout->arena, layout->plan, STEP_DEVICE, nodes[i], 0666);
		step->host_path = nodes[i];
		step->flags = STEP_WRITABLE;
	}
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		steps_add(layout->arena, layout->plan, STEP_SYMLINK, links[i].path, 0)->text =
			links[i].target;
	steps_add(layout->arena, layout->plan, STEP_DEVPTS, "/dev/pts", 0755)->flags =
		STEP_IS_DIR | STEP_WRITABLE;
	steps_add(layout->arena, layout->plan, STEP_PRIVATE, "/dev/shm", 01777)->flags =
		STEP_IS_DIR | STEP_WRITABLE |
		(layout->plan->has_exec_list ? (unsigned)STEP_NOEXEC : 0);
	steps_add(layout->arena, layout->plan, STEP_PROC, "/proc", 0555)->flags = STEP_IS_DIR;
}

/* A small file of aisbx's own, wherever the host's file of that name leads. */
static void add_generated(struct layout *layout, const char *path, char *text)
{
	const struct step *in = steps_holder(layout->plan, path);
	struct step *step;

	if (in && in->kind == STEP_BIND) {
		struct resolved host;
		char *host_path =
			path_join(layout->arena, in->host_path, path_rest(path, in->box_path));

		if (resolve_host_path(layout->arena, host_path, &host) == 0 &&
		    host.links.len == 0) {
			if (!S_ISREG(host.mode))
				return;
			step = steps_add(layout->arena, layout->plan, STEP_COVER, path, 0444);
			step->flags = STEP_ON_BIND;
			step->text = text;
			step->text_len = strlen(text);
			return;
		}
		/* A link, perhaps dangling in the box: its target becomes the file. */
		char target[256];
		ssize_t n = readlink(host_path, target, sizeof target - 1);
		if (n <= 0)
			return;
		target[n] = '\0';
		char *dir = arena_strndup(layout->arena, path, (size_t)(strrchr(path, '/') - path));
		path = path_absolute(layout->arena, dir, target);
		in = steps_holder(layout->plan, path);
		if (in)
			return;
	}
	add_parents(layout, path);
	if (steps_find(layout->plan, path))
		return;
	step = steps_add(layout->arena, layout->plan, STEP_FILE, path, 0444);
	step->text = text;
	step->text_len = strlen(text);
}

static void add_generated_files(struct layout *layout)
{
	const struct plan *plan = layout->plan;
	struct arena *arena = layout->arena;

	add_generated(layout, "/etc/passwd",
		      arena_printf(arena,
				   "root:x:0:0:root:/root:/usr/sbin/nologin\n"
				   "user:x:%u:%u:user:%s:/bin/sh\n",
				   plan->inside_uid, plan->inside_gid, plan->home));
	add_generated(layout, "/etc/group",
		      arena_printf(arena, "root:x:0:\nuser:x:%u:\n", plan->inside_gid));
	add_generated(
		layout, "/etc/hosts",
		arena_printf(arena, "127.0.0.1\tlocalhost %s\n::1\tlocalhost\n", plan->hostname));
	/* No name server is asked: a name that is not in hosts does not exist. */
	add_generated(layout, "/etc/nsswitch.conf",
		      arena_strdup(arena, "passwd: files\ngroup: files\nshadow: files\n"
					  "hosts: files\nnetworks: files\nprotocols: files\n"
					  "services: files\nethers: files\nrpc: files\n"));
	add_generated(layout, "/etc/resolv.conf",
		      arena_strdup(arena, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"));
}

static void add_code(struct layout *layout, const char *name)
{
	char *path = arena_printf(layout->arena, "/run/aisbx/%s", name);

	add_parents(layout, path);
	struct step *step = steps_add(layout->arena, layout->plan, STEP_FILE, path, 0444);
	step->text = layout->plan->code;
	step->text_len = layout->plan->code_len;
}

int layout_build(struct arena *arena, struct plan *plan, const char *code_name, struct err *reterr)
{
	struct layout layout = { .arena = arena, .plan = plan, .reterr = reterr };
	int r = add_grants(&layout);

	if (r < 0)
		return r;
	for (size_t i = 0; i < layout.len; i++) {
		r = check_planted_links(&layout, &layout.entries[i]);
		if (r < 0)
			return r;
		keep_link(&layout, &layout.entries[i]);
	}
	add_hides(&layout);
	r = protect_profile(&layout);
	if (r < 0)
		return r;
	qsort(layout.entries, layout.len, sizeof *layout.entries, compare_paths);
	mark_parents(&layout);
	add_device_steps(&layout);
	for (size_t i = 0; i < layout.len; i++) {
		r = emit_entry(&layout, &layout.entries[i]);
		if (r < 0)
			return r;
	}
	add_generated_files(&layout);
	if (code_name)
		add_code(&layout, code_name);
	return 0;
}
