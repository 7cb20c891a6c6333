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
	case HOST_ANY: /* what has none is of the host or its network, localhost above all */
		return strchr(name, '.');
	case HOST_NET:
		break;
	}
	return false;
}

void hosts_add_any_public(struct host_grants *grants)
{
	static const uint16_t ports[] = { 443,	80,   21,   22,	  25,	110,  143,   465,
					  587,	853,  873,  993,  995,	1433, 3000,  3306,
					  4873, 5000, 5432, 5671, 5672, 6379, 8000,  8080,
					  8443, 8888, 9000, 9092, 9200, 9418, 11371, 27017 };
	/* At all addresses the box's own servers stand, so only what they seldom take. */
	static const struct host_grant any_net = { .kind = HOST_NET,
						   .ports = { { 443, 443 }, { 80, 80 } },
						   .ports_len = 2,
						   .why = "learn" };
	struct host_grant any = { .kind = HOST_ANY, .name = "*", .why = "learn" };

	for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
		any.ports[any.ports_len++] = (struct port_range){ ports[i], ports[i] };
	grants->items[grants->len++] = any;
	struct host_grant *v6 = &grants->items[grants->len++];
	struct host_grant *v4 = &grants->items[grants->len++];
	*v6 = *v4 = any_net;
	v6->name = "::/0";
	v4->name = "0.0.0.0/0";
	v4->net = (struct address)ADDRESS_V4(0, 0, 0, 0);
	v4->prefix_len = V4_PREFIX_LEN;
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
