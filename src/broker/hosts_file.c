/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broker/hosts_file.h"

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

static void add_localhost(const char *name, struct address *ret, size_t *len, size_t max)
{
	static const char below[] = ".localhost";
	size_t name_len = strlen(name);

	if (strcasecmp(name, below + 1) != 0 &&
	    (name_len < sizeof below ||
	     strcasecmp(name + name_len - (sizeof below - 1), below) != 0))
		return;
	addresses_add(ret, len, max, address_loopback(AF_INET));
	addresses_add(ret, len, max, address_loopback(AF_INET6));
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
		if (has_name && address_parse(first.text, first.len, &address))
			addresses_add(ret, &found, max, &address);
	}
	add_localhost(name, ret, &found, max);
	return found;
}
