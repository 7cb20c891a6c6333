/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any texts replaced in any stream: the same however it is cut, and what was looked for is not
 * in what went out, unless what it was replaced by made it. The first byte is the number of texts
 * and of the bytes that come at once; texts end with 0.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/basic.h"
#include "gateway/replace.h"

enum {
	INPUT_BYTES = 4096,
	TEXTS_MAX = 4,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char work[REPLACE_WORK];

struct result {
	char bytes[INPUT_BYTES * 2];
	size_t len;
};

static void check(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)fprintf(stderr, "fuzz-replace: %s\n", what);
	abort();
}

static void sink(void *context, const char *bytes, size_t len)
{
	struct result *result = context;

	check(len <= sizeof result->bytes - result->len, "more than came in");
	memcpy(result->bytes + result->len, bytes, len);
	result->len += len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct result whole, cut;
	struct replacement items[TEXTS_MAX];
	struct replacements all = { items, 0 };
	struct replacer replacer = { .all = &all };
	const char *at = (const char *)data + 1, *end = (const char *)data + size;

	if (size < 2 || size > INPUT_BYTES)
		return 0;
	for (size_t want = data[0] % (TEXTS_MAX + 1); all.len < want;) {
		const char *zero = memchr(at, 0, (size_t)(end - at));

		if (!zero || zero == at)
			break;
		/* a byte that no text has: what is replaced cannot become another */
		items[all.len++] = (struct replacement){ at, (size_t)(zero - at), "", 1 };
		at = zero + 1;
	}
	whole.len = cut.len = 0;
	bool is_changed = replace_text(&all, at, (size_t)(end - at), sink, &whole);
	replacer.held = malloc(replacer_room(&all));
	check(replacer.held, "no memory");
	for (size_t piece = 1 + data[0] / 8; at < end; at += piece) {
		if ((size_t)(end - at) < piece)
			piece = (size_t)(end - at);
		replacer_feed(&replacer, at, piece, false, work, sink, &cut);
	}
	replacer_feed(&replacer, "", 0, true, work, sink, &cut);
	free(replacer.held);
	check(whole.len == cut.len && memcmp(whole.bytes, cut.bytes, whole.len) == 0,
	      "a result that depends on how it comes");
	for (size_t i = 0; i < all.len; i++)
		check(!memmem(whole.bytes, whole.len, items[i].from, items[i].from_len),
		      "a text that is still there");
	check(is_changed || all.len == 0 || whole.len <= INPUT_BYTES, "a change that is none");
	return 0;
}
