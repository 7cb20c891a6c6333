/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp policy as data.
 *
 * Theory of operation:
 *   An allowlist. A call that is in no set below is newer than this table and
 *   gets ENOSYS, as on a kernel that does not have it, so that libraries fall
 *   back. A call that is known and refused gets EPERM; ENOSYS only where a
 *   library tries the new call first and falls back on nothing else.
 *   Another architecture's calls (int 0x80 on x86-64, x32) kill the process:
 *   their numbers mean something else, and nothing here needs them.
 *
 *   What a filter cannot do: look behind a pointer. Where the decision would
 *   be in a struct (clone3, openat2) or in a shared ring (io_uring), the whole
 *   call is refused.
 *
 *   A refusal is told (TELL) or not (REFUSE). A call that is told is answered by
 *   init, which counts it for the result: refused.c. Not told are calls that ordinary
 *   programs try and do without, all with ENOSYS among them: a result that
 *   names them in every run says nothing about any.
 *
 *   MEDIATE means "changes a file by name": the mediated filter asks init, the
 *   default filter allows. UNCOUNTED means "gives a file room without a write": refused
 *   where what is written is counted (limits.disk), as by a file system that cannot do it,
 *   so that libraries write; elsewhere allowed.
 *
 *   Names and sets are what a profile's syscalls.allow and .deny are made of,
 *   so renaming a set breaks profiles.
 */
#include "box/seccomp/syscall_sets.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#define ALLOW	  SECCOMP_RET_ALLOW
#define MEDIATE	  SECCOMP_RET_USER_NOTIF
#define REFUSE(e) (SECCOMP_RET_ERRNO | (e)) /* in the kernel: nobody hears of it */
#define TELL(e)	  BPF_TELL(e)
#define UNCOUNTED REFUSE(EOPNOTSUPP)

#define X32_SYSCALL_BIT 0x40000000u /* asm/unistd.h of x86-64 */

/* clang-format off */

/*** Sets ***/

