/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan's network: hosts that the box reaches, ports that reach the box. */
#ifndef AISBX_POLICY_NETWORK_H
#define AISBX_POLICY_NETWORK_H

#include "policy/plan.h"

/* Fills plan->network from its profile. Looks nothing up. */
int network_build(struct arena *arena, struct plan *plan, struct err *reterr);

#endif
