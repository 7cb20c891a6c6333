/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Host grants: what network.hosts and network.private mean. Pure: no look-up
 * is made here. The broker decides with hosts_find_*() and host_permits() and
 * with nothing else, so that what is checked is what is dialled.
 */
#ifndef AISBX_POLICY_HOSTS_H
#define AISBX_POLICY_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hostname.h"
#include "policy/addresses.h"
#include "policy/profile.h"

enum {
	HOST_PORTS_MAX = 64, /* ports of one grant */
};

enum host_kind {
	HOST_NAME,	 /* name itself */
	HOST_SUBDOMAINS, /* every name below name, at any depth; not name itself */
	HOST_ANY,	 /* every name with a dot in it; no profile grants this: learn */
	HOST_NET,	 /* net/prefix_len: one address or a range of them */
};

struct port_range {
	uint16_t first;
	uint16_t last;
};

struct host_grant {
	enum host_kind kind;
	const char *name; /* lower case, A-labels, no trailing dot; of HOST_NET as written */
	struct address net;
	unsigned prefix_len; /* as in address_in_net() */
	struct port_range ports[HOST_PORTS_MAX];
	size_t ports_len;
	bool is_private; /* may lead to private, loopback and link-local addresses */
	bool tls_any;	 /* port 443 need not speak TLS for this name */
	const char *why; /* "profile.yaml:4" or "command line", for show and messages */
};

struct host_grants {
	struct host_grant *items;
	size_t len;
};

/*
 * Parses one grant as written: NAME, *.NAME, IPv4, IPv6 (in brackets when a port
 * follows), CIDR, or an URL; then :PORT, :FIRST-LAST or a comma list of them
 * (default 443, or what the URL's scheme says). U-labels become A-labels.
 * On failure -EINVAL and *ret_why says what is wrong and what to write.
 */
int host_grant_parse(struct arena *arena, const char *text, bool is_private,
		     struct host_grant *ret_grant, const char **ret_why);

/*
 * What an observed run may reach: every name, and every address, that is public, at the ports
 * of common services. Fills grants, which has room for HOSTS_ANY_LEN more.
 */
enum {
	HOSTS_ANY_LEN = 3
};
void hosts_add_any_public(struct host_grants *grants);

/* The grant's host as host_grant_parse() takes it: *.NAME, NAME, an address, [IPV6]. */
const char *host_grant_host(struct arena *arena, const struct host_grant *grant);
/* "443" or "8000-8063": range number i of the grant. */
const char *host_grant_ports(struct arena *arena, const struct host_grant *grant, size_t i);

bool host_grant_has_port(const struct host_grant *grant, uint16_t port);
/* Whether a name of hostname_normalize() is the grant's. Never true for HOST_NET. */
bool host_grant_matches(const struct host_grant *grant, const char *name);

/* Whether any grant names it, whatever the port. */
bool hosts_know(const struct host_grants *grants, const char *name);
/*
 * The grant for a normalized name and port, or NULL. Of several the one that
 * allows more is found: private before not, tls_any before not.
 */
const struct host_grant *hosts_find_name(const struct host_grants *grants, const char *name,
					 uint16_t port);
/* The same for a literal address. */
const struct host_grant *hosts_find_address(const struct host_grants *grants,
					    const struct address *address, uint16_t port);

/*
 * Whether a connection under grant may go to address: public ones always;
 * loopback, link-local and private ones under a private grant; private ones also
 * where an address or net within RFC 1918, CGNAT or ULA is granted literally;
 * ADDRESS_NEVER only where a private grant names it literally.
 */
bool host_permits(const struct host_grant *grant, const struct address *address);

#endif
