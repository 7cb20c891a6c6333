/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was refused, in words: see refused_call.h. */
#include "box/refusals/refused_call.h"

#include <linux/audit.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "box/seccomp/syscall_names.h"
#include "policy/plan.h"
#include "policy/words.h"

/*** Arguments ***/

/* Values of the kernel's, the same on both architectures. */
struct value {
	uint32_t value;
	const char *name;
};

/* clang-format off */
static const struct value families[] = {
	{ 0, "AF_UNSPEC" }, { 1, "AF_UNIX" }, { 2, "AF_INET" }, { 3, "AF_AX25" }, { 4, "AF_IPX" },
	{ 5, "AF_APPLETALK" }, { 9, "AF_X25" }, { 10, "AF_INET6" }, { 15, "AF_KEY" },
	{ 16, "AF_NETLINK" }, { 17, "AF_PACKET" }, { 21, "AF_RDS" }, { 24, "AF_PPPOX" },
	{ 28, "AF_MPLS" }, { 29, "AF_CAN" }, { 30, "AF_TIPC" }, { 31, "AF_BLUETOOTH" },
	{ 33, "AF_RXRPC" }, { 38, "AF_ALG" }, { 39, "AF_NFC" }, { 40, "AF_VSOCK" }, { 41, "AF_KCM" },
	{ 42, "AF_QIPCRTR" }, { 43, "AF_SMC" }, { 44, "AF_XDP" }, { 45, "AF_MCTP" }, { 0, NULL },
};
static const struct value socket_types[] = {
	{ 1, "SOCK_STREAM" }, { 2, "SOCK_DGRAM" }, { 3, "SOCK_RAW" }, { 4, "SOCK_RDM" },
	{ 5, "SOCK_SEQPACKET" }, { 10, "SOCK_PACKET" }, { 0, NULL },
};
static const struct value namespaces[] = {
	{ 0x00000080, "CLONE_NEWTIME" }, { 0x00020000, "CLONE_NEWNS" },
	{ 0x02000000, "CLONE_NEWCGROUP" }, { 0x04000000, "CLONE_NEWUTS" },
	{ 0x08000000, "CLONE_NEWIPC" }, { 0x10000000, "CLONE_NEWUSER" },
	{ 0x20000000, "CLONE_NEWPID" }, { 0x40000000, "CLONE_NEWNET" }, { 0, NULL },
};
static const struct value ioctls[] = {
	{ 0x5412, "TIOCSTI" }, { 0x541c, "TIOCLINUX" }, { 0x541d, "TIOCCONS" },
	{ 0x5423, "TIOCSETD" }, { 0, NULL },
};
static const struct value ptrace_requests[] = {
	{ 0, "PTRACE_TRACEME" }, { 1, "PTRACE_PEEKTEXT" }, { 2, "PTRACE_PEEKDATA" },
	{ 3, "PTRACE_PEEKUSER" }, { 4, "PTRACE_POKETEXT" }, { 5, "PTRACE_POKEDATA" },
	{ 7, "PTRACE_CONT" }, { 8, "PTRACE_KILL" }, { 9, "PTRACE_SINGLESTEP" },
	{ 16, "PTRACE_ATTACH" }, { 17, "PTRACE_DETACH" }, { 24, "PTRACE_SYSCALL" },
	{ 0x4200, "PTRACE_SETOPTIONS" }, { 0x4206, "PTRACE_SEIZE" },
	{ 0x4207, "PTRACE_INTERRUPT" }, { 0, NULL },
};
static const struct value keyctls[] = {
	{ 0, "KEYCTL_GET_KEYRING_ID" }, { 1, "KEYCTL_JOIN_SESSION_KEYRING" }, { 2, "KEYCTL_UPDATE" },
	{ 3, "KEYCTL_REVOKE" }, { 5, "KEYCTL_SETPERM" }, { 6, "KEYCTL_DESCRIBE" },
	{ 8, "KEYCTL_LINK" }, { 10, "KEYCTL_SEARCH" }, { 11, "KEYCTL_READ" }, { 0, NULL },
};
static const struct value bpf_commands[] = {
	{ 0, "BPF_MAP_CREATE" }, { 5, "BPF_PROG_LOAD" }, { 0, NULL },
};
static const struct value seccomp_flags[] = { { 1 << 3, "SECCOMP_FILTER_FLAG_NEW_LISTENER" }, { 0, NULL } };

