/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a profile: loading ends, each refusal has a complete message
 * without control characters, and what is taken survives merging into itself.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/profile.h"
#include "policy/words.h"

enum {
	INPUT_BYTES = 16 * 1024,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)fprintf(stderr, "fuzz-profile: %s\n", what);
	abort();
}

static void check_profile(struct arena *arena, struct profile *profile)
{
	struct profile before = *profile;

	check(strlen(profile->sha256) == 64, "no digest");
	check(!profile->exec.len || profile->exec_set, "an exec list that is not set");
	profile_merge(arena, profile, &before);
	check(profile->read.len == before.read.len && profile->env_set.len == before.env_set.len &&
		      profile->protect.len == before.protect.len,
	      "merging a profile into itself adds something");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct complaints complaints = { 0 };
	struct profile profile;
	struct err err;

	if (size > INPUT_BYTES)
		return 0;
	/* a copy that ends where it ends, so that reading past it is noticed */
	char *text = malloc(size ? size : 1);
	check(text, "no memory");
	if (size)
		memcpy(text, data, size);
	int r = profile_parse(&arena, "fuzz.yaml", text, size, &profile, &complaints, &err);
	check((r < 0) == (complaints.messages.len > 0), "a result that its complaints contradict");
	for (size_t i = 0; i < complaints.messages.len; i++) {
		const char *message = complaints.messages.items[i];

		check(!word_has_control(message), "a message with control characters");
		check(strlen(message) < 4096, "an endless message");
	}
	if (r == 0)
		check_profile(&arena, &profile);
	free(text);
	arena_free(&arena);
	return 0;
}
