/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two runs of learn: see learn_run.h.
 *
 * Both are ordinary runs of an ordinary plan; what differs is in struct
 * request. A pipe can be read once, so a process copies it on its way to the
 * first run into a file, which is the second one's stdin.
 */
#include "cli/learn_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"

enum {
	NOTES_MAX = 64 << 20,
	MESSAGES_MAX = 64 << 10,
	STDIN_MAX = 256 << 20, /* of a pipe; the second run gets no more */
};

/*** Stdin twice ***/

static _Noreturn void copy_stdin(int file, int out)
{
	static char bytes[65536];
	off_t kept = 0;
	ssize_t n;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* with aisbx, however that ends */
	(void)signal(SIGPIPE, SIG_DFL);
	while ((n = read(0, bytes, sizeof bytes)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (kept < STDIN_MAX && pwrite(file, bytes, (size_t)n, kept) == n)
			kept += n;
		for (ssize_t at = 0, m = 0; at < n; at += m) {
			m = write(out, bytes + at, (size_t)(n - at));
			if (m < 0)
				_exit(0);
		}
	}
	_exit(0);
}

/* stdin becomes a pipe that a process fills from the one there was. */
static int divert_pipe(struct learn_case *learn)
{
	int fds[2];
	_cleanup_close_ int file = memfd_create("aisbx-stdin", MFD_CLOEXEC);

	if (file < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		copy_stdin(file, fds[1]);
	}
	int r = pid < 0 || dup2(fds[0], 0) < 0 ? -errno : 0;
	(void)close(fds[0]);
	(void)close(fds[1]);
	if (r == 0) {
		learn->stdin_file = steal_fd(&file);
		learn->copier = pid;
	}
	return r;
}

int learn_keep_stdin(struct learn_case *learn, struct err *reterr)
{
	mode_t type = learn->facts->stdio_mode[0];
	int r = 0;

	learn->stdin_file = -1;
	learn->stdin_at = -1;
	if (learn->facts->closed & 1U)
		return 0;
	if (S_ISREG(type))
		learn->stdin_at = lseek(0, 0, SEEK_CUR);
	else if (S_ISFIFO(type) || S_ISSOCK(type))
		r = divert_pipe(learn);
	learn->facts->stdio_mode[0] = S_ISSOCK(type) ? S_IFIFO : type;
	return r < 0 ? err_set(reterr, E_SYSTEM, -r, "copy", "stdin for the second run") : 0;
}

/*** The first run ***/

static int read_notes(struct arena *arena, int fd, struct watched *watched)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	ssize_t n = arena_read(arena, fd, 65536, NOTES_MAX, &watched->notes);
	watched->notes_len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? (int)n : 0;
}

int learn_watch(struct learn_case *learn, const struct profile *profile, struct watched *ret,
		struct err *reterr)
{
	const struct request request = { .command = learn->command,
					 .stdin_fd = -1,
					 .throw_away = true,
					 .observed = true,
					 .any_public_host = true };
	_cleanup_close_ int paths = memfd_create("aisbx-notes", MFD_CLOEXEC);
	int pair[2];

	memset(ret, 0, sizeof *ret);
	ret->layers_fd = -1;
	if (paths < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a file for notes");
	int r = plan_build(learn->arena, profile, learn->facts, &request, &ret->plan, reterr);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a socket pair");
	const struct trace trace = { .paths_fd = paths, .layers_fd = pair[1] };
	const struct observer observer = { .trace = &trace };
	box_run(&ret->plan, learn->arena, -1, &observer, &ret->end);
	(void)close(pair[1]); /* so that there is an end where nothing was sent */
	if (ret->end.outcome == OUTCOME_SETUP_FAILED) {
		(void)close(pair[0]);
		*reterr = ret->end.err;
		return -EINVAL;
	}
	if (fds_receive(pair[0], &ret->layers_fd, 1) < 0)
		ret->layers_fd = -1;
	(void)close(pair[0]);
	r = read_notes(learn->arena, paths, ret);
	return r < 0 ? err_set(reterr, E_SYSTEM, -r, "read", "the notes of the run") : 0;
}

/*** The second run ***/

static int put(int fd, int place)
{
	return dup2(fd, place) < 0 ? -errno : 0;
}

/* What the box did not take stays where it is. */
static void stop_copier(struct learn_case *learn)
{
	if (learn->copier > 0) {
		(void)kill(learn->copier, SIGKILL); /* our child, not reaped: cannot miss */
		(void)waitpid(learn->copier, NULL, 0);
	}
	learn->copier = 0;
}

/* What the first run read; a terminal is asked nothing twice. */
static int rewind_stdin(const struct learn_case *learn)
{
	if (learn->stdin_at >= 0)
		return lseek(0, learn->stdin_at, SEEK_SET) < 0 ? -errno : 0;
	if (learn->stdin_file >= 0)
		return lseek(learn->stdin_file, 0, SEEK_SET) < 0 ? -errno
								 : put(learn->stdin_file, 0);
	_cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return null < 0 ? -errno : put(null, 0);
}

static int redirect(struct learn_case *learn, int messages)
{
	_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	stop_copier(learn);
	int r = null < 0 ? -errno : rewind_stdin(learn);

	if (r == 0)
		r = put(null, 1);
	if (r == 0)
		r = put(messages, 2);
	return r;
}

static int run_again(struct learn_case *learn, const struct profile *profile, int messages,
		     struct box_end *ret_end, struct err *reterr)
{
	const struct request request = { .command = learn->command,
					 .stdin_fd = -1,
					 .throw_away = true };
	struct hostfacts facts = *learn->facts;
	struct plan plan;
	int r = redirect(learn, messages);

	if (r < 0)
		return err_set(reterr, E_SYSTEM, -r, "set up", "the second run's descriptors");
	facts.terminals = 0;
	facts.closed = 0;
	facts.one_output = false;
	for (int fd = 0; fd <= 2; fd++) {
		struct stat st = { 0 };

		facts.stdio_mode[fd] = fstat(fd, &st) < 0 ? S_IFCHR : st.st_mode;
	}
	r = plan_build(learn->arena, profile, &facts, &request, &plan, reterr);
	if (r < 0)
		return r;
	box_run(&plan, learn->arena, -1, NULL, ret_end);
	if (ret_end->outcome == OUTCOME_SETUP_FAILED) {
		*reterr = ret_end->err;
		return -EINVAL;
	}
	return 0;
}

int learn_verify(struct learn_case *learn, const struct profile *profile, struct box_end *ret_end,
		 const char **ret_messages, struct err *reterr)
{
	_cleanup_close_ int messages = memfd_create("aisbx-stderr", MFD_CLOEXEC);
	_cleanup_close_ int out = fcntl(1, F_DUPFD_CLOEXEC, 3);
	_cleanup_close_ int errors = fcntl(2, F_DUPFD_CLOEXEC, 3);
	char *text = NULL;

	*ret_messages = "";
	if (messages < 0 || out < 0 || errors < 0)
		return err_set(reterr, E_SYSTEM, errno, "keep", "stdout and stderr");
	int r = run_again(learn, profile, messages, ret_end, reterr);
	int back = put(out, 1);
	if (back == 0)
		back = put(errors, 2);
	if (back < 0)
		_exit(EXIT_AISBX); /* there is no place left to say it */
	if (lseek(messages, 0, SEEK_SET) == 0 &&
	    arena_read(learn->arena, messages, 4096, MESSAGES_MAX, &text) > 0)
		*ret_messages = text;
	return r;
}
