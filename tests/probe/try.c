/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * try NAME [ARG...]: makes one attempt and says how the kernel answered.
 *
 * Prints "ok" and exits 0 when the attempt succeeded, prints the name of errno
 * and exits 1 when it was refused, exits 2 for an unknown NAME. The same
 * program, run outside the box, is the positive control. What must never
 * succeed outside either (reboot, clock, modules) is called with arguments
 * that no kernel accepts, so that a missing wall shows as another errno. What
 * changes the host when it succeeds (mount, host name) is controlled in
 * namespaces of its own: unshare -m, unshare -u.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif

/* Numbers that the headers of Debian 12 lack, or that differ between libcs. */
enum {
	KEEP_USER = 0x10000000,
	KEEP_NS = 0x00020000,
	KEEP_CGROUP = 0x02000000,
	KEEP_UTS = 0x04000000,
	KEEP_IPC = 0x08000000,
	KEEP_PID = 0x20000000,
	KEEP_NET = 0x40000000,
	KEEP_TIME = 0x00000080,
	IO_TIOCSTI = 0x5412,
	IO_TIOCLINUX = 0x541c,
	IO_TIOCCONS = 0x541d,
	IO_TIOCSETD = 0x5423,
	NO_SUCH_CALL = 900,
};

static char **args;

static const char *arg(int n)
{
	for (int i = 0; i <= n; i++) {
		if (!args[i]) {
			fprintf(stderr, "try: argument %d is missing\n", n + 1);
			exit(2);
		}
	}
	return args[n];
}

static long number(int n)
{
	return strtol(arg(n), NULL, 0);
}

/*** Mounts ***/

static long do_mount(void)
{
	return mount("none", arg(0), "tmpfs", 0, NULL);
}

static long do_bind(void)
{
	return mount(arg(0), arg(1), NULL, MS_BIND, NULL);
}

static long do_remount(void)
{
	return mount(NULL, arg(0), NULL, MS_REMOUNT | MS_BIND, NULL);
}

static long do_umount(void)
{
	return umount2(arg(0), MNT_DETACH);
}

static long do_pivot(void)
{
	return syscall(SYS_pivot_root, arg(0), arg(0));
}

static long do_chroot(void)
{
	return chroot(arg(0));
}

static long do_open_tree(void)
{
	return syscall(SYS_open_tree, AT_FDCWD, arg(0), 1 /* OPEN_TREE_CLONE */);
}

static long do_open_tree_attr(void)
{
	return syscall(SYS_open_tree_attr, AT_FDCWD, "/", 0, NULL, 0);
}

static long do_move_mount(void)
{
	return syscall(SYS_move_mount, AT_FDCWD, arg(0), AT_FDCWD, arg(0), 0);
}

static long do_fsopen(void)
{
	return syscall(SYS_fsopen, "tmpfs", 0);
}

static long do_fsconfig(void)
{
	return syscall(SYS_fsconfig, -1, 0, "a", "b", 0);
}

static long do_fsmount(void)
{
	return syscall(SYS_fsmount, -1, 0, 0);
}

static long do_fspick(void)
{
	return syscall(SYS_fspick, AT_FDCWD, "/", 0);
}

static long do_mount_setattr(void)
{
	uint64_t attr[4] = { 0, 1 /* RDONLY off */, 0, 0 };

	return syscall(SYS_mount_setattr, AT_FDCWD, arg(0), 0, attr, sizeof attr);
}

static long do_statmount(void)
{
	return syscall(SYS_statmount, NULL, NULL, 0, 0);
}

static long do_listmount(void)
{
	return syscall(SYS_listmount, NULL, NULL, 0, 0);
}

/*** Namespaces ***/

static long do_unshare(void)
{
	return syscall(SYS_unshare, strtoul(arg(0), NULL, 0));
}

/* glibc's clone wants a stack; fork semantics are enough here. */
static long do_clone(void)
{
	unsigned long flags = strtoul(arg(0), NULL, 0);
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, 0);
	return pid < 0 ? -1 : 0;
}

static long do_clone3(void)
{
	uint64_t clone_args[11] = { strtoull(arg(0), NULL, 0), 0, 0, 0, SIGCHLD };
	long pid = syscall(SYS_clone3, clone_args, sizeof clone_args);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, 0);
	return pid < 0 ? -1 : 0;
}

