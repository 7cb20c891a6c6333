/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From findings to a proposed profile: see propose.h. (As text: propose_text.c) */
#include "learn/propose.h"

#include <fnmatch.h>
#include <string.h>

#include "box/protect/protect_rules.h"
#include "learn/collapse.h"
#include "policy/paths.h"
#include "policy/units.h"
#include "policy/words.h"

enum {
	HTTPS_PORT = 443,
};

struct work {
	struct arena *arena;
	const struct findings *findings;
	granted_fn granted;
	void *context;
	struct proposal *proposal;
};

static void add(const struct work *work, const char *section, const char *key, bool is_list,
		const char *value, const char *why)
{
	struct proposal *proposal = work->proposal;

	proposal->items = arena_grow(work->arena, proposal->items, proposal->len, &proposal->cap,
				     sizeof *proposal->items);
	proposal->items[proposal->len++] =
		(struct proposed){ section, key, is_list, value, why, NULL };
}

static void add_paths(const struct work *work, const char *key, const struct wanted_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct wanted *item = &list->items[i];

		add(work, "files", key, true,
		    place_text(work->arena, &work->findings->places, item->path), item->why);
		work->proposal->items[work->proposal->len - 1].path =
			item->is_whole ? item->path : NULL;
	}
}

static void refuse_path(const struct work *work, const char *key, const char *path, const char *why)
{
	lack_add(work->arena, &work->proposal->refused,
		 arena_printf(work->arena, "files.%s: %s", key,
			      place_text(work->arena, &work->findings->places, path)),
		 why);
}

/* Why no profile can grant it; names come from the payload. */
static const char *name_why(struct arena *arena, const char *path)
{
	const char *why = path_why_no_source(path);

	if (!why)
		why = path_why_no_place(path);
	if (!why && strcmp(word_printable(arena, path), path) != 0)
		why = "a profile cannot have such a name; rename it";
	return why;
}

/*** What is written ***/

/* The grant that a change takes, as of a directory or of the file alone; NULL path: none. */
static struct wanted wanted_write(struct arena *arena, const struct learn_places *places,
				  const struct seen *seen)
{
	struct wanted wanted = { .path = seen->path, .is_whole = seen->is_dir, .files = 1 };

	if (!(seen->how & (SEEN_CHANGE | SEEN_MAKE)) || place_is_byproduct(seen->path) ||
	    place_is_private(places, seen->path, seen->how & SEEN_MAKE)) {
		wanted.path = NULL;
		return wanted;
	}
	if (seen->how & SEEN_MAKE) {
		wanted.path = place_parent(arena, seen->path);
		wanted.is_whole = true;
		wanted.why =
			arena_printf(arena, "%s is made or removed", strrchr(seen->path, '/') + 1);
	} else {
		wanted.why = "changed";
	}
	return wanted;
}

bool findings_change_work(struct arena *arena, const struct findings *findings)
{
	const struct learn_places *places = &findings->places;

	if (place_is_broad(places, places->cwd))
		return false;
	for (size_t i = 0; i < findings->seen.len; i++) {
		struct wanted wanted = wanted_write(arena, places, &findings->seen.items[i]);

		if (wanted.path && wanted.is_whole && strcmp(wanted.path, places->cwd) == 0)
			return true;
	}
	return false;
}

static bool matches(const char *path, const struct strv *patterns)
{
	char name[256];

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len < sizeof name) {
			memcpy(name, path, len);
			name[len] = '\0';
			for (size_t i = 0; i < patterns->len; i++) {
				if (fnmatch(patterns->items[i], name, 0) == 0)
					return true;
			}
		}
		path += len + (path[len] == '/');
	}
	return false;
}

bool findings_touch(struct arena *arena, const struct findings *findings,
		    const struct strv *patterns)
{
	const struct learn_places *places = &findings->places;

	for (size_t i = 0; i < findings->names.len; i++) {
		if (matches(findings->names.items[i], patterns))
			return true;
	}
	for (size_t i = 0; i < findings->seen.len; i++) {
		const struct seen *seen = &findings->seen.items[i];

		if (wanted_write(arena, places, seen).path &&
		    path_is_below(seen->path, places->cwd) &&
		    matches(path_rest(seen->path, places->cwd), patterns))
			return true;
	}
	return false;
}

