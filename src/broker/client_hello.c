/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The name in a ClientHello: see client_hello.h.
 *
 * What is taken here is what a server takes: where servers may differ on which
 * of two things counts (a second server_name, a second name in it), neither
 * does. What follows is judged only when the whole message is there; until then
 * only the headers of records are looked at, so that a client that sends a byte
 * at a time costs little.
 */
#include "broker/client_hello.h"

#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

enum {
	RECORD_HEADER = 5,
	RECORD_HANDSHAKE = 22,
	FRAGMENT_MAX = 16384,
	HANDSHAKE_HEADER = 4,
	HANDSHAKE_CLIENT_HELLO = 1,
	RANDOM_BYTES = 32,
	SESSION_ID_MAX = 32,
	VERSION_MAJOR = 3, /* of every version since SSL 3.0, for compatibility */
	EXTENSION_SERVER_NAME = 0,
	NAME_HOST = 0,
};

/*** Records ***/

/* Whether the header of a record can begin with what is there of it. */
static bool is_record(const uint8_t *header, size_t len)
{
	size_t most = FRAGMENT_MAX >> 8;

	if ((len > 0 && header[0] != RECORD_HANDSHAKE) || (len > 1 && header[1] != VERSION_MAJOR))
		return false;
	if (len < RECORD_HEADER)
		return len < 4 || header[3] <= most;
	size_t fragment = (size_t)header[3] << 8 | header[4];
	/* RFC 8446, 5.1: no empty fragments of handshake messages */
	return fragment > 0 && fragment <= FRAGMENT_MAX;
}

/*
 * How many of the first size bytes of the message are there, which are copied to
 * message unless it is NULL. -1 when a record on the way is none of a handshake.
 */
static ssize_t gather(const uint8_t *bytes, size_t len, size_t size, uint8_t *message)
{
	size_t have = 0;

	while (have < size && len > 0) {
		size_t fragment, wanted;

		if (!is_record(bytes, len))
			return -1;
		if (len < RECORD_HEADER)
			break;
		fragment = (size_t)bytes[3] << 8 | bytes[4];
		bytes += RECORD_HEADER;
		len -= RECORD_HEADER;
		if (fragment > len)
			fragment = len;
		wanted = fragment < size - have ? fragment : size - have;
		if (message)
			memcpy(message + have, bytes, wanted);
		have += wanted;
		bytes += fragment;
		len -= fragment;
	}
	return (ssize_t)have;
}

/*** The message ***/

/* Bytes that are still to be read; what is taken from the front is gone. */
struct span {
	const uint8_t *at;
	size_t len;
};

static bool take(struct span *from, size_t len, struct span *ret)
{
	if (from->len < len)
		return false;
	*ret = (struct span){ from->at, len };
	from->at += len;
	from->len -= len;
	return true;
}

/* Big-endian. */
static bool take_number(struct span *from, size_t width, size_t *ret)
{
	struct span digits;
	size_t number = 0;

	if (!take(from, width, &digits))
		return false;
	for (size_t i = 0; i < width; i++)
		number = number << 8 | digits.at[i];
	*ret = number;
	return true;
}

/* Bytes that have their length before them, as a number of width bytes. */
static bool take_vector(struct span *from, size_t width, struct span *ret)
{
	size_t len;

	return take_number(from, width, &len) && take(from, len, ret);
}

static bool is_host(const struct span *name, char *buf)
{
	return name->len > 0 && name->at[name->len - 1] != '.' &&
	       hostname_normalize((const char *)name->at, name->len, buf);
}

/* RFC 6066, section 3. */
static enum client_hello parse_server_name(struct span extension, char *buf)
{
	enum client_hello found = HELLO_NO_NAME;
	struct span list, name;
	size_t type;

