/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What Landlock does not hold before Linux 6.2: see truncation.h.
 *
 * A filter cannot see which file a path names, so every truncation by path is refused, in
 * writable grants too. Programs truncate what they have open for writing (O_TRUNC with O_WRONLY
 * or O_RDWR, ftruncate): that goes on as before. Other architectures and calls that the kernel
 * does not know are the other filter's, which is loaded after this one.
 */
#include "box/supervise/truncation.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/sys.h"

enum {
	LANDLOCK_TRUNCATE = 3, /* the version that knows the right */
	/* Places in the filter. */
	OPENAT_AT = 4,
	OPEN_AT = 6,
	FLAGS_AT = 7,
	ALLOWED_AT = 11,
	REFUSED_AT = 12,
};

/* arm64 has openat alone. */
#ifdef SYS_open
#	define NR_OPEN_BY_PATH SYS_open
#else
#	define NR_OPEN_BY_PATH SYS_openat
#endif

/* Of an argument the lower half, where flags are; both architectures are little-endian. */
#define LOAD(field)	      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define RETURN(value)	      BPF_STMT(BPF_RET | BPF_K, value)

static const struct sock_filter insns[] = {
	LOAD(nr),
	EQUAL(SYS_truncate, REFUSED_AT - 2, 0),
	EQUAL(SYS_openat, OPENAT_AT - 3, 0),
	EQUAL(NR_OPEN_BY_PATH, OPEN_AT - 4, ALLOWED_AT - 4),
	[OPENAT_AT] = LOAD(args[2]),
	BPF_JUMP(BPF_JMP | BPF_JA, FLAGS_AT - OPENAT_AT - 2, 0, 0),
	[OPEN_AT] = LOAD(args[1]),
	[FLAGS_AT] = BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TRUNC, 0, ALLOWED_AT - FLAGS_AT - 1),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_ACCMODE),
	EQUAL(O_WRONLY, ALLOWED_AT - FLAGS_AT - 3, 0),
	EQUAL(O_RDWR, ALLOWED_AT - FLAGS_AT - 4, REFUSED_AT - FLAGS_AT - 4),
	[ALLOWED_AT] = RETURN(SECCOMP_RET_ALLOW),
	[REFUSED_AT] = RETURN(SECCOMP_RET_ERRNO | EACCES), /* as Landlock says it */
};

/* Whether the payload gets a file that is open for reading only. */
static bool has_read_only_file(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		struct stat st;
		long flags = sys_call3(SYS_fcntl, fd, F_GETFL, 0);

		if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY &&
		    sys_call2(SYS_fstat, fd, &st) == 0 && S_ISREG(st.st_mode))
			return true;
	}
	return false;
}

int truncation_apply(int landlock_abi, struct err *reterr)
{
	/* The kernel only reads insns; struct sock_fprog has no const. */
	struct sock_fprog program = { sizeof insns / sizeof *insns,
				      (struct sock_filter *)(uintptr_t)insns };

	if (landlock_abi == 0 || landlock_abi >= LANDLOCK_TRUNCATE || !has_read_only_file())
		return 0;
	long r = sys_call3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	return r < 0 ? err_wall(reterr, "seccomp", (int)-r, "load", "the filter of truncation") : 0;
}
