/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ClientHellos: of real clients, cut, corrupted, split into records, and hand-made. */
#include "broker/client_hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hellos.h"

enum {
	MESSAGE_MAX = CLIENT_HELLO_MAX + 4096,
};

static const char *const result_names[] = { "more", "name", "no name", "not tls", "bad" };

/* A copy that ends where it ends, so that sanitizers see a read past it. */
static enum client_hello parse(const uint8_t *bytes, size_t len, char *name)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	memset(name, '#', HOSTNAME_BYTES);
	enum client_hello result = client_hello_parse(copy, len, name);
	free(copy);
	if (result == HELLO_NAME)
		assert_true(strlen(name) > 0 && strlen(name) < HOSTNAME_BYTES);
	else
		assert_true(name[0] == '#' && name[HOSTNAME_BYTES - 1] == '#');
	return result;
}

static void expect(const char *what, const uint8_t *bytes, size_t len, enum client_hello want,
		   const char *want_name)
{
	char name[HOSTNAME_BYTES];
	enum client_hello result = parse(bytes, len, name);

	if (result != want)
		fail_msg("%s, %zu bytes: %s, not %s", what, len, result_names[result],
			 result_names[want]);
	if (want == HELLO_NAME && strcmp(name, want_name) != 0)
		fail_msg("%s: '%s'", what, name);
}

static size_t from_hex(const char *hex, uint8_t *bytes)
{
	size_t len = strlen(hex) / 2;

	for (size_t i = 0; i < len; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		bytes[i] = (uint8_t)strtoull(digits, NULL, 16);
	}
	return len;
}

/*** Real ones ***/

static const struct {
	const char *what;
	const char *hex;
	const char *name;
} real_hellos[] = {
	{ "openssl, TLS 1.3", hello_openssl_tls13, "api.example.com" },
	{ "openssl, TLS 1.2", hello_openssl_tls12, "api.example.com" },
	{ "openssl without name", hello_openssl_no_name, NULL },
	{ "openssl with ALPN", hello_openssl_alpn, "api.example.com" },
	{ "curl", hello_curl, "api.example.com" },
	{ "node", hello_node, "api.example.com" },
	{ "gnutls", hello_gnutls, "api.example.com" },
};

#define REAL_HELLOS (sizeof real_hellos / sizeof real_hellos[0])

static void test_real(void **state)
{
	(void)state;
	for (size_t i = 0; i < REAL_HELLOS; i++) {
		const char *what = real_hellos[i].what, *name = real_hellos[i].name;
		uint8_t bytes[1024 + 16];
		size_t len = from_hex(real_hellos[i].hex, bytes);

		for (size_t cut = 0; cut < len; cut++)
			expect(what, bytes, cut, HELLO_MORE, NULL);
		expect(what, bytes, len, name ? HELLO_NAME : HELLO_NO_NAME, name);
		memset(bytes + len, 0xff, 16); /* what follows does not matter */
		expect(what, bytes, len + 16, name ? HELLO_NAME : HELLO_NO_NAME, name);
	}
}

/* Every byte made every other: nothing is read or written where it must not be. */
static void test_corrupted(void **state)
{
	int counts[5] = { 0 };

	(void)state;
	for (size_t i = 0; i < REAL_HELLOS; i++) {
		uint8_t bytes[1024];
		size_t len = from_hex(real_hellos[i].hex, bytes);
		char name[HOSTNAME_BYTES];

		for (size_t at = 0; at < len; at++) {
			uint8_t good = bytes[at];

			for (unsigned change = 1; change < 256; change++) {
				bytes[at] = good ^ (uint8_t)change;
				counts[parse(bytes, len, name)]++;
			}
			bytes[at] = good;
		}
	}
	for (size_t i = 0; i < 5; i++)
		assert_true(counts[i] > 100);
}

/*** Records ***/

/* The message as records of at most size bytes; returns their length in all. */
static size_t split(const uint8_t *message, size_t len, size_t size, uint8_t *records)
{
	size_t at = 0;

	while (len > 0) {
		size_t fragment = len < size ? len : size;

		records[at++] = 22;
		records[at++] = 3;
		records[at++] = 1;
		records[at++] = (uint8_t)(fragment >> 8);
		records[at++] = (uint8_t)fragment;
		memcpy(records + at, message, fragment);
		at += fragment;
		message += fragment;
		len -= fragment;
	}
	return at;
}