const struct syscall_set syscall_sets[] = {
	/* Between the filter and the command's first instruction: execve, and when
	 * it fails one write of the reason and an exit. rt_sigreturn is no choice of the program's. */
	{ "@start", FREEDOM_NONE, ALLOW,
	  "execve execveat exit exit_group write rt_sigreturn restart_syscall",
	  "aisbx needs it to start the command" },

	/* What is done with an open descriptor. ioctl has a rule. */
	{ "@io", FREEDOM_DENY, ALLOW,
	  "read readv pread64 preadv preadv2 writev pwrite64 pwritev pwritev2 lseek close close_range "
	  "dup dup2 dup3 fcntl flock fsync fdatasync sync syncfs sync_file_range ftruncate fallocate "
	  "fadvise64 readahead cachestat copy_file_range sendfile splice tee vmsplice pipe pipe2 ioctl",
	  "descriptors" },
	{ "@event", FREEDOM_DENY, ALLOW,
	  "select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait "
	  "epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime "
	  "timerfd_gettime inotify_init inotify_init1 inotify_add_watch inotify_rm_watch",
	  "waiting for events" },
	/* The old asynchronous interface: every operation is an ordinary read or
	 * write on an open descriptor, unlike io_uring's. Databases use it. */
	{ "@aio", FREEDOM_DENY, ALLOW,
	  "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents",
	  "asynchronous input and output" },

	/* The mount namespace and Landlock decide which files there are. open and openat have rules. */
	{ "@file", FREEDOM_DENY, ALLOW,
	  "open openat stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 "
	  "readlink readlinkat getdents getdents64 getcwd chdir fchdir umask "
	  "getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat "
	  "file_getattr",
	  "looking at files" },
	{ "@file-change", FREEDOM_DENY, MEDIATE,
	  "setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr "
	  "removexattrat file_setattr",
	  "attributes of files" },
	{ "@file-change", FREEDOM_DENY, MEDIATE,
	  "creat mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink "
	  "symlinkat mknod mknodat truncate chmod fchmod fchmodat fchmodat2 chown lchown fchown "
	  "fchownat utime utimes futimesat utimensat",
	  "changing files by name" },

	{ "@memory", FREEDOM_DENY, ALLOW,
	  "mmap mprotect munmap mremap brk msync mincore madvise mlock mlock2 mlockall munlock "
	  "munlockall pkey_mprotect pkey_alloc pkey_free remap_file_pages membarrier memfd_create "
	  "memfd_secret mseal map_shadow_stack mbind get_mempolicy set_mempolicy "
	  "set_mempolicy_home_node",
	  "memory" },
	/* clone and unshare have rules: no new namespaces. uretprobe and uprobe are
	 * executed by code that a tracer of the host's placed; refused they would crash the traced. */
	{ "@process", FREEDOM_DENY, ALLOW,
	  "clone fork vfork unshare wait4 waitid getpid getppid gettid getpgid setpgid getpgrp getsid "
	  "setsid set_tid_address pidfd_open prctl arch_prctl set_thread_area get_thread_area "
	  "personality getpriority setpriority ioprio_get ioprio_set getrlimit setrlimit prlimit64 "
	  "getrusage times getcpu sysinfo uname uretprobe uprobe",
	  "processes" },
	{ "@scheduling", FREEDOM_DENY, ALLOW,
	  "sched_yield sched_setparam sched_getparam sched_setscheduler sched_getscheduler "
	  "sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_setaffinity "
	  "sched_getaffinity sched_setattr sched_getattr rseq rseq_slice_yield",
	  "scheduling" },
	{ "@signal", FREEDOM_DENY, ALLOW,
	  "rt_sigaction rt_sigprocmask rt_sigpending rt_sigtimedwait rt_sigqueueinfo "
	  "rt_tgsigqueueinfo rt_sigsuspend sigaltstack kill tkill tgkill pidfd_send_signal pause",
	  "signals; the pid namespace holds the box's processes only" },
	{ "@sync", FREEDOM_DENY, ALLOW,
	  "futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list",
	  "locks between threads" },
	{ "@time", FREEDOM_DENY, ALLOW,
	  "time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep alarm getitimer "
	  "setitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete",
	  "reading clocks, and timers" },
	/* Identities and capabilities can only be given up: the bounding set is empty. */
	{ "@identity", FREEDOM_DENY, ALLOW,
	  "getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid "
	  "setresuid setresgid setfsuid setfsgid setgroups capget capset",
	  "user and group ids" },
	/* The net namespace is empty but for lo; socket and socketpair have rules. */
	{ "@network", FREEDOM_DENY, ALLOW,
	  "socket socketpair bind connect listen accept accept4 getsockname getpeername getsockopt "
	  "setsockopt shutdown sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg",
	  "sockets" },
	/* The IPC namespace holds the box's objects only. */
	{ "@ipc", FREEDOM_DENY, ALLOW,
	  "shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open "
	  "mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr",
	  "System V and POSIX inter-process communication" },
	/* A program may lock itself in further; seccomp has a rule: it may not supervise. */
	{ "@sandbox", FREEDOM_DENY, ALLOW,
	  "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self",
	  "further restrictions of its own" },
	{ "@random", FREEDOM_DENY, ALLOW, "getrandom", "random numbers" },

	/* ENOSYS, because a library tries them first:
	 * clone3: flags are behind a pointer. glibc (2.34) and Go fall back to clone on ENOSYS only.
	 * openat2: flags and mode are behind a pointer. Go, systemd, libpathrs fall back on ENOSYS.
	 * statmount, listmount: libmount and Go probe them and read /proc/self/mountinfo instead.
	 * listns: new in 6.19 and about namespaces; on ENOSYS lsns reads /proc. */
	{ "@pointer", FREEDOM_REFUSED, REFUSE(ENOSYS), "clone3 openat2",
	  "its flags are behind a pointer, where no filter can check them" },
	{ "@namespace", FREEDOM_REFUSED, REFUSE(ENOSYS), "statmount listmount listns",
	  "it shows what the box is made of" },

	/* FREEDOM_SET. Tracing reaches processes of the same box only: pid 1 is not
	 * dumpable, others are not in the pid namespace, and since 4.8 a traced call
	 * passes the filter after the tracer changed it. */
	{ "@debug", FREEDOM_SET, TELL(EPERM),
	  "ptrace process_vm_readv process_vm_writev kcmp process_madvise",
	  "it reaches into other processes" },

	/* FREEDOM_NAME. The kernel still checks each of these as for any user
	 * without capabilities, and none reaches out of the namespaces; what they
	 * add is kernel code in reach, so a profile names them one by one. */
	{ "@debug-more", FREEDOM_NAME, TELL(EPERM), "pidfd_getfd process_mrelease perf_event_open",
	  "it reaches into other processes or the kernel's own counters" },
	{ "@fault", FREEDOM_NAME, TELL(EPERM), "userfaultfd",
	  "it can halt the kernel in the middle of its work" },
	{ "@watch", FREEDOM_NAME, TELL(EPERM), "fanotify_init fanotify_mark name_to_handle_at",
	  "it watches files by handle" },
	{ "@numa", FREEDOM_NAME, TELL(EPERM), "move_pages migrate_pages",
	  "it moves other processes' memory" },
	{ "@cpu-emulation", FREEDOM_NAME, TELL(EPERM), "modify_ldt",
	  "only 16-bit emulation needs it" },
	{ "@clock", FREEDOM_NAME, TELL(EPERM), "adjtimex clock_adjtime",
	  "it belongs to the host's clock" },

	/* FREEDOM_REFUSED from here on: no profile gives these back. */
	/* A user namespace inside is the master key; setns is how one is entered. */
	{ "@namespace", FREEDOM_REFUSED, TELL(EPERM), "setns", "namespaces are the box's walls" },
	/* Useless without capabilities, and the richest source of escapes
	 * (CVE-2021-41133: new mount calls that a list did not know). */
	{ "@mount", FREEDOM_REFUSED, TELL(EPERM),
	  "mount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig fsmount "
	  "fspick mount_setattr",
	  "mounts are the box's walls" },
	/* Goes round every namespace of paths: a handle names an inode (CVE-2014-3519, "shocker"). */
	{ "@handle", FREEDOM_REFUSED, TELL(EPERM), "open_by_handle_at",
	  "it opens files that no path of the box leads to" },
	/* Keys follow the uid, not a namespace of the box's, and request_key starts a program on the host. */
	{ "@keyring", FREEDOM_REFUSED, TELL(EPERM), "add_key request_key keyctl",
	  "keyrings hold the caller's keys" },
	/* Operations in the ring (open, socket, connect) pass no filter and raise no notification.
	 * Not told: runtimes try it first and go on without. */
	{ "@io_uring", FREEDOM_REFUSED, REFUSE(EPERM),
	  "io_uring_setup io_uring_enter io_uring_register", "its operations go round the filter" },
	{ "@bpf", FREEDOM_REFUSED, TELL(EPERM), "bpf", "it runs programs in the kernel" },
	{ "@module", FREEDOM_REFUSED, TELL(EPERM),
	  "init_module finit_module delete_module create_module get_kernel_syms query_module",
	  "it changes the host's kernel" },
	{ "@reboot", FREEDOM_REFUSED, TELL(EPERM), "reboot kexec_load kexec_file_load",
	  "it stops the host" },
	{ "@swap", FREEDOM_REFUSED, TELL(EPERM), "swapon swapoff", "it changes the host's memory" },
	{ "@raw-io", FREEDOM_REFUSED, TELL(EPERM), "iopl ioperm", "it reaches devices" },
	{ "@clock", FREEDOM_REFUSED, TELL(EPERM), "settimeofday clock_settime",
	  "it changes the host's clock" },
	{ "@host", FREEDOM_REFUSED, TELL(EPERM),
	  "sethostname setdomainname syslog acct quotactl quotactl_fd vhangup",
	  "it administers the host" },
	/* Not told: libraries ask it before they read /proc. */
	{ "@lsm", FREEDOM_REFUSED, REFUSE(EPERM),
	  "lsm_get_self_attr lsm_set_self_attr lsm_list_modules",
	  "it speaks with the host's security modules" },
	{ "@obsolete", FREEDOM_REFUSED, TELL(EPERM),
	  "uselib _sysctl ustat sysfs nfsservctl lookup_dcookie getpmsg putpmsg afs_syscall tuxcall "
	  "security vserver epoll_ctl_old epoll_wait_old",
	  "no program uses it any more" },
};

