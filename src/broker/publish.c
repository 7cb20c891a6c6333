/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections into the box: see publish.h. */
#include "broker/publish.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/connections.h"
#include "broker/names.h"
#include "broker/pump.h"

struct published {
	struct watch watch;
	uint16_t box_port;
};

struct guest {
	struct pump pump;
	struct watch server; /* the box's socket while it connects */
	struct timer again;
	int client_fd;
	int family; /* that is tried now */
	uint16_t box_port;
	int64_t until_ms;
};

static void try_server(struct guest *guest);

static void drop(struct guest *guest)
{
	int fd = guest->server.fd;

	timer_cancel(&guest->again);
	loop_unwatch(&guest->server);
	if (fd >= 0)
		(void)close(fd);
	connection_reset(guest->client_fd);
	free(guest);
}

static void on_pumped(struct pump *pump, int error)
{
	(void)error;
	free(CONTAINER_OF(pump, struct guest, pump));
}

static void on_again(struct timer *timer)
{
	try_server(CONTAINER_OF(timer, struct guest, again));
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
	struct guest *guest = CONTAINER_OF(watch, struct guest, server);
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
	pump_start(&guest->pump, fd, guest->client_fd, on_pumped);
}

static void try_server(struct guest *guest)
{
	struct sockaddr_storage sa;
	socklen_t len = address_to_sockaddr(address_loopback(guest->family), guest->box_port, &sa);
	int fd;

	if (box_sockets_take(guest->family, 1, &fd) < 0) {
		drop(guest);
		return;
	}
	int r = connect(fd, (struct sockaddr *)&sa, len);
	int error = errno;
	guest->server.ready = on_connected;
	if (loop_watch(&guest->server, fd, EPOLLOUT) < 0) {
		(void)close(fd);
		drop(guest);
	} else if (r < 0 && error != EINPROGRESS) {
		try_next(guest);
	}
}

static void take(struct watch *watch, int fd)
{
	struct guest *guest = calloc(1, sizeof *guest);

	if (!guest) {
		connection_reset(fd);
		return;
	}
	guest->server.fd = -1;
	guest->client_fd = fd;
	guest->family = AF_INET;
	guest->box_port = CONTAINER_OF(watch, struct published, watch)->box_port;
	guest->until_ms = loop_now_ms() + PUBLISH_WAIT_MS;
	try_server(guest);
}

static void on_guest(struct watch *watch, uint32_t events)
{
	(void)events;
	connections_accept(watch, take);
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