enum format { FORMAT_VALUE, FORMAT_FLAGS, FORMAT_HEX, FORMAT_OCTAL, FORMAT_DECIMAL };

/* Which arguments of a call matter. mask 0: no more of them. */
static const struct shown {
	int nr;
	struct {
		uint8_t arg;
		uint32_t mask;
		enum format format;
		const struct value *values;
	} arguments[REFUSED_ARGUMENTS];
} shown[] = {
	{ SYS_socket, { { 0, ~0U, FORMAT_VALUE, families }, { 1, 0xf, FORMAT_VALUE, socket_types },
			{ 2, ~0U, FORMAT_DECIMAL, NULL } } },
	{ SYS_socketpair, { { 0, ~0U, FORMAT_VALUE, families } } },
	{ SYS_clone, { { 0, 0x7e020000, FORMAT_FLAGS, namespaces } } },
	{ SYS_unshare, { { 0, ~0U, FORMAT_FLAGS, namespaces } } },
	{ SYS_setns, { { 1, ~0U, FORMAT_FLAGS, namespaces } } },
	{ SYS_ioctl, { { 1, ~0U, FORMAT_VALUE, ioctls } } },
	{ SYS_prctl, { { 0, ~0U, FORMAT_DECIMAL, NULL } } },
	{ SYS_ptrace, { { 0, ~0U, FORMAT_VALUE, ptrace_requests } } },
	{ SYS_keyctl, { { 0, ~0U, FORMAT_VALUE, keyctls } } },
	{ SYS_bpf, { { 0, ~0U, FORMAT_VALUE, bpf_commands } } },
	{ SYS_personality, { { 0, ~0U, FORMAT_HEX, NULL } } },
	{ SYS_seccomp, { { 1, 1 << 3, FORMAT_FLAGS, seccomp_flags } } },
	{ SYS_fchmod, { { 1, 07777, FORMAT_OCTAL, NULL } } },
	{ SYS_fchmodat, { { 2, 07777, FORMAT_OCTAL, NULL } } },
	{ 452 /* fchmodat2, 6.6 */, { { 2, 07777, FORMAT_OCTAL, NULL } } },
	{ SYS_openat, { { 3, 07777, FORMAT_OCTAL, NULL } } },
	{ SYS_mknodat, { { 2, 0177777, FORMAT_OCTAL, NULL } } },
#ifdef SYS_open /* arm64 has only the calls above */
	{ SYS_chmod, { { 1, 07777, FORMAT_OCTAL, NULL } } },
	{ SYS_creat, { { 1, 07777, FORMAT_OCTAL, NULL } } },
	{ SYS_open, { { 2, 07777, FORMAT_OCTAL, NULL } } },
	{ SYS_mknod, { { 1, 0177777, FORMAT_OCTAL, NULL } } },
#endif
};
/* clang-format on */

static const struct shown *find_shown(int nr)
{
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		if (shown[i].nr == nr)
			return &shown[i];
	}
	return NULL;
}

void refused_call_arguments(int nr, const uint64_t arguments[6],
			    uint64_t ret_kept[REFUSED_ARGUMENTS])
{
	const struct shown *row = find_shown(nr);

	for (int i = 0; i < REFUSED_ARGUMENTS; i++)
		ret_kept[i] = row ? arguments[row->arguments[i].arg] & row->arguments[i].mask : 0;
}

bool refused_call_check(struct refused_call *call)
{
	call->program[sizeof call->program - 1] = '\0';
	call->path[sizeof call->path - 1] = '\0';
	return call->kind == REFUSED_SYSCALL || call->kind == REFUSED_EXEC ||
	       call->kind == REFUSED_FILE;
}

/*** Text ***/

struct text {
	char *buf; /* REFUSAL_TEXT */
	size_t len;
};

static void add(struct text *text, const char *between, const char *word)
{
	int n = snprintf(text->buf + text->len, REFUSAL_TEXT - text->len, "%s%s",
			 text->len ? between : "", word);

	text->len += n > 0 ? (size_t)n : 0;
	if (text->len >= REFUSAL_TEXT)
		text->len = REFUSAL_TEXT - 1;
}

static void format_number(char number[16], enum format format, uint32_t value)
{
	(void)snprintf(number, 16, format == FORMAT_OCTAL ? "0%o" : "0x%x", value);
	if (format == FORMAT_DECIMAL)
		(void)snprintf(number, 16, "%u", value);
}

