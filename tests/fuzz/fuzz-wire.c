/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a request on NAME.call: however they are cut, they are the same
 * request; every argument ends within the request; what is taken is counted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)fprintf(stderr, "fuzz-wire: %s\n", what);
	abort();
}

/* Pieces that end where they end, so that reading past them is noticed. */
static enum wire_state feed(struct wire_request *request, const uint8_t *data, size_t size,
			    size_t piece, size_t *ret_taken)
{
	enum wire_state state = WIRE_MORE;

	memset(request, 0, sizeof *request);
	*ret_taken = 0;
	while (state == WIRE_MORE && *ret_taken < size) {
		size_t len = size - *ret_taken < piece ? size - *ret_taken : piece, used;
		uint8_t *copy = malloc(len);

		check(copy, "no memory");
		memcpy(copy, data + *ret_taken, len);
		state = wire_read(request, copy, len, &used);
		free(copy);
		check(used <= len, "more was taken than there is");
		check(state != WIRE_MORE || used == len, "not all was taken");
		*ret_taken += used;
	}
	return state;
}

static void check_args(const struct wire_request *request)
{
	size_t count = 0;

	check(request->args_len <= WIRE_ARGS_MAX, "arguments are too long");
	for (const char *arg = wire_next_arg(request, NULL); arg;
	     arg = wire_next_arg(request, arg)) {
		check(arg + strlen(arg) < request->args + request->args_len,
		      "an argument ends outside");
		count++;
	}
	check(count == wire_args_count(request) && count <= WIRE_ARGS_COUNT_MAX,
	      "arguments are miscounted");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wire_request whole, cut;
	size_t taken, taken_cut;
	enum wire_state state = feed(&whole, data, size, size + 1, &taken);

	if (state == WIRE_INPUT)
		check_args(&whole);
	for (size_t piece = 1; piece <= 64; piece *= 4) {
		check(feed(&cut, data, size, piece, &taken_cut) == state, "another state");
		check(state == WIRE_BAD || taken_cut == taken, "another end");
		check(state != WIRE_INPUT || (cut.args_len == whole.args_len &&
					      memcmp(cut.args, whole.args, whole.args_len) == 0),
		      "other arguments");
	}
	return 0;
}
