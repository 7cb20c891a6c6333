/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DNS messages: see dns.h.
 *
 * The parser walks a packet once and follows no compression pointer: the
 * question is the first name in a message, so that it can point only into the
 * header or forwards, and names of other records are skipped. No loop of
 * pointers can therefore matter. Of a library's functions only the expansion of
 * names would be of use, and that is for the compression that is refused here.
 */
#include "broker/dns.h"

#include <errno.h>
#include <string.h>

enum {
	HEADER_BYTES = 12,
	NAME_WIRE_MAX = 255,
	QUESTION_MAX = NAME_WIRE_MAX + 4,
	RECORD_BYTES = 10, /* type, class, TTL and length of the data, after the owner */
	POINTER_BYTES = 2,
	POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES,
	SOA_BYTES = 1 + 1 + 5 * 4,

	FLAG_QR = 0x8000,
	FLAG_AA = 0x0400,
	FLAG_RD = 0x0100,
	FLAG_RA = 0x0080,
	FLAG_CD = 0x0010,
	OPCODE_MASK = 0x7800,

	TYPE_SOA = 6,
	TYPE_OPT = 41,
	CLASS_IN = 1,
	CLASS_ANY = 255,
	EDNS_DO = 0x8000,
};

struct reader {
	const uint8_t *at;
	const uint8_t *end;
};

static bool skip(struct reader *reader, size_t len)
{
	if ((size_t)(reader->end - reader->at) < len)
		return false;
	reader->at += len;
	return true;
}

