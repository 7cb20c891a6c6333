/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which HTTP a connection speaks: see negotiation.h and RFC 7301. */
#include "gateway/negotiation.h"

#include <string.h>

/* HTTP/1.0 for clients that name it. */
static const unsigned char h1[] = "\x08http/1.1\x08http/1.0";
static const unsigned char h2[] = "\x02h2\x08http/1.1";

enum {
	H2_BYTES = 3,
	H1_BYTES = 9, /* what servers are offered of h1 */
};

/* Whether "h2" is among the names of the extension. */
static bool has_h2(const unsigned char *extension, size_t len)
{
	for (size_t at = 2; at < len; at += 1 + (size_t)extension[at]) {
		if (len - at >= H2_BYTES && memcmp(extension + at, h2, H2_BYTES) == 0)
			return true;
	}
	return false;
}

static int on_hello(SSL *ssl, int *alert, void *context)
{
	struct negotiation *negotiation = SSL_get_app_data(ssl);
	const unsigned char *extension;
	size_t len;

	(void)alert;
	(void)context;
	if (!negotiation)
		return SSL_CLIENT_HELLO_ERROR;
	if (!negotiation->is_heard &&
	    SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
				      &extension, &len) == 1)
		negotiation->offers_h2 = has_h2(extension, len);
	negotiation->is_heard = true;
	return negotiation->may_answer ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_RETRY;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			   const unsigned char *in, unsigned in_len, void *context)
{
	const struct negotiation *negotiation = SSL_get_app_data(ssl);
	const unsigned char *ours = negotiation->is_h2 ? h2 : h1;
	unsigned len = negotiation->is_h2 ? H2_BYTES : sizeof h1 - 1;

	(void)context;
	return SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len, ours, len, in,
				     in_len) == OPENSSL_NPN_NEGOTIATED
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void negotiation_prepare(SSL_CTX *ctx)
{
	SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, select_protocol, NULL);
}

void negotiation_attach(SSL *box, struct negotiation *negotiation)
{
	(void)SSL_set_app_data(box,
			       negotiation); /* without memory it is NULL, which is looked at */
}

bool negotiation_greet(const struct negotiation *negotiation, SSL *server)
{
	return SSL_set_alpn_protos(server, negotiation->offers_h2 ? h2 : h1,
				   negotiation->offers_h2 ? sizeof h2 - 1 : H1_BYTES) == 0;
}

void negotiation_decide(struct negotiation *negotiation, const SSL *server)
{
	const unsigned char *name = NULL;
	unsigned len = 0;

	if (server)
		SSL_get0_alpn_selected(server, &name, &len);
	negotiation->is_h2 = len == 2 && memcmp(name, "h2", 2) == 0;
	negotiation->may_answer = true;
}
