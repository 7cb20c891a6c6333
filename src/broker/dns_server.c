/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The DNS server of the box: see dns_server.h. */
#include "broker/dns_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "broker/connections.h"
#include "broker/dns.h"
#include "broker/events.h"
#include "broker/flows.h"
#include "broker/names.h"
#include "broker/resolver.h"

enum {
	PACKETS_A_TURN = 32,
	QUESTIONS_MAX = 256, /* that wait for the host; more are answered at once */
	CLIENTS_MAX = 64,    /* TCP connections */
	CLIENT_MS = 10000,   /* without a whole question */
	TTL_S = 60,
	LENGTH_BYTES = 2, /* before each message over TCP, RFC 1035 4.2.2 */
};

/*
 * A TCP connection. One question at a time: the next is taken in a later turn, so that an answer
 * that comes at once never calls back into the reader. It is not closed while a question waits.
 */
struct client {
	struct watch watch;
	struct timer deadline;
	struct timer next_turn;
	bool is_waiting; /* for the host's answer */
	size_t have;
	uint8_t bytes[LENGTH_BYTES + DNS_MESSAGE_MAX];
};

struct question {
	struct lookup lookup;
	struct timer patience;
	int slot;	       /* in waiting */
	struct client *client; /* NULL: UDP */
	int udp_fd;
	struct sockaddr_storage from;
	socklen_t from_len;
	struct dns_query query;
	size_t packet_len;
	uint8_t packet[DNS_MESSAGE_MAX];
};

static const struct host_grants *grants;
static struct watch udp_watches[2], tcp_watches[2];
static struct question *waiting[QUESTIONS_MAX]; /* for the host */
static int waiting_len, clients_len;

static void on_next_turn(struct timer *timer);

/*** Replies ***/

static void close_client(struct client *client)
{
	int fd = client->watch.fd;

	timer_cancel(&client->deadline);
	timer_cancel(&client->next_turn);
	loop_unwatch(&client->watch);
	(void)close(fd);
	free(client);
	clients_len--;
}

static void send_reply(const struct question *question, const struct dns_answer *answer)
{
	uint8_t reply[LENGTH_BYTES + DNS_REPLY_MAX];
	size_t len =
		dns_write_reply(question->packet, &question->query, answer, reply + LENGTH_BYTES);

	if (!question->client) {
		/* A socket buffer that is full loses it: the asker asks again. */
		(void)sendto(question->udp_fd, reply + LENGTH_BYTES, len, MSG_DONTWAIT,
			     (const struct sockaddr *)&question->from, question->from_len);
		return;
	}
	reply[0] = (uint8_t)(len >> 8);
	reply[1] = (uint8_t)len;
	/* One short reply at a time: a client that does not read it loses the connection. */
	if (send(question->client->watch.fd, reply, len + LENGTH_BYTES,
		 MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)(len + LENGTH_BYTES))
		(void)shutdown(question->client->watch.fd, SHUT_RDWR);
}

static void reply_code(const struct question *question, enum dns_rcode rcode)
{
	const struct dns_answer answer = { .rcode = rcode };

	send_reply(question, &answer);
}

static void reply_name(const struct question *question, struct name *name)
{
	struct dns_answer answer = { .rcode = DNS_NOERROR, .ttl = TTL_S };

	if (name_listen(name) < 0) {
		reply_code(question, DNS_SERVFAIL);
		return;
	}
	if (name->asked < UINT32_MAX && name->asked++ == 0)
		event_dns(name->text, 1);
	if (question->query.type == DNS_A)
		answer.address = &name->v4;
	else if (question->query.type == DNS_AAAA && names_have_v6())
		answer.address = &name->v6;
	send_reply(question, &answer);
}

/*** Questions for granted names ***/

/* Whether some grant for the name permits one of the addresses. */
static bool is_permitted(const char *name, const struct address *addresses, size_t len)
{
	for (size_t i = 0; i < grants->len; i++) {
		if (!host_grant_matches(&grants->items[i], name))
			continue;
		for (size_t k = 0; k < len; k++) {
			if (host_permits(&grants->items[i], &addresses[k]))
				return true;
		}
	}
	return false;
}

