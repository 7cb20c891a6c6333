/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls of bindings that are under way, in the bindings' server. */
#ifndef AISBX_BINDINGS_CALLS_H
#define AISBX_BINDINGS_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/bindings.h"

enum {
	CALLS_MAX = 64,	       /* connections at once; more wait to be accepted */
	CALLS_RUNNING_MAX = 8, /* commands at once; more wait with their request */
};

/*
 * bindings stay where they are. changed is called when a call has ended: there is room for
 * another, and calls_count() may be 0.
 */
void calls_init(const struct plan_bindings *bindings, uint64_t open_files, void (*changed)(void));
size_t calls_count(void);
/* A connection to NAME.call (is_framed) or NAME.sock of that binding, which is taken. */
void calls_add(size_t binding, bool is_framed, int socket_fd);
/* Ends all calls and what they run: calls_count() is 0 a while later. */
void calls_end_all(void);

#endif
