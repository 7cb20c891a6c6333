/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The notes of an observed box: see observe.h.
 *
 * Theory of operation: the filter of an observed run notifies init of every
 * call that names a file. init reads the path, once, makes it absolute with
 * what /proc says of the caller's directory, writes it down when it is new and
 * lets the call go on. What is noted leaves through a file that the payload has
 * no way to, so a flood of calls costs the box its own time: the table of what
 * is known and the file have bounds, and past them one note says so.
 *
 * One thing is decided here: a socket of AF_UNIX is refused. The observed
 * box's view is the host's file tree, and a path socket in it leads to a
 * server outside of every wall. The family is in a register, which nobody can
 * change while the call waits. socketpair(2) makes connected ones, which a
 * stream cannot lead elsewhere; one of datagrams can, and is refused too.
 */
#include "box/refusals/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "base/text.h"
#include "box/refusals/listener.h"

enum {
	PATH_BYTES = 4096,
	KNOWN_SLOTS = 1 << 16, /* a power of two */
	KNOWN_MAX = KNOWN_SLOTS / 4 * 3,
	NOTES_BYTES_MAX = 16 << 20,
	SOCKET_TYPE_BITS = 0xf,
	NONE = -1,
};

/* Which argument is what. */
struct observed {
	int nr;
	enum note note;
	int8_t dir, path, flags;
};

/* clang-format off */
static const struct observed calls[] = {
	/*                               dir   path  flags */
	{ SYS_execve,     NOTE_EXECUTE, NONE,    0, NONE },
	{ SYS_execveat,   NOTE_EXECUTE,    0,    1, NONE },
	{ SYS_openat,     NOTE_READ,       0,    1,    2 },
	{ SYS_newfstatat, NOTE_LOOK,       0,    1, NONE },
	{ SYS_statx,      NOTE_LOOK,       0,    1, NONE },
	{ SYS_faccessat,  NOTE_LOOK,       0,    1, NONE },
	{ SYS_faccessat2, NOTE_LOOK,       0,    1, NONE },
	{ SYS_readlinkat, NOTE_LOOK,       0,    1, NONE },
	{ SYS_chdir,      NOTE_ENTER,   NONE,    0, NONE },
	{ SYS_truncate,   NOTE_WRITE,   NONE,    0, NONE },
	{ SYS_mkdirat,    NOTE_CREATE,     0,    1, NONE },
	{ SYS_symlinkat,  NOTE_CREATE,     1,    2, NONE },
	{ SYS_unlinkat,   NOTE_REPLACE,    0,    1, NONE },
	{ SYS_renameat,   NOTE_REPLACE,    2,    3, NONE },
	{ SYS_renameat2,  NOTE_REPLACE,    2,    3, NONE },
	{ SYS_linkat,     NOTE_REPLACE,    2,    3, NONE },
#ifdef SYS_open /* arm64 has only the calls above */
	{ SYS_open,       NOTE_READ,    NONE,    0,    1 },
	{ SYS_mkdir,      NOTE_CREATE,  NONE,    0, NONE },
	{ SYS_symlink,    NOTE_CREATE,  NONE,    1, NONE },
	{ SYS_creat,      NOTE_CREATE,  NONE,    0, NONE },
	{ SYS_stat,       NOTE_LOOK,    NONE,    0, NONE },
	{ SYS_lstat,      NOTE_LOOK,    NONE,    0, NONE },
	{ SYS_access,     NOTE_LOOK,    NONE,    0, NONE },
	{ SYS_readlink,   NOTE_LOOK,    NONE,    0, NONE },
	{ SYS_unlink,     NOTE_REPLACE, NONE,    0, NONE },
	{ SYS_rename,     NOTE_REPLACE, NONE,    1, NONE },
	{ SYS_link,       NOTE_REPLACE, NONE,    1, NONE },
#endif
};
/* clang-format on */

static struct {
	bool cut;
	int paths_fd;
	size_t written;
	size_t known_len;
} notes = { .paths_fd = -1 };

/* Hashes of what was noted; pages that are not needed are never touched. */
static uint64_t known[KNOWN_SLOTS];

void observe_prepare(const struct trace *trace)
{
	notes.paths_fd = trace->paths_fd;
}

unsigned observe_descriptors(int fds[OBSERVE_FDS_MAX])
{
	fds[0] = notes.paths_fd;
	return notes.paths_fd >= 0;
}