const size_t syscall_sets_len = sizeof syscall_sets / sizeof syscall_sets[0];

/*** Rules ***/

/*
 * The kernel looks at the low 32 bits of an int argument only, so the rules
 * must too (CVE-2019-10063: flatpak compared all 64 bits of ioctl's request).
 */
#define COUNT(...) (uint8_t)(sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))
#define IS(n, bits, ...) \
	{ .arg = (n), .mask = (bits), .len = COUNT(__VA_ARGS__), .values = { __VA_ARGS__ } }
#define IS_NOT(n, bits, ...) \
	{ .arg = (n), .mask = (bits), .none_of = true, .len = COUNT(__VA_ARGS__), \
	  .values = { __VA_ARGS__ } }
#define HAS(n, bits)	  { .arg = (n), .mask = (bits), .none_of = true, .len = 1 }
#define HAS_HIGH(n, bits) { .arg = (n), .mask = (bits), .none_of = true, .len = 1, .high = true }
#define ALL 0xffffffffu

#define RULE(id, rest, ...) \
	static const struct arg_clause id##_clauses[] = { __VA_ARGS__ }; \
	static const struct arg_rule id = { \
		id##_clauses, sizeof id##_clauses / sizeof id##_clauses[0], rest \
	}

/* Kernel values, the same on both architectures; libc's depend on feature macros. */
enum {
	/* linux/sched.h */
	NEW_NAMESPACES = 0x7e020000, /* NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET */
	UNSHARE_HARMLESS = 0x00000100 | 0x00000200 | 0x00000400 | 0x00000800 | 0x00010000 |
			   0x00040000, /* VM FS FILES SIGHAND THREAD SYSVSEM */
	/* asm-generic/ioctls.h */
	IOCTL_TIOCSTI = 0x5412,
	IOCTL_TIOCLINUX = 0x541c,
	IOCTL_TIOCCONS = 0x541d,
	IOCTL_TIOCSETD = 0x5423,
	/* linux/falloc.h; the ioctls are XFS's old ones, on all file systems */
	IOCTL_RESVSP = 0x40305828,
	IOCTL_RESVSP64 = 0x4030582a,
	IOCTL_ZERO_RANGE = 0x40305839,
	FALLOCATE_NO_MORE = 0x02 | 0x08 | 0x20, /* PUNCH_HOLE COLLAPSE_RANGE INSERT_RANGE */
	/* linux/socket.h, linux/net.h, linux/in.h */
	FAMILY_UNIX = 1,
	FAMILY_INET = 2,
	FAMILY_INET6 = 10,
	FAMILY_NETLINK = 16,
	TYPE_BITS = 0xf, /* the rest is SOCK_CLOEXEC and SOCK_NONBLOCK */
	TYPE_STREAM = 1,
	TYPE_DGRAM = 2,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_MPTCP = 262,
	NETLINK_OF_ROUTES = 0,
	NETLINK_OF_AUDIT = 9,
	/* asm-generic/fcntl.h */
	OPEN_WRITES = 01 | 02 | 0100 | 01000 | 020000000, /* WRONLY RDWR CREAT TRUNC __O_TMPFILE */
	OPEN_CREATES = 0100 | 020000000,
	ACCESS_WRITE = 2,
	/* asm-generic/mman-common.h */
	PROTECTION_EXEC = 4,
	/* linux/stat.h */
	SET_ID_BITS = 06000,
	TYPE_OF_FILE = 0170000,
	FILE_FIFO = 0010000,
	FILE_REGULAR = 0100000,
	FILE_SOCKET = 0140000,
	/* linux/personality.h */
	PERSONALITY_LINUX32 = 0x0008,
	PERSONALITY_UNAME26 = 0x0020000,
	/* The most that older kernels allow in one set is 250. */
	SEMAPHORES_MAX = 0xff,
	/* linux/seccomp.h, linux/prctl.h */
	NEW_LISTENER = 1 << 3,
	SET_THP_DISABLE = 41,
};

