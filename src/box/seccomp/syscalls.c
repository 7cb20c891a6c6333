/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp wall: choosing, making and loading the filter.
 *
 * Theory of operation:
 *   What the policy is stands in syscall_sets.c; how it becomes a program, in
 *   bpf.c. Most runs load one of two programs that were generated when aisbx
 *   was built. A profile with syscalls.allow or .deny gets one of its own, in
 *   the unprivileged parent, before anything is cloned.
 *
 *   What a profile can never have back (FREEDOM_REFUSED in the table): new
 *   namespaces, mounts, keyrings, io_uring, bpf, files by handle, and calls
 *   whose flags no filter can see. Each would take down another wall, or go
 *   round this one. Rules about arguments cannot be lifted either.
 */
#include "box/seccomp/syscalls.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sha256.h>
#include <string.h>

#include "base/sys.h"
#include "box/seccomp/syscall_names.h"
#include "box/seccomp/syscall_sets.h"

/* 5.19; Debian 12's headers have it, older ones do not. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#	define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

int syscalls_builtin(enum filter_kind kind, struct filter *ret)
{
	*ret = builtin_filters[kind];
	return 0;
}

/*** A profile's changes ***/

enum change {
	CHANGE_ALLOW,
	CHANGE_DENY,
};

struct changes {
	struct arena *arena;
	enum change change;
	struct bpf_call *calls;
	size_t calls_len;
};

static void change_call(const struct changes *changes, const struct syscall_set *set,
			const char *call)
{
	int nr = syscall_number(CPU_NATIVE, call);

	/* Allowed already: it keeps its rule. Not on this architecture: nothing to change. */
	if (nr < 0 || (changes->change == CHANGE_ALLOW && syscall_set_is_allowed(set)))
		return;
	for (size_t i = 0; i < changes->calls_len; i++) {
		struct bpf_call *entry = &changes->calls[i];

		if (entry->nr != (uint32_t)nr)
			continue;
		entry->rule = NULL;
		entry->action =
			changes->change == CHANGE_ALLOW ? SECCOMP_RET_ALLOW : BPF_TELL(EPERM);
	}
}

static void change_set(const struct changes *changes, const char *word)
{
	for (size_t i = 0; i < syscall_sets_len; i++) {
		const struct syscall_set *set = &syscall_sets[i];
		const char *cursor = set->calls, *call;
		size_t len;

		if (!syscall_set_is_named(set, word))
			continue;
		while ((call = syscall_next(&cursor, &len)))
			change_call(changes, set, arena_strndup(changes->arena, call, len));
	}
}

static int apply_changes(const struct changes *changes, const struct strv *words,
			 struct err *reterr)
{
	bool is_allow = changes->change == CHANGE_ALLOW;

	for (size_t i = 0; words && i < words->len; i++) {
		const char *word = words->items[i];
		const char *why = is_allow ? syscall_check_allow(changes->arena, word)
					   : syscall_check_deny(changes->arena, word);

		if (why)
			return err_msg(reterr, E_PROFILE, "%s: %s",
				       is_allow ? "syscalls.allow" : "syscalls.deny", why);
		if (word[0] == '@')
			change_set(changes, word);
		else
			change_call(changes, syscall_set_of(word), word);
	}
	return 0;
}

static void watch(const struct changes *changes, const char *list)
{
	const char *call;
	size_t len;

	while ((call = syscall_next(&list, &len))) {
		int nr = syscall_number(CPU_NATIVE, arena_strndup(changes->arena, call, len));

		for (size_t i = 0; nr >= 0 && i < changes->calls_len; i++) {
			if (changes->calls[i].nr == (uint32_t)nr)
				changes->calls[i].watched = true;
		}
	}
}

/* Allow and deny, in this order: deny wins. */
static int change_policy(struct changes *changes, const struct strv *allow, const struct strv *deny,
			 struct err *reterr)
{
	changes->change = CHANGE_ALLOW;
	int r = apply_changes(changes, allow, reterr);
	if (r < 0)
		return r;
	changes->change = CHANGE_DENY;
	return apply_changes(changes, deny, reterr);
}

static int finish(struct arena *arena, const struct bpf_policy *policy, struct filter *ret,
		  struct err *reterr)
{
	struct sock_filter insns[BPF_INSNS_MAX], *kept;
	char *sha256;
	int r = bpf_compile(policy, insns, BPF_INSNS_MAX);

