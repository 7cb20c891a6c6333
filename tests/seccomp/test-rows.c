/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs the files of rows named on the command line through the filters.
 *
 * A row:  ARCH KIND SYSCALL [ARG...] -> ACTION     ("#" begins a comment)
 *   ARCH     x86_64, aarch64, * (both: skipped where the call does not exist), or
 *            x86_64/i386: the program of the first, called with the second's arch
 *   KIND     default, mediated, * (both of a payload); broker, gateway: their own
 *   SYSCALL  a name or a number
 *   ARG      a C number, several of them joined with |; left out: 0
 *   ACTION   ALLOW, NOTIFY, KILL or an errno: EINVAL, EPERM, ENOSYS, EPROTONOSUPPORT; with
 *            TOLD- in front: and it is told, with QUIET-: and it is not
 */
#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "box/seccomp/syscall_sets.h"
#include "box/seccomp/syscalls.h"
#include "bpf_sim.h"

static const struct word {
	const char *text;
	uint32_t value;
} actions[] = {
	{ "ALLOW", SECCOMP_RET_ALLOW },
	{ "NOTIFY", SECCOMP_RET_USER_NOTIF },
	{ "KILL", SECCOMP_RET_KILL_PROCESS },
	{ "EINVAL", SECCOMP_RET_ERRNO | EINVAL },
	{ "EPERM", SECCOMP_RET_ERRNO | EPERM },
	{ "ENOSYS", SECCOMP_RET_ERRNO | ENOSYS },
	{ "EPROTONOSUPPORT", SECCOMP_RET_ERRNO | EPROTONOSUPPORT },
}, archs[] = {
	{ "x86_64", AUDIT_ARCH_X86_64 },   { "aarch64", AUDIT_ARCH_AARCH64 },
	{ "i386", AUDIT_ARCH_I386 },	   { "arm", AUDIT_ARCH_ARM },
	{ "riscv64", AUDIT_ARCH_RISCV64 }, { "none", 0 },
}, kinds[] = {
	{ "default", FILTER_DEFAULT },
	{ "mediated", FILTER_MEDIATED },
	{ "broker", FILTER_BROKER },
	{ "gateway", FILTER_GATEWAY },
};

static struct {
	struct sock_filter insns[BPF_INSNS_MAX];
} programs[CPU__N][FILTER__N];

static unsigned rows, refusals, allows;

#define FIND(table, text) find(table, sizeof table / sizeof table[0], text)

static const struct word *find(const struct word *table, size_t len, const char *text)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(table[i].text, text) == 0)
			return &table[i];
	return NULL;
}

static uint64_t parse_arg(const char *text)
{
	uint64_t value = 0;
	char *end;

	for (;; text = end + 1) {
		errno = 0;
		value |= strtoull(text, &end, 0);
		if (errno || end == text || (*end && *end != '|'))
			fail_msg("'%s' is not a number", text);
		if (!*end)
			return value;
	}
}

static bool run_row(enum cpu cpu, int kind, uint32_t arch, const char *call, const uint64_t *args,
		    const struct word *want, const char *prefix, const char *at)
{
	struct seccomp_data data = { .arch = arch };
	uint32_t got;
	const char *name = NULL;

	data.nr = isdigit((unsigned char)call[0]) ? (int)strtoull(call, NULL, 0)
						  : syscall_number(cpu, call);
	if (data.nr == -1)
		return false;
	memcpy(data.args, args, sizeof data.args);
	got = bpf_run(programs[cpu][kind].insns, &data, NULL);
	if (*prefix && (strcmp(prefix, "TOLD") == 0) != (got != bpf_answer(got)))
		fail_msg("%s: %s %s: not %s", at, archs[cpu].text, call, prefix);
	got = bpf_answer(got);
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (actions[i].value == got)
			name = actions[i].text;
	if (got != want->value)
		fail_msg("%s: %s %s: %s (0x%08x), not %s", at, archs[cpu].text, call,
			 name ? name : "?", got, want->text);
	return true;
}