	if (!take_vector(&extension, 2, &list) || extension.len > 0 || list.len == 0)
		return HELLO_BAD;
	while (list.len > 0) {
		if (!take_number(&list, 1, &type) || !take_vector(&list, 2, &name))
			return HELLO_BAD;
		if (type != NAME_HOST)
			continue;
		if (found == HELLO_NAME || !is_host(&name, buf))
			return HELLO_BAD;
		found = HELLO_NAME;
	}
	return found;
}

static enum client_hello parse_extensions(struct span extensions, char *buf)
{
	enum client_hello found = HELLO_NO_NAME;
	bool is_seen = false;
	struct span extension;
	size_t type;

	while (extensions.len > 0) {
		if (!take_number(&extensions, 2, &type) || !take_vector(&extensions, 2, &extension))
			return HELLO_BAD;
		if (type != EXTENSION_SERVER_NAME)
			continue; /* GREASE and encrypted_client_hello too */
		if (is_seen)
			return HELLO_BAD;
		is_seen = true;
		found = parse_server_name(extension, buf);
		if (found == HELLO_BAD)
			return HELLO_BAD;
	}
	return found;
}

static enum client_hello parse_hello(struct span hello, char *buf)
{
	struct span random, session_id, ciphers, compressions, extensions;
	size_t version;

	if (!take_number(&hello, 2, &version) || version >> 8 != VERSION_MAJOR ||
	    !take(&hello, RANDOM_BYTES, &random))
		return HELLO_BAD;
	if (!take_vector(&hello, 1, &session_id) || session_id.len > SESSION_ID_MAX)
		return HELLO_BAD;
	if (!take_vector(&hello, 2, &ciphers) || ciphers.len == 0 || ciphers.len % 2 != 0)
		return HELLO_BAD;
	if (!take_vector(&hello, 1, &compressions) || compressions.len == 0)
		return HELLO_BAD;
	if (hello.len == 0)
		return HELLO_NO_NAME; /* before TLS 1.3 there may be no extensions */
	if (!take_vector(&hello, 2, &extensions) || hello.len > 0)
		return HELLO_BAD;
	return parse_extensions(extensions, buf);
}

/* The message of size bytes is there. */
static enum client_hello parse_message(const uint8_t *bytes, size_t len, size_t size,
				       char *ret_name)
{
	uint8_t message[CLIENT_HELLO_MAX];
	char name[HOSTNAME_BYTES];
	enum client_hello found;

	(void)gather(bytes, len, size, message); /* succeeded before */
	found = parse_hello((struct span){ message + HANDSHAKE_HEADER, size - HANDSHAKE_HEADER },
			    name);
	if (found == HELLO_NAME)
		memcpy(ret_name, name, strlen(name) + 1);
	return found;
}

enum client_hello client_hello_parse(const uint8_t *bytes, size_t len, char *ret_name)
{
	enum client_hello more = len < CLIENT_HELLO_MAX ? HELLO_MORE : HELLO_BAD;
	uint8_t header[HANDSHAKE_HEADER];
	ssize_t have;
	size_t size;

	if (len > CLIENT_HELLO_MAX)
		len = CLIENT_HELLO_MAX;
	have = gather(bytes, len, 1, header);
	if (have < 0 || (have > 0 && header[0] != HANDSHAKE_CLIENT_HELLO))
		return HELLO_NOT_TLS;
	have = gather(bytes, len, HANDSHAKE_HEADER, header);
	if (have < 0)
		return HELLO_BAD;
	if (have < HANDSHAKE_HEADER)
		return more;
	size = HANDSHAKE_HEADER +
	       ((size_t)header[1] << 16 | (size_t)header[2] << 8 | (size_t)header[3]);
	if (size > CLIENT_HELLO_MAX - RECORD_HEADER)
		return HELLO_BAD;
	have = gather(bytes, len, size, NULL);
	if (have < 0)
		return HELLO_BAD;
	if ((size_t)have < size)
		return more;
	return parse_message(bytes, len, size, ret_name);
}
