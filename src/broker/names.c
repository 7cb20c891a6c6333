/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names, their addresses in the box, and the listeners there: see names.h. */
#include "broker/names.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "box/sockets.h"
#include "broker/events.h"

enum {
	BUCKETS = 1024, /* a power of two */
	BACKLOG = 4096, /* the kernel takes the lesser of this and somaxconn */
	PORTS_A_WORD = 32,
};

/* 198.18.0.0 as ::ffff:0:0 has it, and 2001:2::; a name's number is added. */
static const struct address first_v4 = ADDRESS_V4(198, 18, 0, 0);
static const struct address first_v6 = { .in6.s6_addr = { 0x20, 0x01, 0x00, 0x02 } };

static struct {
	const struct host_grants *grants;
	int init_fd;
	bool has_v6;
	void (*accept)(struct watch *watch, uint32_t events);
	struct name *buckets[BUCKETS];
	struct name *items[NAMES_MAX + 1]; /* by number, from 1 */
	size_t len;
} names;

void names_init(const struct host_grants *grants, int init_fd, bool has_v6,
		void (*accept)(struct watch *watch, uint32_t events))
{
	names.grants = grants;
	names.init_fd = init_fd;
	names.has_v6 = has_v6;
	names.accept = accept;
}

bool names_have_v6(void)
{
	return names.has_v6;
}

void names_tell_questions(void)
{
	for (size_t i = 1; i <= names.len; i++) {
		if (names.items[i]->asked > 1)
			event_dns(names.items[i]->text, names.items[i]->asked - 1);
	}
}

/*** Sockets of the box ***/

static struct stock {
	int *fds;
	int len;
} stocks[2];

static struct stock *stock_of(int family)
{
	return &stocks[family == AF_INET6];
}

void box_sockets_stock(int family, int *fds, int count)
{
	*stock_of(family) = (struct stock){ fds, count };
}

static int take_some(int family, int count, int *fds)
{
	const struct socket_request request = { .family = family, .count = count };
	struct socket_reply reply;

	if (send(names.init_fd, &request, sizeof request, MSG_NOSIGNAL) < 0)
		return -errno;
	/* init answers in its next turn, and its end is ours. */
	return sockets_receive(names.init_fd, &reply, fds, count);
}

int box_sockets_take(int family, int count, int *fds)
{
	struct stock *stock = stock_of(family);
	int at = 0;

	while (at < count && stock->len > 0)
		fds[at++] = stock->fds[--stock->len];
	for (; at < count; at += SOCKETS_AT_ONCE) {
		int some = count - at < SOCKETS_AT_ONCE ? count - at : SOCKETS_AT_ONCE;
		int r = take_some(family, some, fds + at);

		if (r < 0) {
			while (at > 0)
				(void)close(fds[--at]);
			return r;
		}
	}
	return 0;
}

/*** Listening ***/

static int bind_to(int fd, const struct address *address, uint16_t port)
{
	static const int yes = 1;
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(address, port, &sa);

	/* The address is the box's by a route and on no device: IPv6 wants to be told, ipv6(7). */
	if (!address_is_v4(address) &&
	    (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) < 0 ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &yes, sizeof yes) < 0))
		return -errno;
	return bind(fd, (struct sockaddr *)&sa, len) < 0 ? -errno : 0;
}

/* fd is the listener's, or closed. */
static int listen_on(int fd, const struct name *name, const struct address *address, uint16_t port)
{
	static const int yes = 1, keep_idle_s = 60;
	struct listener *listener = calloc(1, sizeof *listener);
	int r = listener ? bind_to(fd, address, port) : -ENOMEM;

	/* Connections inherit these. What arrives goes on at once. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	/*
	 * A program that closes looks like one that has only finished writing, until its kernel
	 * has forgotten the socket (tcp_fin_timeout) and answers a probe with a reset.
	 */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keep_idle_s, sizeof keep_idle_s);
	/* No urgent byte is hidden from what looks at a hello, tcp(7). */
	if (r == 0 && setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof yes) < 0)
		r = -errno;
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r == 0) {
		listener->name = name;
		listener->port = port;
		listener->watch.ready = names.accept;
		r = loop_watch(&listener->watch, fd, EPOLLIN);
	}
	if (r < 0) {
		(void)close(fd);
		free(listener);
	}
	return r;
}

struct ports {
	uint32_t set[(1 << 16) / PORTS_A_WORD];
	int len;
};

static bool has_port(const struct ports *ports, unsigned port)
{
	return ports->set[port / PORTS_A_WORD] >> port % PORTS_A_WORD & 1;
}

