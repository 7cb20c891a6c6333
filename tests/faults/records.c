/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * records DIR COUNT [PORT]: the payload of chaos.py, with something of everything under way.
 *
 * Appends COUNT records to DIR/records, each with one write(2) and fsync(2), and prints the
 * number of each one that is safe; what a reader finds must hold these, whole. Every third
 * replaces DIR/state by rename(2). Beside it a daemon ignores what can be ignored. With PORT
 * a connection to localhost gets a byte a record; it may fail or be lost.
 */
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	RECORD_BYTES = 512,
	PAUSE_NS = 300 * 1000,
};

static void fill(char record[RECORD_BYTES], int number)
{
	memset(record, 'a' + number % 26, RECORD_BYTES);
	int n = snprintf(record, RECORD_BYTES, "%08d", number);
	record[n] = ' '; /* in place of the terminator */
	record[RECORD_BYTES - 1] = '\n';
}

static void start_daemon(void)
{
	if (fork() != 0)
		return;
	for (int i = 1; i < 32; i++)
		(void)signal(i, SIG_IGN);
	(void)setsid();
	for (;;)
		(void)pause();
}

static int dial(const char *port)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;

	if (getaddrinfo("localhost", port, &hints, &found) != 0)
		return -1;
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)!connect(fd, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return fd;
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void replace_state(const char *record)
{
	int fd = open("state.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	must(fd >= 0, "state.new");
	must(write(fd, record, RECORD_BYTES) == RECORD_BYTES, "write state");
	must(close(fd) == 0 && rename("state.new", "state") == 0, "rename state");
}

int main(int argc, char **argv)
{
	const struct timespec pause_time = { .tv_nsec = PAUSE_NS };
	char record[RECORD_BYTES];

	if (argc < 3)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	start_daemon();
	must(chdir(argv[1]) == 0, argv[1]);
	int fd = open("records", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	must(fd >= 0, "records");
	int peer = argc > 3 ? dial(argv[3]) : -1;
	for (int i = 0; i < atoi(argv[2]); i++) {
		fill(record, i);
		must(write(fd, record, RECORD_BYTES) == RECORD_BYTES && fsync(fd) == 0, "write");
		printf("%d\n", i);
		must(fflush(stdout) == 0, "print");
		if (i % 3 == 0)
			replace_state(record);
		(void)!write(peer, "x", 1);
		(void)nanosleep(&pause_time, NULL);
	}
	return 0;
}
