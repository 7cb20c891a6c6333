/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The run's own certificate authority, and the host's certificates that servers are held to.
 * Keys are made when the run begins and are gone with the process; no file ever has one.
 */
#ifndef AISBX_GATEWAY_AUTHORITY_H
#define AISBX_GATEWAY_AUTHORITY_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "base/err.h"

/* Makes the CA; its certificate as PEM goes to pem, padded with newlines to size bytes. */
int authority_open(char *pem, size_t size, struct err *reterr);
/* The host's certificates, as bytes: they are looked at when the first server is met. */
int authority_read_store(const char *path, struct err *reterr);

/* A context of its own for a granted name, made when it is first asked for; NULL: out of memory. */
SSL_CTX *authority_server(const char *name);
/* For connections to servers; NULL: none of the host's certificates can be read. */
SSL_CTX *authority_client(void);

#endif