/* The first names of several, and how many more: for the comment of a directory. */
static void join_reasons(struct arena *arena, struct wanted_list *list)
{
	enum {
		NAMES_MAX = 3
	};
	static const char made[] = " is made or removed";

	for (size_t i = 0; i < list->len; i++) {
		struct wanted *first = &list->items[i];
		char *names = arena_strdup(arena, "");
		size_t count = 0;

		for (size_t j = 0; j < list->len; j++) {
			const struct wanted *other = &list->items[j];

			if (!other->is_whole || strcmp(other->path, first->path) != 0 ||
			    !strstr(other->why, made))
				continue;
			if (count < NAMES_MAX)
				names = arena_printf(arena, "%s%s%.*s", names, count ? ", " : "",
						     (int)(strlen(other->why) - strlen(made)),
						     other->why);
			count++;
		}
		if (count > 1 && first->is_whole)
			first->why =
				count > NAMES_MAX
					? arena_printf(arena, "%s and %zu more are made or removed",
						       names, count - NAMES_MAX)
					: arena_printf(arena, "%s are made or removed", names);
	}
}

/* Which program's things the box's own home takes. */
static void tell_forgotten(const struct work *work, const struct seen *seen)
{
	const struct learn_places *places = &work->findings->places;

	if (!(seen->how & (SEEN_CHANGE | SEEN_MAKE)) || !path_is_below(seen->path, places->home) ||
	    !place_is_private(places, seen->path, seen->how & SEEN_MAKE))
		return;
	const char *rest = path_rest(seen->path, places->home);
	char *first = arena_strndup(work->arena, rest, strcspn(rest, "/"));
	refuse_path(work, "write", path_join(work->arena, places->home, first),
		    "the box's own home takes what is written there, and forgets it");
}

static bool lies_in(const struct wanted_list *list, const char *path)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct wanted *item = &list->items[i];

		if (strcmp(item->path, path) == 0 ||
		    (item->is_whole && path_is_below(path, item->path)))
			return true;
	}
	return false;
}

/*
 * Whoever writes to a repository can plant what git runs by itself. A run that kept to what
 * files.protect leaves to git does not need that.
 */
static void propose_protection(const struct work *work, const struct wanted_list *writes)
{
	static const char *const names[] = { ".git" };
	static const struct rules rules = { .names = names, .names_len = 1, .has_git = true };
	static char *patterns[] = { (char *)".git" };
	static const struct strv made = { patterns, 1, 1 };
	const struct findings *findings = work->findings;
	bool is_in_repository = false;

	for (size_t i = 0; i < findings->seen.len; i++) {
		const struct seen *seen = &findings->seen.items[i];
		const struct rules_path path = { "/", seen->path + 1, seen->path, false };

		if (!(seen->how & (SEEN_CHANGE | SEEN_MAKE)) || !lies_in(writes, seen->path) ||
		    !matches(seen->path, &made))
			continue;
		if (!rules_allow(&rules, &path, seen->is_dir ? CHANGE_MKDIR : CHANGE_WRITE))
			return;
		is_in_repository = true;
	}
	for (size_t i = 0; i < findings->names.len; i++) {
		if (matches(findings->names.items[i], &made))
			return;
	}
	if (is_in_repository)
		add(work, "files", "protect", true, ".git",
		    "what git runs by itself stays as it is");
}

static void propose_writes(const struct work *work, struct wanted_list *ret_writes)
{
	const struct findings *findings = work->findings;
	const struct learn_places *places = &findings->places;
	struct wanted_list writes = { 0 };

	for (size_t i = 0; i < findings->seen.len; i++) {
		const struct seen *seen = &findings->seen.items[i];
		struct wanted wanted = wanted_write(work->arena, places, seen);

		if (!wanted.path)
			tell_forgotten(work, seen);
		if (!wanted.path || work->granted(work->context, seen->path).write)
			continue;
		const char *why = sensitive_why(places, seen->path);
		if (!why)
			why = name_why(work->arena, wanted.path);
		if (!why && wanted.is_whole && place_is_broad(places, wanted.path))
			why = "the directory holds more than this command's things; make one for "
			      "them and grant that";
		if (why)
			refuse_path(work, "write", seen->path, why);
		else
			wanted_add(work->arena, &writes, &wanted);
	}
	join_reasons(work->arena, &writes);
	wanted_collapse(work->arena, places, &writes);
	add_paths(work, "write", &writes);
	propose_protection(work, &writes);
	*ret_writes = writes;
}

/*** What is read ***/

/*
 * Python lists the directories that it looks for modules in: of itself that is no reason to
 * grant all that is there.
 */
static bool is_import(const struct work *work, const struct seen *seen)
{
	const struct findings *findings = work->findings;

	for (size_t i = 0; findings->ran_python && i < findings->seen.len; i++) {
		const struct seen *other = &findings->seen.items[i];
		size_t len = strlen(other->path);

		if (!other->is_dir && len > 3 && strcmp(other->path + len - 3, ".py") == 0 &&
		    path_is_below(other->path, seen->path))
			return true;
	}
	return false;
}

/* A directory that the box has anyway, with less in it. */
static bool is_on_the_way(const struct learn_places *places, const char *path)
{
	return strcmp(path, "/") == 0 || strcmp(path, "/tmp") == 0 ||
	       path_is_below(places->cwd, path) || path_is_below(places->home, path);
}

