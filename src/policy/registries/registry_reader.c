/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What reading the configuration of each tool shares: see registry_reader.h. */
#include "policy/registries/registry_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "policy/lists.h"
#include "policy/paths.h"
#include "policy/urls.h"
#include "policy/words.h"

enum {
	FILE_BYTES_MAX = 1 << 20,
	NOTE_BYTES = 512,
	HOSTS_MAX = 256,    /* of all tools */
	LIST_URLS_MAX = 64, /* of one list */
	VALUE_BYTES_MAX = 4096,
};

/*** Places ***/

const char *reader_env(const struct registry_reader *reader, const char *name)
{
	size_t len = strlen(name);

	for (char *const *at = reader->places->environment; *at; at++) {
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
			return (*at)[len + 1] ? *at + len + 1 : NULL;
	}
	return NULL;
}

const char *reader_env_path(const struct registry_reader *reader, const char *name)
{
	const char *path = reader_env(reader, name);

	if (!path || path[0] == '/')
		return path;
	reader_note(reader, name,
		    "%s is relative and not looked for; what the working directory holds grants "
		    "no host",
		    word_quote(reader->arena, path));
	return NULL;
}

/* Whether it fits. */
static bool append(char buf[VALUE_BYTES_MAX], size_t *len, const char *text, size_t text_len)
{
	if (text_len >= VALUE_BYTES_MAX - *len)
		return false;
	memcpy(buf + *len, text, text_len);
	*len += text_len;
	buf[*len] = '\0';
	return true;
}

const char *reader_expand(const struct registry_reader *reader, const char *text, const char *open)
{
	char buf[VALUE_BYTES_MAX] = "";
	size_t len = 0, open_len = strlen(open);
	const char *at = text;

	for (;;) {
		const char *start = strstr(at, open), *end = start ? strchr(start, '}') : NULL;
		const char *value = NULL;

		if (!append(buf, &len, at, end ? (size_t)(start - at) : strlen(at)))
			return text;
		if (!end)
			return arena_strdup(reader->arena, buf);
		if (start == text || start[-1] != '\\')
			value = reader_env(reader, arena_strndup(reader->arena, start + open_len,
								 (size_t)(end - start) - open_len));
		at = end + 1;
		if (!append(buf, &len, value ? value : start,
			    value ? strlen(value) : (size_t)(at - start)))
			return text;
	}
}

const char *reader_root(const struct registry_reader *reader, const char *path)
{
	return arena_printf(reader->arena, "%s%s", reader->places->root, path);
}

const char *reader_config(const struct registry_reader *reader, const char *rest)
{
	const char *config = reader_env(reader, "XDG_CONFIG_HOME");

	/* the XDG specification: relative paths are to be ignored */
	if (config && config[0] == '/')
		return path_join(reader->arena, config, rest);
	return arena_printf(reader->arena, "%s/.config/%s", reader->places->home, rest);
}

/* path for people: ~ for the home, without a test's root. */
static const char *label_of(const struct registry_reader *reader, const char *path)
{
	const char *home = reader->places->home, *root = reader->places->root;

	if (home[0] == '/' && home[1] && path_is_below(path, home))
		path = arena_printf(reader->arena, "~/%s", path_rest(path, home));
	else if (*root && path_is_below(path, root))
		path += strlen(root);
	return word_printable(reader->arena, path);
}

/*** Files ***/

/*
 * Whether nothing stands at a path that open failed for. In a directory that the caller
 * may not search (HOME of another user) the tool finds nothing either; a file that exists
 * and cannot be read is an error, never skipped.
 */
static bool is_missing(const char *path, int open_errno)
{
	struct stat status;

	return open_errno == ENOENT || open_errno == ENOTDIR ||
	       (open_errno == EACCES && stat(path, &status) < 0);
}

/* /dev/null is how a tool is told to read no file. */
static bool is_null_device(const struct stat *status)
{
	struct stat null;

	return S_ISCHR(status->st_mode) && stat("/dev/null", &null) == 0 &&
	       null.st_rdev == status->st_rdev;
}

/* The file's text, or NULL. */
static char *read_text(const struct registry_reader *reader, int fd, size_t size, const char *label)
{
	char *text;
	ssize_t len = arena_read(reader->arena, fd, size, FILE_BYTES_MAX, &text);

	if (len < 0)
		(void)err_set(reader->reterr, E_GRANT, (int)-len, "read", label);
	else if (len > FILE_BYTES_MAX)
		(void)err_msg(reader->reterr, E_GRANT,
			      "%s: larger than 1 MiB; no configuration is that long", label);
	else if (memchr(text, '\0', (size_t)len))
		(void)err_msg(reader->reterr, E_GRANT, "%s: has a NUL byte, so it is no text",
			      label);
	else
		return text;
	return NULL;
}

int reader_open(const struct registry_reader *reader, const char *path,
		struct config_file *ret_file)
{
	/* O_NONBLOCK: a fifo must not hold us; O_NOCTTY: nor a terminal adopt us */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int saved = errno;
	const char *label = label_of(reader, path);
	struct stat status;

