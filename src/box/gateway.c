/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starting the gateway: see gateway.h. */
#include "box/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/sys.h"
#include "gateway/config.h"
#include "gateway/handover.h"
#include "policy/trust.h"

enum {
	FIRST_PAGE = 4096,
};

/* Before there is a plan. */
static struct gateway begun = GATEWAY_NONE;
static const char *program;
static size_t program_len;

void gateway_set_program(const void *bytes, size_t len)
{
	program = bytes;
	program_len = len;
}

/*
 * The same program as a file, which spares a copy of it: installed, or beside aisbx where it was
 * built. It is of this very build when its first page is, where the build's number stands.
 */
static int open_program(const char *path)
{
	char page[FIRST_PAGE];
	struct stat st;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_uid != 0 && st.st_uid != getuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)) ||
	    (size_t)st.st_size != program_len || program_len < sizeof page ||
	    pread(fd, page, sizeof page, 0) != (ssize_t)sizeof page ||
	    memcmp(page, program, sizeof page) != 0)
		return -ENOEXEC;
	return steal_fd(&fd);
}

static int find_program(void)
{
	static const char name[] = "aisbx-gateway";
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof name);
	char *slash = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;
	int fd = -ENOENT;

	if (slash) {
		memcpy(slash + 1, name, sizeof name);
		fd = open_program(path);
	}
	return fd >= 0 ? fd : open_program(AISBX_LIBEXEC_DIR "/aisbx-gateway");
}

/* A file that exists in memory only: nothing has to be found. */
static int make_program(struct err *reterr)
{
	_cleanup_close_ int fd = memfd_create("aisbx-gateway", MFD_CLOEXEC | MFD_EXEC);
	size_t done = 0;

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create("aisbx-gateway", MFD_CLOEXEC);
	while (fd >= 0 && done < program_len) {
		ssize_t n = write(fd, program + done, program_len - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && program_len > 0 && done == program_len)
		return steal_fd(&fd);
	int error = program_len > 0 ? errno : ENOENT;
	err_set(reterr, E_SYSTEM, error, "make", "the gateway's program");
	if (error == EACCES || error == EPERM)
		err_hint(reterr,
			 "the host forbids programs in memory: set vm.memfd_noexec to 0 or 1");
	return -error;
}

/* The child's, in the parent's memory until it executes. Returns only when it failed. */
static void execute(int program_fd, const sigset_t *signals, const int *given, char **argv)
{
	/* Of the time from here to where it is armed by itself: execve(2) keeps it. */
	int r = prctl(PR_SET_PDEATHSIG, SIGKILL);

	(void)sigprocmask(SIG_SETMASK, signals, NULL);
	for (int i = 0; r == 0 && i < GIVEN__N; i++)
		r = fcntl(given[i], F_SETFD, 0);
	if (r == 0)
		(void)sys_call6(SYS_execveat, program_fd, SYS_ARG(""), SYS_ARG(argv),
				SYS_ARG(environ), AT_EMPTY_PATH, 0);
}

static pid_t spawn(int program_fd, const int given[GIVEN__N])
{
	char name[] = "aisbx-gateway", numbers[GIVEN__N][12];
	char *argv[1 + GIVEN__N + 1] = { name };
	sigset_t none;

	(void)sigemptyset(&none);
	for (int i = 0; i < GIVEN__N; i++) {
		(void)snprintf(numbers[i], sizeof numbers[i], "%d", given[i]);
		argv[1 + i] = numbers[i];
	}
	pid_t pid = vfork(); /* spares a copy of what execve gives up */
	if (pid == 0) {
		execute(program_fd, &none, given, argv);
		_exit(EXIT_AISBX);
	}
	return pid;
}

static int make_pair(int fds[2], struct err *reterr)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a socket pair");
	return 0;
}

static int begin(struct err *reterr)
{
	int control[2], init[2];

	_cleanup_close_ int program_fd = find_program();
	if (program_fd < 0)
		program_fd = make_program(reterr);
	if (program_fd < 0)
		return program_fd;
	int r = make_pair(control, reterr);
	if (r < 0)
		return r;
	_cleanup_close_ int own_control_fd = control[0], its_control_fd = control[1];
	r = make_pair(init, reterr);
	if (r < 0)
		return r;
	_cleanup_close_ int own_init_fd = init[0], its_init_fd = init[1];
	/* Where the caller ignores it, the gateway would be reaped by nobody, and what it starts. */
	(void)signal(SIGCHLD, SIG_DFL);
	begun.pid = spawn(program_fd, (int[]){ its_control_fd, its_init_fd });
	if (begun.pid < 0)
		return err_set(reterr, E_SYSTEM, errno, "start", "the gateway");
	begun.control_fd = steal_fd(&own_control_fd);
	begun.init_fd = steal_fd(&own_init_fd);
	return 0;
}

void gateway_begin(const struct profile *profile)
{
	struct err err;

	if (profile->secrets.len > 0 || profile->http.len > 0)
		(void)begin(&err); /* gateway_start() tries again, and tells */
}

void gateway_forget(void)
{
	close_keeping_errno(begun.init_fd);
	(void)gateway_kill(&begun);
}

int gateway_start(struct arena *arena, const struct plan *plan, struct gateway *ret_gateway,
		  struct err *reterr)
{
	if (!plan_needs_gateway(plan))
		return 0;
	int r = begun.pid < 0 ? begin(reterr) : 0;
	if (r < 0)
		return r;
	_cleanup_close_ int config_fd = gateway_config_write(arena, plan);
	r = config_fd < 0 ? config_fd : fds_send(begun.control_fd, &config_fd, 1);
	if (r < 0)
		return err_set(reterr, E_SYSTEM, -r, "tell", "the gateway");
	secrets_forget(plan, plan->facts->environ); /* from here on they are in the gateway only */
	*ret_gateway = begun;
	begun = (struct gateway)GATEWAY_NONE;
	return 0;
}

int gateway_await(int init_fd, const struct plan *plan, struct err *reterr)
{
	struct gateway_state state;

	trust_begin(plan->gateway.trust, true);
	int r = handover_await(init_fd, &state, reterr);
	if (r < 0)
		return r;
	trust_take_ca(plan->gateway.trust, state.ca);
	for (size_t i = 0; i < plan->gateway.secrets_len; i++) {
		char *placeholder = plan->gateway.secrets[i].placeholder;
		long n = handover_receive(init_fd, placeholder, PLACEHOLDER_MAX + 1);

		if (n <= 0 || placeholder[n - 1])
			return err_set(reterr, E_SYSTEM, n < 0 ? (int)-n : EPIPE, "start",
				       "the gateway");
	}
	return 0;
}

int gateway_kill(struct gateway *gateway)
{
	close_keeping_errno(gateway->control_fd);
	gateway->control_fd = -1;
	return kill_child(&gateway->pid);
}
