/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of `run`, `show` and `why`: see options.h. */
#include "cli/options.h"

#include <errno.h>
#include <string.h>

#include "policy/schema.h"
#include "policy/values.h"
#include "policy/words.h"

enum {
	HELP_WIDTH = 80,
	HELP_INDENT = 28,
};

#define FIELD(name) offsetof(struct options, name)
#define BOTH	    (FOR_RUN | FOR_SHOW | FOR_WHY)
#define ALL	    (BOTH | FOR_LEARN)

/* clang-format off */
const struct own_option own_options[] = {
	{ "path", 0, "PATH",
	  "whether the box can read PATH", FIELD(path), FOR_WHY },
	{ "write", 0, NULL,
	  "whether it can write it", FIELD(write), FOR_WHY },
	{ "host", 0, "HOST[:PORT]",
	  "whether it can connect to HOST, at port 443 without one", FIELD(host), FOR_WHY },
	{ "syscall", 0, "NAME",
	  "whether it can make the system call NAME", FIELD(syscall), FOR_WHY },
	{ "profile", 'p', "NAME|FILE|-",
	  "profile to use: a name, a file (with a slash or ending in .yaml), or - for stdin",
	  FIELD(profile), ALL },
	{ NULL, 'c', "TEXT",
	  "run TEXT with the profile's interpreter", FIELD(code), BOTH },
	{ "script", 0, "FILE",
	  "run the code in FILE with the profile's interpreter", FIELD(script), BOTH },
	{ "result", 0, "FILE|fd:N",
	  "write how the run ended as one JSON object", FIELD(result), BOTH },
	{ "published", 0, "FILE|fd:N",
	  "write the published ports as one JSON object as soon as they are open",
	  FIELD(published), BOTH },
	{ "json", 0, NULL,
	  "write JSON", FIELD(json), FOR_SHOW | FOR_WHY },
	{ "timing", 0, NULL,
	  "say on stderr what each step took", FIELD(timing), FOR_RUN },
	{ "output", 'o', "FILE",
	  "write the proposal to FILE instead of stdout", FIELD(output), FOR_LEARN },
	{ "update", 0, "PROFILE",
	  "show what PROFILE lacks, as a unified diff of it", FIELD(update), FOR_LEARN },
	{ "quiet", 'q', NULL,
	  "no messages but errors", FIELD(quiet), ALL },
	{ "verbose", 'v', NULL,
	  "say on stderr what is done", FIELD(verbose), ALL },
};
/* clang-format on */
const size_t own_options_len = sizeof own_options / sizeof own_options[0];

/* learn proposes the others. */
static bool is_for(const struct setting *setting, unsigned commands)
{
	static const char *const of_learn[] = { "files.read",	   "files.write",   "files.hide",
						"env.pass",	   "env.set",	    "network.hosts",
						"network.private", "allow_degraded" };

	if (!(commands & FOR_LEARN))
		return true;
	if (strncmp(setting->key, "limits.", strlen("limits.")) == 0)
		return strcmp(setting->key, "limits.disk") != 0; /* nothing gets there */
	for (size_t i = 0; i < sizeof of_learn / sizeof *of_learn; i++) {
		if (strcmp(setting->key, of_learn[i]) == 0)
			return true;
	}
	return false;
}

/* One option as found on the command line. */
struct found {
	const char *shown;	       /* as the user wrote it, without a value: "--memory", "-m" */
	const char *attached;	       /* value in the same word, or NULL */
	const struct setting *setting; /* one of these two, or neither when unknown */
	const struct own_option *own;
};

static const struct own_option *own_by_name(const char *name, size_t len, unsigned commands)
{
	for (size_t i = 0; i < own_options_len; i++) {
		const struct own_option *own = &own_options[i];

		if ((own->commands & commands) && own->name && strlen(own->name) == len &&
		    memcmp(own->name, name, len) == 0)
			return own;
	}
	return NULL;
}

static const struct own_option *own_by_letter(char letter, unsigned commands)
{
	for (size_t i = 0; i < own_options_len; i++) {
		if ((own_options[i].commands & commands) && letter &&
		    own_options[i].short_name == letter)
			return &own_options[i];
	}
	return NULL;
}

/* word begins with - and is neither "-" nor "--". */
static struct found find_option(struct arena *arena, const char *word, unsigned commands)
{
	struct found found = { 0 };

