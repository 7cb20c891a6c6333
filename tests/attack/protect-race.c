/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* race N GOOD BAD: opens a path for writing N times while a thread turns GOOD into BAD and back. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[256];
static const char *texts[2];
static atomic_int stop, flips;

static void *flip(void *unused)
{
	(void)unused;
	for (unsigned i = 0; !stop; i++) {
		const char *text = texts[i & 1];
		memcpy(path, text, strlen(text) + 1);
		__asm__ volatile("" ::: "memory");
		flips = 1;
		if (i % 63 == 0) /* with one text as often as with the other */
			usleep(1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	long opened = 0;

	if (argc != 4)
		return 2;
	texts[0] = argv[2];
	texts[1] = argv[3];
	memcpy(path, texts[0], strlen(texts[0]) + 1);
	if (pthread_create(&thread, NULL, flip, NULL))
		return 2;
	while (!flips)
		usleep(1);
	for (long i = strtol(argv[1], NULL, 10); i > 0; i--) {
		int fd = open(path, O_WRONLY);

		if (fd < 0)
			continue;
		opened++;
		if (write(fd, "raced\n", 6) != 6)
			return 3;
		close(fd);
	}
	stop = 1;
	pthread_join(thread, NULL);
	printf("opened %ld\n", opened);
	return 0;
}