static long do_setns(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	return fd < 0 ? -1 : setns(fd, 0);
}

static long do_setns_bad(void)
{
	return setns(-1, 0);
}

/*** Other processes ***/

static long do_ptrace_attach(void)
{
	return ptrace(PTRACE_SEIZE, (pid_t)number(0), 0, 0);
}

static long do_ptrace_traceme(void)
{
	return ptrace(PTRACE_TRACEME, 0, 0, 0);
}

static long do_vm_readv(void)
{
	char byte;
	struct iovec local = { &byte, 1 }, remote = { (void *)do_vm_readv, 1 };

	return process_vm_readv((pid_t)number(0), &local, 1, &remote, 1, 0);
}

static long do_vm_writev(void)
{
	char byte = 0;
	struct iovec local = { &byte, 1 }, remote = { (void *)do_vm_readv, 1 };

	return process_vm_writev((pid_t)number(0), &local, 1, &remote, 1, 0);
}

static long do_pidfd_getfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, number(0), 0);

	return fd < 0 ? -1 : syscall(SYS_pidfd_getfd, fd, 0, 0);
}

static long do_kcmp(void)
{
	return syscall(SYS_kcmp, getpid(), number(0), 0 /* KCMP_FILE */, 0, 0);
}

static long do_process_madvise(void)
{
	return syscall(SYS_process_madvise, -1, NULL, 0, 0, 0);
}

static long do_kill(void)
{
	return kill((pid_t)number(0), (int)number(1));
}

static long do_prlimit_other(void)
{
	struct rlimit limit = { 64, 64 };

	return prlimit((pid_t)number(0), RLIMIT_NOFILE, &limit, NULL);
}

static long do_raise_hard(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	limit.rlim_max++;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

/*** Identity ***/

static long do_setuid(void)
{
	return setresuid((uid_t)number(0), (uid_t)number(0), (uid_t)number(0));
}

static long do_setgid(void)
{
	return setresgid((gid_t)number(0), (gid_t)number(0), (gid_t)number(0));
}

static long do_setgroups(void)
{
	gid_t none = 0;

	return syscall(SYS_setgroups, 1, &none);
}

static long do_capset(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 1u << CAP_CHOWN, 1u << CAP_CHOWN, 0 } };

	return syscall(SYS_capset, &header, data);
}

static long do_ambient(void)
{
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
}

static long do_securebits(void)
{
	return prctl(PR_SET_SECUREBITS, 0, 0, 0, 0);
}

/*** Keys, rings, programs in the kernel ***/

static long do_keyctl(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0);
}

static long do_keyctl_session(void)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

static long do_add_key(void)
{
	return syscall(SYS_add_key, "user", "aisbx-test", "x", 1, KEY_SPEC_PROCESS_KEYRING);
}

static long do_request_key(void)
{
	return syscall(SYS_request_key, "user", "aisbx-test", NULL, 0);
}

static long do_io_uring(void)
{
	char params[120] = { 0 };

	return syscall(SYS_io_uring_setup, 1, params);
}

static long do_bpf(void)
{
	struct {
		uint32_t type, key_size, value_size, max_entries, flags;
	} attr = { 2 /* array */, 4, 4, 1, 0 };

	return syscall(SYS_bpf, 0 /* MAP_CREATE */, &attr, sizeof attr);
}

static long do_perf(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof attr,
					.config = PERF_COUNT_SW_TASK_CLOCK,
					.exclude_kernel = 1,
					.exclude_hv = 1 };

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static long do_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */);
}

static long do_modify_ldt(void)
{
#ifdef SYS_modify_ldt
	char buf[16];

	return syscall(SYS_modify_ldt, 0, buf, sizeof buf);
#else
	errno = EPERM;
	return -1;
#endif
}

static long do_listener(void)
{
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { 1, &allow };

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		       &program);
}