static void test_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < REAL_HELLOS; i++) {
		const char *what = real_hellos[i].what, *name = real_hellos[i].name;
		uint8_t bytes[1024], records[6 * 1024];
		size_t message_len = from_hex(real_hellos[i].hex, bytes) - 5;

		for (size_t size = 1; size <= message_len; size += size < 20 ? 1 : 37) {
			size_t len = split(bytes + 5, message_len, size, records);

			for (size_t cut = 0; cut < len; cut++)
				expect(what, records, cut, HELLO_MORE, NULL);
			expect(what, records, len, name ? HELLO_NAME : HELLO_NO_NAME, name);
		}
	}
}

/* A record in the middle of the message that is none of a handshake is seen at once. */
static void test_other_record_within(void **state)
{
	static const struct {
		uint8_t header[5];
		size_t bad_at;
	} rows[] = {
		{ { 21, 3, 1, 0, 2 }, 1 },     { { 23, 3, 1, 0, 2 }, 1 },
		{ { 22, 2, 1, 0, 2 }, 2 },     { { 22, 3, 1, 0, 0 }, 5 },
		{ { 22, 3, 1, 0x40, 1 }, 5 },  { { 22, 3, 1, 0x41, 0 }, 4 },
		{ { 22, 3, 1, 0x40, 0 }, 99 }, /* control */
	};
	uint8_t hello[1024], records[2048];
	size_t len = from_hex(hello_curl, hello) - 5;

	(void)state;
	for (size_t first = 1; first < len; first += 3) {
		size_t at = split(hello + 5, first, first, records);

		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			memcpy(records + at, rows[i].header, 5);
			for (size_t n = 0; n <= 5; n++)
				expect("record within", records, at + n,
				       n < rows[i].bad_at ? HELLO_MORE : HELLO_BAD, NULL);
		}
	}
}

