/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections into the box: see publish.h. */
#include "broker/publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/flows.h"
#include "broker/names.h"
#include "broker/pump.h"

enum {
	ACCEPTS_A_TURN = 32,
};

struct published {
	struct watch watch;
	uint16_t box_port;
};

struct guest {
	struct guest *next, *prev; /* of those with a pump */
	struct pump pump;
	struct watch server; /* the box's socket while it connects */
	struct timer again;
	int client_fd;
	int family; /* that is tried now */
	uint16_t box_port;
	int64_t until_ms;
};

static struct guest *guests;

#define GUEST_OF(pointer, member)                                                                  \
	((struct guest *)(void *)((char *)(pointer)-offsetof(struct guest, member)))

static void try_server(struct guest *guest);

static void drop(struct guest *guest)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	int fd = guest->server.fd;

	timer_cancel(&guest->again);
	loop_unwatch(&guest->server);
	if (fd >= 0)
		(void)close(fd);
	(void)setsockopt(guest->client_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	(void)close(guest->client_fd);
	free(guest);
}

static void end_pump(struct pump *pump, int error)
{
	struct guest *guest = GUEST_OF(pump, pump);

	pump_close(pump, error != 0);
	*(guest->prev ? &guest->prev->next : &guests) = guest->next;
	if (guest->next)
		guest->next->prev = guest->prev;
	free(guest);
}

static void on_again(struct timer *timer)
{
	try_server(GUEST_OF(timer, again));
}

/* IPv6 at once after IPv4, both again after a while. */
static void try_next(struct guest *guest)
{
	int fd = guest->server.fd;

	loop_unwatch(&guest->server);
	if (fd >= 0)
		(void)close(fd);
	if (guest->family == AF_INET && names_have_v6()) {
		guest->family = AF_INET6;
		try_server(guest);
		return;
	}
	guest->family = AF_INET;
	if (loop_now_ms() >= guest->until_ms)
		drop(guest);
	else
		timer_set(&guest->again, PUBLISH_AGAIN_MS, on_again);
}

/* What arrives goes on at once, an urgent byte as one of the stream. */
static void pass_on_all(int fd)
{
	static const int yes = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof yes);
}

/* The server's own probes get no further than here. */
static void probe_client(int fd)
{
	static const int yes = 1, keep_idle_s = 60;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keep_idle_s, sizeof keep_idle_s);
}

static void on_connected(struct watch *watch, uint32_t events)
{
	struct guest *guest = GUEST_OF(watch, server);
	int error = 0, fd = watch->fd;
	socklen_t len = sizeof error;

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error) {
		try_next(guest);
		return;
	}
	loop_unwatch(watch);
	pass_on_all(fd);
	pass_on_all(guest->client_fd);
	probe_client(guest->client_fd);
	guest->next = guests;
	if (guests)
		guests->prev = guest;
	guests = guest;
	pump_start(&guest->pump, fd, guest->client_fd, end_pump);
}

static int connect_to(int fd, int family, uint16_t port)
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
					 .sin6_port = htons(port),
					 .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	return family == AF_INET ? connect(fd, (const struct sockaddr *)&v4, sizeof v4)
				 : connect(fd, (const struct sockaddr *)&v6, sizeof v6);
}

static void try_server(struct guest *guest)
{
	int fd;

	if (box_sockets_take(guest->family, 1, &fd) < 0) {
		drop(guest);
		return;
	}
	int r = connect_to(fd, guest->family, guest->box_port);
	int error = errno;
	guest->server.ready = on_connected;
	if (loop_watch(&guest->server, fd, EPOLLOUT) < 0) {
		(void)close(fd);
		drop(guest);
	} else if (r < 0 && error != EINPROGRESS) {
		try_next(guest);
	}
}

static void on_guest(struct watch *watch, uint32_t events)
{
	const struct published *published = (const struct published *)watch;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept_or_shed(watch->fd);
		struct guest *guest = fd >= 0 ? calloc(1, sizeof *guest) : NULL;

		if (fd == -ECONNABORTED)
			continue;
		if (fd < 0)
			return;
		if (!guest) {
			(void)close(fd);
			continue;
		}
		guest->server.fd = -1;
		guest->client_fd = fd;
		guest->family = AF_INET;
		guest->box_port = published->box_port;
		guest->until_ms = loop_now_ms() + PUBLISH_WAIT_MS;
		try_server(guest);
	}
}

int publish_start(int listen_fd, uint16_t box_port)
{
	struct published *published = calloc(1, sizeof *published);

	if (!published)
		return -ENOMEM;
	published->box_port = box_port;
	published->watch.ready = on_guest;
	return loop_watch(&published->watch, listen_fd, EPOLLIN);
}

bool publish_has_more(uint64_t *ret_bytes)
{
	bool more = false;

	for (const struct guest *guest = guests; guest; guest = guest->next) {
		*ret_bytes += guest->pump.side[0].bytes;
		more |= !guest->pump.side[0].shut;
	}
	return more;
}

void publish_finish(void)
{
	for (struct guest *guest = guests; guest; guest = guest->next)
		pump_close(&guest->pump, !guest->pump.side[0].shut);
}
