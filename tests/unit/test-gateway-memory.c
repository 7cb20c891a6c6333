/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What TLS connections with values in them have in memory that is not locked: nothing.
 *
 * Two ends in this process. Each piece of ordinary memory that OpenSSL gives back while one of
 * them reads is looked through; while one writes, where a text is overwritten by what is
 * encrypted of it, none is asked for that has room for a record. The end that is told of no
 * values shows that both can be seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define VALUE "the-value-of-a-secret-that-is-locked-away"

static bool is_watched;
static unsigned found; /* pieces with the value in them */
static size_t largest; /* piece that was asked for */

static void *note_and_take(size_t size);
static void look_and_free(void *memory);

#define malloc note_and_take
#define free   look_and_free
#include "gateway/memory.c"
#undef malloc
#undef free

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "broker/loop.h"
#include "gateway/tls.h"

static void *note_and_take(size_t size)
{
	if (is_watched && size > largest)
		largest = size;
	return malloc(size);
}

static void look_and_free(void *memory)
{
	found += is_watched && memory &&
		 memmem(memory, malloc_usable_size(memory), VALUE, strlen(VALUE));
	free(memory);
}

static void watch_memory(bool on)
{
	if (on) {
		found = 0;
		largest = 0;
	}
	is_watched = on;
}

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *certificate = X509_new();

	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	(void)X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

static SSL_CTX *make_context(bool is_server, int version, const char *ciphers)
{
	SSL_CTX *ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

	assert_non_null(ctx);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, version), 1);
	assert_int_equal(SSL_CTX_set_cipher_list(ctx, ciphers), 1);
	if (is_server) {
		EVP_PKEY *key = EVP_EC_gen("P-256");
		X509 *certificate = make_certificate(key);

		assert_int_equal(SSL_CTX_use_certificate(ctx, certificate), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
		X509_free(certificate);
		EVP_PKEY_free(key);
	}
	return ctx;
}

static void nothing(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
}

/* One text from end to end; what was seen at either is checked by what it knows of values. */
static void pass(struct tls *from, struct tls *to, size_t len)
{
	char *text = OPENSSL_secure_zalloc(len), *room = OPENSSL_secure_malloc(len);
	size_t got = 0;

	assert_non_null(text);
	assert_non_null(room);
	for (size_t at = 0; at + sizeof VALUE <= len; at += sizeof VALUE)
		memcpy(text + at, VALUE, sizeof VALUE);
	watch_memory(true);
	tls_write(from, text, len);
	watch_memory(false);
	assert_int_equal(largest < RECORD_LEAST / 2, from->has_values);
	assert_int_equal(found, 0);
	tls_flush(from);
	watch_memory(true);
	while (got < len) {
		to->is_drained = false; /* as by an event */
		ssize_t n = tls_read(to, room + got, len - got);

		assert_true(n > 0);
		got += (size_t)n;
	}
	watch_memory(false);
	assert_int_equal(found == 0, to->has_values);
	assert_memory_equal(room, text, len);
	OPENSSL_secure_free(text);
	OPENSSL_secure_free(room);
}

static void keeps_values_of(int version, const char *ciphers)
{
	SSL_CTX *contexts[] = { make_context(false, version, ciphers),
				make_context(true, version, ciphers) };
	struct tls client, server;
	int fds[2];
	static const size_t lens[] = { sizeof VALUE, 4000, 16384 };

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(tls_start(&client, contexts[0], fds[0], false, nothing), 0);
	client.has_values = true;
	assert_int_equal(tls_start(&server, contexts[1], fds[1], true, nothing), 0);
	for (int i = 0; i < 10 && !(client.is_ready && server.is_ready); i++) {
		tls_shake(&client);
		tls_flush(&client);
		tls_shake(&server);
		tls_flush(&server);
	}
	assert_true(client.is_ready && server.is_ready);
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		pass(&client, &server, lens[i]);
		pass(&server, &client, lens[i]);
	}
	watch_memory(true);
	tls_close(&client);
	watch_memory(false);
	assert_int_equal(found, 0);
	tls_close(&server);
	SSL_CTX_free(contexts[0]);
	SSL_CTX_free(contexts[1]);
}

static void records_are_locked(void **state)
{
	(void)state;
	keeps_values_of(TLS1_3_VERSION, "DEFAULT");
	keeps_values_of(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256");
	keeps_values_of(TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305");
	keeps_values_of(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256");
	keeps_values_of(TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA");
}

static void only_so_much(void **state)
{
	void *pieces[HEAP_MOST / RECORD_LEAST + 2];
	size_t len = 0;

	(void)state;
	memory_lock_records(true);
	while (memory_has_room()) {
		pieces[len] = OPENSSL_malloc(RECORD_LEAST);
		assert_true(CRYPTO_secure_allocated(pieces[len]));
		assert_true(++len < sizeof pieces / sizeof *pieces);
	}
	assert_true(len > 0);
	/* What is small is not in it, and what grows into it is. */
	char *small = OPENSSL_malloc(100);
	assert_false(CRYPTO_secure_allocated(small));
	memcpy(small, VALUE, sizeof VALUE);
	small = OPENSSL_realloc(small, RECORD_LEAST);
	assert_true(CRYPTO_secure_allocated(small));
	small = OPENSSL_realloc(small, 2 * RECORD_LEAST);
	assert_true(CRYPTO_secure_allocated(small));
	assert_string_equal(small, VALUE);
	OPENSSL_free(small);
	/* None is ordinary memory because there is no more. */
	while ((pieces[len] = OPENSSL_malloc(RECORD_LEAST)))
		assert_true(++len < sizeof pieces / sizeof *pieces);
	assert_null(OPENSSL_malloc(RECORD_LEAST));
	while (len > 0)
		OPENSSL_free(pieces[--len]);
	memory_lock_records(false);
	assert_true(memory_has_room());
	assert_false(CRYPTO_secure_allocated(small = OPENSSL_malloc(RECORD_LEAST)));
	OPENSSL_free(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_locked),
		cmocka_unit_test(only_so_much),
	};
	struct err err;

	if (!memory_hook() || memory_open(&err) < 0 || loop_init() < 0) {
		(void)printf("1..0 # skip no memory can be locked here (ulimit -l)\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
