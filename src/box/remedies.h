/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What to do about a wall that this host cannot build: the one table that `run`, when it
 * fails, and `doctor` both speak from.
 */
#ifndef AISBX_BOX_REMEDIES_H
#define AISBX_BOX_REMEDIES_H

#include "base/err.h"
#include "box/surroundings.h"

/*
 * Sets the hint of a wall's error that has none: the likely cause in these surroundings and
 * the command or configuration that ends it. Pure.
 */
void remedy_find(struct err *err, const struct surroundings *here);
/* The same in the surroundings of this process. Reads /proc, formats: not in a box. */
void remedy_add(struct err *err);

#endif
