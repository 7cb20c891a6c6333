/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our compiler against libseccomp's: the same policy, stated twice, must give
 * the same answer on both architectures.
 *
 * The plain part is taken from the table of sets by name, and libseccomp finds
 * the numbers. The argument rules are stated here once more, in libseccomp's
 * terms: conjunctions of masked comparisons that never overlap with different
 * actions, each call in a filter of its own. Calls that the installed
 * libseccomp does not know go in by number, which it accepts for the native
 * architecture only; on the other one they must do what the native one does.
 */
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/seccomp/syscall_sets.h"
#include "bpf_sim.h"

#define EPERM_ACT SCMP_ACT_ERRNO(EPERM)
#define LOW	  0xffffffffull
#define NUMBERS	  600

struct program {
	struct sock_filter insns[BPF_MAXINSNS];
	size_t len;
};

static const struct {
	enum cpu cpu;
	uint32_t audit_arch;
	uint32_t scmp_arch;
} cpus[] = {
	{ CPU_X86_64, AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64 },
	{ CPU_AARCH64, AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64 },
};

/*** libseccomp's side ***/

struct peer {
	scmp_filter_ctx ctx;
	uint32_t otherwise;
	int call;
	uint32_t changes; /* what a change of a file by name gets */
};

static void peer_init(struct peer *peer, enum cpu cpu, const char *call, bool mediated,
		      uint32_t otherwise)
{
	peer->ctx = seccomp_init(otherwise);
	assert_non_null(peer->ctx);
	peer->otherwise = otherwise;
	peer->call = call ? seccomp_syscall_resolve_name(call) : -1;
	peer->changes = mediated ? SCMP_ACT_NOTIFY : SCMP_ACT_ALLOW;
	assert_int_equal(
		seccomp_attr_set(peer->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), 0);
	if (cpus[cpu].scmp_arch != seccomp_arch_native()) {
		assert_int_equal(seccomp_arch_add(peer->ctx, cpus[cpu].scmp_arch), 0);
		assert_int_equal(seccomp_arch_remove(peer->ctx, seccomp_arch_native()), 0);
	}
}

static void add(struct peer *peer, uint32_t action, unsigned len, const struct scmp_arg_cmp *args)
{
	int r;

	if (action == peer->otherwise)
		return; /* libseccomp takes no rule that says what the default says */
	r = seccomp_rule_add_array(peer->ctx, action, peer->call, len, args);
	if (r < 0 && r != -EEXIST)
		fail_msg("libseccomp refuses call %d: %s", peer->call, strerror(-r));
}

#define ADD(peer, action, ...)                                                                     \
	add(peer, action,                                                                          \
	    sizeof((struct scmp_arg_cmp[]){ __VA_ARGS__ }) / sizeof(struct scmp_arg_cmp),          \
	    (struct scmp_arg_cmp[]){ __VA_ARGS__ })
#define BITS(arg, mask, value) SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, value)

static void peer_done(struct peer *peer, struct program *ret)
{
	FILE *file = tmpfile();
	ssize_t n;
	const char *why;

	assert_non_null(file);
	assert_int_equal(seccomp_export_bpf(peer->ctx, fileno(file)), 0);
	n = pread(fileno(file), ret->insns, sizeof ret->insns, 0);
	assert_true(n > 0);
	ret->len = (size_t)n / sizeof ret->insns[0];
	(void)fclose(file);
	seccomp_release(peer->ctx);
	assert_int_equal(bpf_check(ret->insns, ret->len, &why), 0);
}

/*** The rules once more ***/

static void add_clone(struct peer *peer)
{
	ADD(peer, SCMP_ACT_ALLOW, BITS(0, 0x7e020000, 0));
}

static void add_unshare(struct peer *peer)
{
	ADD(peer, SCMP_ACT_ALLOW, BITS(0, ~0x00050f00ull, 0));
}

static void add_ioctl(struct peer *peer)
{
	static const uint32_t refused[] = { 0x5412, 0x541c, 0x541d, 0x5423 };

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		ADD(peer, EPERM_ACT, BITS(1, LOW, refused[i]));
}

