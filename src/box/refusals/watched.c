/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the payload's calls look for: see watched.h. */
#include "box/refusals/watched.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "base/text.h"
#include "box/phase.h"
#include "box/refusals/listener.h"
#include "box/refusals/refused.h"

enum {
	NONE = -1,
	PATH_BYTES = 4096,
	PROGRAMS_MAX = 1024,
	INTERPRETERS_MAX = 4, /* of scripts that interpret scripts: BINPRM_MAX_RECURSION is 5 */
	LINE_BYTES = 256,     /* BINPRM_BUF_SIZE: what the kernel reads of #! */
	SEEN_MAX = 8192,      /* slots; a quarter stays free */
};

/* Which argument is what. */
static const struct named {
	int nr;
	int8_t dir, path;
} named[] = {
	{ SYS_execve, NONE, 0 },  { SYS_execveat, 0, 1 },    { SYS_openat, 0, 1 },
	{ SYS_newfstatat, 0, 1 }, { SYS_statx, 0, 1 },	     { SYS_faccessat, 0, 1 },
	{ SYS_faccessat2, 0, 1 }, { SYS_readlinkat, 0, 1 },  { SYS_chdir, NONE, 0 },
	{ SYS_statfs, NONE, 0 },
#ifdef SYS_open /* arm64 has only the calls above */
	{ SYS_open, NONE, 0 },	  { SYS_stat, NONE, 0 },     { SYS_lstat, NONE, 0 },
	{ SYS_access, NONE, 0 },  { SYS_readlink, NONE, 0 },
#endif
};

struct inode {
	uint32_t major, minor;
	uint64_t number;
};

static struct inode programs[PROGRAMS_MAX];
static size_t programs_len;
static bool has_exec_list, explains;
static uint64_t seen[SEEN_MAX]; /* hashes of missing paths; 0: free */
static size_t seen_len;
static int told_to = -1;

static bool is_program(const struct statx *st)
{
	for (size_t i = 0; i < programs_len; i++) {
		if (programs[i].number == st->stx_ino && programs[i].major == st->stx_dev_major &&
		    programs[i].minor == st->stx_dev_minor)
			return true;
	}
	return false;
}

static long look(int fd, const char *path, struct statx *ret)
{
	return sys_call5(SYS_statx, fd, path, AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS,
			 ret);
}

void watched_prepare(const struct plan *plan, int socket_fd)
{
	if (plan->observed) /* observe.c looks at its calls */
		return;
	explains = plan->explains_missing;
	told_to = socket_fd;
	for (size_t i = 0; i < plan->exec.len; i++) {
		struct statx st;

		if (programs_len == PROGRAMS_MAX)
			return; /* what cannot be known is not told */
		if (look(AT_FDCWD, plan->exec.items[i], &st) < 0)
			continue;
		programs[programs_len++] =
			(struct inode){ st.stx_dev_major, st.stx_dev_minor, st.stx_ino };
	}
	has_exec_list = plan->has_exec_list;
}

void watched_forget_programs(void)
{
	has_exec_list = false;
}

/*** Whose path it is ***/

static int open_base(const struct seccomp_notif *request, const struct named *call)
{
	int fd = call->dir == NONE ? AT_FDCWD : (int)request->data.args[call->dir];
	char path[LISTENER_BASE_BYTES];

	listener_base_path(path, request, fd);
	return sys_openat2(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0, 0);
}

/* What the kernel calls fd, into a buffer of PATH_BYTES. */
static long name_of(int fd, char *buf)
{
	char link[64] = "/proc/self/fd/";

	(void)text_decimal((uint64_t)fd, link + strlen(link));
	long n = sys_call4(SYS_readlinkat, AT_FDCWD, link, buf, PATH_BYTES - 1);
	buf[n < 0 ? 0 : n] = '\0';
	return n;
}

/* /proc/self is the caller, not init. False: there is no room. */
static bool set_self(char *path, const struct seccomp_notif *request)
{
	static const char *const selves[] = { "/proc/self/", "/proc/thread-self/" };
	char prefix[32];

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(selves[i]), rest = strlen(path);

		if (strncmp(path, selves[i], len) != 0)
			continue;
		listener_proc_path(prefix, request, "/");
		if (strlen(prefix) + rest - len >= PATH_BYTES)
			return false;
		memmove(path + strlen(prefix), path + len, rest - len + 1);
		memcpy(path, prefix, strlen(prefix));
	}
	return true;
}

