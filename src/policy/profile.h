/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A profile: what a box may have, as the user wrote it.
 *
 * Loading is pure apart from reading the named files: nothing is resolved
 * against the host here (plan.h does that). A command line is a profile too:
 * every option sets the field its key sets (schema.h).
 */
#ifndef AISBX_POLICY_PROFILE_H
#define AISBX_POLICY_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* Where a line of a profile stands; file is "command line" for options. */
struct origin {
	const char *file;
	int line; /* from 1; 0: none */
	int column;
};

/* A grant of a path as written. */
struct path_spec {
	const char *source; /* may be relative or begin with ~ */
	const char *dest;   /* NULL: same as source */
	bool optional;	    /* written with a leading -: skipped when missing */
	struct origin at;
};

struct path_list {
	struct path_spec *items;
	size_t len;
	size_t cap;
};

/* A grant of hosts as written, or a port to publish. */
struct host_spec {
	const char *text; /* HOST[:PORTS], checked; [ADDR:]PORT[:BOXPORT] */
	bool tls_any;	  /* written with tls: any */
	struct origin at;
};

struct host_list {
	struct host_spec *items;
	size_t len;
	size_t cap;
};

struct json_schema;

/* What of its own a call may add to a binding's command. */
enum binding_args {
	BINDING_ARGS_NONE,   /* nothing: arguments are refused */
	BINDING_ARGS_FIXED,  /* nothing: arguments are dropped */
	BINDING_ARGS_APPEND, /* its arguments, after -- */
};

/* A program of the host's that the box may call by a name, as written. */
struct binding_spec {
	const char *name;
	struct strv command; /* empty: the built-in binding of that name */
	uint64_t timeout_ms; /* LIMIT_UNSET: the default; LIMIT_NONE */
	uint64_t max_input;  /* bytes */
	uint64_t max_output; /* bytes */
	uint64_t max_calls;
	enum binding_args args;
	struct strv env;	 /* NAME or NAME=VALUE */
	const char *schema_file; /* of these three one at most */
	struct strv schema_command;
	const struct json_schema *schema;
	struct origin at;
};

struct binding_list {
	struct binding_spec *items;
	size_t len;
	size_t cap;
};

/* A secret as written, checked. */
struct secret_spec {
	const char *name;
	const char *source;  /* env:VAR, file:PATH, fd:N, command:WORDS */
	struct strv hosts;   /* HOST[:PORT] */
	const char *header;  /* "Authorization: Bearer {}"; NULL: none */
	struct strv methods; /* none: any */
	struct strv paths;   /* the same */
	struct strv also;    /* "url", "body" */
	const char *prefix;  /* NULL: none */
	struct origin at;
};

struct secret_list {
	struct secret_spec *items;
	size_t len;
	size_t cap;
};

/* A rule of network.http as written: HOST[:PORT] METHOD PATH, checked. */
struct http_spec {
	const char *text;
	struct origin at;
};

struct http_list {
	struct http_spec *items;
	size_t len;
	size_t cap;
};

/* Limits: LIMIT_UNSET takes the value of the extended profile, LIMIT_NONE lifts it. */
#define LIMIT_UNSET UINT64_MAX
#define LIMIT_NONE  (UINT64_MAX - 1)

/* What of the output stays when it is longer than its limit: flags. */
enum keep {
	KEEP_UNSET = 0,
	KEEP_HEAD = 1 << 0, /* alone: the box is ended there */
	KEEP_TAIL = 1 << 1, /* the command runs on; its last bytes go out at the end */
};

/* Of limits.cpus: one processor. */
#define SHARE_WHOLE 1000

struct limits {
	uint64_t memory;     /* bytes */
	uint64_t cpu_ms;     /* milliseconds */
	uint64_t cpus;	     /* thousandths of a processor */
	uint64_t wall_ms;    /* milliseconds */
	uint64_t grace_ms;   /* milliseconds between SIGTERM and SIGKILL */
	uint64_t processes;  /* tasks, threads included */
	uint64_t tmp;	     /* bytes, all private files together */
	uint64_t file_size;  /* bytes */
	uint64_t disk;	     /* bytes, written to write grants by all together */
	uint64_t output;     /* bytes, stdout and stderr together */
	unsigned keep;	     /* of output: enum keep */
	uint64_t open_files; /* descriptors per process */
	uint64_t io_weight;  /* against other cgroups: 1 to 10000, the kernel's default is 100 */
};

