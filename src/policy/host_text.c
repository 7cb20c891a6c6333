/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Host grants as text: host_grant_parse() of hosts.h.
 *
 * A text is cut into host and ports first (a URL into scheme, host and port);
 * nothing of it is decoded twice. Whatever has two readings is an error that
 * names the one spelling to write. Each function returns NULL, or the reason.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/hosts.h"
#include "policy/ports.h"
#include "policy/words.h"

enum {
	DEFAULT_PORT = 443,
	V4_PREFIX_LEN = 96, /* of ::ffff:0:0 */
};

/* One text, cut up. */
struct parts {
	const char *host;
	const char *ports;  /* NULL: none written */
	const char *scheme; /* NULL: no URL */
	bool is_bracketed;  /* host stood in [] */
};

static const struct {
	const char *name;
	uint16_t port;
} schemes[] = {
	{ "http", 80 },	   { "https", 443 },  { "ws", 80 },	    { "wss", 443 },
	{ "ssh", 22 },	   { "git", 9418 },   { "postgres", 5432 }, { "postgresql", 5432 },
	{ "redis", 6379 }, { "mysql", 3306 },
};

/*** Cutting ***/

/* What a reader could not see, or take for something else. */
static const char *check_characters(struct arena *arena, const char *text)
{
	size_t len = strlen(text), bytes;
	unsigned code = 0;

	if (len == 0)
		return "an empty host; write HOST[:PORT]";
	/* what stands before it may be a password, which no message may show */
	if (strchr(text, '@'))
		return "an '@': users, passwords and paths do not belong in a grant; write "
		       "HOST[:PORT] alone";
	for (const char *at = text; *at; at += bytes) {
		bytes = utf8_decode(at, len - (size_t)(at - text), &code);
		if (bytes == 0 || code <= ' ' || code == 0x7f || (code >= 0x80 && code <= 0xa0) ||
		    code_is_invisible(code))
			return arena_printf(arena,
					    "%s has a space or a character that cannot be seen; "
					    "write HOST[:PORT]",
					    word_quote(arena, text));
	}
	return NULL;
}

/* Takes scheme and path off a URL; *at is then what stands between. */
static const char *cut_url(char **at, struct parts *parts)
{
	char *end = strstr(*at, "://");

	if (end) {
		*end = '\0';
		parts->scheme = *at;
		*at = end + 3;
		(*at)[strcspn(*at, "/?#")] = '\0';
	}
	if (end && (!*parts->scheme || !**at))
		return "a URL without a scheme or a host; write https://HOST, or HOST alone";
	return NULL;
}

/* text is HOST[:PORTS], changed in place. whole is for messages. */
static const char *cut_ports(struct arena *arena, char *text, const char *whole,
			     struct parts *parts)
{
	char *colon = strchr(text, ':'), *end = strchr(text, ']');

	if (text[0] == '[' && end) {
		if (end[1] && end[1] != ':')
			return arena_printf(arena,
					    "%s has text after ']'; write [ADDRESS]:PORT, or "
					    "[ADDRESS/LEN]:PORT for a net",
					    word_quote(arena, whole));
		parts->is_bracketed = true;
		parts->ports = end[1] ? end + 2 : NULL;
		*end = '\0';
		parts->host = text + 1;
		return NULL;
	}
	parts->host = text;
	/* more than one: an IPv6 address without a port */
	if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
		parts->ports = colon + 1;
	}
	return NULL;
}

/*** Ports ***/

static const char *default_port(struct arena *arena, const struct parts *parts, uint16_t *ret_port)
{
	if (!parts->scheme) {
		*ret_port = DEFAULT_PORT;
		return NULL;
	}
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (strcasecmp(schemes[i].name, parts->scheme) == 0) {
			*ret_port = schemes[i].port;
			return NULL;
		}
	}
	return arena_printf(arena, "the port of scheme %s is not known; write HOST:PORT",
			    word_quote(arena, parts->scheme));
}

/* One port or FIRST-LAST, of *at up to a comma or the end. */
static const char *parse_range(struct arena *arena, const char *text, struct port_range *ret_range)
{
	size_t first_len = strcspn(text, "-");
	uint16_t first, last;

	if (!port_parse(text, first_len, &first) ||
	    !port_parse(text[first_len] ? text + first_len + 1 : text,
			strlen(text[first_len] ? text + first_len + 1 : text), &last))
		return arena_printf(arena,
				    "%s is not a port; write a number from 1 to 65535, FIRST-LAST, "
				    "or several with commas",
				    word_quote(arena, text));
	if (first == 0)
		return "port 0 is none; write a number from 1 to 65535";
	if (first > last)
		return arena_printf(arena, "ports %s run backwards; write %d-%d",
				    word_quote(arena, text), last, first);
	*ret_range = (struct port_range){ first, last };
	return NULL;
}

static const char *parse_ports(struct arena *arena, const struct parts *parts,
			       struct host_grant *grant)
{
	const char *at = parts->ports, *why = NULL;
	size_t sum = 0;
	uint16_t port = 0;