static void run_line(char *line, const char *at)
{
	char *words[16], *word;
	size_t len = 0;
	uint64_t args[6] = { 0 };
	const struct word *want, *only, *arch = NULL;
	const char *prefix = "";
	char *slash;
	bool ran = false;

	line[strcspn(line, "#\n")] = '\0';
	while (len < 16 && (word = strsep(&line, " \t")))
		if (*word)
			words[len++] = word;
	if (len == 0)
		return;
	if (len < 5 || len > 11 || strcmp(words[len - 2], "->") != 0)
		fail_msg("%s: not a row", at);
	slash = strchr(words[len - 1], '-');
	want = FIND(actions, slash ? slash + 1 : words[len - 1]);
	if (slash) {
		*slash = '\0';
		prefix = words[len - 1];
	}
	if (!want || (slash && strcmp(prefix, "TOLD") != 0 && strcmp(prefix, "QUIET") != 0))
		fail_msg("%s: '%s' is not an action", at, words[len - 1]);
	for (size_t i = 3; i < len - 2; i++)
		args[i - 3] = parse_arg(words[i]);
	slash = strchr(words[0], '/');
	if (slash) {
		*slash = '\0';
		arch = FIND(archs, slash + 1);
		if (!arch)
			fail_msg("%s: '%s' is not an architecture", at, slash + 1);
	}
	if (strcmp(words[0], "*") != 0 && !FIND(archs, words[0]))
		fail_msg("%s: '%s' is not an architecture", at, words[0]);
	only = FIND(kinds, words[1]);
	if (!only && strcmp(words[1], "*") != 0)
		fail_msg("%s: '%s' is not a kind", at, words[1]);
	for (int cpu = 0; cpu < CPU__N; cpu++) {
		if (strcmp(words[0], "*") != 0 && strcmp(words[0], archs[cpu].text) != 0)
			continue;
		for (int kind = 0; kind < FILTER__N; kind++) {
			if (only ? only->value != (uint32_t)kind : kind >= FILTER_BROKER)
				continue;
			ran |= run_row((enum cpu)cpu, kind, arch ? arch->value : archs[cpu].value,
				       words[2], args, want, prefix, at);
		}
	}
	if (!ran)
		fail_msg("%s: '%s' is no system call there", at, words[2]);
	rows++;
	if (want->value == SECCOMP_RET_ALLOW)
		allows++;
	else if (want->value != SECCOMP_RET_USER_NOTIF)
		refusals++;
}

static void run_file(void **state)
{
	const char *path = *state;
	FILE *file = fopen(path, "re");
	char line[512], at[600];
	unsigned number = 0;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof line, file)) {
		number++;
		(void)snprintf(at, sizeof at, "%s:%u", path, number);
		run_line(line, at);
	}
	(void)fclose(file);
}

/* A list of what is allowed proves little: the refusals must be in the majority. */
static void rows_are_enough(void **state)
{
	(void)state;
	print_message("# %u rows: %u refusals, %u allowed\n", rows, refusals, allows);
	assert_true(rows >= 150);
	assert_true(refusals > allows);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[32] = { 0 };
	size_t len = 0;

	for (int cpu = 0; cpu < CPU__N; cpu++) {
		for (int kind = 0; kind < FILTER__N; kind++) {
			struct bpf_call calls[BPF_CALLS_MAX];
			struct bpf_policy policy;
			const char *why = "it does not compile";
			int r;

			if (kind >= FILTER_BROKER)
				syscall_broker_policy((enum cpu)cpu, kind == FILTER_GATEWAY, calls,
						      &policy);
			else
				syscall_policy((enum cpu)cpu, kind == FILTER_MEDIATED, calls,
					       &policy);
			r = bpf_compile(&policy, programs[cpu][kind].insns, BPF_INSNS_MAX);
			if (r < 0 || bpf_check(programs[cpu][kind].insns, (size_t)r, &why) < 0) {
				(void)fprintf(stderr, "Bail out! the %s program: %s\n",
					      archs[cpu].text, why);
				return 1;
			}
		}
	}
	for (int i = 1; i < argc && len < 31; i++)
		tests[len++] = (struct CMUnitTest){ argv[i], run_file, NULL, NULL, argv[i] };
	tests[len++] = (struct CMUnitTest)cmocka_unit_test(rows_are_enough);
	return _cmocka_run_group_tests("seccomp: rows", tests, len, NULL, NULL);
}