/* Where nothing is counted its rule says nothing. */
static void add_nothing(struct peer *peer)
{
	(void)peer;
}

static void add_socket(struct peer *peer)
{
	static const uint32_t families[] = { 2, 10 }, protocols[] = { 0, 6, 17 };

	ADD(peer, SCMP_ACT_ALLOW, BITS(0, LOW, 1));
	ADD(peer, SCMP_ACT_ALLOW, BITS(0, LOW, 16), BITS(2, LOW, 0));
	ADD(peer, SCMP_ACT_ERRNO(EPROTONOSUPPORT), BITS(0, LOW, 16), BITS(2, LOW, 9));
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned type = 1; type <= 2; type++) {
			for (unsigned p = 0; p < 3; p++)
				ADD(peer, SCMP_ACT_ALLOW, BITS(0, LOW, families[i]),
				    BITS(1, 0xf, type), BITS(2, LOW, protocols[p]));
			/* Every other protocol: 32 and over by their bits, those below one by one. */
			for (unsigned bit = 5; bit < 32; bit++)
				ADD(peer, SCMP_ACT_ERRNO(EPROTONOSUPPORT),
				    BITS(0, LOW, families[i]), BITS(1, 0xf, type),
				    BITS(2, 1ull << bit, 1ull << bit));
			for (unsigned p = 1; p < 32; p++)
				if (p != 6 && p != 17)
					ADD(peer, SCMP_ACT_ERRNO(EPROTONOSUPPORT),
					    BITS(0, LOW, families[i]), BITS(1, 0xf, type),
					    BITS(2, LOW, p));
		}
	}
}

static void add_socketpair(struct peer *peer)
{
	ADD(peer, SCMP_ACT_ALLOW, BITS(0, LOW, 1));
}

static void add_mode_1(struct peer *peer)
{
	ADD(peer, peer->changes, BITS(1, 06000, 0));
}

static void add_mode_2(struct peer *peer)
{
	ADD(peer, peer->changes, BITS(2, 06000, 0));
}

static void add_open_at(struct peer *peer, unsigned arg)
{
	static const uint32_t creates[] = { 0100, 020000000 }, writes[] = { 01, 02, 01000 };

	for (unsigned i = 0; i < 2; i++) {
		ADD(peer, EPERM_ACT, BITS(arg, creates[i], creates[i]),
		    BITS(arg + 1, 04000, 04000));
		ADD(peer, EPERM_ACT, BITS(arg, creates[i], creates[i]),
		    BITS(arg + 1, 02000, 02000));
		ADD(peer, peer->changes, BITS(arg, creates[i], creates[i]),
		    BITS(arg + 1, 06000, 0));
	}
	for (unsigned i = 0; i < 3; i++)
		ADD(peer, peer->changes, BITS(arg, writes[i] | 020000100, writes[i]));
}

static void add_open(struct peer *peer)
{
	add_open_at(peer, 1);
}

static void add_openat(struct peer *peer)
{
	add_open_at(peer, 2);
}

static void add_mknod_at(struct peer *peer, unsigned arg)
{
	static const uint32_t types[] = { 0, 0010000, 0100000, 0140000 };

	for (unsigned i = 0; i < 4; i++)
		ADD(peer, peer->changes, BITS(arg, 0176000, types[i]));
}

static void add_mknod(struct peer *peer)
{
	add_mknod_at(peer, 1);
}

static void add_mknodat(struct peer *peer)
{
	add_mknod_at(peer, 2);
}

static void add_access(struct peer *peer)
{
	ADD(peer, peer->changes, BITS(1, 2, 2));
}

static void add_faccessat(struct peer *peer)
{
	ADD(peer, peer->changes, BITS(2, 2, 2));
}

static void add_prlimit(struct peer *peer)
{
	ADD(peer, SCMP_ACT_ALLOW, BITS(0, LOW, 0));
	ADD(peer, SCMP_ACT_ALLOW, SCMP_CMP64(2, SCMP_CMP_EQ, 0));
}

