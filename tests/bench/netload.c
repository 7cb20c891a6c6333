/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Load for the benchmark of the network: a server, and clients that measure.
 *
 *   netload serve PORT              serves until killed; writes one line when it listens
 *   netload stream HOST PORT MS     receives for MS milliseconds: bytes per second
 *   netload connect HOST PORT MS N  N threads connect, send a byte, await one, close: times per
 *                                   second, all together; the server does no more than it must
 *   netload thread HOST PORT MS N   the same; the server starts a thread for each
 *   netload request HOST PORT MS    small HTTP requests on one connection: a second, p50 and p99 in us
 *
 * A client's first byte says what it wants. Statically linked, so that it runs anywhere.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CHUNK = 256 * 1024,
	LATENCIES_MAX = 1 << 20,
	THREADS_MAX = 64,
};

static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "netload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/*** Server ***/

static void serve_stream(int fd)
{
	static char zeroes[CHUNK];

	while (send(fd, zeroes, sizeof zeroes, MSG_NOSIGNAL) > 0)
		;
}

static void serve_requests(int fd)
{
	char buf[4096];

	while (recv(fd, buf, sizeof buf, 0) > 0) {
		if (send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL) < 0)
			return;
	}
}

static void *serve_one(void *argument)
{
	int fd = (int)(intptr_t)argument;
	char first = 0;

	(void)recv(fd, &first, 1, 0);
	if (first == 's')
		serve_stream(fd);
	else if (first == 'r')
		serve_requests(fd);
	else
		(void)send(fd, "c", 1, MSG_NOSIGNAL);
	(void)close(fd);
	return NULL;
}

/* Those of "connect" are served in place: a thread for each costs more than the connection. */
static void serve_accepted(int fd)
{
	struct pollfd first = { .fd = fd, .events = POLLIN };
	char kind = 0;
	pthread_t thread;

	(void)poll(&first, 1, 1000);
	(void)recv(fd, &kind, 1, MSG_PEEK | MSG_DONTWAIT);
	if (kind == 'c')
		(void)serve_one((void *)(intptr_t)fd);
	else if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) == 0)
		(void)pthread_detach(thread);
}

static void serve(int port)
{
	static const int yes = 1;
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_ANY) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 4096) < 0)
		die("listen");
	(void)printf("ready\n");
	(void)fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
		serve_accepted(fd);
	}
}

/*** Clients ***/

static struct sockaddr_in target;

static void resolve(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		die(host);
	memcpy(&target, found->ai_addr, sizeof target);
	freeaddrinfo(found);
}

static int dial(char kind)
{
	static const int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&target, sizeof target) < 0)
		die("connect");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	if (send(fd, &kind, 1, MSG_NOSIGNAL) != 1)
		die("send");
	return fd;
}

static void stream(int64_t until_us, int64_t begin_us)
{
	static char buf[CHUNK];
	int fd = dial('s');
	uint64_t bytes = 0;

	while (now_us() < until_us) {
		ssize_t n = recv(fd, buf, sizeof buf, 0);
		if (n <= 0)
			die("recv");
		bytes += (uint64_t)n;
	}
	(void)printf("%.0f\n", (double)bytes * 1e6 / (double)(now_us() - begin_us));
}

struct worker {
	pthread_t thread;
	int64_t until_us;
	unsigned long count;
	char kind;
};

static void *connect_again(void *argument)
{
	struct worker *worker = argument;
	char byte;

	while (now_us() < worker->until_us) {
		int fd = dial(worker->kind);

		if (recv(fd, &byte, 1, 0) != 1)
			die("recv");
		(void)close(fd);
		worker->count++;
	}
	return NULL;
}

static void connect_all(int64_t until_us, int64_t begin_us, char kind, int threads)
{
	static struct worker workers[THREADS_MAX];
	unsigned long count = 0;

	for (int i = 0; i < threads; i++) {
		workers[i].until_us = until_us;
		workers[i].kind = kind;
		if (pthread_create(&workers[i].thread, NULL, connect_again, &workers[i]) != 0)
			die("thread");
	}
	for (int i = 0; i < threads; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		count += workers[i].count;
	}
	(void)printf("%.1f\n", (double)count * 1e6 / (double)(now_us() - begin_us));
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void ask(int64_t until_us, int64_t begin_us)
{
	static uint32_t latencies[LATENCIES_MAX];
	size_t count = 0;
	int fd = dial('r');
	char buf[4096];

	while (now_us() < until_us && count < LATENCIES_MAX) {
		int64_t sent_us = now_us();
		size_t have = 0;

		if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
			die("send");
		while (have < sizeof reply - 1) {
			ssize_t n = recv(fd, buf, sizeof buf, 0);
			if (n <= 0)
				die("recv");
			have += (size_t)n;
		}
		latencies[count++] = (uint32_t)(now_us() - sent_us);
	}
	qsort(latencies, count, sizeof *latencies, compare);
	(void)printf("%.1f %u %u\n", (double)count * 1e6 / (double)(now_us() - begin_us),
		     latencies[count / 2], latencies[count * 99 / 100]);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(atoi(argv[2]));
	int threads = argc == 6 ? atoi(argv[5]) : 1;
	if ((argc != 5 && argc != 6) || threads < 1 || threads > THREADS_MAX) {
		(void)fprintf(stderr, "usage: netload serve PORT | stream|request HOST PORT MS | "
				      "connect|thread HOST PORT MS THREADS\n");
		return 2;
	}
	resolve(argv[2], argv[3]);
	int64_t begin_us = now_us();
	int64_t until_us = begin_us + atoll(argv[4]) * 1000;
	if (strcmp(argv[1], "stream") == 0)
		stream(until_us, begin_us);
	else if (strcmp(argv[1], "request") != 0)
		connect_all(until_us, begin_us, argv[1][0], threads);
	else
		ask(until_us, begin_us);
	return 0;
}
