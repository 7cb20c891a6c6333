/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a box uses, read from files of /proc. */
#include "box/limits/usage.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 4096ULL
#define KIB  1024ULL
#define MIB  (1024 * KIB)

/* A /proc of the test's own; the tmpfs of the box is the directory's file system. */
static char root[] = "/tmp/test-usage.XXXXXX";
static struct usage_reader reader;

static void put(const char *name, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", root, name);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* own and reaped in ticks, sizes in bytes */
static void put_stat(int pid, int thread, char state, int parent, unsigned flags, int own,
		     int threads, unsigned long long vsize, unsigned long long rss)
{
	char name[64], text[512];

	if (pid == thread)
		(void)snprintf(name, sizeof name, "%d/stat", pid);
	else
		(void)snprintf(name, sizeof name, "%d/task/%d/stat", pid, thread);
	(void)snprintf(text, sizeof text,
		       "%d (a) b) %c %d 1 1 0 -1 %u 1 2 3 4 %d 0 0 0 20 0 %d 0 99 %llu %llu 1 2\n",
		       thread, state, parent, flags, own, threads, vsize, rss / PAGE);
	put(name, text);
}

static void put_rollup(int pid, int thread, unsigned pss_kib, unsigned shmem_kib)
{
	char name[64], text[512];

	(void)snprintf(name, sizeof name, "%d/task/%d/smaps_rollup", pid, thread);
	(void)snprintf(text, sizeof text,
		       "5580-7ffe ---p 00000000 00:00 0    [rollup]\nRss: 99999 kB\nPss: %8u kB\n"
		       "Pss_Shmem: %8u kB\nSwapPss: 1 kB\n",
		       pss_kib, shmem_kib);
	put(name, text);
}

static int open_in_root(const char *name, int flags)
{
	char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", root, name);
	int fd = open(path, flags | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int set_up(void **state)
{
	(void)state;
	strcpy(root + strlen(root) - 6, "XXXXXX");
	assert_non_null(mkdtemp(root));
	put("shm",
	    "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  "
	    "cuid  cgid      atime      dtime      ctime                   rss                  "
	    "swap\n");
	put("init", "1 (aisbx) S 0 1 1 0 -1 4194304 1 2 3 4 5 6 700 300 20 0 1 0 9 10 11 12\n");
	memset(&reader, 0, sizeof reader);
	reader.fds[USAGE_PROC] = open_in_root(".", O_RDONLY | O_DIRECTORY);
	/* A file system that has no blocks counts nothing. */
	reader.fds[USAGE_ROOT] = open("/proc", O_PATH | O_CLOEXEC);
	reader.fds[USAGE_SHM] = open_in_root("shm", O_RDONLY);
	reader.fds[USAGE_INIT] = open_in_root("init", O_RDONLY);
	return 0;
}

static int tear_down(void **state)
{
	char command[256];

	(void)state;
	for (int i = 0; i < USAGE__N; i++)
		close(reader.fds[i]);
	usage_forget(&reader);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", root);
	return system(command);
}

static uint64_t tick_us(void)
{
	return 1000000U / (uint64_t)sysconf(_SC_CLK_TCK);
}

static void test_stat(void **state)
{
	struct usage_stat stat;

	(void)state;
	assert_true(usage_parse_stat("7 (x) R 9 (y) S 3 1 1 0 -1 64 1 2 3 4 10 20 30 40 20 0 5 0 "
				     "99 4096 2 18446744073709551615 1\n",
				     &stat));
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.parent, 3);
	assert_int_equal(stat.flags, 64);
	assert_int_equal(stat.own_ticks, 30);
	assert_int_equal(stat.reaped_ticks, 70);
	assert_int_equal(stat.threads, 5);
	assert_int_equal(stat.begin_ticks, 99);
	assert_int_equal(stat.vsize_bytes, 4096);
	assert_int_equal(stat.rss_pages, 2);
	assert_false(usage_parse_stat("", &stat));
	assert_false(usage_parse_stat("7 (x", &stat));
	assert_false(usage_parse_stat("7 (x) S 3 1 1 0 -1 64 1 2 3 4 10 20", &stat));
}

static void test_sum(void **state)
{
	struct usage usage;
	uint64_t memory;

	(void)state;
	put_stat(1, 1, 'S', 0, 0, 1000, 1, 1 << 30, 1 << 30); /* init is not the box's */
	put_stat(2, 2, 'S', 1, 0, 10, 3, 512 * MIB, 8 * MIB);
	put_stat(3, 3, 'R', 2, 0, 20, 1, 512 * MIB, 8 * MIB);
	put("self/stat", "no process");
	put_rollup(2, 2, 4096, 0);
	put_rollup(3, 3, 4096, 0);
	put("2/task/2/status", "Name:\tx\nVmPTE:\t     100 kB\nVmSwap:\t  0 kB\n");
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_int_equal(usage.tasks, 4);
	assert_int_equal(usage.cpu_us, (10 + 20 + 1000) * tick_us());
	assert_true(usage.memory_bytes >= 18 * MIB); /* a page table may need 1 of 512 */
	assert_int_equal(usage_measure(&reader, UINT64_MAX, INT64_MAX, &memory), 0);
	assert_int_equal(memory, 8 * MIB + 2 * KIB + 100 * KIB);
	/* One that began after the look did: all it takes counts, but not as one more at once. */
	put("4/stat", "4 (x) R 2 1 1 0 -1 0 1 2 3 4 7 0 0 0 20 0 1 0 99999999999 0 256 1 2\n");
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_int_equal(usage.tasks, 4);
	assert_int_equal(usage.cpu_us, (10 + 20 + 7 + 1000) * tick_us());
}

static void put_tables(int pid, unsigned kib)
{
	char name[64], text[128];

	(void)snprintf(name, sizeof name, "%d/task/%d/status", pid, pid);
	(void)snprintf(text, sizeof text, "Name:\tx\nVmPTE:\t%8u kB\nVmSwap:\t  0 kB\n", kib);
	put(name, text);
}

/* Page tables that are, for those that could be; and no long walk for what they soon tell. */
static void test_tables(void **state)
{
	struct usage usage;
	uint64_t memory;

	(void)state;
	put_stat(2, 2, 'R', 1, 0, 0, 1, 512 * 1024 * MIB, 8 * MIB);
	put_stat(3, 3, 'S', 1, 0, 0, 1, 512 * MIB, 12 * MIB);
	put_tables(2, 40 * 1024);
	put_tables(3, 50);
	put_rollup(2, 2, 7 * 1024, 0);
	put_rollup(3, 3, 6 * 1024, 0);
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_true(usage.memory_bytes > 1024 * MIB);
	assert_true(usage_read_tables(&reader) <= usage.memory_bytes);
	assert_int_equal(usage_read_tables(&reader) - reader.bound_bytes, 41 * MIB);
	/* 8 MiB are not more than a quarter of 64, but more than one of 16 */
	assert_int_equal(usage_measure(&reader, 64 * MIB, INT64_MAX, &memory), 0);
	assert_int_equal(memory, 46 * MIB + KIB + 50 * KIB);
	put_tables(2, 3 * 1024);
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_int_equal(usage_measure(&reader, 16 * MIB, INT64_MAX, &memory), 0);
	assert_int_equal(memory, 16 * MIB + 2 * KIB + 50 * KIB);
	/* tables alone: no file of mappings is opened */
	put_tables(2, 65 * 1024);
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_int_equal(usage_measure(&reader, 64 * MIB, INT64_MAX, &memory), 0);
	assert_int_equal(memory, 65 * MIB);
}

/* The leader has ended: its files show no memory. */
static void test_leaderless(void **state)
{
	struct usage usage;
	uint64_t memory;

	(void)state;
	put_stat(2, 2, 'Z', 1, 0, 10, 2, 0, 0);
	put_stat(2, 2, 'Z', 1, 0, 10, 2, 0, 0);
	put_stat(2, 5, 'S', 1, 0, 10, 2, 64 * MIB, 32 * MIB);
	put_rollup(2, 5, 32 * 1024, 0);
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_true(usage.memory_bytes >= 32 * MIB);
	assert_int_equal(usage_measure(&reader, UINT64_MAX, INT64_MAX, &memory), 0);
	assert_int_equal(memory, 32 * MIB + KIB);
}

/* Of children that have not executed yet one shares the memory of a parent that waits. */
static void test_vfork(void **state)
{
	struct usage usage;
	uint64_t memory;

	(void)state;
	put_stat(2, 2, 'D', 1, 0, 0, 1, 64 * MIB, 32 * MIB);
	put_stat(3, 3, 'R', 2, 0x40, 0, 1, 64 * MIB, 32 * MIB);
	put_stat(4, 4, 'R', 2, 0x40, 0, 1, 64 * MIB, 48 * MIB); /* forked, and has grown */
	for (int pid = 2; pid <= 4; pid++)
		put_rollup(pid, pid, (pid == 4 ? 48 : 32) * 1024, 0);
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_int_equal(usage_measure(&reader, UINT64_MAX, INT64_MAX, &memory), 0);
	assert_int_equal(memory, 80 * MIB + 2 * KIB);
	put_stat(2, 2, 'S', 1, 0, 0, 1, 64 * MIB, 32 * MIB); /* no vfork: it does not wait */
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_int_equal(usage_measure(&reader, UINT64_MAX, INT64_MAX, &memory), 0);
	assert_int_equal(memory, 112 * MIB + 3 * KIB);
	assert_int_equal(usage_measure(&reader, 16 * MIB, INT64_MAX, &memory), 0);
	assert_true(memory > 16 * MIB && memory < 64 * MIB);
}

/* Shared memory is what the mappings say, without those that are counted elsewhere. */
static void test_shared(void **state)
{
	struct stat proc;
	struct usage usage;
	uint64_t memory;
	char text[1024];

	(void)state;
	assert_int_equal(stat("/proc", &proc), 0);
	(void)snprintf(
		text, sizeof text,
		"1000-2000 rw-p 00000000 00:00 0 \nRss: 9 kB\nPss:   8 kB\nPss_Dirty: 7 kB\n"
		"SwapPss:   1 kB\nVmFlags: rd wr\n"
		"a000-b000 rw-s 00000000 00:01 42   /dev/zero (deleted)\nPss:   100 kB\n"
		"c000-d000 rw-s 00000000 00:01 43   /SYSV00000000 (deleted)\nPss:   200 kB\n"
		"e000-f000 rw-s 00000000 %02x:%02x 44   /tmp/x\nPss:   400 kB\nSwapPss: 5 kB\n",
		(unsigned)(proc.st_dev >> 8 & 0xfff), (unsigned)(proc.st_dev & 0xff));
	put_stat(2, 2, 'S', 1, 0, 0, 1, MIB, MIB);
	put_rollup(2, 2, 708, 700);
	put("2/task/2/smaps", text);
	put("shm",
	    "key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap\n"
	    "         0          0   600  1048576  9  9  0  0  0  0  0  1  0  1  8192  4096\n");
	close(reader.fds[USAGE_SHM]);
	reader.fds[USAGE_SHM] = open_in_root("shm", O_RDONLY);
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_int_equal(usage_measure(&reader, UINT64_MAX, INT64_MAX, &memory), 0);
	assert_int_equal(memory, 109 * KIB + 12 * KIB);
}

static void put_io(int pid, unsigned long long bytes)
{
	char name[64], text[256];

	(void)snprintf(name, sizeof name, "%d/io", pid);
	(void)snprintf(text, sizeof text,
		       "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\n"
		       "write_bytes: %llu\ncancelled_write_bytes: 7\n",
		       bytes);
	put(name, text);
}

/* Of those that run by their files, of reaped ones by what init says; init's own is not looked at. */
static void test_written(void **state)
{
	_Atomic uint64_t reaped_blocks = 10;
	struct usage usage;

	(void)state;
	put_stat(1, 1, 'S', 0, 0, 0, 1, 0, 0);
	put_stat(2, 2, 'S', 1, 0, 0, 1, MIB, MIB);
	put_stat(3, 3, 'Z', 2, 0, 0, 1, 0, 0);
	put_io(2, 4096);
	put_io(3, 8192);
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_int_equal(usage.written_bytes, 0);
	reader.reaped_blocks = &reaped_blocks;
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_int_equal(usage.written_bytes, 4096 + 8192 + 5120);
	put_stat(4, 4, 'S', 1, 0, 0, 1, MIB, MIB); /* has ended since */
	assert_int_equal(usage_read(&reader, &usage), 0);
	assert_int_equal(usage.written_bytes, 4096 + 8192 + 5120);
	put("4/io", "rchar: 1\n"); /* not what it should be */
	assert_true(usage_read(&reader, &usage) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),
		cmocka_unit_test_setup_teardown(test_sum, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tables, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_leaderless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_vfork, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_written, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}
