/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host of an URL as configuration files of package tools write it. Pure. */
#ifndef AISBX_POLICY_URLS_H
#define AISBX_POLICY_URLS_H

#include <stdbool.h>

#include "base/arena.h"

enum url_kind {
	URL_HOST,  /* http, https, ssh or git, also below sparse+, git+ and the like */
	URL_LOCAL, /* names no host: file:, cdrom: ... */
	URL_OTHER, /* a scheme that is none of these, or a part that is a ${variable} */
};

struct url {
	enum url_kind kind;
	const char *host;      /* of URL_HOST: "name:port" or "[v6]:port", lower case */
	bool is_private;       /* of URL_HOST: localhost, or a private or loopback address */
	const char *anonymous; /* the text without user:password@ */
};

/* On failure -EINVAL and *ret_why says what is wrong; it holds no user and password. */
int url_parse(struct arena *arena, const char *text, struct url *ret_url, const char **ret_why);

/* text for messages: quoted, without what may be user, password or token. */
const char *url_quote(struct arena *arena, const char *text);

#endif
