/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS over a socket: see tls.h. */
#include "gateway/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/connections.h"
#include "gateway/memory.h"

/*** What is encrypted ***/

static int put_out(BIO *bio, const char *bytes, size_t len, size_t *ret_written)
{
	struct tls *tls = BIO_get_data(bio);

	if (tls->out_cap - tls->out_len < len) {
		size_t cap = 2 * tls->out_cap + len;
		char *grown = realloc(tls->out, cap);

		if (!grown)
			return 0;
		tls->out = grown;
		tls->out_cap = cap;
	}
	memcpy(tls->out + tls->out_len, bytes, len);
	tls->out_len += len;
	*ret_written = len;
	return 1;
}

static long control_out(BIO *bio, int what, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return what == BIO_CTRL_FLUSH; /* tls_flush() does it */
}

/* Memory of our own, because OpenSSL's would be locked with the records. */
static BIO *new_out(struct tls *tls)
{
	static BIO_METHOD *method;

	if (!method) {
		method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "out");
		if (!method || BIO_meth_set_write_ex(method, put_out) != 1 ||
		    BIO_meth_set_ctrl(method, control_out) != 1)
			return NULL;
	}
	BIO *bio = BIO_new(method);
	if (bio) {
		BIO_set_data(bio, tls);
		BIO_set_init(bio, 1);
	}
	return bio;
}

static void drop_out(struct tls *tls)
{
	free(tls->out);
	tls->out = NULL;
	tls->out_len = tls->out_cap = tls->out_sent = 0;
}

/*** Connections ***/

int tls_start(struct tls *tls, SSL_CTX *ctx, int fd, bool is_server,
	      void (*ready)(struct watch *watch, uint32_t events))
{
	BIO *in = BIO_new_socket(fd, BIO_NOCLOSE), *out = new_out(tls);

	*tls = (struct tls){ .watch = { .fd = -1, .ready = ready } };
	tls->ssl = in && out ? SSL_new(ctx) : NULL;
	if (!tls->ssl) {
		BIO_free(in);
		BIO_free(out);
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

/* Before each call on ssl. */
static void prepare(const struct tls *tls)
{
	memory_lock_records(tls->has_values);
	ERR_clear_error();
}

/* What the last call on ssl says: -EAGAIN, 0 for an end, or -EPROTO. */
static int why(struct tls *tls, int result)
{
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		tls->is_drained = true;
		return -EAGAIN;
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
	prepare(tls);
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
	if (tls->is_drained)
		return -EAGAIN;
	prepare(tls);
	int r = SSL_read_ex(tls->ssl, bytes, size, &n);
	return r == 1 ? (ssize_t)n : why(tls, r);
}

void tls_write(struct tls *tls, const char *bytes, size_t len)
{
	size_t n;

	if (len == 0 || tls->is_broken || tls->has_shut)
		return;
	prepare(tls);
	/* What is encrypted goes to memory, which takes all of it. */
	if (SSL_write_ex(tls->ssl, bytes, len, &n) != 1 || n != len)
		tls->is_broken = true;
}

void tls_shut(struct tls *tls)
{
	if (tls->has_shut || tls->is_broken || !tls->is_ready)
		return;
	tls->has_shut = true;
	prepare(tls);
	(void)SSL_shutdown(tls->ssl); /* the peer's answer is not waited for */
}

size_t tls_pending(const struct tls *tls)
{
	return tls->out_len - tls->out_sent;
}

void tls_count(const struct tls *tls, uint64_t *ret_received, uint64_t *ret_sent)
{
	*ret_received = tls->ssl ? BIO_number_read(SSL_get_rbio(tls->ssl)) : 0;
	*ret_sent = tls->ssl ? BIO_number_written(SSL_get_wbio(tls->ssl)) : 0;
}

void tls_flush(struct tls *tls)
{
	while (tls->out_sent < tls->out_len) {
		ssize_t n = send(tls->watch.fd, tls->out + tls->out_sent,
				 tls->out_len - tls->out_sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			tls->is_broken = true;
		if (n < 0)
			return;
		tls->out_sent += (size_t)n;
	}
	drop_out(tls);
}

void tls_close(struct tls *tls)
{
	if (!tls->ssl)
		return;
	if (tls_pending(tls) > 0 || tls->is_broken)
		connection_will_reset(tls->watch.fd);
	SSL_free(tls->ssl);
	tls->ssl = NULL;
	drop_out(tls);
	loop_close(&tls->watch);
}