	if (word[1] == '-') {
		const char *name = word + 2;
		size_t len = strcspn(name, "=");

		found.shown = arena_strndup(arena, word, len + 2);
		found.attached = name[len] ? name + len + 1 : NULL;
		found.own = own_by_name(name, len, commands);
		if (!found.own)
			found.setting = setting_by_option(name, len);
	} else {
		found.shown = arena_strndup(arena, word, 2);
		found.attached = word[2] ? word + 2 : NULL;
		found.own = own_by_letter(word[1], commands);
		if (!found.own)
			found.setting = setting_by_short_option(word[1]);
	}
	return found;
}

/* The long names of all options. */
static const char *const *known_names(struct arena *arena, unsigned commands)
{
	const char **names =
		arena_alloc(arena, (own_options_len + settings_len + 1) * sizeof *names);
	size_t len = 0;

	for (size_t i = 0; i < own_options_len; i++) {
		if ((own_options[i].commands & commands) && own_options[i].name)
			names[len++] = own_options[i].name;
	}
	for (size_t i = 0; i < settings_len; i++) {
		if (settings[i].option && is_for(&settings[i], commands))
			names[len++] = settings[i].option;
	}
	return names;
}

/* The option of a key that has word as its last part: "wall" is --timeout. */
static const char *option_of_key(const char *word)
{
	for (size_t i = 0; i < settings_len; i++) {
		const char *dot = strrchr(settings[i].key, '.');

		if (settings[i].option && strcmp(dot ? dot + 1 : settings[i].key, word) == 0)
			return settings[i].option;
	}
	return NULL;
}

static int unknown_option(struct arena *arena, const char *shown, unsigned commands,
			  struct err *reterr)
{
	const char *name = shown[1] == '-' ? shown + 2 : shown + 1;
	const char *nearest = nearest_name(name, known_names(arena, commands));
	const char *command = commands & FOR_RUN    ? "run"
			      : commands & FOR_SHOW ? "show"
			      : commands & FOR_WHY  ? "why"
						    : "learn";

	if (!nearest)
		nearest = option_of_key(name);
	if (nearest)
		return err_msg(reterr, E_USAGE, "unknown option %s; did you mean '--%s'?",
			       word_quote(arena, shown), nearest);
	return err_msg(reterr, E_USAGE, "unknown option %s; 'aisbx help %s' lists them",
		       word_quote(arena, shown), command);
}

static int apply_own(struct arena *arena, const struct found *found, const char *value,
		     struct options *options, struct err *reterr)
{
	void *field = (char *)options + found->own->offset;
	const char *why = NULL;

	if (!found->own->argument) {
		*(bool *)field = true;
		return 0;
	}
	if (found->own->offset == FIELD(result) || found->own->offset == FIELD(published))
		why = value_check_sink(arena, value);
	else if (found->own->offset != FIELD(code) && !*value)
		why = arena_printf(arena, "an empty value; write %s", found->own->argument);
	if (why)
		return err_msg(reterr, E_USAGE, "option '%s': %s", found->shown, why);
	*(const char **)field = value;
	if (options->code && options->script)
		return err_msg(
			reterr, E_USAGE,
			"option '-c' and option '--script' both give code; write one of them");
	return 0;
}

static int apply_found(struct arena *arena, const struct found *found, const char *value,
		       struct options *options, struct err *reterr)
{
	static const struct origin command_line = { "command line", 0, 0 };
	const struct setting *setting;
	const char *why = NULL;

	if (found->own)
		return apply_own(arena, found, value, options, reterr);
	setting = setting_for_value(found->setting, value);
	if (setting->type == SETTING_SWITCH)
		value = "true";
	if (setting_apply(arena, setting, value, command_line, &options->grants, &why) < 0)
		return err_msg(reterr, E_USAGE, "option '%s': %s", found->shown, why);
	return 0;
}

/* The option at argv[i]. Returns the words it takes, or -EINVAL. */
static int parse_option(struct arena *arena, int argc, char **argv, int i, unsigned commands,
			struct options *options, struct err *reterr)
{
	struct found found = find_option(arena, argv[i], commands);
	const char *value = found.attached;
	int words = 1, r;

