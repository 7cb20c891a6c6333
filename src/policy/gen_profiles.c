/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Build-time program: the shipped profiles, loaded and merged, as C source on
 * stdout (shipped.h). It links the loader, so there is one reading of a profile.
 * Files of the machine that builds are not looked at.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/shipped.h"

/* What this program makes: the loader it links finds none yet. */
const struct profile shipped_profiles[1];
const size_t shipped_profiles_len;

enum {
	TABLES_MAX = 256,
};

static const char *const encoding_names[] = {
	[ENCODING_UNSET] = "ENCODING_UNSET",
	[ENCODING_UTF_8] = "ENCODING_UTF_8",
	[ENCODING_ANY] = "ENCODING_ANY",
};

/* The arrays written so far; profiles that have the same list share one. */
static struct {
	const char *type;
	char *rows;
} tables[TABLES_MAX];
static size_t tables_len;

/* A text that grows in memory. */
struct text {
	char *bytes;
	size_t len;
	FILE *stream;
};

static void text_open(struct text *text)
{
	text->stream = open_memstream(&text->bytes, &text->len);
	if (!text->stream)
		abort();
}

static char *text_close(struct text *text)
{
	if (fclose(text->stream) != 0)
		abort();
	return text->bytes;
}

static void put_string(FILE *out, const char *string)
{
	if (!string) {
		(void)fputs("NULL", out);
		return;
	}
	(void)fputc('"', out);
	for (const char *at = string; *at; at++) {
		unsigned char byte = (unsigned char)*at;

		/* octal: a hex escape would swallow digits that follow; '?' for trigraphs */
		if (byte < 32 || byte > 126 || strchr("\"\\?", byte))
			(void)fprintf(out, "\\%03o", byte);
		else
			(void)fputc(byte, out);
	}
	(void)fputc('"', out);
}

/* Number of the array with these rows, which is written when it is new. Takes rows. */
static size_t table_number(const char *type, char *rows)
{
	for (size_t i = 0; i < tables_len; i++) {
		if (strcmp(tables[i].type, type) == 0 && strcmp(tables[i].rows, rows) == 0) {
			free(rows);
			return i;
		}
	}
	if (tables_len == TABLES_MAX)
		abort();
	printf("\nstatic const %s table_%zu[] = {\n%s};\n", type, tables_len, rows);
	tables[tables_len].type = type;
	tables[tables_len].rows = rows;
	return tables_len++;
}

static void put_words(FILE *out, const char *field, const struct strv *list)
{
	struct text rows;

	if (list->len == 0)
		return;
	text_open(&rows);
	for (size_t i = 0; i < list->len; i++) {
		(void)fputc('\t', rows.stream);
		put_string(rows.stream, list->items[i]);
		(void)fputs(",\n", rows.stream);
	}
	(void)fputs("\tNULL,\n", rows.stream);
	(void)fprintf(out, "\t\t.%s = { (char **)table_%zu, %zu, %zu },\n", field,
		      table_number("char *const", text_close(&rows)), list->len, list->len + 1);
}

static void put_paths(FILE *out, const char *field, const struct path_list *list)
{
	struct text rows;

	if (list->len == 0)
		return;
	text_open(&rows);
	for (size_t i = 0; i < list->len; i++) {
		const struct path_spec *spec = &list->items[i];

		(void)fputs("\t{ ", rows.stream);
		put_string(rows.stream, spec->source);
		(void)fputs(", ", rows.stream);
		put_string(rows.stream, spec->dest);
		(void)fprintf(rows.stream, ", %s, { ", spec->optional ? "true" : "false");
		put_string(rows.stream, spec->at.file);
		(void)fprintf(rows.stream, ", %d, %d } },\n", spec->at.line, spec->at.column);
	}
	(void)fprintf(out, "\t\t.%s = { (struct path_spec *)table_%zu, %zu, %zu },\n", field,
		      table_number("struct path_spec", text_close(&rows)), list->len, list->len);
}

static void put_hosts(FILE *out, const char *field, const struct host_list *list)
{
	struct text rows;

	if (list->len == 0)
		return;
	text_open(&rows);
	for (size_t i = 0; i < list->len; i++) {
		const struct host_spec *spec = &list->items[i];

		(void)fputs("\t{ ", rows.stream);
		put_string(rows.stream, spec->text);
		(void)fprintf(rows.stream, ", %s, { ", spec->tls_any ? "true" : "false");
		put_string(rows.stream, spec->at.file);
		(void)fprintf(rows.stream, ", %d, %d } },\n", spec->at.line, spec->at.column);
	}
	(void)fprintf(out, "\t\t.%s = { (struct host_spec *)table_%zu, %zu, %zu },\n", field,
		      table_number("struct host_spec", text_close(&rows)), list->len, list->len);
}

