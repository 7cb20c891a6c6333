/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a profile may write in syscalls.allow and syscalls.deny: pure. */
#ifndef AISBX_BOX_SYSCALL_NAMES_H
#define AISBX_BOX_SYSCALL_NAMES_H

#include <stdbool.h>

#include "base/arena.h"
#include "box/seccomp/syscall_sets.h"

/* Whether the default filter lets the calls of a set through at all. */
bool syscall_set_is_allowed(const struct syscall_set *set);
/* Whether word names set: by its own name, or as @default with all that is allowed. */
bool syscall_set_is_named(const struct syscall_set *set, const char *word);
/* The word of list that names call, which is of set, or set; NULL: none does. */
const char *syscall_naming(const struct strv *list, const struct syscall_set *set,
			   const char *call);

/* Why word, a call or a @set, cannot stand in the list, for a message; NULL when it can. */
const char *syscall_check_allow(struct arena *arena, const char *word);
const char *syscall_check_deny(struct arena *arena, const char *word);

#endif
