/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What requests to a granted host may be, and what is put in them: secrets and HTTP rules.
 */
#ifndef AISBX_GATEWAY_SITE_H
#define AISBX_GATEWAY_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hostname.h"
#include "gateway/http1.h"
#include "gateway/replace.h"
#include "policy/secrets.h"

#define LACKS_MEMORY "the limit on locked memory (ulimit -l) leaves no room for more at once"

enum {
	SITE_JSON_MAX = 4096, /* bytes of an answer of the gateway's own */
};

/* A granted name and port; bit n of a set of secrets is secret n of the configuration. */
struct site {
	char name[HOSTNAME_BYTES];
	uint16_t port;
	uint64_t secrets; /* granted there, whatever the request */
	uint64_t told;	  /* whose use there was told */
	bool has_rules;
	struct site *next;
};

/* One request, as far as it is decided on. */
struct request_plan {
	char target[HTTP_HEAD_MAX + 1]; /* as it is sent: placeholders still in it */
	size_t target_len;
	uint64_t secrets;	  /* whose value goes into it */
	int status;		  /* 0: let through; else the answer's */
	char json[SITE_JSON_MAX]; /* its body */
};

/* Chooses the placeholders and knows values and rules from then on. 0 or -errno. */
int sites_open(const struct plan_gateway *plan, const char *const *values,
	       const size_t *values_len);
/* The placeholder of secret i. */
const char *sites_placeholder(size_t i);

/* The entry of a name and port; NULL: out of memory. */
struct site *site_get(const char *name, uint16_t port);

/*
 * Decides on a request and tells refusals. Placeholders in its headers that are not granted for
 * it are refusals too, and stay what they are.
 */
void site_decide(struct site *site, const struct http_head *head, struct request_plan *ret_plan);
/* Tells that a connection found no locked memory. */
void site_lacks_memory(const struct site *site);
/* An answer of the gateway's own, in ret_plan: error is a few words, what says more. */
void site_answer(struct request_plan *ret_plan, int status, const char *error, const char *what);

/* Placeholder to value, of a set of secrets; places: enum secret_place, 0: headers. */
void site_replacements(uint64_t secrets, unsigned places, struct replacements *ret_all);
/* Value to placeholder, of all secrets: for what comes back. */
const struct replacements *sites_echoes(void);

/* The headers that secrets of a set add; i counts from 0. False past the last. */
bool site_added_header(uint64_t secrets, size_t i, struct span *ret_name, const char **ret_before,
		       struct span *ret_value, const char **ret_after);

#endif
