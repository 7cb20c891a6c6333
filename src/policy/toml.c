/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The strings of a TOML document: see toml.h. */
#include "policy/toml.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	DEPTH_MAX = 32,	    /* of arrays and inline tables */
	KEY_PARTS_MAX = 16, /* of one value's key, its tables included */
};

struct parser {
	struct arena *arena;
	const char *at;
	char *out; /* where the next string goes: as long as the text, for none grows */
	int line;
	int depth;
	struct strv table; /* key of the last [header] */
	struct toml_strings *strings;
	const char *why;
};

static int parse_value(struct parser *parser, const struct strv *key);

static int fail(struct parser *parser, const char *why)
{
	parser->why = why;
	return -EINVAL;
}

/*** Space ***/

static void skip_blanks(struct parser *parser)
{
	parser->at += strspn(parser->at, " \t");
}

static bool skip_newline(struct parser *parser)
{
	size_t len = strncmp(parser->at, "\r\n", 2) == 0 ? 2 : *parser->at == '\n';

	parser->at += len;
	parser->line += len > 0;
	return len > 0;
}

static void skip_comment(struct parser *parser)
{
	skip_blanks(parser);
	if (*parser->at == '#')
		parser->at += strcspn(parser->at, "\r\n");
}

/* Blanks, comments and line ends. */
static void skip_space(struct parser *parser)
{
	do {
		skip_comment(parser);
	} while (skip_newline(parser));
}

static int expect_line_end(struct parser *parser)
{
	skip_comment(parser);
	if (*parser->at && !skip_newline(parser))
		return fail(parser, "something follows the value");
	return 0;
}

