/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locked memory: whatever may hold a value of a secret is there and nowhere else, so that none is
 * ever swapped out.
 *
 * It is OpenSSL's secure heap, OPENSSL_secure_malloc(3), which overwrites what is given back;
 * OPENSSL_secure_free() takes ordinary memory as well. How much there is depends on
 * RLIMIT_MEMLOCK, so what only ever holds placeholders, or what is encrypted, is not in it.
 */
#ifndef AISBX_GATEWAY_MEMORY_H
#define AISBX_GATEWAY_MEMORY_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* OpenSSL's memory leads through here, before it has any. */
bool memory_hook(void);
/* Takes the locked memory; a run without secrets does not, and all of it is ordinary then. */
int memory_open(struct err *reterr);
/* Whether there is enough for one connection more. */
bool memory_has_room(void);

/*
 * Whether records of a TLS connection that OpenSSL is now called for may have a value in them:
 * their buffers are locked then. (They are the only large pieces that it asks for; the rest of
 * its memory holds keys and states.)
 */
void memory_lock_records(bool are_locked);
/* Of an nghttp2 session that values pass through. */
extern nghttp2_mem memory_of_nghttp2;

#endif
