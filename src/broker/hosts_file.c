/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broker/hosts_file.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

struct word {
	const char *text;
	size_t len;
};

void addresses_add(struct address *list, size_t *len, size_t max, const struct address *address)
{
	for (size_t i = 0; i < *len; i++) {
		if (memcmp(&list[i], address, sizeof *address) == 0)
			return;
	}
	if (*len < max)
		list[(*len)++] = *address;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* Takes the next word off a line. */
static bool next_word(struct word *line, struct word *ret_word)
{
	size_t start = 0, end;

	while (start < line->len && is_blank(line->text[start]))
		start++;
	end = start;
	while (end < line->len && !is_blank(line->text[end]))
		end++;
	*ret_word = (struct word){ line->text + start, end - start };
	line->text += end;
	line->len -= end;
	return ret_word->len > 0;
}

static bool is_name(const struct word *word, const char *name)
{
	size_t len = word->len;

	if (len > 1 && word->text[len - 1] == '.')
		len--;
	return len == strlen(name) && strncasecmp(word->text, name, len) == 0;
}

/* An address with a zone (fe80::1%eth0) is none. */
static bool parse_address(const struct word *word, struct address *ret_address)
{
	char text[INET6_ADDRSTRLEN];
	struct address mapped = { .in6.s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (word->len >= sizeof text)
		return false;
	memcpy(text, word->text, word->len);
	text[word->len] = '\0';
	if (inet_pton(AF_INET, text, &mapped.in6.s6_addr[12]) == 1) {
		*ret_address = mapped;
		return true;
	}
	return inet_pton(AF_INET6, text, &ret_address->in6) == 1;
}

static void add_localhost(const char *name, struct address *ret, size_t *len, size_t max)
{
	static const struct address v4 = {
		.in6.s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 }
	};
	static const struct address v6 = { .in6.s6_addr = { [15] = 1 } };
	static const char below[] = ".localhost";
	size_t name_len = strlen(name);

	if (strcasecmp(name, below + 1) != 0 &&
	    (name_len < sizeof below ||
	     strcasecmp(name + name_len - (sizeof below - 1), below) != 0))
		return;
	addresses_add(ret, len, max, &v4);
	addresses_add(ret, len, max, &v6);
}

size_t hosts_file_find(const char *text, size_t len, const char *name, struct address *ret,
		       size_t max)
{
	const char *end = text + len;
	size_t found = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct word line = { text, (size_t)((newline != NULL ? newline : end) - text) };
		const char *comment = memchr(text, '#', line.len);
		struct word first, word;
		struct address address;
		bool has_name = false;

		text = newline != NULL ? newline + 1 : end;
		if (comment != NULL)
			line.len = (size_t)(comment - line.text);
		if (!next_word(&line, &first))
			continue;
		while (!has_name && next_word(&line, &word))
			has_name = is_name(&word, name);
		if (has_name && parse_address(&first, &address))
			addresses_add(ret, &found, max, &address);
	}
	add_localhost(name, ret, &found, max);
	return found;
}
