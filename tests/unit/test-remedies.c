/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said to do about a wall, by error and surroundings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "box/remedies.h"
#include "policy/walls.h"

static const struct {
	const char *wall, *op;
	int errnum;
	enum place place;
	unsigned facts;
	const char *want; /* part of it; "": no remedy is known */
} rows[] = {
	/* clang-format off */
	{ "user", "make", ENOSPC, PLACE_HOST, HERE_NAMESPACES_OFF, "sysctl -w user.max_user_namespaces=65536" },
	{ "net", "make", ENOSPC, PLACE_HOST, HERE_NAMESPACES_OFF, "sysctl -w user.max_user_namespaces=65536" },
	{ "user", "make", ENOSPC, PLACE_HOST, 0, "end other boxes" },
	{ "user", "make", EPERM, PLACE_HOST, HERE_USERNS_OFF, "sysctl -w kernel.unprivileged_userns_clone=1" },
	{ "user", "write", EPERM, PLACE_HOST, HERE_USERNS_APPARMOR, "kernel.apparmor_restrict_unprivileged_userns=0" },
	{ "user", "write", EACCES, PLACE_GITHUB, HERE_USERNS_APPARMOR, "run: sudo sysctl -w" },
	{ "user", "make", EPERM, PLACE_HOST, HERE_CHROOT, "chroot" },
	{ "user", "make", EACCES, PLACE_HOST, HERE_CONFINED, "AppArmor profile" },
	{ "mount", "mount", EACCES, PLACE_HOST, HERE_CONFINED, "AppArmor profile" },
	{ "idmap", "make", EPERM, PLACE_HOST, HERE_CHROOT, "chroot" },
	{ "user", "make", EPERM, PLACE_HOST, 0, "HOST REQUIREMENTS" },
	{ "user", "write", ENOENT, PLACE_HOST, 0, "mount -t proc proc /proc" },
	{ "user", "make", EAGAIN, PLACE_HOST, 0, "out of processes or memory" },
	/* A filter that allows the clone and a host that then takes the power: Docker on Ubuntu. */
	{ "user", "write", EPERM, PLACE_DOCKER, HERE_CONTAINER | HERE_FILTERED | HERE_USERNS_APPARMOR,
	  "apparmor_restrict_unprivileged_userns" },
	{ "user", "make", EPERM, PLACE_DOCKER, HERE_CONTAINER | HERE_FILTERED | HERE_USERNS_APPARMOR,
	  "seccomp=unconfined" },
	{ "user", "make", ENOSYS, PLACE_DOCKER, HERE_CONTAINER | HERE_FILTERED,
	  "--security-opt seccomp=unconfined --security-opt systempaths=unconfined" },
	{ "user", "make", ENOSYS, PLACE_PODMAN, HERE_CONTAINER | HERE_FILTERED, "unmask=ALL" },
	{ "user", "make", ENOSYS, PLACE_KUBERNETES, HERE_CONTAINER | HERE_FILTERED, "hostUsers: false" },
	{ "user", "make", ENOSYS, PLACE_GITHUB_CONTAINER, HERE_CONTAINER | HERE_FILTERED, "options: --security-opt" },
	{ "user", "make", ENOSYS, PLACE_CONTAINER, HERE_CONTAINER | HERE_FILTERED, "mask nothing of /proc" },
	{ "user", "make", ENOSYS, PLACE_BOX, HERE_CONTAINER | HERE_FILTERED, "start aisbx outside" },
	{ "user", "make", ENOSYS, PLACE_HOST, HERE_FILTERED, "SystemCallFilter=" },
	{ "user", "make", ENOSYS, PLACE_HOST, 0, "Linux 5.15" },
	{ "mount", "copy the mount of", EPERM, PLACE_DOCKER, HERE_CONTAINER | HERE_NO_SYS_ADMIN, "--user 1000:1000" },
	{ "mount", "copy the mount of", EPERM, PLACE_KUBERNETES, HERE_CONTAINER | HERE_NO_SYS_ADMIN, "runAsUser: 1000" },
	{ "mount", "copy the mount of", EPERM, PLACE_HOST, HERE_NO_SYS_ADMIN, "setpriv" },
	{ "mount", "mount", EACCES, PLACE_DOCKER, HERE_CONTAINER | HERE_CONFINED, "apparmor=unconfined" },
	{ "proc", "mount", EPERM, PLACE_DOCKER, HERE_CONTAINER, "systempaths=unconfined" },
	{ "proc", "mount", EPERM, PLACE_HOST, 0, "findmnt -R /proc" },
	{ "net", "set", EROFS, PLACE_PODMAN, HERE_CONTAINER, "unmask=ALL" },
	{ "net", "set", EROFS, PLACE_HOST, 0, "remount,rw /proc/sys" },
	{ "landlock", "use", EOPNOTSUPP, PLACE_DOCKER, HERE_CONTAINER | HERE_FILTERED, "lsm=landlock" },
	{ "landlock", "use", ENOSYS, PLACE_DOCKER, HERE_CONTAINER | HERE_FILTERED, "seccomp=unconfined" },
	{ "landlock", "use", ENOSYS, PLACE_HOST, 0, "CONFIG_SECURITY_LANDLOCK=y" },
	{ "keyring", "join", EPERM, PLACE_HOST, HERE_FILTERED, "--allow-degraded keyring" },
	{ "idmap", "map the owner of", EINVAL, PLACE_HOST, 0, "cannot be idmapped" },
	{ "mount", "lay a throw-away layer over", ENODEV, PLACE_HOST, 0, "modprobe overlay" },
	{ "mount", "lay a throw-away layer over", EINVAL, PLACE_HOST, 0, "mounted below the grant" },
	{ "protect", "look into", EACCES, PLACE_DOCKER, HERE_CONTAINER, "readable for its owner" },
	{ "seccomp", "load", EBUSY, PLACE_HOST, HERE_FILTERED, "supervises" },
	{ "seccomp", "load", EINVAL, PLACE_HOST, 0, "CONFIG_SECCOMP_FILTER=y" },
	{ "terminal", "open", ENOSPC, PLACE_HOST, 0, "kernel.pty.max" },
	{ "mount", "mount", EIO, PLACE_HOST, 0, "" },
	/* clang-format on */
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct surroundings here = { rows[i].place, rows[i].facts, "user" };
		struct err err;

		(void)err_wall(&err, rows[i].wall, rows[i].errnum, rows[i].op, "it");
		remedy_find(&err, &here);
		if (*rows[i].want ? !strstr(err.hint, rows[i].want) : *err.hint)
			fail_msg("row %zu: '%s' lacks '%s'", i, err.hint, rows[i].want);
	}
}

