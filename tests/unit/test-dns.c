/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DNS: queries as resolvers send them and as attackers do, and the replies to the byte. */
#include "broker/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	CLASS_IN = 1,
	NAME_WIRE_MAX = 255,
};

#define HEADER(flags, counts) "\x12\x34" flags counts
#define RD		      "\x01\x00"
#define ONE		      "\0\1\0\0\0\0\0\0"
#define ONE_AND_OPT	      "\0\1\0\0\0\0\0\1"
#define API		      "\3api\7example\3com\0"
#define A_IN		      "\0\1\0\1"
#define OPT(size, ttl)	      "\0\0\x29" size ttl "\0\0"
#define V0		      "\0\0\0\0"
/* A literal with NULs, and its length. */
#define BYTES(literal) (literal), sizeof(literal) - 1

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define WIRE_63	 "\77" LABEL_63

/* From a copy that ends where it ends, so that sanitizers see a read past it. */
static int parse(const char *packet, size_t len, struct dns_query *query)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, packet, len);
	int r = dns_parse_query(copy, len, query);
	free(copy);
	return r;
}

static void test_queries(void **state)
{
	static const struct {
		const char *what;
		const char *packet;
		size_t len;
		enum dns_rcode rcode;
		uint16_t type;
		const char *name;
		const char *shown; /* NULL: as name */
		size_t question_len;
	} rows[] = {
		{ "A", BYTES(HEADER(RD, ONE) API A_IN), 0, 1, "api.example.com", NULL, 21 },
		{ "AAAA", BYTES(HEADER(RD, ONE) API "\0\x1c\0\1"), 0, 28, "api.example.com", NULL,
		  21 },
		{ "class ANY", BYTES(HEADER(RD, ONE) API "\0\1\0\xff"), 0, 1, "api.example.com",
		  NULL, 21 },
		{ "0x20", BYTES(HEADER(RD, ONE) "\3aPI\7ExAmple\3COM\0" A_IN), 0, 1,
		  "api.example.com", NULL, 21 },
		{ "underscores", BYTES(HEADER(RD, ONE) "\5_http\4_tcp\1a\0\0\x21\0\1"), 0, 33,
		  "_http._tcp.a", NULL, 18 },
		{ "all flags but QR and opcode", BYTES(HEADER("\x07\xff", ONE) API A_IN), 0, 1,
		  "api.example.com", NULL, 21 },
		{ "255 bytes",
		  BYTES(HEADER(RD, ONE) WIRE_63 WIRE_63 WIRE_63
			"\75" /* 61 */
			"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy\0" A_IN),
		  0, 1,
		  LABEL_63 "." LABEL_63 "." LABEL_63
			   ".abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy",
		  NULL, 259 },
		{ "256 bytes",
		  BYTES(HEADER(RD, ONE) WIRE_63 WIRE_63 WIRE_63
			"\76" /* 62 */
			"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz\0" A_IN),
		  DNS_FORMERR, 0, "", NULL, 0 },
		{ "four whole labels",
		  BYTES(HEADER(RD, ONE) WIRE_63 WIRE_63 WIRE_63 WIRE_63 "\0" A_IN), DNS_FORMERR, 0,
		  "", NULL, 0 },
		/* no host names */
		{ "root", BYTES(HEADER(RD, ONE) "\0\0\2\0\1"), 0, 2, "", ".", 5 },
		{ "a dot in a label", BYTES(HEADER(RD, ONE) "\7api.exa\3com\0" A_IN), 0, 1, "",
		  "api\\046exa.com", 17 },
		{ "a dot for a label", BYTES(HEADER(RD, ONE) "\1.\0" A_IN), 0, 1, "", "\\046", 7 },
		{ "a dot at a label's end", BYTES(HEADER(RD, ONE) "\2a.\0" A_IN), 0, 1, "",
		  "a\\046", 8 },
		{ "NUL", BYTES(HEADER(RD, ONE) "\4a\0bC\0" A_IN), 0, 1, "", "a\\000bc", 10 },
		{ "escapes", BYTES(HEADER(RD, ONE) "\6\033[2J\\ \2\x7f\xff\0" A_IN), 0, 1, "",
		  "\\027[2j\\092\\032.\\127\\255", 15 },
		{ "other text", BYTES(HEADER(RD, ONE) "\5*'\"$%\0" A_IN), 0, 1, "", "*'\"$%", 11 },
		{ "shown is cut between escapes",
		  BYTES(HEADER(RD, ONE) "\77" LABEL_63 "\77" LABEL_63 "\77" LABEL_63
					"\24\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\0" A_IN),
		  0, 1, "",
		  LABEL_63 "." LABEL_63 "." LABEL_63
			   ".\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001"
			   "\\001\\001\\001...",
		  218 },
		/* refused */
		{ "inverse query", BYTES(HEADER("\x09\0", ONE) API A_IN), DNS_NOTIMP, 0, "", NULL,
		  0 },
		{ "notify", BYTES(HEADER("\x20\0", ONE) API A_IN), DNS_NOTIMP, 0, "", NULL, 0 },
		{ "update", BYTES(HEADER("\x28\0", ONE) API A_IN), DNS_NOTIMP, 0, "", NULL, 0 },
		{ "no question", BYTES(HEADER(RD, "\0\0\0\0\0\0\0\0")), DNS_FORMERR, 0, "", NULL,
		  0 },
		{ "two questions", BYTES(HEADER(RD, "\0\2\0\0\0\0\0\0") API A_IN API A_IN),
		  DNS_FORMERR, 0, "", NULL, 0 },
		{ "many questions", BYTES(HEADER(RD, "\xff\xff\0\0\0\0\0\0") API A_IN), DNS_FORMERR,
		  0, "", NULL, 0 },
		{ "an answer", BYTES(HEADER(RD, "\0\1\0\1\0\0\0\0") API A_IN "\0" A_IN V0 "\0\0"),
		  DNS_FORMERR, 1, "api.example.com", NULL, 21 },
		{ "authority", BYTES(HEADER(RD, "\0\1\0\0\0\1\0\0") API A_IN "\0" A_IN V0 "\0\0"),
		  DNS_FORMERR, 1, "api.example.com", NULL, 21 },
		{ "an answer that is not there", BYTES(HEADER(RD, "\0\1\0\1\0\0\0\0") API A_IN),
		  DNS_FORMERR, 1, "api.example.com", NULL, 21 },
		{ "authority that is not there", BYTES(HEADER(RD, "\0\1\0\0\0\1\0\0") API A_IN),
		  DNS_FORMERR, 1, "api.example.com", NULL, 21 },
		{ "class CHAOS", BYTES(HEADER(RD, ONE) "\7version\4bind\0\0\x10\0\3"), DNS_REFUSED,
		  16, "version.bind", NULL, 18 },
		{ "class NONE", BYTES(HEADER(RD, ONE) API "\0\1\0\xfe"), DNS_REFUSED, 1,
		  "api.example.com", NULL, 21 },
		{ "class 0", BYTES(HEADER(RD, ONE) API "\0\1\0\0"), DNS_REFUSED, 1,
		  "api.example.com", NULL, 21 },
		{ "a byte behind", BYTES(HEADER(RD, ONE) API A_IN "\0"), DNS_FORMERR, 1,
		  "api.example.com", NULL, 21 },
		{ "pointer to itself", BYTES(HEADER(RD, ONE) "\xc0\x0c" A_IN), DNS_FORMERR, 0, "",
		  NULL, 0 },
		{ "pointer to a label before it", BYTES(HEADER(RD, ONE) "\1a\xc0\x0c" A_IN),
		  DNS_FORMERR, 0, "", NULL, 0 },
		{ "pointer into the header", BYTES(HEADER(RD, ONE) "\1a\xc0\x02" A_IN), DNS_FORMERR,
		  0, "", NULL, 0 },
		{ "pointer forwards", BYTES(HEADER(RD, ONE) "\1a\xc0\x14" A_IN "\1b\0"),
		  DNS_FORMERR, 0, "", NULL, 0 },
		{ "pointer out of the packet", BYTES(HEADER(RD, ONE) "\1a\xff\xff" A_IN),
		  DNS_FORMERR, 0, "", NULL, 0 },
		{ "label of type 01", BYTES(HEADER(RD, ONE) "\x41" LABEL_63 "ab\0" A_IN),
		  DNS_FORMERR, 0, "", NULL, 0 },
		{ "label of type 10", BYTES(HEADER(RD, ONE) "\x80" LABEL_63 LABEL_63 "ab\0" A_IN),
		  DNS_FORMERR, 0, "", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *shown = rows[i].shown ? rows[i].shown : rows[i].name;
		struct dns_query query;

		if (parse(rows[i].packet, rows[i].len, &query) != 0)
			fail_msg("%s: no answer", rows[i].what);
		if (query.id != 0x1234 || query.rcode != rows[i].rcode ||
		    query.type != rows[i].type || query.question_len != rows[i].question_len)
			fail_msg("%s: rcode %d, type %d, %zu bytes", rows[i].what, query.rcode,
				 query.type, query.question_len);
		if (strcmp(query.name, rows[i].name) != 0 || strcmp(query.shown, shown) != 0)
			fail_msg("%s: '%s', '%s'", rows[i].what, query.name, query.shown);
		if (query.is_reverse || query.has_edns || query.udp_size != DNS_UDP_SIZE)
			fail_msg("%s: more than there is", rows[i].what);
	}
}

/* As long as it fits, shown is whole; after that it ends in dots. */
static void test_shown_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3 * 63; i++) {
		const size_t escapes = i / 3, last = 61 + i % 3;
		char packet[512] = HEADER(RD, ONE), *at = packet + 12;
		const size_t whole = 63 + 1 + 63 + 1 + last + 3 * escapes;
		struct dns_query query;

		for (int label = 0; label < 3; label++) {
			size_t len = label < 2 ? 63 : last;

			*at++ = (char)len;
			memset(at, 'a', len);
			if (label == 0)
				memset(at, '\n', escapes);
			at += len;
		}
		memcpy(at, "\0" A_IN, 5);
		assert_int_equal(parse(packet, (size_t)(at + 5 - packet), &query), 0);
		assert_non_null(memchr(query.shown, '\0', sizeof query.shown));
		size_t len = strlen(query.shown);
		bool is_cut = strcmp(query.shown + len - 3, "...") == 0;
		if (whole < DNS_SHOWN_BYTES ? (is_cut || len != whole) : (!is_cut || len < 252))
			fail_msg("%zu bytes: '%s'", whole, query.shown);
	}
}

