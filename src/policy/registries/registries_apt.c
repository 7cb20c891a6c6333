/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apt's archives: one line a source (*.list), or deb822 (*.sources). */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/registries/registry_reader.h"

static const char blanks[] = " \t";

/* mirror+file:PATH names a list of mirrors on this host, an URL a line. */
static const char mirror_list[] = "mirror+file:";

static int read_mirrors(const struct registry_reader *reader, const char *path)
{
	struct config_file file;
	char *line;

	path += strncmp(path, "//", 2) == 0 ? 2 : 0;
	int r = path[0] == '/' ? reader_open(reader, reader_root(reader, path), &file) : 0;
	if (r <= 0)
		return r;
	while ((line = config_line(&file))) {
		char *url = config_trim(line);

		url[strcspn(url, blanks)] = '\0';
		if (!*url || *url == '#')
			continue;
		r = reader_add_url(reader, url, config_why(reader, &file), NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_source(const struct registry_reader *reader, const char *url, const char *why)
{
	if (strncmp(url, mirror_list, sizeof mirror_list - 1) == 0)
		return read_mirrors(reader, url + sizeof mirror_list - 1);
	return reader_add_url(reader, url, why, NULL);
}

/*** One line a source ***/

/* The URL of "deb [OPTION...] URL SUITE ...", cut out in place, or NULL. */
static char *url_of_line(char *line)
{
	char *at = config_trim(line);
	size_t len = strcspn(at, blanks);

	if (!((len == 3 && strncmp(at, "deb", len) == 0) ||
	      (len == 7 && strncmp(at, "deb-src", len) == 0)))
		return NULL;
	at += len;
	at += strspn(at, blanks);
	if (*at == '[') {
		at += strcspn(at, "]");
		at += *at == ']';
		at += strspn(at, blanks);
	}
	/* cdrom:[name with blanks]/ is of no use here and may be cut anywhere */
	at[strcspn(at, " \t#")] = '\0';
	return *at ? at : NULL;
}

static int read_list(const struct registry_reader *reader, const char *path)
{
	struct config_file file;
	char *line;

	int r = reader_open(reader, path, &file);
	if (r <= 0)
		return r;
	while ((line = config_line(&file))) {
		const char *url = url_of_line(line);

		r = url ? add_source(reader, url, config_why(reader, &file)) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/*** deb822 ***/

/* What a stanza says so far. */
struct stanza {
	struct config_values uris; /* each under its own text */
	bool is_disabled;
	bool in_uris; /* lines that continue a field go to URIs */
};

static int end_stanza(const struct registry_reader *reader, struct stanza *stanza)
{
	for (size_t i = 0; i < stanza->uris.len && !stanza->is_disabled; i++) {
		int r = add_source(reader, stanza->uris.items[i].value, stanza->uris.items[i].why);
		if (r < 0)
			return r;
	}
	*stanza = (struct stanza){ 0 };
	return 0;
}

static void add_uris(const struct registry_reader *reader, struct stanza *stanza, const char *text,
		     const char *why)
{
	for (const char *at = text + strspn(text, blanks); *at;) {
		size_t len = strcspn(at, blanks);
		const char *uri = arena_strndup(reader->arena, at, len);

		values_put(reader->arena, &stanza->uris, uri, uri, why);
		at += len;
		at += strspn(at, blanks);
	}
}

static void take_field(const struct registry_reader *reader, struct stanza *stanza, char *line,
		       const char *why)
{
	char *colon = strchr(line, ':');

	stanza->in_uris = false;
	if (!colon)
		return;
	*colon = '\0';
	char *name = config_trim(line), *value = config_trim(colon + 1);
	if (strcasecmp(name, "URIs") == 0) {
		stanza->in_uris = true;
		add_uris(reader, stanza, value, why);
	} else if (strcasecmp(name, "Enabled") == 0) {
		stanza->is_disabled = strcasecmp(value, "no") == 0 ||
				      strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0;
	}
}

static int read_sources(const struct registry_reader *reader, const char *path)
{
	struct stanza stanza = { 0 };
	struct config_file file;
	char *line;

	int r = reader_open(reader, path, &file);
	if (r <= 0)
		return r;
	while ((line = config_line(&file))) {
		const char *why = config_why(reader, &file);

		if (line[0] == '#')
			continue;
		if (!line[strspn(line, blanks)]) {
			r = end_stanza(reader, &stanza);
			if (r < 0)
				return r;
		} else if (strchr(blanks, line[0])) {
			if (stanza.in_uris)
				add_uris(reader, &stanza, config_trim(line), why);
		} else {
			take_field(reader, &stanza, line, why);
		}
	}
	return end_stanza(reader, &stanza);
}

/*** Files ***/

/* As apt has it: letters, digits, _ - : and ., one of two endings; not hidden, no directory. */
static int is_source_file(const struct dirent *entry)
{
	static const char taken[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_-:.";
	const char *name = entry->d_name, *end = strrchr(name, '.');

	return end && name[0] != '.' && !name[strspn(name, taken)] && entry->d_type != DT_DIR &&
	       (strcmp(end, ".list") == 0 || strcmp(end, ".sources") == 0);
}

static int read_entry(const struct registry_reader *reader, const char *dir, const char *name)
{
	const char *path = arena_printf(reader->arena, "%s/%s", dir, name);

	return strcmp(strrchr(name, '.'), ".list") == 0 ? read_list(reader, path)
							: read_sources(reader, path);
}

int registries_apt(const struct registry_reader *reader)
{
	const char *dir = reader_root(reader, "/etc/apt/sources.list.d");
	struct dirent **entries = NULL;

	int r = read_list(reader, reader_root(reader, "/etc/apt/sources.list"));
	if (r < 0)
		return r;
	int len = scandir(dir, &entries, is_source_file, alphasort);
	if (len < 0)
		return errno == ENOENT ? 0 : err_set(reader->reterr, E_GRANT, errno, "list", dir);
	for (int i = 0; i < len; i++) {
		if (r == 0)
			r = read_entry(reader, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}
