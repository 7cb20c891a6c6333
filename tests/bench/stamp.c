/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes CLOCK_MONOTONIC in nanoseconds as its last act: the payload of tests/bench/startup. */
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return 1;
	int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	if (write(STDOUT_FILENO, &ns, sizeof ns) != (ssize_t)sizeof ns)
		return 1;
	_exit(0);
}