/* That huge pages stay off where they are: rlimits.h. */
RULE(prctl_rule, ALLOW,
     { { IS(0, ALL, SET_THP_DISABLE), IS(1, ALL, 0) }, TELL(EPERM) },
     { { IS(0, ALL, SET_THP_DISABLE), HAS(2, ALL) }, TELL(EPERM) }); /* but for some: 6.18 */
RULE(clone_rule, ALLOW,
     { { HAS(0, NEW_NAMESPACES) }, TELL(EPERM) });
/*
 * The harmless bits instead of the harmful ones: UNSHARE_EMPTY_MNTNS (7.1)
 * showed that a bit can come to mean a namespace. unshare, unlike clone, reads
 * all 64 bits and has free ones.
 */
RULE(unshare_rule, ALLOW,
     { { HAS(0, ~(uint32_t)UNSHARE_HARMLESS) }, TELL(EPERM) },
     { { HAS_HIGH(0, ALL) }, TELL(EPERM) });
/* Keys typed into a terminal (CVE-2017-5226, CVE-2023-28100), line disciplines, the console. */
RULE(ioctl_rule, ALLOW,
     { { IS(1, ALL, IOCTL_TIOCSTI, IOCTL_TIOCLINUX, IOCTL_TIOCSETD, IOCTL_TIOCCONS) },
       TELL(EPERM) },
     { { IS(1, ALL, IOCTL_RESVSP, IOCTL_RESVSP64, IOCTL_ZERO_RANGE) }, UNCOUNTED });