/* The reply is out: a TCP client may ask its next question. */
static void finish(struct question *question)
{
	struct client *client = question->client;

	timer_cancel(&question->patience);
	waiting[question->slot] = waiting[--waiting_len];
	waiting[question->slot]->slot = question->slot;
	free(question);
	if (client) {
		client->is_waiting = false;
		timer_set(&client->next_turn, 0, on_next_turn);
	}
}

static void answer_without_host(struct question *question)
{
	struct name *name = name_get(question->query.name);

	if (name)
		reply_name(question, name);
	else
		reply_code(question, DNS_SERVFAIL);
}

static void on_patience(struct timer *timer)
{
	struct question *question = CONTAINER_OF(timer, struct question, patience);

	resolver_cancel(&question->lookup);
	answer_without_host(question);
	finish(question);
}

/*
 * Which port was meant is not known yet: what to write is the grant that there is, as a private
 * one. Nobody chose the ports of learn's.
 */
static void refuse_addresses(const char *name, const struct address *addresses, size_t len)
{
	const struct host_grant *granted = grants->items; /* one has the name: the host was asked */
	struct arena arena = { 0 };
	const char *grant = arena_printf(&arena, "--allow-private-host %s", name);

	while (!host_grant_matches(granted, name))
		granted++;
	size_t ports_len = granted->kind == HOST_ANY ? 0 : granted->ports_len;
	for (size_t i = 0; i < ports_len; i++)
		grant = arena_printf(&arena, "%s%s%s", grant, i ? "," : ":",
				     host_grant_ports(&arena, granted, i));
	event_refused(REFUSED_DNS, name, flow_leads_nowhere(name, addresses, len) ? NULL : grant,
		      "it resolves to an address that is not public");
	arena_free(&arena);
}

static void on_looked_up(struct lookup *lookup, int error, const struct address *addresses,
			 size_t len)
{
	struct question *question = CONTAINER_OF(lookup, struct question, lookup);
	const char *name = question->query.name;

	if (error == -ENOENT || error == -ENODATA) {
		reply_code(question, DNS_NXDOMAIN);
	} else if (error < 0 || len == 0) {
		reply_code(question, DNS_SERVFAIL);
	} else if (!is_permitted(name, addresses, len)) {
		refuse_addresses(name, addresses, len);
		reply_code(question, DNS_NXDOMAIN);
	} else {
		answer_without_host(question);
	}
	finish(question);
}

static void ask_host(const struct question *asked)
{
	struct question *question = waiting_len < QUESTIONS_MAX ? malloc(sizeof *question) : NULL;

	if (!question) {
		reply_code(asked, DNS_SERVFAIL);
		return;
	}
	*question = *asked;
	question->slot = waiting_len;
	waiting[waiting_len++] = question;
	if (question->client)
		question->client->is_waiting = true;
	question->lookup.done = on_looked_up;
	timer_set(&question->patience, ANSWER_MS, on_patience);
	resolver_start(&question->lookup, question->query.name);
}

/*** All questions ***/

static void refuse_name(const struct question *question)
{
	const char *name = question->query.name;
	bool can_be_granted = name[0] && !hostname_ends_in_number(name);
	char grant[EVENT_TEXT];

	(void)snprintf(grant, sizeof grant, "--allow-%shost %s",
		       hostname_is_localhost(name) ? "private-" : "", name);
	event_refused(REFUSED_DNS, question->query.shown, can_be_granted ? grant : NULL,
		      can_be_granted ? "no grant names it" : "it is no name of a host");
	reply_code(question, DNS_NXDOMAIN);
}

static void answer_reverse(const struct question *question)
{
	const struct name *name = name_by_address(&question->query.reverse);
	const struct dns_answer answer = { .rcode = DNS_NOERROR,
					   .name = name ? name->text : NULL,
					   .ttl = TTL_S };

	if (name)
		send_reply(question, &answer);
	else
		reply_code(question, DNS_NXDOMAIN); /* about addresses nothing is logged */
}