	if (!found.own && !found.setting)
		return unknown_option(arena, found.shown, commands, reterr);
	if (found.setting && !is_for(found.setting, commands))
		return err_msg(reterr, E_USAGE, "learn does not take '%s'; add it to the proposal",
			       found.shown);
	const char *argument = !found.own ? found.setting->argument : found.own->argument;
	if (!argument) {
		if (value)
			return err_msg(reterr, E_USAGE,
				       "option '%s' takes no value; write it alone", found.shown);
		value = ""; /* a flag needs none */
	} else if (!value) {
		if (i + 1 >= argc)
			return err_msg(reterr, E_USAGE, "option '%s' has no value; write %s %s",
				       found.shown, found.shown, argument);
		value = argv[i + 1];
		words = 2;
	}
	r = apply_found(arena, &found, value, options, reterr);
	return r < 0 ? r : words;
}

static bool has_end(int argc, char **argv, int i)
{
	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	return i < argc;
}

/*
 * --result from argv[i] on, where the options went wrong: else a reader would take what an
 * earlier run wrote for this one's. A word that may be an unknown option's value or the command
 * is the former where "--" stands behind it.
 */
static void find_result(struct arena *arena, int argc, char **argv, int i, unsigned commands,
			struct options *options)
{
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		bool is_option = argv[i][0] == '-' && argv[i][1];
		struct found found = { 0 };

		if (is_option)
			found = find_option(arena, argv[i], commands);
		else if (!has_end(argc, argv, i))
			return;
		bool takes_value = (found.setting && found.setting->argument) ||
				   (found.own && found.own->argument);
		if (!takes_value)
			continue;
		const char *value = found.attached ? found.attached : argv[++i];
		if (found.own && found.own->offset == FIELD(result) && value &&
		    !value_check_sink(arena, value))
			options->result = value;
	}
}

int options_parse(struct arena *arena, int argc, char **argv, enum options_for options_for,
		  struct options *ret, struct err *reterr)
{
	int i = argc > 0 ? 1 : 0;
	int words = 0;

	*ret = (struct options){ .command = argv + argc };
	profile_init(&ret->grants);
	while (i < argc && argv[i][0] == '-' && argv[i][1]) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		words = parse_option(arena, argc, argv, i, options_for, ret, reterr);
		if (words < 0) {
			find_result(arena, argc, argv, i, options_for, ret);
			return words;
		}
		i += words;
	}
	ret->command = argv + i;
	ret->command_len = (size_t)(argc - i);
	return 0;
}

/*** Help ***/

/* Writes text wrapped between HELP_INDENT and HELP_WIDTH; column is where the line stands. */
static void print_wrapped(FILE *out, size_t column, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > HELP_INDENT && column + 1 + len >= HELP_WIDTH) {
			(void)fputc('\n', out); /* the caller checks out when all is written */
			column = 0;
		}
		if (column < HELP_INDENT)
			(void)fprintf(out, "%*s", (int)(HELP_INDENT - column), "");
		else
			(void)fputc(' ', out);
		column = column < HELP_INDENT ? HELP_INDENT : column + 1;
		(void)fprintf(out, "%.*s", (int)len, text);
		column += len;
		text += len + (text[len] == ' ');
	}
	(void)fputc('\n', out);
}

static void print_option(FILE *out, char letter, const char *name, const char *argument,
			 const char *help)
{
	char shown[64];
	int n;

	if (letter && name)
		n = snprintf(shown, sizeof shown, "  -%c, --%s", letter, name);
	else if (letter)
		n = snprintf(shown, sizeof shown, "  -%c", letter);
	else
		n = snprintf(shown, sizeof shown, "      --%s", name);
	if (argument)
		n += snprintf(shown + n, sizeof shown - (size_t)n, " %s", argument);
	(void)fputs(shown, out);
	if (n >= HELP_INDENT - 1) {
		(void)fputc('\n', out);
		n = 0;
	}
	print_wrapped(out, (size_t)n, help);
}

void options_print_help(FILE *out, enum options_for options_for)
{
	for (size_t i = 0; i < own_options_len; i++) {
		const struct own_option *own = &own_options[i];

		if (own->commands & options_for)
			print_option(out, own->short_name, own->name, own->argument, own->help);
	}
	for (size_t i = 0; i < settings_len; i++) {
		const struct setting *setting = &settings[i];

		if (setting->option && is_for(setting, options_for))
			print_option(out, setting->short_option, setting->option, setting->argument,
				     setting->help);
	}
}
