/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules for code that is handed over as text: pure. */
#ifndef AISBX_POLICY_INPUT_H
#define AISBX_POLICY_INPUT_H

#include <stddef.h>

#include "base/err.h"
#include "policy/profile.h"

/*
 * Checks code against the profile's input rules: size, encoding, no NUL, no
 * bidirectional control characters (Trojan Source, CVE-2021-42574; the
 * characters of Unicode's Bidi_Control property). name is used in messages.
 * Fails with E_INPUT; the message has the line and column.
 */
int input_check(const struct profile *profile, const char *name, const char *code, size_t len,
		struct err *reterr);

#endif