static void add_seccomp(struct peer *peer)
{
	ADD(peer, SCMP_ACT_ALLOW, BITS(1, 8, 0));
}

static void add_semget(struct peer *peer)
{
	ADD(peer, SCMP_ACT_ALLOW, BITS(1, 0xffffff00, 0));
}

static void add_personality(struct peer *peer)
{
	static const uint32_t allowed[] = { 0, 8, 0x20000, 0x20008, 0xffffffff };

	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
		ADD(peer, SCMP_ACT_ALLOW, BITS(0, LOW, allowed[i]));
}

static void add_prctl(struct peer *peer)
{
	ADD(peer, EPERM_ACT, BITS(0, LOW, 41), BITS(1, LOW, 0));
	for (unsigned bit = 0; bit < 32; bit++)
		ADD(peer, EPERM_ACT, BITS(0, LOW, 41), BITS(2, 1ull << bit, 1ull << bit));
}

static const struct checked {
	const char *call;
	uint32_t otherwise;
	void (*add_rules)(struct peer *peer);
	int args[3]; /* that decide; -1: none */
} checked[] = {
	{ "access", SCMP_ACT_ALLOW, add_access, { 1, -1, -1 } },
	{ "chmod", EPERM_ACT, add_mode_1, { 1, -1, -1 } },
	{ "clone", EPERM_ACT, add_clone, { 0, -1, -1 } },
	{ "creat", EPERM_ACT, add_mode_1, { 1, -1, -1 } },
	{ "faccessat", SCMP_ACT_ALLOW, add_faccessat, { 2, -1, -1 } },
	{ "faccessat2", SCMP_ACT_ALLOW, add_faccessat, { 2, -1, -1 } },
	{ "fallocate", SCMP_ACT_ALLOW, add_nothing, { 1, -1, -1 } },
	{ "fchmod", EPERM_ACT, add_mode_1, { 1, -1, -1 } },
	{ "fchmodat", EPERM_ACT, add_mode_2, { 2, -1, -1 } },
	{ "fchmodat2", EPERM_ACT, add_mode_2, { 2, -1, -1 } },
	{ "ioctl", SCMP_ACT_ALLOW, add_ioctl, { 1, -1, -1 } },
	{ "mknod", EPERM_ACT, add_mknod, { 1, -1, -1 } },
	{ "mknodat", EPERM_ACT, add_mknodat, { 2, -1, -1 } },
	{ "open", SCMP_ACT_ALLOW, add_open, { 1, 2, -1 } },
	{ "openat", SCMP_ACT_ALLOW, add_openat, { 2, 3, -1 } },
	{ "personality", EPERM_ACT, add_personality, { 0, -1, -1 } },
	{ "prctl", SCMP_ACT_ALLOW, add_prctl, { 0, 1, 2 } },
	{ "prlimit64", EPERM_ACT, add_prlimit, { 0, 2, -1 } },
	{ "seccomp", EPERM_ACT, add_seccomp, { 1, -1, -1 } },
	{ "semget", SCMP_ACT_ERRNO(EINVAL), add_semget, { 1, -1, -1 } },
	{ "socket", EPERM_ACT, add_socket, { 0, 1, 2 } },
	{ "socketpair", EPERM_ACT, add_socketpair, { 0, -1, -1 } },
	{ "unshare", EPERM_ACT, add_unshare, { 0, -1, -1 } },
};

static const struct checked *find_checked(const char *call)
{
	for (size_t i = 0; i < sizeof checked / sizeof checked[0]; i++)
		if (strcmp(checked[i].call, call) == 0)
			return &checked[i];
	return NULL;
}

/*** Comparing ***/

static void make_ours(enum cpu cpu, bool mediated, struct program *ret)
{
	struct bpf_call calls[BPF_CALLS_MAX];
	struct bpf_policy policy;
	const char *why = "";
	int r;

	syscall_policy(cpu, mediated, calls, &policy);
	r = bpf_compile(&policy, ret->insns, BPF_MAXINSNS);
	assert_true(r > 0);
	ret->len = (size_t)r;
	if (bpf_check(ret->insns, ret->len, &why) < 0)
		fail_msg("our program is not valid: %s", why);
}

