/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lists of a profile: appending only what is not there yet. Pure. */
#ifndef AISBX_POLICY_LISTS_H
#define AISBX_POLICY_LISTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "policy/profile.h"

bool strv_has(const struct strv *list, const char *item);
/* Appends item itself unless an equal one is there. */
void strv_push_new(struct arena *arena, struct strv *list, char *item);
/* Appends NAME=VALUE itself; an earlier value of NAME goes away. */
void strv_push_env(struct arena *arena, struct strv *list, char *item);
/* Appends *spec unless one with the same paths is there; what is required once stays required. */
void path_list_push_new(struct arena *arena, struct path_list *list, const struct path_spec *spec);
/* Appends *spec unless its text is there; what may speak anything once may for good. */
void host_list_push_new(struct arena *arena, struct host_list *list, const struct host_spec *spec);

/* Appends *spec unless its text is there. */
void http_list_push_new(struct arena *arena, struct http_list *list, const struct http_spec *spec);
/* Appends *spec; an earlier one of its name goes away. */
void secret_list_push(struct arena *arena, struct secret_list *list,
		      const struct secret_spec *spec);

#endif
