/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a DNS query: what is understood is in bounds and printable, and
 * every reply to it is a message that hangs together.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)fprintf(stderr, "fuzz-dns: %s\n", what);
	abort();
}

static unsigned number_at(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static void check_query(const struct dns_query *query, size_t size)
{
	char normal[HOSTNAME_BYTES];

	check(query->question_len <= size - 12 && query->question_len <= 259, "a long question");
	check(query->rcode != DNS_NOERROR || query->question_len >= 5, "nothing to answer");
	check(query->udp_size >= DNS_UDP_SIZE && query->udp_size <= DNS_EDNS_SIZE, "udp_size");
	check(query->has_edns || (query->udp_size == DNS_UDP_SIZE && !query->wants_dnssec),
	      "EDNS without a record");
	check(!query->is_reverse || query->type == DNS_PTR, "reverse, but not PTR");
	check(memchr(query->shown, '\0', sizeof query->shown), "shown has no end");
	check((query->shown[0] != '\0') == (query->question_len > 0), "shown contradicts");
	for (const char *at = query->shown; *at; at++)
		check(*at > ' ' && *at < 0x7f && (*at < 'A' || *at > 'Z'), "shown is not clean");
	if (query->name[0])
		check(hostname_normalize(query->name, strlen(query->name), normal) &&
			      strcmp(query->name, normal) == 0 &&
			      strcmp(query->name, query->shown) == 0,
		      "a name that is not normalized, or shown otherwise");
}

/* The end of the name at at, which may be the pointer to the question. */
static const uint8_t *end_of_name(const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at != 0 && *at < 64)
		at += 1 + *at;
	check(at < end, "a name without end");
	if (*at == 0)
		return at + 1;
	check(end - at >= 2 && number_at(at) == 0xc00c, "an odd pointer");
	return at + 2;
}

static void check_reply(const uint8_t *data, const struct dns_query *query, const uint8_t *reply,
			size_t len)
{
	const uint8_t *at = reply + 12, *end = reply + len;
	unsigned records;
	struct dns_query echo;

	check(len >= 12 && len <= DNS_REPLY_MAX, "a length out of bounds");
	check(memcmp(reply, data, 2) == 0, "another id");
	check(dns_parse_query(reply, len, &echo) == -EBADMSG, "a reply that is a query");
	check(number_at(reply + 4) == (query->question_len > 0), "count of questions");
	check(memcmp(at, data + 12, query->question_len) == 0, "another question");
	at += query->question_len;
	records = number_at(reply + 6) + number_at(reply + 8) + number_at(reply + 10);
	check(records <= 2, "count of records");
	for (; records > 0; records--) {
		at = end_of_name(at, end);
		check(end - at >= 10 && end - at - 10 >= (long)number_at(at + 8), "a short record");
		at += 10 + number_at(at + 8);
	}
	check(at == end, "bytes after the last record");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct address v4 = { .in6.s6_addr = { [10] = 255, 255, 198, 18, 0, 7 } };
	static const struct address v6 = { .in6.s6_addr = { 0x20, 1, 0xd, 0xb8, [15] = 7 } };
	const struct dns_answer answers[] = {
		{ DNS_NOERROR, &v4, "host.example", 60 },
		{ DNS_NOERROR, &v6, NULL, UINT32_MAX },
		{ DNS_NOERROR, NULL, "a", 0 },
		{ DNS_NXDOMAIN, &v4, "a", 5 },
		{ DNS_SERVFAIL, NULL, NULL, 0 },
	};
	struct dns_query query;
	uint8_t reply[DNS_REPLY_MAX];

	/* a copy that ends where it ends, so that reading past it is noticed */
	uint8_t *packet = malloc(size ? size : 1);
	check(packet, "no memory");
	if (size)
		memcpy(packet, data, size);
	if (dns_parse_query(packet, size, &query) == 0) {
		check_query(&query, size);
		for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
			size_t len = dns_write_reply(packet, &query, &answers[i], reply);

			check_reply(packet, &query, reply, len);
		}
	}
	free(packet);
	return 0;
}
