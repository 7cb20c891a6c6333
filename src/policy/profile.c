/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Profiles from text: see profile.h.
 *
 * Theory of operation: a load reads one profile, walks its tree in the order of
 * the file and applies each value through the schema. On an entry of "extends"
 * it first loads that profile, so that everything extended is in the result
 * before the profile's own layer is laid on top. A profile in the chain that
 * leads here is a loop; one that was merged before is left out.
 *
 * The shipped profiles were loaded this way when aisbx was built (shipped.h). A
 * load of one copies that, unless a file takes the place of a text it was made of.
 */
#include "policy/profile.h"

#include <errno.h>
#include <sha2.h>
#include <string.h>
#include <sys/types.h>

#include "policy/item_specs.h"
#include "policy/schema.h"
#include "policy/shipped.h"
#include "policy/source.h"
#include "policy/words.h"
#include "policy/yaml.h"

enum {
	EXTENDS_DEPTH = 16,
};

/* One profile being loaded, or loaded. */
struct layer {
	struct source source;
	struct profile profile;	      /* its own keys only */
	const struct layer *extender; /* that led here, NULL for the first */
	struct layer *merged_before;
};

struct load {
	struct arena *arena;
	/* source_find(), or source_find_builtin() to have no files in it */
	int (*find)(struct arena *arena, const char *name, struct source *ret_source,
		    const char **ret_why);
	struct profile result;
	struct complaints *complaints;
	const char *first_complaint;
	struct layer *merged; /* newest first */
	SHA2_CTX sha;
};

/*** Complaints ***/

static void complain(struct load *load, struct origin at, const char *why)
{
	char *message;

	if (at.line)
		message =
			arena_printf(load->arena, "%s:%d:%d: %s", at.file, at.line, at.column, why);
	else if (at.file)
		message = arena_printf(load->arena, "%s: %s", at.file, why);
	else
		message = arena_strdup(load->arena, why);
	if (!load->first_complaint)
		load->first_complaint = message;
	if (load->complaints)
		strv_push(load->arena, &load->complaints->messages, message);
}

static struct origin place_of(const struct layer *layer, const struct node *node)
{
	return (struct origin){ layer->source.label, node->line, node->column };
}

static void complain_at(struct load *load, const struct layer *layer, const struct node *node,
			const char *why)
{
	complain(load, place_of(layer, node), why);
}

/* Reports every problem noted in a part of the tree. Whether there was one. */
static bool complain_below(struct load *load, const struct layer *layer, const struct node *node)
{
	bool is_bad = node && node->problem;

	if (is_bad)
		complain_at(load, layer, node, node->problem);
	for (const struct node *child = node ? node->first : NULL; child; child = child->next)
		is_bad |= complain_below(load, layer, child);
	return is_bad;
}

/*** Extends ***/

static void load_source(struct load *load, struct layer *layer);

static const char *chain_text(struct arena *arena, const struct layer *layer, const char *last)
{
	const char *text = last;

	for (; layer; layer = layer->extender)
		text = arena_printf(arena, "%s extends %s", layer->source.label, text);
	return text;
}

/* Why next cannot be loaded below layer, or NULL. */
static const char *check_chain(struct load *load, const struct layer *layer,
			       const struct source *next)
{
	size_t depth = 1;

	for (const struct layer *above = layer; above; above = above->extender, depth++) {
		if (source_is_same(&above->source, next))
			return arena_printf(load->arena,
					    "a profile that extends itself: %s; take one out",
					    chain_text(load->arena, layer, next->label));
	}
	if (depth > EXTENDS_DEPTH + 1)
		return "more than 16 profiles extend one another; write their grants into fewer";
	return NULL;
}

static bool is_merged(const struct load *load, const struct source *source)
{
	for (const struct layer *layer = load->merged; layer; layer = layer->merged_before) {
		if (source_is_same(&layer->source, source))
			return true;
	}
	return false;
}

