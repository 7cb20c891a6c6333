/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records from the bindings' server to the supervisor: see records.h. */
#include "bindings/records.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "policy/bindings.h"

enum {
	WAIT_S = 1, /* for a supervisor that is busy */
};

/* clang-format off */
const struct call_end_info call_ends[CALL_END__N] = {
	[CALL_EXITED] = { "exited", "", NULL },
	[CALL_SIGNALED] = { "signaled", "", NULL },
	[CALL_TIMEOUT] = { "timeout", "it was ended: its time was up", "timeout" },
	[CALL_OUTPUT_LIMIT] = { "output_limit", "it was ended: its output is too long",
		"max_output" },
	[CALL_ABANDONED] = { "abandoned", "", NULL },
	[CALL_FAILED] = { "failed", "its command could not be executed", NULL },
	[CALL_LOGGED] = { "logged", "", NULL },
	[CALL_OVERSIZE] = { "oversize", "the request is too long", "max_input" },
	[CALL_LATE] = { "late", "the request was not whole in time", "timeout" },
	[CALL_MALFORMED] = { "malformed", "the request is malformed", NULL },
	[CALL_ARGUMENTS] = { "arguments", "it takes no arguments", "args" },
	[CALL_SCHEMA] = { "schema", "the request is not what its schema wants", "schema" },
	[CALL_TOO_MANY] = { "max_calls", "it was called too often in this run", "max_calls" },
	[CALL_BUSY] = { "busy", "too many calls are running; try again later", NULL },
	[CALL_RATE] = { "rate", "too many messages; try again later", NULL },
	[CALL_UNFINISHED] = { "unfinished", "", NULL },
};
/* clang-format on */

struct sum {
	uint32_t ends[CALL_END__N];
	uint64_t input_bytes;
	uint64_t output_bytes;
	uint64_t error_bytes;
	uint64_t duration_ms;
};

static struct {
	int fd;
	bool each;
	uint32_t told[BINDINGS_MAX];
	struct sum all[BINDINGS_MAX];
	struct sum untold[BINDINGS_MAX]; /* of all: those that were to be told singly */
} records = { .fd = -1 };

/* Of a record without a text, only what is there is sent. */
static bool tell(const struct call_record *record)
{
	size_t size = record->kind == RECORD_FAILED
			      ? sizeof *record
			      : offsetof(struct call_record, text) + strlen(record->text) + 1;

	return send(records.fd, record, size, MSG_NOSIGNAL) == (ssize_t)size;
}

void records_init(int fd, bool each)
{
	const struct timeval limit = { .tv_sec = WAIT_S };

	records.fd = fd;
	records.each = each;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void record_failed(const struct err *err)
{
	struct call_record record = { .kind = RECORD_FAILED };

	record.err = *err;
	(void)tell(&record); /* a supervisor that is gone has ended the box already */
}

static void add(struct sum *sum, const struct call_record *record)
{
	sum->ends[record->end]++;
	sum->input_bytes += record->input_bytes;
	sum->output_bytes += record->output_bytes;
	sum->error_bytes += record->error_bytes;
	sum->duration_ms += record->duration_ms;
}

void record_call(struct call_record *record)
{
	uint32_t binding = record->binding;

	record->kind = RECORD_CALL;
	add(&records.all[binding], record);
	/* Messages of the log are what it is for, and bounded by its rate. */
	bool is_told = record->end == CALL_LOGGED || records.told[binding]++ < RECORD_EACH_MAX;
	if (records.each && (!is_told || !tell(record)))
		add(&records.untold[binding], record);
}

static void tell_sum(enum record_kind kind, uint32_t binding, const struct sum *sum)
{
	struct call_record record = { .kind = kind,
				      .binding = binding,
				      .input_bytes = sum->input_bytes,
				      .output_bytes = sum->output_bytes,
				      .error_bytes = sum->error_bytes,
				      .duration_ms = sum->duration_ms };
	uint32_t calls = 0;

	memcpy(record.ends, sum->ends, sizeof record.ends);
	for (int end = 0; end < CALL_END__N; end++)
		calls += sum->ends[end];
	if (calls)
		(void)tell(&record);
}

void records_finish(uint32_t bindings)
{
	for (uint32_t i = 0; i < bindings; i++) {
		tell_sum(RECORD_MORE, i, &records.untold[i]);
		tell_sum(RECORD_TOTAL, i, &records.all[i]);
	}
}

/*** The other end ***/

int record_receive(int events_fd, uint32_t bindings, struct call_record *ret_record)
{
	struct err *err = &ret_record->err;
	ssize_t n = recv(events_fd, ret_record, sizeof *ret_record, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 ? -errno : 0;
	if (n <= (ssize_t)offsetof(struct call_record, text) || ret_record->kind >= RECORD__N ||
	    ret_record->end >= CALL_END__N)
		return -EPROTO;
	if (ret_record->kind != RECORD_FAILED) {
		((char *)ret_record)[n - 1] = '\0';
		ret_record->text[RECORD_TEXT - 1] = '\0'; /* n may count what fills the struct up */
		return ret_record->binding < bindings ? 1 : -EPROTO;
	}
	err->wall[sizeof err->wall - 1] = '\0';
	err->op[sizeof err->op - 1] = '\0';
	err->subject[sizeof err->subject - 1] = '\0';
	err->hint[sizeof err->hint - 1] = '\0';
	return n == (ssize_t)sizeof *ret_record ? 1 : -EPROTO;
}