/* The first byte that cannot be TLS decides. */
static void test_not_tls(void **state)
{
	static const struct {
		const char *what;
		const char *bytes;
		size_t len; /* the last byte is the one */
	} rows[] = {
		{ "http", "G", 1 },
		{ "ssh", "S", 1 },
		{ "nul", "\0", 1 },
		{ "http/2", "P", 1 },
		{ "sslv2", "\x80", 1 },
		{ "sslv2, long", "\x00", 1 },
		{ "alert", "\x15", 1 },
		{ "application data", "\x17", 1 },
		{ "change cipher spec", "\x14", 1 },
		{ "dtls", "\x16\xfe", 2 },
		{ "version 2", "\x16\x02", 2 },
		{ "version 4", "\x16\x04", 2 },
		{ "long record", "\x16\x03\x01\x41", 4 },
		{ "a byte too long a record", "\x16\x03\x01\x40\x01", 5 },
		{ "empty record", "\x16\x03\x01\x00\x00", 5 },
		{ "server hello", "\x16\x03\x01\x00\x64\x02", 6 },
		{ "hello request", "\x16\x03\x01\x00\x04\x00", 6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t bytes[64] = { 0 };

		memcpy(bytes, rows[i].bytes, rows[i].len);
		for (size_t len = 0; len < rows[i].len; len++)
			expect(rows[i].what, bytes, len, HELLO_MORE, NULL);
		expect(rows[i].what, bytes, rows[i].len, HELLO_NOT_TLS, NULL);
		expect(rows[i].what, bytes, sizeof bytes, HELLO_NOT_TLS, NULL);
	}
	expect("version 3.0", (const uint8_t *)"\x16\x03\x00\x40\x00\x01", 6, HELLO_MORE, NULL);
	expect("version 3.9", (const uint8_t *)"\x16\x03\x09\x00\x01\x01", 6, HELLO_MORE, NULL);
}

/*** Hand-made ones ***/

/* What a hello is made of; NULL and 0 is what an ordinary one has. */
struct hello {
	const char *what;
	const char *extensions; /* in hex, "-": none */
	enum client_hello want;
	const char *name;
	const char *start;  /* in hex: from the version to the methods of compression */
	long grow;	    /* added to the length of the extensions */
	long grow_message;  /* added to the length of the message */
	const char *behind; /* in hex: after the extensions */
};

#define RANDOM "0102030405060708091011121314151617181920212223242526272829303132"
#define START                                                                                      \
	"0303" RANDOM "00"                                                                         \
	"0002"                                                                                     \
	"1301"                                                                                     \
	"0100"
#define NAMED                                                                                      \
	"0000"                                                                                     \
	"000e"                                                                                     \
	"000c"                                                                                     \
	"00"                                                                                       \
	"0009"                                                                                     \
	"612e6578616d706c65" /* a.example */
#define ECH                                                                                        \
	"fe0d"                                                                                     \
	"0004"                                                                                     \
	"00000000"
#define GREASE                                                                                     \
	"fafa"                                                                                     \
	"0000"
#define GREASED                                                                                    \
	"0a0a"                                                                                     \
	"0001"                                                                                     \
	"00"
#define ALPN                                                                                       \
	"0010"                                                                                     \
	"0005"                                                                                     \
	"0003026832"

/* clang-format off */
static const struct hello hellos[] = {
	{ "ordinary", NAMED, HELLO_NAME, "a.example" },
	{ "control of the builder", ALPN NAMED ALPN, HELLO_NAME, "a.example" },
	{ "no extensions at all", "-", HELLO_NO_NAME },
	{ "an empty list of extensions", "", HELLO_NO_NAME },
	{ "other extensions", ALPN, HELLO_NO_NAME },
	{ "grease around", GREASE NAMED GREASED, HELLO_NAME, "a.example" },
	{ "ech around", ECH NAMED, HELLO_NAME, "a.example" },
	{ "ech behind", NAMED ECH, HELLO_NAME, "a.example" },
	{ "ech without outer name", ECH, HELLO_NO_NAME },
	{ "grease cipher", NAMED, HELLO_NAME, "a.example", "0303" RANDOM "00" "0004" "fafa1301" "0100" },
	{ "session id of 32", NAMED, HELLO_NAME, "a.example", "0303" RANDOM "20" RANDOM "0002" "1301" "0100" },
	{ "SSL 3.0", NAMED, HELLO_NAME, "a.example", "0300" RANDOM "00" "0002" "1301" "0100" },
	{ "two methods of compression", NAMED, HELLO_NAME, "a.example", "0303" RANDOM "00" "0002" "1301" "020100" },

	{ "two names", NAMED NAMED, HELLO_BAD },
	{ "two names with one between", NAMED ALPN NAMED, HELLO_BAD },
	{ "a second, empty name", NAMED "00000000", HELLO_BAD },
	{ "two hosts in a list", "0000" "000a" "0008" "00" "0001" "61" "00" "0001" "62", HELLO_BAD },
	{ "the same host twice", "0000" "000a" "0008" "00" "0001" "61" "00" "0001" "61", HELLO_BAD },
	{ "a host and another type", "0000" "000a" "0008" "00" "0001" "61" "01" "0001" "62", HELLO_NAME, "a" },
	{ "another type and a host", "0000" "000a" "0008" "fe" "0001" "62" "00" "0001" "61", HELLO_NAME, "a" },
	{ "another type alone", "0000" "0006" "0004" "01" "0001" "61", HELLO_NO_NAME },
	{ "another type and no more", "0000" "0005" "0003" "01" "0001", HELLO_BAD },
	{ "empty extension", "0000" "0000", HELLO_BAD },
	{ "half a length", "0000" "0001" "00", HELLO_BAD },
	{ "empty list", "0000" "0002" "0000", HELLO_BAD },
	{ "empty name", "0000" "0005" "0003" "00" "0000", HELLO_BAD },
	{ "list longer than the extension", "0000" "0006" "0005" "00" "0001" "61", HELLO_BAD },
	{ "list shorter than the extension", "0000" "0006" "0003" "00" "0001" "61", HELLO_BAD },
	{ "bytes behind the list", "0000" "0007" "0004" "00" "0001" "61" "00", HELLO_BAD },
	{ "name longer than the list", "0000" "0006" "0004" "00" "0002" "61", HELLO_BAD },
	{ "name shorter than the list", "0000" "0007" "0005" "00" "0001" "6162", HELLO_BAD },

	{ "mixed case", "0000" "0008" "0006" "00" "0003" "412e42", HELLO_NAME, "a.b" },
	{ "trailing dot", "0000" "0008" "0006" "00" "0003" "612e2e", HELLO_BAD },
	{ "one trailing dot", "0000" "0007" "0005" "00" "0002" "612e", HELLO_BAD },
	{ "a dot", "0000" "0006" "0004" "00" "0001" "2e", HELLO_BAD },
	{ "NUL at the end", "0000" "0007" "0005" "00" "0002" "6100", HELLO_BAD },
	{ "NUL within", "0000" "0008" "0006" "00" "0003" "610062", HELLO_BAD },
	{ "a space", "0000" "0008" "0006" "00" "0003" "612062", HELLO_BAD },
	{ "UTF-8", "0000" "0007" "0005" "00" "0002" "c3bc", HELLO_BAD },
	{ "a wildcard", "0000" "0008" "0006" "00" "0003" "2a2e61", HELLO_BAD },
	{ "IPv4 literal", "0000" "000c" "000a" "00" "0007" "312e322e332e34", HELLO_NAME, "1.2.3.4" },
	{ "IPv6 literal", "0000" "0008" "0006" "00" "0003" "3a3a31", HELLO_BAD },

	{ "extension longer than the list", "0010" "0006" "0003026832", HELLO_BAD },
	{ "half an extension", NAMED "0010" "00", HELLO_BAD },
	{ "half a type", NAMED "00", HELLO_BAD },
	{ "extensions too long", NAMED, HELLO_BAD, .grow = 1 },
	{ "extensions too short", NAMED, HELLO_BAD, .grow = -1 },
	{ "bytes behind the extensions", NAMED, HELLO_BAD, .behind = "00" },
	{ "a message too short", NAMED, HELLO_BAD, .grow_message = -1 },
	{ "a message longer than what is there", NAMED, HELLO_MORE, .grow_message = 1 },
	{ "half a length of extensions", "-", HELLO_BAD, .behind = "00" },

	{ "an empty message", "-", HELLO_BAD, .start = "" },
	{ "version 2", NAMED, HELLO_BAD, .start = "0203" RANDOM "00" "0002" "1301" "0100" },
	{ "DTLS", NAMED, HELLO_BAD, .start = "fefd" RANDOM "00" "0002" "1301" "0100" },
	{ "session id of 33", NAMED, HELLO_BAD, .start = "0303" RANDOM "21" RANDOM "00" "0002" "1301" "0100" },
	{ "session id past the end", "-", HELLO_BAD, .start = "0303" RANDOM "20" },
	{ "random past the end", "-", HELLO_BAD, .start = "030301" },
	{ "no ciphers", NAMED, HELLO_BAD, .start = "0303" RANDOM "00" "0000" "0100" },
	{ "a cipher and a half", NAMED, HELLO_BAD, .start = "0303" RANDOM "00" "0003" "130113" "0100" },
	{ "ciphers past the end", "-", HELLO_BAD, .start = "0303" RANDOM "00" "0004" "1301" },
	{ "no compression", NAMED, HELLO_BAD, .start = "0303" RANDOM "00" "0002" "1301" "00" },
	{ "no methods of compression", "-", HELLO_BAD, .start = "0303" RANDOM "00" "0002" "1301" },
};
/* clang-format on */

static size_t put(uint8_t *at, size_t number, size_t width)
{
	for (size_t i = 0; i < width; i++)
		at[i] = (uint8_t)(number >> 8 * (width - 1 - i));
	return width;
}

/* The handshake message; returns its length. */
static size_t build(const struct hello *hello, uint8_t *message)
{
	size_t at = 4;

	at += from_hex(hello->start ? hello->start : START, message + at);
	if (strcmp(hello->extensions, "-") != 0) {
		size_t len = from_hex(hello->extensions, message + at + 2);

		at += put(message + at, len + (size_t)hello->grow, 2) + len;
	}
	at += from_hex(hello->behind ? hello->behind : "", message + at);
	message[0] = 1;
	(void)put(message + 1, at - 4 + (size_t)hello->grow_message, 3);
	return at;
}

static void test_made(void **state)
{
	static const size_t sizes[] = { 16384, 50, 7, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof hellos / sizeof hellos[0]; i++) {
		const struct hello *hello = &hellos[i];
		uint8_t message[512], records[6 * 512];
		size_t message_len = build(hello, message);

		for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
			size_t len = split(message, message_len, sizes[s], records);

			expect(hello->what, records, len, hello->want, hello->name);
			for (size_t cut = 0; cut < len && hello->grow_message == 0; cut++)
				expect(hello->what, records, cut, HELLO_MORE, NULL);
		}
	}
}

