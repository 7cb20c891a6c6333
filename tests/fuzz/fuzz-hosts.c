/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as a grant of a host, and any bytes as a host's name: what is refused
 * has a message for one line, what is taken is a name that compares, and printed
 * and read again it is the same grant.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/hosts.h"
#include "policy/words.h"

enum {
	INPUT_BYTES = 4096,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)fprintf(stderr, "fuzz-hosts: %s\n", what);
	abort();
}

static void check_name(const char *bytes, size_t size)
{
	char name[HOSTNAME_BYTES], again[HOSTNAME_BYTES];

	if (!hostname_normalize(bytes, size, name))
		return;
	check(strlen(name) == size || strlen(name) + 1 == size, "a name of another length");
	check(hostname_normalize(name, strlen(name), again) && strcmp(name, again) == 0,
	      "a normalized name that is not");
}

static const char *print_grant(struct arena *arena, const struct host_grant *grant)
{
	const char *text = host_grant_host(arena, grant);

	for (size_t i = 0; i < grant->ports_len; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? "," : ":",
				    host_grant_ports(arena, grant, i));
	return text;
}

static void check_grant(struct arena *arena, const struct host_grant *grant)
{
	struct host_grants grants = { (struct host_grant *)(uintptr_t)grant, 1 };
	char name[HOSTNAME_BYTES];
	struct host_grant again;
	const char *why;

	check(grant->ports_len > 0 && grant->ports_len <= HOST_PORTS_MAX, "a number of ports");
	check(!host_grant_has_port(grant, 0), "port 0");
	check(host_grant_parse(arena, print_grant(arena, grant), grant->is_private, &again, &why) ==
			      0 &&
		      again.kind == grant->kind && again.prefix_len == grant->prefix_len &&
		      memcmp(&again.net, &grant->net, sizeof again.net) == 0 &&
		      again.ports_len == grant->ports_len && strcmp(again.name, grant->name) == 0,
	      "a grant that is another when printed");
	if (grant->kind == HOST_NET) {
		check(hosts_find_address(&grants, &grant->net, grant->ports[0].first) != NULL,
		      "a net without its first address");
		return;
	}
	check(hostname_normalize(grant->name, strlen(grant->name), name) &&
		      strcmp(name, grant->name) == 0,
	      "a name that is not normalized");
	check(hosts_know(&grants, name) == (grant->kind == HOST_NAME), "a match at the apex");
	check(!hosts_know(&grants, arena_printf(arena, "x%s", name)), "a match within a label");
	check(!hosts_know(&grants, arena_printf(arena, "%s.evil", name)), "a match at the start");
	check(hosts_know(&grants, arena_printf(arena, "x.%s", name)) ==
		      (grant->kind == HOST_SUBDOMAINS),
	      "a match below");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };

	if (size > INPUT_BYTES)
		return 0;
	/* a copy that ends where it ends, so that reading past it is noticed */
	char *bytes = malloc(size ? size : 1);
	check(bytes, "no memory");
	if (size)
		memcpy(bytes, data, size);
	check_name(bytes, size);
	for (int is_private = 0; is_private < 2; is_private++) {
		struct host_grant grant;
		const char *why = NULL;

		if (host_grant_parse(&arena, arena_strndup(&arena, bytes, size), is_private, &grant,
				     &why) == 0) {
			check_grant(&arena, &grant);
			continue;
		}
		check(why && !word_has_control(why), "a message with control characters");
		check(strlen(why) < 1024, "an endless message");
	}
	free(bytes);
	arena_free(&arena);
	return 0;
}
