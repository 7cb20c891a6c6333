/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host names as bytes: see hostname.h. */
#include "base/hostname.h"

#include <string.h>

/* In lower case; 0 when no label has this byte. The locale has no say here. */
static char label_byte(char byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return (char)(byte - 'A' + 'a');
	if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
	    byte == '_')
		return byte;
	return '\0';
}

/* The same without a trailing dot; buf is not yet terminated, nor empty on failure. */
static bool normalize_labels(const char *name, size_t len, char *buf)
{
	size_t label_len = 0;

	for (size_t i = 0; i < len; i++) {
		if (name[i] == '.') {
			if (label_len == 0)
				return false;
			label_len = 0;
			buf[i] = '.';
			continue;
		}
		buf[i] = label_byte(name[i]);
		if (!buf[i] || ++label_len > HOSTNAME_LABEL_MAX)
			return false;
	}
	return label_len > 0;
}

bool hostname_normalize(const char *name, size_t len, char *buf)
{
	bool is_name;

	if (len > 0 && name[len - 1] == '.')
		len--;
	is_name = len <= HOSTNAME_MAX && normalize_labels(name, len, buf);
	buf[is_name ? len : 0] = '\0';
	return is_name;
}

bool hostname_is_localhost(const char *name)
{
	static const char localhost[] = "localhost";
	size_t len = strlen(name), tail = sizeof localhost - 1;

	return strcmp(name, "localhost.localdomain") == 0 ||
	       (len >= tail && strcmp(name + len - tail, localhost) == 0 &&
		(len == tail || name[len - tail - 1] == '.'));
}

bool hostname_ends_in_number(const char *name)
{
	const char *dot = strrchr(name, '.'), *label = dot ? dot + 1 : name;

	if (label[0] == '0' && label[1] == 'x')
		return !label[2 + strspn(label + 2, "0123456789abcdef")];
	return !label[strspn(label, "0123456789")];
}