/* Loads and merges name on behalf of extender (NULL: the command line). */
static void load_extended(struct load *load, const struct layer *extender, struct origin at,
			  const char *name)
{
	struct layer *layer = arena_alloc(load->arena, sizeof *layer);
	const char *why = NULL;

	layer->extender = extender;
	if (load->find(load->arena, name, &layer->source, &why) == 0)
		why = check_chain(load, extender, &layer->source);
	if (why) {
		complain(load, at, why);
		return;
	}
	if (!is_merged(load, &layer->source))
		load_source(load, layer);
}

/*** Keys ***/

static bool is_home_sign(const struct node *node)
{
	return node->is_plain && strcmp(node->text, "~") == 0;
}

static const char *last_part(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot ? dot + 1 : key;
}

/* One scalar, alone or in a list. Returns whether it was applied. */
static void apply_value(struct load *load, struct layer *layer, const struct setting *setting,
			const struct node *value)
{
	const char *why = NULL;

	if (setting_apply(load->arena, setting, value->text, place_of(layer, value),
			  &layer->profile, &why) < 0)
		complain_at(load, layer, value, why);
	else if (setting->offset == offsetof(struct profile, extends))
		load_extended(load, layer, place_of(layer, value), value->text);
}

/* {host: NAME, tls: any}, {name: NAME, command: [PROGRAM]} */
static void apply_mapping(struct load *load, struct layer *layer, const struct setting *setting,
			  const struct node *item, union item_spec *spec)
{
	const struct node *value, *where;
	const char *why = NULL;
	bool is_fine = true;

	for (const struct node *key = item->first; key && key->next; key = value->next) {
		value = key->next;
		if (complain_below(load, layer, key->problem ? key : value)) {
			is_fine = false;
			continue;
		}
		why = item_spec_read_key(load->arena, setting, key, value, spec, &where);
		if (why)
			complain_at(load, layer, where, why);
		is_fine = is_fine && !why;
	}
	if (is_fine)
		why = item_spec_finish(load->arena, setting, spec, &layer->profile);
	if (is_fine && why)
		complain_at(load, layer, item, why);
}

static void apply_item(struct load *load, struct layer *layer, const struct setting *setting,
		       const struct node *item)
{
	const char *key = setting->key;
	union item_spec spec;

	if (item->problem)
		(void)complain_below(load, layer, item);
	else if (item->kind == NODE_MAPPING &&
		 item_spec_init(setting, place_of(layer, item), &spec))
		apply_mapping(load, layer, setting, item, &spec);
	else if (item->kind != NODE_SCALAR)
		complain_at(load, layer, item,
			    arena_printf(
				    load->arena,
				    "'%s' is a list of words, not of lists or mappings; write [%s]",
				    key, setting->argument));
	else if (is_home_sign(item))
		complain_at(load, layer, item,
			    "~ without quotes means nothing in YAML; write \"~\" for the home "
			    "directory");
	else if (node_is_null(item))
		complain_at(load, layer, item,
			    arena_printf(load->arena,
					 "an empty item in '%s'; write %s, or take it out", key,
					 setting->argument));
	else
		apply_value(load, layer, setting, item);
}

/* A key that takes a list has nothing in it. */
static void apply_nothing(struct load *load, struct layer *layer, const struct setting *setting,
			  const struct node *value)
{
	if (setting->type == SETTING_EXEC)
		layer->profile.exec_set = true; /* an empty list allows nothing */
	if (setting->type == SETTING_ARGV)
		complain_at(
			load, layer, value,
			arena_printf(load->arena,
				     "'%s' names no program; write [PROGRAM, ARG], or leave it out",
				     setting->key));
	if (setting->type == SETTING_KEEP)
		complain_at(load, layer, value,
			    arena_printf(load->arena,
					 "'%s' keeps nothing; write [head, tail], or leave it out",
					 setting->key));
}

