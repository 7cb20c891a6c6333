/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * refuse WHAT... -- COMMAND [ARG...]: the command under a seccomp filter, as a poor host or a
 * container has it. WHAT is
 *   docker        what Docker's default profile refuses of what aisbx uses: namespaces by
 *                 clone(2) and unshare(2), clone3(2) with ENOSYS, mounts old and new, keyrings,
 *                 names of the host
 *   CALL=ERRNO    one system call; ERRNO is ENOSYS, EPERM, EINVAL or EBUSY
 *   peer=ERRNO    ioctl(TIOCGPTPEER), which opens the other end of a terminal
 *   listener      the filter has a listener, so no other one may
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
#define NEW_NAMESPACES                                                                             \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP)

static const struct {
	const char *name;
	unsigned nr;
} calls[] = {
	{ "clone3", SYS_clone3 },
	{ "keyctl", SYS_keyctl },
	{ "landlock_create_ruleset", SYS_landlock_create_ruleset },
	{ "mount", SYS_mount },
	{ "seccomp", SYS_seccomp },
	{ "sethostname", SYS_sethostname },
	{ "unshare", SYS_unshare },
};

static const struct {
	const char *name;
	int number;
} errors[] = { { "ENOSYS", ENOSYS }, { "EPERM", EPERM }, { "EINVAL", EINVAL }, { "EBUSY", EBUSY } };

static struct sock_filter program[256];
static unsigned short len;

static void add(unsigned short code, unsigned k, unsigned char if_true, unsigned char if_false)
{
	program[len++] = (struct sock_filter){ code, if_true, if_false, k };
}

static void load(size_t offset)
{
	add(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

static void refuse(unsigned nr, int error)
{
	add(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
	add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error, 0, 0);
}

/* nr with its argument equal to value, or having a bit of it: code is BPF_JEQ or BPF_JSET. */
static void refuse_argument(unsigned nr, int argument, unsigned short code, unsigned value,
			    int error)
{
	add(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4);
	load(offsetof(struct seccomp_data, args[argument]));
	add(BPF_JMP | code | BPF_K, value, 0, 1);
	add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error, 0, 0);
	load(offsetof(struct seccomp_data, nr));
}

static void refuse_as_docker(void)
{
	static const unsigned all[] = {
		SYS_unshare,	 SYS_setns,	   SYS_mount,	  SYS_umount2,	     SYS_pivot_root,
		SYS_move_mount,	 SYS_open_tree,	   SYS_fsopen,	  SYS_fsconfig,	     SYS_fsmount,
		SYS_fspick,	 SYS_mount_setattr, SYS_keyctl,	  SYS_add_key,	     SYS_request_key,
		SYS_sethostname, SYS_setdomainname, SYS_bpf,	  SYS_perf_event_open,
		SYS_userfaultfd,
	};

	refuse(SYS_clone3, ENOSYS);
	refuse_argument(SYS_clone, 0, BPF_JSET, NEW_NAMESPACES, EPERM);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		refuse(all[i], EPERM);
}

static int find_error(const char *name)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	fprintf(stderr, "refuse: no error %s\n", name);
	exit(2);
}

static void refuse_one(const char *name, size_t name_len, int error)
{
	if (strncmp(name, "peer=", 5) == 0) {
		refuse_argument(SYS_ioctl, 1, BPF_JEQ, TIOCGPTPEER, error);
		return;
	}
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		if (strlen(calls[i].name) == name_len &&
		    strncmp(calls[i].name, name, name_len) == 0) {
			refuse(calls[i].nr, error);
			return;
		}
	}
	fprintf(stderr, "refuse: no call %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	struct sock_fprog filter = { .filter = program };
	unsigned long flags = 0;
	int i = 1;

	load(offsetof(struct seccomp_data, nr));
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *error = strchr(argv[i], '=');

		if (strcmp(argv[i], "docker") == 0)
			refuse_as_docker();
		else if (strcmp(argv[i], "listener") == 0)
			flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
		else if (error)
			refuse_one(argv[i], (size_t)(error - argv[i]), find_error(error + 1));
	}
	add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	filter.len = len;
	if (i + 1 >= argc) {
		fprintf(stderr, "usage: refuse WHAT... -- COMMAND [ARG...]\n");
		return 2;
	}
	long fd = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
			  ? -1
			  : syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
	/* The listener stays open in the command, or the filter would have none. */
	if (fd < 0 || (flags && fcntl((int)fd, F_SETFD, 0) < 0)) {
		perror("refuse");
		return 2;
	}
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 127;
}
