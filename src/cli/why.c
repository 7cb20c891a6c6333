/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aisbx why: one question to the plan that run would make, its answer with the
 * line that decides, and what to write to have it otherwise. Nothing is run
 * and no name is looked up.
 */
#include "cli/why.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box/seccomp/syscall_names.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "policy/source.h"
#include "policy/words.h"
#include "policy/yaml.h"
#include "report/json.h"

enum {
	EXIT_REFUSED = 1,
};

int why_decide(struct why *why, bool allowed, const char *by, const char *reason)
{
	why->answer->allowed = allowed;
	why->answer->by = by && strcmp(by, "aisbx") != 0 ? by : NULL;
	why->answer->reason = reason;
	return 0;
}

void why_offer(struct why *why, const char *option, const char *key, const char *value)
{
	why->answer->option = option;
	why->answer->key = key;
	why->answer->value = value;
}

/*** Where a word was written ***/

static const struct node *value_of(const struct node *mapping, const char *key, size_t len)
{
	const struct node *at = mapping && mapping->kind == NODE_MAPPING ? mapping->first : NULL;

	for (; at && at->next; at = at->next->next) {
		if (at->text && strlen(at->text) == len && memcmp(at->text, key, len) == 0)
			return at->next;
	}
	return NULL;
}

static const struct node *find_word(const struct node *root, const char *key, const char *word)
{
	const char *dot = strchr(key, '.');
	const struct node *value = value_of(root, key, dot ? (size_t)(dot - key) : strlen(key));

	if (dot)
		value = value_of(value, dot + 1, strlen(dot + 1));
	const struct node *item = value && value->kind == NODE_LIST ? value->first : value;
	for (; item; item = value == item ? NULL : item->next) {
		if (item->kind == NODE_SCALAR && strcmp(item->text, word) == 0)
			return item;
	}
	return NULL;
}

/* Lists of words do not keep where each was written: the texts are read once more. */
const char *why_origin(const struct why *why, const char *key, const char *word)
{
	const char *first = why->options->profile ? why->options->profile : "default";
	const struct strv *extends = &why->profile->extends;

	for (size_t i = 0; i <= extends->len; i++) {
		const char *name = i < extends->len ? extends->items[i] : first, *ignored;
		struct source source;
		struct yaml_tree tree;

		if (strcmp(name, "-") == 0)
			return "standard input"; /* it was read, and all others before it */
		if (source_find(why->arena, name, &source, &ignored) < 0)
			continue;
		yaml_tree_read(why->arena, source.text, source.len, &tree);
		const struct node *node = find_word(tree.root, key, word);
		struct origin at = { source.label, node ? node->line : 0, node ? node->column : 0 };
		if (node)
			return origin_text(why->arena, &at);
	}
	return "command line";
}

/*** Hosts ***/

static void offer_host(struct why *why, const struct host_grant *asked, bool is_private)
{
	const char *host = host_grant_host(why->arena, asked);
	const char *ports = host_grant_ports(why->arena, asked, 0);
	bool is_default = asked->ports[0].first == 443 && host[0] != '[';

	why_offer(why, is_private ? "--allow-private-host" : "--allow-host",
		  is_private ? "network: {private: [%s]}" : "network: {hosts: [%s]}",
		  is_default ? host : arena_printf(why->arena, "%s:%s", host, ports));
}

static int answer_name(struct why *why, const struct host_grant *asked)
{
	const struct host_grants *grants = &why->plan->network.grants;
	const struct host_grant *grant =
		hosts_find_name(grants, asked->name, asked->ports[0].first);
	const char *shown = grant ? host_grant_host(why->arena, grant) : NULL;

	const char *gateway =
		hosts_find_name(&why->plan->gateway.hosts, asked->name, asked->ports[0].first)
			? "; what it is sent is held to network.http and secrets"
			: "";
	if (grant)
		return why_decide(why, true, grant->why,
				  arena_printf(why->arena, "'%s' is granted, %s%s", shown,
					       grant->is_private
						       ? "wherever it is"
						       : "where its address is a public one",
					       gateway));
	offer_host(why, asked, hostname_is_localhost(asked->name));
	for (size_t i = 0; i < grants->len; i++) {
		if (!host_grant_matches(&grants->items[i], asked->name))
			continue;
		offer_host(why, asked, grants->items[i].is_private);
		return why_decide(why, false, grants->items[i].why,
				  arena_printf(why->arena, "'%s' is granted, and not this port",
					       host_grant_host(why->arena, &grants->items[i])));
	}
	return why_decide(why, false, NULL,
			  hostname_is_localhost(asked->name)
				  ? "no grant names it; in the box it is the box itself"
				  : "no grant names it");
}

