/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which HTTP a connection speaks: what both the box's client and the server can. So the client's
 * hello is read first, then the server is greeted, and only then the client is answered.
 */
#ifndef AISBX_GATEWAY_NEGOTIATION_H
#define AISBX_GATEWAY_NEGOTIATION_H

#include <openssl/ssl.h>
#include <stdbool.h>

struct negotiation {
	bool is_heard;	 /* the client's hello is here */
	bool offers_h2;	 /* by it */
	bool may_answer; /* the server has answered, or there is none */
	bool is_h2;	 /* what the server chose */
};

/* Of a context for the box's side: its connections have a negotiation by negotiation_attach(). */
void negotiation_prepare(SSL_CTX *ctx);
void negotiation_attach(SSL *box, struct negotiation *negotiation);
/* Offers the server what the client offers. False: out of memory. */
bool negotiation_greet(const struct negotiation *negotiation, SSL *server);
/* The server's handshake is over; NULL: there is none. */
void negotiation_decide(struct negotiation *negotiation, const SSL *server);

#endif