static void compare(const struct program *ours, const struct program *theirs,
		    const struct seccomp_data *data)
{
	uint32_t a = bpf_answer(bpf_run(ours->insns, data, NULL)),
		 b = bpf_run(theirs->insns, data, NULL);

	if (a != b)
		fail_msg("arch 0x%x call 0x%x (0x%llx 0x%llx 0x%llx 0x%llx): ours 0x%08x, "
			 "libseccomp's 0x%08x",
			 data->arch, (unsigned)data->nr, (unsigned long long)data->args[0],
			 (unsigned long long)data->args[1], (unsigned long long)data->args[2],
			 (unsigned long long)data->args[3], a, b);
}

/* libseccomp's program for the calls without rules; *ret_late are those it does not know. */
static void make_plain(enum cpu cpu, bool mediated, struct program *ret, bool *ret_late)
{
	struct peer peer;

	peer_init(&peer, cpu, NULL, mediated, SCMP_ACT_ERRNO(ENOSYS));
	for (size_t i = 0; i < syscall_sets_len; i++) {
		const struct syscall_set *set = &syscall_sets[i];
		const char *cursor = set->calls, *word;
		size_t len;

		while ((word = syscall_next(&cursor, &len))) {
			char name[32];

			assert_true(len < sizeof name);
			memcpy(name, word, len);
			name[len] = '\0';
			if (find_checked(name))
				continue;
			peer.call = seccomp_syscall_resolve_name(name);
			if (peer.call == __NR_SCMP_ERROR) {
				peer.call = syscall_number(cpu, name);
				if (peer.call < 0)
					continue;
				ret_late[peer.call] = true;
				if (cpus[cpu].scmp_arch != seccomp_arch_native())
					continue;
			}
			if (peer.call < 0 && cpus[cpu].scmp_arch == seccomp_arch_native())
				continue;
			add(&peer,
			    set->action == SECCOMP_RET_USER_NOTIF ? peer.changes
								  : bpf_answer(set->action),
			    0, NULL);
		}
	}
	peer_done(&peer, ret);
}

static struct program ours, theirs, native;

static void compare_numbers(enum cpu cpu, bool mediated)
{
	static const uint32_t strange[] = { 0x3fffffff, 0x40000000, 0x40000001, 0x40000208,
					    0x7fffffff, 0x80000000, 0xc0000000, 0xfffffffe,
					    0xffffffff, 1000,	    4096,	65535 };
	static const uint32_t archs[] = { AUDIT_ARCH_I386,
					  AUDIT_ARCH_X86_64,
					  AUDIT_ARCH_AARCH64,
					  AUDIT_ARCH_ARM,
					  AUDIT_ARCH_ARMEB,
					  AUDIT_ARCH_RISCV64,
					  AUDIT_ARCH_PPC64LE,
					  AUDIT_ARCH_S390X,
					  0,
					  1,
					  0x3e,
					  0x4000003e,
					  0x8000003e,
					  0xc000003f,
					  0xffffffff };
	bool is_late[NUMBERS + 1] = { false };
	struct seccomp_data data = { .arch = cpus[cpu].audit_arch };

	make_ours(cpu, mediated, &ours);
	make_ours(CPU_NATIVE, mediated, &native);
	make_plain(cpu, mediated, &theirs, is_late);
	for (int nr = 0; nr <= NUMBERS; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(cpus[cpu].scmp_arch, nr);
		bool has_rule =
			name ? find_checked(name) != NULL : nr == syscall_number(cpu, "fchmodat2");

		free(name);
		if (has_rule) /* compare_arguments() */
			continue;
		data.nr = nr;
		for (unsigned i = 0; i < 6; i++)
			data.args[i] = nr & 1 ? UINT64_MAX : 0;
		if (is_late[nr] && cpus[cpu].scmp_arch != seccomp_arch_native()) {
			struct seccomp_data other = data;

			other.arch = cpus[CPU_NATIVE].audit_arch;
			assert_int_equal(bpf_run(ours.insns, &data, NULL),
					 bpf_run(native.insns, &other, NULL));
			continue;
		}
		compare(&ours, &theirs, &data);
	}
	for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
		data.nr = (int)strange[i];
		compare(&ours, &theirs, &data);
	}
	for (uint32_t nr = 0; nr <= NUMBERS; nr++) {
		data.nr = (int)(0x40000000u + nr);
		compare(&ours, &theirs, &data);
	}
	for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++) {
		if (archs[i] == cpus[cpu].audit_arch)
			continue;
		data.arch = archs[i];
		for (data.nr = -2; data.nr <= NUMBERS; data.nr++) {
			compare(&ours, &theirs, &data);
			assert_int_equal(bpf_run(ours.insns, &data, NULL),
					 SECCOMP_RET_KILL_PROCESS);
		}
	}
}

