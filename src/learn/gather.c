/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notes and layers: see gather.h.
 *
 * The layers are a tree that the payload made, so it is walked by descriptors and
 * without following a link; nothing in it is opened but directories. The
 * payload is gone by then, and cannot change it under the walk.
 */
#include "learn/gather.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "box/refusals/observe.h"
#include "policy/lists.h"
#include "policy/paths.h"
#include "policy/resolve.h"

enum {
	ENTRIES_MAX = 200000, /* of the layers */
	DEPTH_MAX = 64,
	NAMES_MAX = 2000,
	TEXT_BYTES_MAX = 1 << 20, /* of a file that is searched for names of variables */
	SHEBANG_BYTES = 256,
};

/*** Notes ***/

static bool is_within_any(const char *path, const char *const *dirs)
{
	while (*dirs && !path_is_within(path, *dirs))
		dirs++;
	return *dirs;
}

/* Every box has these of the host. */
static bool is_of_system(const char *path)
{
	static const char *const dirs[] = { "/usr", "/etc",   "/bin",	"/sbin",
					    "/lib", "/lib64", "/lib32", NULL };

	return is_within_any(path, dirs);
}

/* And these of its own. */
static bool is_of_box(const char *path)
{
	static const char *const dirs[] = { "/proc", "/dev", "/sys", NULL };

	return is_within_any(path, dirs);
}

static unsigned how_of(char note, bool is_dir)
{
	switch ((enum note)note) {
	case NOTE_EXECUTE:
		return is_dir ? 0 : SEEN_EXECUTE | SEEN_READ;
	case NOTE_READ:
		return is_dir ? SEEN_LIST : SEEN_READ;
	case NOTE_LOOK:
		return is_dir ? 0 : SEEN_READ;
	case NOTE_WRITE: /* whether it was changed is in the layers */
	case NOTE_CREATE:
	case NOTE_REPLACE:
	case NOTE_ENTER:
	case NOTE_UNIX:
	case NOTE_MEMFD:
	case NOTE_CUT:
		break;
	}
	return 0;
}

/* What came and went again is in no layer: a journal, a lock. */
static void gather_new(struct arena *arena, const char *path, struct gathered *gathered)
{
	struct resolved parent;

	if (resolve_host_path(arena, place_parent(arena, path), &parent) == 0 &&
	    S_ISDIR(parent.mode) && faccessat(AT_FDCWD, parent.path, W_OK, AT_EACCESS) == 0)
		seen_add(arena, &gathered->seen, path, false, SEEN_MAKE);
}

static void gather_path(struct arena *arena, const struct learn_places *places, char note,
			const char *path, struct gathered *gathered)
{
	const char *secret = sensitive_why(places, path);
	struct resolved host;

	/* What is to be refused is told wherever it is. */
	if (is_of_box(path) || (!secret && is_of_system(path) && note != NOTE_EXECUTE))
		return;
	int r = resolve_host_path(arena, path, &host);
	if (r == -ENOENT && note == NOTE_CREATE && !secret)
		gather_new(arena, path, gathered);
	if (r == -ENOENT && note == NOTE_EXECUTE)
		gathered->made_program = arena_strdup(arena, path);
	if (r < 0 && !(secret && r == -EACCES))
		return;
	/* By whatever name it was asked for. */
	if (r == 0 && !secret) {
		secret = sensitive_why(places, host.path);
		path = secret ? host.path : path;
	}
	if (secret) {
		/* A look that found nothing in the box is none at what lies there. */
		if (note == NOTE_READ || note == NOTE_WRITE || note == NOTE_CREATE)
			seen_add(arena, &gathered->seen, path, r == 0 && S_ISDIR(host.mode),
				 SEEN_READ);
		return;
	}
	if (note == NOTE_REPLACE)
		strv_push_new(arena, &gathered->replaced, arena_strdup(arena, path));
	bool is_dir = S_ISDIR(host.mode);
	unsigned how = how_of(note, is_dir);
	if ((!is_dir && !S_ISREG(host.mode)) || !how ||
	    faccessat(AT_FDCWD, host.path, R_OK | (is_dir ? X_OK : 0), AT_EACCESS) < 0)
		return;
	if (how & SEEN_EXECUTE)
		strv_push_new(arena, &gathered->executed, arena_strdup(arena, path));
	if (!is_of_system(path))
		seen_add(arena, &gathered->seen, path, is_dir, how);
	/* Through a link: what it leads to is needed at its own place too. */
	if (strcmp(host.path, path) != 0)
		seen_add(arena, &gathered->seen, host.path, is_dir, how);
}

void gather_notes(struct arena *arena, const struct learn_places *places, const char *notes,
		  size_t len, struct gathered *gathered)
{
	size_t at = 0;

	while (at < len) {
		const char *end = memchr(notes + at, '\0', len - at);
		if (!end) /* the box was ended while it was written */
			return;
		const char note = notes[at];
		const char *path = notes + at + 1;

		at = (size_t)(end - notes) + 1;
		if (note == NOTE_CUT)
			gathered->is_cut = true;
		else if (note == NOTE_UNIX)
			gathered->wanted_unix = true;
		else if (note == NOTE_MEMFD)
			gathered->used_memfd = true;
		else if (note && *path == '/')
			gather_path(arena, places, note, path_absolute(arena, "/", path), gathered);
	}
}

/*** Layers ***/

struct walk {
	struct arena *arena;
	const struct plan *plan;
	struct gathered *gathered;
	size_t entries;
};

