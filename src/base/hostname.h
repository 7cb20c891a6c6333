/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host names as bytes that somebody else chose. */
#ifndef AISBX_BASE_HOSTNAME_H
#define AISBX_BASE_HOSTNAME_H

#include <stdbool.h>
#include <stddef.h>

enum {
	HOSTNAME_LABEL_MAX = 63,
	HOSTNAME_MAX = 253, /* RFC 1035, without the trailing dot */
	HOSTNAME_BYTES = HOSTNAME_MAX + 1,
};

/*
 * Makes a name comparable: lower case, no trailing dot. False, and buf is "", when it is no
 * host name: only ASCII letters, digits, - and _ in labels of 1 to 63 bytes, 1 to 253 in all.
 * buf has HOSTNAME_BYTES.
 */
bool hostname_normalize(const char *name, size_t len, char *buf);

/* Of normalized names: whether it is this machine itself (RFC 6761, section 6.3). */
bool hostname_is_localhost(const char *name);
/* Whether software takes it for an address: its last label is a number (WHATWG URL, 3.5). */
bool hostname_ends_in_number(const char *name);

#endif