/* What a binding runs is the caller's: no shipped profile has one. */
static void put_bindings(const struct binding_list *list)
{
	if (list->len)
		abort();
}

static void put_text(FILE *out, const char *field, const char *string)
{
	(void)fprintf(out, "\t\t.%s = ", field);
	put_string(out, string);
	(void)fputs(",\n", out);
}

static void put_number(FILE *out, const char *field, uint64_t number)
{
	if (number == LIMIT_UNSET)
		(void)fprintf(out, "\t\t.%s = LIMIT_UNSET,\n", field);
	else if (number == LIMIT_NONE)
		(void)fprintf(out, "\t\t.%s = LIMIT_NONE,\n", field);
	else
		(void)fprintf(out, "\t\t.%s = UINT64_C(%" PRIu64 "),\n", field, number);
}

/* In the order of struct profile. A field left out here fails test-profile. */
static void put_profile(FILE *out, const struct profile *profile)
{
	(void)fputs("\t{\n", out);
	put_text(out, "name", profile->name);
	put_text(out, "path", profile->path);
	put_words(out, "files", &profile->files);
	put_text(out, "description", profile->description);
	put_words(out, "extends", &profile->extends);
	put_words(out, "interpreter", &profile->interpreter);
	put_paths(out, "read", &profile->read);
	put_paths(out, "write", &profile->write);
	put_paths(out, "hide", &profile->hide);
	put_paths(out, "tmpfs", &profile->tmpfs);
	put_words(out, "protect", &profile->protect);
	put_words(out, "exec", &profile->exec);
	(void)fprintf(out, "\t\t.exec_set = %s,\n", profile->exec_set ? "true" : "false");
	put_words(out, "env_pass", &profile->env_pass);
	put_words(out, "env_set", &profile->env_set);
	put_text(out, "chdir", profile->chdir);
	put_hosts(out, "hosts", &profile->hosts);
	put_hosts(out, "private_hosts", &profile->private_hosts);
	put_hosts(out, "publish", &profile->publish);
	if (profile->http.len || profile->secrets.len)
		abort(); /* what is shipped holds no secrets, so nothing here writes them */
	put_number(out, "limits.memory", profile->limits.memory);
	put_number(out, "limits.cpu_ms", profile->limits.cpu_ms);
	put_number(out, "limits.cpus", profile->limits.cpus);
	put_number(out, "limits.wall_ms", profile->limits.wall_ms);
	put_number(out, "limits.grace_ms", profile->limits.grace_ms);
	put_number(out, "limits.processes", profile->limits.processes);
	put_number(out, "limits.tmp", profile->limits.tmp);
	put_number(out, "limits.file_size", profile->limits.file_size);
	put_number(out, "limits.disk", profile->limits.disk);
	put_number(out, "limits.output", profile->limits.output);
	(void)fprintf(out, "\t\t.limits.keep = %u,\n", profile->limits.keep);
	put_number(out, "limits.open_files", profile->limits.open_files);
	put_number(out, "limits.io_weight", profile->limits.io_weight);
	put_bindings(&profile->bindings);
	put_words(out, "registries", &profile->registries);
	put_words(out, "syscalls_allow", &profile->syscalls_allow);
	put_words(out, "syscalls_deny", &profile->syscalls_deny);
	put_words(out, "allow_degraded", &profile->allow_degraded);
	put_number(out, "input_max_size", profile->input_max_size);
	(void)fprintf(out, "\t\t.input_encoding = %s,\n", encoding_names[profile->input_encoding]);
	put_words(out, "input_check", &profile->input_check);
	put_text(out, "audit_file", profile->audit_file);
	(void)fprintf(out, "\t\t.audit_journal = %d,\n", (int)profile->audit_journal);
	put_text(out, "sha256", profile->sha256);
	(void)fputs("\t},\n", out);
}

int main(void)
{
	struct arena arena = { 0 };
	struct text profiles;

	printf("/* Generated by src/policy/gen_profiles.c from profiles/: do not edit. */\n"
	       "#include \"policy/shipped.h\"\n");
	text_open(&profiles);
	for (size_t i = 0; profile_builtin_name(i); i++) {
		struct complaints complaints = { 0 };
		struct profile profile;
		struct err err;

		if (profile_load_builtin(&arena, profile_builtin_name(i), &profile, &complaints,
					 &err) == 0) {
			put_profile(profiles.stream, &profile);
			continue;
		}
		for (size_t j = 0; j < complaints.messages.len; j++)
			(void)fprintf(stderr, "%s\n", complaints.messages.items[j]);
		return 1;
	}
	printf("\nconst struct profile shipped_profiles[] = {\n%s};\n"
	       "const size_t shipped_profiles_len ="
	       " sizeof shipped_profiles / sizeof shipped_profiles[0];\n",
	       text_close(&profiles));
	return fflush(stdout) == 0 ? 0 : 1;
}