static void test_edns(void **state)
{
	static const struct {
		const char *what;
		const char *packet;
		size_t len;
		enum dns_rcode rcode;
		bool has_edns;
		bool wants_dnssec;
		uint16_t udp_size;
	} rows[] = {
		{ "plain", BYTES(HEADER(RD, ONE) API A_IN), 0, false, false, 512 },
		{ "1232", BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\4\xd0", V0)), 0, true, false,
		  1232 },
		{ "1000", BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\3\xe8", V0)), 0, true, false,
		  1000 },
		{ "4096", BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\x10\0", V0)), 0, true, false,
		  1232 },
		{ "65535", BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\xff\xff", V0)), 0, true,
		  false, 1232 },
		{ "100", BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\0\x64", V0)), 0, true, false,
		  512 },
		{ "0", BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\0\0", V0)), 0, true, false,
		  512 },
		{ "DO", BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\x10\0", "\0\0\x80\0")), 0,
		  true, true, 1232 },
		{ "other flags",
		  BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\4\xd0", "\xff\0\x7f\xff")), 0, true,
		  false, 1232 },
		{ "version 1", BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\4\xd0", "\0\1\0\0")),
		  DNS_BADVERS, true, false, 1232 },
		{ "version 1 of class CHAOS",
		  BYTES(HEADER(RD, ONE_AND_OPT) API "\0\1\0\3" OPT("\4\xd0", "\0\1\0\0")),
		  DNS_BADVERS, true, false, 1232 },
		{ "a cookie",
		  BYTES(HEADER(RD, ONE_AND_OPT) API A_IN "\0\0\x29\4\xd0" V0 "\0\x0c\0\x0a\0\x08"
							 "12345678"),
		  0, true, false, 1232 },
		{ "options that are none",
		  BYTES(HEADER(RD, ONE_AND_OPT) API A_IN "\0\0\x29\4\xd0" V0 "\0\3\0\x0a\xff"), 0,
		  true, false, 1232 },
		{ "two",
		  BYTES(HEADER(RD, "\0\1\0\0\0\0\0\2") API A_IN OPT("\4\xd0", V0)
				OPT("\4\xd0", V0)),
		  DNS_FORMERR, true, false, 1232 },
		{ "version 1 and another",
		  BYTES(HEADER(RD, "\0\1\0\0\0\0\0\2") API A_IN OPT("\4\xd0", "\0\1\0\0")
				OPT("\4\xd0", V0)),
		  DNS_FORMERR, true, false, 1232 },
		{ "of a name",
		  BYTES(HEADER(RD, ONE_AND_OPT) API A_IN "\1a\0\0\x29\4\xd0" V0 "\0\0"),
		  DNS_FORMERR, false, false, 512 },
		{ "data past the end",
		  BYTES(HEADER(RD, ONE_AND_OPT) API A_IN "\0\0\x29\4\xd0" V0 "\0\1"), DNS_FORMERR,
		  false, false, 512 },
		{ "counted, not there", BYTES(HEADER(RD, ONE_AND_OPT) API A_IN), DNS_FORMERR, false,
		  false, 512 },
		{ "many counted, one there",
		  BYTES(HEADER(RD, "\0\1\0\0\0\0\xff\xff") API A_IN OPT("\4\xd0", V0)), DNS_FORMERR,
		  true, false, 1232 },
		{ "there, not counted", BYTES(HEADER(RD, ONE) API A_IN OPT("\4\xd0", V0)),
		  DNS_FORMERR, false, false, 512 },
		{ "behind another record",
		  BYTES(HEADER(RD, "\0\1\0\0\0\0\0\2") API A_IN "\xc0\x0c\0\x10\0\1" V0
								"\0\2\1a" OPT("\4\xd0", V0)),
		  0, true, false, 1232 },
		{ "behind pointers that loop",
		  BYTES(HEADER(RD, "\0\1\0\0\0\0\0\2") API A_IN "\1b\xc0\x21\0\x10\0\1" V0
								"\0\0" OPT("\4\xd0", V0)),
		  0, true, false, 1232 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct dns_query query;

		if (parse(rows[i].packet, rows[i].len, &query) != 0)
			fail_msg("%s: no answer", rows[i].what);
		if (query.rcode != rows[i].rcode || query.has_edns != rows[i].has_edns ||
		    query.wants_dnssec != rows[i].wants_dnssec ||
		    query.udp_size != rows[i].udp_size)
			fail_msg("%s: rcode %d, EDNS %d, DO %d, %d", rows[i].what, query.rcode,
				 query.has_edns, query.wants_dnssec, query.udp_size);
		if (strcmp(query.name, "api.example.com") != 0 || query.question_len != 21)
			fail_msg("%s: '%s'", rows[i].what, query.name);
	}
}

/* Nothing but the header: no answer without it. The rest: FORMERR, wherever it ends. */
static void test_truncated(void **state)
{
	static const char packet[] =
		HEADER(RD, ONE_AND_OPT) API A_IN "\0\0\x29\4\xd0" V0 "\0\x06\0\x0a\0\2xy";
	const size_t len = sizeof packet - 1;
	struct dns_query query;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		memset(&query, '#', sizeof query);
		if (parse(packet, cut, &query) != (cut < 12 ? -EBADMSG : 0))
			fail_msg("%zu bytes", cut);
		if (cut < 12)
			assert_int_equal(query.name[0], '#');
		else if (query.rcode != DNS_FORMERR || query.question_len != (cut < 33 ? 0 : 21))
			fail_msg("%zu bytes: rcode %d", cut, query.rcode);
	}
	assert_int_equal(parse(packet, len, &query), 0);
	assert_int_equal(query.rcode, DNS_NOERROR);
}

