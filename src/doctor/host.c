/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Doctor's tries of what the host brings. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "box/tries.h"
#include "doctor/visit.h"
#include "policy/addresses.h"
#include "policy/paths.h"
#include "policy/source.h"
#include "policy/words.h"

void visit_kernel(struct visit *visit)
{
	enum {
		FLOOR_MAJOR = 5,
		FLOOR_MINOR = 15
	};
	struct utsname name;
	int major = 0, minor = 0;

	(void)uname(&name); /* cannot fail with such a buffer */
	(void)sscanf(name.release, "%d.%d", &major, &minor);
	bool is_old = major < FLOOR_MAJOR || (major == FLOOR_MAJOR && minor < FLOOR_MINOR);
	finding_say(visit->finding, is_old ? STATE_LIMITED : STATE_OK,
		    "Linux %s; aisbx is for 5.15 and newer", name.release);
	if (is_old)
		(void)snprintf(visit->finding->fix, sizeof visit->finding->fix,
			       "boot Linux 5.15 or newer");
}

/*** Files ***/

/* Whether dirs[at] stands further up already. */
static bool is_repeated(const char *const *dirs, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(dirs[i], dirs[at]) == 0)
			return true;
	}
	return false;
}

void visit_idmap(struct visit *visit)
{
	const char *const dirs[] = { visit->facts.cwd, visit->facts.home, "/usr", "/tmp" };
	struct finding *finding = visit->finding;
	struct err err, first = { .code = E_NONE };

	if (!visit->facts.host_root) {
		finding_say(finding, STATE_OK,
			    "not needed: an ordinary user's files are the box's");
		return;
	}
	if (visit_plan(visit, VISIT_BARE, &err) < 0) {
		finding_fail(finding, STATE_LIMITED, &err);
		return;
	}
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		const char *path = word_printable(&visit->arena, dirs[i]);

		if (is_repeated(dirs, i))
			continue;
		if (try_idmap(&visit->arena, &visit->plan, dirs[i], &err) == 0) {
			finding_detail(finding, "%s: ok", path);
			continue;
		}
		finding_detail(finding, "%s: %s", path, strerror(err.errnum));
		if (first.code == E_NONE)
			first = err;
	}
	if (first.code == E_NONE)
		finding_say(finding, STATE_OK,
			    "in the working directory, the home directory, /usr and /tmp");
	else
		finding_fail(finding, STATE_LIMITED, &first);
}

/*** Names ***/

/* Whether this host has a way there: connect(2) of UDP looks for one and sends nothing. */
static bool has_route(const struct address *address)
{
	struct sockaddr_storage to;
	socklen_t len = address_to_sockaddr(address, 53, &to);
	_cleanup_close_ int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)&to, len) == 0;
}

/* "nameserver ADDRESS" of resolv.conf(5). Returns how many of them there is a way to. */
static unsigned look_at_servers(struct finding *finding, FILE *file)
{
	char line[512];
	unsigned reached = 0;

	while (fgets(line, sizeof line, file)) {
		static const char key[] = "nameserver";
		char *value = line + sizeof key - 1;
		struct address address;

		if (strncmp(line, key, sizeof key - 1) != 0 || !strchr(" \t", *value))
			continue;
		value += strspn(value, " \t");
		value[strcspn(value, " \t\r\n%")] = '\0';
		if (!address_parse(value, strlen(value), &address)) {
			finding_detail(finding, "a nameserver line without an address");
			continue;
		}
		bool is_reached = has_route(&address);
		finding_detail(finding, "%s: %s", value, is_reached ? "ok" : "no route");
		reached += is_reached;
	}
	return reached;
}

/* Nothing is asked: whether a server answers is not this host's to enforce. */
void visit_dns(struct visit *visit)
{
	struct finding *finding = visit->finding;
	FILE *file = fopen("/etc/resolv.conf", "re");
	unsigned reached = 0;
	struct err err;

	if (file) {
		reached = look_at_servers(finding, file);
		(void)fclose(file); /* was only read */
	}
	if (!file) {
		(void)err_set(&err, E_SYSTEM, errno, "read", "/etc/resolv.conf");
		err_hint(&err, "write a line nameserver ADDRESS into /etc/resolv.conf");
		finding_fail(finding, STATE_LIMITED, &err);
	} else if (reached == 0) {
		finding_say(finding, STATE_LIMITED,
			    "/etc/resolv.conf names no server that there is a route to");
		(void)snprintf(finding->fix, sizeof finding->fix,
			       "write a line nameserver ADDRESS into /etc/resolv.conf");
	} else if (access("/etc/hosts", R_OK) < 0) {
		(void)err_set(&err, E_SYSTEM, errno, "read", "/etc/hosts");
		err_hint(&err, "write 127.0.0.1 localhost into /etc/hosts, readable for all");
		finding_fail(finding, STATE_LIMITED, &err);
	} else {
		finding_say(finding, STATE_OK, "%u server%s, not asked; and /etc/hosts", reached,
			    reached == 1 ? "" : "s");
	}
}

/*** Profiles ***/

void visit_profiles(struct visit *visit)
{
	struct finding *finding = visit->finding;
	struct known_profile *known;
	size_t len = source_list(&visit->arena, &known), files = 0, bad = 0, shadowed = 0;
	const char *first_bad = NULL;

	for (size_t i = 0; i < len; i++) {
		struct profile profile;
		struct err err;
		const char *path = known[i].path;
		bool is_bad =
			path && profile_load_file(&visit->arena, path, &profile, NULL, &err) < 0;

		files += path != NULL;
		shadowed += known[i].is_shadowed;
		bad += is_bad;
		if (is_bad && !first_bad)
			first_bad = path;
		if (path || known[i].is_shadowed)
			finding_detail(finding, "%s: %s%s%s%s", known[i].name,
				       path ? word_printable(&visit->arena, path) : "built in",
				       known[i].is_shadowed ? ", shadowed by one before it" : "",
				       is_bad ? ": " : "", is_bad ? err.subject : "");
	}
	finding_say(finding, bad ? STATE_LIMITED : STATE_OK,
		    "%zu built in, %zu file%s, %zu of them bad, %zu shadowed", len - files, files,
		    files == 1 ? "" : "s", bad, shadowed);
	if (first_bad)
		(void)snprintf(finding->fix, sizeof finding->fix,
			       "aisbx check %s tells what to write",
			       word_printable(&visit->arena, first_bad));
}
