/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maven's repositories: settings.xml. */
#include <errno.h>
#include <expat.h>
#include <stdbool.h>
#include <string.h>

#include "policy/registries/registry_reader.h"

enum {
	DEPTH_MAX = 32,
	TEXT_BYTES_MAX = 4096, /* of one element that is looked at */
};

/* Elements whose <url> names a host; a proxy's <host> is noted. */
static const char *const holders[] = { "mirror", "repository", "pluginRepository", "proxy" };

struct settings_parser {
	const struct registry_reader *reader;
	XML_Parser expat;
	struct config_file *file;
	size_t depth;
	const char *holder; /* element of holders that is open, or NULL */
	size_t holder_depth;
	const char *field; /* "url", "host", "blocked" or "active": of the holder, open */
	char text[TEXT_BYTES_MAX];
	size_t text_len;
	const char *url;
	const char *url_why;
	bool is_off; /* <blocked>true</blocked>, <active>false</active> */
	int result;
};

static void stop(struct settings_parser *parser, int r)
{
	parser->result = r;
	(void)XML_StopParser(parser->expat, XML_FALSE); /* fails only when stopped already */
}

static const char *why_of(struct settings_parser *parser)
{
	parser->file->line = (int)XML_GetCurrentLineNumber(parser->expat);
	return config_why(parser->reader, parser->file);
}

static const char *find_name(const char *name, const char *const *names, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (strcmp(names[i], name) == 0)
			return names[i];
	}
	return NULL;
}

static void XMLCALL on_start(void *data, const char *name, const char **attributes)
{
	static const char *const fields[] = { "url", "host", "blocked", "active" };
	struct settings_parser *parser = data;

	(void)attributes;
	if (++parser->depth > DEPTH_MAX) {
		stop(parser, err_msg(parser->reader->reterr, E_GRANT,
				     "%s: elements are nested too deep", why_of(parser)));
		return;
	}
	if (!parser->holder) {
		parser->holder = find_name(name, holders, sizeof holders / sizeof *holders);
		parser->holder_depth = parser->depth;
		parser->url = NULL;
		parser->is_off = false;
		return;
	}
	parser->field = parser->depth == parser->holder_depth + 1
				? find_name(name, fields, sizeof fields / sizeof *fields)
				: NULL;
	parser->text_len = 0;
}

static void XMLCALL on_text(void *data, const char *text, int len)
{
	struct settings_parser *parser = data;

	if (!parser->field)
		return;
	if ((size_t)len >= sizeof parser->text - parser->text_len) {
		stop(parser, err_msg(parser->reader->reterr, E_GRANT, "%s: '%s' is too long",
				     why_of(parser), parser->field));
		return;
	}
	memcpy(parser->text + parser->text_len, text, (size_t)len);
	parser->text_len += (size_t)len;
}

/* The end of url, blocked and so on. */
static void end_field(struct settings_parser *parser)
{
	parser->text[parser->text_len] = '\0';
	const char *text = config_trim(parser->text);

	if (strcmp(parser->field, "url") == 0 || strcmp(parser->field, "host") == 0) {
		parser->url = arena_strdup(parser->reader->arena, text);
		parser->url_why = why_of(parser);
	} else if (strcmp(parser->field, "blocked") == 0) {
		parser->is_off = strcmp(text, "true") == 0;
	} else {
		parser->is_off = strcmp(text, "false") == 0;
	}
	parser->field = NULL;
}

static void end_holder(struct settings_parser *parser)
{
	const char *holder = parser->holder;

	parser->holder = NULL;
	if (!parser->url || !*parser->url || parser->is_off)
		return;
	if (strcmp(holder, "proxy") == 0) {
		reader_note_proxy(parser->reader,
				  &(struct config_value){ "proxy", parser->url, parser->url_why });
		return;
	}
	int r = reader_add_url(parser->reader, reader_expand(parser->reader, parser->url, "${env."),
			       parser->url_why, NULL);
	if (r < 0)
		stop(parser, r);
}

static void XMLCALL on_end(void *data, const char *name)
{
	struct settings_parser *parser = data;

	(void)name;
	if (parser->field)
		end_field(parser);
	else if (parser->holder && parser->depth == parser->holder_depth)
		end_holder(parser);
	parser->depth--;
}

static int parse(const struct registry_reader *reader, struct config_file *file)
{
	struct settings_parser parser = { .reader = reader, .file = file };

	parser.expat = XML_ParserCreate(NULL);
	if (!parser.expat)
		return err_set(reader->reterr, E_SYSTEM, ENOMEM, "parse", file->label);
	XML_SetUserData(parser.expat, &parser);
	XML_SetElementHandler(parser.expat, on_start, on_end);
	XML_SetCharacterDataHandler(parser.expat, on_text);
	/* no handler for external entities: expat then reads none */
	enum XML_Status status =
		XML_Parse(parser.expat, file->text, (int)strlen(file->text), /* isFinal= */ 1);
	if (status != XML_STATUS_OK && parser.result == 0)
		parser.result = err_msg(reader->reterr, E_GRANT, "%s: not XML: %s", why_of(&parser),
					XML_ErrorString(XML_GetErrorCode(parser.expat)));
	XML_ParserFree(parser.expat);
	return parser.result;
}

static int read_file(const struct registry_reader *reader, const char *path, bool is_in_box)
{
	size_t before = reader->found->len;
	struct config_file file;

	int r = reader_open(reader, path, &file);
	if (r <= 0)
		return r;
	r = parse(reader, &file);
	if (r == 0 && reader->found->len > before && !is_in_box)
		reader_note(reader, file.label,
			    "maven takes it from a file only; show it the file with --ro, if it "
			    "holds no secret");
	return r;
}

int registries_maven(const struct registry_reader *reader)
{
	int r = read_file(reader, reader_root(reader, "/etc/maven/settings.xml"), true);

	if (r < 0)
		return r;
	return read_file(reader,
			 arena_printf(reader->arena, "%s/.m2/settings.xml", reader->places->home),
			 false);
}
