/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules about HTTP requests: "GET /v1/" and the like, and the paths they are held against. Pure. */
#ifndef AISBX_POLICY_HTTP_RULES_H
#define AISBX_POLICY_HTTP_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/hosts.h"

struct http_rule {
	struct host_grant host;
	const char *method; /* or "*" */
	const char *path;   /* a pattern in which * stands for any bytes */
	const char *why;
};

/* Cuts "METHOD PATH". Returns NULL, or the reason and what to write. */
const char *http_rule_read(struct arena *arena, const char *text, const char **ret_method,
			   const char **ret_path);
/* "HOST[:PORT] METHOD PATH", as network.http and --http have it. */
const char *value_check_http(struct arena *arena, const char *value);
/* Each returns NULL, or the reason. */
const char *http_check_method(struct arena *arena, const char *value);
const char *http_check_path(struct arena *arena, const char *value);

/*
 * The path of a request's target (up to a '?') in its one spelling: no ".", ".." or empty
 * segments. ret_sent, as large as len + 1 bytes, is that with the bytes of its segments as they
 * came; ret_matched, the same size, has them decoded but for %2F. False for what servers read in
 * different ways: an escape that is none, one of a control character, a backslash, a dot segment
 * behind %2F, behind a second escape or before a ';', and a ".." above the root.
 */
bool http_path_normalize(const char *path, size_t len, char *ret_sent, char *ret_matched);

bool http_path_matches(const char *pattern, const char *path);

#endif