static long do_own_filter(void)
{
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog program = { 1, &allow };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/*** Host administration, with arguments that cannot succeed ***/

static long do_reboot(void)
{
	return syscall(SYS_reboot, 0, 0, 0, NULL);
}

static long do_kexec(void)
{
	return syscall(SYS_kexec_load, 0, 99, NULL, ~0UL);
}

static long do_init_module(void)
{
	return syscall(SYS_init_module, NULL, 0, "");
}

static long do_finit_module(void)
{
	return syscall(SYS_finit_module, -1, "", 0);
}

static long do_delete_module(void)
{
	return syscall(SYS_delete_module, "", 0);
}

static long do_swapon(void)
{
	return syscall(SYS_swapon, "", 0);
}

static long do_swapoff(void)
{
	return syscall(SYS_swapoff, "");
}

static long do_settimeofday(void)
{
	return syscall(SYS_settimeofday, (void *)1, NULL);
}

static long do_clock_settime(void)
{
	return syscall(SYS_clock_settime, 0, (void *)1);
}

static long do_acct(void)
{
	return syscall(SYS_acct, "/no/such/file");
}

static long do_syslog(void)
{
	return syscall(SYS_syslog, 10 /* SIZE_BUFFER */, NULL, 0);
}

static long do_quotactl(void)
{
	return syscall(SYS_quotactl, 0, NULL, 0, NULL);
}

static long do_vhangup(void)
{
	return getenv("AISBX") ? syscall(SYS_vhangup) : 0; /* never on the caller's terminal */
}

static long do_iopl(void)
{
#ifdef SYS_iopl
	return syscall(SYS_iopl, 3);
#else
	errno = EPERM;
	return -1;
#endif
}

static long do_sethostname(void)
{
	return sethostname("other", 5);
}

static long do_setdomainname(void)
{
	return setdomainname("other", 5);
}

static long do_nice(void)
{
	return setpriority(PRIO_PROCESS, 0, -5);
}

static long do_realtime(void)
{
	struct sched_param param = { 1 };

	return sched_setscheduler(0, SCHED_FIFO, &param);
}

/*** Files ***/

static long do_open_handle(void)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char handle[8];
	} handle = { 8, 1, { 2 } };

	return syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDONLY);
}

static long do_name_handle(void)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char handle[128];
	} handle = { 128, 0, { 0 } };
	int mount_id;

	return syscall(SYS_name_to_handle_at, AT_FDCWD, "/dev/shm", &handle, &mount_id, 0);
}

static long do_fanotify(void)
{
	return syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, 0);
}

static long do_openat2(void)
{
	uint64_t how[3] = { O_RDONLY, 0, 0 };

	return syscall(SYS_openat2, AT_FDCWD, "/", how, sizeof how);
}

static long do_mknod_char(void)
{
	return mknod(arg(0), S_IFCHR | 0666, makedev(1, 3));
}

static long do_mknod_block(void)
{
	return mknod(arg(0), S_IFBLK | 0666, makedev(254, 0));
}

static long do_mknod_fifo(void)
{
	return mknod(arg(0), S_IFIFO | 0666, 0);
}

static long do_chmod(void)
{
	return chmod(arg(1), (mode_t)strtoul(arg(0), NULL, 8));
}

static long do_fchmod(void)
{
	int fd = open(arg(1), O_RDONLY);

	return fd < 0 ? -1 : fchmod(fd, (mode_t)strtoul(arg(0), NULL, 8));
}

static long do_fchmodat2(void)
{
	return syscall(SYS_fchmodat2, AT_FDCWD, arg(1), strtoul(arg(0), NULL, 8), 0);
}

static long do_create(void)
{
	return syscall(SYS_openat, AT_FDCWD, arg(1), O_CREAT | O_WRONLY,
		       strtoul(arg(0), NULL, 8));
}

static long do_tmpfile(void)
{
	return syscall(SYS_openat, AT_FDCWD, arg(1), O_TMPFILE | O_WRONLY,
		       strtoul(arg(0), NULL, 8));
}

static long do_open_read(void)
{
	return open(arg(0), O_RDONLY | O_NONBLOCK);
}

static long do_open_write(void)
{
	return open(arg(0), O_WRONLY | O_NONBLOCK);
}

/* Linux truncates even so. */
static long do_open_truncate(void)
{
	return open(arg(0), O_RDONLY | O_TRUNC);
}

static long do_truncate(void)
{
	return truncate(arg(0), 0);
}

static long do_unlink(void)
{
	return unlink(arg(0));
}

static long do_rename(void)
{
	return rename(arg(0), arg(1));
}

static long do_link(void)
{
	return link(arg(0), arg(1));
}

static long do_mkdir(void)
{
	return mkdir(arg(0), 0755);
}