static uint16_t u16_at(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static bool read_u16(struct reader *reader, uint16_t *ret)
{
	if (!skip(reader, 2))
		return false;
	*ret = u16_at(reader->at - 2);
	return true;
}

/* A pointer ends the name where may_point says that one may be there. */
static bool skip_name(struct reader *reader, bool may_point)
{
	const uint8_t *start = reader->at;

	while (reader->at < reader->end && reader->at - start < NAME_WIRE_MAX) {
		uint8_t label_len = *reader->at++;

		if (label_len == 0)
			return true;
		if (label_len >= 0xc0)
			return may_point && skip(reader, 1);
		if (label_len > HOSTNAME_LABEL_MAX || !skip(reader, label_len))
			return false;
	}
	return false;
}

/*** The question's name ***/

/* wire was skipped before: it is complete and has no pointers. */
static void normalize_wire(const uint8_t *wire, char *buf)
{
	char text[NAME_WIRE_MAX];
	size_t len = 0;

	buf[0] = '\0';
	for (; *wire; wire += 1 + *wire) {
		if (memchr(wire + 1, '.', *wire))
			return; /* no end of a label, as it would be in text */
		memcpy(text + len, wire + 1, *wire);
		len += *wire;
		text[len++] = '.';
	}
	(void)hostname_normalize(text, len, buf); /* else "" */
}

/* One byte of a label for logs, where 0x20 case is noise; returns the length. */
static size_t escape_byte(uint8_t byte, char piece[4])
{
	if (byte >= 'A' && byte <= 'Z')
		byte += 'a' - 'A';
	if (byte > ' ' && byte < 0x7f && byte != '.' && byte != '\\') {
		piece[0] = (char)byte;
		return 1;
	}
	piece[0] = '\\';
	piece[1] = (char)('0' + byte / 100);
	piece[2] = (char)('0' + byte / 10 % 10);
	piece[3] = (char)('0' + byte % 10);
	return 4;
}

struct shown {
	char *buf;
	size_t len;
	size_t cut; /* as much of buf as leaves room for the dots */
};

/* False when it does not fit: buf then ends in dots. */
static bool show(struct shown *shown, const char *piece, size_t len)
{
	static const char dots[] = "...";

	if (shown->len + len >= DNS_SHOWN_BYTES) {
		memcpy(shown->buf + shown->cut, dots, sizeof dots);
		return false;
	}
	memcpy(shown->buf + shown->len, piece, len);
	shown->len += len;
	shown->buf[shown->len] = '\0';
	if (shown->len + sizeof dots <= DNS_SHOWN_BYTES)
		shown->cut = shown->len;
	return true;
}

/* Without the last dot; the root is a dot. */
static void show_wire(const uint8_t *wire, char *buf)
{
	struct shown shown = { .buf = buf };
	char piece[4];

	if (!*wire)
		(void)show(&shown, ".", 1);
	for (; *wire; wire += 1 + *wire) {
		for (uint8_t i = 1; i <= *wire; i++) {
			if (!show(&shown, piece, escape_byte(wire[i], piece)))
				return;
		}
		if (wire[1 + *wire] && !show(&shown, ".", 1))
			return;
	}
}

/*** Reverse names ***/

/* Reads "255." as it is written without superfluous zeros, and moves past it. */
static bool take_octet(const char **at, uint8_t *ret)
{
	unsigned value = 0;
	int digits = 0;

	for (; **at >= '0' && **at <= '9' && digits < 3; digits++, (*at)++) {
		if (digits > 0 && value == 0)
			return false;
		value = value * 10 + (unsigned)(**at - '0');
	}
	if (digits == 0 || value > 255 || **at != '.')
		return false;
	(*at)++;
	*ret = (uint8_t)value;
	return true;
}

static bool parse_reverse_v4(const char *name, struct address *ret)
{
	struct address address = ADDRESS_V4(0, 0, 0, 0);

	for (int i = 15; i >= 12; i--) {
		if (!take_octet(&name, &address.in6.s6_addr[i]))
			return false;
	}
	if (strcmp(name, "in-addr.arpa") != 0)
		return false;
	*ret = address;
	return true;
}

static bool parse_reverse_v6(const char *name, struct address *ret)
{
	static const char digits[] = "0123456789abcdef";
	struct address address = { 0 };

	for (int i = 31; i >= 0; i--) {
		const char *digit = *name ? strchr(digits, *name) : NULL;

		if (!digit || name[1] != '.')
			return false;
		address.in6.s6_addr[i / 2] |= (uint8_t)((digit - digits) << (i % 2 ? 0 : 4));
		name += 2;
	}
	if (strcmp(name, "ip6.arpa") != 0)
		return false;
	*ret = address;
	return true;
}

/*** Queries ***/

static bool parse_question(struct reader *reader, struct dns_query *query)
{
	const uint8_t *start = reader->at;

	if (!skip_name(reader, /* may_point= */ false) || !read_u16(reader, &query->type) ||
	    !read_u16(reader, &query->class))
		return false;
	query->question_len = (size_t)(reader->at - start);
	normalize_wire(start, query->name);
	show_wire(start, query->shown);
	query->is_reverse =
		query->type == DNS_PTR && (parse_reverse_v4(query->name, &query->reverse) ||
					   parse_reverse_v6(query->name, &query->reverse));
	return true;
}

/* An OPT record's class is a size, its TTL the version and flags. Options are not looked at. */
static enum dns_rcode parse_edns(uint16_t size, const uint8_t *ttl, struct dns_query *query)
{
	if (query->has_edns)
		return DNS_FORMERR;
	query->has_edns = true;
	query->wants_dnssec = u16_at(ttl + 2) & EDNS_DO;
	if (size > DNS_EDNS_SIZE)
		size = DNS_EDNS_SIZE;
	if (size > DNS_UDP_SIZE)
		query->udp_size = size;
	return ttl[1] == 0 ? DNS_NOERROR : DNS_BADVERS;
}

static enum dns_rcode parse_additional(struct reader *reader, uint16_t count,
				       struct dns_query *query)
{
	enum dns_rcode rcode = DNS_NOERROR;

	for (; count > 0; count--) {
		const uint8_t *owner = reader->at, *record;

		if (!skip_name(reader, /* may_point= */ true))
			return DNS_FORMERR;
		record = reader->at;
		if (!skip(reader, RECORD_BYTES) || !skip(reader, u16_at(record + 8)))
			return DNS_FORMERR;
		if (u16_at(record) != TYPE_OPT)
			continue;
		if (*owner != 0)
			return DNS_FORMERR;
		rcode = parse_edns(u16_at(record + 2), record + 4, query);
		if (rcode == DNS_FORMERR)
			return DNS_FORMERR;
	}
	return reader->at == reader->end ? rcode : DNS_FORMERR;
}

static enum dns_rcode parse_sections(const uint8_t *packet, size_t len, struct dns_query *query)
{
	struct reader reader = { packet + HEADER_BYTES, packet + len };
	enum dns_rcode rcode;

	if (query->flags & OPCODE_MASK)
		return DNS_NOTIMP;
	if (u16_at(packet + 4) != 1 || !parse_question(&reader, query))
		return DNS_FORMERR;
	if (u16_at(packet + 6) != 0 || u16_at(packet + 8) != 0)
		return DNS_FORMERR;
	rcode = parse_additional(&reader, u16_at(packet + 10), query);
	if (rcode != DNS_NOERROR)
		return rcode;
	return query->class == CLASS_IN || query->class == CLASS_ANY ? DNS_NOERROR : DNS_REFUSED;
}

int dns_parse_query(const uint8_t *packet, size_t len, struct dns_query *ret_query)
{
	if (len < HEADER_BYTES || len > DNS_MESSAGE_MAX || u16_at(packet + 2) & FLAG_QR)
		return -EBADMSG;
	*ret_query = (struct dns_query){
		.id = u16_at(packet),
		.flags = u16_at(packet + 2),
		.udp_size = DNS_UDP_SIZE,
	};
	ret_query->rcode = parse_sections(packet, len, ret_query);
	return 0;
}

/*** Replies ***/

/*
 * What is written has its bound here, so that the writer needs no checks: the
 * longest questions have an address or nothing for an answer; names answer short ones.
 */
enum {
	REVERSE_QUESTION_MAX = 32 * 2 + 4 + 5 + 1 + 4, /* nibbles, ip6, arpa, root, type, class */
	NAME_ANSWER_MAX = REVERSE_QUESTION_MAX + POINTER_BYTES + RECORD_BYTES + NAME_WIRE_MAX,
	ADDRESS_ANSWER_MAX = QUESTION_MAX + POINTER_BYTES + RECORD_BYTES + 16,
	NEGATIVE_ANSWER_MAX = QUESTION_MAX + 1 + RECORD_BYTES + SOA_BYTES,
	OPT_BYTES = 1 + RECORD_BYTES,
};

_Static_assert(HEADER_BYTES + NAME_ANSWER_MAX + OPT_BYTES <= DNS_REPLY_MAX &&
		       HEADER_BYTES + ADDRESS_ANSWER_MAX + OPT_BYTES <= DNS_REPLY_MAX &&
		       HEADER_BYTES + NEGATIVE_ANSWER_MAX + OPT_BYTES <= DNS_REPLY_MAX &&
		       DNS_REPLY_MAX <= DNS_UDP_SIZE,
	       "every reply fits");

static uint8_t *put_u8(uint8_t *at, uint8_t value)
{
	*at = value;
	return at + 1;
}

static uint8_t *put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
	return put_u16(put_u16(at, (uint16_t)(value >> 16)), (uint16_t)value);
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

/* All of a record between its owner and its data. */
static uint8_t *put_record(uint8_t *at, uint16_t type, uint32_t ttl, size_t data_len)
{
	at = put_u16(at, type);
	at = put_u16(at, CLASS_IN);
	at = put_u32(at, ttl);
	return put_u16(at, (uint16_t)data_len);
}

static uint8_t *put_address(uint8_t *at, const struct address *address, uint32_t ttl)
{
	bool is_v4 = IN6_IS_ADDR_V4MAPPED(&address->in6);
	size_t first = is_v4 ? 12 : 0;

	at = put_u16(at, POINTER_TO_QUESTION);
	at = put_record(at, is_v4 ? DNS_A : DNS_AAAA, ttl, 16 - first);
	return put_bytes(at, address->in6.s6_addr + first, 16 - first);
}

/* name is normalized. */
static uint8_t *put_name(uint8_t *at, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		at = put_u8(at, (uint8_t)len);
		at = put_bytes(at, name, len);
		name += len;
		if (*name)
			name++;
	}
	return put_u8(at, 0);
}

