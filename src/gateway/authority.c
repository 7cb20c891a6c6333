/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificates of a run: see authority.h. */
#include "gateway/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

enum {
	STORE_MAX = 16 << 20,
	BACKDATED_S = 300,
	VALID_S = 30 * 24 * 3600, /* the key is gone with the run, whatever this says */
	SERVERS_MAX = 4096,
};

struct server {
	char *name;
	SSL_CTX *ctx;
	struct server *next;
};

static struct {
	EVP_PKEY *ca_key;
	X509 *ca;
	EVP_PKEY *key; /* of all certificates that the CA signs */
	struct server *servers;
	size_t servers_len;
	struct arena arena;
	char *store;
	size_t store_len;
	SSL_CTX *client;
} authority;

/*** Certificates ***/

static bool add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, authority.ca ? authority.ca : certificate, certificate, NULL, NULL,
		       0);
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
	bool is_added = extension && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return is_added;
}

static bool set_serial(X509 *certificate)
{
	unsigned char bytes[16];
	BIGNUM *number = NULL;
	bool is_set = RAND_bytes(bytes, sizeof bytes) == 1;

	bytes[0] &= 0x7f; /* positive */
	bytes[0] |= 0x40;
	number = is_set ? BN_bin2bn(bytes, sizeof bytes, NULL) : NULL;
	is_set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return is_set;
}

/* Everything but extensions and signature. */
static X509 *begin(const char *common_name, EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *subject = certificate ? X509_get_subject_name(certificate) : NULL;
	bool is_filled =
		subject && X509_set_version(certificate, X509_VERSION_3) &&
		set_serial(certificate) &&
		X509_gmtime_adj(X509_getm_notBefore(certificate), -BACKDATED_S) &&
		X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S) &&
		X509_set_pubkey(certificate, key) &&
		X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
					   (const unsigned char *)"aisbx", -1, -1, 0) &&
		/* RFC 5280 has 64 characters for it; the name that counts is an extension */
		(strlen(common_name) > 64 ||
		 X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
					    (const unsigned char *)common_name, -1, -1, 0)) &&
		X509_set_issuer_name(
			certificate,
			X509_get_subject_name(authority.ca ? authority.ca : certificate));

	if (is_filled)
		return certificate;
	X509_free(certificate);
	return NULL;
}

static X509 *make_ca(void)
{
	X509 *ca = begin("this run's certificate authority", authority.ca_key);

	if (ca && add_extension(ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	    add_extension(ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	    add_extension(ca, NID_subject_key_identifier, "hash") &&
	    X509_sign(ca, authority.ca_key, EVP_sha256()))
		return ca;
	X509_free(ca);
	return NULL;
}

static X509 *make_leaf(const char *name)
{
	char names[300];
	X509 *leaf = begin(name, authority.key);

	(void)snprintf(names, sizeof names, "DNS:%s", name); /* a name has 253 bytes at most */
	if (leaf && add_extension(leaf, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(leaf, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(leaf, NID_ext_key_usage, "serverAuth") &&
	    add_extension(leaf, NID_subject_key_identifier, "hash") &&
	    add_extension(leaf, NID_authority_key_identifier, "keyid:always") &&
	    add_extension(leaf, NID_subject_alt_name, names) &&
	    X509_sign(leaf, authority.ca_key, EVP_sha256()))
		return leaf;
	X509_free(leaf);
	return NULL;
}

int authority_open(char *pem, size_t size, struct err *reterr)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;

	authority.ca_key = EVP_EC_gen("P-256");
	if (authority.ca_key && bio) {
		X509 *ca = make_ca();

		if (ca && PEM_write_bio_X509(bio, ca))
			len = BIO_get_mem_data(bio, &text);
		authority.ca = ca;
	}
	if (len > 0 && (size_t)len <= size) {
		memset(pem, '\n', size);
		memcpy(pem, text, (size_t)len);
	}
	BIO_free(bio);
	return len > 0 && (size_t)len <= size
		       ? 0
		       : err_set(reterr, E_SYSTEM, ENOMEM, "make", "the run's certificates");
}

/*** The box's side ***/

static SSL_CTX *make_context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return NULL;
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION); /* cannot fail: it is known */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

static SSL_CTX *make_server(const char *name)
{
	SSL_CTX *ctx = NULL;
	X509 *leaf = NULL;

	if (!authority.key)
		authority.key = EVP_EC_gen("P-256");
	if (authority.key)
		leaf = make_leaf(name);
	if (leaf)
		ctx = make_context(TLS_server_method());
	if (ctx && (SSL_CTX_use_certificate(ctx, leaf) != 1 ||
		    SSL_CTX_use_PrivateKey(ctx, authority.key) != 1 ||
		    SSL_CTX_set_num_tickets(ctx, 0) != 1)) {
		SSL_CTX_free(ctx);
		ctx = NULL;
	}
	X509_free(leaf);
	return ctx;
}

SSL_CTX *authority_server(const char *name)
{
	struct server *server = authority.servers;

	while (server && strcmp(server->name, name) != 0)
		server = server->next;
	if (server)
		return server->ctx;
	server = authority.servers_len < SERVERS_MAX ? calloc(1, sizeof *server) : NULL;
	if (!server)
		return NULL;
	server->name = strdup(name);
	server->ctx = server->name ? make_server(name) : NULL;
	if (!server->ctx) {
		free(server->name);
		free(server);
		return NULL;
	}
	server->next = authority.servers;
	authority.servers = server;
	authority.servers_len++;
	return server->ctx;
}

/*** The servers' side ***/

int authority_read_store(const char *path, struct err *reterr)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n =
		fd < 0 ? -errno
		       : arena_read(&authority.arena, fd, 256 << 10, STORE_MAX, &authority.store);

	if (n < 0 || n > STORE_MAX)
		return err_set(reterr, E_GRANT, n < 0 ? (int)-n : EFBIG, "read certificates from",
			       path);
	authority.store_len = (size_t)n;
	return 0;
}

static size_t fill_store(X509_STORE *store)
{
	BIO *bio = BIO_new_mem_buf(authority.store, (int)authority.store_len);
	X509 *certificate;
	size_t count = 0;

	while (bio && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		count += X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
	}
	BIO_free(bio);
	ERR_clear_error(); /* the end is one */
	return count;
}

SSL_CTX *authority_client(void)
{
	SSL_CTX *ctx = authority.client;

	if (ctx)
		return ctx;
	ctx = make_context(TLS_client_method());
	if (!ctx)
		return NULL;
	if (fill_store(SSL_CTX_get_cert_store(ctx)) == 0) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	arena_free(&authority.arena);
	authority.client = ctx;
	return ctx;
}
