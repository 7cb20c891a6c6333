/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* box/handover.h: plan and descriptors arrive, each in its place; base/arena.h: shared memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/handover.h"
#include "box/phase.h"

enum {
	STEPS = 100, /* more descriptors than one packet takes */
};

static int pair[2];
static struct step steps[STEPS];
static const struct plan plan = { .steps = steps, .steps_len = STEPS };

static int open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state)
{
	(void)state;
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}

static int open_memory(void)
{
	int fd = memfd_create("handover", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void assert_same_file(int a, int b)
{
	struct stat of_a, of_b;

	assert_true(a >= 0 && b >= 0 && a != b);
	assert_int_equal(fstat(a, &of_a), 0);
	assert_int_equal(fstat(b, &of_b), 0);
	assert_int_equal(of_a.st_ino, of_b.st_ino);
}

static void test_descriptors(void **state)
{
	struct arena arena = { 0 };
	struct sources sources;
	struct handover handover;
	int given[GIVEN_LEN] = { open_memory(), -1, open_memory(), open_memory() };

	(void)state;
	sources_init(&arena, &plan, &sources);
	for (int i = 0; i < STEPS; i++) {
		if (i % 3)
			sources.tree[i] = open_memory();
		if (i % 7 == 0)
			sources.writable[i] = open_memory();
	}
	handover_fill(&handover, &plan, &arena, &sources, given);
	assert_int_equal(handover_send(pair[0], &plan, &sources, given), 0);
	assert_int_equal(handover_receive(pair[1], &handover), 1);
	assert_ptr_equal(handover.plan, &plan);
	assert_same_file(handover.given[0], given[0]);
	assert_int_equal(handover.given[1], -1);
	assert_same_file(handover.given[2], given[2]);
	assert_same_file(handover.given[GIVEN_BROKER], given[GIVEN_BROKER]);
	for (int i = 0; i < STEPS; i++) {
		if (i % 3)
			assert_same_file(handover.sources.tree[i], sources.tree[i]);
		else
			assert_int_equal(handover.sources.tree[i], -1);
		if (i % 7 == 0)
			assert_same_file(handover.sources.writable[i], sources.writable[i]);
		else
			assert_int_equal(handover.sources.writable[i], -1);
	}
	sources_close(&plan, &sources);
	sources_close(&plan, &handover.sources);
	for (int i = 0; i < GIVEN_LEN; i++) {
		(void)close(given[i]);
		(void)close(handover.given[i]);
	}
	arena_free(&arena);
}

/* Out of descriptors in the middle: an error, never a box with less in it. */
static void test_too_many(void **state)
{
	struct arena arena = { 0 };
	struct sources sources;
	struct handover handover;
	const int given[GIVEN_LEN] = { -1, -1, -1, -1 };
	struct rlimit before, little;

	(void)state;
	sources_init(&arena, &plan, &sources);
	for (int i = 0; i < STEPS; i++)
		sources.tree[i] = open_memory();
	handover_fill(&handover, &plan, &arena, &sources, given);
	assert_int_equal(handover_send(pair[0], &plan, &sources, given), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	little = before;
	little.rlim_cur = (rlim_t)sources.tree[STEPS - 1] + 10;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &little), 0);
	assert_int_equal(handover_receive(pair[1], &handover), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	sources_close(&plan, &sources);
	arena_free(&arena);
}

static void test_other_records(void **state)
{
	struct record record = { .phase = PH_ATTACHED, .size = sizeof record };
	struct handover handover = { .plan = &plan };

	(void)state;
	assert_int_equal(phase_send(pair[0], &record), 0);
	assert_int_equal(handover_receive(pair[1], &handover), -EPROTO);
	assert_int_equal(shutdown(pair[0], SHUT_RDWR), 0);
	assert_int_equal(handover_receive(pair[1], &handover), 0);
}

static void test_shared_memory(void **state)
{
	enum {
		SIZE = 64 * 1024
	};
	struct arena arena = { 0 };
	int status;

	(void)state;
	assert_false(arena_is_shared(&arena));
	arena_share(&arena, SIZE);
	assert_true(arena_is_shared(&arena));
	int *word = arena_alloc(&arena, sizeof *word);
	pid_t pid = fork();
	if (pid == 0) {
		*word = 42;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(*word, 42);
	/* What does not fit any more is a clone's own: the arena says so. */
	(void)arena_alloc(&arena, SIZE);
	assert_false(arena_is_shared(&arena));
	assert_int_equal(*word, 42);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_descriptors, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_too_many, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(test_other_records, open_pair, close_pair),
		cmocka_unit_test(test_shared_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
