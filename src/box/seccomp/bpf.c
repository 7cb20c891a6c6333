/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Classic BPF out of a list of system calls.
 *
 * Theory of operation:
 *   The kernel runs a filter once for every call number when it is loaded (to
 *   learn which numbers are allowed whatever the arguments, since 5.11), and
 *   after that hardly ever. So what counts is how few steps all numbers take
 *   together, and how few instructions must be copied, checked and translated.
 *
 *   1. Numbers become ranges: a run of neighbours with the same outcome.
 *   2. Ranges become spans: a single odd number between two ranges of equal
 *      outcome is an exception inside one span (one JEQ instead of two JGE).
 *   3. Spans become a binary search (JGE), balanced by numbers, not by spans.
 *
 *          ld arch ; jeq native ; ld nr
 *          search   jge 132 -> right, left
 *                   jge 57  -> ...
 *                   jeq 59  -> exceptions of the span
 *          argument checks       one sub-program a rule
 *          ret allow, ret errno  one leaf an action
 *
 *   A program is written backwards, last instruction first, so every jump
 *   target is known when the jump is written. Conditional jumps reach 255
 *   instructions; where a target is farther, reach() puts a copy of the leaf
 *   or a JA in between. A position counts from the end: the last instruction
 *   is 1, and 0 is nowhere.
 */
#include "box/seccomp/bpf.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>

/* Numbers above this weigh nothing in the balance: the kernel has none there yet. */
#define NUMBERS_IN_USE 512u

/* More exceptions in one span shorten the program but make each number's way longer. */
#define EXCEPTIONS_MAX 2u

/* Two trampolines may come between a check of the distance and the jump. */
#define JUMP_MAX (255u - 2u)

#define ACTIONS_MAX 16
#define RULES_MAX   48
#define RANGES_MAX  (2 * BPF_CALLS_MAX + 4)

struct outcome {
	uint32_t action;
	const struct arg_rule *rule; /* NULL: action */
	bool watched;		     /* of rule: action has it already */
};

struct range {
	uint32_t from; /* up to the next range's from */
	struct outcome outcome;
};

struct span {
	uint32_t from;
	uint32_t first; /* index of its first range; exceptions are first + 1, + 3 ... */
	uint32_t ranges;
};

/* Where a load of an argument stands, so that a check of the same bits can skip it. */
struct entry {
	uint32_t at;	 /* before the load */
	uint32_t loaded; /* after it; 0: there is none */
	uint32_t offset;
	uint32_t mask;
};

struct program {
	const struct bpf_policy *policy;
	struct sock_filter *buf;
	size_t size;
	uint32_t len; /* instructions written, at the end of buf */
	bool full;

	struct {
		uint32_t action;
		uint32_t at;
	} leaves[ACTIONS_MAX];
	size_t leaves_len;
	struct {
		const struct arg_rule *rule;
		uint32_t at;
	} rules[RULES_MAX];
	size_t rules_len;

	struct range ranges[RANGES_MAX];
	size_t ranges_len;
	struct span spans[RANGES_MAX];
	size_t spans_len;
};

/*** Instructions ***/

static uint32_t emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (p->len == p->size) {
		p->full = true;
		return p->len;
	}
	p->len++;
	p->buf[p->size - p->len] = (struct sock_filter){ code, jt, jf, k };
	return p->len;
}

static uint32_t emit_return(struct program *p, uint32_t action)
{
	return emit(p, BPF_RET | BPF_K, action, 0, 0);
}

/* A position from which a conditional jump written next (or soon after) reaches target. */
static uint32_t reach(struct program *p, uint32_t target)
{
	const struct sock_filter *insn = &p->buf[p->size - target];

	if (p->len - target <= JUMP_MAX)
		return target;
	if (insn->code == (BPF_RET | BPF_K))
		return emit_return(p, insn->k);
	return emit(p, BPF_JMP | BPF_JA, p->len - target, 0, 0);
}

/* op compares the accumulator with k and goes to yes or no. */
static uint32_t emit_jump(struct program *p, uint16_t op, uint32_t k, uint32_t yes, uint32_t no)
{
	yes = reach(p, yes);
	no = reach(p, no);
	return emit(p, BPF_JMP | BPF_K | op, k, (uint8_t)(p->len - yes), (uint8_t)(p->len - no));
}

static uint32_t leaf(struct program *p, uint32_t action)
{
	size_t i;

	for (i = 0; i < p->leaves_len; i++)
		if (p->leaves[i].action == action)
			break;
	if (i == ACTIONS_MAX) /* no room to remember it: a leaf of its own */
		return emit_return(p, action);
	if (i == p->leaves_len) {
		p->leaves[p->leaves_len++].action = action;
		p->leaves[i].at = emit_return(p, action);
	} else if (p->len - p->leaves[i].at > JUMP_MAX) {
		p->leaves[i].at = emit_return(p, action);
	}
	return p->leaves[i].at;
}

/*** Argument checks ***/

