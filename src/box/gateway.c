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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "gateway/config.h"
#include "gateway/handover.h"
#include "policy/trust.h"

enum {
	FIRST_PAGE = 4096,
};

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

/* The child's; nothing of the parent's memory may be changed. Returns only when it failed. */
static void execute(int program_fd, const sigset_t *signals, int config_fd, int control_fd,
		    char **argv)
{
	(void)sigprocmask(SIG_SETMASK, signals, NULL);
	if (fcntl(config_fd, F_SETFD, 0) == 0 && fcntl(control_fd, F_SETFD, 0) == 0)
		(void)sys_call6(SYS_execveat, program_fd, SYS_ARG(""), SYS_ARG(argv),
				SYS_ARG(environ), AT_EMPTY_PATH, 0);
}

static pid_t spawn(int program_fd, int config_fd, int control_fd)
{
	char name[] = "aisbx-gateway", config[12], control[12];
	char *argv[] = { name, config, control, NULL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)snprintf(config, sizeof config, "%d", config_fd);
	(void)snprintf(control, sizeof control, "%d", control_fd);
	pid_t pid = fork();
	if (pid == 0) {
		execute(program_fd, &none, config_fd, control_fd, argv);
		_exit(EXIT_AISBX);
	}
	return pid;
}

static int await_secrets(int fd, const struct plan *plan, struct err *reterr)
{
	struct gateway_state state;
	int r = trust_read(plan->gateway.trust, reterr); /* it takes its time too */

	if (r == 0)
		r = handover_await(fd, &state, reterr);
	if (r < 0)
		return r;
	trust_take_ca(plan->gateway.trust, state.ca);
	for (size_t i = 0; i < plan->gateway.secrets_len; i++) {
		char *placeholder = plan->gateway.secrets[i].placeholder;

		ssize_t n = recv(fd, placeholder, PLACEHOLDER_MAX + 1, 0);
		if (n <= 0 || placeholder[n - 1])
			return err_set(reterr, E_SYSTEM, n < 0 ? errno : EPIPE, "start",
				       "the gateway");
	}
	return 0;
}

int gateway_start(struct arena *arena, const struct plan *plan, struct gateway *ret_gateway,
		  struct err *reterr)
{
	struct gateway gateway = GATEWAY_NONE;
	int pair[2];

	if (!plan_needs_gateway(plan))
		return 0;
	_cleanup_close_ int program_fd = find_program();
	if (program_fd < 0)
		program_fd = make_program(reterr);
	if (program_fd < 0)
		return program_fd;
	_cleanup_close_ int config_fd = gateway_config_write(arena, plan);
	if (config_fd < 0)
		return err_set(reterr, E_SYSTEM, -config_fd, "tell", "the gateway");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(reterr, E_SYSTEM, errno, "make", "a socket pair");
	gateway.control_fd = pair[0];
	gateway.pid = spawn(program_fd, config_fd, pair[1]);
	int error = errno;
	(void)close(pair[1]);
	int r = gateway.pid < 0 ? err_set(reterr, E_SYSTEM, error, "start", "the gateway")
				: await_secrets(gateway.control_fd, plan, reterr);
	secrets_forget(plan, plan->facts->environ); /* from here on they are in the gateway only */
	if (r < 0)
		(void)gateway_kill(&gateway);
	else
		*ret_gateway = gateway;
	return r;
}

int gateway_kill(struct gateway *gateway)
{
	close_keeping_errno(gateway->control_fd);
	gateway->control_fd = -1;
	return kill_child(&gateway->pid);
}
