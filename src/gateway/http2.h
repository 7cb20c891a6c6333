/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection of the box and the one to its server where both speak HTTP/2: nghttp2 on either
 * side, a stream of the one for each of the other. Requests are decided on as those of HTTP/1.1.
 */
#ifndef AISBX_GATEWAY_HTTP2_H
#define AISBX_GATEWAY_HTTP2_H

#include <stdbool.h>

#include "gateway/site.h"
#include "gateway/tls.h"

struct http2;

/* Both handshakes are over. NULL: out of memory. */
struct http2 *http2_start(struct site *site, struct tls *box, struct tls *server);
/*
 * Moves what can be moved; *ret_more: others wait meanwhile. False when it is over: the box has
 * been told.
 */
bool http2_run(struct http2 *http2, bool *ret_more);
/* May be NULL. */
void http2_free(struct http2 *http2);

#endif
