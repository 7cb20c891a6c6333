/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* calls NAME[:TIMES]...: makes each call so often and prints the nanoseconds of one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void allowed(void)
{
	(void)syscall(SYS_getppid);
}

static void kernel(void)
{
	(void)syscall(SYS_clone3, 0, 0);
}

static void told(void)
{
	(void)syscall(SYS_mount, 0, 0, 0, 0, 0);
}

static void look(void)
{
	struct stat st;

	(void)stat("/etc/passwd", &st);
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = { { "allowed", allowed }, { "kernel", kernel }, { "told", told }, { "stat", look } };

static double nanoseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *colon = strchr(argv[i], ':');
		size_t len = colon ? (size_t)(colon - argv[i]) : strlen(argv[i]), at = 0;
		long times = colon ? strtol(colon + 1, NULL, 10) : 200000;

		while (at < 4 && (strlen(calls[at].name) != len ||
				  strncmp(calls[at].name, argv[i], len) != 0))
			at++;
		if (at == 4 || times < 1)
			return 2;
		double begin = nanoseconds();
		for (long n = 0; n < times; n++)
			calls[at].call();
		printf("%.0f\n", (nanoseconds() - begin) / (double)times);
	}
	return 0;
}