	if (r < 0)
		return err_wall(reterr, "seccomp", -r, "compile", "syscalls of the profile");

	kept = arena_alloc(arena, (size_t)r * sizeof *kept);
	memcpy(kept, insns, (size_t)r * sizeof *kept);
	sha256 = arena_alloc(arena, SHA256_DIGEST_STRING_LENGTH);
	(void)SHA256Data((const uint8_t *)kept, (size_t)r * sizeof *kept, sha256);
	*ret = (struct filter){ kept, (uint16_t)r, sha256 };
	return 0;
}

int syscalls_compile(struct arena *arena, const struct strv *allow, const struct strv *deny,
		     unsigned asks, bool counted, struct filter *ret, struct err *reterr)
{
	struct bpf_call calls[BPF_CALLS_MAX];
	struct changes changes = { .arena = arena, .calls = calls };
	struct bpf_policy policy;

	syscall_policy(CPU_NATIVE, asks & ASKS_CHANGES, calls, &policy);
	policy.counted = counted;
	changes.calls_len = policy.len;
	int r = change_policy(&changes, allow, deny, reterr);
	if (asks & (ASKS_PROGRAMS | ASKS_PATHS))
		watch(&changes, "execve execveat");
	if (asks & ASKS_PATHS)
		watch(&changes, "open openat stat lstat newfstatat statx access faccessat "
				"faccessat2 readlink readlinkat chdir statfs");
	return r < 0 ? r : finish(arena, &policy, ret, reterr);
}

/*** An observed run ***/

/* See observe.c: what it does not know goes on as it is. Of a rule all calls, or none. */
static const char observed_calls[] =
	"access chdir chmod creat execve execveat faccessat faccessat2 fchmod link linkat lstat "
	"memfd_create mkdir mkdirat newfstatat open openat readlink readlinkat rename renameat "
	"renameat2 socket socketpair stat statx symlink symlinkat truncate unlink unlinkat";

int syscalls_compile_observed(struct arena *arena, const struct strv *deny, struct filter *ret,
			      struct err *reterr)
{
	struct bpf_call calls[BPF_CALLS_MAX];
	struct changes changes = { .arena = arena, .calls = calls };
	struct bpf_policy policy;

	syscall_policy(CPU_NATIVE, false, calls, &policy);
	changes.calls_len = policy.len;
	int r = change_policy(&changes, NULL, deny, reterr);
	if (r < 0)
		return r;
	watch(&changes, observed_calls);
	return finish(arena, &policy, ret, reterr);
}

/*** Loading ***/

static long load(const struct sock_filter *insns, uint16_t len, unsigned long flags)
{
	/* The kernel only reads insns; struct sock_fprog has no const. */
	struct sock_fprog program = { len, (struct sock_filter *)(uintptr_t)insns };

	return sys_call3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* A function of its own: others do without so much of the stack. */
static __attribute__((noinline)) long load_silently(const struct filter *filter)
{
	struct sock_filter insns[BPF_INSNS_MAX];

	memcpy(insns, filter->insns, filter->len * sizeof *insns);
	bpf_silence(insns, filter->len);
	return load(insns, filter->len, 0);
}

static long load_with_listener(const struct filter *filter)
{
	long r = load(filter->insns, filter->len,
		      SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

	/* WAIT_KILLABLE_RECV is new in 5.19; before, a signal can interrupt a call that waits. */
	return r == -EINVAL ? load(filter->insns, filter->len, SECCOMP_FILTER_FLAG_NEW_LISTENER)
			    : r;
}

int syscalls_load(const struct filter *filter, bool want_listener, int *ret_listener_fd,
		  struct err *reterr)
{
	long r = want_listener ? load_with_listener(filter) : load_silently(filter);

	if (r < 0)
		return err_wall(reterr, "seccomp", (int)-r, "load",
				want_listener ? "the filter with a listener" : "the filter");
	if (ret_listener_fd)
		*ret_listener_fd = want_listener ? (int)r : -1;
	return 0;
}

bool syscalls_allows(const struct filter *filter, int nr)
{
	const struct seccomp_data data = { .nr = nr, .arch = syscall_arch(CPU_NATIVE) };

	return bpf_run(filter->insns, &data, NULL) == SECCOMP_RET_ALLOW;
}
