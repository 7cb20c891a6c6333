/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Java keystore (JKS) of trusted certificates: what every JVM reads, whatever its version, where
 * it looks for its truststore. Bytes in, bytes out.
 */
#ifndef AISBX_POLICY_KEYSTORE_H
#define AISBX_POLICY_KEYSTORE_H

#include <sha1.h>
#include <stddef.h>
#include <stdint.h>

struct keystore {
	char *bytes; /* zeros follow the store: no JVM reads on */
	size_t room;
	size_t len;
	uint32_t count; /* of certificates */
	SHA1_CTX digest;
};

/* Enough room for the certificates of that many bytes of PEM. */
size_t keystore_room(size_t pem_len);
/* Into store->bytes. The first certificates, from PEM; one more will follow. */
void keystore_begin(struct keystore *store, const char *pem, size_t len);
/* The last one's PEM. No heap, no stdio. */
void keystore_end(struct keystore *store, const char *pem, size_t len);

#endif
