/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of HTTP/2 on their way through, and bytes that grow. */
#ifndef AISBX_GATEWAY_HTTP2_FIELDS_H
#define AISBX_GATEWAY_HTTP2_FIELDS_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>

#include "gateway/http1.h"
#include "gateway/replace.h"

enum {
	FIELDS_MAX = HTTP_HEADERS_MAX + 8,
};

/* Bytes that grow, in locked memory. */
struct text {
	char *at;
	size_t len;
	size_t cap;
	bool is_plain; /* there is never a value in them: in ordinary memory */
	bool failed;
};

struct field {
	size_t name, name_len, value, value_len; /* in text */
	bool is_secret;				 /* no table of the peer's may have it */
};

struct fields {
	struct text text;
	struct field items[FIELDS_MAX];
	size_t len;
};

/* A replace_sink; context is a struct text, which has failed where there was no memory. */
void text_put(void *context, const char *bytes, size_t len);
void text_free(struct text *text);

/* May be NULL. */
void fields_free(struct fields *fields);
struct span fields_name(const struct fields *fields, size_t i);
struct span fields_value(const struct fields *fields, size_t i);
/* A field whose value goes through replacing; as it is where all is NULL. */
void fields_add(struct fields *fields, const struct span *name, const struct span *value,
		const struct replacements *all);
void fields_add_words(struct fields *fields, const char *name, const char *value);
/* For nghttp2, as long as fields stays: their number. nva has FIELDS_MAX. */
size_t fields_to_nv(const struct fields *fields, nghttp2_nv *nva);

#endif