/* Whatever comes together, nobody is told half a command. */
static void test_all_fit(void **state)
{
	static const char *const ops[] = { "make", "write", "use", "set", "load", "map the owner of" };
	static const int errnums[] = { EPERM,  EACCES, ENOSYS,	   ENOENT, ENOSPC, EROFS,
				       EINVAL, EAGAIN, EOPNOTSUPP, EBUSY };
	unsigned seen = 0;

	(void)state;
	for (int wall = 0; wall < WALL__N; wall++)
		for (size_t op = 0; op < sizeof ops / sizeof *ops; op++)
			for (size_t e = 0; e < sizeof errnums / sizeof *errnums; e++)
				for (unsigned facts = 0; facts < 256; facts++)
					for (int place = 0; place < PLACE__N; place++) {
						struct surroundings here = { (enum place)place, facts,
									     "cgroup" };
						struct err err;

						(void)err_wall(&err, walls[wall].name, errnums[e],
							       ops[op], "it");
						remedy_find(&err, &here);
						size_t len = strlen(err.hint);
						assert_false(len > 3 &&
							     strcmp(err.hint + len - 3, "...") == 0);
						/* A cut snprintf(3) fills it to the last byte. */
						assert_true(len < sizeof err.hint - 1);
						seen += len > 0;
					}
	assert_true(seen > 1000);
}

static void test_other_errors_stay(void **state)
{
	struct surroundings here = { PLACE_HOST, HERE_FILTERED, NULL };
	struct err err;

	(void)state;
	(void)err_set(&err, E_SYSTEM, EPERM, "make", "a pipe");
	remedy_find(&err, &here);
	assert_string_equal(err.hint, "");
	(void)err_wall(&err, "mount", ESTALE, "grant", "/x");
	err_hint(&err, "run again");
	remedy_find(&err, &here);
	assert_string_equal(err.hint, "run again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_all_fit),
		cmocka_unit_test(test_other_errors_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
