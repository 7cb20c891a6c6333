/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where aisbx runs: what can stand between a wall and the kernel. Read when something failed
 * already, to say why, and by doctor; nothing is decided by it.
 */
#ifndef AISBX_BOX_SURROUNDINGS_H
#define AISBX_BOX_SURROUNDINGS_H

/* Who would have to be told: each has words of its own for the same thing. */
enum place {
	PLACE_HOST,
	PLACE_DOCKER,
	PLACE_PODMAN,
	PLACE_KUBERNETES,
	PLACE_GITHUB,		/* a runner's machine of GitHub Actions */
	PLACE_GITHUB_CONTAINER, /* a job's container there */
	PLACE_CONTAINER,	/* another one */
	PLACE_BOX,		/* a box of aisbx's own */
	PLACE__N
};

/* As `doctor --json` writes them. */
extern const char *const place_names[PLACE__N];

/* Bits: what is so here. */
enum here {
	HERE_CONTAINER = 1 << 0,
	HERE_FILTERED = 1 << 1,	    /* a seccomp filter holds for us */
	HERE_CONFINED = 1 << 2,	    /* so does an AppArmor profile */
	HERE_CHROOT = 1 << 3,	    /* the root is no mount point */
	HERE_NO_SYS_ADMIN = 1 << 4, /* root, without the capability */
	HERE_USERNS_OFF = 1 << 5,   /* kernel.unprivileged_userns_clone=0: Debian's old switch */
	HERE_USERNS_APPARMOR =
		1 << 6,		      /* kernel.apparmor_restrict_unprivileged_userns=1: Ubuntu's */
	HERE_NAMESPACES_OFF = 1 << 7, /* user.max_KIND_namespaces=0: none_of */
};

struct surroundings {
	enum place place;
	unsigned facts;	     /* enum here, as far as /proc tells */
	const char *none_of; /* the KIND */
};

void surroundings_read(struct surroundings *ret);

#endif