/* Each length of a name around the longest. */
static void test_long_names(void **state)
{
	(void)state;
	for (size_t name_len = 250; name_len < 400; name_len++) {
		uint8_t message[1024], records[1100];
		char want[400];
		size_t at = 4 + from_hex(START, message + 4);

		at += put(message + at, name_len + 9, 2);
		at += put(message + at, 0, 2);
		at += put(message + at, name_len + 5, 2);
		at += put(message + at, name_len + 3, 2);
		at += put(message + at, 0, 1);
		at += put(message + at, name_len, 2);
		for (size_t i = 0; i < name_len; i++)
			want[i] = i % 50 == 49 && i < name_len - 1 ? '.' : 'a';
		want[name_len] = '\0';
		memcpy(message + at, want, name_len);
		at += name_len;
		message[0] = 1;
		(void)put(message + 1, at - 4, 3);
		expect("long name", records, split(message, at, 16384, records),
		       name_len <= HOSTNAME_MAX ? HELLO_NAME : HELLO_BAD, want);
	}
}

/* A message of len bytes in all that names a.example after an extension that fills it. */
static void build_filled(uint8_t *message, size_t len)
{
	size_t at = 4 + from_hex(START, message + 4);
	size_t named_len = strlen(NAMED) / 2;
	size_t filler_len = len - at - 2 - 4 - named_len;

	at += put(message + at, len - at - 2, 2);
	at += put(message + at, 21, 2);
	at += put(message + at, filler_len, 2);
	memset(message + at, 0, filler_len);
	at += filler_len;
	at += from_hex(NAMED, message + at);
	assert_true(at == len);
	message[0] = 1;
	(void)put(message + 1, len - 4, 3);
}

