/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * show [ARG...]: what a program finds at its start, one fact a line: its
 * arguments, environment, open descriptors, signals, limits that are set.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void print_escaped(const char *name, const char *text)
{
	printf("%s ", name);
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (isprint(*at) && *at != '\\')
			putchar(*at);
		else
			printf("\\x%02x", *at);
	}
	putchar('\n');
}

static void print_descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("fd %d\n", fd);
	}
}

static void print_signals(void)
{
	struct sigaction action;
	sigset_t blocked;

	(void)sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int n = 1; n < 65; n++) {
		if (sigismember(&blocked, n) == 1)
			printf("blocked %d\n", n);
		if (sigaction(n, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			printf("ignored %d\n", n);
	}
}

int main(int argc, char **argv)
{
	mode_t mask = umask(0);
	char cwd[4096];

	for (int i = 1; i < argc; i++)
		print_escaped("arg", argv[i]);
	if (argc > 1)
		return 0;
	for (char **item = environ; *item; item++)
		print_escaped("env", *item);
	print_descriptors();
	print_signals();
	printf("umask %03o\n", mask);
	print_escaped("cwd", getcwd(cwd, sizeof cwd) ? cwd : "?");
	printf("session %d\n", getsid(0) == getpid());
	return 0;
}