static long do_chown(void)
{
	return chown(arg(0), (uid_t)number(1), (gid_t)number(1));
}

static long do_connect_path(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, arg(0), sizeof address.sun_path - 1);
	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof address);
}

static long do_connect_abstract(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t len = strlen(arg(0));

	memcpy(address.sun_path + 1, arg(0), len);
	return fd < 0 ? -1
		      : connect(fd, (struct sockaddr *)&address,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len));
}

/*** Sockets and terminals ***/

static long do_socket(void)
{
	return socket((int)number(0), (int)number(1), (int)number(2));
}

static long do_socketpair(void)
{
	int fds[2];

	return socketpair((int)number(0), (int)number(1), 0, fds);
}

static long do_ioctl(void)
{
	unsigned long request = strtoul(arg(0), NULL, 0);
	char byte[16] = { 0 };

	return syscall(SYS_ioctl, 0, request, byte);
}

/*** Inter-process communication ***/

static long do_shm_make(void)
{
	return shmget((key_t)number(0), 4096, IPC_CREAT | IPC_EXCL | 0666);
}

static long do_shm_find(void)
{
	return shmget((key_t)number(0), 0, 0);
}

static long do_shm_remove(void)
{
	int id = shmget((key_t)number(0), 0, 0);

	return id < 0 ? -1 : shmctl(id, IPC_RMID, NULL);
}

static long do_mq_make(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };

	return mq_open(arg(0), O_CREAT | O_RDWR, 0666, &attr);
}

static long do_mq_find(void)
{
	return mq_open(arg(0), O_RDWR);
}

static long do_mq_remove(void)
{
	return mq_unlink(arg(0));
}

/*** Programs ***/

static long do_exec(void)
{
	return execv(arg(0), args);
}

static long copy_into(int fd, const char *path)
{
	char buf[65536];
	ssize_t n;
	int from = open(path, O_RDONLY);

	if (from < 0)
		return -1;
	while ((n = read(from, buf, sizeof buf)) > 0) {
		if (write(fd, buf, (size_t)n) != n)
			return -1;
	}
	(void)close(from);
	return n;
}

static long do_exec_memfd(void)
{
	int fd = (int)syscall(SYS_memfd_create, "program", 0);

	if (fd < 0 || copy_into(fd, arg(0)) < 0)
		return -1;
	return syscall(SYS_execveat, fd, "", args, environ, AT_EMPTY_PATH);
}

/* Copies program arg 0 to arg 1 and executes that. */
static long do_exec_copy(void)
{
	int fd = open(arg(1), O_CREAT | O_TRUNC | O_WRONLY, 0755);

	if (fd < 0 || copy_into(fd, arg(0)) < 0)
		return -1;
	(void)close(fd);
	return execv(arg(1), args + 1);
}

/* Is a private page of code possible from this file? What a loader does. */
static long do_map_exec(void)
{
	int fd = open(arg(0), O_RDONLY);

	if (fd < 0)
		return -1;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0;
}

static long do_personality(void)
{
	return syscall(SYS_personality, strtoul(arg(0), NULL, 0));
}

static long do_unknown(void)
{
	return syscall(NO_SUCH_CALL);
}

static long do_crash(void)
{
	return raise(SIGSEGV);
}

/* Foreign calls: getpid. What matters is that nothing answers. */
static long do_int80(void)
{
#ifdef __x86_64__
	long r = 20;

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
	return r > 0 ? 0 : -1;
#else
	errno = ENOSYS;
	return -1;
#endif
}

static long do_x32(void)
{
	return syscall(0x40000000 | SYS_getpid);
}

/*** The table ***/

