/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan's bindings: programs found, environments made, and what the box sees of them.
 */
#ifndef AISBX_POLICY_BINDINGS_H
#define AISBX_POLICY_BINDINGS_H

#include "policy/bindings_places.h"
#include "policy/json_schema.h"
#include "policy/plan.h"

enum {
	BINDINGS_MAX = 64,
};

struct plan_binding {
	const char *name;
	const char *program; /* absolute; NULL: the built-in log */
	struct strv argv;
	struct strv env; /* NAME=VALUE */
	enum binding_args args;
	uint64_t timeout_ms; /* LIMIT_NONE */
	uint64_t max_input;
	uint64_t max_output;	   /* LIMIT_NONE */
	uint64_t max_calls;	   /* LIMIT_NONE */
	const char *check_program; /* a command that checks requests, or NULL */
	struct strv check_argv;
	const struct json_schema *schema; /* or this one does, or NULL */
	const char *why;		  /* "profile.yaml:4:9", for show */
};

/* Fills plan->bindings and adds its steps and programs. The other steps are there already. */
int bindings_build(struct arena *arena, struct plan *plan, struct err *reterr);
/* Adds what a box with bindings finds them by: AISBX_BINDINGS, and a directory in PATH. */
void bindings_set_env(struct arena *arena, struct strv *env);

#endif