static const struct named *find_call(const struct seccomp_notif *request)
{
	for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
		if (named[i].nr == request->data.nr)
			return &named[i];
	}
	return NULL;
}

/* The path that the call has now. False: none that init can read. */
static bool read_path(const struct seccomp_notif *request, const struct named *call, char *path)
{
	return listener_copy_path(request, request->data.args[call->path], path, PATH_BYTES) &&
	       set_self(path, request);
}

/*** Programs ***/

/* The interpreter that a script names, into line. */
static bool read_interpreter(int fd, char *line)
{
	char path[64] = "/proc/self/fd/";

	(void)text_decimal((uint64_t)fd, path + strlen(path));
	_cleanup_close_ int file = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	long n = file < 0 ? file : sys_read(file, line, LINE_BYTES - 1);
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	char *begin = line + 2 + strspn(line + 2, " \t");
	begin[strcspn(begin, " \t\n")] = '\0';
	memmove(line, begin, strlen(begin) + 1);
	return line[0] == '/';
}

static void look_at_program(const struct seccomp_notif *request, int fd)
{
	static char name[PATH_BYTES];
	char line[LINE_BYTES];
	struct statx st;
	int next = -1;

	for (int i = 0; fd >= 0 && i < INTERPRETERS_MAX; i++) {
		if (look(fd, "", &st) < 0 || !S_ISREG(st.stx_mode) || !(st.stx_mode & 0111))
			break;
		if (!is_program(&st)) {
			if (name_of(fd, name) > 0)
				refused_add(REFUSED_EXEC, request, name);
			break;
		}
		bool is_script = read_interpreter(fd, line);
		if (next >= 0)
			(void)sys_close(next);
		fd = next = is_script ? sys_openat2(AT_FDCWD, line, O_PATH | O_CLOEXEC, 0, 0) : -1;
	}
	if (next >= 0)
		(void)sys_close(next);
}

/*** What is not there ***/

static void tell_missing(const char *path)
{
	struct record record = { .phase = PH_MISSED, .size = sizeof record };
	size_t len = strlen(path);
	uint64_t value = text_hash(path, len); /* two paths with one are one: one too few is told */
	size_t at = value % SEEN_MAX;

	while (seen[at] && seen[at] != value)
		at = (at + 1) % SEEN_MAX;
	if (seen[at] || seen_len >= SEEN_MAX / 4 * 3 || len >= sizeof record.missed.path)
		return;
	memcpy(record.missed.path, path, len + 1);
	if (phase_send_now(told_to, &record) < 0)
		return; /* it may be looked for again */
	seen[at] = value;
	seen_len++;
}

static void look_for(int base, const char *path)
{
	static char full[2 * PATH_BYTES];
	int r = sys_openat2(base, path, O_PATH | O_CLOEXEC, 0, 0);

	if (r >= 0) {
		(void)sys_close(r);
		return;
	}
	if (r != -ENOENT && r != -ENOTDIR)
		return;
	long n = path[0] == '/' ? 0 : name_of(base, full);
	if (n < 0 || (n > 0 && full[0] != '/'))
		return;
	if (n > 0)
		full[n++] = '/';
	memcpy(full + n, path, strlen(path) + 1);
	tell_missing(full);
}

void watched_look(const struct seccomp_notif *request)
{
	static char path[PATH_BYTES];
	const struct named *call = find_call(request);
	bool is_exec = request->data.nr == SYS_execve || request->data.nr == SYS_execveat;

	if (!call || (!explains && !(has_exec_list && is_exec)) || !read_path(request, call, path))
		return;
	_cleanup_close_ int base = path[0] == '/' ? -1 : open_base(request, call);
	if (path[0] && path[0] != '/' && base < 0)
		return;
	if (explains && path[0])
		look_for(base, path);
	if (!has_exec_list || !is_exec)
		return;
	if (!path[0]) { /* AT_EMPTY_PATH: an open file */
		look_at_program(request, base);
		return;
	}
	_cleanup_close_ int fd = sys_openat2(base, path, O_PATH | O_CLOEXEC, 0, 0);
	look_at_program(request, fd);
}
