/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a profile may write in syscalls.allow and syscalls.deny: see syscall_names.h. */
#include "box/seccomp/syscall_names.h"

#include <string.h>

#include "policy/schema.h"
#include "policy/words.h"

typedef const char *check_set(struct arena *arena, const struct syscall_set *set, const char *word);

bool syscall_set_is_allowed(const struct syscall_set *set)
{
	return set->freedom == FREEDOM_DENY || set->freedom == FREEDOM_NONE;
}

bool syscall_set_is_named(const struct syscall_set *set, const char *word)
{
	return strcmp(set->name, word) == 0 ||
	       (strcmp(word, "@default") == 0 && syscall_set_is_allowed(set));
}

const char *syscall_naming(const struct strv *list, const struct syscall_set *set, const char *call)
{
	for (size_t i = 0; i < list->len; i++) {
		if (strcmp(list->items[i], call) == 0 || syscall_set_is_named(set, list->items[i]))
			return list->items[i];
	}
	return NULL;
}

static const char *unknown_name(struct arena *arena, const char *word)
{
	struct strv names = { 0 };
	const char *nearest;

	strv_push(arena, &names, arena_strdup(arena, "@default"));
	for (size_t i = 0; i < syscall_sets_len; i++) {
		const char *cursor = syscall_sets[i].calls, *call;
		size_t len;

		strv_push(arena, &names, arena_strdup(arena, syscall_sets[i].name));
		while ((call = syscall_next(&cursor, &len)))
			strv_push(arena, &names, arena_strndup(arena, call, len));
	}
	nearest = nearest_name(word, (const char *const *)names.items);
	return arena_printf(arena, "%s is not a known %s%s%s%s", word_quote(arena, word),
			    word[0] == '@' ? "set of system calls" : "system call",
			    nearest ? "; did you mean '" : "", nearest ? nearest : "",
			    nearest ? "'?" : "");
}

static const char *check_word(struct arena *arena, const char *word, check_set *check)
{
	const struct syscall_set *set = syscall_set_of(word);
	const char *why = NULL;

	if (word[0] != '@')
		return set ? check(arena, set, word) : unknown_name(arena, word);
	for (size_t i = 0; i < syscall_sets_len && !why; i++) {
		if (!syscall_set_is_named(&syscall_sets[i], word))
			continue;
		set = &syscall_sets[i];
		why = check(arena, set, word);
	}
	return set ? why : unknown_name(arena, word);
}

static const char *check_allow(struct arena *arena, const struct syscall_set *set, const char *word)
{
	if (set->freedom == FREEDOM_REFUSED)
		return arena_printf(arena, "'%s' cannot be allowed: %s", word, set->why);
	if (set->freedom == FREEDOM_NAME && word[0] == '@')
		return arena_printf(arena,
				    "'%s' cannot be allowed as a set: %s; name the calls of it "
				    "that are needed: %s",
				    word, set->why, set->calls);
	return NULL;
}

static const char *check_deny(struct arena *arena, const struct syscall_set *set, const char *word)
{
	if (set->freedom != FREEDOM_NONE)
		return NULL;
	return arena_printf(arena, "'%s' cannot be denied: %s", word, set->why);
}

const char *syscall_check_allow(struct arena *arena, const char *word)
{
	return check_word(arena, word, check_allow);
}

const char *syscall_check_deny(struct arena *arena, const char *word)
{
	return check_word(arena, word, check_deny);
}