static const struct {
	const char *name;
	long (*attempt)(void);
} attempts[] = {
	{ "mount", do_mount },
	{ "bind", do_bind },
	{ "remount", do_remount },
	{ "umount", do_umount },
	{ "pivot_root", do_pivot },
	{ "chroot", do_chroot },
	{ "open_tree", do_open_tree },
	{ "open_tree_attr", do_open_tree_attr },
	{ "move_mount", do_move_mount },
	{ "fsopen", do_fsopen },
	{ "fsconfig", do_fsconfig },
	{ "fsmount", do_fsmount },
	{ "fspick", do_fspick },
	{ "mount_setattr", do_mount_setattr },
	{ "statmount", do_statmount },
	{ "listmount", do_listmount },
	{ "unshare", do_unshare },
	{ "clone", do_clone },
	{ "clone3", do_clone3 },
	{ "setns", do_setns },
	{ "setns_bad", do_setns_bad },
	{ "ptrace_attach", do_ptrace_attach },
	{ "ptrace_traceme", do_ptrace_traceme },
	{ "vm_readv", do_vm_readv },
	{ "vm_writev", do_vm_writev },
	{ "pidfd_getfd", do_pidfd_getfd },
	{ "kcmp", do_kcmp },
	{ "process_madvise", do_process_madvise },
	{ "kill", do_kill },
	{ "prlimit_other", do_prlimit_other },
	{ "raise_hard", do_raise_hard },
	{ "setuid", do_setuid },
	{ "setgid", do_setgid },
	{ "setgroups", do_setgroups },
	{ "capset", do_capset },
	{ "ambient", do_ambient },
	{ "securebits", do_securebits },
	{ "keyctl", do_keyctl },
	{ "keyctl_session", do_keyctl_session },
	{ "add_key", do_add_key },
	{ "request_key", do_request_key },
	{ "io_uring", do_io_uring },
	{ "bpf", do_bpf },
	{ "perf", do_perf },
	{ "userfaultfd", do_userfaultfd },
	{ "modify_ldt", do_modify_ldt },
	{ "listener", do_listener },
	{ "own_filter", do_own_filter },
	{ "reboot", do_reboot },
	{ "kexec", do_kexec },
	{ "init_module", do_init_module },
	{ "finit_module", do_finit_module },
	{ "delete_module", do_delete_module },
	{ "swapon", do_swapon },
	{ "swapoff", do_swapoff },
	{ "settimeofday", do_settimeofday },
	{ "clock_settime", do_clock_settime },
	{ "acct", do_acct },
	{ "syslog", do_syslog },
	{ "quotactl", do_quotactl },
	{ "vhangup", do_vhangup },
	{ "iopl", do_iopl },
	{ "sethostname", do_sethostname },
	{ "setdomainname", do_setdomainname },
	{ "nice", do_nice },
	{ "realtime", do_realtime },
	{ "open_by_handle_at", do_open_handle },
	{ "name_to_handle_at", do_name_handle },
	{ "fanotify", do_fanotify },
	{ "openat2", do_openat2 },
	{ "mknod_char", do_mknod_char },
	{ "mknod_block", do_mknod_block },
	{ "mknod_fifo", do_mknod_fifo },
	{ "chmod", do_chmod },
	{ "fchmod", do_fchmod },
	{ "fchmodat2", do_fchmodat2 },
	{ "create", do_create },
	{ "tmpfile", do_tmpfile },
	{ "open_read", do_open_read },
	{ "open_write", do_open_write },
	{ "open_truncate", do_open_truncate },
	{ "truncate", do_truncate },
	{ "unlink", do_unlink },
	{ "rename", do_rename },
	{ "link", do_link },
	{ "mkdir", do_mkdir },
	{ "chown", do_chown },
	{ "connect_path", do_connect_path },
	{ "connect_abstract", do_connect_abstract },
	{ "socket", do_socket },
	{ "socketpair", do_socketpair },
	{ "ioctl", do_ioctl },
	{ "shm_make", do_shm_make },
	{ "shm_find", do_shm_find },
	{ "shm_remove", do_shm_remove },
	{ "mq_make", do_mq_make },
	{ "mq_find", do_mq_find },
	{ "mq_remove", do_mq_remove },
	{ "exec", do_exec },
	{ "exec_memfd", do_exec_memfd },
	{ "exec_copy", do_exec_copy },
	{ "map_exec", do_map_exec },
	{ "personality", do_personality },
	{ "unknown", do_unknown },
	{ "crash", do_crash },
	{ "int80", do_int80 },
	{ "x32", do_x32 },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof attempts / sizeof attempts[0]; i++) {
		if (strcmp(attempts[i].name, argv[1]) != 0)
			continue;
		args = argv + 2;
		errno = 0;
		if (attempts[i].attempt() >= 0) {
			puts("ok");
			return 0;
		}
		puts(strerrorname_np(errno));
		return 1;
	}
	fprintf(stderr, "try: unknown attempt\n");
	return 2;
}
