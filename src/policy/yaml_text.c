/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of a profile before YAML sees them: see yaml_text.h. */
#include "policy/yaml_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/words.h"

/* What is wrong with one character, or NULL. */
static const char *check_code(struct arena *arena, unsigned code)
{
	if (code == 0)
		return "a NUL character; a profile is text";
	if ((code < 0x20 && code != '\t' && code != '\n' && code != '\r') ||
	    (code >= 0x7f && code <= 0x9f && code != 0x85))
		return arena_printf(arena, "a control character (0x%02x); take it out", code);
	if (code_is_invisible(code))
		return arena_printf(
			arena,
			"an invisible character; take it out, or write \\u%04x in double quotes",
			code);
	if (code == 0xfffe || code == 0xffff)
		return arena_printf(arena, "U+%04X is no character; take it out", code);
	return NULL;
}

/* Line and column (in characters) are kept as YAML counts them. */
static const char *check_characters(struct arena *arena, const char *text, size_t len,
				    int *ret_line, int *ret_column)
{
	const char *why = NULL;
	int line = 1, column = 1;

	while (len > 0 && !why) {
		unsigned code = (unsigned char)*text;
		size_t bytes = 1;

		if (code >= 0x20 && code < 0x7f) {
			column++;
			text++;
			len--;
			continue;
		}
		bytes = utf8_decode(text, len, &code);
		why = bytes == 0 ? arena_printf(arena,
						"byte 0x%02x is not UTF-8; save the file as UTF-8",
						(unsigned)(unsigned char)*text)
				 : check_code(arena, code);
		if (why)
			break;
		if (code == '\n' || (code == '\r' && (len < 2 || text[1] != '\n'))) {
			line++;
			column = 1;
		} else {
			column++;
		}
		text += bytes;
		len -= bytes;
	}
	*ret_line = line;
	*ret_column = column;
	return why;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_json(const char *text, size_t len)
{
	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	return len > 0 && *text == '{';
}

/* The four digits of a \uNNNN escape at text, or -1. */
static int parse_u_escape(const char *text, size_t len)
{
	int code = 0;

	if (len < 6 || text[0] != '\\' || text[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		char c = text[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;

		if (digit < 0)
			return -1;
		code = code * 16 + digit;
	}
	return code;
}

/* Writes the escape at text (a backslash) to out; returns bytes read, *ret_out those written. */
static size_t copy_escape(char *out, const char *text, size_t len, size_t *ret_out)
{
	int high = parse_u_escape(text, len);
	int low = high >= 0xd800 && high <= 0xdbff ? parse_u_escape(text + 6, len - 6) : -1;
	size_t bytes = len < 2 ? len : 2;

	if (low >= 0xdc00 && low <= 0xdfff) {
		int code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);

		*ret_out = (size_t)snprintf(out, 12, "\\U%08X", (unsigned)code);
		return 12;
	}
	memcpy(out, text, bytes);
	*ret_out = bytes;
	return bytes;
}

/*
 * Outside strings a tab becomes a space. Flow YAML begins with '{' as well, so
 * single quotes and comments are known here; a quote opens only where a word begins.
 */
static char *json_to_yaml(struct arena *arena, const char *text, size_t len, size_t *ret_len)
{
	/* one byte more than needed: snprintf ends what it writes */
	char *out = arena_alloc(arena, len + 1);
	size_t used = 0;
	char inside = 0, before = '\n';

	for (size_t i = 0; i < len;) {
		char c = text[i];

		if (inside == '\'' && c == '\'' && i + 1 < len && text[i + 1] == '\'') {
			out[used++] = c; /* '' is one quote inside single ones */
			out[used++] = c;
			i += 2;
			continue;
		}
		if (inside == '"' && c == '\\') {
			size_t wrote;

			i += copy_escape(out + used, text + i, len - i, &wrote);
			used += wrote;
			continue;
		}
		if (inside == '#' ? c == '\n' || c == '\r' : c == inside)
			inside = 0;
		else if (!inside && c == '#' && is_blank(before))
			inside = '#';
		else if (!inside && (c == '"' || c == '\'') &&
			 (is_blank(before) || strchr("{[,:", before)))
			inside = c;
		else if (!inside && c == '\t')
			c = ' ';
		before = c;
		out[used++] = c;
		i++;
	}
	*ret_len = used;
	return out;
}

const char *yaml_text_check(struct arena *arena, const char **text, size_t *len, int *ret_line,
			    int *ret_column)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char *why;

	if (*len >= 3 && memcmp(*text, mark, 3) == 0) {
		*text += 3;
		*len -= 3;
	}
	why = check_characters(arena, *text, *len, ret_line, ret_column);
	if (!why && is_json(*text, *len))
		*text = json_to_yaml(arena, *text, *len, len);
	return why;
}