static bool is_hidden(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind == STEP_ABSENT && path_is_within(step->box_path, path))
			return true;
	}
	return false;
}

/* How the host's path changed, when the layer has st there. */
static unsigned change_of(const struct walk *walk, const char *path, const struct stat *st)
{
	struct stat there;

	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0)) /* a whiteout */
		return is_hidden(walk->plan, path) ? 0 : SEEN_MAKE;
	if (lstat(path, &there) < 0 || (there.st_mode & S_IFMT) != (st->st_mode & S_IFMT))
		return SEEN_MAKE;
	if (S_ISDIR(st->st_mode))
		return 0;
	return S_ISREG(st->st_mode) && !strv_has(&walk->gathered->replaced, path) ? SEEN_CHANGE
										  : SEEN_MAKE;
}

static void walk_directory(struct walk *walk, int fd, const char *path, bool is_new,
			   unsigned depth);

/* name in the open directory fd, which stands for path. */
static void walk_entry(struct walk *walk, int fd, const char *name, const char *path, bool is_new,
		       unsigned depth)
{
	struct gathered *gathered = walk->gathered;
	struct stat st;

	if (++walk->entries > ENTRIES_MAX || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		gathered->is_cut |= walk->entries > ENTRIES_MAX;
		return;
	}
	bool is_dir = S_ISDIR(st.st_mode);
	unsigned how = is_new ? 0 : change_of(walk, path, &st);
	if (how)
		seen_add(walk->arena, &gathered->seen, path, is_dir, how);
	if (is_new && gathered->names.len < NAMES_MAX)
		strv_push_new(walk->arena, &gathered->names, arena_strdup(walk->arena, name));
	if (S_ISREG(st.st_mode)) {
		gathered->written += (uint64_t)st.st_blocks * 512;
		if ((uint64_t)st.st_size > gathered->largest)
			gathered->largest = (uint64_t)st.st_size;
	}
	if (!is_dir)
		return;
	_cleanup_close_ int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub >= 0)
		walk_directory(walk, sub, path, is_new || how, depth + 1);
}

static void walk_directory(struct walk *walk, int fd, const char *path, bool is_new, unsigned depth)
{
	struct dirent *entry;
	int own = depth > DEPTH_MAX ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	DIR *dir = own < 0 ? NULL : fdopendir(own);

	if (!dir) {
		walk->gathered->is_cut = true;
		close_keeping_errno(own);
		return;
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			walk_entry(walk, fd, entry->d_name,
				   path_join(walk->arena, path, entry->d_name), is_new, depth);
	}
	(void)closedir(dir); /* only read */
}

int gather_layers(struct arena *arena, const struct plan *plan, int layers_fd,
		  struct gathered *gathered)
{
	struct walk walk = { .arena = arena, .plan = plan, .gathered = gathered };

	for (size_t i = 0; layers_fd >= 0 && i < plan->steps_len; i++) {
		const struct step *step = &plan->steps[i];

		if (!(step->flags & STEP_LAYERED))
			continue;
		char *upper = arena_printf(arena, "%zu/upper", i);
		_cleanup_close_ int fd =
			openat(layers_fd, upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		const char *root = (step->flags & STEP_IS_DIR)
					   ? step->host_path
					   : arena_strndup(arena, step->host_path,
							   (size_t)(strrchr(step->host_path, '/') -
								    step->host_path));
		walk_directory(&walk, fd, root, false, 0);
	}
	return 0;
}

/*** Texts ***/

void gather_interpreters(struct arena *arena, struct strv *executed)
{
	/* Those that are found are looked at as well. */
	for (size_t i = 0; i < executed->len; i++) {
		char line[SHEBANG_BYTES + 1];
		_cleanup_close_ int fd = open(executed->items[i], O_RDONLY | O_CLOEXEC | O_NOCTTY);
		ssize_t n = fd < 0 ? -1 : read(fd, line, SHEBANG_BYTES);

		if (n < 3 || memcmp(line, "#!", 2) != 0)
			continue;
		line[n] = '\0';
		char *name = line + 2 + strspn(line + 2, " \t");
		name[strcspn(name, " \t\r\n")] = '\0';
		char *path = path_absolute(arena, "/", name);
		if (*name == '/')
			strv_push_new(arena, executed, path);
	}
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

bool text_names_variable(const char *text, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	const char *end = text + len, *at = text;

	while ((at = memmem(at, (size_t)(end - at), name, name_len))) {
		const char *after = at + name_len;

		if (at > text && strchr("${(\"'.", at[-1]) && (after == end || !is_word(*after)))
			return true;
		at++;
	}
	return false;
}

const char *gather_mention(struct arena *arena, const struct seen_list *seen, const char *name)
{
	for (size_t i = 0; i < seen->len; i++) {
		const struct seen *file = &seen->items[i];
		struct arena texts = { 0 };
		char *text;

		if (file->is_dir || !(file->how & (SEEN_READ | SEEN_EXECUTE)) ||
		    is_of_system(file->path))
			continue;
		_cleanup_close_ int fd =
			open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		ssize_t n = fd < 0 ? -1 : arena_read(&texts, fd, 4096, TEXT_BYTES_MAX, &text);
		bool found = n > 0 && text_names_variable(text, (size_t)n, name);
		arena_free(&texts);
		if (found)
			return arena_strdup(arena, file->path);
	}
	return NULL;
}
