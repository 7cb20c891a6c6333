/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Certificates of a run: see authority.h.
 *
 * A start waits for the CA, which OpenSSL's older functions, deprecated in its manual pages, make
 * in a tenth of the time: the newer ones first gather the names of all that a provider has. TLS
 * needs these too, but not before there is a connection.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "gateway/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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

/*** Keys ***/

/* The kernel's, of at most 256 bytes at a time, which come in one piece: getrandom(2). */
static int take_random(unsigned char *bytes, int len)
{
	for (int done = 0, n; done < len; done += n) {
		n = len - done < 256 ? len - done : 256;
		if (getrandom(bytes + done, (size_t)n, 0) != n)
			return 0;
	}
	return 1;
}

static int has_random(void)
{
	return 1;
}

static EVP_PKEY *make_key(void)
{
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	EVP_PKEY *key = ec && EC_KEY_generate_key(ec) == 1 ? EVP_PKEY_new() : NULL;

	if (key && EVP_PKEY_assign_EC_KEY(key, ec) == 1)
		return key;
	EVP_PKEY_free(key);
	EC_KEY_free(ec);
	return NULL;
}

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

/* Any value that is a key's own will do (RFC 5280, section 4.2.1.2): one that takes no digest. */
static bool add_key_id(X509 *certificate)
{
	unsigned char bytes[20];
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	bool is_added = id && RAND_bytes(bytes, sizeof bytes) == 1 &&
			ASN1_OCTET_STRING_set(id, bytes, sizeof bytes) == 1 &&
			X509_add1_ext_i2d(certificate, NID_subject_key_identifier, id, 0, 0) == 1;

	ASN1_OCTET_STRING_free(id);
	return is_added;
}

static ECDSA_SIG *sign_bytes(const unsigned char *bytes, size_t len)
{
	EC_KEY *key = (EC_KEY *)EVP_PKEY_get0_EC_KEY(authority.ca_key);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	BIGNUM *inverse = NULL, *r = NULL;
	ECDSA_SIG *signature = NULL;
	SHA256_CTX sha;

	if (SHA256_Init(&sha) == 1 && SHA256_Update(&sha, bytes, len) == 1 &&
	    SHA256_Final(digest, &sha) == 1 && ECDSA_sign_setup(key, NULL, &inverse, &r) == 1)
		signature = ECDSA_do_sign_ex(digest, sizeof digest, inverse, r, key);
	BN_clear_free(inverse);
	BN_clear_free(r);
	return signature;
}

/* As X509_sign(3) does. What is const here is so that nobody changes what is signed already. */
static bool sign(X509 *certificate)
{
	const ASN1_BIT_STRING *place;
	const X509_ALGOR *outer;
	unsigned char *bytes = NULL, *signed_bytes = NULL;

	X509_get0_signature(&place, &outer, certificate);
	if (X509_ALGOR_set0((X509_ALGOR *)X509_get0_tbs_sigalg(certificate),
			    OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF, NULL) != 1 ||
	    X509_ALGOR_set0((X509_ALGOR *)outer, OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF,
			    NULL) != 1)
		return false;
	int len = i2d_re_X509_tbs(certificate, &bytes);
	ECDSA_SIG *signature = len > 0 ? sign_bytes(bytes, (size_t)len) : NULL;
	OPENSSL_free(bytes);
	len = signature ? i2d_ECDSA_SIG(signature, &signed_bytes) : 0;
	ECDSA_SIG_free(signature);
	if (len <= 0)
		return false;
	ASN1_STRING_set0((ASN1_STRING *)place, signed_bytes, len);
	((ASN1_STRING *)place)->flags |= ASN1_STRING_FLAG_BITS_LEFT; /* of whole bytes */
	return true;
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
	    add_extension(ca, NID_key_usage, "critical,keyCertSign,cRLSign") && add_key_id(ca) &&
	    sign(ca))
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
	    add_extension(leaf, NID_ext_key_usage, "serverAuth") && add_key_id(leaf) &&
	    add_extension(leaf, NID_authority_key_identifier, "keyid:always") &&
	    add_extension(leaf, NID_subject_alt_name, names) && sign(leaf))
		return leaf;
	X509_free(leaf);
	return NULL;
}

int authority_open(char *pem, size_t size, struct err *reterr)
{
	static const RAND_METHOD kernel = { .bytes = take_random,
					    .pseudorand = take_random,
					    .status = has_random };
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;

	(void)RAND_set_rand_method(&kernel); /* cannot fail: there is no engine */
	authority.ca_key = make_key();
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
		authority.key = make_key();
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
	static const char begin_line[] = "-----BEGIN CERTIFICATE-----";
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n =
		fd < 0 ? -errno
		       : arena_read(&authority.arena, fd, 256 << 10, STORE_MAX, &authority.store);

	if (n < 0 || n > STORE_MAX)
		return err_set(reterr, E_GRANT, n < 0 ? (int)-n : EFBIG, "read certificates from",
			       path);
	if (!memmem(authority.store, (size_t)n, begin_line, sizeof begin_line - 1))
		return err_msg(reterr, E_GRANT,
			       "no certificates in '%s' to check servers with; name a file of "
			       "PEM in SSL_CERT_FILE",
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
