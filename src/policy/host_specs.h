/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The items of network.hosts, network.private and network.publish as written. Pure. */
#ifndef AISBX_POLICY_HOST_SPECS_H
#define AISBX_POLICY_HOST_SPECS_H

#include "policy/profile.h"
#include "policy/schema.h"
#include "policy/yaml.h"

/* Each returns NULL, or the reason and what to write instead (hosts.h, publish.h). */
const char *value_check_host(struct arena *arena, const char *value);
const char *value_check_private_host(struct arena *arena, const char *value);
const char *value_check_publish(struct arena *arena, const char *value);

/*
 * Reads value, with a ",tls=any" at its end where setting is of hosts, into
 * text and tls_any of ret_spec. Returns NULL, or the reason.
 */
const char *host_spec_read(struct arena *arena, const struct setting *setting, const char *value,
			   struct host_spec *ret_spec);

/* An item that is a mapping: {host: NAME, tls: any, http: [METHOD PATH]}. */
struct host_item {
	struct host_spec spec;
	struct strv rules; /* METHOD PATH */
};

/*
 * Reads one key of it. Returns NULL, or the reason; *ret_where is
 * the node that it speaks of.
 */
const char *host_item_read_key(struct arena *arena, const struct setting *setting,
			       const struct node *key, const struct node *value,
			       struct host_item *host, const struct node **ret_where);

#endif