static void apply_setting(struct load *load, struct layer *layer, const struct setting *setting,
			  const struct node *key, const struct node *value)
{
	bool is_list = setting_is_list(setting);
	const char *name = last_part(setting->key);

	if (value->problem) {
		(void)complain_below(load, layer, value);
	} else if (value->kind == NODE_MAPPING) {
		complain_at(load, layer, value,
			    arena_printf(load->arena, "'%s' takes no keys; write %s: %s%s%s",
					 setting->key, name, is_list ? "[" : "",
					 setting_sample(setting), is_list ? "]" : ""));
	} else if (value->kind == NODE_LIST && !is_list) {
		complain_at(load, layer, value,
			    arena_printf(load->arena,
					 "'%s' takes one value, not a list; write %s: %s",
					 setting->key, name, setting_sample(setting)));
	} else if (value->kind == NODE_LIST) {
		for (const struct node *item = value->first; item; item = item->next)
			apply_item(load, layer, setting, item);
		if (!value->first)
			apply_nothing(load, layer, setting, value);
	} else if (is_home_sign(value)) {
		apply_item(load, layer, setting, value);
	} else if (!node_is_null(value)) {
		apply_value(load, layer, setting, value);
	} else if (is_list) {
		apply_nothing(load, layer, setting, key);
	} else {
		complain_at(load, layer, key,
			    arena_printf(load->arena,
					 "'%s' has no value; write %s: %s, or leave it out",
					 setting->key, name, setting_sample(setting)));
	}
}

/*** Mappings ***/

/* Whether section is the first part of a key: "limits". */
static bool is_section(const char *section)
{
	size_t len = strlen(section);

	for (size_t i = 0; i < settings_len; i++) {
		if (strncmp(settings[i].key, section, len) == 0 && settings[i].key[len] == '.')
			return true;
	}
	return false;
}

/* The keys that section has ("": the sections and keys of the top), NULL-terminated. */
static const char *const *known_keys(struct arena *arena, const char *section)
{
	struct strv names = { 0 };
	size_t len = strlen(section);

	for (size_t i = 0; i < settings_len; i++) {
		const char *key = settings[i].key;
		char *name;

		if (len > 0 && (strncmp(key, section, len) != 0 || key[len] != '.'))
			continue;
		key += len > 0 ? len + 1 : 0;
		name = arena_strndup(arena, key, strcspn(key, "."));
		/* the table keeps the keys of a section together */
		if (names.len == 0 || strcmp(names.items[names.len - 1], name) != 0)
			strv_push(arena, &names, name);
	}
	return (const char *const *)names.items;
}

/*
 * Where a word that is no key here is one, in words: it may be an option's name,
 * or belong elsewhere. NULL when it is known nowhere.
 */
static const char *key_elsewhere(struct arena *arena, const char *section, const char *word)
{
	const struct setting *setting = setting_by_option(word, strlen(word));
	const char *key, *name;
	size_t section_len;

	for (size_t i = 0; !setting && i < settings_len; i++) {
		if (strcmp(last_part(settings[i].key), word) == 0 ||
		    strcmp(settings[i].key, word) == 0)
			setting = &settings[i];
	}
	if (!setting)
		return NULL;
	key = setting->key;
	name = last_part(key);
	if (name == key)
		return arena_printf(arena, "'%s' outside '%s'", key, section);
	section_len = (size_t)(name - key) - 1;
	if (strlen(section) == section_len && strncmp(key, section, section_len) == 0)
		return arena_printf(arena, "'%s'", name);
	return arena_printf(arena, "'%s' below '%.*s'", name, (int)section_len, key);
}

static void unknown_key(struct load *load, const struct layer *layer, const char *section,
			const struct node *key, const struct node *value)
{
	struct arena *arena = load->arena;
	const char *const *names = known_keys(arena, section);
	const char *nearest = nearest_name(key->text, names), *elsewhere;
	const char *what = arena_printf(arena, "unknown key %s%s%s%s", word_quote(arena, key->text),
					*section ? " in '" : "", section, *section ? "'" : "");

	elsewhere = nearest ? arena_printf(arena, "'%s'", nearest)
			    : key_elsewhere(arena, section, key->text);
	complain_at(load, layer, key,
		    elsewhere ? arena_printf(arena, "%s; did you mean %s?", what, elsewhere)
			      : arena_printf(arena, "%s; write one of %s", what,
					     words_join(arena, names, "or")));
	(void)complain_below(load, layer, value);
}

