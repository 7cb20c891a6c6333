/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What programs in the box trust, where connections end in a gateway: the run's own CA too. */
#ifndef AISBX_POLICY_TRUST_H
#define AISBX_POLICY_TRUST_H

#include "policy/plan.h"

/* The CA alone, for what adds it to certificates of its own. */
#define TRUST_CA_PATH "/run/aisbx/ca.pem"
/* All certificates, where the box shows no bundle of the host's. */
#define TRUST_BUNDLE_PATH "/run/aisbx/ca-certificates.crt"

/* Where systems keep their certificates in one file; ends with NULL. */
extern const char *const trust_bundles[];

/*
 * Reads the host's bundle, if there is one. *ret_text is that with room for the CA at its end,
 * which plan->gateway.ca then is.
 */
int trust_read(struct arena *arena, struct plan *plan, const char **ret_text, struct err *reterr);

/* The variables that lead programs there. */
void trust_build_env(struct arena *arena, struct plan *plan);

#endif
