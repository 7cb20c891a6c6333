/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules about HTTP requests: see http_rules.h. */
#include "policy/http_rules.h"

#include <string.h>
#include <strings.h>

#include "policy/words.h"

/*** As written ***/

const char *http_check_method(struct arena *arena, const char *value)
{
	size_t len = strlen(value);

	if (strcmp(value, "*") == 0)
		return NULL;
	if (len == 0 || len > 32 || strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != len)
		return arena_printf(arena, "%s is not a method; write one such as GET, or *",
				    word_quote(arena, value));
	return NULL;
}

const char *http_check_path(struct arena *arena, const char *value)
{
	if (value[0] != '/' && strcmp(value, "*") != 0)
		return arena_printf(arena,
				    "%s is not a path; write one that begins with /, as in "
				    "/v1/*",
				    word_quote(arena, value));
	for (const char *at = value; *at; at++) {
		if ((unsigned char)*at <= ' ' || *at == 0x7f || strchr("?#\\%", *at))
			return arena_printf(
				arena,
				"%s has a blank, '?', '#', '\\' or an escape; write the "
				"path alone, as in /v1/*",
				word_quote(arena, value));
	}
	const char *last = strrchr(value, '/');

	if (strstr(value, "//") || strstr(value, "/../") || strstr(value, "/./") ||
	    (last && (strcmp(last, "/..") == 0 || strcmp(last, "/.") == 0)))
		return arena_printf(arena,
				    "%s has an empty segment or one of dots, which no path has "
				    "when it is matched; leave them out",
				    word_quote(arena, value));
	return NULL;
}

const char *http_rule_read(struct arena *arena, const char *text, const char **ret_method,
			   const char **ret_path)
{
	const char *blank = strchr(text, ' ');

	if (!blank)
		return arena_printf(arena, "%s is not METHOD PATH; write one such as 'GET /v1/*'",
				    word_quote(arena, text));
	*ret_method = arena_strndup(arena, text, (size_t)(blank - text));
	*ret_path = blank + 1;
	const char *why = http_check_method(arena, *ret_method);
	return why ? why : http_check_path(arena, *ret_path);
}

const char *value_check_http(struct arena *arena, const char *value)
{
	const char *blank = strchr(value, ' '), *why = NULL, *method, *path;
	struct host_grant grant;

	if (!blank)
		return arena_printf(arena,
				    "%s is not HOST METHOD PATH; write one such as "
				    "'api.example.com GET /v1/*'",
				    word_quote(arena, value));
	char *host = arena_strndup(arena, value, (size_t)(blank - value));
	if (host_grant_parse(arena, host, true, &grant, &why) < 0)
		return why;
	if (grant.kind == HOST_NET)
		return arena_printf(arena, "%s is an address; HTTP rules are for hosts by name",
				    word_quote(arena, host));
	return http_rule_read(arena, blank + 1, &method, &path);
}

/*** Matching ***/

bool http_path_matches(const char *pattern, const char *path)
{
	const char *star = NULL, *resume = NULL;

	while (*path) {
		if (*pattern == '*') {
			star = pattern++;
			resume = path;
		} else if (*pattern == *path) {
			pattern++;
			path++;
		} else if (star) {
			pattern = star + 1;
			path = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/*** One spelling ***/

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Decodes one segment; %2F stays. Its length, or -1. */
static long decode(const char *segment, size_t len, char *out)
{
	char *at = out;

	for (size_t i = 0; i < len; i++) {
		char c = segment[i];

		if (c == '%') {
			int high = i + 2 < len ? hex_value(segment[i + 1]) : -1;
			int low = high >= 0 ? hex_value(segment[i + 2]) : -1;

			if (low < 0)
				return -1;
			c = (char)(high * 16 + low);
			i += 2;
			/* A second server would decode it once more. */
			if (c == '%' && i + 2 < len && hex_value(segment[i + 1]) >= 0 &&
			    hex_value(segment[i + 2]) >= 0)
				return -1;
			if (c == '/') {
				memcpy(at, "%2F", 3);
				at += 3;
				continue;
			}
		}
		if ((unsigned char)c < ' ' || c == 0x7f || c == '\\')
			return -1;
		*at++ = c;
	}
	return at - out;
}

/* Whether text is a segment of one or two dots, for a server that cuts parameters off. */
static bool is_dots(const char *text, size_t len)
{
	size_t dots = 0;

	while (dots < len && text[dots] == '.')
		dots++;
	return (dots == 1 || dots == 2) && (dots == len || text[dots] == ';');
}

/* What another server may still decode or cut into a dot segment. */
static bool is_ambiguous(const char *text, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++) {
		/* our own %2F is the one escape that is left on purpose */
		if (text[i] == '%' &&
		    (strncasecmp(text + i, "%2e", 3) == 0 || strncasecmp(text + i, "%5c", 3) == 0 ||
		     strncmp(text + i, "%2f", 3) == 0))
			return true;
	}
	for (size_t from = 0; from <= len;) {
		const char *end =
			len - from >= 3 ? memmem(text + from, len - from, "%2F", 3) : NULL;
		size_t to = end ? (size_t)(end - text) : len;
		bool is_whole = from == 0 && to == len;

		if (is_dots(text + from, to - from) && (!is_whole || memchr(text, ';', len)))
			return true;
		from = end ? to + 3 : len + 1;
	}
	return false;
}

/* Takes the last segment off what stands there; false above the root. */
static bool cut_last(char *text, size_t *len)
{
	if (*len == 0)
		return false;
	while (text[--*len] != '/')
		;
	return true;
}

static void add_segment(char *text, size_t *len, const char *segment, size_t segment_len)
{
	text[(*len)++] = '/';
	memcpy(text + *len, segment, segment_len);
	*len += segment_len;
}

bool http_path_normalize(const char *path, size_t len, char *ret_sent, char *ret_matched)
{
	size_t sent = 0, matched = 0, at = 0;
	bool ends_in_slash = false;

	if (len == 0 || path[0] != '/')
		return false;
	while (at < len) {
		const char *segment = path + at + 1;
		const char *end = memchr(segment, '/', len - at - 1);
		size_t segment_len = end ? (size_t)(end - segment) : len - at - 1;
		/* decoded where it will stand: never longer than it was */
		char *decoded = ret_matched + matched + 1;
		long n = decode(segment, segment_len, decoded);

		at += 1 + segment_len;
		if (n < 0 || is_ambiguous(decoded, (size_t)n))
			return false;
		ends_in_slash = n == 0 || is_dots(decoded, (size_t)n);
		if (n == 2 && is_dots(decoded, 2)) {
			if (!cut_last(ret_matched, &matched) || !cut_last(ret_sent, &sent))
				return false;
		} else if (!ends_in_slash) {
			ret_matched[matched] = '/';
			matched += 1 + (size_t)n;
			add_segment(ret_sent, &sent, segment, segment_len);
		}
	}
	if (ends_in_slash || sent == 0) {
		ret_matched[matched++] = '/';
		ret_sent[sent++] = '/';
	}
	ret_matched[matched] = '\0';
	ret_sent[sent] = '\0';
	return true;
}