static void walk_mapping(struct load *load, struct layer *layer, const char *section,
			 const struct node *mapping);

/* value stands under key, the name of a section. */
static void walk_section(struct load *load, struct layer *layer, const struct node *key,
			 const struct node *value)
{
	if (value->problem)
		complain_at(load, layer, value, value->problem);
	if (value->kind == NODE_MAPPING)
		walk_mapping(load, layer, key->text, value);
	else if (!value->problem)
		complain_at(load, layer,
			    value->kind == NODE_SCALAR && node_is_null(value) ? key : value,
			    arena_printf(load->arena,
					 "'%s' takes keys below it; write one or more of %s",
					 key->text,
					 words_join(load->arena, known_keys(load->arena, key->text),
						    "and")));
}

static void walk_mapping(struct load *load, struct layer *layer, const char *section,
			 const struct node *mapping)
{
	const struct node *value;

	for (const struct node *key = mapping->first; key; key = value->next) {
		const struct setting *setting;

		value = key->next;
		if (!value)
			break; /* the text ended here, which is reported */
		if (key->problem) {
			complain_at(load, layer, key, key->problem);
			(void)complain_below(load, layer, value);
			continue;
		}
		setting = setting_by_key(
			*section ? arena_printf(load->arena, "%s.%s", section, key->text)
				 : key->text);
		if (setting && (*section || !strchr(key->text, '.')))
			apply_setting(load, layer, setting, key, value);
		else if (!*section && is_section(key->text))
			walk_section(load, layer, key, value);
		else
			unknown_key(load, layer, section, key, value);
	}
}

/*** Layers ***/