	if (fd < 0 && is_missing(path, saved)) {
		strv_push_new(reader->arena, &reader->found->absent,
			      arena_strdup(reader->arena, path));
		return 0;
	}
	if (fd < 0)
		return err_set(reader->reterr, E_GRANT, saved, "open", label);
	if (fstat(fd, &status) < 0)
		return err_set(reader->reterr, E_GRANT, errno, "inspect", label);
	if (is_null_device(&status))
		return 0;
	if (!S_ISREG(status.st_mode))
		return err_msg(reader->reterr, E_GRANT,
			       "%s: not a file, so it names no registry of %s", label,
			       reader->tool);
	char *text = read_text(reader, fd, (size_t)status.st_size, label);
	if (!text)
		return -EINVAL;
	strv_push_new(reader->arena, &reader->found->files, arena_strdup(reader->arena, path));
	*ret_file = (struct config_file){ .label = label, .text = text, .next = text };
	return 1;
}

char *config_line(struct config_file *file)
{
	char *line = file->next;
	size_t len = strcspn(line, "\n");

	if (!*line)
		return NULL;
	file->next = line + len + (line[len] == '\n');
	file->line++;
	line[len] = '\0';
	if (len > 0 && line[len - 1] == '\r')
		line[len - 1] = '\0';
	return line;
}

const char *config_why(const struct registry_reader *reader, const struct config_file *file)
{
	return arena_printf(reader->arena, "%s:%d", file->label, file->line);
}

char *config_trim(char *text)
{
	static const char blanks[] = " \t\r\n\f\v";
	size_t len;

	text += strspn(text, blanks);
	len = strlen(text);
	while (len > 0 && strchr(blanks, text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

/*** Values ***/

void values_put(struct arena *arena, struct config_values *values, const char *key,
		const char *value, const char *why)
{
	struct config_value found = { key, value, why };

	for (size_t i = 0; i < values->len; i++) {
		if (strcmp(values->items[i].key, key) == 0) {
			values->items[i] = found;
			return;
		}
	}
	(void)LIST_GROW(arena, values);
	values->items[values->len++] = found;
}

const struct config_value *values_get(const struct config_values *values, const char *key)
{
	for (size_t i = 0; i < values->len; i++) {
		if (strcmp(values->items[i].key, key) == 0)
			return *values->items[i].value ? &values->items[i] : NULL;
	}
	return NULL;
}

/*** Finds ***/

static int add_host(const struct registry_reader *reader, const struct url *url, const char *why)
{
	struct registries *found = reader->found;

	for (size_t i = 0; i < found->len; i++) {
		if (found->items[i].tool == reader->tool &&
		    strcmp(found->items[i].host, url->host) == 0)
			return 0;
	}
	if (found->len == HOSTS_MAX)
		return err_msg(reader->reterr, E_GRANT, "%s: more than %d hosts are named", why,
			       HOSTS_MAX);
	if (!found->items)
		found->items = arena_alloc(reader->arena, HOSTS_MAX * sizeof *found->items);
	found->items[found->len++] = (struct registry){
		.tool = reader->tool,
		.host = url->host,
		.why = why,
		.is_private = url->is_private,
	};
	return 0;
}

int reader_add_url(const struct registry_reader *reader, const char *text, const char *why,
		   const char **ret_anonymous)
{
	const char *reason = NULL;
	struct url url;

	int r = url_parse(reader->arena, text, &url, &reason);
	if (r < 0)
		return err_msg(reader->reterr, E_GRANT, "%s: %s %s", why,
			       url_quote(reader->arena, text), reason);
	if (url.kind == URL_HOST && add_host(reader, &url, why) < 0)
		return -EINVAL;
	if (url.kind == URL_OTHER)
		reader_note(reader, why, "%s is not granted: %s", url_quote(reader->arena, text),
			    strchr(text, '$') ? "it has a variable in it"
					      : "only http, https, ssh and git lead to a host");
	if (ret_anonymous)
		*ret_anonymous = url.anonymous;
	return 0;
}

int reader_add_urls(const struct registry_reader *reader, const char *urls, const char *separators,
		    const char *why, const char **ret_anonymous)
{
	const char *list = "";
	size_t found = 0;

	for (const char *at = urls; *at;) {
		size_t gap = strspn(at, separators), len = strcspn(at + gap, separators);
		const char *anonymous = "";

		if (len > 0 && found++ == LIST_URLS_MAX)
			return err_msg(reader->reterr, E_GRANT, "%s: more than %d URLs in a list",
				       why, LIST_URLS_MAX);
		if (len > 0) {
			int r = reader_add_url(reader, arena_strndup(reader->arena, at + gap, len),
					       why, &anonymous);
			if (r < 0)
				return r;
		}
		list = arena_printf(reader->arena, "%s%.*s%s", list, (int)gap, at, anonymous);
		at += gap + len;
	}
	if (ret_anonymous)
		*ret_anonymous = list;
	return 0;
}

void reader_set_env(const struct registry_reader *reader, const char *name, const char *value)
{
	strv_push_env(reader->arena, &reader->found->env,
		      arena_printf(reader->arena, "%s=%s", name, value));
}

void reader_note(const struct registry_reader *reader, const char *why, const char *fmt, ...)
{
	char text[NOTE_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* too long a note is cut */
	va_end(args);
	strv_push_new(reader->arena, &reader->found->notes,
		      arena_printf(reader->arena, "%s: %s: %s", reader->tool, why, text));
}

void reader_note_proxy(const struct registry_reader *reader, const struct config_value *value)
{
	if (value && strcmp(value->value, "null") != 0 && strcmp(value->value, "false") != 0)
		reader_note(reader, value->why,
			    "proxy %s is not granted, for it leads to every host; use "
			    "--allow-host if that is meant",
			    url_quote(reader->arena, value->value));
}