/* The longest that is taken, in the fewest records and in the most. */
static void test_longest(void **state)
{
	static uint8_t message[MESSAGE_MAX], records[7 * MESSAGE_MAX];
	const size_t longest = CLIENT_HELLO_MAX - 4 * 5;
	const size_t longest_split = CLIENT_HELLO_MAX / 6;
	size_t len;

	(void)state;
	build_filled(message, longest);
	len = split(message, longest, 16384, records);
	assert_true(len == CLIENT_HELLO_MAX);
	expect("longest", records, len, HELLO_NAME, "a.example");
	expect("longest", records, len - 1, HELLO_MORE, NULL);
	expect("longest and more", records, len + 100, HELLO_NAME, "a.example");
	build_filled(message, longest + 1);
	len = split(message, longest + 1, 16384, records);
	expect("too long by one", records, len, HELLO_BAD, NULL);
	expect("too long by one", records, CLIENT_HELLO_MAX, HELLO_BAD, NULL);
	expect("too long by one", records, CLIENT_HELLO_MAX - 1, HELLO_MORE, NULL);

	build_filled(message, longest_split);
	len = split(message, longest_split, 1, records);
	expect("most records", records, len, HELLO_NAME, "a.example");
	build_filled(message, longest_split + 1);
	len = split(message, longest_split + 1, 1, records);
	expect("too many records", records, len, HELLO_BAD, NULL);

	/* said to be too long: known from its first bytes */
	(void)put(message + 1, CLIENT_HELLO_MAX - 5 - 4, 3);
	(void)split(message, 4, 4, records);
	expect("said to be the longest", records, 9, HELLO_MORE, NULL);
	(void)put(message + 1, CLIENT_HELLO_MAX - 5 - 4 + 1, 3);
	(void)split(message, 4, 4, records);
	expect("said to be too long", records, 8, HELLO_MORE, NULL);
	expect("said to be too long", records, 9, HELLO_BAD, NULL);
	(void)put(message + 1, 0xffffff, 3);
	(void)split(message, 4, 4, records);
	expect("said to be endless", records, 9, HELLO_BAD, NULL);
}

/* A client that sends its bytes one by one, in records of one byte, costs no minutes. */
static void test_drip(void **state)
{
	static uint8_t message[MESSAGE_MAX], records[6 * MESSAGE_MAX];
	const size_t message_len = CLIENT_HELLO_MAX / 6;
	char name[HOSTNAME_BYTES];
	size_t len;

	(void)state;
	build_filled(message, message_len);
	len = split(message, message_len, 1, records);
	for (size_t cut = 0; cut < len; cut++) {
		if (client_hello_parse(records, cut, name) != HELLO_MORE)
			fail_msg("after %zu bytes", cut);
	}
	expect("drip", records, len, HELLO_NAME, "a.example");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),	   cmocka_unit_test(test_corrupted),
		cmocka_unit_test(test_split),	   cmocka_unit_test(test_other_record_within),
		cmocka_unit_test(test_not_tls),	   cmocka_unit_test(test_made),
		cmocka_unit_test(test_long_names), cmocka_unit_test(test_longest),
		cmocka_unit_test(test_drip),
	};

	return cmocka_run_group_tests_name("client-hello", tests, NULL, NULL);
}