static void test_not_answered(void **state)
{
	static char longest[DNS_MESSAGE_MAX + 1] = HEADER(RD, ONE) API A_IN;
	struct dns_query query;

	(void)state;
	assert_int_equal(parse(BYTES(HEADER("\x81\x80", ONE) API A_IN), &query), -EBADMSG);
	assert_int_equal(parse(BYTES(HEADER("\xff\xff", ONE) API A_IN), &query), -EBADMSG);
	assert_int_equal(parse(longest, sizeof longest, &query), -EBADMSG);
	assert_int_equal(parse(longest, sizeof longest - 1, &query), 0);
}

/* text as the name of a question; returns the packet's length. */
static size_t ask(const char *text, uint16_t type, char packet[512])
{
	char *at = packet + 12;

	memcpy(packet, HEADER(RD, ONE), 12);
	while (*text) {
		size_t len = strcspn(text, ".");

		*at++ = (char)len;
		memcpy(at, text, len);
		at += len;
		text += len + (text[len] == '.');
	}
	*at++ = 0;
	*at++ = (char)(type >> 8);
	*at++ = (char)type;
	*at++ = 0;
	*at++ = CLASS_IN;
	return (size_t)(at - packet);
}

#define ZEROS_28 "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."

static void test_reverse(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		const char *want; /* NULL: none */
	} rows[] = {
		{ "7.0.18.198.in-addr.arpa", DNS_PTR, "::ffff:198.18.0.7" },
		{ "255.255.255.255.IN-ADDR.Arpa", DNS_PTR, "::ffff:255.255.255.255" },
		{ "0.0.0.0.in-addr.arpa", DNS_PTR, "::ffff:0.0.0.0" },
		{ "b.a.9.8.7.6.5.4.3.2.1.0.f.e.d.c." /* low half */
		  "b.A.9.8.7.6.5.4.8.b.d.0.1.0.0.2.ip6.arpa",
		  DNS_PTR, "2001:db8:4567:89ab:cdef:123:4567:89ab" },
		{ "1.0.0.0." ZEROS_28 "ip6.arpa", DNS_PTR, "::1" },
		{ "7.0.18.198.in-addr.arpa", DNS_A, NULL },
		{ "7.0.18.198.in-addr.arpa", DNS_ANY, NULL },
		{ "0.18.198.in-addr.arpa", DNS_PTR, NULL },
		{ "1.7.0.18.198.in-addr.arpa", DNS_PTR, NULL },
		{ "256.0.18.198.in-addr.arpa", DNS_PTR, NULL },
		{ "07.0.18.198.in-addr.arpa", DNS_PTR, NULL },
		{ "00.0.18.198.in-addr.arpa", DNS_PTR, NULL },
		{ "0007.0.18.198.in-addr.arpa", DNS_PTR, NULL },
		{ "-7.0.18.198.in-addr.arpa", DNS_PTR, NULL },
		{ "0x7.0.18.198.in-addr.arpa", DNS_PTR, NULL },
		{ "a.0.18.198.in-addr.arpa", DNS_PTR, NULL },
		{ "7.0.18.198.in-addr.arpa.example", DNS_PTR, NULL },
		{ "7.0.18.198.in-addr", DNS_PTR, NULL },
		{ "7.0.18.198.ip6.arpa", DNS_PTR, NULL },
		{ "7.0.18.198", DNS_PTR, NULL },
		{ "in-addr.arpa", DNS_PTR, NULL },
		{ "ip6.arpa", DNS_PTR, NULL },
		{ "0.0.0." ZEROS_28 "ip6.arpa", DNS_PTR, NULL },
		{ "0.0.0.0.0." ZEROS_28 "ip6.arpa", DNS_PTR, NULL },
		{ "g.0.0.0." ZEROS_28 "ip6.arpa", DNS_PTR, NULL },
		{ "10.0.0." ZEROS_28 "ip6.arpa", DNS_PTR, NULL },
		{ "0.0.0.0." ZEROS_28 "in-addr.arpa", DNS_PTR, NULL },
		{ "", DNS_PTR, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char packet[512], text[INET6_ADDRSTRLEN] = "";
		struct dns_query query;
		struct in6_addr want;

		assert_int_equal(parse(packet, ask(rows[i].name, rows[i].type, packet), &query), 0);
		assert_int_equal(query.rcode, DNS_NOERROR);
		(void)inet_ntop(AF_INET6, &query.reverse.in6, text, sizeof text);
		if (query.is_reverse != !!rows[i].want)
			fail_msg("%s: %d, %s", rows[i].name, query.is_reverse, text);
		if (!rows[i].want)
			continue;
		assert_int_equal(inet_pton(AF_INET6, rows[i].want, &want), 1);
		if (memcmp(&want, &query.reverse.in6, sizeof want) != 0)
			fail_msg("%s: %s", rows[i].name, text);
	}
}