static uint8_t *put_pointed(uint8_t *at, const char *name, uint32_t ttl)
{
	at = put_u16(at, POINTER_TO_QUESTION);
	at = put_record(at, DNS_PTR, ttl, strlen(name) + 2);
	return put_name(at, name);
}

/*
 * Negative answers are kept for as long as an SOA says (RFC 2308), else not at all. The
 * root's: no name of the box's world has a zone of its own, and some are no names at all.
 */
static uint8_t *put_soa(uint8_t *at, uint32_t ttl)
{
	at = put_u8(at, 0);
	at = put_record(at, TYPE_SOA, ttl, SOA_BYTES);
	at = put_u16(at, 0); /* no server, no mailbox */
	at = put_u32(at, 1);
	for (int i = 0; i < 4; i++) /* refresh, retry, expire, and the one that counts: minimum */
		at = put_u32(at, ttl);
	return at;
}

static uint8_t *put_opt(uint8_t *at, const struct dns_query *query, enum dns_rcode rcode)
{
	at = put_u8(at, 0);
	at = put_u16(at, TYPE_OPT);
	at = put_u16(at, DNS_EDNS_SIZE);
	at = put_u8(at, (uint8_t)(rcode >> 4));
	at = put_u8(at, 0); /* version */
	at = put_u16(at, query->wants_dnssec ? EDNS_DO : 0);
	return put_u16(at, 0);
}

