/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Proposals of learn: paths, names and notes are the payload's bytes. Whatever they are, the text
 * is a profile that loads, has no grant but those that were meant, and is the same
 * twice. Input: notes as init writes them; their paths are taken as used files too.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box/refusals/observe.h"
#include "learn/diff.h"
#include "learn/edit.h"
#include "learn/gather.h"
#include "learn/propose.h"
#include "policy/paths.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct granted grants_nothing(void *context, const char *path)
{
	(void)context;
	(void)path;
	return (struct granted){ false, false };
}

static unsigned how_of(char letter)
{
	switch ((enum note)letter) {
	case NOTE_EXECUTE:
		return SEEN_EXECUTE | SEEN_READ;
	case NOTE_CREATE:
	case NOTE_REPLACE:
		return SEEN_MAKE;
	case NOTE_WRITE:
		return SEEN_CHANGE;
	case NOTE_READ:
	case NOTE_LOOK:
	case NOTE_ENTER:
	case NOTE_UNIX:
	case NOTE_MEMFD:
	case NOTE_CUT:
		break;
	}
	return SEEN_READ;
}

static void take(struct arena *arena, const char *bytes, size_t size, struct findings *findings)
{
	for (size_t at = 0; at < size;) {
		const char *end = memchr(bytes + at, '\0', size - at);

		if (!end)
			return;
		const char *path = bytes + at + 1;
		if (bytes[at] && *path)
			seen_add(arena, &findings->seen, path_absolute(arena, "/home/u/p", path),
				 bytes[at] == NOTE_ENTER, how_of(bytes[at]));
		at = (size_t)(end - bytes) + 1;
	}
}

static void check(struct arena *arena, const struct findings *findings)
{
	static const char mine[] = "extends: [base]\nfiles:\n  read: [./a]\n";
	struct proposal proposal;
	struct profile profile;
	struct err err;
	const char *after;

	propose(arena, findings, grants_nothing, NULL, &proposal);
	const char *text = proposal_text(arena, findings, &proposal);
	if (profile_parse(arena, "proposal", text, strlen(text), &profile, NULL, &err) < 0) {
		(void)fprintf(stderr, "fuzz-proposal: %s\n%s", err.subject, text);
		abort();
	}
	if (profile.hosts.len || profile.private_hosts.len || profile.exec_set ||
	    profile.env_set.len || profile.syscalls_allow.len || profile.publish.len)
		abort();
	for (size_t i = 0; i < profile.write.len; i++) {
		if (profile.write.items[i].dest || profile.write.items[i].optional)
			abort();
	}
	if (edit_profile(arena, "mine", mine, &proposal, &after, &err) < 0 ||
	    profile_parse(arena, "mine", after, strlen(after), &profile, NULL, &err) < 0 ||
	    profile.hosts.len) {
		(void)fprintf(stderr, "fuzz-proposal: %s\n%s", err.subject, after);
		abort();
	}
	(void)unified_diff(arena, "mine", mine, after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct strv none;
	struct arena arena = { 0 };
	struct gathered gathered = { 0 };
	char *bytes = arena_alloc(&arena, size + 1);
	struct profile unset;

	if (size > 4096)
		return 0;
	profile_init(&unset);
	struct findings findings = { .places = { "/home/u/p", "/home/u" },
				     .extends = "base",
				     .extends_why = "why",
				     .limits = unset.limits,
				     .secrets = &none };
	memcpy(bytes, data, size);
	findings.command = arena_printf(&arena, "prog %s", bytes);
	gather_notes(&arena, &findings.places, bytes, size, &gathered);
	take(&arena, bytes, size, &findings);
	seen_settle(&findings.seen);
	check(&arena, &findings);
	arena_free(&arena);
	return 0;
}
