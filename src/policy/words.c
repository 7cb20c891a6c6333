/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words in messages: see words.h. */
#include "policy/words.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "policy/schema.h"

enum {
	QUOTE_BYTES = 72, /* longest text shown whole */
	WORD_BYTES = 48,  /* longest word that distances are measured of */
	NEAR_EDITS = 2,
	ESCAPE_BYTES = 16, /* room for one escape */
};

size_t utf8_decode(const char *text, size_t len, unsigned *ret_code)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)text[0];
	unsigned code;
	size_t bytes;

	if (first < 0x80) {
		*ret_code = first;
		return 1;
	}
	if (first < 0xc2 || first > 0xf4)
		return 0;
	bytes = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (bytes > len)
		return 0;
	code = first & (0x7fu >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		unsigned char byte = (unsigned char)text[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (byte & 0x3f);
	}
	if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return bytes;
}

bool code_is_invisible(unsigned code)
{
	return code == 0x85 || code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
	       code == 0xfeff;
}

static bool is_control(unsigned code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

bool word_has_control(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f))
			return true;
	}
	return false;
}

/* Copies one character of text (len > 0) to out, escaped when it is not for eyes. */
static size_t print_character(char *out, const char *text, size_t len, size_t *ret_bytes)
{
	unsigned code = 0;
	size_t bytes = utf8_decode(text, len, &code);

	*ret_bytes = bytes ? bytes : 1;
	if (bytes == 0 || (bytes == 1 && is_control(code)))
		return (size_t)snprintf(out, ESCAPE_BYTES, "\\x%02x",
					(unsigned)(unsigned char)*text);
	if (is_control(code) || code_is_invisible(code))
		return (size_t)snprintf(out, ESCAPE_BYTES, "\\u{%04x}", code);
	memcpy(out, text, bytes);
	return bytes;
}

/* text with between on both sides, cut when the result would be longer than most. */
static const char *print_text(struct arena *arena, const char *text, size_t most,
			      const char *between)
{
	size_t left = strlen(text), used = strlen(between), bytes;
	/* the longest escape of a byte is four long, of a character of two or more four each */
	size_t size = (left < most ? left : most) * 4 + ESCAPE_BYTES + 8;
	char *out = arena_alloc(arena, size);

	memcpy(out, between, used);
	for (; left > 0 && used < most; text += bytes, left -= bytes)
		used += print_character(out + used, text, left, &bytes);
	(void)snprintf(out + used, size - used, "%s%s", left ? "..." : "", between);
	return out;
}

const char *word_quote(struct arena *arena, const char *text)
{
	return print_text(arena, text, QUOTE_BYTES, "'");
}

const char *word_printable(struct arena *arena, const char *text)
{
	return print_text(arena, text, SIZE_MAX, "");
}

static bool is_plain(unsigned char byte)
{
	return byte >= 0x80 || isalnum(byte) || strchr("/._-+:,@%=", byte);
}

const char *word_shell(struct arena *arena, const char *text)
{
	static const char quote[] = "'\\''";
	char *out = arena_alloc(arena, strlen(text) * strlen(quote) + sizeof "''"), *at = out;
	bool plain = *text;

	*at++ = '\'';
	for (const char *c = text; *c; c++) {
		plain = plain && is_plain((unsigned char)*c);
		if (*c == '\'') {
			memcpy(at, quote, strlen(quote));
			at += strlen(quote);
		} else {
			*at++ = *c;
		}
	}
	memcpy(at, "'", sizeof "'");
	return plain ? text : out;
}

const char *origin_text(struct arena *arena, const struct origin *at)
{
	if (!at->file)
		return "aisbx";
	if (at->line == 0)
		return at->file;
	return arena_printf(arena, "%s:%d:%d", at->file, at->line, at->column);
}

const char *words_join(struct arena *arena, const char *const *names, const char *last_word)
{
	const char *text = "";

	for (size_t i = 0; names[i]; i++) {
		const char *between = i == 0 ? "" : ", ";

		if (i > 0 && !names[i + 1])
			text = arena_printf(arena, "%s %s %s", text, last_word, names[i]);
		else
			text = arena_printf(arena, "%s%s%s", text, between, names[i]);
	}
	return text;
}

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t word_distance(const char *a, const char *b)
{
	size_t len_a = strnlen(a, WORD_BYTES + 1), len_b = strnlen(b, WORD_BYTES + 1);
	/* three rows of the table: two back for transpositions */
	size_t rows[3][WORD_BYTES + 1];

	if (len_a > WORD_BYTES || len_b > WORD_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= len_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
		int ca = tolower((unsigned char)a[i - 1]);

		row[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			int cb = tolower((unsigned char)b[j - 1]);
			size_t edits = above[j - 1] + (ca != cb);

			edits = least_of(edits, least_of(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]))
				edits = least_of(edits, above2[j - 2] + 1);
			row[j] = edits;
		}
	}
	return rows[len_a % 3][len_b];
}

const char *nearest_name(const char *word, const char *const *names)
{
	size_t most = least_of(NEAR_EDITS, strnlen(word, WORD_BYTES) / 3);
	const char *nearest = NULL;

	for (size_t i = 0; names[i]; i++) {
		size_t edits = word_distance(word, names[i]);

		if (edits > most || (nearest && edits == most))
			continue;
		nearest = names[i];
		most = edits;
	}
	return nearest;
}

const char *words_unknown_key(struct arena *arena, const char *word, const char *section,
			      const char *const *names)
{
	const char *nearest = nearest_name(word, names);

	return arena_printf(arena, "unknown key %s in '%s'; %s%s%s", word_quote(arena, word),
			    section, nearest ? "did you mean '" : "write one of ",
			    nearest ? nearest : words_join(arena, names, "or"),
			    nearest ? "'?" : "");
}
