/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host of an URL: see urls.h. */
#include "policy/urls.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/hostname.h"
#include "policy/addresses.h"
#include "policy/ports.h"
#include "policy/words.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

enum {
	HOST_BYTES_MAX = 253,
	URL_BYTES_MAX = 4096,
};

/* How a registry is spoken to, before the scheme proper: "sparse+https". */
static const char *const wrappers[] = { "sparse", "registry", "git", "mirror" };

/* Ports of 0 name no host. */
static const struct {
	const char *name;
	uint16_t port;
} schemes[] = {
	{ "https", 443 }, { "http", 80 }, { "ssh", 22 },  { "git", 9418 }, { "mirror", 80 },
	{ "file", 0 },	  { "copy", 0 },  { "cdrom", 0 }, { "path", 0 },
};

const char *url_quote(struct arena *arena, const char *text)
{
	const char *at = strrchr(text, '@');
	const char *shown = at ? at + 1 : text;

	return word_quote(arena, arena_strndup(arena, shown, strcspn(shown, "?#")));
}

/*** Parts ***/

static bool is_equal(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

/* Skips "sparse+" and its like. */
static const char *skip_wrapper(const char *text)
{
	for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
		size_t len = strlen(wrappers[i]);

		if (strncasecmp(text, wrappers[i], len) == 0 && text[len] == '+')
			return text + len + 1;
	}
	return text;
}

/* The row of schemes, or their number. */
static size_t find_scheme(const char *text, size_t len)
{
	size_t i = 0;

	while (i < sizeof schemes / sizeof *schemes && !is_equal(text, len, schemes[i].name))
		i++;
	return i;
}

/* What a company's own registry has. Not link-local, where clouds hand out credentials. */
static bool is_private_address(const struct address *address)
{
	enum address_class class = address_class(address);

	return class == ADDRESS_LOOPBACK || class == ADDRESS_PRIVATE;
}

/* localhost and names below it: RFC 6761 keeps them on the machine. */
static bool is_local_name(const char *name)
{
	char normal[HOSTNAME_BYTES];

	return hostname_normalize(name, strlen(name), normal) && hostname_is_localhost(normal);
}

/* Bytes of a host's name: letters, digits, . - _ and what is not ASCII. */
static size_t name_span(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && ((unsigned char)text[i] >= 0x80 || strchr(LETTERS DIGITS ".-_", text[i])))
		i++;
	return i;
}

static char *lower(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_strndup(arena, text, len);

	for (char *c = copy; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	}
	return copy;
}

/*** URLs ***/

/* HOST[:PORT] of len bytes. */
static int parse_host(struct arena *arena, const char *text, size_t len, uint16_t port,
		      struct url *url, const char **ret_why)
{
	bool is_v6 = len > 0 && text[0] == '[';
	const char *end = is_v6 ? memchr(text, ']', len) : NULL;
	size_t span = is_v6 ? (end ? (size_t)(end - text) - 1 : 0) : name_span(text, len);
	char *name = lower(arena, text + is_v6, span);
	struct address address;
	bool is_address = address_parse(name, span, &address);

	if (span == 0 || span > HOST_BYTES_MAX || (is_v6 && !(is_address && strchr(name, ':')))) {
		*ret_why = "has no host; write https://HOST/...";
		return -EINVAL;
	}
	text += span + 2 * is_v6;
	len -= span + 2 * is_v6;
	if ((len > 0 && text[0] != ':') || (len > 1 && !port_parse(text + 1, len - 1, &port)) ||
	    port == 0) {
		*ret_why = "has no host and port that can be granted; write https://HOST:PORT/...";
		return -EINVAL;
	}
	url->kind = URL_HOST;
	url->host = arena_printf(arena, is_v6 ? "[%s]:%u" : "%s:%u", name, port);
	url->is_private = is_address ? is_private_address(&address) : is_local_name(name);
	return 0;
}

/* ${NAME}, $NAME: what the tool would put in is not known here. */
static bool has_variable(const char *text, size_t len)
{
	return memchr(text, '$', len) != NULL;
}

/* Whatever the URL leads to, and whether or not it is one that is understood. */
static const char *without_user(struct arena *arena, const char *text)
{
	const char *colon = strstr(text, "://"), *authority = colon ? colon + 3 : "";
	const char *at = memrchr(authority, '@', strcspn(authority, "/\\?#"));

	return at ? arena_printf(arena, "%.*s%s", (int)(authority - text), text, at + 1) : text;
}

int url_parse(struct arena *arena, const char *text, struct url *ret_url, const char **ret_why)
{
	const char *scheme = skip_wrapper(text);
	size_t len = strspn(scheme, LETTERS DIGITS "+-.");
	size_t row = find_scheme(scheme, len);
	struct url url = { .kind = URL_OTHER, .anonymous = without_user(arena, text) };

	if (strlen(text) > URL_BYTES_MAX) {
		*ret_why = "is too long for an URL";
		return -EINVAL;
	}
	if ((text[0] == '/' && text[1] != '/') || text[0] == '.' || text[0] == '~' ||
	    (scheme[len] == ':' && row < sizeof schemes / sizeof *schemes &&
	     schemes[row].port == 0)) {
		url.kind = URL_LOCAL;
		*ret_url = url;
		return 0;
	}
	if (len == 0 || strncmp(scheme + len, "://", 3) != 0 || word_has_control(text) ||
	    strchr(text, ' ')) {
		if (has_variable(text, strlen(text))) {
			*ret_url = url;
			return 0;
		}
		*ret_why = "is not an URL; write https://HOST/...";
		return -EINVAL;
	}
	const char *authority = scheme + len + 3;
	size_t authority_len = strcspn(authority, "/\\?#");
	const char *at = memrchr(authority, '@', authority_len);
	const char *host = at ? at + 1 : authority;
	size_t host_len = authority_len - (size_t)(host - authority);

	if (row < sizeof schemes / sizeof *schemes && !has_variable(host, host_len)) {
		int r = parse_host(arena, host, host_len, schemes[row].port, &url, ret_why);
		if (r < 0)
			return r;
	}
	*ret_url = url;
	return 0;
}
