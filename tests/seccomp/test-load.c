/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The built-in filters in the running kernel. Build without sanitizers: they need other calls. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sys.h"
#include "box/seccomp/syscalls.h"

#define NEVER_A_CALL 500
#define X32_GETPID   (0x40000000 + 39)

/* Runs probe in a child under the filter of kind; its wait status. */
static int under(enum filter_kind kind, int (*probe)(void))
{
	struct filter filter;
	struct err err;
	int status;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		(void)syscalls_builtin(kind, &filter);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(100);
		if (syscalls_load(&filter, false, NULL, &err) < 0)
			_exit(101);
		_exit(probe());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Which of the calls did not answer as expected, from 1; 0: all did. */
static int refusals(void)
{
	if (sys_call0(__NR_getpid) <= 0) /* positive control */
		return 1;
	if (sys_call2(__NR_clone3, 0, 0) != -ENOSYS)
		return 2;
	if (sys_call0(NEVER_A_CALL) != -ENOSYS)
		return 3;
	if (sys_call0(-1) != -ENOSYS)
		return 4;
	if (sys_call4(__NR_ptrace, 0, 0, 0, 0) != -EPERM)
		return 5;
	if (sys_call1(__NR_unshare, CLONE_NEWUSER) != -EPERM)
		return 6;
	if (sys_call5(__NR_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) != -EPERM)
		return 7;
	if (sys_call3(__NR_ioctl, -1, TIOCSTI, 0) != -EPERM)
		return 8;
	if (sys_call3(__NR_ioctl, -1, (1ul << 32) | TIOCSTI, 0) != -EPERM)
		return 9;
	if (sys_call3(__NR_ioctl, -1, TIOCGWINSZ, 0) != -EBADF)
		return 10;
	if (sys_call3(__NR_socket, 40, 1, 0) != -EPERM)
		return 11;
	if (sys_call3(__NR_socket, 2, 1, 262) != -EPROTONOSUPPORT)
		return 12;
	if (sys_call2(__NR_fchmod, -1, 04755) != -EPERM)
		return 13;
	if (sys_call1(__NR_unshare, CLONE_FILES) != 0)
		return 14;
	return 0;
}

/* The same for what the broker may do: sockets, memory, no more. */
static int broker_refusals(void)
{
	static char path[] = "/dev/null";
	int fd = (int)sys_call3(__NR_socket, AF_INET, SOCK_STREAM, 0); /* positive controls */

	if (fd < 0 || sys_call1(__NR_close, fd) != 0)
		return 1;
	if (sys_call6(__NR_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0) < 0)
		return 2;
	if (sys_call4(__NR_openat, AT_FDCWD, path, O_RDONLY, 0) != -EPERM)
		return 3;
	if (sys_call3(__NR_execve, path, 0, 0) != -EPERM)
		return 4;
	if (sys_call3(__NR_socket, AF_UNIX, SOCK_STREAM, 0) != -EPERM)
		return 5;
	if (sys_call3(__NR_socket, AF_NETLINK, SOCK_RAW, 0) != -EPERM)
		return 6;
	if (sys_call6(__NR_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0) != -EPERM)
		return 7;
	if (sys_call3(__NR_mprotect, 0, 4096, PROT_READ) != -EPERM)
		return 8;
	if (sys_call4(__NR_ptrace, 0, 0, 0, 0) != -EPERM)
		return 9;
	if (sys_call2(__NR_kill, sys_call0(__NR_getpid), 0) != -EPERM)
		return 10;
	if (sys_call5(__NR_clone, SIGCHLD, 0, 0, 0, 0) != -EPERM)
		return 11;
	if (sys_call2(__NR_clone3, 0, 0) != -EPERM)
		return 12;
	if (sys_call0(NEVER_A_CALL) != -EPERM)
		return 13;
	return 0;
}

static int call_x32(void)
{
	(void)sys_call0(X32_GETPID);
	return 0;
}

#if defined(__x86_64__)
static int call_i386(void)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(20) : "memory"); /* getpid */
	return 0;
}
#endif

static void refused_in_kernel(void **state)
{
	(void)state;
	assert_int_equal(under(FILTER_DEFAULT, refusals), 0);
	assert_int_equal(under(FILTER_MEDIATED, refusals), 0);
	assert_int_equal(under(FILTER_BROKER, broker_refusals), 0);
}

static void foreign_is_killed(void **state)
{
	(void)state;
#if defined(__x86_64__)
	for (int kind = 0; kind < FILTER__N; kind++) {
		int status = under((enum filter_kind)kind, call_x32);

		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		status = under((enum filter_kind)kind, call_i386);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
#else
	assert_int_equal(under(FILTER_DEFAULT, call_x32), 0);
#endif
}

static void listener_is_cloexec(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		struct filter filter;
		struct err err;
		int fd = -1;

		(void)syscalls_builtin(FILTER_MEDIATED, &filter);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(100);
		if (syscalls_load(&filter, true, &fd, &err) < 0)
			_exit(101);
		if (fd < 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
			_exit(102);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A box around this one may have forbidden it: that is said, and nothing waits for ever. */
static void listener_is_refused(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		struct filter filter;
		struct err err;
		int fd = -1;

		(void)syscalls_builtin(FILTER_MEDIATED, &filter);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(100);
		if (syscalls_load(&filter, false, &fd, &err) < 0 || fd != -1)
			_exit(101);
		if (syscalls_load(&filter, true, &fd, &err) != -EPERM)
			_exit(103);
		if (strcmp(err.wall, "seccomp") != 0 || err.code != E_WALL ||
		    !strstr(err.subject, "listener"))
			_exit(104);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_in_kernel),
		cmocka_unit_test(foreign_is_killed),
		cmocka_unit_test(listener_is_cloexec),
		cmocka_unit_test(listener_is_refused),
	};

	return cmocka_run_group_tests_name("seccomp: in the kernel", tests, NULL, NULL);
}