static void want_read(const struct work *work, const struct seen *seen, struct wanted_list *reads)
{
	const struct learn_places *places = &work->findings->places;
	struct wanted wanted = { .path = seen->path,
				 .why = (seen->how & SEEN_EXECUTE) ? "executed"
					: seen->is_dir		   ? "listed"
								   : "read",
				 .is_whole = seen->is_dir,
				 .files = 1 };

	const char *why = sensitive_why(places, seen->path);
	/* What is missing there is made again. */
	if (!why && (place_is_byproduct(seen->path) ||
		     path_is_within(seen->path, path_join(work->arena, places->home, ".cache"))))
		return;
	if (!why)
		why = name_why(work->arena, seen->path);
	if (!why && seen->is_dir && place_is_broad(places, seen->path)) {
		if (is_on_the_way(places, seen->path))
			return;
		why = "it was listed, and holds more than this command's things";
	}
	if (why)
		refuse_path(work, "read", seen->path, why);
	else
		wanted_add(work->arena, reads, &wanted);
}

static void propose_reads(const struct work *work, const struct wanted_list *writes,
			  struct wanted_list *ret_reads)
{
	const struct findings *findings = work->findings;
	struct wanted_list reads = { 0 };

	for (size_t i = 0; i < findings->seen.len; i++) {
		const struct seen *seen = &findings->seen.items[i];

		if (!(seen->how & (SEEN_READ | SEEN_EXECUTE | SEEN_LIST)) ||
		    (seen->is_dir && is_import(work, seen)))
			continue;
		/* What is secret is told, also where a grant would show it: then it is hidden. */
		if (sensitive_why(&findings->places, seen->path) ||
		    (!lies_in(writes, seen->path) &&
		     !work->granted(work->context, seen->path).read))
			want_read(work, seen, &reads);
	}
	wanted_collapse(work->arena, &findings->places, &reads);
	add_paths(work, "read", &reads);
	*ret_reads = reads;
}

static bool leads_to(const struct wanted_list *list, const char *directory)
{
	for (size_t i = 0; i < list->len; i++) {
		if (path_is_within(list->items[i].path, directory) ||
		    path_is_within(directory, list->items[i].path))
			return true;
	}
	return false;
}

/* Paths that were written relative to it would lead elsewhere from the box's home. */
static void propose_start(const struct work *work, const struct wanted_list *writes,
			  const struct wanted_list *reads)
{
	const struct learn_places *places = &work->findings->places;

	if (writes->len + reads->len > 0 && strcmp(places->cwd, places->home) != 0 &&
	    !leads_to(writes, places->cwd) && !leads_to(reads, places->cwd) &&
	    !work->granted(work->context, places->cwd).read)
		add(work, "files", "tmpfs", true, ".", "the command starts here");
}

/* A directory is granted with what nobody asked for in it. */
static void propose_hides(const struct work *work, const struct wanted_list *writes,
			  const struct wanted_list *reads)
{
	const struct findings *findings = work->findings;

	const struct learn_places *places = &findings->places;
	struct wanted_list hides = { 0 };

	for (size_t i = 0; i < findings->secrets->len + findings->seen.len; i++) {
		const struct seen *seen =
			i < findings->secrets->len
				? NULL
				: &findings->seen.items[i - findings->secrets->len];
		const char *path = seen ? seen->path : findings->secrets->items[i];
		struct wanted hide = { .path = path,
				       .why = sensitive_why(places, path),
				       .is_whole = true };

		/* What no profile can name goes with the directory it is in. */
		while (hide.why && hide.path[1] && name_why(work->arena, hide.path))
			hide.path = place_parent(work->arena, hide.path);
		/* The command's own is none; of the system, what is secret only root can read. */
		if (!hide.why || (seen && seen->how & SEEN_MAKE) ||
		    !(path_is_within(path, places->home) || path_is_within(path, places->cwd)))
			continue;
		if (lies_in(writes, path) || lies_in(reads, path) ||
		    work->granted(work->context, path).read)
			wanted_add(work->arena, &hides, &hide);
	}
	wanted_settle(&hides);
	for (size_t i = 0; i < hides.len; i++)
		add(work, "files", "hide", true,
		    place_text(work->arena, places, hides.items[i].path), hides.items[i].why);
}

/*** Programs, variables, hosts ***/

static void propose_programs(const struct work *work)
{
	const struct findings *findings = work->findings;

	for (size_t i = 0; !findings->programs_why && i < findings->programs.len; i++)
		add(work, NULL, "exec", true, findings->programs.items[i],
		    i == 0 ? "the command" : "executed");
}

