/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests and answers on their way out: written anew from what was read, with the secrets put
 * in or taken out.
 */
#ifndef AISBX_GATEWAY_MESSAGE_H
#define AISBX_GATEWAY_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/http1.h"
#include "gateway/replace.h"
#include "gateway/site.h"
#include "gateway/tls.h"

/* What of a request matters until its answer is over. All zero: none. */
struct exchange {
	char method[16]; /* cut */
	int minor;	 /* of the request */
	bool wants_websocket;
	uint64_t secrets;	      /* that went into it */
	struct replacements body;     /* in its body; items are its own */
	struct replacements echoes;   /* in its answer */
	struct replacement *own_echo; /* items of echoes when they are its own */
	char *basic;		      /* credentials that were sent, and those that came */
};

void exchange_begin(struct exchange *exchange, const struct http_head *head);
/* What the plan puts into it. 0 or -ENOMEM. */
int exchange_decide(struct exchange *exchange, const struct request_plan *plan);
/*
 * Basic credentials with what all says put in: 1 and the header's new value, in the vault's work
 * until that is used again; 0: there is nothing to put in; or -ENOMEM.
 */
int exchange_basic(struct exchange *exchange, const struct http_header *header,
		   const struct replacements *all, struct span *ret_value);
void exchange_release(struct exchange *exchange);

/* Whether a secret's own header takes a header's place. */
bool message_is_replaced(uint64_t secrets, const struct span *header);
bool replacements_change_length(const struct replacements *all);

/* How a body goes out. All zero: as it is. */
struct body_writer {
	struct tls *tls;
	bool is_chunked;
	bool is_replacing;
	struct replacer replacer;
};

void body_writer_put(struct body_writer *writer, const char *bytes, size_t len);
/* trailers may be NULL. */
void body_writer_end(struct body_writer *writer, const struct http_head *trailers);
void body_writer_release(struct body_writer *writer);

/* Writes a request's head; writer is for its body. 0 or -ENOMEM. */
int message_request(struct tls *tls, struct exchange *exchange, const struct http_head *head,
		    const struct request_plan *plan, const struct site *site,
		    struct body_writer *writer);
/*
 * An answer's, or an interim one's, likewise. *is_last: in: nothing comes after it; out: nor can
 * it.
 */
int message_response(struct tls *tls, struct exchange *exchange, const struct http_head *head,
		     bool *is_last, struct body_writer *writer);
/* A whole answer of the gateway's own. */
void message_answer(struct tls *tls, int status, const char *json, bool is_last, bool is_head);

#endif