/*** Strings ***/

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* Writes code as UTF-8; bytes written. */
static size_t put_utf8(char *out, unsigned code)
{
	size_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const unsigned char first[] = { 0, 0xc0, 0xe0, 0xf0 };

	out[0] = (char)(first[more] | code >> (6 * more));
	for (size_t i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
	return more + 1;
}

/* \uXXXX and \UXXXXXXXX: at stands on the first digit. */
static int unescape_code(struct parser *parser, size_t digits, char *out, size_t *len)
{
	unsigned code = 0;

	for (size_t i = 0; i < digits; i++) {
		int digit = hex_digit(*parser->at);

		if (digit < 0)
			return fail(parser, "an escape lacks hex digits");
		code = code << 4 | (unsigned)digit;
		parser->at++;
	}
	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return fail(parser, "an escape is no character");
	*len += put_utf8(out + *len, code);
	return 0;
}

/* at stands behind the backslash. An escape is never shorter than what it writes. */
static int unescape(struct parser *parser, bool many_lines, char *out, size_t *len)
{
	static const char letters[] = "btnfr\"\\", meanings[] = "\b\t\n\f\r\"\\";
	const char *letter = *parser->at ? strchr(letters, *parser->at) : NULL;

	if (letter) {
		out[(*len)++] = meanings[letter - letters];
		parser->at++;
		return 0;
	}
	if (*parser->at == 'u' || *parser->at == 'U')
		return unescape_code(parser, *parser->at++ == 'u' ? 4 : 8, out, len);
	skip_blanks(parser);
	if (!many_lines || !skip_newline(parser))
		return fail(parser, "an unknown escape");
	do {
		skip_blanks(parser);
	} while (skip_newline(parser));
	return 0;
}

/* Whether the string ends here; quotes that belong to it are written. */
static bool at_end(struct parser *parser, char quote, bool many_lines, char *out, size_t *len)
{
	size_t quotes = 0, own;

	if (*parser->at != quote)
		return false;
	if (!many_lines) {
		parser->at++;
		return true;
	}
	while (quotes < 5 && parser->at[quotes] == quote)
		quotes++;
	own = quotes < 3 ? quotes : quotes - 3;
	memset(out + *len, quote, own);
	*len += own;
	parser->at += quotes;
	return quotes >= 3;
}

static int parse_characters(struct parser *parser, char quote, bool many_lines, char *out,
			    size_t *len)
{
	while (!at_end(parser, quote, many_lines, out, len)) {
		if (!*parser->at || (!many_lines && *parser->at == '\n'))
			return fail(parser, "a string does not end");
		if (quote == '"' && *parser->at == '\\') {
			parser->at++;
			int r = unescape(parser, many_lines, out, len);
			if (r < 0)
				return r;
		} else if (*parser->at != quote) {
			parser->line += *parser->at == '\n';
			out[(*len)++] = *parser->at++;
		}
	}
	return 0;
}

static int parse_string(struct parser *parser, char **ret_text)
{
	char quote = *parser->at, *out = parser->out;
	bool many_lines = parser->at[1] == quote && parser->at[2] == quote;
	size_t len = 0;

	parser->at += many_lines ? 3 : 1;
	if (many_lines)
		(void)skip_newline(parser); /* one at the very start is not meant */
	int r = parse_characters(parser, quote, many_lines, out, &len);
	if (r < 0)
		return r;
	out[len] = '\0';
	parser->out += len + 1;
	*ret_text = out;
	return 0;
}

/*** Keys ***/

static int parse_key_part(struct parser *parser, char **ret_part)
{
	size_t len = strspn(parser->at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789_-");

	if (*parser->at == '"' || *parser->at == '\'')
		return parse_string(parser, ret_part);
	if (len == 0)
		return fail(parser, "a key is missing");
	*ret_part = arena_strndup(parser->arena, parser->at, len);
	parser->at += len;
	return 0;
}

/* A dotted key below table. */
static int parse_key(struct parser *parser, const struct strv *table, struct strv *ret_key)
{
	struct strv key = { 0 };

	for (char **item = table->items; item && *item; item++)
		strv_push(parser->arena, &key, *item);
	for (;;) {
		char *part;

		skip_blanks(parser);
		int r = parse_key_part(parser, &part);
		if (r < 0)
			return r;
		if (key.len == KEY_PARTS_MAX)
			return fail(parser, "a key has too many parts");
		strv_push(parser->arena, &key, part);
		skip_blanks(parser);
		if (*parser->at != '.')
			break;
		parser->at++;
	}
	*ret_key = key;
	return 0;
}

static int parse_pair(struct parser *parser, const struct strv *table)
{
	struct strv key;

	int r = parse_key(parser, table, &key);
	if (r < 0)
		return r;
	if (*parser->at != '=')
		return fail(parser, "'=' is missing after a key");
	parser->at++;
	skip_blanks(parser);
	return parse_value(parser, &key);
}

/* [table], [[array of tables]] */
static int parse_header(struct parser *parser)
{
	static const struct strv top = { 0 };
	size_t brackets = parser->at[1] == '[' ? 2 : 1;

	parser->at += brackets;
	int r = parse_key(parser, &top, &parser->table);
	if (r < 0)
		return r;
	if (strspn(parser->at, "]") != brackets)
		return fail(parser, "']' is missing after a table's name");
	parser->at += brackets;
	return 0;
}

/*** Values ***/

static void add_string(struct parser *parser, const struct strv *key, const char *value, int line)
{
	struct toml_strings *strings = parser->strings;

	(void)LIST_GROW(parser->arena, strings);
	strings->items[strings->len++] = (struct toml_string){ *key, value, line };
}

/* Elements are read, so that what looks like a key in them is none, and dropped. */
static int parse_array(struct parser *parser)
{
	int r = 0;

	parser->at++;
	for (;;) {
		skip_space(parser);
		if (*parser->at == ']')
			break;
		r = parse_value(parser, NULL);
		if (r < 0)
			return r;
		skip_space(parser);
		if (*parser->at == ',')
			parser->at++;
		else if (*parser->at != ']')
			return fail(parser, "an array does not end");
	}
	parser->at++;
	return 0;
}

/* key: where the table stands; NULL in an array. */
static int parse_inline_table(struct parser *parser, const struct strv *key)
{
	static const struct strv nowhere = { 0 };
	size_t len = parser->strings->len;

	parser->at++;
	for (;;) {
		skip_space(parser);
		if (*parser->at == '}')
			break;
		int r = parse_pair(parser, key ? key : &nowhere);
		if (r < 0)
			return r;
		skip_space(parser);
		if (*parser->at == ',')
			parser->at++;
		else if (*parser->at != '}')
			return fail(parser, "an inline table does not end");
	}
	parser->at++;
	if (!key)
		parser->strings->len = len;
	return 0;
}

static int parse_nested(struct parser *parser, const struct strv *key)
{
	if (parser->depth == DEPTH_MAX)
		return fail(parser, "values are nested too deep");
	parser->depth++;
	int r = *parser->at == '[' ? parse_array(parser) : parse_inline_table(parser, key);
	parser->depth--;
	return r;
}

/* key: where the value stands; NULL in an array. */
static int parse_value(struct parser *parser, const struct strv *key)
{
	int line = parser->line;
	char *text;

	if (*parser->at == '[' || *parser->at == '{')
		return parse_nested(parser, key);
	if (*parser->at == '"' || *parser->at == '\'') {
		int r = parse_string(parser, &text);
		if (r == 0 && key)
			add_string(parser, key, text, line);
		return r;
	}
	/* a number, date (which may have one blank) or truth value */
	size_t len = strcspn(parser->at, ",]}# \t\r\n");
	if (len == 0 || memchr(parser->at, '=', len))
		return fail(parser, "a value is missing");
	parser->at += len;
	if (parser->at[0] == ' ' && parser->at[1] >= '0' && parser->at[1] <= '9')
		parser->at += 1 + strspn(parser->at + 1, "0123456789:.Zz+-");
	return 0;
}

/*** Document ***/

static int parse_document(struct parser *parser)
{
	for (;;) {
		skip_space(parser);
		if (!*parser->at)
			return 0;
		int r = *parser->at == '[' ? parse_header(parser)
					   : parse_pair(parser, &parser->table);
		if (r == 0)
			r = expect_line_end(parser);
		if (r < 0)
			return r;
	}
}

int toml_read(struct arena *arena, const char *text, struct toml_strings *ret_strings,
	      int *ret_line, const char **ret_why)
{
	struct toml_strings strings = { 0 };
	struct parser parser = {
		.arena = arena,
		.at = text,
		.out = arena_alloc(arena, strlen(text) + 1),
		.line = 1,
		.strings = &strings,
	};

	int r = parse_document(&parser);
	if (r < 0) {
		*ret_line = parser.line;
		*ret_why = parser.why;
		return r;
	}
	*ret_strings = strings;
	return 0;
}
