/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The items of bindings as written. Pure. */
#ifndef AISBX_POLICY_BINDING_SPECS_H
#define AISBX_POLICY_BINDING_SPECS_H

#include "policy/profile.h"
#include "policy/yaml.h"

/* As written: "none", "fixed", "append". */
extern const char *const binding_args_names[];

/* Everything unset. */
void binding_spec_init(struct binding_spec *spec, struct origin at);

/*
 * Reads text: NAME=PROGRAM [ARG...] with blanks between, the name of a built-in binding, or
 * a mapping as a profile has it, {name: NAME, command: [PROGRAM, ARG]}. NULL, or the reason.
 */
const char *binding_spec_read(struct arena *arena, const char *text, struct binding_spec *spec);

/*
 * Reads one key of an item that is a mapping into *spec. NULL, or the reason; *ret_where is the
 * node that it speaks of.
 */
const char *binding_spec_read_key(struct arena *arena, const struct node *key,
				  const struct node *value, struct binding_spec *spec,
				  const struct node **ret_where);
/* What is missing, or contradicts itself, once all keys are read; or NULL. */
const char *binding_spec_check(struct arena *arena, const struct binding_spec *spec);

/* Appends *spec; an earlier one of that name goes away. */
void binding_list_push(struct arena *arena, struct binding_list *list,
		       const struct binding_spec *spec);

#endif
