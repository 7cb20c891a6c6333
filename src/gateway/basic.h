/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "Basic" credentials (RFC 7617), in which a placeholder is not seen as it is. Pure. */
#ifndef AISBX_GATEWAY_BASIC_H
#define AISBX_GATEWAY_BASIC_H

#include <stdbool.h>

#include "gateway/http1.h"

enum {
	BASIC_MAX = 8192, /* bytes of user:password */
};

/* What a header holds when it is an Authorization of that kind: false: it is not. */
bool basic_decode(const struct http_header *header, char out[BASIC_MAX], size_t *ret_len);
/* Bytes that encoding len bytes takes. */
size_t basic_encoded_len(size_t len);
void basic_encode(const char *bytes, size_t len, char *out);

#endif
