/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of HTTP/2: see http2_fields.h. */
#include "gateway/http2_fields.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

void text_put(void *context, const char *bytes, size_t len)
{
	struct text *text = context;

	if (text->cap - text->len < len && !text->failed) {
		size_t cap = text->cap + len + 512;
		char *grown = text->is_plain ? OPENSSL_malloc(cap) : OPENSSL_secure_malloc(cap);

		if (!grown) {
			text->failed = true;
			return;
		}
		if (text->len)
			memcpy(grown, text->at, text->len);
		OPENSSL_secure_free(text->at);
		text->at = grown;
		text->cap = cap;
	}
	if (text->failed)
		return;
	memcpy(text->at + text->len, bytes, len);
	text->len += len;
}

void text_free(struct text *text)
{
	OPENSSL_secure_free(text->at);
	*text = (struct text){ 0 };
}

void fields_free(struct fields *fields)
{
	if (fields)
		text_free(&fields->text);
	free(fields);
}

struct span fields_name(const struct fields *fields, size_t i)
{
	return (struct span){ fields->text.at + fields->items[i].name, fields->items[i].name_len };
}

struct span fields_value(const struct fields *fields, size_t i)
{
	return (struct span){ fields->text.at + fields->items[i].value,
			      fields->items[i].value_len };
}

void fields_add(struct fields *fields, const struct span *name, const struct span *value,
		const struct replacements *all)
{
	struct field *field = &fields->items[fields->len];

	if (fields->len == sizeof fields->items / sizeof *fields->items) {
		fields->text.failed = true;
		return;
	}
	fields->len++;
	field->name = fields->text.len;
	field->name_len = name->len;
	text_put(&fields->text, name->at, name->len);
	field->value = fields->text.len;
	if (all)
		field->is_secret =
			replace_text(all, value->at, value->len, text_put, &fields->text);
	else
		text_put(&fields->text, value->at, value->len);
	field->value_len = fields->text.len - field->value;
}

void fields_add_words(struct fields *fields, const char *name, const char *value)
{
	const struct span name_span = { name, strlen(name) }, value_span = { value, strlen(value) };

	fields_add(fields, &name_span, &value_span, NULL);
}

size_t fields_to_nv(const struct fields *fields, nghttp2_nv *nva)
{
	for (size_t i = 0; i < fields->len; i++) {
		const struct field *field = &fields->items[i];

		nva[i] = (nghttp2_nv){ (uint8_t *)fields->text.at + field->name,
				       (uint8_t *)fields->text.at + field->value, field->name_len,
				       field->value_len,
				       field->is_secret ? NGHTTP2_NV_FLAG_NO_INDEX
							: NGHTTP2_NV_FLAG_NONE };
	}
	return fields->len;
}
