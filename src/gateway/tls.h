/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One end of a TLS connection over a socket that is not waited for. What is written is encrypted
 * at once and stays here as what the socket has not taken yet, so that no text of a request is
 * kept; who writes looks at tls_pending() to keep that bounded.
 */
#ifndef AISBX_GATEWAY_TLS_H
#define AISBX_GATEWAY_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/loop.h"

enum {
	TLS_PENDING_MAX = 128 * 1024, /* more is not written before the socket has taken some */
};

struct tls {
	struct watch watch; /* its fd is the socket */
	SSL *ssl;
	char *out; /* what is encrypted and has to go to the socket */
	size_t out_len, out_cap;
	size_t out_sent;
	bool is_ready;	 /* the handshake is over */
	bool is_drained; /* the socket had no more: whoever hears of an event says it may again */
	bool is_broken;	 /* nothing more can be read or written */
	bool has_ended;	 /* the peer says that nothing more comes */
	bool has_shut;	 /* we said so */
	bool has_values; /* in what is read and written: that is in locked memory only */
};

/* Takes the socket. ready is called with every event of it. 0 or -errno; then fd is closed. */
int tls_start(struct tls *tls, SSL_CTX *ctx, int fd, bool is_server,
	      void (*ready)(struct watch *watch, uint32_t events));
/* Goes on with the handshake; is_ready or is_broken says how it is. */
void tls_shake(struct tls *tls);
/* How many bytes, 0 at the end, -EAGAIN, or another -errno. */
ssize_t tls_read(struct tls *tls, char *bytes, size_t size);
void tls_write(struct tls *tls, const char *bytes, size_t len);
/* Says that nothing more comes. */
void tls_shut(struct tls *tls);
/* Gives the socket what it takes. */
void tls_flush(struct tls *tls);
size_t tls_pending(const struct tls *tls);
/* Bytes on the wire, so far. */
void tls_count(const struct tls *tls, uint64_t *ret_received, uint64_t *ret_sent);
/* With a reset when what was written did not go out. */
void tls_close(struct tls *tls);

#endif
