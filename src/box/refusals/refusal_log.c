/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run was refused: see refusal_log.h. */
#include "box/refusals/refusal_log.h"

#include <string.h>

const char *const refusal_names[REFUSAL__N] = {
	[REFUSED_HOST] = "host", [REFUSED_DNS] = "dns",	      [REFUSED_SYSCALL] = "syscall",
	[REFUSED_EXEC] = "exec", [REFUSED_FILE] = "file",     [REFUSED_BINDING] = "binding",
	[REFUSED_HTTP] = "http", [REFUSED_SECRET] = "secret",
};

void refusal_log_clear(struct refusal_log *log)
{
	log->len = 0;
	memset(log->kind_len, 0, sizeof log->kind_len);
}

static struct refusal *find(struct refusal_log *log, const struct refusal *refusal)
{
	for (size_t i = 0; i < log->len; i++) {
		struct refusal *entry = &log->entries[i];

		if (entry->kind == refusal->kind && strcmp(entry->what, refusal->what) == 0 &&
		    strcmp(entry->arguments, refusal->arguments) == 0 &&
		    strcmp(entry->program, refusal->program) == 0)
			return entry;
	}
	return NULL;
}

void refusal_log_add(struct refusal_log *log, const struct refusal *refusal)
{
	const struct refusal rest = { .kind = refusal->kind, .what = "(others)" };
	struct refusal *entry = find(log, refusal);
	uint64_t count = refusal->count;

	if (!entry && log->kind_len[refusal->kind] >= REFUSALS_A_KIND) {
		refusal = &rest;
		entry = find(log, refusal);
	}
	if (!entry) {
		log->kind_len[refusal->kind]++;
		entry = &log->entries[log->len++];
		*entry = *refusal;
		entry->count = 0;
	}
	if (__builtin_add_overflow(entry->count, count, &entry->count))
		entry->count = UINT64_MAX;
}