static bool has_address(const struct dns_query *query, const struct dns_answer *answer)
{
	if (!answer->address)
		return false;
	if (query->type == DNS_ANY)
		return true;
	return query->type == (IN6_IS_ADDR_V4MAPPED(&answer->address->in6) ? DNS_A : DNS_AAAA);
}

static bool has_name(const struct dns_query *query, const struct dns_answer *answer)
{
	return query->is_reverse && answer->name && answer->name[0] &&
	       strlen(answer->name) <= HOSTNAME_MAX;
}

/* The four counts of the header. */
static void put_counts(uint8_t *at, bool question, bool answer, bool authority, bool additional)
{
	at = put_u16(at, question);
	at = put_u16(at, answer);
	at = put_u16(at, authority);
	(void)put_u16(at, additional);
}

size_t dns_write_reply(const uint8_t *packet, const struct dns_query *query,
		       const struct dns_answer *answer, uint8_t buf[DNS_REPLY_MAX])
{
	enum dns_rcode rcode = query->rcode != DNS_NOERROR ? query->rcode : answer->rcode;
	bool is_known = rcode == DNS_NOERROR || rcode == DNS_NXDOMAIN;
	bool is_address = rcode == DNS_NOERROR && has_address(query, answer);
	bool is_name = rcode == DNS_NOERROR && has_name(query, answer);
	bool is_negative = is_known && !is_address && !is_name;
	uint16_t repeated = query->flags & (OPCODE_MASK | FLAG_RD | FLAG_CD);
	uint8_t *at = put_u16(buf, query->id);

	at = put_u16(at, (uint16_t)(FLAG_QR | FLAG_RA | (is_known ? FLAG_AA : 0) | repeated |
				    (rcode & 15)));
	put_counts(at, query->question_len > 0, is_address || is_name, is_negative,
		   query->has_edns);
	at = put_bytes(buf + HEADER_BYTES, packet + HEADER_BYTES, query->question_len);
	if (is_address)
		at = put_address(at, answer->address, answer->ttl);
	else if (is_name)
		at = put_pointed(at, answer->name, answer->ttl);
	else if (is_negative)
		at = put_soa(at, answer->ttl);
	if (query->has_edns)
		at = put_opt(at, query, rcode);
	return (size_t)(at - buf);
}