enum encoding {
	ENCODING_UNSET,
	ENCODING_UTF_8,
	ENCODING_ANY,
};

enum flip {
	FLIP_UNSET,
	FLIP_OFF,
	FLIP_ON,
};

struct profile {
	const char *name;	 /* as asked for: "python", "./my.yaml", "-" */
	const char *path;	 /* file it came from; NULL when built in or stdin */
	struct strv files;	 /* every file that was read for it */
	const char *description; /* NULL when none */
	struct strv extends;	 /* already merged, those of extended ones first; kept for show */
	struct strv interpreter; /* argv; replaced, not appended */
	struct path_list read;
	struct path_list write;
	struct path_list hide;
	struct path_list tmpfs;
	struct strv protect;  /* names that no writable grant may gain or change */
	struct strv exec;     /* empty and !exec_set: any */
	bool exec_set;	      /* an empty list means nothing may be executed */
	struct strv env_pass; /* NAME or a pattern with * */
	struct strv env_set;  /* NAME=VALUE */
	const char *chdir;    /* NULL: caller's directory, or the box's home */
	struct host_list hosts;
	struct host_list private_hosts;
	struct host_list publish;
	struct http_list http; /* HOST METHOD PATH */
	struct secret_list secrets;
	struct limits limits;
	struct binding_list bindings;
	struct strv registries;	    /* tools whose configuration names hosts to grant */
	struct strv syscalls_allow; /* names or @sets */
	struct strv syscalls_deny;
	struct strv allow_degraded; /* wall names */
	uint64_t input_max_size;    /* bytes; LIMIT_UNSET, LIMIT_NONE */
	enum encoding input_encoding;
	struct strv input_check; /* argv; replaced, not appended */
	const char *audit_file;	 /* NULL: none */
	enum flip audit_journal;
	enum flip explain_missing;
	char sha256[65]; /* of the profile's own text and all it extends, hex */
};

/* Everything unset. */
void profile_init(struct profile *profile);

/*
 * Collects every problem of one load, in the order found.
 * message is complete: "FILE:LINE:COL: what, and what to write instead".
 */
struct complaints {
	struct strv messages;
};

/*
 * Loads name: a shipped or user profile, a file (a slash in it or ending in
 * .yaml, .yml or .json), or "-" for stdin; merges what it extends.
 * User profiles are looked for in $XDG_CONFIG_HOME/aisbx/profiles (or
 * ~/.config), /etc/aisbx/profiles, then the built-in ones.
 * A FILE is relative to the working directory, also where a profile extends it.
 * Each profile is merged once, after all that it extends and before what
 * extends it: base, B, C, A when A extends [B, C] and both extend base.
 * Fails with -EINVAL when complaints is not empty afterwards; reterr then
 * holds the first one. Strings live in arena, or for ever. complaints may be NULL.
 */
int profile_load(struct arena *arena, const char *name, struct profile *ret_profile,
		 struct complaints *complaints, struct err *reterr);

/*
 * The profile of a whole command line: name (NULL: "default"), then what
 * grants extends, then grants itself (struct options). name and path are name's.
 */
int profile_load_command(struct arena *arena, const char *name, const struct profile *grants,
			 struct profile *ret_profile, struct complaints *complaints,
			 struct err *reterr);

/* As profile_load for a file, whatever its name looks like; "-" is stdin. For `check`. */
int profile_load_file(struct arena *arena, const char *file, struct profile *ret_profile,
		      struct complaints *complaints, struct err *reterr);

/* As profile_load for text in memory (file is the name in messages). For tests and fuzzing. */
int profile_parse(struct arena *arena, const char *file, const char *text, size_t len,
		  struct profile *ret_profile, struct complaints *complaints, struct err *reterr);

/*
 * Lays over on top of base: lists append what is not there yet (env_set: a
 * later value of a name replaces the earlier, as does a binding), scalars and argv override.
 * Leaves over and earlier copies of base as they are.
 */
void profile_merge(struct arena *arena, struct profile *base, const struct profile *over);

/* Text of the shipped profile of that name, NUL-terminated, or NULL. */
const char *profile_builtin(const char *name);
/* Name of the built-in profile number i, or NULL past the last. */
const char *profile_builtin_name(size_t i);

#endif
