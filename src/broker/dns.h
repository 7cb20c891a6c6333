/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The DNS messages that the broker reads from the box and writes to it
 * (RFC 1035, EDNS of RFC 6891). What comes in is hostile: everything is
 * bounded, nothing is allocated, one question a message.
 */
#ifndef AISBX_BROKER_DNS_H
#define AISBX_BROKER_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hostname.h"
#include "policy/addresses.h"

enum {
	DNS_UDP_SIZE = 512,	/* largest reply without EDNS */
	DNS_EDNS_SIZE = 1232,	/* largest that we offer and send over UDP */
	DNS_MESSAGE_MAX = 4096, /* longest query that is read */
	DNS_REPLY_MAX = 512,	/* every reply fits: none is ever truncated */
	DNS_SHOWN_BYTES = 256,
};

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16,
};

enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_AAAA = 28,
	DNS_ANY = 255,
};

struct dns_query {
	uint16_t id;
	uint16_t flags;
	uint16_t type;
	uint16_t class;
	enum dns_rcode rcode; /* DNS_NOERROR, or what to answer without looking */
	bool has_edns;
	bool wants_dnssec;	     /* the DO bit, which the reply repeats */
	uint16_t udp_size;	     /* what the asker takes over UDP: 512 to DNS_EDNS_SIZE */
	size_t question_len;	     /* bytes after the header that the reply repeats; 0: none */
	char name[HOSTNAME_BYTES];   /* normalized host name, or "" when it is none */
	char shown[DNS_SHOWN_BYTES]; /* the same for logs: other bytes as \DDD, cut with ... */
	bool is_reverse;	     /* a PTR question for reverse */
	struct address reverse;
};

/*
 * 0 when there is something to answer (see rcode), -EBADMSG when the packet gets no answer
 * at all: shorter than a header, longer than DNS_MESSAGE_MAX, or itself a reply.
 *
 * rcode is DNS_NOTIMP for what is no standard query, DNS_REFUSED for a class but IN and ANY,
 * DNS_BADVERS for EDNS but version 0, and DNS_FORMERR for all that is malformed: not one
 * question, answers or authority in a query, a compressed name in the question (there is
 * nothing before it to point to), two OPT records, bytes after the last record.
 */
int dns_parse_query(const uint8_t *packet, size_t len, struct dns_query *ret_query);

/* What to answer: addresses of the asked type, or a name for PTR, or neither. */
struct dns_answer {
	enum dns_rcode rcode;
	const struct address *address; /* NULL, or of another type than asked: none of this type */
	const char *name;	       /* normalized, for a query with is_reverse; NULL: none */
	uint32_t ttl;		       /* seconds; also how long a negative answer may be kept */
};

/*
 * Writes the reply to query, which came as packet (its question is repeated byte
 * for byte, so that 0x20 case is kept). Returns its length, at most DNS_REPLY_MAX.
 * answer may be NULL where query->rcode says what to answer.
 *
 * ANY is answered with the one address given, whatever its type (RFC 8482).
 */
size_t dns_write_reply(const uint8_t *packet, const struct dns_query *query,
		       const struct dns_answer *answer, uint8_t buf[DNS_REPLY_MAX]);

#endif
