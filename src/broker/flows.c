/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections out of the box: see flows.h. */
#include "broker/flows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "broker/client_hello.h"
#include "broker/connections.h"
#include "broker/dial.h"
#include "broker/events.h"
#include "broker/names.h"
#include "broker/pump.h"
#include "broker/resolver.h"
#include "gateway/handover.h"

enum {
	HTTPS_PORT = 443,
	HOST_TEXT = 256,
	WHAT_TEXT = HOST_TEXT + 16, /* with a port; leaves room for an option before it */
};

struct flow {
	struct flow *next, *prev;
	char host[HOST_TEXT];	/* as granted and logged: a name, or an address */
	struct address literal; /* of a grant by address */
	bool is_literal;
	uint16_t port;
	const struct host_grant *grant;
	bool is_handed;	     /* to the gateway */
	int fd;		     /* the box's socket, until the pump has it */
	struct watch client; /* of it, in HELLO */
	struct timer deadline;
	struct lookup lookup;
	bool is_looking;
	struct dial dial;
	bool is_dialling;
	struct pump pump;
	int64_t since_ms;
};

static const struct host_grants *grants;
static const struct host_grants *handed;
static int gateway_fd;
static struct flow *flows; /* before the pump */

void flows_init(const struct host_grants *all, const struct host_grants *of_gateway, int fd)
{
	grants = all;
	handed = of_gateway;
	gateway_fd = fd;
}

/*** Ends ***/

static void unlist(struct flow *flow)
{
	*(flow->prev ? &flow->prev->next : &flows) = flow->next;
	if (flow->next)
		flow->next->prev = flow->prev;
}

static void give_up(struct flow *flow)
{
	timer_cancel(&flow->deadline);
	if (flow->is_looking)
		resolver_cancel(&flow->lookup);
	if (flow->is_dialling)
		dial_cancel(&flow->dial);
	loop_unwatch(&flow->client);
	connection_reset(flow->fd);
	unlist(flow);
	free(flow);
}