/*** Writing ***/

static void cut(void)
{
	static const char note[] = { NOTE_CUT, '\0' };

	if (!notes.cut)
		/* What reads it sees the end either way. */
		(void)sys_write_all(notes.paths_fd, note, sizeof note);
	notes.cut = true;
}

/* Whether it is new. */
static bool remember(const char *note, size_t len)
{
	uint64_t hash = text_hash(note, len);

	for (size_t at = hash & (KNOWN_SLOTS - 1);; at = (at + 1) & (KNOWN_SLOTS - 1)) {
		if (known[at] == hash)
			return false;
		if (known[at])
			continue;
		known[at] = hash;
		notes.known_len++;
		return true;
	}
}

/* note: its letter, the path and a NUL. */
static void write_note(const char *note, size_t len)
{
	if (notes.cut || !remember(note, len))
		return;
	if (notes.known_len > KNOWN_MAX || notes.written + len > NOTES_BYTES_MAX ||
	    sys_write_all(notes.paths_fd, note, len) < 0)
		cut();
	notes.written += len;
}

static void write_plain(enum note kind)
{
	const char note[] = { (char)kind, '\0' };

	write_note(note, sizeof note);
}

/*** Reading ***/

/* Where a relative path starts, without a slash at its end. The length, or -errno. */
static long read_base(const struct seccomp_notif *request, int fd, char *buf, size_t size)
{
	char link[LISTENER_BASE_BYTES];

	if (fd != AT_FDCWD && fd < 0)
		return -EBADF;
	listener_base_path(link, request, fd);
	long n = sys_call4(SYS_readlinkat, AT_FDCWD, link, buf, size - 1);
	if (n <= 0 || buf[0] != '/')
		return n < 0 ? n : -ENOENT;
	return buf[n - 1] == '/' ? n - 1 : n;
}

static enum note note_of(const struct observed *call, const struct seccomp_notif *request)
{
	uint64_t flags = call->flags == NONE ? 0 : request->data.args[call->flags];

	if (call->note != NOTE_READ)
		return call->note;
	if (flags & O_PATH)
		return NOTE_LOOK;
	if (flags & O_CREAT)
		return NOTE_CREATE;
	return (flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC) ? NOTE_READ : NOTE_WRITE;
}

/* A shell tries a name in every directory of PATH. */
static bool is_there(const char *path)
{
	_cleanup_close_ int fd = sys_openat2(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0, 0);

	return fd >= 0;
}

static void note_path(const struct observed *call, const struct seccomp_notif *request)
{
	static char note[1 + 2 * PATH_BYTES], path[PATH_BYTES];
	const __u64 *args = request->data.args;
	long base = 0;

	/* Before its execve the payload is a part of init, which cannot be read: learn knows it. */
	if (!listener_copy_path(request, args[call->path], path, sizeof path) || !path[0])
		return;
	if (path[0] != '/') {
		int fd = call->dir == NONE ? AT_FDCWD : (int)args[call->dir];

		base = read_base(request, fd, note + 1, PATH_BYTES);
		if (base < 0)
			return;
		note[1 + base++] = '/';
	}
	note[0] = (char)note_of(call, request);
	size_t len = strlen(path) + 1;
	memcpy(note + 1 + base, path, len);
	if (note[0] != NOTE_EXECUTE || is_there(note + 1))
		write_note(note, 1 + (size_t)base + len);
}

static int decide_socket(const struct seccomp_notif *request, bool is_pair)
{
	uint32_t family = (uint32_t)request->data.args[0];
	uint32_t type = (uint32_t)request->data.args[1] & SOCKET_TYPE_BITS;

	if (family != AF_UNIX || (is_pair && type != SOCK_DGRAM))
		return 0;
	write_plain(NOTE_UNIX);
	return -EPERM;
}

int observe_call(const struct seccomp_notif *request)
{
	if (request->data.nr == SYS_socket || request->data.nr == SYS_socketpair)
		return decide_socket(request, request->data.nr == SYS_socketpair);
	if (request->data.nr == SYS_memfd_create)
		write_plain(NOTE_MEMFD);
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		if (calls[i].nr == request->data.nr) {
			note_path(&calls[i], request);
			break;
		}
	}
	return 0;
}
