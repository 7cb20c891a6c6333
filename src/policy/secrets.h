/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Secrets and HTTP rules of a plan: what the gateway does for the box (src/gateway). No value of
 * a secret is read here, nor anywhere else in aisbx: the gateway reads it from its source.
 */
#ifndef AISBX_POLICY_SECRETS_H
#define AISBX_POLICY_SECRETS_H

#include "policy/hosts.h"
#include "policy/http_rules.h"
#include "policy/profile.h"

enum {
	SECRETS_MAX = 64,
	SECRET_NAME_MAX = 128,
	PLACEHOLDER_MAX = 512, /* bytes */
	CA_ROOM = 1024,	       /* for the certificate of a run's CA as PEM, newlines behind it */
};

enum secret_source {
	SECRET_ENV,	/* words: the variable */
	SECRET_FILE,	/* words: an absolute path */
	SECRET_FD,	/* words: the number */
	SECRET_COMMAND, /* words: argv */
	SECRET__N,
};

/* Where the placeholder becomes the value, besides headers. */
enum secret_place {
	SECRET_IN_URL = 1 << 0,
	SECRET_IN_BODY = 1 << 1,
};

struct secret {
	const char *name;
	enum secret_source source;
	struct strv words;
	const char *shown;  /* the source as written */
	const char *header; /* "Authorization: Bearer {}"; NULL: none is added */
	const char *prefix; /* of the placeholder */
	unsigned places;    /* enum secret_place */
	struct host_grants hosts;
	struct strv methods; /* none: any */
	struct strv paths;   /* patterns, the same */
	const char *why;
	char *placeholder; /* PLACEHOLDER_MAX + 1 bytes, within the plan's env */
};

struct plan_gateway {
	struct secret *secrets;
	size_t secrets_len;
	struct http_rule *rules;
	size_t rules_len;
	struct host_grants hosts; /* where connections end in the gateway */
	const char *store;	  /* the host's certificates that upstream servers are held to */
	const char *bundle;	  /* box path: what it trusts, the run's CA among it */
	struct trust *trust;	  /* the texts of that: see trust.h */
};

struct plan;

/* Fills plan->gateway; adds the grants of hosts that only secrets name. */
int secrets_build(struct arena *arena, struct plan *plan, struct err *reterr);
/* Whether the variable NAME of the caller's is a secret's source: no box gets it. */
bool secrets_take_variable(const struct plan *plan, const char *name);
/* Overwrites the values of such variables in an environment, which may be NULL. */
void secrets_forget(const struct plan *plan, char *const *environment);

#endif