static int answer_address(struct why *why, const struct host_grant *asked)
{
	const struct host_grant *grant =
		hosts_find_address(&why->plan->network.grants, &asked->net, asked->ports[0].first);
	enum address_class class = address_class(&asked->net);

	if (grant && host_permits(grant, &asked->net))
		return why_decide(why, true, grant->why,
				  arena_printf(why->arena, "'%s' is granted",
					       host_grant_host(why->arena, grant)));
	offer_host(why, asked, class != ADDRESS_PUBLIC);
	if (grant)
		return why_decide(why, false, grant->why,
				  arena_printf(why->arena,
					       "'%s' is granted, and this address is none of the "
					       "internet's",
					       host_grant_host(why->arena, grant)));
	return why_decide(why, false, NULL,
			  class == ADDRESS_LOOPBACK
				  ? "no grant names it; in the box it is the box itself"
				  : "no grant names it");
}

static int ask_host(struct why *why, const char *text, struct err *reterr)
{
	struct host_grant asked = { 0 };
	const char *wrong = NULL;

	if (host_grant_parse(why->arena, text, true, &asked, &wrong) < 0)
		return err_msg(reterr, E_USAGE, "option '--host': %s", wrong);
	if (asked.kind == HOST_SUBDOMAINS || (asked.kind == HOST_NET && asked.prefix_len < 128) ||
	    asked.ports_len != 1 || asked.ports[0].first != asked.ports[0].last)
		return err_msg(reterr, E_USAGE,
			       "option '--host': %s is more than one; ask for one host and port",
			       word_quote(why->arena, text));
	why->answer->access = "reach";
	why->answer->what = arena_printf(why->arena, "%s:%d", host_grant_host(why->arena, &asked),
					 asked.ports[0].first);
	return asked.kind == HOST_NET ? answer_address(why, &asked) : answer_name(why, &asked);
}

/*** System calls ***/

static int ask_syscall(struct why *why, const char *call, struct err *reterr)
{
	const struct syscall_set *set = syscall_set_of(call);
	const struct profile *profile = why->profile;
	const char *wrong = call[0] == '@' ? "a set; ask for one call of it" : NULL;

	if (!set && !wrong)
		wrong = syscall_check_deny(why->arena, call);
	if (wrong)
		return err_msg(reterr, E_USAGE, "option '--syscall': %s", wrong);
	why->answer->access = "call";
	why->answer->what = call;
	if (syscall_number(CPU_NATIVE, call) < 0)
		return why_decide(why, false, NULL, "this machine's kernels do not have it");
	const char *word = syscall_naming(&profile->syscalls_deny, set, call);
	if (word)
		return why_decide(why, false, why_origin(why, "syscalls.deny", word),
				  arena_printf(why->arena, "syscalls.deny has '%s'", word));
	if (why->plan->has_exec_list && strcmp(call, "memfd_create") == 0)
		return why_decide(
			why, false,
			profile->exec.len ? why_origin(why, "exec", profile->exec.items[0]) : NULL,
			"exec names the programs, and a program in memory has no name");
	if (why->plan->limits.cpus != LIMIT_NONE && strcmp(call, "sched_setaffinity") == 0)
		return why_decide(why, false, NULL, "limits.cpus may be held by it");
	const char *rule = syscall_rule_why(call);
	if (why->plan->limits.disk != LIMIT_NONE && strcmp(call, "fallocate") == 0)
		rule = "limits.disk counts what is written, and not the room that this gives";
	if (syscall_set_is_allowed(set))
		return why_decide(
			why, true, NULL,
			rule ? arena_printf(why->arena,
					    "every box may, but some arguments are refused: %s",
					    rule)
			     : "every box may");
	word = syscall_naming(&profile->syscalls_allow, set, call);
	if (word)
		return why_decide(why, true, why_origin(why, "syscalls.allow", word),
				  arena_printf(why->arena, "syscalls.allow has '%s'", word));
	if (set->freedom != FREEDOM_REFUSED)
		why_offer(why, "--allow-syscall", "syscalls: {allow: [%s]}", call);
	return why_decide(why, false, NULL, set->why);
}

