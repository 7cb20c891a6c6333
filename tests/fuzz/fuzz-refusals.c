/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a packet of the box's kernel: nothing past the end is read, what is said
 * stands in the packet, and a longer one says the same.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/refusals.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)fprintf(stderr, "fuzz-refusals: %s\n", what);
	abort();
}

/* A copy that ends where it ends, so that reading past it is noticed. */
static int parse(const uint8_t *data, size_t size, struct refused *ret)
{
	uint8_t *copy = malloc(size ? size : 1);

	check(copy, "no memory");
	if (size)
		memcpy(copy, data, size);
	int r = refused_parse(copy, size, ret);
	free(copy);
	check(r == 0 || r == -EBADMSG, "an odd result");
	return r;
}

static bool holds(const uint8_t *data, size_t size, const void *bytes, size_t len)
{
	for (size_t at = 0; at + len <= size; at++) {
		if (memcmp(data + at, bytes, len) == 0)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct refused refused, shorter;
	int r = parse(data, size, &refused);

	if (r == 0) {
		const uint8_t port[2] = { (uint8_t)(refused.port >> 8), (uint8_t)refused.port };
		bool is_v4 = address_is_v4(&refused.address);

		check(refused.is_udp == 0 || refused.is_udp == 1, "neither TCP nor UDP");
		check(holds(data, size, port, 2), "a port from nowhere");
		check(holds(data, size, &refused.address.in6.s6_addr[is_v4 ? 12 : 0],
			    is_v4 ? 4 : 16),
		      "an address from nowhere");
	}
	for (size_t cut = 0; cut < size && cut < 256; cut++) {
		if (parse(data, cut, &shorter) < 0)
			continue;
		check(r == 0, "more bytes say less");
		check(refused.port == shorter.port && refused.is_udp == shorter.is_udp &&
			      memcmp(&refused.address, &shorter.address, 16) == 0,
		      "more bytes say something else");
	}
	return 0;
}