static size_t make_edges(uint64_t *edges)
{
	static const uint32_t values[] = {
		3,	 5,	   6,	    7,	     10,	 11,	     15,	 17,
		18,	 40,	   262,	    0x5412,  0x5411,	 0x5413,     0x541c,	 0x541d,
		0x541e,	 0x5423,   0x5424,  0x20008, 0x20009,	 0x7e020000, 0x00050f00, 0x81ffffff,
		06000,	 06777,	   01777,   0777,    020200000,	 0100644,    0104755,	 0010644,
		0140777, 0020644,  0060644, 0120777, 0040755,	 0150000,    0177777,	 0101,
		01101,	 02000101, 0x80801, 0x80002, 0xffffffff, 0x7fffffff
	};
	static const uint64_t highs[] = { 0, 1ull << 32, 0xffffffffull << 32 };
	size_t len = 0;

	for (unsigned bit = 32; bit < 64; bit++)
		edges[len++] = 1ull << bit;
	for (unsigned h = 0; h < 3; h++) {
		for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
			edges[len++] = highs[h] | values[i];
		edges[len++] = highs[h];
		for (unsigned bit = 0; bit < 32; bit++) {
			edges[len++] = highs[h] | 1u << bit;
			edges[len++] = highs[h] | ~(1u << bit);
		}
	}
	return len;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void compare_call(const struct checked *call, enum cpu cpu, int nr)
{
	static uint64_t edges[512];
	size_t len = make_edges(edges);
	uint64_t state = 88172645463325252ull;
	struct seccomp_data data = { .arch = cpus[cpu].audit_arch, .nr = nr };
	int a = call->args[0], b = call->args[1], c = call->args[2];

	for (size_t i = 0; i < len; i++) {
		data.args[a] = edges[i];
		compare(&ours, &theirs, &data);
		for (size_t j = 0; b >= 0 && j < len; j++) {
			data.args[b] = edges[j];
			compare(&ours, &theirs, &data);
		}
		if (b >= 0)
			data.args[b] = 0;
	}
	/* socket: every combination of small values and of small values with high bits */
	for (unsigned i = 0; c >= 0 && i < 48 * 20 * 264; i++) {
		uint64_t high = i & 1 ? 1ull << 32 : 0;

		data.args[a] = i % 48 | high;
		data.args[b] = i / 48 % 20 | (i & 2 ? 02004000u : 0) | high;
		data.args[c] = i / 960 | high;
		compare(&ours, &theirs, &data);
	}
	/* arguments that do not decide, and combinations no loop above has */
	for (unsigned i = 0; i < 50000; i++) {
		for (unsigned j = 0; j < 6; j++)
			data.args[j] =
				i & 1 ? edges[next_random(&state) % len] : next_random(&state);
		if (i & 2)
			data.args[a] &= 0xff;
		compare(&ours, &theirs, &data);
	}
}

static void compare_arguments(enum cpu cpu, bool mediated)
{
	make_ours(cpu, mediated, &ours);
	for (size_t i = 0; i < sizeof checked / sizeof checked[0]; i++) {
		const struct checked *call = &checked[i];
		int nr = syscall_number(cpu, call->call);
		struct peer peer;

		assert_non_null(syscall_rule(call->call));
		if (nr < 0)
			continue;
		peer_init(&peer, cpu, call->call, mediated, call->otherwise);
		if (peer.call == __NR_SCMP_ERROR) { /* by number, on the native one only */
			if (cpus[cpu].scmp_arch != seccomp_arch_native()) {
				seccomp_release(peer.ctx);
				continue;
			}
			peer.call = nr;
		}
		call->add_rules(&peer);
		peer_done(&peer, &theirs);
		compare_call(call, cpu, nr);
	}
}

/*** The broker ***/

/*
 * Its list once more, in libseccomp's terms; so a call that is added to it has to be
 * thought about twice.
 */
static const char *const broker_plain[] = {
	"accept4",	   "bind",	     "brk",	     "clock_gettime", "close",
	"connect",	   "epoll_ctl",	     "epoll_pwait",  "epoll_wait",    "exit",
	"exit_group",	   "fcntl",	     "futex",	     "getpeername",   "getpid",
	"getrandom",	   "getsockname",    "getsockopt",   "gettimeofday",  "listen",
	"madvise",	   "mremap",	     "munmap",	     "pipe2",	      "poll",
	"ppoll",	   "read",	     "readv",	     "recvfrom",      "recvmsg",
	"restart_syscall", "rt_sigprocmask", "rt_sigreturn", "sendmsg",	      "sendto",
	"setsockopt",	   "shutdown",	     "splice",	     "write",	      "writev",
};

/* What of them the gateway does without. */
static const char *const gateway_lacks[] = { "accept4",	    "bind",   "connect", "getpeername",
					     "getsockname", "listen", "pipe2",	 "splice" };

static bool gateway_has(const char *call)
{
	for (size_t i = 0; i < sizeof gateway_lacks / sizeof gateway_lacks[0]; i++) {
		if (strcmp(gateway_lacks[i], call) == 0)
			return false;
	}
	return true;
}

static void make_broker(enum cpu cpu, bool is_gateway, struct program *ret)
{
	struct peer peer;

	peer_init(&peer, cpu, NULL, false, EPERM_ACT);
	for (size_t i = 0; i < sizeof broker_plain / sizeof broker_plain[0]; i++) {
		/* A call of the other architecture only has a negative number here. */
		peer.call = seccomp_syscall_resolve_name(broker_plain[i]);
		assert_int_not_equal(peer.call, __NR_SCMP_ERROR);
		if (syscall_number(cpu, broker_plain[i]) >= 0 &&
		    (!is_gateway || gateway_has(broker_plain[i])))
			add(&peer, SCMP_ACT_ALLOW, 0, NULL);
	}
	peer.call = seccomp_syscall_resolve_name("mmap");
	ADD(&peer, SCMP_ACT_ALLOW, BITS(2, 4, 0));
	peer.call = seccomp_syscall_resolve_name("socket");
	for (uint32_t family = 2; !is_gateway && family <= 10; family += 8) {
		for (uint32_t type = 1; type <= 2; type++)
			ADD(&peer, SCMP_ACT_ALLOW, BITS(0, LOW, family), BITS(1, 0xf, type));
	}
	peer_done(&peer, ret);
}

static void compare_broker(enum cpu cpu, bool is_gateway)
{
	static const struct checked with_rules[] = { { "mmap", 0, NULL, { 2, -1, -1 } },
						     { "socket", 0, NULL, { 0, 1, 2 } } };
	struct bpf_call calls[BPF_CALLS_MAX];
	struct bpf_policy policy;
	struct seccomp_data data = { .arch = cpus[cpu].audit_arch };
	const char *why = "";
	int r;

	syscall_broker_policy(cpu, is_gateway, calls, &policy);
	r = bpf_compile(&policy, ours.insns, BPF_MAXINSNS);
	assert_true(r > 0);
	ours.len = (size_t)r;
	if (bpf_check(ours.insns, ours.len, &why) < 0)
		fail_msg("our program is not valid: %s", why);
	make_broker(cpu, is_gateway, &theirs);
	for (int nr = 0; nr <= NUMBERS; nr++) {
		for (unsigned i = 0; i < 6; i++)
			data.args[i] = nr & 1 ? UINT64_MAX : 0;
		data.nr = nr;
		compare(&ours, &theirs, &data);
		data.arch = AUDIT_ARCH_I386;
		compare(&ours, &theirs, &data);
		data.arch = cpus[cpu].audit_arch;
		data.nr = (int)(0x40000000u + (unsigned)nr);
		compare(&ours, &theirs, &data);
	}
	for (size_t i = 0; i < 2; i++)
		compare_call(&with_rules[i], cpu, syscall_number(cpu, with_rules[i].call));
}

/*** Tests ***/

static void broker_x86_64(void **state)
{
	(void)state;
	compare_broker(CPU_X86_64, false);
	compare_broker(CPU_X86_64, true);
}

static void broker_aarch64(void **state)
{
	(void)state;
	compare_broker(CPU_AARCH64, false);
	compare_broker(CPU_AARCH64, true);
}

static void numbers_x86_64(void **state)
{
	(void)state;
	compare_numbers(CPU_X86_64, false);
	compare_numbers(CPU_X86_64, true);
}

static void numbers_aarch64(void **state)
{
	(void)state;
	compare_numbers(CPU_AARCH64, false);
	compare_numbers(CPU_AARCH64, true);
}

static void arguments_x86_64(void **state)
{
	(void)state;
	compare_arguments(CPU_X86_64, false);
	compare_arguments(CPU_X86_64, true);
}

static void arguments_aarch64(void **state)
{
	(void)state;
	compare_arguments(CPU_AARCH64, false);
	compare_arguments(CPU_AARCH64, true);
}

/* Every call that libseccomp knows has been decided about. */
static void table_is_complete(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof cpus / sizeof cpus[0]; c++) {
		for (int nr = 0; nr <= NUMBERS; nr++) {
			char *name = seccomp_syscall_resolve_num_arch(cpus[c].scmp_arch, nr);

			if (name && !syscall_set_of(name))
				fail_msg("%s (%d) is in no set", name, nr);
			if (name)
				assert_int_equal(syscall_number(cpus[c].cpu, name), nr);
			free(name);
		}
	}
}