static void hash_text(struct load *load, const char *text, size_t len)
{
	uint8_t length[8];

	for (size_t i = 0; i < sizeof length; i++)
		length[i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
	SHA256Update(&load->sha, length, sizeof length);
	SHA256Update(&load->sha, (const uint8_t *)text, len);
}

static void load_source(struct load *load, struct layer *layer)
{
	struct yaml_tree tree;
	const char *label = layer->source.label;

	hash_text(load, layer->source.text, layer->source.len);
	profile_init(&layer->profile);
	layer->profile.name = layer->source.name;
	layer->profile.path = layer->source.path;
	if (layer->source.path)
		strv_push(load->arena, &load->result.files,
			  arena_strdup(load->arena, layer->source.path));
	yaml_tree_read(load->arena, layer->source.text, layer->source.len, &tree);
	if (tree.root && tree.root->problem)
		complain_at(load, layer, tree.root, tree.root->problem);
	if (tree.root && tree.root->kind == NODE_MAPPING)
		walk_mapping(load, layer, "", tree.root);
	else if (tree.root && tree.root->kind == NODE_SCALAR && node_is_null(tree.root))
		tree.root = NULL;
	else if (tree.root && !tree.root->problem)
		complain_at(load, layer, tree.root,
			    "a profile is a mapping; write KEY: VALUE, as in extends: [base]");
	if (tree.problem)
		complain(load, (struct origin){ label, tree.line, tree.column }, tree.problem);
	else if (!tree.root)
		complain(load, (struct origin){ label, 1, 1 },
			 "an empty profile; write at least extends: [base]");
	profile_merge(load->arena, &load->result, &layer->profile);
	layer->merged_before = load->merged;
	load->merged = layer;
}

static void load_begin(struct load *load, struct arena *arena, struct complaints *complaints)
{
	memset(load, 0, sizeof *load);
	load->arena = arena;
	load->find = source_find;
	load->complaints = complaints;
	profile_init(&load->result);
	SHA256Init(&load->sha);
}

/* first may be NULL when it could not be read, which is then a complaint. */
static int load_end(struct load *load, const struct layer *first, struct profile *ret_profile,
		    struct err *reterr)
{
	if (load->first_complaint)
		return err_msg(reterr, E_PROFILE, "%s", load->first_complaint);
	load->result.name = first->source.name;
	load->result.path = first->source.path;
	(void)SHA256End(&load->sha, load->result.sha256); /* returns its buffer */
	*ret_profile = load->result;
	return 0;
}

/* Loads name and lays grants (may be NULL) on top. */
static int load_named(struct load *load, const char *name, const struct profile *grants,
		      struct profile *ret_profile, struct err *reterr)
{
	struct layer *first = arena_alloc(load->arena, sizeof *first);
	const char *why = NULL;

	if (load->find(load->arena, name, &first->source, &why) < 0)
		complain(load, (struct origin){ 0 }, why);
	else
		load_source(load, first);
	if (grants) {
		for (size_t i = 0; i < grants->extends.len; i++)
			load_extended(load, NULL, (struct origin){ "command line", 0, 0 },
				      grants->extends.items[i]);
		profile_merge(load->arena, &load->result, grants);
	}
	return load_end(load, first, ret_profile, reterr);
}

/*** Shipped profiles ***/

/* The shipped profile of that name, or NULL when there is none or files have a say in it. */
static const struct profile *find_shipped(const char *name)
{
	for (size_t i = 0; i < shipped_profiles_len; i++) {
		const struct profile *profile = &shipped_profiles[i];

		if (strcmp(profile->name, name) == 0)
			return source_is_shadowed(name, &profile->extends) ? NULL : profile;
	}
	return NULL;
}

/* As load_named() for a shipped profile, when grants extends nothing. */
static void copy_shipped(struct arena *arena, const struct profile *shipped, const char *name,
			 const struct profile *grants, struct profile *ret_profile)
{
	struct profile result = *shipped;

	if (grants)
		profile_merge(arena, &result, grants);
	result.name = name;
	result.path = NULL;
	memcpy(result.sha256, shipped->sha256, sizeof result.sha256);
	*ret_profile = result;
}

int profile_load_builtin(struct arena *arena, const char *name, struct profile *ret_profile,
			 struct complaints *complaints, struct err *reterr)
{
	struct load load;

	load_begin(&load, arena, complaints);
	load.find = source_find_builtin;
	return load_named(&load, name, NULL, ret_profile, reterr);
}

/*** Loading ***/

int profile_load_command(struct arena *arena, const char *name, const struct profile *grants,
			 struct profile *ret_profile, struct complaints *complaints,
			 struct err *reterr)
{
	const char *asked = name ? name : "default";
	bool is_extended = grants && grants->extends.len > 0;
	const struct profile *shipped = is_extended ? NULL : find_shipped(asked);
	struct load load;

	if (shipped) {
		copy_shipped(arena, shipped, asked, grants, ret_profile);
		return 0;
	}
	load_begin(&load, arena, complaints);
	return load_named(&load, asked, grants, ret_profile, reterr);
}

int profile_load(struct arena *arena, const char *name, struct profile *ret_profile,
		 struct complaints *complaints, struct err *reterr)
{
	return profile_load_command(arena, name, NULL, ret_profile, complaints, reterr);
}

int profile_load_file(struct arena *arena, const char *file, struct profile *ret_profile,
		      struct complaints *complaints, struct err *reterr)
{
	struct load load;
	struct layer *first = arena_alloc(arena, sizeof *first);
	const char *why = NULL;
	int r;

	load_begin(&load, arena, complaints);
	r = strcmp(file, "-") == 0 ? source_read_stdin(arena, &first->source, &why)
				   : source_read_file(arena, file, &first->source, &why);
	if (r < 0)
		complain(&load, (struct origin){ word_printable(arena, file), 0, 0 }, why);
	else
		load_source(&load, first);
	return load_end(&load, first, ret_profile, reterr);
}

int profile_parse(struct arena *arena, const char *file, const char *text, size_t len,
		  struct profile *ret_profile, struct complaints *complaints, struct err *reterr)
{
	struct load load;
	struct layer *first = arena_alloc(arena, sizeof *first);

	load_begin(&load, arena, complaints);
	first->source = (struct source){ .name = file, .label = file, .text = text, .len = len };
	load_source(&load, first);
	return load_end(&load, first, ret_profile, reterr);
}