static void add_ports(struct ports *ports, const struct host_grant *grant)
{
	for (size_t i = 0; i < grant->ports_len; i++) {
		for (unsigned port = grant->ports[i].first; port <= grant->ports[i].last; port++) {
			ports->len += !has_port(ports, port);
			ports->set[port / PORTS_A_WORD] |= 1u << port % PORTS_A_WORD;
		}
	}
}

/* A listener that another server of the box took the place of is left out: that is its port. */
static int listen_at_ports(const struct name *name, const struct address *address,
			   const struct ports *ports)
{
	int *fds = malloc((size_t)ports->len * sizeof *fds);
	int r = fds ? box_sockets_take(address_is_v4(address) ? AF_INET : AF_INET6, ports->len, fds)
		    : -ENOMEM;
	int len = r < 0 ? 0 : ports->len;

	for (int port = 0, taken = 0; taken < len; port++) {
		if (!has_port(ports, (unsigned)port))
			continue;
		int failed = listen_on(fds[taken++], name, address, (uint16_t)port);
		if (failed < 0 && failed != -EADDRINUSE)
			r = failed;
	}
	free(fds);
	return r;
}

int name_listen(struct name *name)
{
	struct ports ports = { .len = 0 };

	if (name->is_listening)
		return 0;
	for (size_t i = 0; i < names.grants->len; i++) {
		if (host_grant_matches(&names.grants->items[i], name->text))
			add_ports(&ports, &names.grants->items[i]);
	}
	int r = listen_at_ports(name, &name->v4, &ports);
	if (r == 0 && names.has_v6)
		r = listen_at_ports(name, &name->v6, &ports);
	name->is_listening = r == 0;
	return r;
}

/*** Literals ***/

/* One address stands for itself; for a range, listeners at every address of the family. */
static int listen_for_net(const struct host_grant *grant)
{
	static const struct address any_v4 = ADDRESS_V4(0, 0, 0, 0), any_v6;
	const struct address *address = &grant->net;
	bool is_v4 = address_is_v4(address);
	struct ports ports = { .len = 0 };

	if (!names.has_v6 && !is_v4)
		return 0;
	if (grant->prefix_len < 128)
		address = is_v4 ? &any_v4 : &any_v6;
	add_ports(&ports, grant);
	return listen_at_ports(NULL, address, &ports);
}

/* Programs in the box find localhost in /etc/hosts and ask nobody. */
static int listen_for_localhost(void)
{
	struct name *name = hosts_know(names.grants, "localhost") ? name_get("localhost") : NULL;

	if (!name)
		return 0;
	name->v4 = *address_loopback(AF_INET);
	name->v6 = *address_loopback(AF_INET6);
	return name_listen(name);
}

int names_listen_literals(void)
{
	int r = listen_for_localhost();

	for (size_t i = 0; r == 0 && i < names.grants->len; i++) {
		if (names.grants->items[i].kind == HOST_NET)
			r = listen_for_net(&names.grants->items[i]);
	}
	return r;
}

/*** Names ***/

static struct name **bucket_of(const char *text)
{
	uint32_t hash =
		2166136261u; /* FNV-1a; the table is bounded, so a bad choice costs little */

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 16777619u;
	return &names.buckets[hash & (BUCKETS - 1)];
}

static struct address numbered(struct address address, size_t number)
{
	address.in6.s6_addr[13] |= (uint8_t)(number >> 16);
	address.in6.s6_addr[14] = (uint8_t)(number >> 8);
	address.in6.s6_addr[15] = (uint8_t)number;
	return address;
}

struct name *name_get(const char *text)
{
	struct name **bucket = bucket_of(text);

	for (struct name *name = *bucket; name; name = name->next) {
		if (strcmp(name->text, text) == 0)
			return name;
	}
	struct name *name = names.len < NAMES_MAX ? calloc(1, sizeof *name) : NULL;
	if (!name)
		return NULL;
	names.items[++names.len] = name;
	(void)strncpy(name->text, text, sizeof name->text - 1);
	name->v4 = numbered(first_v4, names.len);
	name->v6 = numbered(first_v6, names.len);
	name->next = *bucket;
	*bucket = name;
	return name;
}

const struct name *name_by_address(const struct address *address)
{
	size_t number = (size_t)address->in6.s6_addr[14] << 8 | address->in6.s6_addr[15];
	const struct name *name = number <= names.len ? names.items[number] : NULL;

	if (!name || (memcmp(address, &name->v4, sizeof *address) != 0 &&
		      memcmp(address, &name->v6, sizeof *address) != 0))
		return NULL;
	return name;
}
