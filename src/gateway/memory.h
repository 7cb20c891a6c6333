/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The libraries' memory: what a request or an answer held goes away with it. */
#ifndef AISBX_GATEWAY_MEMORY_H
#define AISBX_GATEWAY_MEMORY_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

/* OpenSSL's, before it has any. */
bool memory_wipe_openssl(void);
/* nghttp2's, for each of its sessions. */
extern nghttp2_mem memory_of_nghttp2;

#endif
