/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS over a socket: see tls.h. */
#include "gateway/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/connections.h"

int tls_start(struct tls *tls, SSL_CTX *ctx, int fd, bool is_server,
	      void (*ready)(struct watch *watch, uint32_t events))
{
	BIO *in = BIO_new_socket(fd, BIO_NOCLOSE), *out = BIO_new(BIO_s_mem());

	*tls = (struct tls){ .watch = { .fd = -1, .ready = ready }, .out = out };
	tls->ssl = in && out ? SSL_new(ctx) : NULL;
	if (!tls->ssl) {
		BIO_free(in);
		BIO_free(out);
		tls->out = NULL;
		connection_reset(fd);
		return -ENOMEM;
	}
	SSL_set_bio(tls->ssl, in, out); /* both are its own now */
	if (is_server)
		SSL_set_accept_state(tls->ssl);
	else
		SSL_set_connect_state(tls->ssl);
	int r = loop_watch(&tls->watch, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (r < 0) {
		SSL_free(tls->ssl);
		tls->ssl = NULL;
		connection_reset(fd);
	}
	return r;
}

/* What the last call on ssl says: -EAGAIN, 0 for an end, or -EPROTO. */
static int why(struct tls *tls, int result)
{
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
	case SSL_ERROR_WANT_CLIENT_HELLO_CB:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		tls->has_ended = true;
		return 0;
	default:
		tls->is_broken = true;
		return -EPROTO;
	}
}

void tls_shake(struct tls *tls)
{
	if (tls->is_ready || tls->is_broken)
		return;
	ERR_clear_error();
	int r = SSL_do_handshake(tls->ssl);
	if (r == 1)
		tls->is_ready = true;
	else if (why(tls, r) == 0)
		tls->is_broken = true;
}

ssize_t tls_read(struct tls *tls, char *bytes, size_t size)
{
	size_t n;

	if (tls->is_broken)
		return -EPROTO;
	if (tls->has_ended)
		return 0;
	ERR_clear_error();
	int r = SSL_read_ex(tls->ssl, bytes, size, &n);
	return r == 1 ? (ssize_t)n : why(tls, r);
}

void tls_write(struct tls *tls, const char *bytes, size_t len)
{
	size_t n;

	if (len == 0 || tls->is_broken || tls->has_shut)
		return;
	ERR_clear_error();
	/* What is encrypted goes to memory, which takes all of it. */
	if (SSL_write_ex(tls->ssl, bytes, len, &n) != 1 || n != len)
		tls->is_broken = true;
}

void tls_shut(struct tls *tls)
{
	if (tls->has_shut || tls->is_broken || !tls->is_ready)
		return;
	tls->has_shut = true;
	ERR_clear_error();
	(void)SSL_shutdown(tls->ssl); /* the peer's answer is not waited for */
}

size_t tls_pending(const struct tls *tls)
{
	return tls->out ? (size_t)BIO_pending(tls->out) - tls->out_sent : 0;
}

void tls_flush(struct tls *tls)
{
	char *bytes;
	size_t len = (size_t)BIO_get_mem_data(tls->out, &bytes);

	while (tls->out_sent < len) {
		ssize_t n = send(tls->watch.fd, bytes + tls->out_sent, len - tls->out_sent,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			tls->is_broken = true;
		if (n < 0)
			return;
		tls->out_sent += (size_t)n;
	}
	if (len > 0)
		(void)BIO_reset(tls->out);
	tls->out_sent = 0;
}

void tls_close(struct tls *tls)
{
	if (!tls->ssl)
		return;
	if (tls_pending(tls) > 0 || tls->is_broken)
		connection_will_reset(tls->watch.fd);
	SSL_free(tls->ssl);
	tls->ssl = NULL;
	tls->out = NULL;
	loop_close(&tls->watch);
}
