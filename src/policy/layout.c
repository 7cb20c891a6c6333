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

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/entries.h"
#include "policy/paths.h"
#include "policy/steps.h"
#include "policy/trust.h"

struct layout {
	struct arena *arena;
	struct plan *plan;
	struct entries entries;
};

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
	pin->owner = host->uid;
	pin->group = host->gid;
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

		if (r < 0)
			return entry_refuse(
				&layout->entries, entry, entry->box_path,
				arena_printf(layout->arena,
					     "'%s' on the host does not exist, and nothing is "
					     "created in granted trees; create it first",
					     host_path));
		if (host.links.len)
			return entry_refuse(
				&layout->entries, entry, entry->box_path,
				arena_printf(layout->arena,
					     "'%s' on the host is a symbolic link, on which "
					     "nothing can be mounted; write the path that it "
					     "leads to, '%s'",
					     host_path, host.path));
		if (!end) {
			bool want_dir = entry->kind == ENTRY_TMPFS ||
					entry->kind == ENTRY_IMPLICIT || S_ISDIR(entry->host.mode);
			if (want_dir != !!S_ISDIR(host.mode))
				return entry_refuse(
					&layout->entries, entry, entry->box_path,
					"it is a file where a directory goes, or the reverse");
			return 0;
		}
		if ((holding.flags & STEP_WRITABLE) &&
		    !(holding.flags & (STEP_PROTECTED | STEP_LAYERED)))
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
	step->owner = entry->host.uid;
	step->group = entry->host.gid;
	step->why = entry->why;
	if (S_ISDIR(entry->host.mode))
		step->flags |= STEP_IS_DIR;
	if (entry->kind == ENTRY_WRITE) {
		step->flags |= STEP_WRITABLE | (plan->throw_away ? (unsigned)STEP_LAYERED : 0);
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

static void add_memory(struct layout *layout, const struct entry *entry, const struct step *in)
{
	const char *box_path = entry->box_path;
	struct step *step;

	if (entry->kind == ENTRY_HIDE && in && (in->flags & STEP_LAYERED)) {
		step = steps_add(layout->arena, layout->plan, STEP_ABSENT, box_path, 0);
	} else if (entry->kind == ENTRY_HIDE || entry->kind == ENTRY_OPENED) {
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
	} else if (entry_is_bind(entry)) {
		add_bind(layout, entry);
	} else {
		add_memory(layout, entry, in);
	}
	if (on_bind)
		layout->plan->steps[made].flags |= STEP_ON_BIND;
	if (entry->is_part)
		layout->plan->steps[made].flags |= STEP_PART;
	if (entry->kind == ENTRY_OPENED)
		layout->plan->steps[made].flags |= STEP_OPENED;
	return 0;
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

static void add_text(struct layout *layout, enum step_kind kind, const char *path, const char *text,
		     size_t len, size_t late_len)
{
	struct step *step = steps_add(layout->arena, layout->plan, kind, path, 0444);

	if (kind == STEP_COVER)
		step->flags = STEP_ON_BIND;
	step->text = text;
	step->text_len = len;
	step->late_len = late_len;
}

/* Once, by however many names it is reached. */
static void add_cover(struct layout *layout, const char *path, const char *text, size_t len,
		      size_t late_len)
{
	const struct step *there = steps_find(layout->plan, path);

	if (!there || there->kind != STEP_COVER)
		add_text(layout, STEP_COVER, path, text, len, late_len);
}

/* Where the symbolic link at host_path points, as a path of the box; NULL when it is none. */
static const char *dangling_target(struct layout *layout, const char *path, const char *host_path)
{
	char target[256];
	ssize_t n = readlink(host_path, target, sizeof target - 1);

	if (n <= 0)
		return NULL;
	target[n] = '\0';
	char *dir = arena_strndup(layout->arena, path, (size_t)(strrchr(path, '/') - path));
	return path_absolute(layout->arena, dir, target);
}

/* Whether a grant or a hide names this very path. */
static bool is_asked_for(const struct entries *entries, const char *path)
{
	for (size_t i = 0; i < entries->len; i++) {
		const struct entry *entry = &entries->items[i];

		if (strcmp(entry->box_path, path) == 0)
			return !entry->is_part || entry->kind == ENTRY_GONE;
	}
	return false;
}

/*
 * A small file of aisbx's own in place of the host's. Where the host's is
 * absent the box has none either; where it is a link to what the box does not
 * show (/run/systemd/resolve/...), the file is made at the link's target.
 */
static int add_generated(struct layout *layout, const char *path, const char *text, size_t len,
			 size_t late_len)
{
	char *host_path = steps_host_path(layout->arena, layout->plan, path);
	const char *place = path;

	if (is_asked_for(&layout->entries, path))
		return 0;
	if (host_path) {
		struct resolved host;
		int r = resolve_host_path(layout->arena, host_path, &host);

		if (r < 0 && r != -ENOENT && r != -ENOTDIR)
			return err_set(layout->entries.reterr, E_GRANT, -r, "replace", path);
		if (r == 0 && !S_ISREG(host.mode))
			return 0;
		const char *shown =
			r == 0 ? steps_box_path(layout->arena, layout->plan, host.path) : NULL;
		if (shown) {
			add_cover(layout, shown, text, len, late_len);
			return 0;
		}
		place = r == 0 ? host.path : dangling_target(layout, path, host_path);
		if (!place || steps_holder(layout->plan, place))
			return 0;
	}
	add_parents(layout, place);
	if (!steps_find(layout->plan, place))
		add_text(layout, STEP_FILE, place, text, len, late_len);
	return 0;
}

static int add_generated_files(struct layout *layout)
{
	const struct plan *plan = layout->plan;
	struct arena *arena = layout->arena;
	bool has_names = plan->network.grants.len > 0;
	const struct {
		const char *path, *text;
	} files[] = {
		{ "/etc/passwd", arena_printf(arena,
					      "root:x:0:0:root:/root:/usr/sbin/nologin\n"
					      "user:x:%u:%u:user:%s:/bin/sh\n",
					      plan->inside_uid, plan->inside_gid, plan->home) },
		{ "/etc/group", arena_printf(arena, "root:x:0:\nuser:x:%u:\n", plan->inside_gid) },
		{ "/etc/hosts", arena_printf(arena, "127.0.0.1\tlocalhost %s\n::1\tlocalhost\n",
					     plan->hostname) },
		/* Without grants no name server is asked: what is not in hosts does not exist. */
		{ "/etc/nsswitch.conf",
		  arena_printf(arena,
			       "passwd: files\ngroup: files\nshadow: files\nhosts: files%s\n"
			       "networks: files\nprotocols: files\nservices: files\n"
			       "ethers: files\nrpc: files\n",
			       has_names ? " dns" : "") },
		{ "/etc/resolv.conf",
		  has_names ? "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n"
			    : "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n" },
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		int r = add_generated(layout, files[i].path, files[i].text, strlen(files[i].text),
				      0);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Whether the box shows a file of the host's there that nobody asked for by its name. */
static bool shows(const struct layout *layout, const char *path)
{
	const char *host_path = steps_host_path(layout->arena, layout->plan, path);

	return host_path && access(host_path, F_OK) == 0 && !is_asked_for(&layout->entries, path);
}

static int add_java(struct layout *layout, struct trust *trust)
{
	struct strv paths = { 0 };
	int r = 0;

	trust_java_paths(&layout->entries, &paths);
	for (size_t i = 0; r == 0 && i < paths.len; i++) {
		if (!shows(layout, paths.items[i]))
			continue;
		if (!trust->java.bytes)
			trust_add_java(layout->arena, trust);
		r = add_generated(layout, paths.items[i], trust->java.bytes, trust->java.room,
				  trust->java.room);
	}
	return r;
}

/* What the box shows of the host's certificates is replaced, the run's CA added. */
static int add_trust(struct layout *layout)
{
	struct plan *plan = layout->plan;
	int r = trust_find(layout->arena, plan, layout->entries.reterr);
	struct trust *trust = plan->gateway.trust;

	for (size_t i = 0; r == 0 && trust_bundles[i]; i++) {
		if (!shows(layout, trust_bundles[i]))
			continue;
		r = add_generated(layout, trust_bundles[i], trust->text, trust->text_len, CA_ROOM);
		if (!plan->gateway.bundle)
			plan->gateway.bundle = trust_bundles[i];
	}
	if (r == 0)
		r = add_java(layout, trust);
	if (r < 0)
		return r;
	add_parents(layout, TRUST_CA_PATH);
	add_text(layout, STEP_FILE, TRUST_CA_PATH, trust->ca, CA_ROOM, CA_ROOM);
	if (plan->gateway.bundle)
		return 0;
	plan->gateway.bundle = TRUST_BUNDLE_PATH;
	add_text(layout, STEP_FILE, TRUST_BUNDLE_PATH, trust->text, trust->text_len, CA_ROOM);
	return 0;
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
	struct layout layout = {
		.arena = arena,
		.plan = plan,
		.entries = { .arena = arena, .plan = plan, .reterr = reterr },
	};
	int r = entries_build(&layout.entries);

	if (r < 0)
		return r;
	add_device_steps(&layout);
	for (size_t i = 0; i < layout.entries.len; i++) {
		r = emit_entry(&layout, &layout.entries.items[i]);
		if (r < 0)
			return r;
	}
	r = add_generated_files(&layout);
	if (r == 0 && code_name)
		add_code(&layout, code_name);
	if (r == 0 && plan_needs_gateway(plan)) /* last: it is waited for */
		r = add_trust(&layout);
	return r;
}