static void propose_variables(const struct work *work)
{
	const struct findings *findings = work->findings;

	for (int set = 0; set < 2; set++) {
		for (size_t i = 0; i < findings->variables.len; i++) {
			const char *variable = findings->variables.items[i];

			if (!!strchr(variable, '=') == set)
				add(work, "env", set ? "set" : "pass", true, variable,
				    findings->variables_why.items[i]);
		}
	}
}

static void propose_hosts(const struct work *work)
{
	const struct findings *findings = work->findings;

	for (size_t i = 0; i < findings->hosts_len; i++) {
		const struct seen_host *host = &findings->hosts[i];
		const char *name = strchr(host->host, ':')
					   ? arena_printf(work->arena, "[%s]", host->host)
					   : host->host;

		if (host->port != HTTPS_PORT)
			name = arena_printf(work->arena, "%s:%u", name, host->port);
		add(work, "network", "hosts", true, name,
		    host->count == 1 ? "a connection"
				     : arena_printf(work->arena, "%llu connections",
						    (unsigned long long)host->count));
	}
	for (size_t i = 0; i < findings->private_hosts.len; i++)
		add(work, "network", "private", true, findings->private_hosts.items[i].text,
		    "given on the command line of learn, and reached");
}

/*** Limits ***/

static uint64_t power_of_two(uint64_t value)
{
	uint64_t power = 1;

	while (power < value && power < (uint64_t)1 << 62)
		power <<= 1;
	return power;
}

/* Round figures: runs that differ a little get the same limit. */
static uint64_t round_time(uint64_t ms)
{
	static const uint64_t seconds[] = { 1,	 2,   5,    10,	  20,	30,    60,    120,  300,
					    600, 900, 1800, 3600, 7200, 14400, 28800, 86400 };

	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
		if (ms <= seconds[i] * 1000)
			return seconds[i] * 1000;
	}
	return ms;
}

static void add_limit(const struct work *work, const char *key, uint64_t peak, uint64_t limit,
		      uint64_t there, bool is_time)
{
	char peak_text[32], text[32];

	/* LIMIT_NONE and LIMIT_UNSET are the largest of all. */
	if (work->findings->is_update ? peak <= there : limit >= there)
		return;
	if (is_time) {
		units_format_time(peak, peak_text, sizeof peak_text);
		units_format_time(limit, text, sizeof text);
	} else {
		units_format_size(peak, peak_text, sizeof peak_text);
		units_format_size(limit, text, sizeof text);
	}
	add(work, "limits", key, false, arena_strdup(work->arena, text),
	    arena_printf(work->arena, "no more than %s was used", peak_text));
}

static void add_size(const struct work *work, const char *key, uint64_t peak, uint64_t least,
		     uint64_t there)
{
	enum {
		HEAD_ROOM = 4
	};
	uint64_t rounded = power_of_two(peak);
	uint64_t limit = rounded * HEAD_ROOM;

	add_limit(work, key, rounded, limit > least ? limit : least, there, false);
}

static void add_time(const struct work *work, const char *key, uint64_t peak, uint64_t there)
{
	enum {
		HEAD_ROOM = 8
	};
	uint64_t rounded = round_time(peak);

	add_limit(work, key, rounded, round_time(rounded * HEAD_ROOM), there, true);
}

static void propose_limits(const struct work *work)
{
	static const uint64_t mib = 1 << 20;
	const struct peaks *peaks = &work->findings->peaks;
	const struct limits *there = &work->findings->limits;

	if (peaks->memory)
		add_size(work, "memory", peaks->memory, 256 * mib, there->memory);
	add_time(work, "cpu", peaks->cpu_ms, there->cpu_ms);
	add_time(work, "wall", peaks->wall_ms, there->wall_ms);
	if (peaks->processes)
		add_size(work, "processes", peaks->processes, 32, there->processes);
	if (peaks->written)
		add_size(work, "tmp", peaks->written, 64 * mib, there->tmp);
	if (peaks->largest)
		add_size(work, "file_size", peaks->largest, 64 * mib, there->file_size);
	if (peaks->output)
		add_size(work, "output", peaks->output, mib, there->output);
}

void propose(struct arena *arena, const struct findings *findings, granted_fn granted,
	     void *context, struct proposal *ret)
{
	const struct work work = { arena, findings, granted, context, ret };
	struct wanted_list writes, reads;

	memset(ret, 0, sizeof *ret);
	for (size_t i = 0; i < findings->refused.len; i++)
		lack_add(arena, &ret->refused, findings->refused.items[i].what,
			 findings->refused.items[i].why);
	propose_writes(&work, &writes);
	propose_reads(&work, &writes, &reads);
	propose_start(&work, &writes, &reads);
	propose_hides(&work, &writes, &reads);
	propose_programs(&work);
	propose_variables(&work);
	propose_hosts(&work);
	propose_limits(&work);
}