/*
 * Each name in one set only (bpf_compile() refuses the same number twice), known
 * on one architecture at least, rules for known names only.
 */
static void table_is_sound(void **state)
{
	size_t rules = 0;

	(void)state;
	for (size_t i = 0; i < syscall_sets_len; i++) {
		const struct syscall_set *set = &syscall_sets[i];
		const char *cursor = set->calls, *word;
		size_t len;

		assert_int_equal(set->name[0], '@');
		while ((word = syscall_next(&cursor, &len))) {
			char name[32];

			assert_true(len < sizeof name);
			memcpy(name, word, len);
			name[len] = '\0';
			if (syscall_set_of(name) != set)
				fail_msg("%s is in two sets", name);
			if (syscall_number(CPU_X86_64, name) < 0 &&
			    syscall_number(CPU_AARCH64, name) < 0)
				fail_msg("%s is known nowhere", name);
			rules += syscall_rule(name) != NULL;
			assert_int_equal(syscall_rule(name) != NULL, find_checked(name) != NULL);
		}
	}
	assert_int_equal(rules, sizeof checked / sizeof checked[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_complete), cmocka_unit_test(table_is_sound),
		cmocka_unit_test(numbers_x86_64),    cmocka_unit_test(numbers_aarch64),
		cmocka_unit_test(arguments_x86_64),  cmocka_unit_test(arguments_aarch64),
		cmocka_unit_test(broker_x86_64),     cmocka_unit_test(broker_aarch64),
	};

	return cmocka_run_group_tests_name("seccomp: our compiler and libseccomp agree", tests,
					   NULL, NULL);
}
