/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a request is JSON and what its schema wants. Pure. */
#ifndef AISBX_BINDINGS_JSON_CHECK_H
#define AISBX_BINDINGS_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/json_schema.h"

/*
 * Where it is not, why (of size bytes) is one printable line that names the place: "$.limit: more
 * than 100". Duplicate names of an object, numbers out of range and trailing bytes are refused.
 */
bool json_check(const struct json_schema *schema, const char *text, size_t len, char *why,
		size_t size);

#endif
