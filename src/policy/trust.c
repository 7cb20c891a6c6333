/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What programs in the box trust: see trust.h. */
#include "policy/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/lists.h"

enum {
	BUNDLE_GUESS = 256 << 10,
	BUNDLE_MAX = 16 << 20,
};

const char *const trust_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Arch, Gentoo */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
	"/etc/ssl/ca-bundle.pem",	      /* openSUSE */
	"/etc/ssl/cert.pem",		      /* Alpine */
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

int trust_read(struct arena *arena, struct plan *plan, const char **ret_text, struct err *reterr)
{
	const char *named = variable(plan, "SSL_CERT_FILE"), *path = NULL;
	_cleanup_close_ int fd = -1;
	char *bundle = arena_strdup(arena, ""), *text;
	ssize_t len = 0;

	for (size_t i = 0; fd < 0 && trust_bundles[i]; i++) {
		path = trust_bundles[i];
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	/* openssl(1ssl) and what is built with it read the same variable */
	plan->gateway.store = named ? named : fd >= 0 ? path : NULL;
	if (!plan->gateway.store)
		return err_msg(reterr, E_GRANT,
			       "no certificates on this host to check servers with; install them "
			       "(ca-certificates), or name a file in SSL_CERT_FILE");
	if (fd >= 0)
		len = arena_read(arena, fd, BUNDLE_GUESS, BUNDLE_MAX, &bundle);
	if (len < 0 || len > BUNDLE_MAX)
		return err_set(reterr, E_GRANT, len < 0 ? (int)-len : EFBIG, "read", path);
	text = arena_alloc(arena, (size_t)len + 1 + CA_ROOM + 1);
	memcpy(text, bundle, (size_t)len);
	memset(text + len, '\n', 1 + CA_ROOM);
	plan->gateway.ca = text + len + 1;
	*ret_text = text;
	return 0;
}

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