static uint32_t effective(const struct bpf_policy *policy, uint32_t action, bool watched)
{
	if ((action == SECCOMP_RET_USER_NOTIF && !policy->mediated) ||
	    (action == (SECCOMP_RET_ERRNO | EOPNOTSUPP) && !policy->counted))
		action = SECCOMP_RET_ALLOW;
	return watched && action == SECCOMP_RET_ALLOW ? BPF_WATCHED : action;
}

/* Clauses that can change the outcome: what only repeats "otherwise" at the end says nothing. */
static size_t effective_clauses(const struct bpf_policy *policy, const struct arg_rule *rule)
{
	size_t len = rule->len;

	while (len > 0 && effective(policy, rule->clauses[len - 1].action, false) ==
				  effective(policy, rule->otherwise, false))
		len--;
	return len;
}

static uint32_t arg_offset(const struct arg_test *test)
{
	bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	return (uint32_t)offsetof(struct seccomp_data, args) + 8u * test->arg +
	       (test->high != big_endian ? 4u : 0u);
}

/* The position in target to continue at when the accumulator already holds test's bits. */
static uint32_t skip_load(const struct entry *target, uint32_t offset, uint32_t mask)
{
	if (target->loaded && target->offset == offset && target->mask == mask)
		return target->loaded;
	return target->at;
}

static struct entry emit_test(struct program *p, const struct arg_test *test,
			      const struct entry *yes, const struct entry *no)
{
	/* "Any of these bits" is none_of {0}: one JSET, and the accumulator keeps all bits. */
	bool bits = test->none_of && test->len == 1 && test->values[0] == 0;
	struct entry entry = { .offset = arg_offset(test), .mask = bits ? UINT32_MAX : test->mask };
	const struct entry *match = test->none_of ? no : yes;
	const struct entry *miss = test->none_of ? yes : no;
	uint32_t match_at = skip_load(match, entry.offset, entry.mask);
	uint32_t next = skip_load(miss, entry.offset, entry.mask);

	if (bits) {
		entry.loaded = emit_jump(p, BPF_JSET, test->mask, next, match_at);
	} else {
		for (size_t i = test->len; i > 0; i--)
			next = emit_jump(p, BPF_JEQ, test->values[i - 1], match_at, next);
		entry.loaded = next;
		if (test->mask != UINT32_MAX)
			(void)emit(p, BPF_ALU | BPF_AND | BPF_K, test->mask, 0, 0);
	}
	entry.at = emit(p, BPF_LD | BPF_W | BPF_ABS, entry.offset, 0, 0);
	return entry;
}

static uint32_t rule_entry(struct program *p, const struct arg_rule *rule, bool watched)
{
	struct entry next = { .at = 0 };

	for (size_t i = 0; i < p->rules_len; i++)
		if (p->rules[i].rule == rule)
			return p->rules[i].at;

	next.at = leaf(p, effective(p->policy, rule->otherwise, watched));
	for (size_t i = effective_clauses(p->policy, rule); i > 0; i--) {
		const struct arg_clause *clause = &rule->clauses[i - 1];
		struct entry yes = { .at = leaf(p, effective(p->policy, clause->action, watched)) };
		size_t tests = 0;

		while (tests < ARG_TESTS_MAX && clause->tests[tests].mask)
			tests++;
		for (; tests > 0; tests--)
			yes = emit_test(p, &clause->tests[tests - 1], &yes, &next);
		next = yes;
	}
	if (p->rules_len < RULES_MAX) {
		p->rules[p->rules_len].rule = rule;
		p->rules[p->rules_len++].at = next.at;
	}
	return next.at;
}

static uint32_t outcome_entry(struct program *p, const struct outcome *outcome)
{
	return outcome->rule ? rule_entry(p, outcome->rule, outcome->watched)
			     : leaf(p, outcome->action);
}

/*** Numbers ***/

static bool is_same(const struct outcome *a, const struct outcome *b)
{
	return a->rule == b->rule && a->watched == b->watched &&
	       (a->rule || a->action == b->action);
}

static void add_range(struct program *p, uint32_t from, struct outcome outcome)
{
	if (p->ranges_len && is_same(&p->ranges[p->ranges_len - 1].outcome, &outcome))
		return;
	p->ranges[p->ranges_len++] = (struct range){ from, outcome };
}

static struct outcome call_outcome(const struct bpf_policy *policy, const struct bpf_call *call)
{
	uint32_t action = call->rule ? call->rule->otherwise : call->action;

	if (!call->rule || effective_clauses(policy, call->rule) == 0)
		return (struct outcome){ .action = effective(policy, action, call->watched) };
	return (struct outcome){ .rule = call->rule, .watched = call->watched };
}

static int make_ranges(struct program *p)
{
	const struct bpf_policy *policy = p->policy;
	const struct outcome unknown = { .action = policy->unknown_action };
	uint64_t next = 0; /* the lowest number not placed yet */

	if (policy->len > BPF_CALLS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < policy->len; i++) {
		const struct bpf_call *call = &policy->calls[i];

		if (call->nr < next || (policy->foreign_from && call->nr >= policy->foreign_from))
			return -EINVAL;
		if (call->nr > next)
			add_range(p, (uint32_t)next, unknown);
		add_range(p, call->nr, call_outcome(policy, call));
		next = (uint64_t)call->nr + 1;
	}
	if (next <= UINT32_MAX)
		add_range(p, (uint32_t)next, unknown);
	if (policy->foreign_from) {
		add_range(p, policy->foreign_from,
			  (struct outcome){ .action = policy->foreign_action });
		add_range(p, UINT32_MAX, unknown);
	}
	return 0;
}

