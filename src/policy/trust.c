/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What programs in the box trust: see trust.h. */
#include "policy/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "policy/lists.h"
#include "policy/paths.h"
#include "policy/steps.h"

enum {
	BUNDLE_MAX = 16 << 20,
};

const char *const trust_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Arch, Gentoo */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
	"/etc/ssl/ca-bundle.pem",	      /* openSUSE */
	"/etc/ssl/cert.pem",		      /* Alpine */
	NULL,
};

static const char *const java_stores[] = {
	"/etc/ssl/certs/java/cacerts",		 /* Debian, Arch, Alpine */
	"/etc/pki/java/cacerts",		 /* Fedora, RHEL */
	"/var/lib/ca-certificates/java-cacerts", /* openSUSE */
	NULL,
};

static const char *variable(const struct plan *plan, const char *name)
{
	size_t len = strlen(name);

	for (char *const *item = plan->facts->environ; *item; item++) {
		if (strncmp(*item, name, len) == 0 && (*item)[len] == '=' && (*item)[len + 1])
			return *item + len + 1;
	}
	return NULL;
}

static int open_bundle(const char **ret_path)
{
	for (size_t i = 0; trust_bundles[i]; i++) {
		int fd = open(trust_bundles[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		*ret_path = trust_bundles[i];
		return fd;
	}
	return -1;
}

int trust_find(struct arena *arena, struct plan *plan, struct err *reterr)
{
	struct trust *trust = arena_alloc(arena, sizeof *trust);
	const char *named = variable(plan, "SSL_CERT_FILE"), *path = NULL;
	_cleanup_close_ int fd = open_bundle(&path);
	struct stat st = { 0 };

	if (fd >= 0 && fstat(fd, &st) < 0)
		return err_set(reterr, E_GRANT, errno, "read", path);
	if (st.st_size > BUNDLE_MAX)
		return err_set(reterr, E_GRANT, EFBIG, "read", path);
	/* openssl(1ssl) and what is built with it read the same variable */
	plan->gateway.store = named ? named : path;
	if (!plan->gateway.store)
		return err_msg(reterr, E_GRANT,
			       "no certificates on this host to check servers with; install them "
			       "(ca-certificates), or name a file in SSL_CERT_FILE");
	trust->text_len = (size_t)st.st_size + 1 + CA_ROOM;
	trust->text = arena_map(arena, fd, (size_t)st.st_size, 1 + CA_ROOM);
	if (!trust->text)
		return err_set(reterr, E_GRANT, errno, "read", path);
	trust->ca = trust->text + trust->text_len - CA_ROOM;
	trust->ca[-1] = '\n';
	plan->gateway.trust = trust;
	return 0;
}

/*** Java ***/

static void add_home(struct arena *arena, const char *home, struct strv *paths)
{
	strv_push(arena, paths, arena_printf(arena, "%s/lib/security/cacerts", home));
	strv_push(arena, paths, arena_printf(arena, "%s/jre/lib/security/cacerts", home)); /* 8 */
}

void trust_java_paths(const struct entries *entries, struct strv *ret_paths)
{
	static const char usual[] = "/usr/lib/jvm";
	struct arena *arena = entries->arena;
	const char *home = variable(entries->plan, "JAVA_HOME");
	const char *host_path = steps_host_path(arena, entries->plan, usual);
	DIR *dir = host_path ? opendir(host_path) : NULL;
	struct dirent *found;

	for (size_t i = 0; java_stores[i]; i++)
		strv_push(arena, ret_paths, arena_strdup(arena, java_stores[i]));
	for (size_t i = 0; i < entries->len; i++) {
		if (entry_is_bind(&entries->items[i]))
			add_home(arena, entries->items[i].box_path, ret_paths);
	}
	if (home && home[0] == '/')
		add_home(arena, path_absolute(arena, "/", home), ret_paths);
	while (dir && (found = readdir(dir))) {
		if (found->d_name[0] != '.')
			add_home(arena, arena_printf(arena, "%s/%s", usual, found->d_name),
				 ret_paths);
	}
	if (dir)
		(void)closedir(dir);
}

void trust_add_java(struct arena *arena, struct trust *trust)
{
	trust->java.room = keystore_room(trust->text_len);
	trust->java.bytes = arena_alloc(arena, trust->java.room);
}

/*** Filling ***/

void trust_begin(struct trust *trust, bool waits)
{
	enum {
		NOT_YET,
		BEGINS,
		HAS_BEGUN
	};
	int now = NOT_YET;

	if (!trust->java.bytes)
		return;
	if (atomic_compare_exchange_strong(&trust->begun, &now, BEGINS)) {
		keystore_begin(&trust->java, trust->text, trust->text_len - CA_ROOM);
		atomic_store_explicit(&trust->begun, HAS_BEGUN, memory_order_release);
	}
	while (waits && atomic_load_explicit(&trust->begun, memory_order_acquire) != HAS_BEGUN)
		(void)sys_call0(SYS_sched_yield);
}

void trust_take_ca(struct trust *trust, const char *ca)
{
	memcpy(trust->ca, ca, CA_ROOM);
	if (trust->java.bytes)
		keystore_end(&trust->java, ca, CA_ROOM);
}

/*** The environment ***/

void trust_build_env(struct arena *arena, struct plan *plan)
{
	static const char *const bundle[] = { "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
					      "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
					      "CARGO_HTTP_CAINFO" };
	static const char *const more[] = { "NODE_EXTRA_CA_CERTS", "DENO_CERT" };

	if (!plan_needs_gateway(plan))
		return;
	for (size_t i = 0; i < sizeof bundle / sizeof *bundle; i++)
		strv_push_env(arena, &plan->env,
			      arena_printf(arena, "%s=%s", bundle[i], plan->gateway.bundle));
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		strv_push_env(arena, &plan->env,
			      arena_printf(arena, "%s=%s", more[i], TRUST_CA_PATH));
}