RULE(fallocate_rule, UNCOUNTED,
     { { HAS(1, FALLOCATE_NO_MORE) }, ALLOW });
/*
 * EPROTONOSUPPORT, as from a kernel without it: Go falls back from MPTCP on that only, and
 * programs with libaudit (chage, lastlog, su), which begin with its socket, go on without.
 */
RULE(socket_rule, TELL(EPERM),
     { { IS(0, ALL, FAMILY_UNIX) }, ALLOW },
     { { IS(0, ALL, FAMILY_NETLINK), IS(2, ALL, NETLINK_OF_ROUTES) }, ALLOW },
     { { IS(0, ALL, FAMILY_NETLINK), IS(2, ALL, NETLINK_OF_AUDIT) }, REFUSE(EPROTONOSUPPORT) },
     { { IS(0, ALL, FAMILY_INET, FAMILY_INET6), IS(1, TYPE_BITS, TYPE_STREAM, TYPE_DGRAM),
	 IS(2, ALL, 0, PROTOCOL_TCP, PROTOCOL_UDP) }, ALLOW },
     { { IS(0, ALL, FAMILY_INET, FAMILY_INET6), IS(1, TYPE_BITS, TYPE_STREAM),
	 IS(2, ALL, PROTOCOL_MPTCP) }, REFUSE(EPROTONOSUPPORT) },
     { { IS(0, ALL, FAMILY_INET, FAMILY_INET6), IS(1, TYPE_BITS, TYPE_STREAM, TYPE_DGRAM) },
       TELL(EPROTONOSUPPORT) });
RULE(socketpair_rule, TELL(EPERM),
     { { IS(0, ALL, FAMILY_UNIX) }, ALLOW });
/* A set-id program in a writable grant would run as the caller for every user of the host. */
RULE(chmod_rule, MEDIATE,
     { { HAS(1, SET_ID_BITS) }, TELL(EPERM) });
RULE(fchmodat_rule, MEDIATE,
     { { HAS(2, SET_ID_BITS) }, TELL(EPERM) });
RULE(open_rule, ALLOW,
     { { HAS(1, OPEN_CREATES), HAS(2, SET_ID_BITS) }, TELL(EPERM) },
     { { HAS(1, OPEN_WRITES) }, MEDIATE });
RULE(openat_rule, ALLOW,
     { { HAS(2, OPEN_CREATES), HAS(3, SET_ID_BITS) }, TELL(EPERM) },
     { { HAS(2, OPEN_WRITES) }, MEDIATE });
/* mode 0 in the type bits is a regular file. */
RULE(mknod_rule, MEDIATE,
     { { IS_NOT(1, TYPE_OF_FILE, 0, FILE_REGULAR, FILE_FIFO, FILE_SOCKET) }, TELL(EPERM) },
     { { HAS(1, SET_ID_BITS) }, TELL(EPERM) });