	if (!at) {
		why = default_port(arena, parts, &port);
		if (!why)
			grant->ports[grant->ports_len++] = (struct port_range){ port, port };
		return why;
	}
	for (;;) {
		size_t len = strcspn(at, ",");
		struct port_range range;

		why = parse_range(arena, arena_strndup(arena, at, len), &range);
		if (why)
			return why;
		sum += (size_t)(range.last - range.first) + 1;
		if (sum > HOST_PORTS_MAX)
			return arena_printf(arena,
					    "%s are more than %d ports; write those that are "
					    "needed",
					    word_quote(arena, parts->ports), HOST_PORTS_MAX);
		grant->ports[grant->ports_len++] = range;
		if (!at[len])
			return NULL;
		at += len + 1;
	}
}

/*** Addresses ***/

static struct address net_of(const struct address *address, unsigned prefix_len)
{
	struct address net = *address;

	for (unsigned bit = prefix_len; bit < 128; bit++)
		net.in6.s6_addr[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return net;
}

/* /LEN of a net, after an address of either family. */
static const char *parse_prefix_len(struct arena *arena, const char *text, unsigned most,
				    unsigned *ret_len)
{
	uint16_t len;

	if (!port_parse(text, strlen(text), &len) || len > most)
		return arena_printf(arena, "'/%s' is not the length of a prefix; write /0 to /%u",
				    word_printable(arena, text), most);
	*ret_len = len;
	return NULL;
}

static const char *host_bits_reason(struct arena *arena, const char *host,
				    const struct address *net, const char *slash)
{
	char buf[INET6_ADDRSTRLEN];

	return arena_printf(arena, "%s has bits set after its prefix; the net is %s%s",
			    word_quote(arena, host), address_format(net, buf), slash);
}

/* What a literal needs network.private for, or NULL. */
static const char *check_public(struct arena *arena, const char *host,
				const struct host_grant *grant)
{
	const char *what = NULL;

	switch (address_net_class(&grant->net, grant->prefix_len)) {
	case ADDRESS_PUBLIC:
		return NULL;
	case ADDRESS_PRIVATE:
		if (address_net_is_own(&grant->net, grant->prefix_len))
			return NULL;
		what = "leads to private addresses";
		break;
	case ADDRESS_LOOPBACK:
		what = "is this machine itself";
		break;
	case ADDRESS_LINK_LOCAL:
		what = "is a link-local or cloud metadata address";
		break;
	case ADDRESS_NEVER:
		what = "is no address of a host on the internet";
		break;
	}
	return arena_printf(arena,
			    "%s %s; if the box may reach it, put it under network.private "
			    "(--allow-private-host)",
			    word_quote(arena, host), what);
}

/* host is an address, or a net, whose first address_len bytes are address. */
static const char *parse_net(struct arena *arena, const char *host, size_t address_len,
			     const struct address *address, struct host_grant *grant)
{
	/* as it is written: ::ffff:10.0.0.0 has a prefix of IPv6 */
	bool is_v4 = !memchr(host, ':', address_len);
	unsigned most = is_v4 ? 32 : 128, len = most;
	const char *why = NULL;

	if (host[address_len])
		why = parse_prefix_len(arena, host + address_len + 1, most, &len);
	if (why)
		return why;
	grant->kind = HOST_NET;
	grant->name = host;
	grant->prefix_len = is_v4 ? len + V4_PREFIX_LEN : len;
	grant->net = net_of(address, grant->prefix_len);
	if (memcmp(&grant->net, address, sizeof *address) != 0)
		return host_bits_reason(arena, host, &grant->net, host + address_len);
	return grant->is_private ? NULL : check_public(arena, host, grant);
}

/*** Names ***/

static bool is_ascii(const char *text)
{
	while (*text && !(*text & 0x80))
		text++;
	return !*text;
}

/* Whether a label begins with the sign of an A-label. */
static bool has_a_label(const char *name)
{
	for (const char *at = name; at; at = strchr(at, '.')) {
		at += *at == '.';
		if (strncasecmp(at, "xn--", 4) == 0)
			return true;
	}
	return false;
}

/* U-labels become A-labels (RFC 5891, with the mapping of UTS 46); A-labels are checked. */
static const char *to_a_labels(struct arena *arena, const char *name, const char **ret_name)
{
	uint8_t *converted = NULL;
	bool ascii = is_ascii(name);
	int r;

	*ret_name = name;
	if (ascii && !has_a_label(name))
		return NULL;
	r = idn2_lookup_u8((const uint8_t *)name, &converted,
			   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	/* Registries outside the rules sell names with symbols; their A-labels are not ambiguous. */
	if (ascii && (r == IDN2_DISALLOWED || r == IDN2_UNASSIGNED))
		return NULL;
	if (r != IDN2_OK)
		return arena_printf(arena, "%s is not a valid internationalised name: %s",
				    word_quote(arena, name), idn2_strerror(r));
	*ret_name = arena_strdup(arena, (const char *)converted);
	idn2_free(converted);
	return NULL;
}

static const char *number_reason(struct arena *arena, const char *host, const char *name)
{
	char buf[INET_ADDRSTRLEN];
	struct in_addr address;

	if (inet_aton(name, &address) == 0)
		return arena_printf(arena,
				    "%s ends in a number and is no address; write four numbers "
				    "from 0 to 255, or a name",
				    word_quote(arena, host));
	return arena_printf(arena, "%s is another spelling of an address; write %s",
			    word_quote(arena, host), inet_ntop(AF_INET, &address, buf, sizeof buf));
}

static const char *name_reason(struct arena *arena, const char *host)
{
	const char *slash = strchr(host, '/');

	if (strchr(host, '*'))
		return arena_printf(arena,
				    "%s: a * stands for whole labels at the start; write "
				    "*.NAME for all hosts below NAME",
				    word_quote(arena, host));
	if (strchr(host, '%'))
		return arena_printf(arena,
				    "%s has a zone or an escape; write the plain address or name",
				    word_quote(arena, host));
	if (slash && slash > host)
		return arena_printf(
			arena, "%s has a path; write the host alone, as in '%s'",
			word_quote(arena, host),
			word_printable(arena, arena_strndup(arena, host, (size_t)(slash - host))));
	return arena_printf(arena,
			    "%s is not a host; write a name of letters, digits and - in labels "
			    "of at most 63, or an address",
			    word_quote(arena, host));
}

static bool is_public_suffix(const char *name)
{
	const psl_ctx_t *list = psl_builtin(); /* data of the program: nothing is read */

	return !list || psl_is_public_suffix(list, name);
}

static const char *parse_name(struct arena *arena, const char *host, struct host_grant *grant)
{
	bool is_wild = strncmp(host, "*.", 2) == 0;
	char name[HOSTNAME_BYTES];
	const char *text, *why = to_a_labels(arena, host + (is_wild ? 2 : 0), &text);

	if (why && !strpbrk(host, "*%/"))
		return why;
	if (why || !hostname_normalize(text, strlen(text), name))
		return name_reason(arena, host);
	if (is_wild && hostname_ends_in_number(name))
		return arena_printf(arena, "%s: a * is for names alone; write a net as ADDRESS/LEN",
				    word_quote(arena, host));
	if (hostname_ends_in_number(name))
		return number_reason(arena, host, name);
	if (is_wild && is_public_suffix(name))
		return arena_printf(arena,
				    "%s is every host below a public suffix, of anybody; write the "
				    "whole name",
				    word_quote(arena, host));
	if (!grant->is_private && hostname_is_localhost(name))
		return arena_printf(arena,
				    "%s is this machine itself; if the box may reach it, put it "
				    "under network.private (--allow-private-host)",
				    word_quote(arena, host));
	grant->kind = is_wild ? HOST_SUBDOMAINS : HOST_NAME;
	grant->name = arena_strdup(arena, name);
	return NULL;
}

/*** The whole ***/

static const char *parse_host(struct arena *arena, const struct parts *parts,
			      struct host_grant *grant)
{
	const char *host = parts->host;
	size_t len = strcspn(host, "/");
	struct address address;
	bool is_address = address_parse(host, len, &address);

	if (is_address && parts->is_bracketed && !memchr(host, ':', len))
		return arena_printf(arena, "%s is not an IPv6 address; write it without brackets",
				    word_quote(arena, host));
	if (is_address)
		return parse_net(arena, host, len, &address, grant);
	if (parts->is_bracketed || strchr(host, ':'))
		return arena_printf(arena,
				    "%s is not an IPv6 address; write HOST:PORT, or [ADDRESS]:PORT",
				    word_quote(arena, host));
	return parse_name(arena, host, grant);
}

int host_grant_parse(struct arena *arena, const char *text, bool is_private,
		     struct host_grant *ret_grant, const char **ret_why)
{
	struct host_grant grant = { .is_private = is_private };
	struct parts parts = { 0 };
	char *at = arena_strdup(arena, text);
	const char *why = check_characters(arena, text), *whole;

	if (!why)
		why = cut_url(&at, &parts);
	whole = arena_strdup(arena, at);
	if (!why)
		why = cut_ports(arena, at, whole, &parts);
	if (!why)
		why = parse_host(arena, &parts, &grant);
	if (!why)
		why = parse_ports(arena, &parts, &grant);
	if (why) {
		*ret_why = why;
		return -EINVAL;
	}
	*ret_grant = grant;
	return 0;
}

/*** Back to text ***/

const char *host_grant_host(struct arena *arena, const struct host_grant *grant)
{
	switch (grant->kind) {
	case HOST_SUBDOMAINS:
		return arena_printf(arena, "*.%s", grant->name);
	case HOST_NET:
		if (strchr(grant->name, ':'))
			return arena_printf(arena, "[%s]", grant->name);
		break;
	case HOST_NAME:
	case HOST_ANY:
		break;
	}
	return grant->name;
}

const char *host_grant_ports(struct arena *arena, const struct host_grant *grant, size_t i)
{
	const struct port_range *range = &grant->ports[i];

	if (range->first == range->last)
		return arena_printf(arena, "%d", range->first);
	return arena_printf(arena, "%d-%d", range->first, range->last);
}
