/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run was refused, for whoever reads stderr. */
#ifndef AISBX_CLI_REFUSED_H
#define AISBX_CLI_REFUSED_H

#include "box/refusals/missing.h"
#include "box/refusals/refusal_log.h"

/* One line on stderr for each, with what would allow it; a bounded number of lines. */
void print_refusals(const struct refusal_log *log);

/* The same for what was looked for and is not in the box; NULL: nothing is known. */
void print_missing(const struct missing *missing);

#endif