/*** Replies ***/

static const struct address box_v4 = { .in6.s6_addr = { [10] = 255, 255, 198, 18, 0, 7 } };
static const struct address box_v6 = { .in6.s6_addr = { 0xfd, 1, [15] = 7 } };

#define IN_A		   "\xc0\x0c\0\1\0\1"
#define TTL_60		   "\0\0\0\x3c"
#define SOA_60		   "\0\0\6\0\1" TTL_60 "\0\x16\0\0\0\0\0\1" TTL_60 TTL_60 TTL_60 TTL_60
#define OPT_REPLY	   "\0\0\x29\4\xd0" V0 "\0\0"
#define COUNTS(q, a, n, r) "\0" q "\0" a "\0" n "\0" r
#define PTR_IN		   "\0\x0c\0\1"
#define PTR_QUESTION                                                                               \
	"\1"                                                                                       \
	"7"                                                                                        \
	"\1"                                                                                       \
	"0"                                                                                        \
	"\2"                                                                                       \
	"18"                                                                                       \
	"\3"                                                                                       \
	"198"                                                                                      \
	"\7in-addr\4arpa\0" PTR_IN

static void test_replies(void **state)
{
	static const struct {
		const char *what;
		const char *packet;
		size_t packet_len;
		struct dns_answer answer;
		const char *want;
		size_t want_len;
	} rows[] = {
		{ "A",
		  BYTES(HEADER(RD, ONE) API A_IN),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x85\x80" COUNTS("\1", "\1", "\0", "\0") API A_IN IN_A TTL_60
			"\0\4\xc6\x12\0\7") },
		{ "AAAA",
		  BYTES(HEADER(RD, ONE) API "\0\x1c\0\1"),
		  { 0, &box_v6, NULL, 60 },
		  BYTES("\x12\x34\x85\x80" COUNTS("\1", "\1", "\0", "\0") API
			"\0\x1c\0\1"
			"\xc0\x0c\0\x1c\0\1" TTL_60 "\0\x10\xfd\1\0\0\0\0\0\0\0\0\0\0\0\0\0\7") },
		{ "0x20 and class ANY, no RD",
		  BYTES(HEADER("\0\0", ONE) "\3aPi\0\0\1\0\xff"),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x84\x80" COUNTS("\1", "\1", "\0",
						  "\0") "\3aPi\0\0\1\0\xff" IN_A TTL_60
							"\0\4\xc6\x12\0\7") },
		{ "CD is copied, AD, TC and Z are not",
		  BYTES(HEADER("\3\x7f", ONE) API A_IN),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x85\x90" COUNTS("\1", "\1", "\0", "\0") API A_IN IN_A TTL_60
			"\0\4\xc6\x12\0\7") },
		{ "EDNS",
		  BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\x10\0", V0)),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x85\x80" COUNTS("\1", "\1", "\0", "\1") API A_IN IN_A TTL_60
			"\0\4\xc6\x12\0\7" OPT_REPLY) },
		{ "DO",
		  BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\x10\0", "\0\0\xff\xff")),
		  { DNS_NXDOMAIN, NULL, NULL, 60 },
		  BYTES("\x12\x34\x85\x83" COUNTS("\1", "\0", "\1", "\1") API A_IN SOA_60
			"\0\0\x29\4\xd0\0\0\x80\0\0\0") },
		{ "ANY has the address there is",
		  BYTES(HEADER(RD, ONE) API "\0\xff\0\1"),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x85\x80" COUNTS("\1", "\1", "\0", "\0") API
			"\0\xff\0\1" IN_A TTL_60 "\0\4\xc6\x12\0\7") },
		{ "NXDOMAIN",
		  BYTES(HEADER(RD, ONE) API A_IN),
		  { DNS_NXDOMAIN, &box_v4, "a", 60 },
		  BYTES("\x12\x34\x85\x83" COUNTS("\1", "\0", "\1", "\0") API A_IN SOA_60) },
		{ "NODATA",
		  BYTES(HEADER(RD, ONE) API A_IN),
		  { 0, NULL, NULL, 60 },
		  BYTES("\x12\x34\x85\x80" COUNTS("\1", "\0", "\1", "\0") API A_IN SOA_60) },
		{ "NODATA for ANY",
		  BYTES(HEADER(RD, ONE) API "\0\xff\0\1"),
		  { 0, NULL, NULL, 60 },
		  BYTES("\x12\x34\x85\x80" COUNTS("\1", "\0", "\1", "\0") API
			"\0\xff\0\1" SOA_60) },
		{ "an address of another type",
		  BYTES(HEADER(RD, ONE) API "\0\x1c\0\1"),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x85\x80" COUNTS("\1", "\0", "\1", "\0") API
			"\0\x1c\0\1" SOA_60) },
		{ "an address for TXT",
		  BYTES(HEADER(RD, ONE) API "\0\x10\0\1"),
		  { 0, &box_v4, "a", 60 },
		  BYTES("\x12\x34\x85\x80" COUNTS("\1", "\0", "\1", "\0") API
			"\0\x10\0\1" SOA_60) },
		{ "PTR",
		  BYTES(HEADER(RD, ONE) PTR_QUESTION),
		  { 0, NULL, "api.example.com", 60 },
		  BYTES("\x12\x34\x85\x80" COUNTS("\1", "\1", "\0", "\0") PTR_QUESTION
			"\xc0\x0c" PTR_IN TTL_60 "\0\x11" API) },
		{ "PTR unknown",
		  BYTES(HEADER(RD, ONE) PTR_QUESTION),
		  { DNS_NXDOMAIN, NULL, NULL, 60 },
		  BYTES("\x12\x34\x85\x83" COUNTS("\1", "\0", "\1", "\0") PTR_QUESTION SOA_60) },
		{ "PTR of no address",
		  BYTES(HEADER(RD, ONE) API PTR_IN),
		  { 0, NULL, "api.example.com", 60 },
		  BYTES("\x12\x34\x85\x80" COUNTS("\1", "\0", "\1", "\0") API PTR_IN SOA_60) },
		{ "SERVFAIL",
		  BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\x10\0", V0)),
		  { DNS_SERVFAIL, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x81\x82" COUNTS("\1", "\0", "\0", "\1") API A_IN OPT_REPLY) },
		{ "REFUSED",
		  BYTES(HEADER(RD, ONE) API "\0\1\0\3"),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x81\x85" COUNTS("\1", "\0", "\0", "\0") API "\0\1\0\3") },
		{ "NOTIMP",
		  BYTES(HEADER("\x21\0", ONE) API A_IN),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\xa1\x84" COUNTS("\0", "\0", "\0", "\0")) },
		{ "FORMERR",
		  BYTES(HEADER(RD, ONE) "\xc0\x0c" A_IN),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x81\x81" COUNTS("\0", "\0", "\0", "\0")) },
		{ "FORMERR behind the question",
		  BYTES(HEADER(RD, ONE) API A_IN "x"),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x81\x81" COUNTS("\1", "\0", "\0", "\0") API A_IN) },
		{ "BADVERS",
		  BYTES(HEADER(RD, ONE_AND_OPT) API A_IN OPT("\x10\0", "\0\1\0\0")),
		  { 0, &box_v4, NULL, 60 },
		  BYTES("\x12\x34\x81\x80" COUNTS("\1", "\0", "\0", "\1") API A_IN
			"\0\0\x29\4\xd0\1\0\0\0\0\0") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint8_t *packet = (const uint8_t *)rows[i].packet;
		uint8_t reply[DNS_REPLY_MAX];
		struct dns_query query;

		assert_int_equal(dns_parse_query(packet, rows[i].packet_len, &query), 0);
		size_t len = dns_write_reply(packet, &query, &rows[i].answer, reply);
		if (len != rows[i].want_len)
			fail_msg("%s: %zu bytes, not %zu", rows[i].what, len, rows[i].want_len);
		for (size_t at = 0; at < len; at++) {
			if (reply[at] != (uint8_t)rows[i].want[at])
				fail_msg("%s: byte %zu is %02x, not %02x", rows[i].what, at,
					 reply[at], (uint8_t)rows[i].want[at]);
		}
		if (query.rcode != DNS_NOERROR)
			assert_int_equal(dns_write_reply(packet, &query, NULL, reply), len);
	}
}

/* The longest question and the longest name: what the buffer must hold. */
static void test_longest_replies(void **state)
{
	static const char longest[] =
		LABEL_63 "." LABEL_63 "." LABEL_63
			 ".abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy";
	const struct dns_answer negative = { .rcode = DNS_NXDOMAIN, .ttl = 60 };
	const struct dns_answer named = { .name = longest, .ttl = 60 };
	const struct dns_answer addressed = { .address = &box_v6, .ttl = 60 };
	uint8_t reply[DNS_REPLY_MAX];
	struct dns_query query;
	char packet[512];
	size_t len;

	(void)state;
	assert_int_equal(strlen(longest), HOSTNAME_MAX);
	len = ask("1.0.0.0." ZEROS_28 "ip6.arpa", DNS_PTR, packet);
	assert_int_equal(parse(packet, len, &query), 0);
	assert_int_equal(dns_write_reply((uint8_t *)packet, &query, &named, reply),
			 len + 12 + NAME_WIRE_MAX);
	len = ask(longest, DNS_AAAA, packet);
	assert_int_equal(parse(packet, len, &query), 0);
	assert_int_equal(query.question_len, 259);
	assert_int_equal(dns_write_reply((uint8_t *)packet, &query, &addressed, reply), len + 28);
	assert_int_equal(dns_write_reply((uint8_t *)packet, &query, &negative, reply), len + 33);
}

/* Every byte made every other: nothing is read or written where it must not be. */
static void test_corrupted(void **state)
{
	static char packet[] =
		HEADER(RD, ONE_AND_OPT) PTR_QUESTION "\0\0\x29\4\xd0" V0 "\0\x06\0\x0a\0\2xy";
	const struct dns_answer answer = { .name = "api.example.com", .ttl = 60 };
	int answered = 0, refused = 0, ignored = 0;

	(void)state;
	for (size_t at = 0; at < sizeof packet - 1; at++) {
		char good = packet[at];

		for (int change = 1; change < 256; change++) {
			uint8_t reply[DNS_REPLY_MAX];
			struct dns_query query;

			packet[at] = (char)(good ^ change);
			if (parse(packet, sizeof packet - 1, &query) < 0) {
				ignored++;
				continue;
			}
			size_t len = dns_write_reply((uint8_t *)packet, &query, &answer, reply);
			assert_true(len >= 12 && len <= DNS_REPLY_MAX);
			if (query.rcode == DNS_NOERROR)
				answered++;
			else
				refused++;
		}
		packet[at] = good;
	}
	assert_true(answered > 1000 && refused > 1000 && ignored == 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries),	     cmocka_unit_test(test_shown_length),
		cmocka_unit_test(test_edns),	     cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_not_answered), cmocka_unit_test(test_reverse),
		cmocka_unit_test(test_replies),	     cmocka_unit_test(test_longest_replies),
		cmocka_unit_test(test_corrupted),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
