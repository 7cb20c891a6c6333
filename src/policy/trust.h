/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What programs in the box trust, where connections end in a gateway: the run's own CA too. */
#ifndef AISBX_POLICY_TRUST_H
#define AISBX_POLICY_TRUST_H

#include <stdatomic.h>
#include <stdbool.h>

#include "policy/entries.h"
#include "policy/keystore.h"
#include "policy/plan.h"

/* The CA alone, for what adds it to certificates of its own. */
#define TRUST_CA_PATH "/run/aisbx/ca.pem"
/* All certificates, where the box shows no bundle of the host's. */
#define TRUST_BUNDLE_PATH "/run/aisbx/ca-certificates.crt"

/* Where systems keep their certificates in one file; ends with NULL. */
extern const char *const trust_bundles[];

/*
 * What the plan's steps write where the box shows certificates of the host's. The plan has the room;
 * the CA and the keystore are filled in while the box is built.
 */
struct trust {
	char *text; /* the host's bundle, a newline, and the last CA_ROOM bytes are the CA's */
	size_t text_len;
	char *ca;
	struct keystore java; /* no bytes: the box shows no JVM's truststore */
	atomic_int begun;     /* see trust_begin() */
};

/* Finds the host's certificates: plan->gateway.store and .trust. */
int trust_find(struct arena *arena, struct plan *plan, struct err *reterr);
/* Where JVMs of the box look for their truststores, as far as that can be known. */
void trust_java_paths(const struct entries *entries, struct strv *ret_paths);
/* One of them is there. */
void trust_add_java(struct arena *arena, struct trust *trust);

/*
 * As much as can be filled without the CA; of two who share the memory the first does it, and the
 * other, if it is to, waits until it is done. No heap, no stdio.
 */
void trust_begin(struct trust *trust, bool waits);
/* The CA's certificate, CA_ROOM bytes: after that all is filled. The same. */
void trust_take_ca(struct trust *trust, const char *ca);

/* The variables that lead programs there. */
void trust_build_env(struct arena *arena, struct plan *plan);

#endif
