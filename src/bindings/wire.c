/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests and frames: see wire.h. */
#include "bindings/wire.h"

#include <string.h>

enum wire_state wire_read(struct wire_request *request, const uint8_t *data, size_t len,
			  size_t *ret_used)
{
	size_t used = 0;

	while (request->length_len < WIRE_LENGTH_BYTES && used < len)
		request->length[request->length_len++] = data[used++];
	*ret_used = used;
	if (request->length_len < WIRE_LENGTH_BYTES)
		return WIRE_MORE;
	size_t wanted = wire_length(request->length);
	if (wanted > WIRE_ARGS_MAX)
		return WIRE_BAD;
	size_t take =
		wanted - request->args_len < len - used ? wanted - request->args_len : len - used;
	if (take) /* data may be NULL */
		memcpy(request->args + request->args_len, data + used, take);
	request->args_len += take;
	*ret_used = used + take;
	if (request->args_len < wanted)
		return WIRE_MORE;
	if (wanted && request->args[wanted - 1])
		return WIRE_BAD;
	return wire_args_count(request) > WIRE_ARGS_COUNT_MAX ? WIRE_BAD : WIRE_INPUT;
}

size_t wire_args_count(const struct wire_request *request)
{
	size_t count = 0;

	for (size_t i = 0; i < request->args_len; i++)
		count += request->args[i] == '\0';
	return count;
}

const char *wire_next_arg(const struct wire_request *request, const char *arg)
{
	const char *end = request->args + request->args_len;
	const char *next = arg ? arg + strlen(arg) + 1 : request->args;

	return next < end ? next : NULL;
}

void wire_write_head(uint8_t head[WIRE_FRAME_BYTES], enum wire_kind kind, size_t len)
{
	head[0] = (uint8_t)kind;
	wire_write_length(head + 1, len);
}
