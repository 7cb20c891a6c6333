/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Java keystore: see keystore.h. Numbers are big-endian, texts follow their length in two bytes:
 *
 *	feedfeed, 2, the number of entries
 *	for each: 2 (a trusted certificate), its name, the time in ms (eight bytes), "X.509",
 *		the length of its DER and that
 *	SHA-1 of the password in UTF-16, "Mighty Aphrodite" and all of the above
 *
 * The digest is no secret and protects nothing: everybody's password is "changeit".
 */
#include "policy/keystore.h"

#include <stdbool.h>
#include <string.h>

#include "base/base64.h"
#include "base/text.h"

enum {
	HEADER = 12,
	COUNT_AT = 8,
	ENTRY_BEGIN =
		64, /* more than an entry has before its DER; PEM's two lines are nearly that */
};

static const char begin_line[] = "-----BEGIN CERTIFICATE-----";

static void put(struct keystore *store, const void *bytes, size_t len)
{
	memcpy(store->bytes + store->len, bytes, len);
	store->len += len;
}

static void put_number(struct keystore *store, uint64_t number, size_t len)
{
	while (len-- > 0)
		store->bytes[store->len++] = (char)(number >> 8 * len);
}

static void put_text(struct keystore *store, const char *text)
{
	put_number(store, strlen(text), 2);
	put(store, text, strlen(text));
}

/* Three bytes of four characters; negative when one of them is none of base64's. */
static int32_t decode_four(const int8_t *values, const unsigned char *at)
{
	int32_t a = values[at[0]], b = values[at[1]], c = values[at[2]], d = values[at[3]];

	return (a | b | c | d) < 0 ? -1 : a << 18 | b << 12 | c << 6 | d;
}

static size_t decode(const char *pem, const char *end, char *out)
{
	static int8_t values[256];
	uint32_t bits = 0;
	unsigned have = 0;
	size_t len = 0;

	if (!values[0]) /* which is -1 */
		base64_values(values);
	while (pem < end && *pem != '-' && *pem != '=') {
		const unsigned char *at = (const unsigned char *)pem;
		int32_t three = have == 0 && end - pem >= 4 ? decode_four(values, at) : -1;

		if (three >= 0) { /* most of a line: a start waits for this */
			out[len++] = (char)(three >> 16);
			out[len++] = (char)(three >> 8);
			out[len++] = (char)three;
			pem += 4;
			continue;
		}
		int value = values[*at];
		pem++;
		if (value < 0)
			continue;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[len++] = (char)(bits >> have);
		}
	}
	return len;
}

static void add(struct keystore *store, const char *pem, const char *end)
{
	size_t before = store->len, der_at;
	char name[2 + TEXT_DECIMAL_BYTES] = "ca";

	if (store->room - before < ENTRY_BEGIN + (size_t)(end - pem))
		return;
	(void)text_decimal(store->count, name + 2);
	put_number(store, 2, 4);
	put_text(store, name);
	put_number(store, 0, 8);
	put_text(store, "X.509");
	der_at = store->len + 4;
	size_t len = decode(pem, end, store->bytes + der_at);
	put_number(store, len, 4);
	store->len += len;
	/* A SEQUENCE; a JVM gives the whole store up for anything else. */
	if (len > 0 && store->bytes[der_at] == '0')
		store->count++;
	else
		store->len = before;
}

static void add_all(struct keystore *store, const char *pem, size_t len)
{
	const char *end = pem + len, *at;

	while ((at = memmem(pem, (size_t)(end - pem), begin_line, sizeof begin_line - 1))) {
		at += sizeof begin_line - 1;
		pem = memchr(at, '-', (size_t)(end - at));
		if (!pem)
			return;
		add(store, at, pem);
	}
}

static void digest(struct keystore *store, const void *bytes, size_t len)
{
	SHA1Update(&store->digest, bytes, len);
}

size_t keystore_room(size_t pem_len)
{
	return HEADER + pem_len + ENTRY_BEGIN + SHA1_DIGEST_LENGTH;
}

void keystore_begin(struct keystore *store, const char *pem, size_t len)
{
	static const char salt[] = "\0c\0h\0a\0n\0g\0e\0i\0tMighty Aphrodite";

	store->len = 0;
	store->count = 0;
	put_number(store, 0xfeedfeed, 4);
	put_number(store, 2, 4);
	put_number(store, 0, 4);
	add_all(store, pem, len);
	size_t all = store->len;
	store->len = COUNT_AT;
	put_number(store, store->count + 1, 4);
	store->len = all;
	SHA1Init(&store->digest);
	digest(store, salt, sizeof salt - 1);
	digest(store, store->bytes, store->len);
}

void keystore_end(struct keystore *store, const char *pem, size_t len)
{
	size_t before = store->len;
	uint8_t sum[SHA1_DIGEST_LENGTH];

	add_all(store, pem, len);
	digest(store, store->bytes + before, store->len - before);
	SHA1Final(sum, &store->digest);
	put(store, sum, sizeof sum);
}