RULE(mknodat_rule, MEDIATE,
     { { IS_NOT(2, TYPE_OF_FILE, 0, FILE_REGULAR, FILE_FIFO, FILE_SOCKET) }, TELL(EPERM) },
     { { HAS(2, SET_ID_BITS) }, TELL(EPERM) });
RULE(access_rule, ALLOW,
     { { HAS(1, ACCESS_WRITE) }, MEDIATE });
RULE(faccessat_rule, ALLOW,
     { { HAS(2, ACCESS_WRITE) }, MEDIATE });
/* Limits of another process: reading yes, setting no. The new limit is a pointer: all 64 bits. */
RULE(prlimit_rule, ALLOW,
     { { HAS(0, ALL), HAS(2, ALL) }, TELL(EPERM) },
     { { HAS(0, ALL), HAS_HIGH(2, ALL) }, TELL(EPERM) });
/* The host's kernel.sem has room for 64 GB of semaphores, and no limit counts them. */
RULE(semget_rule, ALLOW,
     { { HAS(1, ~(uint32_t)SEMAPHORES_MAX) }, TELL(EINVAL) });
/*
 * A listener would make the payload a supervisor that answers for filtered calls. libseccomp
 * asks at its start whether there are such, with no program.
 */
RULE(seccomp_rule, ALLOW,
     { { HAS(1, NEW_LISTENER), IS(2, ALL, 0) }, REFUSE(EPERM) },
     { { HAS(1, NEW_LISTENER) }, TELL(EPERM) });
/* As Docker: others (READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE) weaken the program itself. */
RULE(personality_rule, TELL(EPERM),
     { { IS(0, ALL, 0, PERSONALITY_LINUX32, PERSONALITY_UNAME26,
	    PERSONALITY_UNAME26 | PERSONALITY_LINUX32, ALL) }, ALLOW });

static const char set_id[] = "a set-user-ID program in a grant would run as the caller for every "
			     "user of the host";
static const char new_namespace[] = "namespaces are the box's walls";
static const char device[] = "device nodes reach the host, set-user-ID files its users";

static const struct {
	const char *call;
	const struct arg_rule *rule;
	const char *why; /* it refuses what it does, for messages */
} rules[] = {
	{ "access", &access_rule, NULL },
	{ "chmod", &chmod_rule, set_id },
	{ "clone", &clone_rule, new_namespace },
	{ "creat", &chmod_rule, set_id },
	{ "faccessat", &faccessat_rule, NULL },
	{ "faccessat2", &faccessat_rule, NULL },
	{ "fallocate", &fallocate_rule, NULL },
	{ "fchmod", &chmod_rule, set_id },
	{ "fchmodat", &fchmodat_rule, set_id },
	{ "fchmodat2", &fchmodat_rule, set_id },
	{ "ioctl", &ioctl_rule, "it types into a terminal, or changes what a terminal is" },
	{ "mknod", &mknod_rule, device },
	{ "mknodat", &mknodat_rule, device },
	{ "open", &open_rule, set_id },
	{ "openat", &openat_rule, set_id },
	{ "personality", &personality_rule, "it weakens the program's own defences" },
	{ "prctl", &prctl_rule, "huge pages fill a small limit faster than it is looked at" },
	{ "prlimit64", &prlimit_rule, "it changes the limits of another process" },
	{ "seccomp", &seccomp_rule, "a listener answers for calls that the filter refuses" },
	{ "semget", &semget_rule, "semaphores take memory that no limit counts: 255 in a set" },
	{ "socket", &socket_rule,
	  "a box has sockets of TCP, UDP, Unix and netlink's routes only" },
	{ "socketpair", &socketpair_rule, "a box has pairs of Unix sockets only" },
	{ "unshare", &unshare_rule, new_namespace },
};

/* clang-format on */

/*** Lookups ***/

const char *syscall_next(const char **cursor, size_t *ret_len)
{
	const char *word = *cursor + strspn(*cursor, " ");

	if (!*word)
		return NULL;
	*ret_len = strcspn(word, " ");
	*cursor = word + *ret_len;
	return word;
}

