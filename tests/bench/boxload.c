/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * boxload MODE NUMBER [ARG...]: what tests/bench/limits runs, outside and inside of boxes.
 *
 *   rate N COMMAND...     outside: runs COMMAND N times, one after the other
 *   burn PROCESSES        processor time by so many processes that ignore SIGXCPU and SIGTERM
 *   forks N               up to N processes; prints how many there were at once
 *   wait N                N processes that wait, whatever signal comes
 *   populate MIB          that much memory by four processes, in large pages where they are
 *   bomb SECONDS          forks for so long, from every process; the box bounds it
 *
 * Nothing here stops by itself before its number is reached, but nothing goes on beyond it.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int rate(long number, char **argv)
{
	for (long i = 0; i < number; i++) {
		int status;
		pid_t pid;

		if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0 ||
		    waitpid(pid, &status, 0) != pid || status != 0) {
			fprintf(stderr, "boxload: run %ld failed\n", i);
			return 1;
		}
	}
	return 0;
}

static int burn(long processes)
{
	volatile unsigned long count = 0;

	(void)signal(SIGXCPU, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	for (long i = 1; i < processes; i++) {
		if (fork() == 0)
			break;
	}
	for (double end = now() + 60; now() < end;) {
		for (int i = 0; i < 1000000; i++)
			count++;
	}
	return 0;
}

static int forks(long number)
{
	long made = 0;

	for (; made < number; made++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			(void)pause();
			_exit(0);
		}
	}
	printf("%ld\n", made + 1);
	return 0;
}

static int wait_all(long number)
{
	(void)signal(SIGTERM, SIG_IGN);
	for (long i = 1; i < number; i++) {
		if (fork() == 0)
			break;
	}
	for (int i = 0; i < 60; i++)
		(void)sleep(1);
	return 0;
}

static int populate(long mib)
{
	size_t part = (size_t)mib / 4 << 20;

	(void)fork();
	(void)fork();
	char *memory = mmap(NULL, part, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	(void)madvise(memory, part, MADV_HUGEPAGE);
	memset(memory, 1, part);
	printf("done\n");
	(void)fflush(stdout);
	(void)sleep(1);
	return 0;
}

static int bomb(long seconds)
{
	double end = now() + (double)seconds;

	while (now() < end) {
		if (fork() < 0) {
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	long number = argc > 2 ? strtol(argv[2], NULL, 10) : 0;

	if (argc > 3 && strcmp(argv[1], "rate") == 0)
		return rate(number, argv + 3);
	if (argc > 2 && strcmp(argv[1], "burn") == 0)
		return burn(number);
	if (argc > 2 && strcmp(argv[1], "forks") == 0)
		return forks(number);
	if (argc > 2 && strcmp(argv[1], "wait") == 0)
		return wait_all(number);
	if (argc > 2 && strcmp(argv[1], "populate") == 0)
		return populate(number);
	if (argc > 2 && strcmp(argv[1], "bomb") == 0)
		return bomb(number);
	fprintf(stderr, "usage: boxload rate|burn|forks|wait|populate|bomb NUMBER [COMMAND...]\n");
	return 2;
}
