/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host grants, what they allow: see hosts.h. (What they are as text: host_text.c) */
#include "policy/hosts.h"

#include <string.h>

enum {
	V4_PREFIX_LEN = 96, /* of ::ffff:0:0 */
};

/*** Matching ***/

bool host_grant_has_port(const struct host_grant *grant, uint16_t port)
{
	for (size_t i = 0; i < grant->ports_len; i++) {
		if (port >= grant->ports[i].first && port <= grant->ports[i].last)
			return true;
	}
	return false;
}

static bool is_below(const char *name, const char *parent)
{
	size_t len = strlen(name), parent_len = strlen(parent);

	/* at least one letter and the dot */
	return len > parent_len + 1 && name[len - parent_len - 1] == '.' &&
	       strcmp(name + len - parent_len, parent) == 0;
}

bool host_grant_matches(const struct host_grant *grant, const char *name)
{
	switch (grant->kind) {
	case HOST_NAME:
		return strcmp(name, grant->name) == 0;
	case HOST_SUBDOMAINS:
		return is_below(name, grant->name);
	case HOST_NET:
		break;
	}
	return false;
}

/* A net of IPv6 has no IPv4 address in it, not even ::/0. */
static bool has_address(const struct host_grant *grant, const struct address *address)
{
	if (grant->kind != HOST_NET ||
	    (address_is_v4(address) && grant->prefix_len < V4_PREFIX_LEN))
		return false;
	return address_in_net(address, &grant->net, grant->prefix_len);
}

bool hosts_know(const struct host_grants *grants, const char *name)
{
	for (size_t i = 0; i < grants->len; i++) {
		if (host_grant_matches(&grants->items[i], name))
			return true;
	}
	return false;
}

static int allowance(const struct host_grant *grant)
{
	return 2 * grant->is_private + grant->tls_any;
}

const struct host_grant *hosts_find_name(const struct host_grants *grants, const char *name,
					 uint16_t port)
{
	const struct host_grant *best = NULL;

	for (size_t i = 0; i < grants->len; i++) {
		const struct host_grant *grant = &grants->items[i];

		if (host_grant_matches(grant, name) && host_grant_has_port(grant, port) &&
		    (!best || allowance(grant) > allowance(best)))
			best = grant;
	}
	return best;
}

const struct host_grant *hosts_find_address(const struct host_grants *grants,
					    const struct address *address, uint16_t port)
{
	const struct host_grant *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < grants->len; i++) {
		const struct host_grant *grant = &grants->items[i];
		/* 10.0.0.0/8 before 0.0.0.0/0, which does not lead to private addresses */
		int rank = 4 * host_permits(grant, address) + allowance(grant);

		if (has_address(grant, address) && host_grant_has_port(grant, port) &&
		    rank > best_rank) {
			best = grant;
			best_rank = rank;
		}
	}
	return best;
}

/*** Permission ***/

bool host_permits(const struct host_grant *grant, const struct address *address)
{
	/* a literal grant leads to what it says, whoever asks */
	if (grant->kind == HOST_NET && !has_address(grant, address))
		return false;
	switch (address_class(address)) {
	case ADDRESS_PUBLIC:
		return true;
	case ADDRESS_LOOPBACK:
	case ADDRESS_LINK_LOCAL:
		return grant->is_private;
	case ADDRESS_PRIVATE:
		return grant->is_private || (grant->kind == HOST_NET &&
					     address_net_is_own(&grant->net, grant->prefix_len));
	case ADDRESS_NEVER:
		return grant->is_private && grant->kind == HOST_NET &&
		       address_net_class(&grant->net, grant->prefix_len) == ADDRESS_NEVER;
	}
	return false;
}