const struct syscall_set *syscall_set_of(const char *call)
{
	size_t call_len = strlen(call), len;

	for (size_t i = 0; i < syscall_sets_len; i++) {
		const char *cursor = syscall_sets[i].calls, *word;

		while ((word = syscall_next(&cursor, &len)))
			if (len == call_len && memcmp(word, call, len) == 0)
				return &syscall_sets[i];
	}
	return NULL;
}

const struct arg_rule *syscall_rule(const char *call)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (strcmp(rules[i].call, call) == 0)
			return rules[i].rule;
	return NULL;
}

const char *syscall_rule_why(const char *call)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (strcmp(rules[i].call, call) == 0)
			return rules[i].why;
	return NULL;
}

static int compare_calls(const void *a, const void *b)
{
	uint32_t x = ((const struct bpf_call *)a)->nr, y = ((const struct bpf_call *)b)->nr;

	return (x > y) - (x < y);
}

/* Appends the calls of a list that cpu has. */
static size_t add_calls(enum cpu cpu, const char *list, uint32_t action,
			const struct arg_rule *(*rule_of)(const char *call), struct bpf_call *calls,
			size_t calls_len)
{
	const char *word;
	char name[32];
	size_t len;

	while ((word = syscall_next(&list, &len))) {
		memcpy(name, word, len);
		name[len] = '\0';
		int nr = syscall_number(cpu, name);
		if (nr >= 0)
			calls[calls_len++] =
				(struct bpf_call){ (uint32_t)nr, action, rule_of(name) };
	}
	return calls_len;
}

static struct bpf_policy make_policy(enum cpu cpu, struct bpf_call *calls, size_t len)
{
	qsort(calls, len, sizeof *calls, compare_calls);
	return (struct bpf_policy){
		.audit_arch = syscall_arch(cpu),
		.foreign_action = SECCOMP_RET_KILL_PROCESS,
		.unknown_action = REFUSE(ENOSYS),
		.foreign_from = cpu == CPU_X86_64 ? X32_SYSCALL_BIT : 0,
		.calls = calls,
		.len = len,
	};
}

void syscall_policy(enum cpu cpu, bool mediated, struct bpf_call *calls,
		    struct bpf_policy *ret_policy)
{
	size_t len = 0;

	for (size_t i = 0; i < syscall_sets_len; i++)
		len = add_calls(cpu, syscall_sets[i].calls, syscall_sets[i].action, syscall_rule,
				calls, len);
	*ret_policy = make_policy(cpu, calls, len);
	ret_policy->mediated = mediated;
}

/*** The broker, and the gateway, which sockets are handed to ***/

/* Sockets of the internet only; no memory that can be executed. */
RULE(broker_socket_rule, REFUSE(EPERM),
     { { IS(0, ALL, FAMILY_INET, FAMILY_INET6), IS(1, TYPE_BITS, TYPE_STREAM, TYPE_DGRAM) },
       ALLOW });
RULE(broker_mmap_rule, ALLOW, { { HAS(2, PROTECTION_EXEC) }, REFUSE(EPERM) });

#define GATEWAY_CALLS                                                                              \
	"brk clock_gettime close epoll_ctl epoll_pwait epoll_wait exit exit_group fcntl futex "    \
	"getpid getrandom getsockopt gettimeofday madvise mmap mremap munmap poll ppoll read "     \
	"readv recvfrom recvmsg restart_syscall rt_sigprocmask rt_sigreturn sendmsg sendto "       \
	"setsockopt shutdown write writev"
#define BROKER_CALLS                                                                               \
	GATEWAY_CALLS " accept4 bind connect getpeername getsockname listen pipe2 socket splice"

static const struct arg_rule *broker_rule(const char *call)
{
	if (strcmp(call, "socket") == 0)
		return &broker_socket_rule;
	return strcmp(call, "mmap") == 0 ? &broker_mmap_rule : NULL;
}

void syscall_broker_policy(enum cpu cpu, bool is_gateway, struct bpf_call *calls,
			   struct bpf_policy *ret_policy)
{
	const char *list = is_gateway ? GATEWAY_CALLS : BROKER_CALLS;

	*ret_policy = make_policy(cpu, calls, add_calls(cpu, list, ALLOW, broker_rule, calls, 0));
	ret_policy->unknown_action = REFUSE(EPERM);
}
