/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where aisbx runs: see surroundings.h. */
#include "box/surroundings.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

const char *const place_names[PLACE__N] = {
	[PLACE_HOST] = "host",
	[PLACE_DOCKER] = "docker",
	[PLACE_PODMAN] = "podman",
	[PLACE_KUBERNETES] = "kubernetes",
	[PLACE_GITHUB] = "github-actions",
	[PLACE_GITHUB_CONTAINER] = "github-actions-container",
	[PLACE_CONTAINER] = "container",
	[PLACE_BOX] = "aisbx",
};

/* A short file from its start, terminated; "" when it cannot be read. */
static const char *read_text(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, size - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

/* Whether the file says that number, and nothing else. */
static bool says(const char *path, long number)
{
	char text[32], *end;
	long value = (read_text(path, text, sizeof text), strtoll(text, &end, 10));

	return end != text && value == number;
}

static bool has_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static enum place find_place(void)
{
	bool in_docker = access("/.dockerenv", F_OK) == 0;
	bool in_podman = access("/run/.containerenv", F_OK) == 0;
	bool in_github = has_environment("GITHUB_ACTIONS");
	const char *aisbx = getenv("AISBX");

	if (aisbx && strcmp(aisbx, "1") == 0)
		return PLACE_BOX;
	if (has_environment("KUBERNETES_SERVICE_HOST") ||
	    access("/run/secrets/kubernetes.io", F_OK) == 0 ||
	    access("/var/run/secrets/kubernetes.io", F_OK) == 0)
		return PLACE_KUBERNETES;
	if (in_github)
		return in_docker || in_podman ? PLACE_GITHUB_CONTAINER : PLACE_GITHUB;
	if (in_podman)
		return PLACE_PODMAN;
	if (in_docker)
		return PLACE_DOCKER;
	/* As systemd-nspawn, LXC and others tell what they start; and what init found there. */
	if (has_environment("container") || access("/run/systemd/container", F_OK) == 0)
		return PLACE_CONTAINER;
	return PLACE_HOST;
}

/* The hexadecimal or decimal number after key, of a line of /proc/self/status. */
static unsigned long long status_value(const char *status, const char *key, int base)
{
	const char *line = strstr(status, key);

	return line ? strtoull(line + strlen(key), NULL, base) : 0;
}

/* The root of a mount namespace is a mount; a directory that chroot(2) went to need not be. */
static bool is_root_mounted(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	bool found = false;

	if (!mounts)
		return true;
	/* 36 35 98:0 /mnt1 /mnt2 ...: the fifth is where; longer lines are read in pieces. */
	while (!found && fgets(line, sizeof line, mounts)) {
		char where[8] = "";

		found = sscanf(line, "%*d %*d %*d:%*d %*s %7s ", where) == 1 &&
			strcmp(where, "/") == 0;
	}
	(void)fclose(mounts); /* was only read */
	return found;
}

static const char *find_exhausted(void)
{
	static const char *const kinds[] = { "user", "mnt", "pid", "ipc", "uts", "cgroup", "net" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		char path[64];

		(void)snprintf(path, sizeof path, "/proc/sys/user/max_%s_namespaces", kinds[i]);
		if (says(path, 0))
			return kinds[i];
	}
	return NULL;
}

/* As hostfacts.c: root of another user namespace is confined by it, and needs less. */
static bool is_host_root(void)
{
	char map[64];
	unsigned inside, outside, count;

	return geteuid() == 0 &&
	       sscanf(read_text("/proc/self/uid_map", map, sizeof map), "%u %u %u", &inside,
		      &outside, &count) == 3 &&
	       outside == 0 && count == UINT_MAX;
}

/* "unconfined", and what programs get that have a profile without rules. */
static bool is_confined(void)
{
	char label[256];

	read_text("/proc/self/attr/apparmor/current", label, sizeof label);
	return *label && !strstr(label, "unconfined");
}

void surroundings_read(struct surroundings *ret)
{
	char status[8192];

	memset(ret, 0, sizeof *ret);
	ret->place = find_place();
	read_text("/proc/self/status", status, sizeof status);
	ret->none_of = find_exhausted();
	const struct {
		bool is_so;
		enum here fact;
	} facts[] = {
		{ ret->place != PLACE_HOST && ret->place != PLACE_GITHUB, HERE_CONTAINER },
		{ status_value(status, "\nSeccomp:", 10) == 2, HERE_FILTERED },
		{ is_confined(), HERE_CONFINED },
		{ !is_root_mounted(), HERE_CHROOT },
		{ is_host_root() &&
			  !(status_value(status, "\nCapEff:", 16) & 1ULL << CAP_SYS_ADMIN),
		  HERE_NO_SYS_ADMIN },
		{ says("/proc/sys/kernel/unprivileged_userns_clone", 0), HERE_USERNS_OFF },
		{ says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1),
		  HERE_USERNS_APPARMOR },
		{ ret->none_of, HERE_NAMESPACES_OFF },
	};

	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		ret->facts |= facts[i].is_so ? facts[i].fact : 0;
}
