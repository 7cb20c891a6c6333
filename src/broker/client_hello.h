/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The name that a TLS client asks for (RFC 8446, RFC 6066). Hostile bytes:
 * nothing is allocated, every length is checked.
 */
#ifndef AISBX_BROKER_CLIENT_HELLO_H
#define AISBX_BROKER_CLIENT_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "base/hostname.h"

enum {
	CLIENT_HELLO_MAX = 65536, /* bytes of records that are looked at */
};

enum client_hello {
	HELLO_MORE,    /* a prefix of a ClientHello: wait for more bytes; never with the most */
	HELLO_NAME,    /* it names a host: ret_name */
	HELLO_NO_NAME, /* a whole ClientHello without a host's name */
	HELLO_NOT_TLS, /* the first bytes are no TLS handshake record with a ClientHello */
	HELLO_BAD,     /* malformed, too long, two names, a name that is no host name */
};

/*
 * Looks at the first len bytes of a connection, afresh each time. The message may be
 * split over records; what follows it is not looked at. With encrypted_client_hello
 * (RFC 9849) the outer name counts.
 *
 * ret_name (HOSTNAME_BYTES) is normalized as by hostname_normalize(), written for
 * HELLO_NAME. A trailing dot is HELLO_BAD: RFC 6066 forbids it, and servers differ on which
 * of their hosts it means. An IPv4 literal is a name like any other and so no grant's;
 * an IPv6 literal is HELLO_BAD.
 */
enum client_hello client_hello_parse(const uint8_t *bytes, size_t len, char *ret_name);

#endif