/*** Output ***/

/* A value as a word of a profile. */
static const char *profile_text(const struct why *why)
{
	const struct answer *answer = why->answer;
	const char *value = answer->value;
	char *quoted;

	if (value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				"/._-")]) {
		json_t *text = json_text(value);

		quoted = json_dumps(text, JSON_ENCODE_ANY); /* JSON is YAML */
		json_decref(text);
		value = arena_strdup(why->arena, quoted ? quoted : "");
		free(quoted);
	}
	const char *slot = strstr(answer->key, "%s");
	return arena_printf(why->arena, "%.*s%s%s", (int)(slot - answer->key), answer->key, value,
			    slot + 2);
}

static int print_json(const struct why *why)
{
	const struct answer *answer = why->answer;
	json_t *object = json_pack("{s:i, s:b, s:s, s:o, s:o, s:o}", "version", 1, "allowed",
				   (int)answer->allowed, "access", answer->access, "what",
				   json_text(answer->what), "reason", json_text(answer->reason),
				   "by", json_text_or_null(answer->by));
	const char *grant = answer->option ? arena_printf(why->arena, "%s %s", answer->option,
							  word_shell(why->arena, answer->value))
					   : NULL;

	json_object_set_new(object, "grant", json_text_or_null(grant));
	json_object_set_new(object, "profile", grant ? json_text(profile_text(why)) : json_null());
	int r = json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
	return r < 0 || putchar('\n') == EOF ? -EIO : 0;
}

static int print_text(const struct why *why)
{
	const struct answer *answer = why->answer;
	struct arena *arena = why->arena;

	printf("%s: %s %s: %s", answer->allowed ? "allowed" : "refused", answer->access,
	       word_printable(arena, answer->what), word_printable(arena, answer->reason));
	if (answer->by)
		printf(" (%s)", word_printable(arena, answer->by));
	putchar('\n');
	if (answer->option)
		printf("allow with %s %s, or in a profile with %s\n", answer->option,
		       word_printable(arena, word_shell(arena, answer->value)),
		       word_printable(arena, profile_text(why)));
	return 0;
}

/*** Command ***/

static int ask(struct why *why, struct err *reterr)
{
	const struct options *options = why->options;

	if (!!options->path + !!options->host + !!options->syscall != 1)
		return err_msg(reterr, E_USAGE,
			       "ask one question; write --path PATH, --host HOST[:PORT] or "
			       "--syscall NAME");
	if (options->write && !options->path)
		return err_msg(reterr, E_USAGE,
			       "option '--write' is about a path; add --path PATH");
	return options->path   ? why_path(why, options->path)
	       : options->host ? ask_host(why, options->host, reterr)
			       : ask_syscall(why, options->syscall, reterr);
}

int cmd_why(int argc, char **argv)
{
	struct arena arena = { 0 };
	struct options options;
	struct hostfacts facts;
	struct profile profile;
	struct plan plan;
	struct answer answer = { 0 };
	struct why why = { &arena, &options, &profile, &plan, &answer };
	struct err err;

	if (hostfacts_read(&arena, environ, &facts, &err) < 0 ||
	    options_parse(&arena, argc, argv, FOR_WHY, &options, &err) < 0 ||
	    load_plan(&arena, &options, &facts, &profile, &plan, &err) < 0 || ask(&why, &err) < 0)
		return print_failure(&err);
	int r = options.json ? print_json(&why) : print_text(&why);
	int status = r < 0 ? EXIT_AISBX : answer.allowed ? 0 : EXIT_REFUSED;
	arena_free(&arena);
	return status;
}