static void write_host(char what[WHAT_TEXT], const char *host, uint16_t port)
{
	(void)snprintf(what, WHAT_TEXT, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

bool flow_leads_nowhere(const char *host, const struct address *addresses, size_t len)
{
	struct address literal;
	size_t i = 0;

	while (i < len && address_class(&addresses[i]) == ADDRESS_NEVER)
		i++;
	return len > 0 && i == len && !address_parse(host, strlen(host), &literal);
}

void flow_refused(const char *host, const struct address *addresses, size_t len, uint16_t port,
		  const char *why)
{
	bool is_private = len > 0 && address_class(&addresses[0]) != ADDRESS_PUBLIC;
	char what[WHAT_TEXT], grant[EVENT_TEXT];

	write_host(what, host, port);
	(void)snprintf(grant, sizeof grant, "--allow-%shost %s", is_private ? "private-" : "",
		       what);
	if (port == HTTPS_PORT && !strchr(host, ':'))
		grant[strlen(grant) - strlen(":443")] = '\0';
	event_refused(REFUSED_HOST, what, flow_leads_nowhere(host, addresses, len) ? NULL : grant,
		      why);
}

/* The grant is there, the connection broke its rule. */
static void refuse_tls(struct flow *flow, const char *why)
{
	char what[WHAT_TEXT], grant[EVENT_TEXT];

	write_host(what, flow->host, flow->port);
	(void)snprintf(grant, sizeof grant, "--allow-%shost %s,tls=any",
		       flow->grant->is_private ? "private-" : "", what);
	/* What ends in the gateway is TLS or nothing. */
	event_refused(REFUSED_HOST, what, flow->is_handed ? NULL : grant, why);
	give_up(flow);
}

/*** PUMP ***/

static void on_pumped(struct pump *pump, int error)
{
	struct flow *flow = CONTAINER_OF(pump, struct flow, pump);

	(void)error;
	event_closed(flow->host, flow->port, pump->side[0].bytes, pump->side[1].bytes,
		     loop_now_ms() - flow->since_ms);
	free(flow);
}

static void on_dialled(struct dial *dial, int fd, const struct address *address)
{
	struct flow *flow = CONTAINER_OF(dial, struct flow, dial);

	(void)address;
	flow->is_dialling = false;
	if (fd < 0) {
		give_up(flow);
		return;
	}
	event_connected(flow->host, flow->port);
	unlist(flow);
	if (flow->is_handed) {
		/* When the gateway is gone, both are closed. */
		(void)handover_connection(gateway_fd, flow->host, flow->port, flow->fd, fd);
		free(flow);
		return;
	}
	pump_start(&flow->pump, flow->fd, fd, on_pumped);
}

/*** LOOKUP and DIAL ***/

static void dial_permitted(struct flow *flow, const struct address *addresses, size_t len)
{
	struct address permitted[RESOLVER_ADDRESSES_MAX];
	size_t permitted_len = 0;

	for (size_t i = 0; i < len && i < RESOLVER_ADDRESSES_MAX; i++) {
		if (host_permits(flow->grant, &addresses[i]))
			permitted[permitted_len++] = addresses[i];
	}
	if (permitted_len == 0) {
		flow_refused(flow->host, addresses, len, flow->port,
			     "it resolves to an address that is not public");
		give_up(flow);
		return;
	}
	flow->is_dialling = true;
	flow->dial.done = on_dialled;
	dial_start(&flow->dial, permitted, permitted_len, flow->port);
}

static void on_looked_up(struct lookup *lookup, int error, const struct address *addresses,
			 size_t len)
{
	struct flow *flow = CONTAINER_OF(lookup, struct flow, lookup);

	flow->is_looking = false;
	if (error < 0 || len == 0)
		give_up(flow);
	else
		dial_permitted(flow, addresses, len);
}

static void start_lookup(struct flow *flow)
{
	timer_cancel(&flow->deadline);
	if (flow->is_literal) {
		dial_permitted(flow, &flow->literal, 1);
		return;
	}
	flow->is_looking = true;
	flow->lookup.done = on_looked_up;
	resolver_start(&flow->lookup, flow->host);
}

/*** HELLO ***/

/* Until more has come than was looked at: so no hello is parsed twice for nothing. */
static void await_more(struct flow *flow, int have)
{
	int want = have + 1;

	(void)setsockopt(flow->fd, SOL_SOCKET, SO_RCVLOWAT, &want, sizeof want);
}

static void on_hello(struct watch *watch, uint32_t events)
{
	static uint8_t bytes[CLIENT_HELLO_MAX];
	static const int one = 1;
	struct flow *flow = CONTAINER_OF(watch, struct flow, client);
	char name[HOSTNAME_BYTES];
	ssize_t n = recv(watch->fd, bytes, sizeof bytes, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		give_up(flow);
		return;
	}
	switch (client_hello_parse(bytes, (size_t)n, name)) {
	case HELLO_MORE:
		if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			refuse_tls(flow, "the connection ended within the TLS ClientHello");
		else
			await_more(flow, (int)n);
		return;
	case HELLO_NAME:
		if (flow->is_literal || strcmp(name, flow->host) != 0) {
			refuse_tls(flow, "the TLS ClientHello names another host");
			return;
		}
		break;
	case HELLO_NO_NAME:
		if (!flow->is_literal) {
			refuse_tls(flow, "the TLS ClientHello names no host");
			return;
		}
		break;
	case HELLO_NOT_TLS:
		refuse_tls(flow, flow->is_handed ? "not TLS, where there are secrets or HTTP rules"
						 : "port 443 and not TLS");
		return;
	case HELLO_BAD:
		refuse_tls(flow, "a malformed TLS ClientHello");
		return;
	}
	(void)setsockopt(watch->fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one);
	loop_unwatch(watch);
	start_lookup(flow);
}

static void on_deadline(struct timer *timer)
{
	refuse_tls(CONTAINER_OF(timer, struct flow, deadline),
		   "no whole TLS ClientHello came in time");
}

/* A box that goes away before the pump is noticed there. */
static void start_flow(struct flow *flow)
{
	flow->since_ms = loop_now_ms();
	flow->next = flows;
	if (flows)
		flows->prev = flow;
	flows = flow;
	if (!flow->is_handed && (flow->port != HTTPS_PORT || flow->grant->tls_any)) {
		start_lookup(flow);
		return;
	}
	if (flow->is_handed)
		handover_expect(gateway_fd);
	flow->client.ready = on_hello;
	if (loop_watch(&flow->client, flow->fd, EPOLLIN | EPOLLRDHUP) < 0)
		give_up(flow);
	else
		timer_set(&flow->deadline, HELLO_MS, on_deadline);
}

/*** Accepting ***/

static void read_local_address(int fd, struct address *ret_address)
{
	struct sockaddr_storage local = { 0 };
	socklen_t len = sizeof local;

	(void)getsockname(fd, (struct sockaddr *)&local, &len);
	if (!address_from_sockaddr((struct sockaddr *)&local, ret_address))
		*ret_address = (struct address){ 0 }; /* ::, which no grant permits */
}

/* Who is meant: the name whose address was called, or the address itself. */
static bool identify(struct flow *flow, const struct listener *listener, int fd)
{
	const struct name *name = listener->name;
	char text[INET6_ADDRSTRLEN];

	flow->port = listener->port;
	/* The listener of a granted range has taken a name's place at this port. */
	if (!name) {
		read_local_address(fd, &flow->literal);
		name = name_by_address(&flow->literal);
	}
	if (name) {
		(void)snprintf(flow->host, sizeof flow->host, "%s", name->text);
		flow->grant = hosts_find_name(grants, flow->host, flow->port);
		flow->is_handed = hosts_find_name(handed, flow->host, flow->port);
		return flow->grant;
	}
	flow->is_literal = true;
	(void)snprintf(flow->host, sizeof flow->host, "%s", address_format(&flow->literal, text));
	flow->grant = hosts_find_address(grants, &flow->literal, flow->port);
	return flow->grant;
}

static void take(struct watch *watch, int fd)
{
	const struct listener *listener = CONTAINER_OF(watch, struct listener, watch);
	struct flow *flow = calloc(1, sizeof *flow);

	if (!flow) {
		connection_reset(fd);
		return;
	}
	flow->client.fd = -1;
	flow->fd = fd;
	if (identify(flow, listener, fd)) {
		start_flow(flow);
		return;
	}
	flow_refused(flow->host, &flow->literal, flow->is_literal, flow->port, "no grant names it");
	connection_reset(fd);
	free(flow);
}

void flows_accept(struct watch *watch, uint32_t events)
{
	(void)events;
	connections_accept(watch, take);
}

bool flows_have_more(void)
{
	const struct flow *flow = flows;
	char byte;

	while (flow && recv(flow->fd, &byte, 1, MSG_PEEK) <= 0)
		flow = flow->next;
	return flow;
}
