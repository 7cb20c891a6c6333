/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as the start of a connection: what was decided once stays so when more
 * bytes come, a name is one that grants are compared with, and the same message
 * in records of one byte has the same name.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/client_hello.h"

enum {
	INPUT_BYTES = 8 * 1024,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)fprintf(stderr, "fuzz-client-hello: %s\n", what);
	abort();
}

/* A copy that ends where it ends, so that reading past it is noticed. */
static enum client_hello parse(const uint8_t *data, size_t size, char *name)
{
	char normal[HOSTNAME_BYTES];
	uint8_t *copy = malloc(size ? size : 1);

	check(copy, "no memory");
	if (size)
		memcpy(copy, data, size);
	memset(name, 0, HOSTNAME_BYTES);
	enum client_hello result = client_hello_parse(copy, size, name);
	free(copy);
	check((result == HELLO_NAME) == (name[0] != '\0'), "a name that the result contradicts");
	if (result == HELLO_NAME)
		check(hostname_normalize(name, strlen(name), normal) && strcmp(name, normal) == 0,
		      "a name that is not normalized");
	return result;
}

/* The one record at data as records of one byte. */
static void check_split(const uint8_t *data, size_t size, enum client_hello want, const char *name)
{
	uint8_t records[6 * INPUT_BYTES];
	char split_name[HOSTNAME_BYTES];
	size_t len = 0;

	for (size_t i = 5; i < size; i++) {
		static const uint8_t header[5] = { 22, 3, 1, 0, 1 };

		memcpy(records + len, header, sizeof header);
		len += sizeof header;
		records[len++] = data[i];
	}
	check(parse(records, len, split_name) == want, "records of one byte change the result");
	check(strcmp(name, split_name) == 0, "records of one byte change the name");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[HOSTNAME_BYTES], earlier_name[HOSTNAME_BYTES];

	if (size > INPUT_BYTES)
		return 0;
	enum client_hello result = parse(data, size, name);
	for (size_t cut = 0; cut < size; cut += 1 + cut / 8) {
		enum client_hello earlier = parse(data, cut, earlier_name);

		check(earlier == HELLO_MORE ||
			      (earlier == result && strcmp(earlier_name, name) == 0),
		      "a decision that does not stay");
	}
	if (size > 5 && result != HELLO_NOT_TLS && ((size_t)data[3] << 8 | data[4]) == size - 5)
		check_split(data, size, result, name);
	return 0;
}
