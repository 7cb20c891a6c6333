/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls without libc: they return -errno and touch no errno, so two
 * processes that share memory while the box is being built cannot disturb each
 * other, and nothing between clone and exec depends on libc's state. Also the
 * kernel interfaces that Debian 12's headers (6.1) do not have yet.
 */
#ifndef AISBX_BASE_SYS_H
#define AISBX_BASE_SYS_H

#include <errno.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return x0;
}
#else
#	error "aisbx knows x86-64 and arm64"
#endif

#ifndef MFD_EXEC
#	define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

#define SYS_ARG(x)	       ((long)(x))
#define sys_call0(nr)	       sys_call6(nr, 0, 0, 0, 0, 0, 0)
#define sys_call1(nr, a)       sys_call6(nr, SYS_ARG(a), 0, 0, 0, 0, 0)
#define sys_call2(nr, a, b)    sys_call6(nr, SYS_ARG(a), SYS_ARG(b), 0, 0, 0, 0)
#define sys_call3(nr, a, b, c) sys_call6(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), 0, 0, 0)
#define sys_call4(nr, a, b, c, d)                                                                  \
	sys_call6(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), 0, 0)
#define sys_call5(nr, a, b, c, d, e)                                                               \
	sys_call6(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), SYS_ARG(e), 0)

static inline int sys_close(int fd)
{
	return (int)sys_call1(SYS_close, fd);
}

static inline int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
			      uint64_t resolve)
{
	struct open_how how = { .flags = flags, .mode = mode, .resolve = resolve };
	int fd = 0;

	/* EAGAIN: a rename elsewhere raced with RESOLVE_*, openat2(2). */
	for (int tries = 0; tries < 64; tries++) {
		fd = (int)sys_call4(SYS_openat2, dir, path, &how, sizeof how);
		if (fd != -EAGAIN && fd != -EINTR)
			break;
	}
	return fd;
}

static inline int sys_open(const char *path, int flags, unsigned mode)
{
	return (int)sys_call4(SYS_openat, -100 /* AT_FDCWD */, path, flags, mode);
}

static inline long sys_read(int fd, void *buf, size_t size)
{
	return sys_call3(SYS_read, fd, buf, size);
}

static inline long sys_write(int fd, const void *buf, size_t size)
{
	return sys_call3(SYS_write, fd, buf, size);
}

/* All of it, interrupted or not. 0 or -errno. */
static inline int sys_write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		long n = sys_write(fd, bytes, len);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static inline int sys_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
			    unsigned long d)
{
	return (int)sys_call5(SYS_prctl, option, a, b, c, d);
}

static inline int sys_open_tree(int dir, const char *path, unsigned flags)
{
	return (int)sys_call3(SYS_open_tree, dir, path, flags);
}

static inline int sys_move_mount(int from, int to)
{
	return (int)sys_call5(SYS_move_mount, from, "", to, "",
			      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* A name in a directory; a link of that name is not followed. */
static inline int sys_move_mount_to(int from, int dir, const char *name)
{
	return (int)sys_call5(SYS_move_mount, from, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH);
}

static inline int sys_mount_setattr(int fd, unsigned flags, const struct mount_attr *attr)
{
	return (int)sys_call5(SYS_mount_setattr, fd, "", flags, attr, sizeof *attr);
}

static inline int sys_fsopen(const char *type)
{
	return (int)sys_call2(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int sys_fsconfig(int fd, unsigned cmd, const char *key, const char *value)
{
	return (int)sys_call5(SYS_fsconfig, fd, cmd, key, value, 0);
}

static inline int sys_fsmount(int fd, unsigned attrs)
{
	return (int)sys_call3(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attrs);
}

static inline _Noreturn void sys_exit_group(int status)
{
	for (;;)
		(void)sys_call1(SYS_exit_group, status);
}

#endif
