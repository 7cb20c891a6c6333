/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What to do about a wall that this host cannot build: see remedies.h. */
#include "box/remedies.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/walls.h"

enum remedy {
	REMEDY_NONE,
	REMEDY_PROC,
	REMEDY_CONTAINER,
	REMEDY_CONFINED,
	REMEDY_USERNS_OFF,
	REMEDY_USERNS_APPARMOR,
	REMEDY_CHROOT,
	REMEDY_NAMESPACES_OFF,
	REMEDY_NAMESPACES_USED,
	REMEDY_USERNS,
	REMEDY_SYS_ADMIN,
	REMEDY_PROC_COVERED,
	REMEDY_PROC_SYS,
	REMEDY_LANDLOCK_OFF,
	REMEDY_LANDLOCK,
	REMEDY_IDMAP,
	REMEDY_NO_OVERLAY,
	REMEDY_OVERLAY,
	REMEDY_LISTENER,
	REMEDY_SECCOMP,
	REMEDY_TERMINALS,
	REMEDY_FULL,
	REMEDY_READABLE,
	REMEDY_KERNEL,
};

/* clang-format off */

#define FLAGS "--security-opt seccomp=unconfined --security-opt systempaths=unconfined"
#define APPARMOR "--security-opt apparmor=unconfined"
#define APPARMOR_ALSO ", and with " APPARMOR " where the host has AppArmor"
#define PODMAN_FLAGS "--security-opt seccomp=unconfined --security-opt unmask=ALL"
#define START "start the container with "
#define AS_USER "--user 1000:1000 "
#define JOB "in the job's container: options: "
#define POD "in the pod: hostUsers: false; in the container's securityContext: "
#define POD_CONTEXT \
	"seccompProfile: {type: Unconfined}, appArmorProfile: {type: Unconfined}, " \
	"procMount: Unmasked"

/*
 * Those of PLACE_HOST are for every place that has no row of its own. Arrays, not pointers:
 * what no run looks at costs none a relocation.
 */