static void take_question(struct question *question, size_t len)
{
	question->packet_len = len;
	if (dns_parse_query(question->packet, len, &question->query) < 0)
		return;
	if (question->query.rcode != DNS_NOERROR)
		reply_code(question, question->query.rcode);
	else if (question->query.is_reverse)
		answer_reverse(question);
	else if (!hosts_know(grants, question->query.name))
		refuse_name(question);
	else
		ask_host(question);
}

/*** UDP ***/

static void on_packet(struct watch *watch, uint32_t events)
{
	static struct question question; /* too large for the stack; copied when it has to wait */

	(void)events;
	for (int i = 0; i < PACKETS_A_TURN; i++) {
		question.from_len = sizeof question.from;
		question.udp_fd = watch->fd;
		ssize_t n = recvfrom(watch->fd, question.packet, sizeof question.packet, MSG_TRUNC,
				     (struct sockaddr *)&question.from, &question.from_len);
		if (n < 0)
			return;
		if ((size_t)n <= sizeof question.packet)
			take_question(&question, (size_t)n);
	}
}

/*** TCP ***/

static void on_deadline(struct timer *timer)
{
	close_client(CONTAINER_OF(timer, struct client, deadline));
}

/* Takes the first message, if there is a whole one. */
static void read_message(struct client *client)
{
	static struct question question;
	size_t len = (size_t)client->bytes[0] << 8 | client->bytes[1];

	if (client->have >= LENGTH_BYTES && len > DNS_MESSAGE_MAX) {
		close_client(client);
		return;
	}
	if (client->have < LENGTH_BYTES || client->have < LENGTH_BYTES + len) {
		(void)loop_change(&client->watch, EPOLLIN);
		return;
	}
	question.client = client;
	memcpy(question.packet, client->bytes + LENGTH_BYTES, len);
	client->have -= LENGTH_BYTES + len;
	memmove(client->bytes, client->bytes + LENGTH_BYTES + len, client->have);
	timer_set(&client->deadline, CLIENT_MS, on_deadline);
	(void)loop_change(&client->watch, 0);
	take_question(&question, len);
	if (!client->is_waiting)
		timer_set(&client->next_turn, 0, on_next_turn);
}

static void on_next_turn(struct timer *timer)
{
	read_message(CONTAINER_OF(timer, struct client, next_turn));
}

static void on_client(struct watch *watch, uint32_t events)
{
	struct client *client = CONTAINER_OF(watch, struct client, watch);

	(void)events;
	if (client->is_waiting || client->next_turn.is_set)
		return; /* EPOLLHUP; the answer comes within ANSWER_MS */
	ssize_t n = recv(watch->fd, client->bytes + client->have,
			 sizeof client->bytes - client->have, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	client->have += n > 0 ? (size_t)n : 0;
	if (n <= 0)
		close_client(client);
	else
		read_message(client);
}

static void take(struct watch *watch, int fd)
{
	struct client *client = clients_len < CLIENTS_MAX ? calloc(1, sizeof *client) : NULL;

	(void)watch;
	if (client)
		client->watch.ready = on_client;
	if (!client || loop_watch(&client->watch, fd, EPOLLIN) < 0) {
		free(client);
		(void)close(fd);
		return;
	}
	clients_len++;
	timer_set(&client->deadline, CLIENT_MS, on_deadline);
}

static void on_accept(struct watch *watch, uint32_t events)
{
	(void)events;
	connections_accept(watch, take);
}

int dns_server_start(const struct host_grants *all, const int udp_fds[2], const int tcp_fds[2])
{
	int r = 0;

	grants = all;
	for (int i = 0; i < 2 && r == 0; i++) {
		udp_watches[i].fd = tcp_watches[i].fd = -1;
		udp_watches[i].ready = on_packet;
		tcp_watches[i].ready = on_accept;
		if (udp_fds[i] >= 0)
			r = loop_watch(&udp_watches[i], udp_fds[i], EPOLLIN);
		if (r == 0 && tcp_fds[i] >= 0)
			r = loop_watch(&tcp_watches[i], tcp_fds[i], EPOLLIN);
	}
	return r;
}
