/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan's network: see network.h. */
#include "policy/network.h"

#include <string.h>

#include "policy/registries/registries.h"
#include "policy/words.h"

enum {
	DNS_PORT = 53, /* of the box: sockets.c */
};

static int add_grants(struct arena *arena, struct plan *plan, const struct host_list *list,
		      bool is_private, struct err *reterr)
{
	struct host_grants *grants = &plan->network.grants;

	for (size_t i = 0; i < list->len; i++) {
		const struct host_spec *spec = &list->items[i];
		struct host_grant *grant = &grants->items[grants->len];
		const char *from = origin_text(arena, &spec->at), *why = NULL;

		/* it was checked when it was read */
		if (host_grant_parse(arena, spec->text, is_private, grant, &why) < 0)
			return err_msg(reterr, E_GRANT, "%s: %s", from, why);
		grant->tls_any = spec->tls_any;
		grant->why = from;
		grants->len++;
	}
	return 0;
}

static int add_registries(struct arena *arena, struct plan *plan,
			  const struct registries *registries, struct err *reterr)
{
	struct host_grants *grants = &plan->network.grants;

	for (size_t i = 0; i < registries->len; i++) {
		const struct registry *registry = &registries->items[i];
		struct host_grant *grant = &grants->items[grants->len];
		const char *why = NULL;

		if (host_grant_parse(arena, registry->host, registry->is_private, grant, &why) < 0)
			return err_msg(reterr, E_GRANT, "%s: %s", registry->why, why);
		grant->why = arena_printf(arena, "%s: %s", registry->tool, registry->why);
		grants->len++;
	}
	return 0;
}

static int read_registries(struct arena *arena, struct plan *plan, struct registries *ret,
			   struct err *reterr)
{
	const struct registry_places places = { .root = "",
						.home = plan->facts->home,
						.environment = plan->facts->environ };
	struct plan_network *network = &plan->network;

	memset(ret, 0, sizeof *ret);
	if (plan->profile->registries.len == 0)
		return 0;
	int r = registries_read(arena, &plan->profile->registries, &places, ret, reterr);
	if (r < 0)
		return r;
	network->registry_env = ret->env;
	network->registry_notes = ret->silent;
	for (size_t i = 0; i < ret->notes.len; i++)
		strv_push(arena, &network->registry_notes, ret->notes.items[i]);
	network->registry_files = ret->files;
	for (size_t i = 0; i < ret->absent.len; i++)
		strv_push(arena, &network->registry_files, ret->absent.items[i]);
	return 0;
}

static int build_grants(struct arena *arena, struct plan *plan, struct err *reterr)
{
	const struct profile *profile = plan->profile;
	struct registries registries;
	int r = read_registries(arena, plan, &registries, reterr);
	size_t most = profile->hosts.len + profile->private_hosts.len + registries.len +
		      (plan->network.any_public ? HOSTS_ANY_LEN : 0);

	if (r < 0 || most == 0)
		return r;
	plan->network.grants.items = arena_alloc(arena, most * sizeof(struct host_grant));
	r = add_grants(arena, plan, &profile->hosts, false, reterr);
	if (r == 0)
		r = add_grants(arena, plan, &profile->private_hosts, true, reterr);
	if (r == 0 && plan->network.any_public)
		hosts_add_any_public(&plan->network.grants);
	return r < 0 ? r : add_registries(arena, plan, &registries, reterr);
}

/* Whether both ask for the same port of the same address. */
static bool is_same_listener(const struct publish *a, const struct publish *b)
{
	return a->port != 0 && a->port == b->port &&
	       memcmp(&a->address, &b->address, sizeof a->address) == 0;
}

/* Whether the broker listens there itself, at 127.0.0.1 or ::1: names_listen_literals(). */
static bool takes_loopback_port(const struct host_grant *grant, uint16_t port)
{
	if (!host_grant_has_port(grant, port))
		return false;
	if (grant->kind == HOST_NET)
		return grant->prefix_len < 128 || address_class(&grant->net) == ADDRESS_LOOPBACK;
	return host_grant_matches(grant, "localhost");
}

/* Else what calls the published port would be led out of the box again. */
static int check_box_port(struct arena *arena, const struct plan *plan,
			  const struct publish *publish, const char *text, struct err *reterr)
{
	const struct host_grants *grants = &plan->network.grants;
	const char *taker = publish->box_port == DNS_PORT ? "the box's name server" : NULL;

	for (size_t i = 0; i < grants->len && !taker; i++) {
		if (takes_loopback_port(&grants->items[i], publish->box_port))
			taker = arena_printf(
				arena, "the grant of %s",
				word_quote(arena, host_grant_host(arena, &grants->items[i])));
	}
	if (!taker)
		return 0;
	return err_msg(reterr, E_GRANT,
		       "%s: cannot publish '%s': %s takes port %d of the box; let the server in "
		       "the box use another one",
		       publish->why, text, taker, publish->box_port);
}

static int build_publish(struct arena *arena, struct plan *plan, struct err *reterr)
{
	const struct host_list *list = &plan->profile->publish;
	struct plan_network *network = &plan->network;

	if (list->len == 0)
		return 0;
	network->publish = arena_alloc(arena, list->len * sizeof *network->publish);
	for (size_t i = 0; i < list->len; i++) {
		struct publish *publish = &network->publish[i];
		const char *why = NULL;

		publish->why = origin_text(arena, &list->items[i].at);
		if (publish_parse(arena, list->items[i].text, publish, &why) < 0)
			return err_msg(reterr, E_GRANT, "%s: %s", publish->why, why);
		for (size_t j = 0; j < i; j++) {
			if (is_same_listener(publish, &network->publish[j]))
				return err_msg(reterr, E_GRANT,
					       "%s: cannot publish '%s': '%s' takes the same port "
					       "of the host; take one out",
					       publish->why, list->items[i].text,
					       list->items[j].text);
		}
		int r = check_box_port(arena, plan, publish, list->items[i].text, reterr);
		if (r < 0)
			return r;
		network->publish_len++;
	}
	return 0;
}

int network_build(struct arena *arena, struct plan *plan, struct err *reterr)
{
	int r = build_grants(arena, plan, reterr);

	if (r == 0)
		r = secrets_build(arena, plan, reterr);
	return r < 0 ? r : build_publish(arena, plan, reterr);
}

bool plan_needs_gateway(const struct plan *plan)
{
	return plan->gateway.hosts.len > 0;
}

bool plan_needs_broker(const struct plan *plan)
{
	return plan->network.grants.len > 0 || plan->network.publish_len > 0;
}