static const struct {
	unsigned char remedy;
	unsigned char place;
	char text[sizeof((struct err *)NULL)->hint];
} texts[] = {
	{ REMEDY_PROC, PLACE_HOST,
	  "mount /proc where aisbx runs: mount -t proc proc /proc" },
	{ REMEDY_CONTAINER, PLACE_HOST,
	  "a system call filter that aisbx was started under forbids it: in a systemd unit "
	  "set RestrictNamespaces=no and SystemCallFilter= to nothing; elsewhere start aisbx "
	  "outside of it" },
	{ REMEDY_CONTAINER, PLACE_DOCKER,
	  START FLAGS APPARMOR_ALSO },
	{ REMEDY_CONTAINER, PLACE_PODMAN,
	  START PODMAN_FLAGS },
	{ REMEDY_CONTAINER, PLACE_KUBERNETES,
	  POD POD_CONTEXT },
	{ REMEDY_CONTAINER, PLACE_GITHUB_CONTAINER,
	  JOB FLAGS " " APPARMOR },
	{ REMEDY_CONTAINER, PLACE_CONTAINER,
	  "the container forbids it: let it make namespaces and mounts, and mask "
	  "nothing of /proc; HOST REQUIREMENTS in aisbx(1)" },
	{ REMEDY_CONTAINER, PLACE_BOX,
	  "this is a box of aisbx's, and in a box none can be made: start aisbx outside" },
	{ REMEDY_CONFINED, PLACE_HOST,
	  "the AppArmor profile in /proc/self/attr/current forbids it: let that have userns, "
	  "mount, umount and pivot_root rules, or start aisbx outside of it" },
	{ REMEDY_USERNS_OFF, PLACE_HOST,
	  "as root: sysctl -w kernel.unprivileged_userns_clone=1" },
	{ REMEDY_USERNS_APPARMOR, PLACE_HOST,
	  "as root: apparmor_parser -r /etc/apparmor.d/aisbx, the file that HOST "
	  "REQUIREMENTS in aisbx(1) shows; or sysctl -w "
	  "kernel.apparmor_restrict_unprivileged_userns=0" },
	{ REMEDY_USERNS_APPARMOR, PLACE_GITHUB,
	  "add a step before: run: sudo sysctl -w "
	  "kernel.apparmor_restrict_unprivileged_userns=0" },
	{ REMEDY_CHROOT, PLACE_HOST,
	  "in a chroot Linux makes no user namespace: enter that tree with systemd-nspawn, "
	  "podman run --rootfs or pivot_root(8) instead" },
	{ REMEDY_NAMESPACES_OFF, PLACE_HOST,
	  "as root: sysctl -w user.max_" }, /* the kind follows */
	{ REMEDY_NAMESPACES_USED, PLACE_HOST,
	  "no more namespaces: end other boxes, or as root raise user.max_user_namespaces "
	  "and user.max_net_namespaces with sysctl -w; Linux nests 32 at most" },
	{ REMEDY_USERNS, PLACE_HOST,
	  "this host refuses user namespaces to aisbx: aisbx doctor, and HOST REQUIREMENTS in "
	  "aisbx(1), tell more" },
	{ REMEDY_SYS_ADMIN, PLACE_HOST,
	  "root needs CAP_SYS_ADMIN for this: run aisbx as an ordinary user, with "
	  "setpriv --reuid=1000 --regid=1000 --clear-groups for one" },
	{ REMEDY_SYS_ADMIN, PLACE_DOCKER,
	  START AS_USER FLAGS APPARMOR_ALSO },
	{ REMEDY_SYS_ADMIN, PLACE_PODMAN,
	  START AS_USER PODMAN_FLAGS },
	{ REMEDY_SYS_ADMIN, PLACE_KUBERNETES,
	  POD "runAsUser: 1000, " POD_CONTEXT },
	{ REMEDY_SYS_ADMIN, PLACE_GITHUB_CONTAINER,
	  JOB AS_USER FLAGS " " APPARMOR },
	{ REMEDY_PROC_COVERED, PLACE_HOST,
	  "something is mounted over parts of /proc: unmount what findmnt -R /proc lists "
	  "below it" },
	{ REMEDY_PROC_SYS, PLACE_HOST,
	  "mount -o remount,rw /proc/sys where aisbx runs: network grants need it writable" },
	{ REMEDY_LANDLOCK_OFF, PLACE_HOST,
	  "boot with lsm=landlock,$(cat /sys/kernel/security/lsm) on the kernel's command "
	  "line" },
	{ REMEDY_LANDLOCK, PLACE_HOST,
	  "boot a kernel with CONFIG_SECURITY_LANDLOCK=y and landlock in lsm=" },
	{ REMEDY_IDMAP, PLACE_HOST,
	  "its file system cannot be idmapped: run aisbx as the user who owns the files, or "
	  "copy them to ext4, xfs or btrfs" },
	{ REMEDY_NO_OVERLAY, PLACE_HOST,
	  "as root: modprobe overlay, or boot a kernel that has overlayfs" },
	{ REMEDY_OVERLAY, PLACE_HOST,
	  "it takes overlayfs in a user namespace, which Linux has since 5.11, and no file "
	  "system mounted below the grant" },
	{ REMEDY_LISTENER, PLACE_HOST,
	  "another sandbox around this one already supervises its system calls: start aisbx "
	  "outside of it, or use no files.protect" },
	{ REMEDY_SECCOMP, PLACE_HOST,
	  "boot a kernel with CONFIG_SECCOMP_FILTER=y" },
	{ REMEDY_TERMINALS, PLACE_HOST,
	  "the host is out of terminals: as root: sysctl -w kernel.pty.max=8192" },
	{ REMEDY_FULL, PLACE_HOST,
	  "the host is out of processes or memory, or the caller's limit of them is "
	  "reached: ulimit -u" },
	{ REMEDY_READABLE, PLACE_HOST,
	  "the box's user may not read it: make it readable for its owner, or grant less" },
	{ REMEDY_KERNEL, PLACE_HOST,
	  "the kernel lacks it; Linux 5.15 or newer has it, unless it was built without" },
};

/* clang-format on */

/*** When ***/

#define REFUSED EPERM, EACCES
#define LAYER	"lay a throw-away layer over"