static void add_flags(struct text *text, const struct value *values, uint32_t flags)
{
	const char *between = ", ";
	char number[16];

	for (; values->name; values++) {
		if (!(flags & values->value))
			continue;
		add(text, between, values->name);
		flags &= ~values->value;
		between = "|";
	}
	if (!flags)
		return;
	format_number(number, FORMAT_HEX, flags);
	add(text, between, number);
}

static void add_value(struct text *text, const struct value *values, enum format format,
		      uint32_t value)
{
	char number[16];

	for (; values && values->name; values++) {
		if (values->value == value) {
			add(text, ", ", values->name);
			return;
		}
	}
	format_number(number, format, value);
	add(text, ", ", number);
}

static void describe_arguments(const struct refused_call *call, char buf[REFUSAL_TEXT])
{
	const struct shown *row = find_shown(call->nr);
	struct text text = { .buf = buf };

	for (int i = 0; row && i < REFUSED_ARGUMENTS && row->arguments[i].mask; i++) {
		uint32_t value = (uint32_t)call->arguments[i];

		if (row->arguments[i].format == FORMAT_FLAGS)
			add_flags(&text, row->arguments[i].values, value);
		else
			add_value(&text, row->arguments[i].values, row->arguments[i].format, value);
	}
}

/*** What would allow it ***/

/* What changed the filter, besides syscalls.allow and .deny: set_filter() in policy/plan.c. */
static const char *denied_by(const struct plan *plan, const char *name)
{
	if (plan->has_exec_list && strcmp(name, "memfd_create") == 0)
		return "a program in memory has no path that the exec list could name";
	if (strcmp(name, "sched_setaffinity") == 0)
		return "limits.cpus is held by it";
	return NULL;
}

/* Of exec and file. */
static void describe_path(const struct refused_call *call, struct refusal *refusal)
{
	struct arena arena = { 0 };

	(void)snprintf(refusal->what, REFUSAL_TEXT, "%s", call->path[0] ? call->path : "(unknown)");
	if (call->kind == REFUSED_FILE) {
		(void)snprintf(refusal->why, REFUSAL_TEXT, "files.protect keeps it as it is");
		return;
	}
	if (snprintf(refusal->grant, REFUSAL_TEXT, "--exec %s", word_shell(&arena, call->path)) >=
	    REFUSAL_TEXT)
		refusal->grant[0] = '\0'; /* half a path is another */
	arena_free(&arena);
	(void)snprintf(refusal->why, REFUSAL_TEXT, "it is not in the exec list");
}

static void explain(const char *name, const struct plan *plan, struct refusal *refusal)
{
	const struct syscall_set *set = syscall_set_of(name);
	const char *why = set ? syscall_rule_why(name) : NULL;

	if (!set)
		return;
	if (syscall_naming(&plan->profile->syscalls_deny, set, name))
		why = "syscalls.deny of the profile has it";
	else if (set->freedom == FREEDOM_SET || set->freedom == FREEDOM_NAME)
		(void)snprintf(refusal->grant, REFUSAL_TEXT, "--allow-syscall %s", name);
	else if (!why && set->freedom == FREEDOM_DENY)
		why = denied_by(plan, name);
	(void)snprintf(refusal->why, REFUSAL_TEXT, "%s", why ? why : set->why);
}

void refused_call_describe(const struct refused_call *call, const struct plan *plan,
			   struct refusal *ret_refusal)
{
	struct refusal *refusal = ret_refusal;
	char name[SYSCALL_NAME_BYTES];

	memset(refusal, 0, sizeof *refusal);
	refusal->kind = (enum refusal_kind)call->kind;
	refusal->count = call->count;
	memcpy(refusal->program, call->program, sizeof refusal->program);
	if (call->nr == REFUSED_OTHERS) {
		(void)snprintf(refusal->what, REFUSAL_TEXT, "(others)");
		return;
	}
	if (call->kind != REFUSED_SYSCALL) {
		describe_path(call, refusal);
		return;
	}
	syscall_name(CPU_NATIVE, call->nr, name);
	(void)snprintf(refusal->what, REFUSAL_TEXT, "%s", name);
	describe_arguments(call, refusal->arguments);
	explain(name, plan, refusal);
}
