/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The capabilities wall: see caps.h and capabilities(7). */
#include "box/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <sys/prctl.h>

#include "base/sys.h"

enum {
	/* Linux has 41; the loop ends at the first number the kernel does not know. */
	CAPABILITIES_MAX = 64,
	SECUREBITS = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
		     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
};

static int fail(struct err *reterr, long error, const char *op, const char *subject)
{
	return err_wall(reterr, "capabilities", (int)-error, op, subject);
}

/* Needs CAP_SETPCAP, so it precedes the drop of the other sets. */
static int drop_bounding_set(struct err *reterr)
{
	for (unsigned long cap = 0; cap < CAPABILITIES_MAX; cap++) {
		int r = sys_prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);

		if (r == -EINVAL && cap > 0)
			return 0;
		if (r < 0)
			return fail(reterr, r, "empty", "the bounding set");
	}
	return 0;
}

/* The kernel answers EINVAL past the last capability it knows. */
static bool is_bounding_set_empty(void)
{
	for (unsigned long cap = 0; cap < CAPABILITIES_MAX; cap++) {
		int r = sys_prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (r == -EINVAL && cap > 0)
			return true;
		if (r != 0)
			return false;
	}
	return true;
}

static int read_back(struct err *reterr)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	long r = sys_call2(SYS_capget, &header, data);
	unsigned left = 0;

	if (r < 0)
		return fail(reterr, r, "read back", "the capability sets");
	for (int i = 0; i < 2; i++)
		left |= data[i].effective | data[i].permitted | data[i].inheritable;
	if (left || !is_bounding_set_empty() ||
	    sys_prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != SECUREBITS ||
	    sys_prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return fail(reterr, -EPERM, "give up", "every capability");
	return 0;
}

int caps_apply(struct err *reterr)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { 0 };
	int r = drop_bounding_set(reterr);

	if (r < 0)
		return r;
	r = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (r < 0)
		return fail(reterr, r, "empty", "the ambient set");
	r = sys_prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0);
	if (r < 0)
		return fail(reterr, r, "lock", "securebits");
	r = (int)sys_call2(SYS_capset, &header, none);
	if (r < 0)
		return fail(reterr, r, "empty", "the capability sets");
	r = sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (r < 0)
		return fail(reterr, r, "set", "no_new_privs");
	return read_back(reterr);
}