/* The first row that fits. An empty wall or op: any; no errnums: any; facts: all of them. */
static const struct {
	char wall[12];
	char op[32];
	short errnums[3];
	unsigned char facts;
	unsigned char remedy;
} rules[] = {
	/* clang-format off */
	{ "user",     "",      { ENOENT, ENOTDIR },        0,                    REMEDY_PROC },
	{ "protect",  "look into", { EACCES },             0,                    REMEDY_READABLE },
	{ "",         "",      { REFUSED, ENOSYS },        HERE_CONTAINER | HERE_NO_SYS_ADMIN, REMEDY_SYS_ADMIN },
	{ "user",     "make",  { REFUSED, ENOSYS },        HERE_FILTERED,        REMEDY_CONTAINER },
	{ "user",     "",      { REFUSED },                HERE_USERNS_OFF,      REMEDY_USERNS_OFF },
	{ "user",     "",      { REFUSED },                HERE_USERNS_APPARMOR, REMEDY_USERNS_APPARMOR },
	{ "",         "make",  { REFUSED },                HERE_CHROOT,          REMEDY_CHROOT },
	{ "user",     "",      { REFUSED },                HERE_CONTAINER,       REMEDY_CONTAINER },
	{ "user",     "",      { REFUSED },                HERE_CONFINED,        REMEDY_CONFINED },
	{ "user",     "",      { REFUSED },                0,                    REMEDY_USERNS },
	{ "",         "make",  { ENOSPC, EUSERS },         HERE_NAMESPACES_OFF,  REMEDY_NAMESPACES_OFF },
	{ "",         "make",  { ENOSPC, EUSERS },         0,                    REMEDY_NAMESPACES_USED },
	{ "user",     "",      { EAGAIN, ENOMEM },         0,                    REMEDY_FULL },
	{ "landlock", "use",   { EOPNOTSUPP },             0,                    REMEDY_LANDLOCK_OFF },
	{ "landlock", "use",   { REFUSED, ENOSYS },        HERE_FILTERED,        REMEDY_CONTAINER },
	{ "landlock", "use",   { REFUSED, ENOSYS },        0,                    REMEDY_LANDLOCK },
	{ "idmap",    "map the owner of", { 0 },           0,                    REMEDY_IDMAP },
	{ "mount",    "",      { REFUSED },                HERE_NO_SYS_ADMIN,    REMEDY_SYS_ADMIN },
	{ "mount",    "copy the mount of", { EINVAL },     0,                    REMEDY_OVERLAY },
	{ "mount",    LAYER,   { ENODEV },                 0,                    REMEDY_NO_OVERLAY },
	{ "mount",    LAYER,   { 0 },                      0,                    REMEDY_OVERLAY },
	{ "proc",     "",      { REFUSED },                HERE_CONTAINER,       REMEDY_CONTAINER },
	{ "proc",     "",      { REFUSED },                0,                    REMEDY_PROC_COVERED },
	{ "net",      "set",   { ENOENT, EBADF },          0,                    REMEDY_PROC },
	{ "net",      "set",   { REFUSED, EROFS },         HERE_CONTAINER,       REMEDY_CONTAINER },
	{ "net",      "set",   { REFUSED, EROFS },         0,                    REMEDY_PROC_SYS },
	{ "seccomp",  "load",  { EBUSY },                  0,                    REMEDY_LISTENER },
	{ "seccomp",  "",      { EINVAL },                 0,                    REMEDY_SECCOMP },
	{ "terminal", "",      { ENOSPC },                 0,                    REMEDY_TERMINALS },
	{ "",         "",      { REFUSED, ENOSYS },        HERE_FILTERED,        REMEDY_CONTAINER },
	{ "",         "",      { REFUSED },                HERE_CONTAINER,       REMEDY_CONTAINER },
	{ "",         "",      { REFUSED },                HERE_CONFINED,        REMEDY_CONFINED },
	{ "",         "",      { EINVAL, ENOSYS, ENODEV }, 0,                    REMEDY_KERNEL },
	/* clang-format on */
};

static bool has_errnum(const short errnums[3], int errnum)
{
	if (errnums[0] == 0)
		return true;
	for (int i = 0; i < 3 && errnums[i]; i++) {
		if (errnums[i] == errnum)
			return true;
	}
	return false;
}

static enum remedy choose(const struct err *err, unsigned facts)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if ((!*rules[i].wall || strcmp(rules[i].wall, err->wall) == 0) &&
		    (!*rules[i].op || strcmp(rules[i].op, err->op) == 0) &&
		    has_errnum(rules[i].errnums, err->errnum) &&
		    (rules[i].facts & facts) == rules[i].facts)
			return rules[i].remedy;
	}
	return REMEDY_NONE;
}

/* NULL where nothing is known to help. */
static const char *find_text(enum remedy remedy, enum place place)
{
	const char *text = NULL;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (texts[i].remedy != remedy)
			continue;
		if (texts[i].place == place)
			return texts[i].text;
		if (texts[i].place == PLACE_HOST)
			text = texts[i].text;
	}
	return text;
}

void remedy_find(struct err *err, const struct surroundings *here)
{
	enum wall wall = wall_by_name(err->wall);
	enum remedy remedy = choose(err, here->facts);
	const char *text = find_text(remedy, here->place);
	char hint[sizeof err->hint];
	int n;

	if (err->code != E_WALL || err->hint[0] || !text)
		return;
	n = snprintf(hint, sizeof hint, "%s%s%s", text,
		     remedy == REMEDY_NAMESPACES_OFF ? here->none_of : "",
		     remedy == REMEDY_NAMESPACES_OFF ? "_namespaces=65536" : "");
	if (wall < WALL__N && walls[wall].may_degrade && n > 0 && (size_t)n < sizeof hint)
		(void)snprintf(hint + n, sizeof hint - (size_t)n, ", or add --allow-degraded %s",
			       err->wall);
	err_hint(err, hint);
}

void remedy_add(struct err *err)
{
	struct surroundings here;

	if (err->code != E_WALL || err->hint[0])
		return;
	surroundings_read(&here);
	remedy_find(err, &here);
}
