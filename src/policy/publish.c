/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports of the host that lead into the box: see publish.h. */
#include "policy/publish.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "policy/ports.h"
#include "policy/words.h"

static const char *form_reason(struct arena *arena, const char *text)
{
	return arena_printf(arena, "%s is not [ADDR:]PORT[:BOXPORT]; write one, as in 8080:3000",
			    word_quote(arena, text));
}

static const char *address_reason(struct arena *arena, const char *text, size_t len)
{
	const char *word = word_quote(arena, arena_strndup(arena, text, len));

	if (len == 1 && text[0] == '*')
		return "'*' is not an address; write 0.0.0.0 or [::] for all of the host's";
	return arena_printf(arena,
			    "%s is not an address of the host; write one, as in 127.0.0.1, or "
			    "[::1] for IPv6",
			    word);
}

/* Takes "ADDR:" off *at. */
static const char *parse_address(struct arena *arena, const char **at, struct address *ret_address)
{
	const char *text = *at, *end = text;
	bool is_bracketed = text[0] == '[';
	size_t len;

	if (is_bracketed)
		end = strchr(text, ']');
	if (end)
		end = strchr(end, ':');
	if (!end)
		return form_reason(arena, text);
	len = (size_t)(end - text);
	*at = end + 1;
	if (is_bracketed && (end[-1] != ']' || !memchr(text, ':', len)))
		return address_reason(arena, text, len);
	if (!address_parse(text + is_bracketed, len - 2 * is_bracketed, ret_address))
		return address_reason(arena, text, len);
	return NULL;
}

/* Whether text begins with a number that ends at a colon or with the text. */
static bool begins_with_port(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && (text[len] == ':' || !text[len]);
}

static const char *parse_ports(struct arena *arena, const char *text, struct publish *publish)
{
	size_t len = strcspn(text, ":");
	const char *box_port = text[len] ? text + len + 1 : text;

	if (!port_parse(text, len, &publish->port))
		return arena_printf(
			arena,
			"%s is not a port; write a number from 1 to 65535, or 0 to have "
			"one picked",
			word_quote(arena, arena_strndup(arena, text, len)));
	if (box_port == text && publish->port == 0)
		return "port 0 has one picked on the host; write the box's port after it, as in "
		       "0:3000";
	if (!port_parse(box_port, strlen(box_port), &publish->box_port) || publish->box_port == 0)
		return arena_printf(arena,
				    "%s is not a port of the box; write a number from 1 to 65535",
				    word_quote(arena, box_port));
	return NULL;
}

int publish_parse(struct arena *arena, const char *text, struct publish *ret_publish,
		  const char **ret_why)
{
	struct publish publish = { .address = *address_loopback(AF_INET) };
	const char *at = text, *why = NULL;

	if (!begins_with_port(text))
		why = parse_address(arena, &at, &publish.address);
	if (!why)
		why = parse_ports(arena, at, &publish);
	if (why) {
		*ret_why = why;
		return -EINVAL;
	}
	publish.why = ret_publish->why;
	*ret_publish = publish;
	return 0;
}