static bool is_single(const struct program *p, size_t i)
{
	return i + 1 < p->ranges_len ? p->ranges[i + 1].from == p->ranges[i].from + 1
				     : p->ranges[i].from == UINT32_MAX;
}

static void make_spans(struct program *p)
{
	for (size_t i = 0; i < p->ranges_len;) {
		struct span *span = &p->spans[p->spans_len++];

		*span = (struct span){ p->ranges[i].from, (uint32_t)i, 1 };
		while (span->ranges < 2 * EXCEPTIONS_MAX && i + span->ranges + 1 < p->ranges_len &&
		       is_single(p, i + span->ranges) &&
		       is_same(&p->ranges[i + span->ranges + 1].outcome, &p->ranges[i].outcome))
			span->ranges += 2;
		i += span->ranges;
	}
}

static uint32_t emit_span(struct program *p, const struct span *span)
{
	const struct range *ranges = &p->ranges[span->first];
	uint32_t at = outcome_entry(p, &ranges[0].outcome);

	for (uint32_t i = span->ranges; i > 1; i -= 2) {
		uint32_t odd = outcome_entry(p, &ranges[i - 2].outcome);

		at = emit_jump(p, BPF_JEQ, ranges[i - 2].from, odd, at);
	}
	return at;
}

static uint32_t weight_before(uint32_t number)
{
	return number < NUMBERS_IN_USE ? number : NUMBERS_IN_USE;
}

/* The search among spans[low] to spans[high - 1]. Depth is at most that of 512 numbers. */
static uint32_t emit_search(struct program *p, size_t low, size_t high)
{
	size_t split = low + 1;
	uint32_t begin, end, right, left;

	if (high - low == 1)
		return emit_span(p, &p->spans[low]);

	begin = weight_before(p->spans[low].from);
	end = high < p->spans_len ? weight_before(p->spans[high].from) : NUMBERS_IN_USE;
	while (split + 1 < high && weight_before(p->spans[split].from) < begin + (end - begin) / 2)
		split++;
	right = emit_search(p, split, high);
	left = emit_search(p, low, split);
	return emit_jump(p, BPF_JGE, p->spans[split].from, right, left);
}

/* All sub-programs go to the end, before the search that refers to them. */
static void emit_rules(struct program *p)
{
	for (size_t i = p->ranges_len; i > 0; i--)
		(void)outcome_entry(p, &p->ranges[i - 1].outcome);
}

int bpf_compile(const struct bpf_policy *policy, struct sock_filter *buf, size_t size)
{
	struct program p = { .policy = policy, .buf = buf, .size = size };
	uint32_t search, number, foreign;
	int r;

	if (size == 0)
		return -E2BIG;
	r = make_ranges(&p);
	if (r < 0)
		return r;
	make_spans(&p);
	emit_rules(&p);
	search = emit_search(&p, 0, p.spans_len);
	if (search != p.len)
		(void)emit(&p, BPF_JMP | BPF_JA, p.len - search, 0, 0);
	number = emit(&p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	foreign = leaf(&p, policy->foreign_action);
	(void)emit_jump(&p, BPF_JEQ, policy->audit_arch, number, foreign);
	(void)emit(&p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	if (p.full || p.len > BPF_MAXINSNS)
		return -E2BIG;
	memmove(buf, buf + (size - p.len), p.len * sizeof *buf);
	return (int)p.len;
}

void bpf_silence(struct sock_filter *insns, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct sock_filter *insn = &insns[i];
		uint32_t data = insn->k & SECCOMP_RET_DATA;

		if (insn->code == (BPF_RET | BPF_K) && data &&
		    (insn->k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			insn->k = insn->k == BPF_WATCHED ? SECCOMP_RET_ALLOW
							 : SECCOMP_RET_ERRNO | data;
	}
}

/*** Running ***/

uint32_t bpf_run(const struct sock_filter *insns, const struct seccomp_data *data,
		 unsigned *ret_steps)
{
	uint32_t a = 0;
	unsigned steps = 0;

	for (const struct sock_filter *insn = insns;; insn++) {
		bool is_true;

		steps++;
		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + insn->k, sizeof a);
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= insn->k;
			continue;
		case BPF_JMP | BPF_JA:
			insn += insn->k;
			continue;
		case BPF_RET | BPF_K:
			if (ret_steps)
				*ret_steps = steps;
			return insn->k;
		case BPF_JMP | BPF_JEQ | BPF_K:
			is_true = a == insn->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			is_true = a > insn->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			is_true = a >= insn->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			is_true = a & insn->k;
			break;
		default:
			return SECCOMP_RET_KILL_PROCESS; /* not made by us */
		}
		insn += is_true ? insn->jt : insn->jf;
	}
}
