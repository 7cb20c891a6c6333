/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the bindings' server tells: calls are told up to a bound, sums are whole, nothing is trusted. */
#include "bindings/records.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	CALLS = 1500,
};

static int receive(int fd, struct call_record *ret_record)
{
	int r;

	do {
		r = record_receive(fd, 2, ret_record);
	} while (r == -EAGAIN);
	return r;
}

static void sums_are_whole(void **state)
{
	struct call_record record;
	uint64_t told = 0, bytes = 0;
	int fds[2], status;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		records_init(fds[1], true);
		for (int i = 0; i < CALLS; i++) {
			struct call_record call = { .binding = 1,
						    .end = i % 2 ? CALL_OVERSIZE : CALL_EXITED,
						    .input_bytes = 3 };

			record_call(&call);
		}
		records_finish(2);
		_exit(0);
	}
	(void)close(fds[1]);
	while (receive(fds[0], &record) == 1 && record.kind == RECORD_CALL) {
		assert_int_equal(record.binding, 1);
		told++;
		bytes += record.input_bytes;
	}
	assert_int_equal(told, RECORD_EACH_MAX);
	assert_int_equal(record.kind, RECORD_MORE);
	assert_int_equal(record.ends[CALL_EXITED] + record.ends[CALL_OVERSIZE], CALLS - told);
	assert_int_equal(record.input_bytes + bytes, 3 * CALLS);
	assert_int_equal(receive(fds[0], &record), 1);
	assert_int_equal(record.kind, RECORD_TOTAL);
	assert_int_equal(record.ends[CALL_EXITED], CALLS / 2);
	assert_int_equal(record.ends[CALL_OVERSIZE], CALLS / 2);
	assert_int_equal(record.input_bytes, 3 * CALLS);
	assert_int_equal(receive(fds[0], &record), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(fds[0]);
}

static int receive_bytes(const void *data, size_t len, struct call_record *ret_record)
{
	int fds[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(send(fds[1], data, len, 0), (ssize_t)len);
	r = record_receive(fds[0], 2, ret_record);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return r;
}

static void nothing_is_trusted(void **state)
{
	struct call_record good = { .kind = RECORD_CALL, .binding = 1 }, bad, got;
	const size_t head = offsetof(struct call_record, text);

	(void)state;
	memset(good.text, 'x', sizeof good.text);
	assert_int_equal(receive_bytes(&good, sizeof good, &got), 1);
	assert_int_equal(strlen(got.text), RECORD_TEXT - 1);
	assert_int_equal(receive_bytes(&good, head + 3, &got), 1);
	assert_string_equal(got.text, "xx");
	assert_int_equal(receive_bytes(&good, head, &got), -EPROTO);
	assert_int_equal(receive_bytes(&good, 1, &got), -EPROTO);
	bad = good;
	bad.binding = 2;
	assert_int_equal(receive_bytes(&bad, sizeof bad, &got), -EPROTO);
	bad = good;
	bad.kind = RECORD__N;
	assert_int_equal(receive_bytes(&bad, sizeof bad, &got), -EPROTO);
	bad = good;
	bad.end = CALL_END__N;
	assert_int_equal(receive_bytes(&bad, sizeof bad, &got), -EPROTO);
	bad = good;
	bad.kind = RECORD_FAILED;
	assert_int_equal(receive_bytes(&bad, head + 10, &got), -EPROTO);
	memset(&bad.err, 'x', sizeof bad.err);
	assert_int_equal(receive_bytes(&bad, sizeof bad, &got), 1);
	assert_int_equal(strlen(got.err.subject), sizeof got.err.subject - 1);
}

static void every_end_has_its_words(void **state)
{
	(void)state;
	for (int end = 0; end < CALL_END__N; end++) {
		assert_non_null(call_ends[end].name);
		assert_non_null(call_ends[end].why);
		if (end >= CALL_REFUSED_FROM && end != CALL_UNFINISHED)
			assert_true(call_ends[end].why[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_whole),
		cmocka_unit_test(nothing_is_trusted),
		cmocka_unit_test(every_end_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
